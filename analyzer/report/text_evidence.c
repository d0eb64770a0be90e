/*
 * The text page of `owners --tag`: every candidate of a tag with its evidence, down to the
 * disassembled lines around a site.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/report/owner_cells.h"

static enum ps_status usage(const struct text *text, const struct report_tag *tag,
			    struct ps_error *err)
{
	const char *bound = trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	const char *about = trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_ABOUT);
	const struct report_side *sides[] = {&tag->nonpaged, &tag->paged};
	static const char *const names[] = {"Nonpaged", "Paged"};
	enum ps_status status = PS_OK;
	char size[SIZE_TEXT];

	for (unsigned i = 0; i < 2 && status == PS_OK; i++) {
		const struct report_side *s = sides[i];

		if (s->allocs == 0 && s->frees == 0 && s->bytes == 0 && tag->complete)
			continue;
		status = text_field(text, err, names[i],
				    "%s%s (%s%" PRId64 " bytes) in %s%" PRId64
				    " allocations; %s%" PRIu64 " made, %s%" PRIu64 " freed",
				    about, format_size(s->bytes, size), about, s->bytes, about,
				    s->diff, bound, s->allocs, bound, s->frees);
	}
	if (status == PS_OK && (tag->image || tag->description.value))
		status = text_field(text, err, "Listed as", "%s%s%s (%s)",
				    tag->image ? tag->image : "",
				    tag->image && tag->description.value ? ": " : "",
				    tag->description.value ? tag->description.value : "",
				    tag->description_source);
	return status;
}

static enum ps_status verdict(const struct text *text, const struct report_owner *owner,
			      struct ps_error *err)
{
	static const char growth[] =
		"Whose tag it is does not say who makes it grow: a caller or a user of that "
		"driver may.";

	/* drivers of a folder do not compete for one machine's tags */
	if (text->report->no_file)
		return text_field(text, err, "Found in", "%zu driver file%s.",
				  owner->candidate_count, owner->candidate_count == 1 ? "" : "s");
	switch (owner->ownership) {
	case OWNED_BY_NOBODY:
		return text_field(text, err, "Owner",
				  "none found: no code or data of a driver here has the tag for an "
				  "allocator, and no tag list names a driver of this machine.");
	case OWNED_BY_ONE:
		return text_field(text, err, "Owner", "%s. %s", owner->candidates[0].module,
				  growth);
	case OWNED_BY_SEVERAL:
		return text_field(
			text, err, "Owner",
			"%zu drivers with evidence as good: %s. One or several of them use the "
			"tag, and their shares of it are not told apart. %s",
			owner_best(owner), owner->words, growth);
	case OWNED_PERHAPS:
		if (owner_best(owner) > 1)
			return text_field(text, err, "Owner",
					  "not proved: for each of %zu drivers the best there is "
					  "is: %s.",
					  owner_best(owner), owner->candidates[0].grade);
		return text_field(text, err, "Owner",
				  "not proved: the best there is for %s is: %s.",
				  owner->candidates[0].module, owner->candidates[0].grade);
	case OWNED_FOR_OTHERS:
		/* without the mark of the column */
		return text_field(text, err, "Owner", "%.*s, on behalf of whoever holds it.",
				  (int)strcspn(owner->words, "*") - 1, owner->words);
	}
	return PS_OK;
}

static enum ps_status version_line(const struct text *text, const struct report_version *v,
				   struct ps_error *err)
{
	if (!v)
		return PS_OK;
	if (!v->available)
		return text_words(text, err, 2, "version: unknown: %s",
				  v->note ? v->note : "not read");
	return text_words(text, err, 2, "%s, %s, version %s, built as %s%s%s",
			  v->company.value ? v->company.value : "company unknown",
			  v->description.value ? v->description.value : "no description",
			  v->file_version.value ? v->file_version.value : "unknown",
			  v->original_name.value ? v->original_name.value
						 : "a name it does not say",
			  v->copied_from ? "; read in " : "", v->copied_from ? v->copied_from : "");
}

static enum ps_status evidence(const struct text *text, const struct report_evidence *e,
			       struct ps_error *err)
{
	enum ps_status status;

	if (e->address.has_value)
		status = text_words(text, err, 2, "* 0x%016" PRIx64 ": %s", e->address.value,
				    e->text);
	else
		status = text_words(text, err, 2, "* %s", e->text);
	if (status == PS_OK && e->source && strcmp(e->source, "dump") != 0)
		status = text_words(text, err, 4, "read in %s", e->source);
	for (size_t i = 0; i < e->listing_count && status == PS_OK; i++)
		status = text_line(text, err, 6, e->listing[i]);
	return status;
}

static enum ps_status candidate(const struct text *text, const struct report_candidate *c,
				struct ps_error *err)
{
	const char *bold = text->options->color ? "\033[1m" : "";
	const char *plain = text->options->color ? "\033[0m" : "";
	enum ps_status status;

	fprintf(text->out, "\n%s", bold);
	status = text_words(text, err, 0, "%s%s: %s%s", c->module, c->unloaded ? " (unloaded)" : "",
			    c->grade, c->proof ? "" : ", which is no proof");
	fputs(plain, text->out);
	if (status == PS_OK)
		status = version_line(text, c->version, err);
	for (size_t i = 0; i < c->evidence_count && status == PS_OK; i++)
		status = evidence(text, &c->evidence[i], err);
	if (status == PS_OK && c->evidence_left_out > 0)
		status = text_words(text, err, 2, "and %zu more places", c->evidence_left_out);
	return status;
}

static enum ps_status owner_page(const struct text *text, const struct report_tag *tag,
				 const struct report_owner *owner, struct ps_error *err)
{
	char name[TAG_TEXT];
	enum ps_status status = text_field(text, err, "Tag", "%s", tag_text(owner->tag, name));

	if (status == PS_OK && tag)
		status = usage(text, tag, err);
	if (status == PS_OK)
		status = verdict(text, owner, err);
	for (size_t i = 0; i < owner->candidate_count && status == PS_OK; i++)
		status = candidate(text, &owner->candidates[i], err);
	if (owner->notes.count > 0)
		fputc('\n', text->out);
	for (size_t i = 0; i < owner->notes.count && status == PS_OK; i++)
		status = text_bullet(text, err, "%s", owner->notes.items[i]);
	return status;
}

/* The tag's row of the tables; NULL without a dump. */
static const struct report_tag *row_of(const struct report *r, size_t owner)
{
	for (size_t i = 0; i < r->tag_count; i++) {
		if (r->tags[i].owner == owner + 1)
			return &r->tags[i];
	}
	return NULL;
}

enum ps_status text_evidence(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = PS_OK;

	if (r->owner_count == 0)
		status = text_words(
			text, err, 0, "%s",
			r->owners_note ? r->owners_note
			: r->no_file   ? "No driver here has such a tag."
				       : "No tag in use matches, and no driver has such a tag.");
	for (size_t i = 0; i < r->owner_count && status == PS_OK; i++) {
		if (i > 0)
			fputc('\n', text->out);
		status = owner_page(text, row_of(r, i), &r->owners[i], err);
	}
	if (status == PS_OK && r->owner_notes.count > 0)
		fputc('\n', text->out);
	if (status == PS_OK)
		status = text_owner_notes(text, err);
	return status == PS_OK && !r->no_file ? text_tracker_reason(text, err) : status;
}
