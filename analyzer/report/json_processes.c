/*
 * The processes as JSON. The rows of the list are written one by one by json.c.
 */
#include "analyzer/report/json_build.h"

json_t *json_process(struct builder *b, const struct report_process *p)
{
	json_t *o = build_object(b);

	put_count(b, o, "pid", p->pid);
	put_string(b, o, "name", &p->name);
	put_text(b, o, "state", p->state);
	put_number(b, o, "parent", &p->parent);
	put_number(b, o, "session", &p->session);
	put_number(b, o, "handles", &p->handles);
	put_number(b, o, "threads", &p->threads);
	put_number(b, o, "held_by_handles", &p->held);
	put_number(b, o, "holds_exited", &p->holds);
	put_bool(b, o, "holds_at_least", p->holds_at_least);
	put_string(b, o, "started", &p->started);
	put_string(b, o, "ended", &p->ended);
	put_address(b, o, "address", p->address);
	return o;
}

static json_t *json_ended(struct builder *b, const struct report_ended *e)
{
	json_t *o = build_object(b);

	put_text(b, o, "name", e->name);
	put_number(b, o, "parent", &e->parent);
	put_string(b, o, "parent_name", &e->parent_name);
	put_count(b, o, "count", e->count);
	put_count(b, o, "without_handle", e->without_handle);
	return o;
}

void put_processes(struct builder *b, json_t *root, const struct report *report)
{
	const struct report_processes *p = &report->processes;
	json_t *o, *ended;

	if (!p->available) {
		put_null(b, root, "processes",
			 p->note ? p->note : "not asked for: poolscope processes prints them");
		return;
	}
	o = build_object(b);
	ended = build_array(b);
	put_address(b, o, "head", p->head);
	put_text(b, o, "head_source", p->head_source);
	put_text(b, o, "offsets_source", p->offsets_source);
	put_string(b, o, "handle_count_source", &p->count_source);
	put_bool(b, o, "complete", p->complete);
	if (p->remark)
		put_text(b, o, "remark", p->remark);
	else
		put_null(b, o, "remark", "there is nothing to remark on the list");
	put_bool(b, o, "same_page_tables", p->same_page_tables);
	put_count(b, o, "running", p->running);
	put_count(b, o, "exited", p->exited);
	put_count(b, o, "unknown", p->unknown);
	put_count(b, o, "handles", p->handles);
	put_count(b, o, "handles_unknown", p->handles_unknown);
	put(b, o, "list", build_array(b));
	put_count(b, o, "left_out", p->count - p->shown);
	for (size_t i = 0; i < p->ended_count && !b->failed; i++)
		append(b, ended, json_ended(b, &p->ended[i]));
	put(b, o, "ended", ended);
	put(b, root, "processes", o);
}
