/*
 * Parsing of the command line: which words are options, which is the command, which are files. What
 * an option means is option_values.c's, what goes together option_checks.c's.
 *
 * Options may stand before or after the command and the file; `--` ends them. A word is a command
 * when it is one's name; a name with a slash, or of a file that exists, is a file.
 */
#include "analyzer/cli/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/cli/option_table.h"
#include "base/memory.h"

/* What the first pass over argv finds. */
struct words {
	const char **items;   /* owned; of argv */
	bool *may_be_command; /* owned */
	size_t count;
	unsigned used[OPTION_SPECS]; /* how often each option was given */
};

static bool remember(struct options *o, const struct option_spec *spec, const char *value,
		     struct words *words)
{
	char *text =
		value ? mem_printf("--%s=%s", spec->name, value) : mem_printf("--%s", spec->name);

	words->used[spec - option_specs]++;
	if (!text)
		return false;
	o->given[o->given_count++] = text;
	return true;
}

static void add_word(struct words *words, const char *word, bool may_be_command)
{
	words->items[words->count] = word;
	words->may_be_command[words->count++] = may_be_command;
}

static void long_options(struct option ret[OPTION_SPECS + 1])
{
	for (size_t i = 0; i < OPTION_SPECS; i++) {
		int has = no_argument;

		if (option_specs[i].argument)
			has = option_specs[i].argument[0] == '[' ? optional_argument
								 : required_argument;
		ret[i] = (struct option){option_specs[i].name, has, NULL, option_specs[i].id};
	}
	ret[OPTION_SPECS] = (struct option){NULL, 0, NULL, 0};
}

static enum ps_status bad_option(int got, char **argv, struct ps_error *err)
{
	const char *word = argv[optind - 1];

	if (got == ':')
		return ps_fail(err, PS_USAGE, "%s needs a value", word);
	/* getopt leaves optopt at 0 for a long option that it does not know */
	if (optopt != 0 && option_find(optopt))
		return ps_fail(err, PS_USAGE, "%s takes no value", word);
	if (optopt != 0)
		return ps_fail(err, PS_USAGE, "unknown option -%c", optopt);
	return ps_fail(err, PS_USAGE, "unknown option %s", word);
}

/* First pass: options into *o, other words into *words. */
static enum ps_status scan(struct options *o, int argc, char **argv, struct words *words,
			   struct ps_error *err)
{
	struct option longs[OPTION_SPECS + 1];
	enum ps_status status = PS_OK;
	int got;

	long_options(longs);
	opterr = 0;
	optind = 0; /* glibc: begin afresh */
	/* "-": words come in their place, as the value of option 1 */
	while (status == PS_OK && (got = getopt_long(argc, argv, "-:vqho:j:", longs, NULL)) != -1) {
		const struct option_spec *spec;

		if (got == 1) {
			add_word(words, optarg, true);
			continue;
		}
		if (got == '?' || got == ':')
			return bad_option(got, argv, err);
		spec = option_find(got == 'h' ? OPTION_HELP : got);
		if (!spec)
			return ps_fail(err, PS_INTERNAL, "an option without a row in the table");
		if (!remember(o, spec, optarg, words))
			return ps_fail_memory(err, "the options");
		status = option_take(o, spec->id, optarg, err);
	}
	for (int i = optind; status == PS_OK && i < argc; i++)
		add_word(words, argv[i], false);
	return status;
}

static bool find_command(const char *word, enum command_id *ret)
{
	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(word, command_name((enum command_id)i)) == 0) {
			*ret = (enum command_id)i;
			return true;
		}
	}
	return false;
}

static enum ps_status unknown_command(const char *word, struct ps_error *err)
{
	ps_fail(err, PS_USAGE, "'%s' is no command, and no file of that name is here", word);
	ps_hint(err, "the commands are analyze, tags, owners, big, modules, processes, info, "
		     "convert, explain, symbols, batch, diff and cases; try `poolscope --help`");
	return err->status;
}

/* The word behind `symbols`. */
static enum ps_status sort_action(struct options *o, const struct words *words, size_t *next,
				  struct ps_error *err)
{
	static const char *const actions[] = {"check", "list", "add"};

	for (unsigned i = 0; i < 3 && *next < words->count; i++) {
		if (strcmp(words->items[*next], actions[i]) != 0)
			continue;
		o->symbols_action = (enum symbols_action)i;
		++*next;
		return PS_OK;
	}
	return ps_fail(err, PS_USAGE, "`poolscope symbols` needs one of check FILE, list, add DIR");
}

/* Second pass: which word is the command, which the file. */
static enum ps_status sort_words(struct options *o, const struct words *words, struct ps_error *err)
{
	size_t next = 0;

	o->command = COMMAND_ANALYZE;
	if (words->count > 0 && words->may_be_command[0]) {
		const char *first = words->items[0];

		if (find_command(first, &o->command))
			next = 1;
		/* a file name is recognised by its slash or dot, or by being there */
		else if (!strpbrk(first, "/.") && strcmp(first, "-") != 0 &&
			 access(first, F_OK) != 0)
			return unknown_command(first, err);
	}
	if (o->command == COMMAND_SYMBOLS && !o->help && sort_action(o, words, &next, err) != PS_OK)
		return err->status;
	if (o->command == COMMAND_BATCH) {
		o->batch.paths = words->items + next;
		o->batch.path_count = words->count - next;
		return PS_OK;
	}
	if (o->command == COMMAND_DIFF) {
		o->diff_paths = words->items + next;
		o->diff_path_count = words->count - next;
		return PS_OK;
	}
	if (words->count > next)
		o->file = words->items[next++];
	if (words->count > next && o->command == COMMAND_CONVERT)
		o->out = words->items[next++];
	if (words->count > next)
		return ps_fail(err, PS_USAGE, "one %s at a time: '%s' is one too many",
			       o->command == COMMAND_EXPLAIN   ? "finding"
			       : o->command == COMMAND_CONVERT ? "file to read and one to write"
							       : "file",
			       words->items[next]);
	return PS_OK;
}

enum ps_status options_parse(struct options *options, int argc, char **argv, struct ps_error *err)
{
	struct words words = {.count = 0};
	enum ps_status status;

	*options = (struct options){.command = COMMAND_ANALYZE,
				    .dump_bytes = DUMP_BYTES_DEFAULT,
				    .batch.limits = {BATCH_SECONDS, BATCH_MEMORY}};
	options->given = mem_array((size_t)argc + 1, sizeof(*options->given));
	words.items = mem_array((size_t)argc + 1, sizeof(*words.items));
	words.may_be_command = mem_array((size_t)argc + 1, sizeof(*words.may_be_command));
	options->words = words.items;
	if (!options->given || !words.items || !words.may_be_command)
		status = ps_fail_memory(err, "the options");
	else
		status = scan(options, argc, argv, &words, err);
	/* for the hint below */
	if (status == PS_USAGE && words.count > 0)
		find_command(words.items[0], &options->command);
	if (status == PS_OK)
		status = sort_words(options, &words, err);
	if (status == PS_OK && !options->help && !options->version)
		status = options_check(options, words.used, err);
	free(words.may_be_command);
	if (status == PS_USAGE)
		ps_hint(err, "try `poolscope %s --help`", command_name(options->command));
	return status;
}

void options_fini(struct options *options)
{
	for (size_t i = 0; i < options->given_count; i++)
		free((char *)options->given[i]);
	free(options->given);
	free(options->words);
	options->words = NULL;
	options->given = NULL;
	options->given_count = 0;
}
