/*
 * The copies of driver files that --drivers names: which of them are other versions than the
 * machine's, which could not be opened, and, without a dump, what each of them is.
 */
#include "plugins/plugin.h"

static bool unreadable(const struct plugin_input *input, struct report *report)
{
	const struct driver_files *files = input->files;

	if (files->unreadable == 0)
		return true;
	/* with a dump they only complete what is in memory; without one they are all there is */
	report->incomplete = report->incomplete || !input->dump;
	return add_note(report, &report->owner_notes,
			report_text(report,
				    "--drivers: %zu file%s could not be opened, the first: %s.",
				    files->unreadable, files->unreadable == 1 ? "" : "s",
				    files->first_unreadable));
}

static bool is_other_version(const struct plugin_input *input, const struct module *m,
			     const struct driver_file **ret)
{
	uint32_t stamp = m->timestamp.known ? (uint32_t)m->timestamp.value : 0;

	return m->name && driver_files_find(input->files, m->name, &m->image, stamp,
					    (uint32_t)m->size, ret) == DRIVER_DIFFERS;
}

/* A copy of another version is never used, and never passed over in silence. */
static bool mismatches(const struct plugin_input *input, struct report *report)
{
	const struct module_list *list = &input->kernel->modules;
	const struct driver_file *file = NULL;
	const char *names = NULL;
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct module *m = &list->items[i];

		if (!is_other_version(input, m, &file))
			continue;
		names = count++ ? report_text(report, "%s, %s", names, m->name)
				: report_text(report, "%s", m->name);
		if (!names)
			return false;
	}
	if (count == 0)
		return true;
	if (count == 1)
		return add_note(report, &report->owner_notes,
				report_text(report,
					    "--drivers: a copy of %s is there (%s), but of another "
					    "version: it was not used.",
					    names, file->path));
	return add_note(
		report, &report->owner_notes,
		report_text(report,
			    "--drivers: copies of %zu drivers are there, but of other versions: "
			    "they were not used: %s.",
			    count, names));
}

static struct report_string pdb(struct report *report, bool present, const char *value, bool *fits)
{
	if (!present)
		return (struct report_string){NULL, "the file has no debug entry"};
	value = report_text(report, "%s", value);
	*fits = *fits && value;
	return (struct report_string){value, NULL};
}

static bool one_file(const struct plugin_input *input, struct report *report, size_t index,
		     struct report_driver_file *to)
{
	const struct owner_image *image = &input->owners->images[index];
	const struct pe_identity *id = &image->identity;
	const struct report_version *version = image_version(input, report, index);
	bool fits = version != NULL;

	*to = (struct report_driver_file){
		.name = report_text(report, "%s", image->name ? image->name : "?"),
		.path = report_text(report, "%s", image->path ? image->path : "?"),
		.timestamp = {id->headers_present, id->timestamp, "the header cannot be read"},
		.size = id->size,
		.sites = image->sites,
		.sites_unresolved = image->sites_unresolved,
	};
	to->pdb_name = pdb(report, id->pdb_present, id->pdb_name, &fits);
	to->pdb_guid_age = pdb(report, id->pdb_present, id->guid_age, &fits);
	if (image->note[0] != '\0') {
		to->note = report_text(report, "%s", image->note);
		fits = fits && to->note;
	}
	if (version)
		to->version = *version;
	return fits && to->name && to->path;
}

static bool list_files(const struct plugin_input *input, struct report *report)
{
	const struct owners *owners = input->owners;
	bool fits = true;

	report->driver_files =
		report_array(report, owners->image_count, sizeof(*report->driver_files));
	if (!report->driver_files)
		return false;
	for (size_t i = 0; i < owners->image_count && fits; i++)
		fits = one_file(input, report, i,
				&report->driver_files[report->driver_file_count++]);
	return fits;
}

enum ps_status plugin_driver_files(const struct plugin_input *input, struct report *report,
				   struct ps_error *err)
{
	bool fits = true;

	if (input->files)
		fits = unreadable(input, report) && (!input->kernel || mismatches(input, report));
	if (fits && !input->dump && input->owners)
		fits = list_files(input, report);
	return fits ? PS_OK : ps_fail_memory(err, "the driver files of the report");
}
