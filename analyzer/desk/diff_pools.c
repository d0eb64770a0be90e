/*
 * Growth of the pools as a whole, and how long it could go on.
 *
 * The estimate is a straight line through two points: it says when the limit is reached if nothing
 * changes, and no more. A doubtful limit gives none.
 */
#include "analyzer/desk/diff.h"

#include <stdlib.h>

/* More than a century is no estimate. */
#define LEFT_MOST (UINT64_C(100) * 366 * 24 * 3600)

int64_t diff_minus(int64_t b, int64_t a)
{
	int64_t ret;

	if (!__builtin_sub_overflow(b, a, &ret))
		return ret;
	return b < 0 ? INT64_MIN : INT64_MAX;
}

struct diff_figure diff_rate(struct diff_figure growth, const struct report_number *seconds)
{
	struct diff_figure rate = {.known = false};
	__int128 value;

	if (!growth.known || !seconds->has_value || seconds->value == 0)
		return rate;
	value = (__int128)growth.value * 3600;
	value += (value < 0 ? -(__int128)1 : (__int128)1) * (__int128)(seconds->value / 2);
	value /= (__int128)seconds->value;
	if (value > INT64_MAX || value < INT64_MIN)
		return rate;
	return (struct diff_figure){true, (int64_t)value, growth.trust};
}

static bool is_total(const struct usage_total *total)
{
	return total->known && total->basis == BASIS_READ && total->bytes <= INT64_MAX;
}

/* The kernel's own total where both have it, else the sums over tags. */
static void choose(const struct usage *first, const struct usage *last, unsigned pool,
		   struct diff_pool *ret)
{
	const struct usage_total *a = &first->allocated[pool], *b = &last->allocated[pool];
	bool both = is_total(a) && is_total(b) &&
		    (first->kind == USAGE_POOLMON) == (last->kind == USAGE_POOLMON);

	if (both) {
		ret->before = (struct diff_figure){true, (int64_t)a->bytes, FIGURE_EXACT};
		ret->after = (struct diff_figure){true, (int64_t)b->bytes, FIGURE_EXACT};
		ret->source = b->source;
	} else {
		ret->before = (struct diff_figure){first->whole, first->sums[pool],
						   first->complete ? FIGURE_EXACT : FIGURE_ABOUT};
		ret->after = (struct diff_figure){last->whole, last->sums[pool],
						  last->complete ? FIGURE_EXACT : FIGURE_ABOUT};
		ret->source = "sum over tags";
	}
	ret->growth.known = ret->before.known && ret->after.known;
	if (!ret->growth.known)
		return;
	ret->growth.value = diff_minus(ret->after.value, ret->before.value);
	ret->growth.trust = ret->before.trust == FIGURE_EXACT && ret->after.trust == FIGURE_EXACT
				    ? FIGURE_EXACT
				    : FIGURE_ABOUT;
}

/* A log has no limits; of one machine the other point's will do. */
static void set_limit(const struct usage *first, const struct usage *last, unsigned pool,
		      enum diff_relation relation, struct diff_pool *ret)
{
	const bool one = relation == DIFF_SAME_BOOT || relation == DIFF_UNKNOWN;
	const struct usage_total *limit =
		last->limit[pool].known || !one ? &last->limit[pool] : &first->limit[pool];

	if (!limit->known) {
		ret->limit.number.note = one ? "neither the first nor the last point has it"
					     : "the last point does not have it";
		return;
	}
	ret->limit.number = (struct report_number){true, limit->bytes, NULL};
	ret->limit.basis = limit->basis;
	ret->limit.source = limit->source;
}

static void estimate(struct diff_pool *pool)
{
	unsigned __int128 seconds;
	uint64_t used;

	if (!pool->rate.known) {
		pool->left_note = "there is no rate";
	} else if (pool->rate.value <= 0) {
		pool->left_note = "the pool did not grow";
	} else if (!pool->limit.number.has_value) {
		pool->left_note = "the limit is not known";
	} else if (pool->limit.basis == BASIS_DOUBTFUL) {
		pool->left_note = "the limit that was read is doubtful";
	} else if (pool->after.value < 0 ||
		   (used = (uint64_t)pool->after.value) >= pool->limit.number.value) {
		pool->left_note = "the limit is reached";
	} else {
		seconds = (unsigned __int128)(pool->limit.number.value - used) * 3600 /
			  (uint64_t)pool->rate.value;
		pool->has_left = seconds <= LEFT_MOST;
		pool->left_seconds = pool->has_left ? (uint64_t)seconds : 0;
		if (!pool->has_left)
			pool->left_note = "at this rate it takes more than a hundred years";
	}
}

void diff_pools(const struct usage *first, const struct usage *last, struct diff_report *ret)
{
	for (unsigned i = 0; i < 2; i++) {
		struct diff_pool *pool = &ret->pools[i];

		choose(first, last, i, pool);
		set_limit(first, last, i, ret->whole.relation, pool);
		if (!ret->rate_note)
			pool->rate = diff_rate(pool->growth, &ret->whole.seconds);
		estimate(pool);
		if (pool->growth.known && pool->growth.trust != FIGURE_EXACT)
			ret->incomplete = true;
	}
}
