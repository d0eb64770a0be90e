/*
 * poolscope: the command table and the way in.
 */
#include <locale.h>
#include <string.h>

#include "analyzer/cli/command.h"
#include "base/signals.h"

/* `explain` needs no dump and `convert` makes no report: neither is one of them. */
static const struct command *const commands[COMMAND_COUNT] = {
	[COMMAND_ANALYZE] = &command_analyze, [COMMAND_TAGS] = &command_tags,
	[COMMAND_BIG] = &command_big,         [COMMAND_MODULES] = &command_modules,
	[COMMAND_INFO] = &command_info,       [COMMAND_OWNERS] = &command_owners,
	[COMMAND_SYMBOLS] = &command_symbols, [COMMAND_PROCESSES] = &command_processes,
};

/* For errors of the command line itself, when the options are not known yet. */
static bool asks_for_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

/* `poolscope --help` is about the whole, `poolscope tags --help` about one command. */
static bool names_command(int argc, char **argv, const struct options *options)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], command_name(options->command)) == 0)
			return true;
	}
	return false;
}

static int run(int argc, char **argv, const struct options *options)
{
	if (options->version) {
		printf("poolscope %s\n", POOLSCOPE_VERSION);
		return command_finish(0);
	}
	if (options->help) {
		if (names_command(argc, argv, options))
			options_help(options->command, stdout);
		else
			options_overview(stdout);
		return command_finish(0);
	}
	if (options->command == COMMAND_EXPLAIN)
		return explain_run(options->file);
	if (options->command == COMMAND_CASES)
		return command_cases(options);
	return command_run(commands[options->command], options);
}

int main(int argc, char **argv)
{
	struct ps_error error = PS_ERROR_INIT;
	struct options options;
	int result;

	/* Only what a character is: numbers keep their point whatever the language. */
	setlocale(LC_CTYPE, "");
	signals_init();
	if (argc < 2) {
		options_overview(stderr);
		return 2;
	}
	if (options_parse(&options, argc, argv, &error) != PS_OK)
		result = command_fail(&error, asks_for_json(argc, argv));
	else
		result = run(argc, argv, &options);
	options_fini(&options);
	return result;
}
