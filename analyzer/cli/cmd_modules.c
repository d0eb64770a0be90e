/*
 * poolscope modules: loaded modules and unloaded drivers, and the pool bytes of each.
 */
#include "analyzer/cli/command.h"

static void choose(const struct options *options, struct selection *ret)
{
	ret->view = VIEW_MODULES;
	ret->sections = SECTION_MODULES;
	if (!options->no_owners)
		ret->sections |= SECTION_DRIVERS;
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->kernel)
		return PS_OK;
	*err = c->kernel_error;
	return err->status;
}

const struct command command_modules = {CASE_POOLS, true, false, choose, check};
