/*
 * Judges the counters of tags; see signature.h. The thresholds stand here, each with its reason.
 */
#include "analyzer/pool/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
	/* Under this nothing hangs a server, whatever its share of a small pool. */
	MATTERS_BYTES = 16 << 20,
	MATTERS_PART = 20, /* of the pool's limit */
	LARGE_SHARE = 200, /* permille: no tag of a healthy server's nonpaged pool has more */
	FEW_FREES = 500,   /* permille kept */
	/* Small counts are equal by chance too often. */
	CONSTANT_COUNT = 1000,
	LOCKSTEP_COUNT = 10000,
	LOCKSTEP_SHARE = 5, /* permille of its pool: the small tags are many */
	LOCKSTEP_TOGETHER = 100,
};

static bool use_of(const struct tracker *tracker, size_t row, bool paged, struct tag_use *ret)
{
	const struct tag_side *side =
		paged ? &tracker->rows[row].paged : &tracker->rows[row].nonpaged;
	int64_t sum = paged ? tracker->paged_bytes : tracker->nonpaged_bytes;

	if (!tracker->rows[row].complete || tracker->rows[row].overflow || side->diff <= 0 ||
	    side->bytes <= 0)
		return false;
	*ret = (struct tag_use){.row = row, .paged = paged, .allocs = side->allocs};
	ret->outstanding = (uint64_t)side->diff;
	ret->bytes = (uint64_t)side->bytes;
	if (sum > 0)
		ret->share_permille = (unsigned)(1000.0 * (double)side->bytes / (double)sum + 0.5);
	/* counters of 32 bits wrap: then allocs is less than what is outstanding */
	if (side->allocs >= ret->outstanding)
		ret->kept_permille = (unsigned)(1000.0 * (double)side->diff / (double)side->allocs);
	if (ret->bytes % ret->outstanding == 0)
		ret->constant_bytes = ret->bytes / ret->outstanding;
	return true;
}

static int more_bytes(const void *a, const void *b)
{
	const struct tag_use *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return (int)x->paged - (int)y->paged;
}

enum ps_status tag_uses_read(const struct tracker *tracker, struct tag_uses *ret,
			     struct ps_error *err)
{
	struct tag_use *items = mem_array(tracker->row_count * 2 + 1, sizeof(*items));
	size_t count = 0;

	if (!items)
		return ps_fail_memory(err, "the tags to judge");
	for (size_t i = 0; i < tracker->row_count * 2; i++) {
		if (use_of(tracker, i / 2, i % 2 == 1, &items[count]))
			count++;
	}
	qsort(items, count, sizeof(*items), more_bytes);
	*ret = (struct tag_uses){items, count};
	return PS_OK;
}

void tag_uses_fini(struct tag_uses *uses)
{
	free(uses->items);
	*uses = (struct tag_uses){NULL, 0};
}

static bool matters(uint64_t bytes, uint64_t maximum)
{
	return bytes >= MATTERS_BYTES && bytes >= maximum / MATTERS_PART;
}

unsigned leak_signs(const struct tag_use *use, uint64_t maximum)
{
	unsigned signs = 0;

	if (!matters(use->bytes, maximum))
		return 0;
	if (use->kept_permille >= FEW_FREES)
		signs |= LEAK_FEW_FREES;
	if (use->constant_bytes != 0 && use->outstanding >= CONSTANT_COUNT)
		signs |= LEAK_CONSTANT_SIZE;
	if (use->share_permille >= LARGE_SHARE)
		signs |= LEAK_LARGE_SHARE;
	return signs;
}

bool leak_has_few_frees(const struct tag_use *use)
{
	return use->kept_permille >= FEW_FREES;
}

bool leak_is_suspect(unsigned signs)
{
	return signs & LEAK_LARGE_SHARE && signs & LEAK_FEW_FREES;
}

bool lockstep_is_suspect(const struct tag_uses *uses, const struct lockstep *group,
			 const uint64_t maximum[2])
{
	uint64_t bytes[2] = {0, 0};
	unsigned shares[2] = {0, 0}, members = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct tag_use *use = &uses->items[group->members[i]];

		if (use->kept_permille < FEW_FREES)
			continue;
		members++;
		bytes[use->paged] += use->bytes;
		shares[use->paged] += use->share_permille;
	}
	for (unsigned pool = 0; pool < 2 && members > 1; pool++) {
		if (shares[pool] >= LARGE_SHARE && matters(bytes[pool], maximum[pool]))
			return true;
	}
	return false;
}

/* `a` is `times` b, within one part in `parts`. */
static bool about(uint64_t a, uint64_t b, unsigned times, uint64_t parts)
{
	uint64_t want = b * times, off = a > want ? a - want : want - a;

	return off <= want / parts;
}

struct pairing {
	uint64_t parts; /* tolerance: one part in so many */
	size_t least;   /* members that make a group */
	bool few_frees; /* all of them must have few frees */
};

/* Three that agree within a fifth of a percent; two within a fiftieth of a percent; two within a
 * tenth of a percent when hardly anything of them is ever freed. Real leaks of one owner agreed
 * within 0.03 percent in what they grew by, and within 0.2 percent in what was outstanding. */
static const struct pairing pairings[] = {
	{500, 3, false},
	{5000, 2, false},
	{1000, 2, true},
};

static bool may_step(const struct tag_use *use, const struct pairing *pairing)
{
	return use->outstanding >= LOCKSTEP_COUNT && use->share_permille >= LOCKSTEP_SHARE &&
	       (!pairing->few_frees || use->kept_permille >= FEW_FREES);
}

static void add_member(struct lockstep *group, const struct tag_uses *uses, size_t i, bool twice)
{
	if (group->count == LOCKSTEP_MEMBERS) {
		group->left_out++;
		return;
	}
	if (twice)
		group->twice |= 1u << group->count;
	group->members[group->count++] = i;
	group->bytes += uses->items[i].bytes;
}

static void gather(const struct tag_uses *uses, const bool *taken, size_t first,
		   const struct pairing *pairing, struct lockstep *ret)
{
	const uint64_t base = uses->items[first].outstanding;

	*ret = (struct lockstep){.outstanding = base};
	for (size_t i = 0; i < uses->count; i++) {
		const struct tag_use *use = &uses->items[i];

		if ((taken[i] && i != first) || !may_step(use, pairing))
			continue;
		if (about(use->outstanding, base, 1, pairing->parts))
			add_member(ret, uses, i, false);
		else if (about(use->outstanding, base, 2, pairing->parts))
			add_member(ret, uses, i, true);
	}
}

static bool is_group(const struct tag_uses *uses, const struct lockstep *group,
		     const struct pairing *pairing)
{
	unsigned together = 0;

	/* a group that is no large part of any pool explains nothing */
	for (size_t i = 0; i < group->count; i++)
		together += uses->items[group->members[i]].share_permille;
	return group->count + group->left_out >= pairing->least && together >= LOCKSTEP_TOGETHER;
}

static int group_order(const void *a, const void *b)
{
	const struct lockstep *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->members[0] < y->members[0] ? -1 : 1;
}

/* The most members of any base; ties go to the base with more bytes, which comes first. */
static bool best_group(const struct tag_uses *uses, const bool *taken, struct lockstep *ret)
{
	bool found = false;

	for (size_t p = 0; p < sizeof(pairings) / sizeof(pairings[0]); p++) {
		for (size_t i = 0; i < uses->count; i++) {
			struct lockstep group;

			if (taken[i] || !may_step(&uses->items[i], &pairings[p]))
				continue;
			gather(uses, taken, i, &pairings[p], &group);
			if (is_group(uses, &group, &pairings[p]) &&
			    (!found || group.count + group.left_out > ret->count + ret->left_out)) {
				*ret = group;
				found = true;
			}
		}
	}
	return found;
}

enum ps_status lockstep_find(const struct tag_uses *uses, struct lockstep groups[LOCKSTEP_GROUPS],
			     size_t *ret_count, struct ps_error *err)
{
	bool *taken = mem_array(uses->count + 1, sizeof(*taken));
	size_t count = 0;

	if (!taken)
		return ps_fail_memory(err, "the groups of tags");
	while (count < LOCKSTEP_GROUPS && best_group(uses, taken, &groups[count])) {
		for (size_t i = 0; i < groups[count].count; i++)
			taken[groups[count].members[i]] = true;
		count++;
	}
	free(taken);
	qsort(groups, count, sizeof(groups[0]), group_order);
	*ret_count = count;
	return PS_OK;
}
