/*
 * poolscope processes: the processes that run, by their handles, and those that have ended and are
 * still referred to.
 */
#include "analyzer/cli/command.h"

static void choose(const struct options *options, struct selection *ret)
{
	ret->view = VIEW_PROCESSES;
	ret->sections = SECTION_PROCESSES;
	ret->process_sort = options->process_sort;
	ret->processes = options->top;
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->has_processes)
		return PS_OK;
	*err = c->processes_error;
	return err->status;
}

const struct command command_processes = {CASE_KERNEL, false, true, choose, check};
