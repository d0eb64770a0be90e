/*
 * The tag tracker tables themselves: where they are and how much of them is in the dump.
 */
#include "plugins/plugin.h"

enum ps_status plugin_tracker(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	struct report_tracker *to = &report->tracker;
	const struct tracker *t;

	if (!input->pools) {
		to->note = error_text(report, input->pools_error);
		return to->note ? PS_OK : ps_fail_memory(err, "the report");
	}
	t = &input->pools->tracker;
	*to = (struct report_tracker){
		.available = true,
		.address = t->address,
		.entry_size = t->entry_size,
		.entries = t->entries,
		.hash = t->hash,
		.processors_merged = t->processors_merged,
		.pages_expected = t->pages_expected,
		.pages_present = t->pages_present,
		.complete = t->complete,
	};
	if (!t->complete)
		to->incomplete_reason = report_text(report, "%s", t->incomplete_reason);
	if ((!t->complete && !to->incomplete_reason) ||
	    !add_notes(report, &report->pool_notes, input->pools->notes[0],
		       sizeof(input->pools->notes[0]), input->pools->note_count))
		return ps_fail_memory(err, "the report");
	return PS_OK;
}
