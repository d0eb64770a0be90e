/*
 * Tags on the HTML page: the largest as bars, all of them as a table, big allocations per tag.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>

#include "analyzer/report/format.h"
#include "analyzer/report/owner_cells.h"

enum { BAR_PITCH = 36 }; /* pixels from one bar to the next; page.css draws within */

static const struct report_side *side_of(const struct html *h, const struct report_line *line)
{
	const struct report_tag *tag = &h->report->tags[line->tag];

	return line->paged ? &tag->paged : &tag->nonpaged;
}

static const char *about(const struct report_tag *tag)
{
	return trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_ABOUT);
}

static const char *bound(const struct report_tag *tag)
{
	return trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
}

/* Lengths are relative to the first bar, which is the longest. */
static unsigned length_of(int64_t bytes, int64_t longest)
{
	if (bytes <= 0 || longest <= 0)
		return 0;
	return bytes >= longest ? 1000 : (unsigned)(1000.0 * (double)bytes / (double)longest);
}

/* Two lines of the drawing: words with the figure, and the bar under them. */
static void bar(struct html *h, const struct report_line *line, size_t place, int64_t longest)
{
	const struct report_tag *tag = &h->report->tags[line->tag];
	const struct report_owner *owner = owner_of_tag(h->report, tag);
	int64_t bytes = side_of(h, line)->bytes;
	char name[TAG_TEXT], size[SIZE_TEXT];

	html_raw(h, "<g data-v=\"");
	html_put(h, "%" PRId64, bytes);
	html_raw(h, "\"><title>");
	html_put(h, "%s: %s%" PRId64 " bytes", tag_text(tag->tag, name), about(tag), bytes);
	html_raw(h, "</title><text class=\"tag\" y=\"");
	html_put(h, "%zu", place * BAR_PITCH + 14);
	html_raw(h, "\">");
	html_put(h, "%s", name);
	html_raw(h, "<tspan class=\"owner\" dx=\"10\">");
	html_put(h, "%s", owner ? owner->words : "");
	html_raw(h, "</tspan></text><text class=\"figure\" x=\"100%\" y=\"");
	html_put(h, "%zu", place * BAR_PITCH + 14);
	html_raw(h, "\">");
	html_put(h, "%s%s", about(tag), format_size(bytes, size));
	if (line->has_share) {
		html_put(h, " (");
		html_permille(h, about(tag), line->share_permille);
		html_put(h, ")");
	}
	html_raw(h, "</text><rect class=\"track\" width=\"100%\" height=\"8\" y=\"");
	html_put(h, "%zu", place * BAR_PITCH + 20);
	html_raw(h, "\"/><rect class=\"fill\" height=\"8\" y=\"");
	html_put(h, "%zu", place * BAR_PITCH + 20);
	html_raw(h, "\" width=\"");
	html_permille(h, "", length_of(bytes, longest));
	html_raw(h, "\"/></g>\n");
}

static void chart(struct html *h, const char *title, const struct report_lines *lines)
{
	size_t count = lines->count < HTML_BARS ? lines->count : HTML_BARS;

	html_raw(h, "<figure>\n<figcaption><h3>");
	html_raw(h, title);
	html_raw(h, "</h3></figcaption>\n");
	if (count == 0) {
		html_raw(h, "<p>None in use.</p></figure>\n");
		return;
	}
	html_raw(h, "<svg class=\"chart\" role=\"group\" aria-label=\"");
	html_raw(h, title);
	html_raw(h, "\" width=\"100%\" height=\"");
	html_put(h, "%zu", count * BAR_PITCH);
	html_raw(h, "\">\n");
	for (size_t i = 0; i < count && html_goes_on(h); i++)
		bar(h, &lines->items[i], i, side_of(h, &lines->items[0])->bytes);
	html_raw(h, "</svg>\n</figure>\n");
}

void html_top(struct html *h)
{
	html_raw(h, "<div class=\"charts\">\n");
	chart(h, "Nonpaged pool", &h->report->top_nonpaged);
	chart(h, "Paged pool", &h->report->top_paged);
	html_raw(h, "</div>\n");
	html_element(h, "p class=\"note\"",
		     "Bars are relative to the pool's largest tag; percentages are of the pool's "
		     "sum over tags.");
}

static void owner_cell(struct html *h, const struct report_tag *tag)
{
	const struct report_owner *owner = owner_of_tag(h->report, tag);
	size_t place = html_evidence_of(h, tag);

	html_raw(h, "<td>");
	if (place) {
		html_raw(h, "<a href=\"#o");
		html_put(h, "%zu", place);
		html_raw(h, "\">");
	}
	html_put(h, "%s", owner ? owner->words : "-");
	if (place)
		html_raw(h, "</a>");
}

static void description_cell(struct html *h, const char *image, const char *words)
{
	html_cell(h, "%s%s%s",
		  image   ? image
		  : words ? ""
			  : "-",
		  image && words ? ": " : "", words ? words : "");
}

static void tag_row(struct html *h, const struct report_line *line)
{
	const struct report_tag *tag = &h->report->tags[line->tag];
	const struct report_side *side = side_of(h, line);
	char name[TAG_TEXT], size[SIZE_TEXT];

	html_row(h, "%s", tag_text(tag->tag, name));
	html_cell(h, "%s", line->paged ? "Paged" : "Nonp");
	html_cell(h, "%s%" PRIu64, bound(tag), side->allocs);
	html_cell(h, "%s%" PRIu64, bound(tag), side->frees);
	html_cell(h, "%s%" PRId64, about(tag), side->diff);
	html_cell(h, "%s%" PRId64, about(tag), side->bytes);
	html_cell(h, "%s%s", about(tag), format_size(side->bytes, size));
	if (line->has_per_alloc)
		html_cell(h, "%s%" PRId64, about(tag), line->per_alloc);
	else
		html_cell(h, "-");
	html_raw(h, "<td>");
	if (line->has_share)
		html_permille(h, about(tag), line->share_permille);
	else
		html_put(h, "-");
	if (h->report->has_owners)
		owner_cell(h, tag);
	description_cell(h, tag->image, tag->description.value);
	html_raw(h, "\n");
}

/* The model has rows of pools in which a tag was never used; the table has not. */
static bool is_empty(const struct html *h, const struct report_line *line)
{
	const struct report_side *side = side_of(h, line);

	return h->report->tags[line->tag].complete && side->allocs == 0 && side->frees == 0 &&
	       side->bytes == 0;
}

static void tag_table(struct html *h)
{
	static const struct html_column with_owner[] = {
		{"Tag", HTML_CODE, 0},          {"Type", HTML_WORDS, 0},
		{"Allocs", HTML_NUMBER, 0},     {"Frees", HTML_NUMBER, 0},
		{"Diff", HTML_NUMBER, 0},       {"Bytes", HTML_NUMBER, 0},
		{"Size", HTML_NUMBER, 6},       {"Per-Alloc", HTML_NUMBER, 0},
		{"Share", HTML_NUMBER, 0},      {"Owner", HTML_WORDS, 0},
		{"Description", HTML_WORDS, 0}, {NULL, HTML_WORDS, 0},
	};
	static const struct html_column without[] = {
		{"Tag", HTML_CODE, 0},      {"Type", HTML_WORDS, 0},
		{"Allocs", HTML_NUMBER, 0}, {"Frees", HTML_NUMBER, 0},
		{"Diff", HTML_NUMBER, 0},   {"Bytes", HTML_NUMBER, 0},
		{"Size", HTML_NUMBER, 6},   {"Per-Alloc", HTML_NUMBER, 0},
		{"Share", HTML_NUMBER, 0},  {"Description", HTML_WORDS, 0},
		{NULL, HTML_WORDS, 0},
	};
	const struct report_lines *lines = &h->report->lines;

	html_table(h, "tags", "All tags", h->report->has_owners ? with_owner : without);
	for (size_t i = 0; i < lines->count && html_goes_on(h); i++) {
		if (!is_empty(h, &lines->items[i]))
			tag_row(h, &lines->items[i]);
	}
	html_table_end(h);
}

void html_tags(struct html *h)
{
	const struct report_tracker *t = &h->report->tracker;

	html_element(h, "p class=\"note\"",
		     "Every tag and pool that was ever used, most bytes first. Diff is Allocs "
		     "less Frees; Share is of the pool's sum over tags.");
	if (t->available && !t->complete)
		html_element(h, "p class=\"warn\"",
			     "Tags may be missing: %" PRIu64 " of %" PRIu64
			     " pages of the tag tables that were found are in the dump (%s).",
			     t->pages_present, t->pages_expected,
			     t->incomplete_reason ? t->incomplete_reason : "no reason is known");
	tag_table(h);
}

static const char *big_pool(int paged)
{
	if (paged < 0)
		return "?";
	return paged ? "Paged" : "Nonp";
}

static void big_row(struct html *h, const struct report_big_line *line)
{
	const struct report_big *b = &h->report->big;
	const struct report_big_tag *tag = &b->tags[line->tag];
	const char *mark = trust_mark(b->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	char name[TAG_TEXT], size[SIZE_TEXT];

	html_row(h, "%s", tag_text(tag->tag, name));
	html_cell(h, "%s", big_pool(line->paged));
	html_cell(h, "%s%" PRIu64, mark, line->count);
	html_cell(h, "%s%" PRIu64, mark, line->bytes);
	html_cell(h, "%s%s", mark, format_size_unsigned(line->bytes, size));
	html_cell(h, "%s%" PRIu64, trust_mark(b->complete ? FIGURE_EXACT : FIGURE_ABOUT),
		  line->per_alloc);
	description_cell(h, tag->image, tag->description.value);
	html_raw(h, "\n");
}

void html_big(struct html *h)
{
	static const struct html_column columns[] = {
		{"Tag", HTML_CODE, 0},          {"Type", HTML_WORDS, 0},
		{"Count", HTML_NUMBER, 0},      {"Bytes", HTML_NUMBER, 0},
		{"Size", HTML_NUMBER, 4},       {"Per-Alloc", HTML_NUMBER, 0},
		{"Description", HTML_WORDS, 0}, {NULL, HTML_WORDS, 0},
	};
	const struct report_big *b = &h->report->big;
	const char *mark = trust_mark(b->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);

	html_element(h, "p class=\"note\"",
		     "Allocations of a page and more, per tag: %s%" PRIu64 " live and %s%" PRIu64
		     " freed entries of %" PRIu64 " in the big-page table.",
		     mark, b->in_use, mark, b->freed, b->entries);
	html_table(h, "big", "Big allocations per tag", columns);
	for (size_t i = 0; i < b->line_count && html_goes_on(h); i++)
		big_row(h, &b->lines[i]);
	html_table_end(h);
}
