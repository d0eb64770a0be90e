/*
 * What all commands share: open, report, render, and the exit status.
 *
 *   0 every printed figure is complete      3 the input cannot be used for this
 *   1 a printed figure is incomplete        4 an internal fault, or the report cannot be written
 *   2 usage
 */
#include "analyzer/cli/command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "analyzer/cli/html_file.h"
#include "analyzer/cli/password_file.h"
#include "analyzer/report/format.h"
#include "analyzer/report/render.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/time.h"

enum { EXIT_COMPLETE, EXIT_INCOMPLETE, EXIT_USAGE, EXIT_INPUT, EXIT_FAULT };

static int exit_status(enum ps_status status)
{
	switch (status) {
	case PS_OK: return EXIT_COMPLETE;
	case PS_USAGE: return EXIT_USAGE;
	case PS_ABSENT:
	case PS_CORRUPT:
	case PS_UNSUPPORTED:
	case PS_NOT_FOUND:
	case PS_SYSTEM: return EXIT_INPUT;
	case PS_NO_MEMORY:
	case PS_INTERRUPTED:
	case PS_INTERNAL: return EXIT_FAULT;
	}
	return EXIT_FAULT;
}

/* Ends as an interrupted program should, so that a shell's loop around it ends too. */
static void end_interrupted(void)
{
	fflush(stdout);
	signal(SIGINT, SIG_DFL);
	raise(SIGINT);
}

/* A message may hold names from the file or the command line: nothing in it moves the cursor. */
static void say(const char *text)
{
	char *safe = format_safe(text, format_terminal());

	fprintf(stderr, "poolscope: %s\n", safe ? safe : "out of memory");
	free(safe);
}

int command_fail(const struct ps_error *err, bool json)
{
	if (err->status == PS_INTERRUPTED)
		end_interrupted();
	if (json)
		render_json_error(err, stdout);
	fflush(stdout);
	say(err->text);
	if (err->hint[0] != '\0')
		say(err->hint);
	return exit_status(err->status);
}

int command_finish(int result)
{
	struct ps_error error = PS_ERROR_INIT;

	if (render_finish(stdout, &error) == PS_OK)
		return result;
	say(error.text);
	return EXIT_FAULT;
}

static bool wants_color(enum color_when when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	if ((no_color && no_color[0] != '\0') || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(STDOUT_FILENO);
}

static unsigned terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

static enum ps_status render(const struct options *options, const struct report *report,
			     struct ps_error *err)
{
	struct render_options how = {
		.color = wants_color(options->color),
		.width = terminal_width(),
	};

	switch (options->output) {
	case OUTPUT_JSON: return render_json(report, stdout, err);
	case OUTPUT_CSV: return render_csv(report, stdout, err);
	case OUTPUT_TEXT: return render_text(report, &how, stdout, err);
	case OUTPUT_TICKET: return render_ticket(report, stdout, err);
	case OUTPUT_HTML: return render_html(report, stdout, err);
	}
	return ps_fail(err, PS_INTERNAL, "unknown kind of output");
}

/* What the command line names beside the dump. */
struct texts {
	struct tag_names *names;
	struct httperr *httperr;
	struct known *known;
};

static enum ps_status load_lists(const struct options *options, const struct log *log,
				 struct texts *ret, struct ps_error *err)
{
	enum ps_status status = tag_names_create(&ret->names, err);

	for (size_t i = 0; i < options->pooltag_count && status == PS_OK; i++)
		status = tag_names_load(ret->names, options->pooltag[i], log, err);
	if (status == PS_OK && options->known)
		status = known_load(options->known, &ret->known, err);
	return status;
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
				struct progress *progress, struct texts *ret, struct ps_error *err)
{
	struct httperr_times times;

	if (options->httperr_count == 0)
		return PS_OK;
	times = times_of(dump);
	return httperr_create(options->httperr, options->httperr_count, &times, progress,
			      &ret->httperr, err);
}

static void texts_fini(struct texts *texts)
{
	tag_names_destroy(texts->names);
	httperr_destroy(texts->httperr);
	known_destroy(texts->known);
}

/* The page comes first: a reader who closes the pipe early ends the program. */
static int print(const struct options *options, const struct report *report)
{
	struct ps_error error = PS_ERROR_INIT;
	int result = report->incomplete ? EXIT_INCOMPLETE : EXIT_COMPLETE;

	if (options->html && html_file_write(options->html, report, &error) != PS_OK) {
		result = command_fail(&error, false);
		if (error.status == PS_SYSTEM)
			result = EXIT_FAULT;
	}
	if (render(options, report, &error) != PS_OK)
		return command_fail(&error, false);
	return command_finish(result);
}

static int report_case(const struct command *command, const struct options *options,
		       const struct texts *texts, struct case_file *c)
{
	const struct case_texts beside = {texts->names, texts->httperr, texts->known};
	struct ps_error error = PS_ERROR_INIT;
	struct selection selection = {.sections = 0};
	struct report *report = NULL;
	int result;

	command->select(options, &selection);
	if (command->check(c, &error) != PS_OK ||
	    case_report(c, &selection, &beside, &report, &error) != PS_OK)
		return command_fail(&error, options->output == OUTPUT_JSON);
	report->options = options->given;
	report->option_count = options->given_count;
	result = print(options, report);
	report_destroy(report);
	return result;
}

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

enum ps_status command_open_file(const struct options *options, enum case_depth depth,
				 const struct symbol_options *symbols, const struct log *log,
				 struct progress *progress, struct case_file *c,
				 struct ps_error *err)
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
	status = case_init_with(c, options->file, depth, &how, log, progress, err);
	explicit_bzero(password, sizeof(password));
	return status;
}

static enum ps_status open_case(const struct command *command, const struct options *options,
				const struct symbol_options *symbols, const struct log *log,
				struct progress *progress, struct case_file *c,
				struct ps_error *err)
{
	enum ps_status status = PS_OK;

	if (options->file)
		status = command_open_file(options, command->depth, symbols, log, progress, c, err);
	if (status == PS_OK && command->processes && options->file)
		status = case_read_processes(c, err);
	if (status == PS_OK && command->owners && !options->no_owners && !options->sessions)
		status = case_find_owners(c, options->drivers, options->driver_count, symbols,
					  progress, err);
	return status;
}

static int run_case(const struct command *command, const struct options *options,
		    const struct symbol_options *symbols)
{
	struct ps_error error = PS_ERROR_INIT;
	struct log log = {(enum log_level)options->verbosity};
	struct progress progress;
	struct texts texts = {NULL, NULL, NULL};
	struct case_file c = {.dump = NULL};
	int result;

	if (options->html && html_file_check(options, &error) != PS_OK) {
		result = command_fail(&error, options->output == OUTPUT_JSON);
		return error.status == PS_SYSTEM ? EXIT_FAULT : result;
	}
	progress_init(&progress, options->verbosity != LOG_QUIET);
	if (load_lists(options, &log, &texts, &error) != PS_OK ||
	    open_case(command, options, symbols, &log, &progress, &c, &error) != PS_OK ||
	    load_logs(options, c.dump, &progress, &texts, &error) != PS_OK) {
		progress_end(&progress);
		result = command_fail(&error, options->output == OUTPUT_JSON);
	} else {
		result = report_case(command, options, &texts, &c);
	}
	case_fini(&c);
	texts_fini(&texts);
	return result;
}

int command_run(const struct command *command, const struct options *options)
{
	char *cache = cache_folder();
	struct symbol_options symbols = symbol_sources(options, cache);
	int result;

	if (options->command == COMMAND_CONVERT)
		result = command_convert(options, &symbols);
	else if (options->command == COMMAND_SYMBOLS && options->symbols_action == SYMBOLS_ADD)
		result = command_symbols_add(options, cache);
	else if (options->command == COMMAND_SYMBOLS && options->symbols_action == SYMBOLS_LIST)
		result = command_symbols_list(options, cache, &symbols);
	else
		result = run_case(command, options, &symbols);
	free(cache);
	return result;
}
