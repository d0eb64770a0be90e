/*
 * The text page of `analyze`: what the file and the machine are, totals, the biggest tags of either
 * pool, coverage, findings. One screen.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"

static void total_cell(struct table *table, const struct report_total *total)
{
	char size[SIZE_TEXT];

	if (total->number.has_value)
		table_cell(table, "%s%s", format_size_unsigned(total->number.value, size),
			   basis_mark(total->basis));
	else
		table_cell(table, "unknown");
}

static void used_cell(struct table *table, const struct report_pool_total *total, const char *mark)
{
	if (total && total->has_used)
		table_cell(table, "%s%u.%u%%", total->allocated.number.has_value ? "" : mark,
			   total->used_permille / 10, total->used_permille % 10);
	else
		table_cell(table, "-");
}

static void total_row(struct table *table, const char *name, const struct report_pool_total *total,
		      const char *mark)
{
	char size[SIZE_TEXT];

	table_row(table, false);
	table_cell(table, "%s", name);
	table_cell(table, "%s%s", mark, format_size(total->tag_bytes, size));
	table_cell(table, "%s%" PRId64, mark, total->tag_bytes);
	total_cell(table, &total->allocated);
	total_cell(table, &total->maximum);
	used_cell(table, total, mark);
}

static void plain_row(struct table *table, const char *name, const struct report_total *allocated,
		      const struct report_total *maximum, const struct report_pool_total *pool)
{
	table_row(table, false);
	table_cell(table, "%s", name);
	total_cell(table, allocated);
	total_cell(table, maximum);
	used_cell(table, pool, "");
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
	status = table_finish(&table, 4, text->out, err);
	if (status == PS_OK)
		status = text_words(text, err, 0, "All of them read from the minidump: %s.",
				    t->committed.source);
	return status;
}

/* What the marks of the table mean, for each figure that has one. */
static enum ps_status explain_total(const struct text *text, const char *what,
				    const struct report_total *total, struct ps_error *err)
{
	if (!total->number.has_value || total->basis == BASIS_READ || !total->remark)
		return PS_OK;
	return text_words(text, err, 0, "%s %s: %s.", basis_mark(total->basis), what,
			  total->remark);
}

/* "Commit: 5.2 GB of at most 12.5 GB, peak 7.1 GB." */
static enum ps_status commit(const struct text *text, struct ps_error *err)
{
	const struct report_totals *t = &text->report->totals;
	const struct report_total *parts[] = {&t->committed, &t->commit_limit, &t->committed_peak};
	char sizes[3][SIZE_TEXT];
	const char *marks[3];

	if (!t->committed.number.has_value)
		return PS_OK;
	for (unsigned i = 0; i < 3; i++) {
		bool known = parts[i]->number.has_value;

		marks[i] = known ? basis_mark(parts[i]->basis) : "";
		if (known)
			format_size_unsigned(parts[i]->number.value, sizes[i]);
		else
			snprintf(sizes[i], sizeof(sizes[i]), "unknown");
	}
	return text_words(text, err, 0, "Commit: %s%s, limit %s%s, peak %s%s.", sizes[0], marks[0],
			  sizes[1], marks[1], sizes[2], marks[2]);
}

static enum ps_status explain_totals(const struct text *text, struct ps_error *err)
{
	const struct report_totals *t = &text->report->totals;
	enum ps_status status;

	status = commit(text, err);
	if (status == PS_OK)
		status = explain_total(text, "nonpaged allocated", &t->nonpaged.allocated, err);
	if (status == PS_OK)
		status = explain_total(text, "nonpaged maximum", &t->nonpaged.maximum, err);
	if (status == PS_OK)
		status = explain_total(text, "paged allocated", &t->paged.allocated, err);
	if (status == PS_OK)
		status = explain_total(text, "paged maximum", &t->paged.maximum, err);
	if (status == PS_OK)
		status = explain_total(text, "commit", &t->committed, err);
	if (status == PS_OK)
		status = explain_total(text, "commit limit", &t->commit_limit, err);
	if (status == PS_OK)
		status = explain_total(text, "peak of commit", &t->committed_peak, err);
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
	table_column(&table, "Allocated", COLUMN_RIGHT);
	table_column(&table, "Maximum", COLUMN_RIGHT);
	table_column(&table, "Used", COLUMN_RIGHT);
	total_row(&table, "Nonpaged", &t->nonpaged, mark);
	total_row(&table, "Paged", &t->paged, mark);
	status = table_finish(&table, 2, text->out, err);
	return status == PS_OK ? explain_totals(text, err) : status;
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

	status = text_bullet(text, err, "%s [%s]: %s. %s", severity_word(f->severity), f->id,
			     f->title, f->detail ? f->detail : "");
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

static enum ps_status verdict(const struct text *text, struct ps_error *err)
{
	const struct report_verdict *v = &text->report->verdict;
	enum ps_status status = text_field(text, err, "Verdict", "%s", v->text);

	if (status == PS_OK)
		fputc('\n', text->out);
	return status;
}

enum ps_status text_analyze(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = PS_OK;

	if (r->verdict.text)
		status = verdict(text, err);
	if (status == PS_OK)
		status = text_system(text, err);
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
