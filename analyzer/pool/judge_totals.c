/*
 * Judges the totals that were read: by the sums over the tags, by each other, by RAM. What cannot
 * be right is called doubtful and says why; what is right but never reached gives way to the bound
 * that is.
 *
 * Not supported: judging by the big-page table.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "analyzer/pool/totals.h"

static __attribute__((format(printf, 2, 3))) void doubt(struct total *total, const char *format,
							...)
{
	va_list arguments;

	total->grade = TOTAL_DOUBTFUL;
	va_start(arguments, format);
	vsnprintf(total->words, sizeof(total->words), format, arguments);
	va_end(arguments);
}

static bool is_known(const struct total *total)
{
	return total->grade == TOTAL_READ || total->grade == TOTAL_DERIVED;
}

static uint64_t positive(int64_t bytes)
{
	return bytes > 0 ? (uint64_t)bytes : 0;
}

/*
 * The kernel counts whole pages, free parts included, and what no tag knows: it may exceed the tags
 * by a fifth, and a small pool by more. Counters of running processors are not read at one instant:
 * it may fall short by a little.
 */
static bool agrees(uint64_t used, int64_t tags)
{
	const uint64_t slack = 16 << 20;
	uint64_t sum = positive(tags);

	return used + slack / 8 >= sum - sum / 50 && used <= sum + sum / 5 + slack;
}

void total_judge_used(struct total *total, int64_t tags, bool complete)
{
	if (agrees(total->bytes, tags))
		return;
	if (!complete && total->of_state) {
		/* its place is a claim, and nothing bears it out */
		doubt(total,
		      "it says %" PRIu64 " bytes, the tags that could be read add up to %" PRId64,
		      total->bytes, tags);
		return;
	}
	if (!complete) {
		/* a sum with holes proves nothing against what was read */
		snprintf(total->words, sizeof(total->words),
			 "not checked: the sums over the tags are not complete");
		return;
	}
	doubt(total, "it says %" PRIu64 " bytes, the tags add up to %" PRId64, total->bytes, tags);
}

/* What a pool holds at least; 0 when nothing is certain. */
static uint64_t held(const struct tracker *tracker, int64_t tags, const struct pool_side_totals *s)
{
	uint64_t sum = tracker && tracker->complete ? positive(tags) : 0;

	return s->used.grade == TOTAL_READ && s->used.bytes > sum ? s->used.bytes : sum;
}

/* Read or derived: a limit that the tags exceed is none. */
static void judge_maximum(const struct tracker *tracker, int64_t tags, struct total *maximum)
{
	if (!is_known(maximum) || !tracker || !tracker->complete || tags <= 0 ||
	    maximum->bytes >= (uint64_t)tags)
		return;
	doubt(maximum, "it says %" PRIu64 " bytes, yet the tags add up to %" PRId64, maximum->bytes,
	      tags);
}

/* The count of allocated paged pool lies beside the sizes of both address ranges: when it is wrong,
 * so is the place where all of them were looked for. */
static void judge_space(const struct pool_totals *t, uint64_t most_held, struct total *space)
{
	if (space->grade != TOTAL_READ)
		return;
	for (unsigned i = 0; i < t->paged.rejected_count; i++) {
		if (t->paged.rejected[i].of_state)
			doubt(space, "%s beside it cannot be right", t->paged.rejected[i].source);
	}
	if (space->grade == TOTAL_READ && space->bytes < most_held)
		doubt(space, "it says %" PRIu64 " bytes, yet the pool holds %" PRIu64, space->bytes,
		      most_held);
}

static void judge_commit(struct pool_totals *t, uint64_t in_pools)
{
	struct total *now = &t->committed, *limit = &t->commit_limit, *peak = &t->committed_peak;

	if (is_known(now) && now->bytes < in_pools - in_pools / 50)
		doubt(now, "it says %" PRIu64 " bytes, yet the pools alone hold %" PRIu64,
		      now->bytes, in_pools);
	if (is_known(limit) && limit->bytes < t->physical_bytes / 2)
		doubt(limit, "it says %" PRIu64 " bytes, yet RAM has %" PRIu64, limit->bytes,
		      t->physical_bytes);
	if (is_known(limit) && is_known(now) && limit->bytes < now->bytes)
		doubt(limit, "it says %" PRIu64 " bytes, yet %" PRIu64 " are committed",
		      limit->bytes, now->bytes);
	if (is_known(peak) && is_known(now) && peak->bytes < now->bytes)
		doubt(peak, "it says %" PRIu64 " bytes, yet %" PRIu64 " are committed", peak->bytes,
		      now->bytes);
}

void totals_judge_read(const struct tracker *tracker, struct pool_totals *t)
{
	uint64_t nonpaged = held(tracker, tracker ? tracker->nonpaged_bytes : 0, &t->nonpaged);
	uint64_t paged = held(tracker, tracker ? tracker->paged_bytes : 0, &t->paged);

	judge_space(t, nonpaged, &t->nonpaged.space);
	judge_space(t, paged, &t->paged.space);
	judge_commit(t, nonpaged + paged);
}

/* `what` in the place of a maximum that cannot be reached. */
static void bound(struct total *maximum, uint64_t bytes, const char *what, const char *by)
{
	struct total was = *maximum;

	*maximum = (struct total){
		.grade = TOTAL_DERIVED, .bytes = bytes, .source = "derived from Windows' rules"};
	snprintf(maximum->words, sizeof(maximum->words), "%s%s%s; %s would allow %" PRIu64 " bytes",
		 what, by ? ", " : "", by ? by : "",
		 was.grade == TOTAL_DERIVED ? "Windows' rules" : was.source, was.bytes);
}

/* Nonpaged pool is in RAM always. Paged pool is committed always: on 64-bit Windows Microsoft's
 * page on memory limits has that as its limit. */
static void bound_maxima(const struct kernel *kernel, uint64_t nonpaged, uint64_t paged,
			 struct pool_totals *t)
{
	struct total *maximum = &t->nonpaged.maximum;
	const struct total *commit = &t->commit_limit;

	if (maximum->grade == TOTAL_READ && maximum->of_state && t->physical_bytes != 0 &&
	    t->physical_bytes < maximum->bytes && t->physical_bytes >= nonpaged)
		bound(maximum, t->physical_bytes, "RAM, which nonpaged pool never leaves", NULL);
	maximum = &t->paged.maximum;
	if (kernel->pointer_size == 8 && is_known(maximum) && commit->grade == TOTAL_READ &&
	    commit->bytes < maximum->bytes && commit->bytes >= paged)
		bound(maximum, commit->bytes, "what can be committed", commit->source);
}

void totals_judge_limits(const struct kernel *kernel, const struct tracker *tracker,
			 struct pool_totals *t)
{
	int64_t nonpaged = tracker ? tracker->nonpaged_bytes : 0;
	int64_t paged = tracker ? tracker->paged_bytes : 0;

	judge_maximum(tracker, nonpaged, &t->nonpaged.maximum);
	judge_maximum(tracker, paged, &t->paged.maximum);
	bound_maxima(kernel, held(tracker, nonpaged, &t->nonpaged), held(tracker, paged, &t->paged),
		     t);
}
