/*
 * Pool use from snapshots of poolmon. They have neither time nor machine. poolmon lists every tag
 * that was ever used, unless its options chose some of them or one pool; a log does not say so, but
 * the header has the size of either pool, of which the rows of all tags make up most.
 */
#include "analyzer/desk/usage.h"

#include <inttypes.h>

#include "analyzer/texts/poolmon.h"

static size_t count_tags(const struct poolmon_snapshot *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++)
		count += i == 0 || s->rows[i].tag != s->rows[i - 1].tag;
	return count;
}

static void take_rows(const struct poolmon_snapshot *s, struct usage *ret)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct poolmon_row *row = &s->rows[i];
		struct usage_tag *tag;

		if (i == 0 || row->tag != s->rows[i - 1].tag)
			ret->tags[ret->count++] = (struct usage_tag){
				.tag = row->tag, .unlisted = {true, true}, .complete = true};
		tag = &ret->tags[ret->count - 1];
		tag->sides[row->paged] =
			(struct usage_side){row->allocs, row->frees, row->diff, row->bytes};
		tag->unlisted[row->paged] = false;
		if (row->repeated)
			tag->complete = false;
	}
}

/* Half: what the pools have beside the blocks of tags is far less than that. */
static bool has_all_tags(const struct poolmon_snapshot *s, const struct usage *usage)
{
	for (unsigned pool = 0; pool < 2; pool++) {
		if (!s->has_pool || usage->sums[pool] < 0 ||
		    (uint64_t)usage->sums[pool] < s->pool[pool] / 2)
			return false;
	}
	return true;
}

static const char *note_of(const char *path, const struct poolmon *log, const struct usage *usage,
			   struct report *store)
{
	if (log->broken_lines > 0)
		return report_text(store,
				   "%s: %" PRIu64 " line%s (the first is line %" PRIu64
				   ") cannot be read as a row of poolmon's table: tags that are "
				   "not in it are not compared",
				   path, log->broken_lines, log->broken_lines == 1 ? "" : "s",
				   log->first_broken);
	if (!usage->whole)
		return report_text(store,
				   "%s: its rows are under half of the pools' sizes in its header, "
				   "or it has no header: a choice of tags; those that it lacks are "
				   "not compared",
				   usage->label);
	return NULL;
}

static enum ps_status take_snapshot(const char *path, const struct poolmon *log, size_t index,
				    struct report *store, struct usage *ret, struct ps_error *err)
{
	const struct poolmon_snapshot *s = &log->items[index];

	if (s->session)
		return ps_fail(err, PS_UNSUPPORTED,
			       "%s: snapshot %zu is of session pool, which is not compared", path,
			       index + 1);
	*ret = (struct usage){.kind = USAGE_POOLMON, .narrow = true};
	ret->label = log->count == 1 ? report_text(store, "%s", path)
				     : report_text(store, "%s, snapshot %zu", path, index + 1);
	ret->tags = report_array(store, count_tags(s) + 1, sizeof(*ret->tags));
	if (!ret->label || !ret->tags)
		return ps_fail_memory(err, "the tags to compare");
	take_rows(s, ret);
	usage_finish(ret);
	/* a row that could not be read is missing */
	ret->whole = ret->complete = log->broken_lines == 0 && has_all_tags(s, ret);
	for (unsigned pool = 0; pool < 2 && s->has_pool; pool++)
		ret->allocated[pool] =
			(struct usage_total){true, s->pool[pool], BASIS_READ, "poolmon's header"};
	ret->note = note_of(path, log, ret, store);
	return PS_OK;
}

enum ps_status usage_of_poolmon(const char *path, const char *bytes, size_t length,
				struct report *store, struct usage_list *list, struct ps_error *err)
{
	struct poolmon *log;
	enum ps_status status = poolmon_parse(path, bytes, length, &log, err);

	for (size_t i = 0; status == PS_OK && i < log->count; i++) {
		struct usage *usage = usage_add(list);

		status = usage ? take_snapshot(path, log, i, store, usage, err)
			       : ps_fail_memory(err, "the snapshots to compare");
	}
	poolmon_destroy(log);
	return status;
}
