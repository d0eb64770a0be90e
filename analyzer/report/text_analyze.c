/*
 * The text page of `analyze`: what the file and the machine are, totals, the biggest tags of either
 * pool, coverage, findings. One screen.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"

static void number_cell(struct table *table, const struct report_number *number)
{
	char size[SIZE_TEXT];

	if (number->has_value)
		table_cell(table, "%s", format_size_unsigned(number->value, size));
	else
		table_cell(table, "unknown");
}

static void total_row(struct table *table, const char *name, const struct report_pool_total *total,
		      const char *mark)
{
	char size[SIZE_TEXT];

	table_row(table, false);
	table_cell(table, "%s", name);
	table_cell(table, "%s%s", mark, format_size(total->tag_bytes, size));
	table_cell(table, "%s%" PRId64, mark, total->tag_bytes);
	number_cell(table, &total->allocated);
	number_cell(table, &total->maximum);
	if (total->has_used)
		table_cell(table, "%s%u.%u%%", total->allocated.has_value ? "" : mark,
			   total->used_permille / 10, total->used_permille % 10);
	else
		table_cell(table, "-");
}

static void plain_row(struct table *table, const char *name, const struct report_number *allocated,
		      const struct report_number *maximum, const struct report_pool_total *pool)
{
	table_row(table, false);
	table_cell(table, "%s", name);
	number_cell(table, allocated);
	number_cell(table, maximum);
	if (pool && pool->has_used)
		table_cell(table, "%u.%u%%", pool->used_permille / 10, pool->used_permille % 10);
	else
		table_cell(table, "-");
}

/* Of a minidump: no sums over tags. */
static enum ps_status reported_totals(const struct text *text, struct ps_error *err)
{
	const struct report_totals *t = &text->report->totals;
	struct table table;
	enum ps_status status;

	fputc('\n', text->out);
	table_init(&table, text->options);
	table_column(&table, "Memory", COLUMN_LEFT);
	table_column(&table, "In use", COLUMN_RIGHT);
	table_column(&table, "Maximum", COLUMN_RIGHT);
	table_column(&table, "Used", COLUMN_RIGHT);
	plain_row(&table, "Nonpaged pool", &t->nonpaged.allocated, &t->nonpaged.maximum,
		  &t->nonpaged);
	plain_row(&table, "Paged pool", &t->paged.allocated, &t->paged.maximum, &t->paged);
	plain_row(&table, "Commit", &t->committed, &t->commit_limit, NULL);
	plain_row(&table, "Commit, peak", &t->committed_peak, &t->commit_limit, NULL);
	status = table_render(&table, err);
	if (status == PS_OK) {
		table_print_header(&table, text->out);
		table_print_rows(&table, 4, text->out);
	}
	table_fini(&table);
	if (status == PS_OK)
		status = text_words(text, err, 0, "All of them %s.", t->commit_source);
	return status;
}

static enum ps_status totals(const struct text *text, struct ps_error *err)
{
	const struct report_totals *t = &text->report->totals;
	const char *mark = trust_mark(t->trust);
	struct table table;
	enum ps_status status;

	fputc('\n', text->out);
	table_init(&table, text->options);
	table_column(&table, "Pool", COLUMN_LEFT);
	table_column(&table, "Sum over tags", COLUMN_RIGHT);
	table_column(&table, "in bytes", COLUMN_RIGHT);
	table_column(&table, t->by_symbols ? "Allocated (symbols)" : "Allocated (KDBG)",
		     COLUMN_RIGHT);
	table_column(&table, t->by_symbols ? "Maximum (symbols)" : "Maximum (KDBG)", COLUMN_RIGHT);
	table_column(&table, "Used", COLUMN_RIGHT);
	total_row(&table, "Nonpaged", &t->nonpaged, mark);
	total_row(&table, "Paged", &t->paged, mark);
	status = table_render(&table, err);
	if (status == PS_OK) {
		table_print_header(&table, text->out);
		table_print_rows(&table, 2, text->out);
	}
	table_fini(&table);
	return status;
}

static void stretch(const struct text *text, struct table *table, const char *heading,
		    const struct report_lines *lines)
{
	text_heading(text, heading);
	if (lines->count == 0) {
		fputs("none in use\n", text->out);
		return;
	}
	table_print_header(table, text->out);
	table_print_rows(table, lines->count, text->out);
}

/* Both pools in one table, so that their columns stand under each other. */
static enum ps_status top_tags(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	struct table table;
	enum ps_status status;

	table_init(&table, text->options);
	text_tag_columns(&table, r, true);
	for (size_t i = 0; i < r->top_nonpaged.count; i++)
		text_tag_row(&table, r, &r->top_nonpaged.items[i], true);
	for (size_t i = 0; i < r->top_paged.count; i++)
		text_tag_row(&table, r, &r->top_paged.items[i], true);
	status = table_render(&table, err);
	if (status == PS_OK) {
		stretch(text, &table, "Top nonpaged tags", &r->top_nonpaged);
		stretch(text, &table, "Top paged tags", &r->top_paged);
	}
	table_fini(&table);
	return status;
}

static enum ps_status finding(const struct text *text, const struct report_finding *f,
			      struct ps_error *err)
{
	enum ps_status status;

	status = text_bullet(text, err, "%s: %s. %s", severity_word(f->severity), f->title,
			     f->detail ? f->detail : "");
	for (size_t i = 0; i < f->evidence.count && status == PS_OK; i++)
		status = text_words(text, err, 4, "%s", f->evidence.items[i]);
	if (status == PS_OK && f->next_step)
		status = text_words(text, err, 4, "Next: %s", f->next_step);
	return status;
}

static enum ps_status findings(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = PS_OK;

	if (r->finding_count == 0)
		return PS_OK;
	text_heading(text, "Findings");
	for (size_t i = 0; i < r->finding_count && status == PS_OK; i++)
		status = finding(text, &r->findings[i], err);
	return status;
}

enum ps_status text_analyze(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = text_system(text, err);

	if (status == PS_OK && r->totals.available)
		status = r->totals.sums_note ? reported_totals(text, err) : totals(text, err);
	else if (status == PS_OK && r->file.minidump.available && r->totals.note)
		status = text_field(text, err, "Totals", "unknown: %s", r->totals.note);
	if (status == PS_OK && r->has_tags)
		status = top_tags(text, err);
	if (status == PS_OK)
		status = text_drivers(text, err);
	if (status != PS_OK)
		return status;
	fputc('\n', text->out);
	status = text_coverage(text, err);
	if (status == PS_OK && r->totals.available && !r->totals.sums_note)
		status = text_field(text, err, "Units", "1 MB is 1048576 bytes; %s",
				    "Share is of the pool's sum over tags");
	if (status == PS_OK && r->has_tags)
		status = text_owner_legend(text, err);
	if (status == PS_OK)
		status = findings(text, err);
	if (status == PS_OK)
		status = text_notes(text, err);
	if (status == PS_OK)
		status = text_owner_notes(text, err);
	return status;
}
