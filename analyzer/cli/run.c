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
#include "analyzer/cli/one_case.h"
#include "analyzer/report/format.h"
#include "analyzer/report/render.h"
#include "base/signals.h"

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

struct render_options command_render_options(const struct options *options)
{
	return (struct render_options){
		.color = wants_color(options->color),
		.width = terminal_width(),
	};
}

static enum ps_status render(const struct options *options, const struct report *report,
			     struct ps_error *err)
{
	const struct render_options how = command_render_options(options);

	switch (options->output) {
	case OUTPUT_JSON: return render_json(report, stdout, err);
	case OUTPUT_CSV: return render_csv(report, stdout, err);
	case OUTPUT_TEXT: return render_text(report, &how, stdout, err);
	case OUTPUT_TICKET: return render_ticket(report, stdout, err);
	case OUTPUT_HTML: return render_html(report, stdout, err);
	}
	return ps_fail(err, PS_INTERNAL, "unknown kind of output");
}

static enum ps_status write_html(const void *report, FILE *out, struct ps_error *err)
{
	return render_html(report, out, err);
}

/* The page comes first: a reader who closes the pipe early ends the program. */
static int print(const struct options *options, const struct report *report)
{
	struct ps_error error = PS_ERROR_INIT;
	int result = report->incomplete ? EXIT_INCOMPLETE : EXIT_COMPLETE;

	if (options->html && html_file_write(options->html, write_html, report, &error) != PS_OK) {
		result = command_fail(&error, false);
		if (error.status == PS_SYSTEM)
			result = EXIT_FAULT;
	}
	if (render(options, report, &error) != PS_OK)
		return command_fail(&error, false);
	return command_finish(result);
}

static int run_case(const struct command *command, const struct options *options,
		    const struct inputs *inputs)
{
	struct ps_error error = PS_ERROR_INIT;
	struct log log = {(enum log_level)options->verbosity};
	struct progress progress;
	struct one_case one;
	int result;

	if (options->html && html_file_check(options, &error) != PS_OK) {
		result = command_fail(&error, options->output == OUTPUT_JSON);
		return error.status == PS_SYSTEM ? EXIT_FAULT : result;
	}
	progress_init(&progress, options->verbosity != LOG_QUIET);
	if (one_case_run(&one, command, options, inputs, options->file, &log, &progress, &error) !=
	    PS_OK)
		result = command_fail(&error, options->output == OUTPUT_JSON);
	else
		result = print(options, one.report);
	one_case_fini(&one);
	return result;
}

int command_run(const struct command *command, const struct options *options)
{
	struct log log = {(enum log_level)options->verbosity};
	struct ps_error error = PS_ERROR_INIT;
	struct inputs inputs;
	int result;

	if (inputs_init(&inputs, options, &log, &error) != PS_OK)
		result = command_fail(&error, options->output == OUTPUT_JSON);
	else if (options->command == COMMAND_CONVERT)
		result = command_convert(options, &inputs.symbols);
	else if (options->command == COMMAND_SYMBOLS && options->symbols_action == SYMBOLS_ADD)
		result = command_symbols_add(options, inputs.cache);
	else if (options->command == COMMAND_SYMBOLS && options->symbols_action == SYMBOLS_LIST)
		result = command_symbols_list(options, inputs.cache, &inputs.symbols);
	else if (options->command == COMMAND_DIFF)
		result = command_diff(options, &inputs);
	else if (options->command == COMMAND_BATCH)
		result = command_batch(options, &inputs);
	else
		result = run_case(command, options, &inputs);
	inputs_fini(&inputs);
	return result;
}
