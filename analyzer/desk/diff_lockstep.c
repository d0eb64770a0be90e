/*
 * Tags that grew by the same number of allocations. The judgement is that of one dump's tables
 * (analyzer/pool/signature.h), asked of what was added instead of what is there: shares are of the
 * growth of the pool, and few frees are few of what was allocated in between.
 */
#include "analyzer/desk/diff.h"

#include <stdlib.h>

#include "analyzer/pool/signature.h"
#include "base/memory.h"

static int64_t grown(const struct diff_row *rows, size_t count, bool paged)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (rows[i].paged == paged && rows[i].bytes.known && rows[i].bytes.value > 0 &&
		    __builtin_add_overflow(sum, rows[i].bytes.value, &sum))
			return INT64_MAX;
	}
	return sum;
}

/* False for what is not exact or did not grow: as in one dump, only exact rows are judged. */
static bool use_of(const struct diff_row *row, size_t index, int64_t sum, struct tag_use *ret)
{
	if (!row->bytes.known || !row->diff.known || row->bytes.trust != FIGURE_EXACT ||
	    row->overflow || row->bytes.value <= 0 || row->diff.value <= 0 || sum <= 0)
		return false;
	*ret = (struct tag_use){.row = index, .paged = row->paged};
	ret->outstanding = (uint64_t)row->diff.value;
	ret->bytes = (uint64_t)row->bytes.value;
	ret->share_permille = (unsigned)(1000.0 * (double)row->bytes.value / (double)sum + 0.5);
	if (row->allocs.known && row->allocs.value >= row->diff.value)
		ret->kept_permille =
			(unsigned)(1000.0 * (double)row->diff.value / (double)row->allocs.value);
	return true;
}

static int more_bytes(const void *a, const void *b)
{
	const struct tag_use *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->row < y->row ? -1 : 1;
}

static enum ps_status keep(const struct tag_uses *uses, const struct lockstep *groups, size_t count,
			   struct diff_row *rows, struct diff_report *report, struct ps_error *err)
{
	report->groups = report_array(report->store, count + 1, sizeof(*report->groups));
	if (!report->groups)
		return ps_fail_memory(err, "the groups of tags");
	report->group_count = count;
	for (size_t g = 0; g < count; g++) {
		report->groups[g] = (struct diff_group){groups[g].outstanding, groups[g].bytes,
							groups[g].count, groups[g].left_out};
		for (size_t i = 0; i < groups[g].count; i++)
			rows[uses->items[groups[g].members[i]].row].group = (unsigned)g + 1;
	}
	return PS_OK;
}

enum ps_status diff_lockstep(struct diff_report *report, struct diff_row *rows, size_t count,
			     struct ps_error *err)
{
	const int64_t sums[2] = {grown(rows, count, false), grown(rows, count, true)};
	struct tag_uses uses = {mem_array(count + 1, sizeof(*uses.items)), 0};
	struct lockstep groups[LOCKSTEP_GROUPS];
	enum ps_status status;
	size_t found;

	if (!uses.items)
		return ps_fail_memory(err, "the groups of tags");
	for (size_t i = 0; i < count; i++) {
		if (use_of(&rows[i], i, sums[rows[i].paged], &uses.items[uses.count]))
			uses.count++;
	}
	if (uses.count > 0)
		qsort(uses.items, uses.count, sizeof(*uses.items), more_bytes);
	status = lockstep_find(&uses, groups, &found, err);
	if (status == PS_OK)
		status = keep(&uses, groups, found, rows, report, err);
	tag_uses_fini(&uses);
	return status;
}
