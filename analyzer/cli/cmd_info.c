/*
 * poolscope info: what the file is, and how far it could be opened. A crash header says something
 * even where no kernel is found; a raw image without a kernel says nothing.
 */
#include "analyzer/cli/command.h"

static void choose(const struct options *options, struct selection *ret)
{
	(void)options;
	ret->view = VIEW_INFO;
	ret->sections = SECTION_SYSTEM | SECTION_TRACKER | SECTION_BIG;
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->kernel || c->dump->facts.machine != MACHINE_UNKNOWN)
		return PS_OK;
	*err = c->kernel_error;
	return err->status;
}

const struct command command_info = {CASE_POOLS, false, false, choose, check};
