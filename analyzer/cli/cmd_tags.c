/*
 * poolscope tags: the poolmon table.
 */
#include "analyzer/cli/command.h"

#include <string.h>

static void choose(const struct options *options, struct selection *ret)
{
	ret->view = options->sessions ? VIEW_SESSIONS : VIEW_TAGS;
	ret->sections = options->sessions ? SECTION_SESSIONS : SECTION_TAGS;
	/* sums stand under a table that they are the sums of, not under a part of it */
	if (!options->sessions && options->tag_count == 0 && options->top == 0)
		ret->sections |= SECTION_TOTALS;
	if (!options->sessions && !options->no_owners)
		ret->sections |= SECTION_OWNERS;
	ret->evidence = EVIDENCE_SHORT;
	ret->sort = options->sort;
	ret->filter = options->filter;
	ret->top = options->top;
	ret->with_empty = options->output != OUTPUT_TEXT;
	ret->tag_count = options->tag_count;
	memcpy(ret->tags, options->tags, sizeof(ret->tags));
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->pools)
		return PS_OK;
	*err = c->pools_error;
	return err->status;
}

const struct command command_tags = {CASE_POOLS, true, false, choose, check};
