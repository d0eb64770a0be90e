/*
 * The text page of `tags`, and the rows of tag tables that other pages share.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/report/format.h"
#include "analyzer/report/owner_cells.h"
#include "analyzer/report/table.h"

enum { WIDTH_WITH_SIZE = 92 };

bool text_has_size(const struct render_options *options)
{
	return options->width == 0 || options->width >= WIDTH_WITH_SIZE;
}

void text_tag_columns(struct table *table, const struct report *report, bool with_share)
{
	table_column(table, "Tag", COLUMN_LEFT);
	table_column(table, "Type", COLUMN_LEFT);
	table_column(table, "Allocs", COLUMN_RIGHT);
	table_column(table, "Frees", COLUMN_RIGHT);
	table_column(table, "Diff", COLUMN_RIGHT);
	table_column(table, "Bytes", COLUMN_RIGHT);
	if (text_has_size(table->options))
		table_column(table, "Size", COLUMN_RIGHT);
	table_column(table, "Per-Alloc", COLUMN_RIGHT);
	if (with_share)
		table_column(table, "Share", COLUMN_RIGHT);
	if (report->has_owners)
		table_column(table, "Owner", COLUMN_LEFT);
	table_column(table, "Description", COLUMN_LAST);
}

/* The tag list's image is said once when it is the owner. */
static const char *image_beside(const struct report_owner *owner, const char *image)
{
	size_t length = image ? strlen(image) : 0;
	bool same = owner && image && strncasecmp(owner->words, image, length) == 0 &&
		    (owner->words[length] == '\0' || strcmp(owner->words + length, " *") == 0);

	return same ? NULL : image;
}

void text_description_cell(struct table *table, const char *image, const char *words)
{
	if (image && words)
		table_cell(table, "%s: %s", image, words);
	else if (image || words)
		table_cell(table, "%s", image ? image : words);
	else
		table_cell(table, "-");
}

void text_tag_row(struct table *table, const struct report *report, const struct report_line *line,
		  bool with_share)
{
	text_tag_row_of(table, report, &report->tags[line->tag], line, with_share);
}

void text_tag_row_of(struct table *table, const struct report *report, const struct report_tag *tag,
		     const struct report_line *line, bool with_share)
{
	const struct report_side *side = line->paged ? &tag->paged : &tag->nonpaged;
	const struct report_owner *owner = owner_of_tag(report, tag);
	const char *bound = trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	const char *about = trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_ABOUT);
	char name[TAG_TEXT], size[SIZE_TEXT];

	table_row(table, !tag->complete);
	table_cell(table, "%s", tag_text(tag->tag, name));
	table_cell(table, "%s", line->paged ? "Paged" : "Nonp");
	table_cell(table, "%s%" PRIu64, bound, side->allocs);
	table_cell(table, "%s%" PRIu64, bound, side->frees);
	table_cell(table, "%s%" PRId64, about, side->diff);
	table_cell(table, "%s%" PRId64, about, side->bytes);
	if (text_has_size(table->options))
		table_cell(table, "%s%s", about, format_size(side->bytes, size));
	if (line->has_per_alloc)
		table_cell(table, "%s%" PRId64, about, line->per_alloc);
	else
		table_cell(table, "-");
	if (with_share && line->has_share)
		table_cell(table, "%s%u.%u%%", about, line->share_permille / 10,
			   line->share_permille % 10);
	else if (with_share)
		table_cell(table, "-");
	if (report->has_owners)
		table_cell(table, "%s", owner ? owner->words : "-");
	text_description_cell(table, image_beside(owner, tag->image), tag->description.value);
}

static enum ps_status tags_table(const struct text *text, struct ps_error *err)
{
	const struct report_lines *lines = &text->report->lines;
	struct table table;

	table_init(&table, text->options);
	text_tag_columns(&table, text->report, false);
	for (size_t i = 0; i < lines->count; i++)
		text_tag_row(&table, text->report, &lines->items[i], false);
	return table_finish(&table, lines->count, text->out, err);
}

static enum ps_status tags_sums(const struct text *text, struct ps_error *err)
{
	const struct report_totals *t = &text->report->totals;
	const char *mark = trust_mark(t->trust);
	char nonpaged[SIZE_TEXT], paged[SIZE_TEXT];

	if (!t->available)
		return PS_OK;
	return text_words(text, err, 0,
			  "Sum over tags: nonpaged %s%s (%s%" PRId64
			  " bytes), paged %s%s (%s%" PRId64 " bytes). 1 MB = 1048576 bytes.",
			  mark, format_size(t->nonpaged.tag_bytes, nonpaged), mark,
			  t->nonpaged.tag_bytes, mark, format_size(t->paged.tag_bytes, paged), mark,
			  t->paged.tag_bytes);
}

enum ps_status text_tags(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = PS_OK;

	if (r->lines.count == 0)
		status = text_words(text, err, 0, "No tag in use matches.");
	else
		status = tags_table(text, err);
	if (status != PS_OK)
		return status;
	if (r->lines.count > 0) {
		fputc('\n', text->out);
		status = text_words(text, err, 0, "%zu row%s of %zu.", r->lines.count,
				    r->lines.count == 1 ? "" : "s",
				    r->lines.count + r->lines.left_out);
	}
	if (status == PS_OK)
		status = tags_sums(text, err);
	if (status == PS_OK)
		status = text_tracker_reason(text, err);
	if (status == PS_OK)
		status = text_owner_legend(text, err);
	return status == PS_OK ? text_owner_notes(text, err) : status;
}
