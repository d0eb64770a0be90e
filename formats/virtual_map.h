/*
 * From a virtual address to its byte in the file, for containers that hold pieces of virtual
 * memory instead of physical pages (minidumps).
 *
 * Ownership: virtual_map_init()/virtual_map_fini(). A range is 24 bytes of memory; look-ups are
 * binary searches.
 */
#ifndef PS_FORMATS_VIRTUAL_MAP_H
#define PS_FORMATS_VIRTUAL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct virtual_range {
	uint64_t va, length; /* bytes, at least 1; the range ends inside 64 bits */
	uint64_t offset;     /* file offset of the first byte */
};

struct virtual_map {
	struct virtual_range *items; /* owned; after settling ascending, not overlapping */
	size_t count, capacity;
	uint64_t bytes;   /* listed, each address counted once */
	uint64_t overlap; /* bytes listed more than once, as settling found them */
};

void virtual_map_init(struct virtual_map *map);
void virtual_map_fini(struct virtual_map *map);

/** Ranges of no byte are dropped. PS_CORRUPT when the range leaves 64 bits, PS_NO_MEMORY. */
enum ps_status virtual_map_add(struct virtual_map *map, uint64_t va, uint64_t length,
			       uint64_t offset, struct ps_error *err);

/**
 * Sorts the ranges and cuts overlaps: an address belongs to the range that begins first, of two
 * with one beginning to the longer one. To be called after the last range was added.
 */
void virtual_map_settle(struct virtual_map *map);

/**
 * The stretch that begins at `va`: true and *ret (clipped to begin there) when a range holds it.
 * Otherwise false, and *ret_gap bytes follow before the next range (UINT64_MAX - va when none).
 */
bool virtual_map_find(const struct virtual_map *map, uint64_t va, struct virtual_range *ret,
		      uint64_t *ret_gap);

#endif
