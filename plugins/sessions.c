/*
 * Session pool: the tags of each session in a table of its own, apart from the system's. No sum of
 * the system's has them, and no finding judges by them.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/pool/session_pool.h"
#include "plugins/tag_lines.h"

static bool add_rows(const struct plugin_input *input, struct report *report,
		     const struct tracker *tracker, struct report_session *to)
{
	const struct selection *s = input->selection;
	const struct tag_choice choice = {s->filter, s->sort, s->with_empty, s->top};
	struct tag_target target = {.tracker = tracker, .tag_count = &to->tag_count};
	bool fits;

	to->tags = target.tags = report_array(report, tracker->row_count, sizeof(*to->tags));
	target.places = calloc(tracker->row_count + 1, sizeof(*target.places));
	fits = to->tags && target.places &&
	       tag_lines_add(input, report, &target, &choice, &to->lines);
	free(target.places);
	return fits;
}

static bool fill(const struct plugin_input *input, struct report *report,
		 const struct session_pool *from, struct report_session *to)
{
	const struct tracker *t = &from->tracker;

	*to = (struct report_session){.id = from->id, .pid = from->pid, .process = NULL};
	if (from->process[0]) {
		to->process = report_text(report, "%s", from->process);
		if (!to->process)
			return false;
	}
	if (!from->available) {
		to->note = error_text(report, &from->error);
		return to->note != NULL;
	}
	to->available = true;
	to->address = t->address;
	to->entries = t->entries;
	to->entry_size = t->entry_size;
	to->source = from->found_by;
	to->pages_expected = t->pages_expected;
	to->pages_present = t->pages_present;
	to->complete = t->complete;
	to->nonpaged_bytes = t->nonpaged_bytes;
	to->paged_bytes = t->paged_bytes;
	if (!t->complete) {
		to->complete_note = report_text(report, "%s", t->incomplete_reason);
		if (!to->complete_note)
			return false;
	}
	return add_rows(input, report, t, to);
}

static enum ps_status put(const struct plugin_input *input, struct report *report,
			  const struct session_pools *pools, struct ps_error *err)
{
	struct report_sessions *s = &report->sessions;

	s->available = pools->available;
	if (!pools->available)
		s->note = error_text(report, &pools->error);
	else if (pools->count == 0)
		s->note = "no process in the list tells a session";
	if (!pools->available && !s->note)
		return ps_fail_memory(err, "the sessions of the report");
	s->items = report_array(report, pools->count, sizeof(*s->items));
	if (!s->items)
		return ps_fail_memory(err, "the sessions of the report");
	s->complete = pools->available && pools->sessions_known && pools->passed_over == 0;
	for (size_t i = 0; i < pools->count; i++) {
		if (!fill(input, report, &pools->items[i], &s->items[s->count++]))
			return ps_fail_memory(err, "the sessions of the report");
	}
	return PS_OK;
}

enum ps_status plugin_sessions(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	struct session_pools pools;
	enum ps_status status;

	if (!input->kernel || !input->pools) {
		report->sessions.note = "the system's own tag tables could not be read";
		return PS_OK;
	}
	status = session_pools_read(input->kernel, input->pools, &pools, err);
	if (status != PS_OK)
		return status;
	status = put(input, report, &pools, err);
	session_pools_fini(&pools);
	return status;
}
