/*
 * poolscope owners: whose a tag is, with all evidence; all tags in use with their owners; or,
 * without a dump, the tags of every driver in a folder.
 */
#include "analyzer/cli/command.h"

#include <string.h>

static void choose(const struct options *options, struct selection *ret)
{
	bool named = options->tag_count > 0;

	ret->sections = SECTION_OWNERS | (named ? SECTION_EVIDENCE : 0);
	ret->view = named ? VIEW_EVIDENCE : VIEW_OWNERS;
	if (options->file) {
		ret->sections |= SECTION_TAGS | SECTION_TRACKER | SECTION_PROCESSES;
	} else {
		ret->sections |= SECTION_FILES;
		ret->view = named ? VIEW_EVIDENCE : VIEW_OWNERS_FILES;
	}
	ret->with_contents = named;
	ret->with_unused = named || options->output != OUTPUT_TEXT;
	ret->evidence = named ? 0 : EVIDENCE_SHORT;
	ret->sort = options->sort;
	ret->filter = options->filter;
	ret->top = options->top;
	ret->with_empty = named || options->output != OUTPUT_TEXT;
	ret->tag_count = options->tag_count;
	memcpy(ret->tags, options->tags, sizeof(ret->tags));
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->owners && (c->pools || !c->dump))
		return PS_OK;
	*err = c->dump && !c->pools ? c->pools_error : c->owners_error;
	return err->status;
}

const struct command command_owners = {CASE_POOLS, true, true, choose, check};
