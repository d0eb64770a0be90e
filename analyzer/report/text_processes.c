/*
 * The text page of `processes`: those that run, then those that have ended, by name and parent, and
 * who has handles to them.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"

enum { GROUPS = 10, HOLDERS = 10 };

static void number_cell(struct table *table, const char *mark, const struct report_number *number)
{
	if (number->has_value)
		table_cell(table, "%s%" PRIu64, mark, number->value);
	else
		table_cell(table, "-");
}

static void process_row(struct table *table, const struct report_process *p)
{
	table_row(table, false);
	table_cell(table, "%" PRIu64, p->pid);
	number_cell(table, "", &p->parent);
	number_cell(table, "", &p->session);
	number_cell(table, "", &p->handles);
	number_cell(table, "", &p->threads);
	table_cell(table, "%s", p->started.value ? p->started.value : "-");
	table_cell(table, "%s", p->name.value);
}

static enum ps_status running(const struct text *text, struct ps_error *err)
{
	const struct report_processes *p = &text->report->processes;
	struct table table;
	size_t rows = 0;

	table_init(&table, text->options);
	table_column(&table, "PID", COLUMN_RIGHT);
	table_column(&table, "Parent", COLUMN_RIGHT);
	table_column(&table, "Session", COLUMN_RIGHT);
	table_column(&table, "Handles", COLUMN_RIGHT);
	table_column(&table, "Threads", COLUMN_RIGHT);
	table_column(&table, "Started", COLUMN_LEFT);
	table_column(&table, "Name", COLUMN_LAST);
	for (size_t i = 0; i < p->shown && !p->items[i].exited; i++, rows++)
		process_row(&table, &p->items[i]);
	return table_finish(&table, rows, text->out, err);
}

static enum ps_status groups(const struct text *text, struct ps_error *err)
{
	const struct report_processes *p = &text->report->processes;
	struct table table;
	size_t rows = p->ended_count < GROUPS ? p->ended_count : GROUPS;

	text_heading(text, "Ended, but still referenced");
	table_init(&table, text->options);
	table_column(&table, "Count", COLUMN_RIGHT);
	table_column(&table, "Without handles", COLUMN_RIGHT);
	table_column(&table, "Parent", COLUMN_LEFT);
	table_column(&table, "Name", COLUMN_LAST);
	for (size_t i = 0; i < rows; i++) {
		const struct report_ended *e = &p->ended[i];

		table_row(&table, false);
		table_cell(&table, "%zu", e->count);
		table_cell(&table, "%zu", e->without_handle);
		if (e->parent.has_value)
			table_cell(&table, "%" PRIu64 " %s", e->parent.value,
				   e->parent_name.value ? e->parent_name.value : "(gone)");
		else
			table_cell(&table, "-");
		table_cell(&table, "%s", e->name);
	}
	return table_finish(&table, rows, text->out, err);
}

/* Most of their handles first; items are in another order. */
static const struct report_process *next_holder(const struct report_processes *p,
						const struct report_process *after)
{
	const struct report_process *best = NULL;

	for (size_t i = 0; i < p->count && !p->items[i].exited; i++) {
		const struct report_process *x = &p->items[i];
		bool behind = !after || x->holds.value < after->holds.value ||
			      (x->holds.value == after->holds.value && x > after);

		if (x->holds.has_value && x->holds.value > 0 && behind &&
		    (!best || x->holds.value > best->holds.value))
			best = x;
	}
	return best;
}

static enum ps_status holders(const struct text *text, struct ps_error *err)
{
	const struct report_processes *p = &text->report->processes;
	const struct report_process *holder = next_holder(p, NULL);
	enum ps_status status = PS_OK;

	for (unsigned i = 0; i < HOLDERS && holder && status == PS_OK; i++) {
		status =
			text_bullet(text, err,
				    "%s (pid %" PRIu64 ") has %s%" PRIu64
				    " handles to processes that have ended",
				    holder->name.value, holder->pid,
				    holder->holds_at_least ? "at least " : "", holder->holds.value);
		holder = next_holder(p, holder);
	}
	return status;
}

static enum ps_status summary(const struct text *text, struct ps_error *err)
{
	const struct report_processes *p = &text->report->processes;
	const char *mark = p->complete ? "" : ">=";
	enum ps_status status;

	fputc('\n', text->out);
	status = text_words(text, err, 0,
			    "%s%zu processes run, with %s%" PRIu64
			    " handles; %s%zu have ended and are still referenced.",
			    mark, p->running,
			    p->complete && p->handles_unknown == 0 ? "" : ">=", p->handles, mark,
			    p->exited);
	if (status == PS_OK && p->unknown > 0)
		status = text_words(text, err, 0,
				    "Of %zu more it is not known whether they have ended.",
				    p->unknown);
	if (status == PS_OK && p->handles_unknown > 0)
		status = text_words(text, err, 0, "The handles of %zu of them are not known.",
				    p->handles_unknown);
	if (status == PS_OK && p->remark)
		status = text_words(text, err, 0, "The list is %s: %s.",
				    p->complete ? "complete, but" : "not complete", p->remark);
	if (status == PS_OK)
		status = text_words(text, err, 0, "Found by %s's PsActiveProcessHead; offsets: %s.",
				    p->head_source, p->offsets_source);
	return status;
}

enum ps_status text_processes(const struct text *text, struct ps_error *err)
{
	const struct report_processes *p = &text->report->processes;
	enum ps_status status = running(text, err);

	if (status == PS_OK && p->ended_count > 0)
		status = groups(text, err);
	if (status == PS_OK && p->ended_count > 0)
		status = holders(text, err);
	if (status == PS_OK)
		status = summary(text, err);
	return status;
}
