/*
 * The memory manager's own totals of Windows 10 and later: MiState, MiVisibleState and
 * MiSystemPartition, laid out when the recipe has a line `mm-state`.
 *
 * Source of the layouts: PDB types as published for each build. ARM64 has the layouts of x64 of the
 * same build. Does not: anything in these structures but the counts that readers of pools want.
 */
#ifndef CORPUS_MM_STATE_H
#define CORPUS_MM_STATE_H

#include "corpus/world.h"

/* Order of the truth's keys. All are counts of pages. */
enum mm_count {
	MM_NONPAGED_ALLOCATED,
	MM_NONPAGED_MAXIMUM,
	MM_PAGED_ALLOCATED,
	MM_PAGED_MAXIMUM,
	MM_COMMITTED,
	MM_COMMIT_LIMIT,
	MM_COMMIT_PEAK,
	MM_STATE_COUNTS
};

/* Bytes that a build's structures take in the image; 0 where it has none, or none is asked for. */
uint32_t mm_state_size(const struct config *c);
uint32_t mm_partition_size(const struct config *c);

/* Writes the structures, after the other globals and before the recipe's own values. */
void mm_state_write(struct world *w);
/* What was written, in pages; UINT64_MAX where the build has no such member. */
void mm_state_counts(const struct world *w, uint64_t counts[MM_STATE_COUNTS]);
/* "nonpaged-allocated", ... as recipes have them. */
const char *mm_state_name(enum mm_count count);

#endif
