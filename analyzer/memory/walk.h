/*
 * The page-table walk itself, without a TLB: one loop over a static description of each paging
 * kind. Private to this room.
 *
 * Sources: Intel SDM volume 3, chapter "Paging": 32-bit with PSE-36, PAE, 4-level, 5-level (LA57).
 * Arm Architecture Reference Manual, VMSAv8-64 stage 1: 4 KiB granule, 48-bit addresses, the table
 * of TTBR1. Not supported: a 32-bit system with CR4.PSE off; the user half of ARM64 (TTBR0), its
 * other granules and 52-bit addresses.
 */
#ifndef PS_ANALYZER_MEMORY_WALK_H
#define PS_ANALYZER_MEMORY_WALK_H

#include "analyzer/memory/pte.h"
#include "analyzer/memory/table_cache.h"

struct walk_level {
	uint8_t shift; /* of this level's index in the address */
	uint8_t bits;  /* of the index */
	bool large;    /* an entry of the large kind maps a page of 1 << shift bytes */
};

struct walk_shape {
	uint64_t root_mask;    /* of CR3 */
	uint64_t root_ignored; /* bits of a stored CR3 that may be set beside root_mask */
	uint64_t frame_mask;   /* of a present entry */
	uint64_t user_end;     /* addresses below this, and from first_kernel on, can be walked */
	uint64_t first_kernel;
	uint64_t last_address; /* of the address space */
	uint64_t large_bit; /* tells a present entry that maps a page from one that names a table */
	uint64_t large_value; /* of that bit in an entry that maps a page */
	uint8_t levels;
	uint8_t entry_size; /* bytes */
	bool large_strict;  /* the large kind maps nothing where a level has no large pages */
	bool pse36;         /* bits 13..20 of a large PDE are address bits 32..39 */
	struct walk_level level[5]; /* [0] = PT */
};

extern const struct walk_shape walk_shapes[]; /* by enum paging */

struct walker {
	const struct walk_shape *shape;
	uint64_t root;
	struct pte_rules rules;
	struct table_cache tables;
};

/** The entry that maps an address. */
struct walk_leaf {
	uint64_t pa; /* of the byte asked for */
	uint64_t entry;
	uint8_t level;      /* 1 = PT, ... */
	uint8_t page_shift; /* the page has 1 << page_shift bytes */
	bool transition;    /* this entry or one above it is a transition PTE */
};

/** `va` must be an address that can be walked. False fills *ret_hole, except va and length. */
bool walk(struct walker *walker, uint64_t va, struct walk_leaf *ret, struct hole *ret_hole);

#endif
