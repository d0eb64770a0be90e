/*
 * The options of `poolscope cases` alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cli/option_table.h"

static enum ps_status take_number(const char *name, const char *text, uint32_t *ret,
				  struct ps_error *err)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || errno != 0 || *end != '\0' || value > UINT32_MAX)
		return ps_fail(err, PS_USAGE, "--%s '%s' is not a number that fits", name, text);
	*ret = (uint32_t)value;
	return PS_OK;
}

enum ps_status cases_option(struct options *o, int id, const char *value, struct ps_error *err)
{
	struct cases_options *cases = &o->cases;

	switch (id) {
	case OPTION_DRIVER: cases->driver = value; return PS_OK;
	case OPTION_LIKE: cases->like = value; return PS_OK;
	case OPTION_BUILD:
		cases->has_build = true;
		return take_number("build", value, &cases->build, err);
	default:
		cases->has_bugcheck = true;
		return take_number("bugcheck", value, &cases->bugcheck, err);
	}
}

enum ps_status cases_check(const struct options *o, struct ps_error *err)
{
	if (!o->file)
		return ps_fail(err, PS_USAGE,
			       "`poolscope cases` needs the folder that `poolscope batch` wrote");
	if (o->tag_count > 1)
		return ps_fail(err, PS_USAGE, "`poolscope cases` takes one --tag");
	for (size_t i = 0; o->tag_count > 0 && i < sizeof(o->tags[0].any); i++)
		if (o->tags[0].any[i])
			return ps_fail(err, PS_USAGE,
				       "`poolscope cases` takes one tag, without ? and *");
	return PS_OK;
}
