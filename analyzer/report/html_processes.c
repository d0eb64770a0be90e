/*
 * Processes on the HTML page: the largest handle tables, and what has ended and is still there.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>

enum { GROUPS = 15 };

static void number_cell(struct html *h, const struct report_number *number)
{
	if (number->has_value)
		html_cell(h, "%" PRIu64, number->value);
	else
		html_raw(h, "<td>-");
}

static void summary(struct html *h)
{
	const struct report_processes *p = &h->report->processes;
	const char *mark = p->complete ? "" : ">=";

	html_element(h, p->complete ? "p class=\"note\"" : "p class=\"warn\"",
		     "%s%zu processes run, with %s%" PRIu64
		     " handles; %s%zu have ended and are still referenced. Offsets: %s.%s%s%s",
		     mark, p->running,
		     p->complete && p->handles_unknown == 0 ? "" : ">=", p->handles, mark,
		     p->exited, p->offsets_source, p->remark ? " " : "", p->remark ? p->remark : "",
		     p->remark ? "." : "");
}

static void largest(struct html *h)
{
	static const struct html_column columns[] = {
		{"Name", HTML_WORDS, 0},     {"PID", HTML_NUMBER, 0},
		{"Session", HTML_NUMBER, 0}, {"Handles", HTML_NUMBER, 0},
		{"Threads", HTML_NUMBER, 0}, {"To ended ones", HTML_NUMBER, 0},
		{"Started", HTML_WORDS, 0},  {NULL, HTML_WORDS, 0},
	};
	const struct report_processes *p = &h->report->processes;

	html_table(h, "processes-running", "Processes with most handles", columns);
	for (size_t i = 0; i < p->shown && !p->items[i].exited && html_goes_on(h); i++) {
		const struct report_process *x = &p->items[i];

		html_row(h, "%s", x->name.value);
		html_cell(h, "%" PRIu64, x->pid);
		number_cell(h, &x->session);
		number_cell(h, &x->handles);
		number_cell(h, &x->threads);
		number_cell(h, &x->holds);
		html_cell(h, "%s", html_or_dash(x->started.value));
		html_raw(h, "\n");
	}
	html_table_end(h);
}

static void ended(struct html *h)
{
	static const struct html_column columns[] = {
		{"Name", HTML_WORDS, 0},
		{"Count", HTML_NUMBER, 0},
		{"Without handles", HTML_NUMBER, 0},
		{"Parent", HTML_WORDS, 0},
		{NULL, HTML_WORDS, 0},
	};
	const struct report_processes *p = &h->report->processes;

	html_table(h, "processes-ended", "Ended, but still referenced", columns);
	for (size_t i = 0; i < p->ended_count && i < GROUPS && html_goes_on(h); i++) {
		const struct report_ended *e = &p->ended[i];

		html_row(h, "%s", e->name);
		html_cell(h, "%zu", e->count);
		html_cell(h, "%zu", e->without_handle);
		if (e->parent.has_value)
			html_cell(h, "%" PRIu64 " %s", e->parent.value,
				  e->parent_name.value ? e->parent_name.value : "(gone)");
		else
			html_raw(h, "<td>-");
		html_raw(h, "\n");
	}
	html_table_end(h);
}

void html_processes(struct html *h)
{
	const struct report_processes *p = &h->report->processes;

	if (!p->available) {
		html_element(h, "p", "Unknown: %s.", p->note ? p->note : "no reason is known");
		return;
	}
	summary(h);
	largest(h);
	if (p->ended_count > 0)
		ended(h);
}
