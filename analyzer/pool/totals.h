/*
 * What the kernel itself says of its pools' use and limits, each figure with its source, and what
 * follows from Windows' rules where it does not say.
 *
 * A figure that was read is accepted only when it agrees with the sums over the tags; otherwise it
 * is kept and called doubtful. Ownership: plain memory of the caller. Sources: KDBG's Mm variables
 * (wdbgexts.h), POOL_DESCRIPTOR and MM_PAGED_POOL_INFO (PDB types by build), Microsoft's page on
 * memory limits and the start-up code of the Windows Research Kernel (fact sheet 2.3, 4.5, 5);
 * MiState and MiSystemPartition of Windows 10 and later (mm_state.h). Not supported: peaks of the
 * pools, which Windows does not keep; session pool.
 */
#ifndef PS_ANALYZER_POOL_TOTALS_H
#define PS_ANALYZER_POOL_TOTALS_H

#include "analyzer/pool/pools.h"

enum total_grade {
	TOTAL_UNKNOWN,  /* `words` say why */
	TOTAL_READ,     /* and it agrees with what the tags say */
	TOTAL_DOUBTFUL, /* read, but it cannot be right beside the tags; `words` say how */
	TOTAL_DERIVED,  /* by Windows' rules, from RAM, version and switches */
};

enum { TOTAL_WORDS = 240, TOTAL_SOURCES = 4 };

struct total {
	enum total_grade grade;
	uint64_t bytes;
	const char *source; /* "MmAllocatedNonPagedPool (KDBG)"; static; NULL when unknown */
	bool of_state;      /* read from MiState or MiSystemPartition */
	char words[TOTAL_WORDS];
};

struct pool_side_totals {
	struct total used; /* what the kernel counts as allocated */
	struct total maximum;
	struct total space; /* the address range that MiState has for it: more than can be used,
			       on most 64-bit machines */
	struct total other_maximum; /* where two public rules differ; unknown otherwise */
	/* Sources of `used` that were read and not taken, for the evidence. */
	struct total rejected[TOTAL_SOURCES];
	unsigned rejected_count;
	bool has_untracked; /* used less tags, both known */
	int64_t untracked;  /* bytes */
};

enum user_space { USER_SPACE_UNKNOWN, USER_SPACE_2GB, USER_SPACE_3GB };

struct pool_totals {
	struct pool_side_totals nonpaged, paged;
	uint64_t physical_bytes;       /* RAM; 0 unknown */
	enum user_space user_space;    /* x86: 3GB means started with /3GB (4GT) */
	const char *user_space_source; /* static; NULL on other machines */
	struct total committed, committed_peak, commit_limit;
	uint32_t special_pool_tag; /* MmSpecialPoolTag: blocks of this tag take pages of their own;
				      0: none, or not known */
	uint32_t verifier_flags;   /* Driver Verifier's settings; 0: off, or not known */
};

/** Bits of verifier_flags (MM_DRIVER_VERIFIER_DATA.Level, WDK wdm.h). */
enum {
	VERIFIER_SPECIAL_POOL = 1 << 0,
	VERIFIER_LOW_RESOURCES = 1 << 2, /* allocations are made to fail on purpose */
	VERIFIER_POOL_TRACKING = 1 << 3,
};

/** Reads and derives what there is; nothing here can fail but by being unknown. */
void pool_totals_read(struct kernel *kernel, const struct pools *pools, struct pool_totals *ret);

/** Private to this room: looks which structures symbols lay out, so that refusals are noted in
 * time.
 */
void pool_totals_layouts(struct kernel *kernel);

/** Private to this room: the rules of limits.c. */
void pool_limits_derive(const struct kernel *kernel, struct pool_totals *totals);

/** Private to this room: a use that was read, beside the sum over the tags. */
void total_judge_used(struct total *total, int64_t tags, bool complete);

/** Private to this room: address ranges and commit, as read. `tracker` may be NULL. */
void totals_judge_read(const struct tracker *tracker, struct pool_totals *totals);

/** Private to this room: both maxima, read or derived. `tracker` may be NULL. */
void totals_judge_limits(const struct kernel *kernel, const struct tracker *tracker,
			 struct pool_totals *totals);

#endif
