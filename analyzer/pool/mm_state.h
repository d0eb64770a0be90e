/*
 * The memory manager's own counts on Windows 10 and later: MiState, MiVisibleState and
 * MiSystemPartition. Private to this room.
 *
 * Where they lie only symbols tell. Where a count lies in them the symbols' types tell, else a
 * table by build. A count is a claim: builds of one branch differ, so whoever uses one holds it
 * against the tags. Sources: PDB types of public kernels by build (fact sheet 5.2), checked against
 * nine ISF tables. Not supported: what no type tells on 22621 and on ARM64; peaks of the pools,
 * which Windows does not keep.
 */
#ifndef PS_ANALYZER_POOL_MM_STATE_H
#define PS_ANALYZER_POOL_MM_STATE_H

#include "analyzer/kernel/kernel.h"

/** All are counts of pages. */
enum mm_count {
	MM_NONPAGED_ALLOCATED,
	MM_NONPAGED_MAXIMUM, /* of address space: on x64 it may be far more than RAM */
	MM_PAGED_ALLOCATED,
	MM_PAGED_MAXIMUM, /* of address space */
	MM_COMMITTED,
	MM_COMMIT_LIMIT,
	MM_COMMIT_PEAK,
};

enum { MM_COUNTS = MM_COMMIT_PEAK + 1 };

/**
 * One count, in bytes. PS_NOT_FOUND when no symbols name the structure; PS_UNSUPPORTED when nobody
 * knows where the count lies in it; PS_ABSENT when it is not in the dump; PS_CORRUPT when it is no
 * possible size.
 */
enum ps_status mm_state_read(const struct kernel *kernel, enum mm_count count, uint64_t *ret,
			     struct ps_error *err);

/** "AllocatedNonPagedPool of MiState (symbols)"; "... (known build)". Static. */
const char *mm_state_source(const struct kernel *kernel, enum mm_count count);

#endif
