/*
 * The options of `poolscope batch` alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/cli/option_table.h"

enum { SECONDS_MOST = 7 * 24 * 3600 };

static bool parse_count(const char *text, unsigned long least, unsigned long most, unsigned *ret,
			char **ret_end)
{
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	value = strtoul(text, ret_end, 10);
	*ret = (unsigned)value;
	return errno == 0 && value >= least && value <= most;
}

static enum ps_status take_count(const char *name, const char *text, unsigned long least,
				 unsigned long most, unsigned *ret, struct ps_error *err)
{
	char *end;

	if (parse_count(text, least, most, ret, &end) && *end == '\0')
		return PS_OK;
	return ps_fail(err, PS_USAGE, "--%s '%s' is no number from %lu to %lu", name, text, least,
		       most);
}

static enum ps_status take_shard(struct batch_options *batch, const char *text,
				 struct ps_error *err)
{
	char *end;

	if (parse_count(text, 1, BATCH_SHARDS_MOST, &batch->shard, &end) && *end == '/' &&
	    parse_count(end + 1, batch->shard, BATCH_SHARDS_MOST, &batch->shards, &end) &&
	    *end == '\0')
		return PS_OK;
	return ps_fail(err, PS_USAGE,
		       "--shard '%s' is not K/N with K from 1 to N, and N at most %d", text,
		       BATCH_SHARDS_MOST);
}

enum ps_status batch_option(struct options *o, int id, const char *value, struct ps_error *err)
{
	struct batch_options *batch = &o->batch;

	switch (id) {
	case OPTION_OUT: batch->out = value; return PS_OK;
	case OPTION_JOBS: return take_count("jobs", value, 1, BATCH_JOBS_MOST, &batch->jobs, err);
	case OPTION_TIMEOUT:
		return take_count("timeout", value, 1, SECONDS_MOST, &batch->limits.seconds, err);
	case OPTION_MAX_MEMORY: return size_parse("max-memory", value, &batch->limits.memory, err);
	default: return take_shard(batch, value, err);
	}
}

enum ps_status batch_check(const struct options *o, struct ps_error *err)
{
	if (o->batch.path_count == 0)
		return ps_fail(err, PS_USAGE,
			       o->batch.merge
				       ? "`poolscope batch --merge` needs the folders to join"
				       : "`poolscope batch` needs folders or files");
	if (!o->batch.out || o->batch.out[0] == '\0') {
		ps_fail(err, PS_USAGE, "`poolscope batch` needs a folder for the results");
		ps_hint(err, "-o OUT; it is made when it is not there");
		return err->status;
	}
	if (o->batch.merge && (o->batch.shards > 0 || o->batch.retry_failed ||
			       o->batch.keep_reports || o->batch.keep_pages))
		return ps_fail(err, PS_USAGE,
			       "--merge joins results and does no case: --shard, --retry-failed, "
			       "--case-json and --case-html do not apply");
	return PS_OK;
}
