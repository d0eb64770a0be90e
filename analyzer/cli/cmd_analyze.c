/*
 * poolscope analyze: everything this version finds out, on one screen. --json has all rows.
 */
#include "analyzer/cli/command.h"

enum { DEFAULT_ROWS = 8, DRIVER_ROWS = 6, LISTED_TAGS = 15 };

static void choose(const struct options *options, struct selection *ret)
{
	ret->view = VIEW_ANALYZE;
	ret->sections = SECTION_SYSTEM | SECTION_MODULES | SECTION_TRACKER | SECTION_TAGS |
			SECTION_TOP | SECTION_BIG | SECTION_BIG_TAGS | SECTION_TOTALS |
			SECTION_PROCESSES | SECTION_FINDINGS;
	if (!options->no_owners)
		ret->sections |= SECTION_OWNERS | SECTION_DRIVERS;
	ret->top_each = options->has_top ? options->top : DEFAULT_ROWS;
	ret->processes = ret->top_each;
	ret->drivers = options->has_top ? options->top : DRIVER_ROWS;
	ret->evidence = EVIDENCE_SHORT;
	if (options->html || options->output == OUTPUT_HTML || options->batch.keep_pages)
		ret->listings = LISTED_TAGS;
	ret->with_empty = true;
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->kernel)
		return PS_OK;
	*err = c->kernel_error;
	if (c->dump->facts.machine != MACHINE_UNKNOWN)
		ps_hint(err, "`poolscope info` prints what the file's header says");
	return err->status;
}

const struct command command_analyze = {CASE_POOLS, true, true, choose, check};
