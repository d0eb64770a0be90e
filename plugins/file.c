/*
 * The file: what container it is, whether it is whole, and what the container says of itself.
 */
#include "plugins/plugin.h"

enum ps_status plugin_file(const struct plugin_input *input, struct report *report,
			   struct ps_error *err)
{
	struct dump *dump = input->dump;
	struct report_file *f = &report->file;

	f->path = report_text(report, "%s", dump->file.path ? dump->file.path : "");
	f->size = dump->file.size;
	f->format = dump->kind;
	f->title = report_text(report, "%s", dump->title ? dump->title : dump->kind);
	f->complete = dump->complete;
	f->pages_listed = dump->map.pages;
	f->pages_in_file = dump->map.pages_in_file;
	if (!f->path || !f->title ||
	    !add_notes(report, &f->notes, dump->notes[0], sizeof(dump->notes[0]), dump->note_count))
		return ps_fail_memory(err, "the report");
	return PS_OK;
}
