/*
 * One case from file to report.
 */
#include "analyzer/desk/case.h"

/* Errors that end the whole, whatever part they come from. */
static bool is_fatal(enum ps_status status)
{
	return status == PS_INTERRUPTED || status == PS_NO_MEMORY || status == PS_INTERNAL;
}

/* What was not found may have been in pages that cannot be unpacked. */
static void blame_damage(struct case_file *c)
{
	size_t count = c->dump->damaged.count;

	if (count == 0 || c->kernel_error.status == PS_OK || c->dump->advice)
		return;
	c->kernel_error.hint[0] = '\0';
	ps_hint(&c->kernel_error,
		"%zu of the pages that were read %s damaged in the file: copy the dump again; if "
		"that is as damaged, have it written again",
		count, count == 1 ? "is" : "are");
	c->pools_error = c->kernel_error;
}

/* A reader process that ended takes the rest of the dump with it: that is then the reason. */
static enum ps_status blame_reader(struct case_file *c, struct ps_error *err)
{
	struct ps_error lost = PS_ERROR_INIT, bad = PS_ERROR_INIT;

	if (dump_bad_pages(c->dump, &bad) > 0) {
		c->dump->complete = false;
		dump_note(c->dump, "%.200s", bad.text);
	}
	if (!dump_reader_lost(c->dump, &lost)) {
		blame_damage(c);
		return PS_OK;
	}
	if (is_fatal(lost.status)) {
		*err = lost;
		return lost.status;
	}
	c->dump->complete = false;
	dump_note(c->dump, "%.200s", lost.text);
	ps_wrap(&lost, "cannot read all of %s", file_words(&c->dump->file));
	if (c->kernel_error.status != PS_OK)
		c->kernel_error = lost;
	if (c->pools_error.status != PS_OK)
		c->pools_error = lost;
	return PS_OK;
}

static enum ps_status open_kernel(struct case_file *c, enum case_depth depth,
				  const struct symbol_options *symbols, const struct log *log,
				  struct progress *progress, struct ps_error *err)
{
	enum ps_status status;

	status = kernel_open_with(c->dump, symbols, log, progress, &c->kernel, &c->kernel_error);
	if (status != PS_OK) {
		c->kernel = NULL;
		if (c->dump->advice) {
			c->kernel_error.hint[0] = '\0';
			ps_hint(&c->kernel_error, "%s", c->dump->advice);
		}
		c->pools_error = c->kernel_error;
		if (is_fatal(status))
			*err = c->kernel_error;
		return is_fatal(status) ? status : PS_OK;
	}
	if (depth < CASE_POOLS)
		return PS_OK;
	status = pools_open(c->kernel, progress, &c->pools, &c->pools_error);
	if (status == PS_OK)
		return PS_OK;
	c->pools = NULL;
	if (is_fatal(status))
		*err = c->pools_error;
	return is_fatal(status) ? status : PS_OK;
}

enum ps_status case_init(struct case_file *c, const char *path, enum case_depth depth,
			 enum dump_reader reader, const struct log *log, struct progress *progress,
			 struct ps_error *err)
{
	const struct case_options options = {.reader = reader};

	return case_init_with(c, path, depth, &options, log, progress, err);
}

enum ps_status case_init_with(struct case_file *c, const char *path, enum case_depth depth,
			      const struct case_options *chosen, const struct log *log,
			      struct progress *progress, struct ps_error *err)
{
	const struct dump_options options = {
		.reader = chosen->reader, .pack = chosen->pack, .progress = progress};
	enum ps_status status;

	*c = (struct case_file){.dump = NULL};
	status = dump_open_with(path, &options, log, &c->dump, err);
	if (status != PS_OK) {
		c->dump = NULL;
		return status;
	}
	if (depth < CASE_KERNEL)
		return PS_OK;
	status = open_kernel(c, depth, chosen->symbols, log, progress, err);
	progress_end(progress);
	return status == PS_OK ? blame_reader(c, err) : status;
}

/* A minidump has a page of a driver here and there, and no code to speak of. */
static bool has_code(const struct case_file *c)
{
	return !c->dump->triage || c->files;
}

static enum ps_status find_owners(struct case_file *c, unsigned threads, struct progress *progress)
{
	struct ps_error *why = &c->owners_error;

	if (!c->dump)
		return owners_create_files(c->files, threads, progress, &c->owners, why);
	if (!c->kernel) {
		*why = c->kernel_error;
		return why->status;
	}
	if (!has_code(c)) {
		ps_fail(why, PS_UNSUPPORTED, "a minidump does not hold the code of drivers");
		ps_hint(why, "--drivers DIR with copies of the driver files");
		return why->status;
	}
	return owners_create(c->kernel, c->files, threads, progress, &c->owners, why);
}

enum ps_status case_find_owners(struct case_file *c, const struct owner_options *how,
				struct progress *progress, struct ps_error *err)
{
	const struct symbol_options *symbols = how->symbols;
	enum ps_status status = PS_OK;

	if (how->driver_count > 0)
		status = driver_files_create(how->drivers, how->driver_count, &c->files, err);
	if (status != PS_OK) {
		c->files = NULL;
		return status;
	}
	if (!c->dump && c->files->count == 0)
		return ps_fail(err, PS_NOT_FOUND, "no driver file (a PE image) is in %s%s",
			       how->drivers[0],
			       how->driver_count > 1 ? " and the other folders" : "");
	status = find_owners(c, how->threads, progress);
	progress_end(progress);
	if (status == PS_OK && symbols &&
	    function_names_create(symbols, c->owners->image_count, &c->functions, err) != PS_OK)
		return err->status;
	if (status == PS_OK)
		return c->dump ? blame_reader(c, err) : PS_OK;
	c->owners = NULL;
	if (is_fatal(status) || !c->dump)
		*err = c->owners_error;
	return is_fatal(status) || !c->dump ? status : PS_OK;
}

enum ps_status case_read_processes(struct case_file *c, struct ps_error *err)
{
	enum ps_status status;

	if (!c->kernel) {
		c->processes_error = c->kernel_error;
		return PS_OK;
	}
	status = processes_read(c->kernel, &c->processes, &c->processes_error);
	c->has_processes = status == PS_OK;
	if (is_fatal(status))
		*err = c->processes_error;
	return is_fatal(status) ? status : blame_reader(c, err);
}

void case_fini(struct case_file *c)
{
	process_list_fini(&c->processes);
	function_names_destroy(c->functions);
	owners_destroy(c->owners);
	driver_files_destroy(c->files);
	pools_close(c->pools);
	kernel_close(c->kernel);
	dump_close(c->dump);
	*c = (struct case_file){.dump = NULL};
}

enum ps_status case_report(struct case_file *c, const struct selection *selection,
			   const struct case_texts *texts, struct report **ret,
			   struct ps_error *err)
{
	struct plugin_input input = {
		.dump = c->dump,
		.kernel = c->kernel,
		.kernel_error = &c->kernel_error,
		.pools = c->pools,
		.pools_error = &c->pools_error,
		.owners = c->owners,
		.owners_error = &c->owners_error,
		.processes = c->has_processes ? &c->processes : NULL,
		.processes_error = &c->processes_error,
		.functions = c->functions,
		.files = c->files,
		.names = texts->names,
		.httperr = texts->httperr,
		.known = texts->known,
		.selection = selection,
	};
	struct report *report = report_create();
	enum ps_status status;

	if (!report)
		return ps_fail_memory(err, "the report");
	report->view = selection->view;
	report->sections = selection->sections;
	status = plugins_run(&input, report, err);
	if (status != PS_OK) {
		report_destroy(report);
		return status;
	}
	*ret = report;
	return PS_OK;
}
