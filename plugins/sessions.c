/*
 * Session pool: the tags of each session in a table of its own, apart from the system's. No sum of
 * the system's has them, and no finding judges by them. Runs where the system's own tables are
 * read; without sessions to be found there is no report, but an error.
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

	s->available = true;
	s->items = report_array(report, pools->count, sizeof(*s->items));
	if (!s->items)
		return ps_fail_memory(err, "the sessions of the report");
	s->complete = pools->sessions_known && pools->passed_over == 0;
	report->incomplete = report->incomplete || !s->complete;
	for (size_t i = 0; i < pools->count; i++) {
		struct report_session *to = &s->items[s->count++];

		if (!fill(input, report, &pools->items[i], to))
			return ps_fail_memory(err, "the sessions of the report");
		report->incomplete = report->incomplete || !to->available || !to->complete;
	}
	return PS_OK;
}

enum ps_status plugin_sessions(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	struct session_pools pools;
	enum ps_status status;

	if (!input->pools) {
		*err = *input->pools_error;
		return err->status;
	}
	status = session_pools_read(input->kernel, input->pools, &pools, err);
	if (status != PS_OK)
		return status;
	if (!pools.available)
		*err = pools.error;
	status = pools.available ? put(input, report, &pools, err) : err->status;
	session_pools_fini(&pools);
	return status;
}
