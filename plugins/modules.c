/*
 * Loaded modules and unloaded drivers.
 */
#include "plugins/plugin.h"

static struct report_string copy(struct report *report, const char *value, const char *note,
				 bool *fits)
{
	struct report_string s = {NULL, note};

	if (value) {
		s = (struct report_string){report_text(report, "%s", value), NULL};
		*fits = *fits && s.value;
	}
	return s;
}

static struct report_number number(const struct fact *fact, const char *note)
{
	return (struct report_number){fact->known, fact->value, fact->known ? NULL : note};
}

static bool fill(struct report *report, const struct module *m, bool unloaded,
		 struct report_module *to)
{
	static const char no_bytes[] = "not in the dump";
	const struct pe_identity *image = &m->image;
	struct fact checksum = m->checksum;
	const char *why = unloaded                 ? "the driver is no longer in memory"
			  : image->headers_present ? "the image has no debug entry in the dump"
						   : "the image's header is not in the dump";
	bool fits = true;

	*to = (struct report_module){.base = m->base, .size = m->size};
	to->name = copy(report, m->name, no_bytes, &fits);
	to->path = copy(report, m->path, unloaded ? "not recorded" : no_bytes, &fits);
	if (!checksum.known && image->headers_present)
		checksum = (struct fact){true, image->checksum};
	to->timestamp = number(&m->timestamp, why);
	to->checksum = number(&checksum, why);
	to->pdb_name = copy(report, image->pdb_present ? image->pdb_name : NULL, why, &fits);
	to->pdb_guid_age = copy(report, image->pdb_present ? image->guid_age : NULL, why, &fits);
	to->unloaded_at.note = unloaded ? "the dump does not record it" : "still loaded";
	if (m->unloaded_at) {
		to->unloaded_at =
			(struct report_string){filetime_text(report, m->unloaded_at), NULL};
		fits = fits && to->unloaded_at.value;
	}
	return fits;
}

/* What reading the images for owners brought to light. */
static bool add_images(const struct plugin_input *input, struct report *report)
{
	static const char not_read[] = "the images were not read: owners were not asked for";
	const char *why = input->owners_error && input->owners_error->status != PS_OK
				  ? error_text(report, input->owners_error)
				  : not_read;

	for (size_t i = 0; i < report->modules.count && why; i++) {
		struct report_module *m = &report->modules.items[i];
		const struct report_version *version;

		m->version.note = why;
		if (!input->owners || i >= input->owners->image_count)
			continue;
		version = image_version(input, report, i);
		if (!version)
			return false;
		m->version = *version;
		if (input->owners->images[i].note[0] == '\0')
			continue;
		m->code_note = report_text(report, "%s", input->owners->images[i].note);
		if (!m->code_note)
			return false;
	}
	return why != NULL;
}

static bool copy_list(struct report *report, const struct module_list *list, bool unloaded,
		      struct report_modules *to)
{
	to->available = true;
	to->complete = list->complete;
	to->count = list->count;
	to->items = report_array(report, list->count, sizeof(*to->items));
	if (!to->items)
		return false;
	if (!list->complete)
		to->note = report_text(report, "%s", list->note[0] ? list->note : "unknown");
	for (size_t i = 0; i < list->count; i++) {
		if (!fill(report, &list->items[i], unloaded, &to->items[i]))
			return false;
	}
	return list->complete || to->note;
}

enum ps_status plugin_modules(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	if (!input->kernel) {
		report->modules.note = error_text(report, input->kernel_error);
		report->unloaded.note = report->modules.note;
		return report->modules.note ? PS_OK : ps_fail_memory(err, "the report");
	}
	if (!copy_list(report, &input->kernel->modules, false, &report->modules) ||
	    !copy_list(report, &input->kernel->unloaded, true, &report->unloaded) ||
	    !add_images(input, report))
		return ps_fail_memory(err, "the list of modules");
	if (!report->modules.complete || !report->unloaded.complete)
		report->incomplete = true;
	return PS_OK;
}
