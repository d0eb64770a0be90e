/*
 * The cluster of kernel variables around PoolTrackTable: one read of the neighbourhood, then
 * look-ups of values and pointers in it.
 *
 * Over 213 x64 builds all pool globals lie within 0x4200 bytes of PoolTrackTable, in 109 different
 * orders (fact sheet section 6.2), so only structure can tell them apart.
 */
#ifndef PS_ANALYZER_POOL_WINDOW_H
#define PS_ANALYZER_POOL_WINDOW_H

#include "analyzer/pool/locate.h"
#include "analyzer/pool/view.h"
#include "base/hash.h"

enum { WINDOW_REACH = 0x4200 };

struct window {
	struct view view;      /* owned */
	unsigned pointer_size; /* bytes; also the step between variables */
	uint64_t center;       /* VA of PoolTrackTable */
};

/** Reads the neighbourhood of `center`, clipped to [floor, ceiling) when ceiling is not 0. */
enum ps_status window_init(struct window *window, struct space *space, uint64_t center,
			   uint64_t floor, uint64_t ceiling, struct ps_error *err);
void window_fini(struct window *window);

/** True when every byte of the neighbourhood was read. */
bool window_is_whole(const struct window *window);

/** Number of variable-sized slots. */
size_t window_slots(const struct window *window);

/** Value of slot `index`; false when its bytes are not in the dump. */
bool window_value(const struct window *window, size_t index, uint64_t *ret);

/** VA of slot `index`. */
uint64_t window_va(const struct window *window, size_t index);

/** Slots that hold `value`; *ret_va is the first one's VA. */
size_t window_count(const struct window *window, uint64_t value, uint64_t *ret_va);

/**
 * Walks the distinct values of the slots that can be the address of a table: *index is where to go
 * on. False at the end. `seen` keeps the values already given; out of memory ends the walk early
 * and sets *ret_no_memory.
 */
bool window_next_table(const struct window *window, size_t *index, struct hash *seen,
		       uint64_t *ret_value, uint64_t *ret_va, bool *ret_no_memory);

/** A variable of that value: its place is told only when no second one holds the same. */
struct global window_global(const struct window *window, uint64_t value);

#endif
