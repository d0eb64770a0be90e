/*
 * Parsing of the command line.
 *
 * Options may stand before or after the command and the file; `--` ends them. A word is a command
 * when it is one's name; a name with a slash, or of a file that exists, is a file.
 */
#include "analyzer/cli/options.h"
#include "analyzer/cli/option_table.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

static const struct {
	const char *word;
	enum tag_sort sort;
} sort_keys[] = {
	{"bytes", SORT_BYTES}, {"diff", SORT_DIFF}, {"allocs", SORT_ALLOCS},
	{"frees", SORT_FREES}, {"tag", SORT_TAG},   {"per-alloc", SORT_PER_ALLOC},
};

static const char *const process_sort_keys[] = {
	[BY_HANDLES] = "handles",
	[BY_HOLDS] = "holds",
	[BY_PID] = "pid",
	[BY_NAME] = "name",
};

/* What the first pass over argv finds. */
struct words {
	const char **items;   /* owned; of argv */
	bool *may_be_command; /* owned */
	size_t count;
	unsigned used[OPTION_SPECS]; /* how often each option was given */
};

static enum ps_status parse_number(const char *name, const char *text, int base, uint64_t maximum,
				   uint64_t *ret, struct ps_error *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, base);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || text[0] == '+' ||
	    text[0] == ' ' || *ret > maximum)
		return ps_fail(err, PS_USAGE, "--%s '%s' is not a number that fits", name, text);
	return PS_OK;
}

/* An address: hex with or without 0x; the ` of debuggers is passed over. */
static enum ps_status parse_address(const char *text, uint64_t *ret, struct ps_error *err)
{
	char digits[32];
	size_t used = 0;

	for (const char *c = text; *c != '\0' && used + 1 < sizeof(digits); c++) {
		if (*c != '`')
			digits[used++] = *c;
	}
	digits[used] = '\0';
	if (parse_number("dump", digits, 16, UINT64_MAX, ret, err) != PS_OK)
		return ps_fail(err, PS_USAGE, "--dump '%s' is not an address in hexadecimal", text);
	return PS_OK;
}

static enum ps_status parse_sort(struct options *o, const char *text, struct ps_error *err)
{
	for (size_t i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++) {
		if (strcmp(text, sort_keys[i].word) == 0) {
			o->sort = sort_keys[i].sort;
			o->has_sort = true;
			return PS_OK;
		}
	}
	if (strcmp(text, "rate") == 0) {
		o->by_rate = o->has_sort = true;
		return PS_OK;
	}
	for (unsigned i = 0; i < sizeof(process_sort_keys) / sizeof(process_sort_keys[0]); i++) {
		if (strcmp(text, process_sort_keys[i]) == 0) {
			o->process_sort = (enum process_sort)i;
			o->has_process_sort = true;
			return PS_OK;
		}
	}
	return ps_fail(
		err, PS_USAGE,
		"--sort '%s' is none of bytes, diff, allocs, frees, tag, per-alloc, nor, of "
		"diff, of bytes, rate, diff, tag, nor, of processes, of handles, holds, pid, name",
		text);
}

static enum ps_status parse_color(struct options *o, const char *text, struct ps_error *err)
{
	if (!text || strcmp(text, "always") == 0)
		o->color = COLOR_ALWAYS;
	else if (strcmp(text, "never") == 0)
		o->color = COLOR_NEVER;
	else if (strcmp(text, "auto") == 0)
		o->color = COLOR_AUTO;
	else
		return ps_fail(err, PS_USAGE, "--color '%s' is none of auto, always, never", text);
	return PS_OK;
}

static enum ps_status parse_reader(struct options *o, const char *text, struct ps_error *err)
{
	if (strcmp(text, "native") == 0)
		o->reader = READER_NATIVE;
	else if (strcmp(text, "kdumpfile") == 0)
		o->reader = READER_KDUMPFILE;
	else
		return ps_fail(err, PS_USAGE, "--reader '%s' is none of native, kdumpfile", text);
	return PS_OK;
}

static enum ps_status parse_type(struct options *o, const char *text, struct ps_error *err)
{
	if (strcmp(text, "full") == 0)
		o->body = CRASH_BODY_FULL;
	else if (strcmp(text, "bitmap") == 0)
		o->body = CRASH_BODY_BITMAP;
	else
		return ps_fail(err, PS_USAGE, "--type '%s' is none of full, bitmap", text);
	return PS_OK;
}

/* Bytes, or with a letter for a power of 1,024. */
enum ps_status size_parse(const char *name, const char *text, uint64_t *ret, struct ps_error *err)
{
	static const char letters[] = "KMGT";
	size_t length = strlen(text);
	const char *letter = length > 1 ? strchr(letters, text[length - 1]) : NULL;
	unsigned shift = letter ? 10 * ((unsigned)(letter - letters) + 1) : 0;
	char number[24];

	snprintf(number, sizeof(number), "%.*s", (int)(letter ? length - 1 : length), text);
	if (parse_number(name, number, 10, INT64_MAX >> shift, ret, err) != PS_OK || *ret == 0) {
		ps_error_clear(err);
		return ps_fail(err, PS_USAGE, "--%s '%s' is no size, such as 1000000, 500M or 2T",
			       name, text);
	}
	*ret <<= shift;
	return PS_OK;
}

static enum ps_status add_tag(struct options *o, const char *text, struct ps_error *err)
{
	if (o->tag_count == TAG_PATTERNS)
		return ps_fail(err, PS_USAGE, "more than %d tags given with --tag", TAG_PATTERNS);
	return tag_pattern_parse(text, &o->tags[o->tag_count++], err);
}

static enum ps_status add_pooltag(struct options *o, const char *path, struct ps_error *err)
{
	if (o->pooltag_count == POOLTAG_FILES)
		return ps_fail(err, PS_USAGE, "more than %d files given with --pooltag",
			       POOLTAG_FILES);
	o->pooltag[o->pooltag_count++] = path;
	return PS_OK;
}

static enum ps_status add_drivers(struct options *o, const char *path, struct ps_error *err)
{
	if (o->driver_count == DRIVER_FOLDERS)
		return ps_fail(err, PS_USAGE, "more than %d folders given with --drivers",
			       DRIVER_FOLDERS);
	o->drivers[o->driver_count++] = path;
	return PS_OK;
}

static enum ps_status add_httperr(struct options *o, const char *path, struct ps_error *err)
{
	if (o->httperr_count == HTTPERR_PATHS)
		return ps_fail(err, PS_USAGE, "more than %d paths given with --httperr",
			       HTTPERR_PATHS);
	o->httperr[o->httperr_count++] = path;
	return PS_OK;
}

/* `-` takes the place of the text, a name comes beside it. */
static enum ps_status take_html(struct options *o, const char *path, struct ps_error *err)
{
	if (*path == '\0')
		return ps_fail(err, PS_USAGE, "--html needs the name of a file to write");
	if (strcmp(path, "-") == 0)
		o->output = OUTPUT_HTML;
	else
		o->html = path;
	return PS_OK;
}

static enum ps_status add_symbols(struct options *o, const char *path, struct ps_error *err)
{
	if (strcmp(path, "none") == 0) {
		o->no_symbols = true;
		return PS_OK;
	}
	if (o->symbol_count == SYMBOL_PATHS)
		return ps_fail(err, PS_USAGE, "more than %d paths given with --symbols",
			       SYMBOL_PATHS);
	o->symbols[o->symbol_count++] = path;
	return PS_OK;
}

static enum ps_status take_value(struct options *o, int id, const char *value, struct ps_error *err)
{
	uint64_t number = 0;
	enum ps_status status;

	switch (id) {
	case OPTION_TOP:
		status = parse_number("top", value, 10, SIZE_MAX, &number, err);
		o->top = (size_t)number;
		o->has_top = true;
		return status;
	case OPTION_BYTES:
		status = parse_number("bytes", value, 0, DUMP_BYTES_MAX, &number, err);
		o->dump_bytes = (size_t)number;
		o->has_bytes = true;
		return status;
	case OPTION_DUMP: o->has_dump = true; return parse_address(value, &o->dump_va, err);
	case OPTION_READER: return parse_reader(o, value, err);
	case OPTION_SORT: return parse_sort(o, value, err);
	case OPTION_TAG: return add_tag(o, value, err);
	case OPTION_SYMBOLS: return add_symbols(o, value, err);
	case OPTION_DRIVERS: return add_drivers(o, value, err);
	case OPTION_POOLTAG: return add_pooltag(o, value, err);
	case OPTION_HTTPERR: return add_httperr(o, value, err);
	case OPTION_MEMBER: o->member = value; return PS_OK;
	case OPTION_PASSWORD_FILE: o->password_file = value; return PS_OK;
	case OPTION_MAX_EXPAND: return size_parse("max-expand", value, &o->max_expand, err);
	case OPTION_KNOWN: o->known = value; return PS_OK;
	case OPTION_TYPE: return parse_type(o, value, err);
	case OPTION_HTML: return take_html(o, value, err);
	case OPTION_OUT:
	case OPTION_JOBS:
	case OPTION_TIMEOUT:
	case OPTION_MAX_MEMORY:
	case OPTION_SHARD: return batch_option(o, id, value, err);
	case OPTION_DRIVER:
	case OPTION_BUILD:
	case OPTION_BUGCHECK:
	case OPTION_LIKE: return cases_option(o, id, value, err);
	default: return parse_color(o, value, err);
	}
}

static enum ps_status take(struct options *o, int id, const char *value, struct ps_error *err)
{
	switch (id) {
	case OPTION_JSON: o->output = OUTPUT_JSON; return PS_OK;
	case OPTION_CSV: o->output = OUTPUT_CSV; return PS_OK;
	case OPTION_TICKET: o->output = OUTPUT_TICKET; return PS_OK;
	case OPTION_NONPAGED: o->filter = FILTER_NONPAGED; return PS_OK;
	case OPTION_PAGED: o->filter = FILTER_PAGED; return PS_OK;
	case OPTION_SESSIONS: o->sessions = true; return PS_OK;
	case OPTION_NO_OWNERS: o->no_owners = true; return PS_OK;
	case OPTION_NO_KNOWN_BUILDS: o->no_known_builds = true; return PS_OK;
	case OPTION_FORCE: o->force = true; return PS_OK;
	case OPTION_RETRY_FAILED: o->batch.retry_failed = true; return PS_OK;
	case OPTION_MERGE: o->batch.merge = true; return PS_OK;
	case OPTION_CASE_JSON: o->batch.keep_reports = true; return PS_OK;
	case OPTION_CASE_HTML: o->batch.keep_pages = true; return PS_OK;
	case OPTION_LIST: o->list = true; return PS_OK;
	case OPTION_FREED: o->freed = true; return PS_OK;
	case OPTION_HELP: o->help = true; return PS_OK;
	case OPTION_VERSION: o->version = true; return PS_OK;
	case OPTION_VERBOSE: o->verbosity++; return PS_OK;
	case OPTION_QUIET: o->verbosity = LOG_QUIET; return PS_OK;
	default: return take_value(o, id, value, err);
	}
}

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
		status = take(o, spec->id, optarg, err);
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

static enum ps_status check_used(const struct options *o, const struct words *words,
				 struct ps_error *err)
{
	for (size_t i = 0; i < OPTION_SPECS; i++) {
		if (words->used[i] && !(option_specs[i].commands & 1U << o->command))
			return ps_fail(err, PS_USAGE, "`poolscope %s` has no option --%s",
				       command_name(o->command), option_specs[i].name);
	}
	return PS_OK;
}

static unsigned times_used(const struct words *words, int id)
{
	return words->used[option_find(id) - option_specs];
}

/* The key of --sort is one of the command's. */
static bool sorts_by(const struct options *o)
{
	if (o->command == COMMAND_PROCESSES ? o->has_sort : o->has_process_sort)
		return false;
	if (o->command != COMMAND_DIFF)
		return !o->by_rate;
	return o->sort == SORT_BYTES || o->sort == SORT_DIFF || o->sort == SORT_TAG;
}

/* Options that exclude each other or make no sense alone. */
static enum ps_status check_together(const struct options *o, const struct words *words,
				     struct ps_error *err)
{
	if (times_used(words, OPTION_JSON) && times_used(words, OPTION_CSV))
		return ps_fail(err, PS_USAGE, "--json and --csv exclude each other");
	if (times_used(words, OPTION_TICKET) && times_used(words, OPTION_JSON))
		return ps_fail(err, PS_USAGE, "--json and --ticket exclude each other");
	if (times_used(words, OPTION_HTML) > 1)
		return ps_fail(err, PS_USAGE, "--html is given more than once");
	if (times_used(words, OPTION_HTML) && !o->html &&
	    (times_used(words, OPTION_JSON) || times_used(words, OPTION_TICKET)))
		return ps_fail(
			err, PS_USAGE,
			"--html - takes the place of --json and --ticket; name a file to have "
			"both");
	if (times_used(words, OPTION_HTML) && !o->html && times_used(words, OPTION_CSV))
		return ps_fail(err, PS_USAGE,
			       "--html - takes the place of --csv; name a file to have both");
	if (times_used(words, OPTION_NONPAGED) && times_used(words, OPTION_PAGED))
		return ps_fail(err, PS_USAGE,
			       "--nonpaged and --paged exclude each other; "
			       "without either, both pools are printed");
	if (o->no_owners && o->driver_count)
		return ps_fail(err, PS_USAGE,
			       "--drivers is for finding owners, which --no-owners does without");
	if (o->command == COMMAND_OWNERS && !o->file && (o->has_sort || o->has_top || o->filter))
		return ps_fail(
			err, PS_USAGE,
			"without a dump there is no usage to sort or choose by: --sort, --top, "
			"--nonpaged and --paged do not apply");
	if (!sorts_by(o))
		return ps_fail(err, PS_USAGE, "`poolscope %s` does not sort by that",
			       command_name(o->command));
	if (o->no_symbols && o->symbol_count)
		return ps_fail(err, PS_USAGE, "--symbols none excludes other --symbols");
	if (o->command == COMMAND_SYMBOLS && o->symbols_action != SYMBOLS_CHECK &&
	    o->output == OUTPUT_JSON)
		return ps_fail(err, PS_USAGE, "--json is for `poolscope symbols check` alone");
	if (o->list && o->has_dump)
		return ps_fail(err, PS_USAGE, "--list and --dump exclude each other");
	if (o->freed && !o->list)
		return ps_fail(err, PS_USAGE, "--freed needs --list");
	if (o->has_bytes && !o->has_dump)
		return ps_fail(err, PS_USAGE, "--bytes needs --dump");
	if (o->list && o->has_sort)
		return ps_fail(err, PS_USAGE,
			       "--list prints in table order; --sort does not apply");
	if (o->has_dump && (o->tag_count || o->has_top || o->has_sort || o->filter != FILTER_BOTH))
		return ps_fail(err, PS_USAGE,
			       "--dump prints one allocation; --tag, --top, --sort, --nonpaged and "
			       "--paged do not apply");
	if (o->has_dump && o->output == OUTPUT_CSV)
		return ps_fail(err, PS_USAGE, "--dump has no --csv");
	return PS_OK;
}

static enum ps_status check_out(const struct options *o, struct ps_error *err)
{
	if (o->command != COMMAND_CONVERT)
		return PS_OK;
	if (!o->out || *o->out == '\0')
		return ps_fail(err, PS_USAGE,
			       "`poolscope convert` needs the name of the dump to write");
	if (strcmp(o->out, "-") == 0) {
		ps_fail(err, PS_USAGE,
			"a crash dump is written here and there and cannot go into a "
			"pipe");
		ps_hint(err, "write it to a file first; a file named - is ./-");
		return err->status;
	}
	return PS_OK;
}

/* One log of poolmon may hold several snapshots. */
static enum ps_status check_paths(const struct options *o, struct ps_error *err)
{
	if (o->diff_path_count == 0)
		return ps_fail(err, PS_USAGE,
			       "`poolscope diff` needs two files or more, the oldest first");
	for (size_t i = 0; i < o->diff_path_count; i++) {
		if (strcmp(o->diff_paths[i], "-") != 0)
			continue;
		ps_fail(err, PS_USAGE, "what is compared cannot come from a pipe");
		ps_hint(err, "write it to a file first; a file named - is ./-");
		return err->status;
	}
	return PS_OK;
}

static enum ps_status check_file(const struct options *o, struct ps_error *err)
{
	if (o->command == COMMAND_BATCH)
		return batch_check(o, err);
	if (o->command == COMMAND_DIFF)
		return check_paths(o, err);
	if (o->command == COMMAND_CASES)
		return cases_check(o, err);
	if (o->command == COMMAND_EXPLAIN ||
	    (!o->file && o->command == COMMAND_OWNERS && o->driver_count > 0))
		return PS_OK;
	if (o->command == COMMAND_SYMBOLS && o->symbols_action == SYMBOLS_LIST)
		return o->file ? ps_fail(err, PS_USAGE, "`poolscope symbols list` takes no file")
			       : PS_OK;
	if (!o->file && o->command == COMMAND_SYMBOLS && o->symbols_action == SYMBOLS_ADD)
		return ps_fail(err, PS_USAGE, "`poolscope symbols add` needs a folder or file");
	if (!o->file && o->command == COMMAND_OWNERS)
		return ps_fail(err, PS_USAGE,
			       "`poolscope owners` needs a dump, a folder of drivers (--drivers "
			       "DIR), or both");
	if (!o->file)
		return ps_fail(err, PS_USAGE, "`poolscope %s` needs a file",
			       command_name(o->command));
	if (strcmp(o->file, "-") == 0) {
		ps_fail(err, PS_USAGE, "a dump is read here and there and cannot come from a pipe");
		ps_hint(err, "write it to a file first; a file named - is ./-");
		return err->status;
	}
	return check_out(o, err);
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
	if (status == PS_OK && !options->help && !options->version) {
		status = check_used(options, &words, err);
		if (status == PS_OK)
			status = check_together(options, &words, err);
		if (status == PS_OK)
			status = check_file(options, err);
	}
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
