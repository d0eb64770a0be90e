/*
 * What the counters of a tag say about a leak: few frees, one constant size, a large share; and
 * groups of tags whose outstanding counts move in lock step, as when one object leaks together with
 * all that hangs on it.
 *
 * Signs, not proof: a cache looks the same. Only complete rows are judged; the sums they are shares
 * of may be incomplete. Ownership: plain memory of the caller. Not supported: growth over time,
 * which takes two dumps.
 */
#ifndef PS_ANALYZER_POOL_SIGNATURE_H
#define PS_ANALYZER_POOL_SIGNATURE_H

#include "analyzer/pool/tracker.h"

/** One pool's share of one tag, as the judgements need it. */
struct tag_use {
	size_t row; /* index into tracker->rows */
	bool paged;
	uint64_t allocs, outstanding; /* outstanding = allocs - frees, at least 1 */
	uint64_t bytes;
	unsigned share_permille; /* of the pool's sum over tags */
	unsigned kept_permille;  /* outstanding of all allocations ever made */
	uint64_t constant_bytes; /* bytes of every outstanding allocation; 0: sizes differ */
};

struct tag_uses {
	struct tag_use *items; /* owned; most bytes first */
	size_t count;
};

/** Every complete side with something outstanding. PS_NO_MEMORY. */
enum ps_status tag_uses_read(const struct tracker *tracker, struct tag_uses *ret,
			     struct ps_error *err);
void tag_uses_fini(struct tag_uses *uses);

enum leak_sign {
	LEAK_FEW_FREES = 1 << 0,     /* most of what was ever allocated is still there */
	LEAK_CONSTANT_SIZE = 1 << 1, /* every outstanding allocation has one size */
	LEAK_LARGE_SHARE = 1 << 2,   /* a large part of its pool */
};

/**
 * Signs of `use`. 0 when it is too small to matter: under 16 MB, or under a twentieth of the pool's
 * limit (`maximum` bytes; 0 = not known).
 */
unsigned leak_signs(const struct tag_use *use, uint64_t maximum);

/** True when the signs make the tag a suspect. */
bool leak_is_suspect(unsigned signs);

enum { LOCKSTEP_MEMBERS = 12 };

struct lockstep;

/** True when most of what was ever allocated is still there. */
bool leak_has_few_frees(const struct tag_use *use);

/**
 * True when a group as a whole looks like a leak, though each member may be small: in one pool its
 * members with few frees, two at least, hold together what makes a single tag a suspect. `maximum`
 * as above, of nonpaged and paged pool.
 */
bool lockstep_is_suspect(const struct tag_uses *uses, const struct lockstep *group,
			 const uint64_t maximum[2]);

/** Tags whose outstanding counts are equal, or as one to two. */
struct lockstep {
	size_t members[LOCKSTEP_MEMBERS]; /* indices into uses->items, most bytes first */
	unsigned twice;                   /* a bit a member: it has two for one of the others */
	size_t count;                     /* members kept */
	size_t left_out;                  /* more members than there is room for */
	uint64_t outstanding;             /* of the first member */
	uint64_t bytes;                   /* of all kept */
};

enum { LOCKSTEP_GROUPS = 8 };

/**
 * Groups in `uses`, most bytes first, at most LOCKSTEP_GROUPS. The thresholds (signature.c) are set
 * so that tables of a healthy machine rarely have one by chance: the rate is measured by the tests.
 */
enum ps_status lockstep_find(const struct tag_uses *uses, struct lockstep groups[LOCKSTEP_GROUPS],
			     size_t *ret_count, struct ps_error *err);

#endif
