/*
 * The rows of a comparison: every tag of the first or the last point, pool by pool.
 *
 * A tag that a complete table lacks was never used: zero. One that an incomplete table lacks may be
 * in what is missing: taken as zero, marked as unknown both ways, and never called new or gone. One
 * that a report of a part of the tags lacks is not known.
 */
#include "analyzer/desk/diff_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* One side at one point. */
struct sample {
	bool known;
	struct usage_side side;
	bool complete;
	const char *owner;
};

static struct sample sample_of(const struct usage *usage, uint32_t tag, bool overflow, bool paged)
{
	const struct usage_tag *row = usage_find(usage, tag, overflow);

	if (row && !row->unlisted[paged])
		return (struct sample){true, row->sides[paged], row->complete, row->owner};
	return (struct sample){.known = usage->whole, .complete = usage->complete};
}

static enum figure_trust both(const struct sample *a, const struct sample *b)
{
	return a->complete && b->complete ? FIGURE_EXACT : FIGURE_ABOUT;
}

static struct diff_figure bytes_of(const struct sample *s)
{
	return (struct diff_figure){s->known, s->side.bytes,
				    s->complete ? FIGURE_EXACT : FIGURE_ABOUT};
}

static struct diff_figure growth(const struct sample *a, const struct sample *b)
{
	if (!a->known || !b->known)
		return (struct diff_figure){.known = false};
	return (struct diff_figure){true, diff_minus(b->side.bytes, a->side.bytes), both(a, b)};
}

struct diff_figure diff_counter(uint64_t before, uint64_t after, bool narrow,
				enum figure_trust trust, bool *ret_wrapped)
{
	const bool wide = before > UINT32_MAX || after > UINT32_MAX;
	const bool back = after < before;

	/* a bound less a bound may be anything: no wrap can be told from it */
	if (trust == FIGURE_ABOUT)
		return (struct diff_figure){true, diff_minus((int64_t)after, (int64_t)before),
					    trust};
	if (back && wide && !narrow)
		return (struct diff_figure){.known = false};
	if (back || (narrow && wide)) {
		*ret_wrapped = true;
		return (struct diff_figure){true, (uint32_t)((uint32_t)after - (uint32_t)before),
					    FIGURE_AT_LEAST};
	}
	if (after - before > INT64_MAX)
		return (struct diff_figure){.known = false};
	return (struct diff_figure){true, (int64_t)(after - before), trust};
}

/* Lower bounds less exact counts are lower bounds. */
static enum figure_trust count_trust(const struct sample *a, const struct sample *b)
{
	if (!a->complete)
		return FIGURE_ABOUT;
	return b->complete ? FIGURE_EXACT : FIGURE_AT_LEAST;
}

static void set_counts(const struct usage_list *list, const struct sample *a,
		       const struct sample *b, struct diff_row *row)
{
	const bool narrow = list->items[0].narrow || list->items[list->count - 1].narrow;
	const enum figure_trust trust = count_trust(a, b);

	row->diff = (struct diff_figure){true, diff_minus(b->side.diff, a->side.diff), both(a, b)};
	row->allocs = diff_counter(a->side.allocs, b->side.allocs, narrow, trust, &row->wrapped);
	row->frees = diff_counter(a->side.frees, b->side.frees, narrow, trust, &row->wrapped);
}

static enum diff_state state_of(const struct sample *a, const struct sample *b)
{
	bool before, after;

	if (!a->known || !b->known || !a->complete || !b->complete)
		return DIFF_STAYED;
	before = a->side.diff != 0 || a->side.bytes != 0;
	after = b->side.diff != 0 || b->side.bytes != 0;
	if (after && !before && a->side.allocs == 0)
		return DIFF_NEW;
	return before && !after ? DIFF_GONE : DIFF_STAYED;
}

static bool set_steps(const struct usage_list *list, struct report *store, struct diff_row *row)
{
	row->steps = report_array(store, list->count, sizeof(*row->steps));
	for (size_t i = 0; row->steps && i + 1 < list->count; i++) {
		const struct sample a =
			sample_of(&list->items[i], row->tag, row->overflow, row->paged);
		const struct sample b =
			sample_of(&list->items[i + 1], row->tag, row->overflow, row->paged);

		row->steps[i] = growth(&a, &b);
	}
	return row->steps != NULL;
}

/* False for a side that neither end uses. */
static bool make_row(const struct usage_list *list, const struct diff_report *report, uint32_t tag,
		     bool overflow, bool paged, struct diff_row *ret)
{
	const struct sample a = sample_of(&list->items[0], tag, overflow, paged);
	const struct sample b = sample_of(&list->items[list->count - 1], tag, overflow, paged);
	const struct usage_side *x = &a.side, *y = &b.side;

	if ((x->allocs | x->frees | (uint64_t)x->diff | (uint64_t)x->bytes) == 0 &&
	    (y->allocs | y->frees | (uint64_t)y->diff | (uint64_t)y->bytes) == 0)
		return false;
	*ret = (struct diff_row){.tag = tag, .overflow = overflow, .paged = paged};
	ret->before = bytes_of(&a);
	ret->after = bytes_of(&b);
	ret->bytes = growth(&a, &b);
	ret->state = state_of(&a, &b);
	ret->owner = b.owner;
	for (size_t i = list->count; !ret->owner && i-- > 0;) {
		const struct usage_tag *row = usage_find(&list->items[i], tag, overflow);

		ret->owner = row ? row->owner : NULL;
	}
	if (report->counts && a.known && b.known)
		set_counts(list, &a, &b, ret);
	if (!report->rate_note)
		ret->rate = diff_rate(ret->bytes, &report->whole.seconds);
	return true;
}

static bool is_asked(const struct diff_options *o, const struct diff_row *row)
{
	if (o->filter != FILTER_BOTH && row->paged != (o->filter == FILTER_PAGED))
		return false;
	for (size_t i = 0; i < o->tag_count; i++) {
		if (tag_pattern_matches(&o->tags[i], row->tag))
			return true;
	}
	return o->tag_count == 0;
}

static bool is_changed(const struct diff_row *row)
{
	return !row->bytes.known || row->bytes.value != 0 || row->diff.value != 0;
}

static int more(int64_t a, int64_t b)
{
	return a == b ? 0 : a > b ? -1 : 1;
}

static int row_order(const void *a, const void *b, void *context)
{
	const struct diff_row *x = a, *y = b;
	const enum diff_sort sort = *(const enum diff_sort *)context;
	int order = 0;

	if (sort == DIFF_BY_DIFF)
		order = more(x->diff.value, y->diff.value);
	if (sort == DIFF_BY_RATE)
		order = more(x->rate.value, y->rate.value);
	if (order == 0 && sort != DIFF_BY_TAG)
		order = more(x->bytes.value, y->bytes.value);
	if (order != 0)
		return order;
	/* by the bytes in memory order, as the names are read */
	if (x->tag != y->tag)
		return __builtin_bswap32(x->tag) < __builtin_bswap32(y->tag) ? -1 : 1;
	if (x->overflow != y->overflow)
		return (int)x->overflow - (int)y->overflow;
	return (int)x->paged - (int)y->paged;
}

/* Every tag of either end, each once: both lists are sorted alike. */
static size_t all_rows(const struct usage_list *list, const struct diff_report *report,
		       struct diff_row *rows)
{
	const struct usage *a = &list->items[0], *b = &list->items[list->count - 1];
	size_t i = 0, k = 0, count = 0;

	while (i < a->count || k < b->count) {
		const struct usage_tag *x = i < a->count ? &a->tags[i] : NULL;
		const struct usage_tag *y = k < b->count ? &b->tags[k] : NULL;
		const uint64_t left = x ? (uint64_t)x->tag << 1 | x->overflow : UINT64_MAX;
		const uint64_t right = y ? (uint64_t)y->tag << 1 | y->overflow : UINT64_MAX;
		const uint64_t next = left < right ? left : right;

		i += left == next;
		k += right == next;
		for (unsigned pool = 0; pool < 2; pool++)
			count += make_row(list, report, (uint32_t)(next >> 1), next & 1, pool == 1,
					  &rows[count]);
	}
	return count;
}

static bool is_exact(struct diff_figure figure)
{
	return figure.known && figure.trust == FIGURE_EXACT;
}

static enum ps_status choose(const struct usage_list *list, const struct diff_options *options,
			     struct diff_row *rows, size_t count, struct diff_report *ret,
			     struct ps_error *err)
{
	enum diff_sort sort = options->sort;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_asked(options, &rows[i]))
			continue;
		if (!is_changed(&rows[i]) && !options->with_unchanged)
			ret->unchanged++;
		else
			rows[used++] = rows[i];
	}
	if (used > 0)
		qsort_r(rows, used, sizeof(*rows), row_order, &sort);
	ret->row_count = options->top > 0 && options->top < used ? options->top : used;
	ret->left_out = used - ret->row_count;
	ret->rows = report_array(ret->store, ret->row_count + 1, sizeof(*ret->rows));
	if (!ret->rows)
		return ps_fail_memory(err, "the rows of the comparison");
	memcpy(ret->rows, rows, ret->row_count * sizeof(*rows));
	for (size_t i = 0; i < ret->row_count; i++) {
		if (!is_exact(ret->rows[i].bytes))
			ret->incomplete = true;
		if (!set_steps(list, ret->store, &ret->rows[i]))
			return ps_fail_memory(err, "the rows of the comparison");
	}
	return PS_OK;
}

enum ps_status diff_rows(const struct usage_list *list, const struct diff_options *options,
			 struct diff_report *ret, struct ps_error *err)
{
	const size_t most = 2 * (list->items[0].count + list->items[list->count - 1].count) + 1;
	struct diff_row *rows = mem_array(most, sizeof(*rows));
	enum ps_status status = PS_OK;
	size_t count;

	if (!rows)
		return ps_fail_memory(err, "the rows of the comparison");
	count = all_rows(list, ret, rows);
	if (ret->counts)
		status = diff_lockstep(ret, rows, count, err);
	if (status == PS_OK)
		status = choose(list, options, rows, count, ret, err);
	free(rows);
	return status;
}
