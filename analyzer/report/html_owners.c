/*
 * Owners of the largest tags on the HTML page, with the evidence folded out: the best pieces, the
 * rest counted, so that the page's size stays bounded.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "analyzer/report/owner_cells.h"

static void choose(struct html *h, size_t owner)
{
	if (owner == 0)
		return;
	for (size_t i = 0; i < h->shown_count; i++) {
		if (h->shown[i] == owner - 1)
			return;
	}
	if (h->shown_count < HTML_EVIDENCE_TAGS)
		h->shown[h->shown_count++] = owner - 1;
}

static size_t owner_of_suspect(const struct report *r, uint32_t tag)
{
	for (size_t i = 0; i < r->tag_count; i++) {
		if (r->tags[i].tag == tag)
			return r->tags[i].owner;
	}
	return 0;
}

void html_choose_owners(struct html *h)
{
	const struct report *r = h->report;

	if (!r->has_owners)
		return;
	for (size_t i = 0; i < r->suspect_count; i++)
		choose(h, owner_of_suspect(r, r->suspects[i].tag));
	for (size_t i = 0; i < HTML_BARS; i++) {
		if (i < r->top_nonpaged.count)
			choose(h, r->tags[r->top_nonpaged.items[i].tag].owner);
		if (i < r->top_paged.count)
			choose(h, r->tags[r->top_paged.items[i].tag].owner);
	}
}

size_t html_evidence_of(const struct html *h, const struct report_tag *tag)
{
	for (size_t i = 0; i < h->shown_count; i++) {
		if (h->shown[i] + 1 == tag->owner)
			return i + 1;
	}
	return 0;
}

static void usage(struct html *h, const struct report_tag *tag)
{
	const char *about = trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_ABOUT);
	const struct report_side *sides[] = {&tag->nonpaged, &tag->paged};
	static const char *const names[] = {"Nonpaged", "Paged"};
	char size[SIZE_TEXT];

	for (unsigned i = 0; i < 2; i++) {
		if (sides[i]->allocs > 0 || sides[i]->bytes != 0)
			html_term(h, names[i], "%s%s in %s%" PRId64 " allocations", about,
				  format_size(sides[i]->bytes, size), about, sides[i]->diff);
	}
	if (tag->image || tag->description.value)
		html_term(h, "Listed as", "%s%s%s (%s)", tag->image ? tag->image : "",
			  tag->image && tag->description.value ? ": " : "",
			  tag->description.value ? tag->description.value : "",
			  tag->description_source ? tag->description_source : "source unknown");
}

static void version(struct html *h, const struct report_version *v)
{
	char *words;

	if (!v)
		return;
	words = version_sentence(v);
	html_element(h, "p", "%s", words ? words : "");
	if (!words && h->status == PS_OK)
		h->status = ps_fail_memory(h->err, "the HTML page");
	free(words);
}

static void evidence(struct html *h, const struct report_evidence *e)
{
	html_raw(h, "<li>");
	if (e->address.has_value) {
		html_raw(h, "<code>");
		html_put(h, "0x%016" PRIx64, e->address.value);
		html_raw(h, "</code>: ");
	}
	html_put(h, "%s", e->text);
	if (e->source && strcmp(e->source, "dump") != 0)
		html_put(h, "; read in %s", e->source);
	if (e->listing_count > 0)
		html_raw(h, "\n<pre tabindex=\"0\" aria-label=\"Disassembled lines\">");
	for (size_t i = 0; i < e->listing_count; i++) {
		html_put(h, "%s", e->listing[i]);
		html_raw(h, i + 1 < e->listing_count ? "\n" : "</pre>");
	}
	html_raw(h, "</li>\n");
}

static void candidate(struct html *h, const struct report_candidate *c)
{
	size_t shown = c->evidence_count < HTML_EVIDENCE ? c->evidence_count : HTML_EVIDENCE;
	size_t left_out = c->evidence_left_out + c->evidence_count - shown;

	html_element(h, "h4", "%s%s: %s%s", c->module, c->unloaded ? " (unloaded)" : "", c->grade,
		     c->proof ? "" : ", which is no proof");
	version(h, c->version);
	html_raw(h, "<ul>\n");
	for (size_t i = 0; i < shown; i++)
		evidence(h, &c->evidence[i]);
	html_raw(h, "</ul>\n");
	if (left_out > 0)
		html_element(h, "p class=\"note\"", "and %zu more piece%s of evidence", left_out,
			     left_out == 1 ? "" : "s");
}

static const struct report_tag *row_of(const struct report *r, size_t owner)
{
	for (size_t i = 0; i < r->tag_count; i++) {
		if (r->tags[i].owner == owner + 1)
			return &r->tags[i];
	}
	return NULL;
}

static void answer(struct html *h, const struct report_owner *owner)
{
	char *words = owner_sentence(owner);

	if (words)
		html_term(h, "Owner", "%s", words);
	else if (h->status == PS_OK)
		h->status = ps_fail_memory(h->err, "the HTML page");
	free(words);
}

static void tag_owner(struct html *h, size_t place)
{
	const struct report_owner *owner = &h->report->owners[h->shown[place]];
	const struct report_tag *tag = row_of(h->report, h->shown[place]);
	size_t count =
		owner->candidate_count < HTML_CANDIDATES ? owner->candidate_count : HTML_CANDIDATES;
	char name[TAG_TEXT];

	html_raw(h, "<details class=\"owner\" id=\"o");
	html_put(h, "%zu", place + 1);
	html_raw(h, "\"><summary><h3><code>");
	html_put(h, "%s", tag_text(owner->tag, name));
	html_raw(h, "</code> ");
	html_put(h, "%s%s%s", owner->words, owner->candidate_count ? ": " : "",
		 owner->candidate_count ? owner->candidates[0].grade : "");
	html_raw(h, "</h3></summary>\n");
	html_raw(h, "<dl>\n");
	if (tag)
		usage(h, tag);
	answer(h, owner);
	html_raw(h, "</dl>\n");
	for (size_t i = 0; i < count; i++)
		candidate(h, &owner->candidates[i]);
	if (owner->candidate_count > count)
		html_element(h, "p class=\"note\"", "and %zu more drivers with evidence",
			     owner->candidate_count - count);
	if (owner->notes.count > 0)
		html_raw(h, "<ul>\n");
	for (size_t i = 0; i < owner->notes.count; i++)
		html_element(h, "li", "%s", owner->notes.items[i]);
	if (owner->notes.count > 0)
		html_raw(h, "</ul>\n");
	html_raw(h, "</details>\n");
}

void html_owners(struct html *h)
{
	const struct report *r = h->report;

	if (!r->has_owners) {
		html_element(h, "p", "Unknown: %s.", r->owners_note);
		return;
	}
	html_element(h, "p class=\"note\"",
		     "The owner of a tag is the driver that passes it to an allocator; who makes "
		     "it grow may be another. a or b, a +2: several do. ?: weak evidence, no "
		     "proof. *: on behalf of others. In the listings > marks the call and # where "
		     "the tag is loaded.");
	for (size_t i = 0; i < h->shown_count && html_goes_on(h); i++)
		tag_owner(h, i);
	html_element(h, "p class=\"note\"",
		     "Of the largest tags; poolscope owners FILE --tag TAG prints all evidence of "
		     "any tag.");
}
