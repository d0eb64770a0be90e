/*
 * Which options a command has, which exclude each other or make no sense alone, and which files a
 * command needs.
 */
#include "analyzer/cli/option_table.h"

#include <string.h>

static enum ps_status check_used(const struct options *o, const unsigned used[OPTION_SPECS],
				 struct ps_error *err)
{
	for (size_t i = 0; i < OPTION_SPECS; i++) {
		if (used[i] && !(option_specs[i].commands & 1U << o->command))
			return ps_fail(err, PS_USAGE, "`poolscope %s` has no option --%s",
				       command_name(o->command), option_specs[i].name);
	}
	return PS_OK;
}

static unsigned times_used(const unsigned used[OPTION_SPECS], int id)
{
	return used[option_find(id) - option_specs];
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
static enum ps_status check_together(const struct options *o, const unsigned used[OPTION_SPECS],
				     struct ps_error *err)
{
	if (times_used(used, OPTION_JSON) && times_used(used, OPTION_CSV))
		return ps_fail(err, PS_USAGE, "--json and --csv exclude each other");
	if (times_used(used, OPTION_TICKET) && times_used(used, OPTION_JSON))
		return ps_fail(err, PS_USAGE, "--json and --ticket exclude each other");
	if (times_used(used, OPTION_HTML) > 1)
		return ps_fail(err, PS_USAGE, "--html is given more than once");
	if (times_used(used, OPTION_HTML) && !o->html &&
	    (times_used(used, OPTION_JSON) || times_used(used, OPTION_TICKET)))
		return ps_fail(
			err, PS_USAGE,
			"--html - takes the place of --json and --ticket; name a file to have "
			"both");
	if (times_used(used, OPTION_HTML) && !o->html && times_used(used, OPTION_CSV))
		return ps_fail(err, PS_USAGE,
			       "--html - takes the place of --csv; name a file to have both");
	if (times_used(used, OPTION_NONPAGED) && times_used(used, OPTION_PAGED))
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

enum ps_status options_check(const struct options *options, const unsigned used[OPTION_SPECS],
			     struct ps_error *err)
{
	if (check_used(options, used, err) != PS_OK || check_together(options, used, err) != PS_OK)
		return err->status;
	return check_file(options, err);
}
