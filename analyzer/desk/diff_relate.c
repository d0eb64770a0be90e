/*
 * Whether two points are of one machine and one start of it, by what they say of themselves.
 *
 * Dumps have no computer name that this program reads, so kernel, RAM and the time of the start
 * stand for it: one start has one kernel at one address. Crash time less uptime is the time of the
 * start, up to what the clock was corrected by in between. The counters of allocations have the
 * last word.
 */
#include "analyzer/desk/diff.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "analyzer/report/format.h"

enum { CLOCK_SLACK = 60 /* seconds */ };

static bool differ(const char *a, const char *b)
{
	return a && b && strcasecmp(a, b) != 0;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* Kernel or its address differ: not one start, whatever the clocks say. */
static bool other_kernel(const struct usage *a, const struct usage *b)
{
	return differ(a->kernel_pdb, b->kernel_pdb) ||
	       (a->has_build && b->has_build && a->build != b->build) ||
	       (a->has_kernel_base && b->has_kernel_base && a->kernel_base != b->kernel_base);
}

/* From Vista on 64-bit kernels lie elsewhere after each start; on x86 there are few places. */
static bool has_own_address(const struct usage *usage)
{
	return usage->has_kernel_base && usage->has_build && usage->build >= 6000 && usage->arch &&
	       strcasecmp(usage->arch, "x86") != 0;
}

static enum diff_relation by_boot(const struct usage *a, const struct usage *b,
				  struct report *store, const char **ret_words)
{
	const struct usage *earlier = a->time <= b->time ? a : b;
	const struct usage *later = earlier == a ? b : a;
	char words[DURATION_TEXT];
	const int64_t apart = distance(a->boot, b->boot);

	if (apart <= CLOCK_SLACK && !other_kernel(a, b) && a->has_pages && b->has_pages &&
	    a->pages != b->pages && !has_own_address(b)) {
		*ret_words = report_text(
			store,
			"Whether this is one machine is not known: start and kernel agree, which "
			"has the same address on other machines, but there are %" PRIu64
			" and %" PRIu64 " pages of RAM.",
			a->pages, b->pages);
		return DIFF_UNKNOWN;
	}
	if (apart <= CLOCK_SLACK && !other_kernel(a, b)) {
		*ret_words = report_text(store, "One machine without a restart in between: start, "
						"kernel and its address agree.");
		return DIFF_SAME_BOOT;
	}
	if (apart <= CLOCK_SLACK) {
		*ret_words = report_text(store, "Two machines: they started at about the same "
						"time, with kernels that differ in version or "
						"address.");
		return DIFF_OTHER_MACHINE;
	}
	format_duration((uint64_t)apart, words);
	if (a->has_pages && b->has_pages && a->pages != b->pages) {
		*ret_words = report_text(store,
					 "Two machines: they started %s apart and have %" PRIu64
					 " and %" PRIu64 " pages of RAM.",
					 words, a->pages, b->pages);
		return DIFF_OTHER_MACHINE;
	}
	if (later->boot >= earlier->time - CLOCK_SLACK) {
		*ret_words = report_text(
			store,
			"Not one start: the later one was started %s after the other, when that "
			"had ended. A restart of one machine, or another machine: the files have "
			"no computer name. The counters began anew.",
			words);
		return DIFF_OTHER_BOOT;
	}
	if (other_kernel(a, b)) {
		*ret_words =
			report_text(store, "Two machines: both ran at the same time, with kernels "
					   "that differ in version or address.");
		return DIFF_OTHER_MACHINE;
	}
	*ret_words = report_text(store,
				 "Whether this is one machine without a restart is not known: by "
				 "their clocks they started %s apart, and both ran at the same "
				 "time; the clock was set, or these are two machines.",
				 words);
	return DIFF_UNKNOWN;
}

static enum diff_relation by_words(const struct usage *a, const struct usage *b,
				   struct report *store, const char **ret_words)
{
	if (a->kind == USAGE_POOLMON || b->kind == USAGE_POOLMON) {
		*ret_words = report_text(store, "Taken as one machine without a restart in "
						"between: a poolmon log says neither machine nor "
						"time.");
		return DIFF_UNKNOWN;
	}
	if (differ(a->computer, b->computer)) {
		*ret_words =
			report_text(store, "Two machines: %s and %s.", a->computer, b->computer);
		return DIFF_OTHER_MACHINE;
	}
	if (differ(a->arch, b->arch)) {
		*ret_words = report_text(store, "Two machines: %s and %s.", a->arch, b->arch);
		return DIFF_OTHER_MACHINE;
	}
	if (a->has_boot && b->has_boot)
		return by_boot(a, b, store, ret_words);
	if (other_kernel(a, b)) {
		*ret_words = report_text(store, "Not one start: the kernels differ in version or "
						"address. The counters began anew.");
		return DIFF_OTHER_BOOT;
	}
	*ret_words = report_text(store, "Whether this is one machine without a restart is not "
					"known: crash time or uptime are missing.");
	return DIFF_UNKNOWN;
}

/* How many counters of allocations are lower in the later point, and how many higher. */
struct moves {
	size_t back, forth;
};

static void count_side(const struct usage *a, const struct usage *b, const struct usage_tag *x,
		       const struct usage_tag *y, unsigned pool, struct moves *ret)
{
	uint64_t before = x->sides[pool].allocs, after = y->sides[pool].allocs;

	if (x->unlisted[pool] || y->unlisted[pool])
		return;
	if (a->narrow || b->narrow) {
		before = (uint32_t)before;
		after = (uint32_t)after;
	}
	ret->back += after < before;
	ret->forth += after > before;
}

static struct moves count_moves(const struct usage *a, const struct usage *b)
{
	struct moves moves = {0, 0};

	for (size_t i = 0; i < a->count; i++) {
		const struct usage_tag *x = &a->tags[i];
		const struct usage_tag *y = usage_find(b, x->tag, x->overflow);

		for (unsigned pool = 0; y && pool < 2 && x->complete && y->complete; pool++)
			count_side(a, b, x, y, pool, &moves);
	}
	return moves;
}

/*
 * Allocations are only ever counted up. A counter of 32 bits goes round now and then, but not more
 * of them than go up: that is a restart, another machine, or the wrong order.
 */
enum diff_relation diff_relate(const struct usage *a, const struct usage *b, struct report *store,
			       const char **ret_words)
{
	enum { BACK_LEAST = 4 };
	const enum diff_relation relation = by_words(a, b, store, ret_words);
	const bool one = relation == DIFF_SAME_BOOT || relation == DIFF_UNKNOWN;
	const struct moves moves = one ? count_moves(a, b) : (struct moves){0, 0};

	if (moves.back < BACK_LEAST || moves.back <= moves.forth)
		return relation;
	*ret_words = report_text(store,
				 "Not one start, or not in this order: %zu counters of allocations "
				 "are lower in the later one and %zu higher, and they only count "
				 "up. A restart of one machine, another machine, or the newer one "
				 "was given first.",
				 moves.back, moves.forth);
	return DIFF_OTHER_BOOT;
}
