/*
 * poolscope big: the big-page table per tag, its allocations, or the bytes of one.
 */
#include "analyzer/cli/command.h"

#include <string.h>

static void choose(const struct options *options, struct selection *ret)
{
	ret->view = VIEW_BIG;
	ret->sections = SECTION_BIG | SECTION_BIG_TAGS;
	if (options->list) {
		ret->view = VIEW_BIG_LIST;
		ret->sections = SECTION_BIG | SECTION_BIG_LIST;
	}
	if (options->has_dump) {
		ret->view = VIEW_HEX;
		ret->sections = SECTION_BIG | SECTION_HEX;
	}
	ret->sort = options->sort;
	ret->filter = options->filter;
	ret->top = options->top;
	ret->with_freed = options->freed;
	ret->dump_va = options->dump_va;
	ret->dump_bytes = options->dump_bytes;
	ret->tag_count = options->tag_count;
	memcpy(ret->tags, options->tags, sizeof(ret->tags));
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->pools && c->pools->big_available)
		return PS_OK;
	*err = c->pools ? c->pools->big_error : c->pools_error;
	return err->status;
}

const struct command command_big = {CASE_POOLS, false, false, choose, check};
