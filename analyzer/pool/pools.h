/*
 * The pools of one kernel: usage per tag from the tracker tables, big allocations, cross-checks.
 *
 * Ownership: pools_open() creates, pools_close() frees the pools and all they own; the kernel is
 * borrowed. Nothing here prints or judges.
 */
#ifndef PS_ANALYZER_POOL_POOLS_H
#define PS_ANALYZER_POOL_POOLS_H

#include "analyzer/kernel/kernel.h"
#include "analyzer/pool/big_pages.h"
#include "analyzer/pool/locate.h"
#include "analyzer/pool/tracker.h"

/** A tag whose tracker bytes are less than the bytes of its own big allocations. */
struct pool_violation {
	uint32_t tag;
	bool paged;
	int64_t tracker_bytes;
	uint64_t big_bytes;
};

struct pools {
	struct kernel *kernel; /* borrowed */
	struct pool_globals globals;
	struct tracker tracker;
	struct big_pages big;
	bool big_available; /* false: big_error says why; the tracker stands alone */
	struct ps_error big_error;
	struct pool_violation *violations; /* owned */
	size_t violation_count, violation_capacity;
	char notes[16][240];
	unsigned note_count;
};

/** PS_NOT_FOUND / PS_ABSENT / PS_CORRUPT with the reason when there is no usable tracker table. */
enum ps_status pools_open(struct kernel *kernel, struct progress *progress, struct pools **ret,
			  struct ps_error *err);
void pools_close(struct pools *pools);

/** The tracker row of `tag`, or NULL. */
const struct tag_row *pools_row(const struct pools *pools, uint32_t tag);

#endif
