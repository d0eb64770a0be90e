/*
 * One case from file to report; see one_case.h.
 */
#include "analyzer/cli/one_case.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/cli/password_file.h"
#include "base/memory.h"
#include "base/time.h"

/* Folder of cached symbols; NULL: there is none, or out of memory. Caller frees. */
static char *cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && cache[0] == '/')
		return mem_printf("%s/poolscope/symbols", cache);
	if (home && home[0] == '/')
		return mem_printf("%s/.cache/poolscope/symbols", home);
	return NULL;
}

static struct symbol_options symbol_sources(const struct options *options, const char *cache)
{
	struct symbol_options sources = {.no_known_builds = options->no_known_builds};

	if (options->no_symbols)
		return sources;
	sources.paths = options->symbols;
	sources.path_count = options->symbol_count;
	sources.environment[0] = getenv("POOLSCOPE_SYMBOLS");
	sources.environment[1] = getenv("_NT_SYMBOL_PATH");
	sources.cache = cache;
	return sources;
}

enum ps_status inputs_init(struct inputs *inputs, const struct options *options,
			   const struct log *log, struct ps_error *err)
{
	*inputs = (struct inputs){.cache = cache_folder()};
	inputs->symbols = symbol_sources(options, inputs->cache);
	tag_names_create(&inputs->names, err);
	for (size_t i = 0; i < options->pooltag_count && err->status == PS_OK; i++)
		tag_names_load(inputs->names, options->pooltag[i], log, err);
	if (err->status == PS_OK && options->known)
		known_load(options->known, &inputs->known, err);
	return err->status;
}

void inputs_fini(struct inputs *inputs)
{
	tag_names_destroy(inputs->names);
	known_destroy(inputs->known);
	free(inputs->cache);
}

static struct httperr_times times_of(const struct dump *dump)
{
	struct httperr_times times = {0, 0};

	if (dump->facts.system_time.known)
		times.crash = time_of_filetime(dump->facts.system_time.value);
	if (times.crash != 0 && dump->facts.uptime.known)
		times.boot = times.crash - (int64_t)(dump->facts.uptime.value / 10000000);
	return times;
}

/* After the dump is open: what happened when is told by its times. */
static enum ps_status load_logs(const struct options *options, const struct dump *dump,
				struct progress *progress, struct httperr **ret,
				struct ps_error *err)
{
	struct httperr_times times;

	if (options->httperr_count == 0)
		return PS_OK;
	times = times_of(dump);
	return httperr_create(options->httperr, options->httperr_count, &times, progress, ret, err);
}

enum ps_status command_open_file(const struct options *options, const char *path,
				 enum case_depth depth, const struct symbol_options *symbols,
				 const struct log *log, struct progress *progress,
				 struct case_file *c, struct ps_error *err)
{
	struct case_options how = {.reader = options->reader, .symbols = symbols};
	char password[PASSWORD_MOST];
	enum ps_status status;

	how.pack = (struct pack_options){.member = options->member,
					 .expand_most = options->max_expand};
	if (options->password_file) {
		*c = (struct case_file){.dump = NULL};
		if (password_file_read(options->password_file, password, err) != PS_OK)
			return err->status;
		how.pack.password = password;
	}
	status = case_init_with(c, path, depth, &how, log, progress, err);
	explicit_bzero(password, sizeof(password));
	return status;
}

static enum ps_status open_case(const struct command *command, const struct options *options,
				const char *path, const struct symbol_options *symbols,
				const struct log *log, struct progress *progress,
				struct case_file *c, struct ps_error *err)
{
	const struct owner_options owners = {options->drivers, options->driver_count, symbols,
					     options->threads};
	enum ps_status status = PS_OK;

	if (path)
		status = command_open_file(options, path, command->depth, symbols, log, progress, c,
					   err);
	if (status == PS_OK && command->processes && path)
		status = case_read_processes(c, err);
	if (status == PS_OK && command->owners && !options->no_owners && !options->sessions)
		status = case_find_owners(c, &owners, progress, err);
	return status;
}

static enum ps_status make_report(struct one_case *one, const struct command *command,
				  const struct options *options, const struct inputs *inputs,
				  struct ps_error *err)
{
	const struct case_texts beside = {inputs->names, one->httperr, inputs->known};

	command->select(options, &one->selection);
	if (command->check(&one->file, err) != PS_OK ||
	    case_report(&one->file, &one->selection, &beside, &one->report, err) != PS_OK)
		return err->status;
	one->report->options = options->given;
	one->report->option_count = options->given_count;
	return PS_OK;
}

enum ps_status one_case_run(struct one_case *one, const struct command *command,
			    const struct options *options, const struct inputs *inputs,
			    const char *path, const struct log *log, struct progress *progress,
			    struct ps_error *err)
{
	enum ps_status status;

	*one = (struct one_case){.report = NULL};
	status =
		open_case(command, options, path, &inputs->symbols, log, progress, &one->file, err);
	if (status == PS_OK)
		status = load_logs(options, one->file.dump, progress, &one->httperr, err);
	progress_end(progress);
	return status == PS_OK ? make_report(one, command, options, inputs, err) : status;
}

void one_case_fini(struct one_case *one)
{
	report_destroy(one->report);
	case_fini(&one->file);
	httperr_destroy(one->httperr);
	*one = (struct one_case){.report = NULL};
}
