/*
 * PoolBigPageTable: allocations of a page and more.
 *
 * Sums per tag are built in one pass; the allocations themselves come through an iterator, never as
 * one big list. Sums over live entries are true lower bounds when pages of the table are missing.
 */
#ifndef PS_ANALYZER_POOL_BIG_PAGES_H
#define PS_ANALYZER_POOL_BIG_PAGES_H

#include "analyzer/memory/hole.h"
#include "analyzer/pool/locate.h"
#include "base/hash.h"

struct view;

enum pool_kind { POOL_NONPAGED, POOL_PAGED, POOL_KIND_UNKNOWN };

struct big_entry {
	uint64_t index; /* slot in the table */
	uint64_t va;    /* of the allocation, bit 0 cleared */
	uint32_t tag;   /* bit 31 (protected) cleared */
	bool freed;     /* bit 0 of Va set: not live */
	bool is_protected;
	enum pool_kind kind;
	uint32_t type;  /* POOL_TYPE or POOL_FLAGS bits as stored, 0 where the layout has none */
	uint64_t bytes; /* pages x 4096 on XP and 2003 */
};

/* Sizes by power of two: bucket 0 is up to 8 KB, the last one has no end. */
enum { BIG_SIZES = 24, BIG_SIZE_FIRST = 12 };

struct big_sum {
	uint32_t tag;
	uint64_t nonpaged_count, nonpaged_bytes;
	uint64_t paged_count, paged_bytes;
	uint64_t unknown_count, unknown_bytes; /* paged or nonpaged could not be told */
	/* Live allocations of nonpaged and paged pool by size: from 2^(BIG_SIZE_FIRST + i) bytes
	 * on. */
	uint32_t sizes[2][BIG_SIZES];
};

struct big_pages {
	struct space *space; /* borrowed */
	struct big_globals globals;
	uint64_t in_use, freed, never_used;
	uint64_t invalid; /* entries whose Va cannot be one: the table is damaged or its size wrong
			   */
	uint64_t pages_expected, pages_present;
	uint64_t unknown; /* live entries of which paged or nonpaged could not be told */
	bool whole;       /* every page of the table was read */
	bool complete;    /* and size and pool of its entries are known, and none is damaged */
	struct holes holes;
	struct big_sum *sums; /* owned */
	size_t sum_count, sum_capacity;
	struct hash index; /* tag -> sum */
	uint64_t nonpaged_bytes, paged_bytes;
};

/** Reads the whole table once and sums it. */
enum ps_status big_pages_read(struct space *space, const struct big_globals *globals,
			      struct progress *progress, struct big_pages *ret,
			      struct ps_error *err);
void big_pages_fini(struct big_pages *big);

const struct big_sum *big_pages_sum(const struct big_pages *big, uint32_t tag);

/** Walks the entries (live and freed; never-used and absent ones are left out) in table order. */
struct big_iterator {
	const struct big_pages *big; /* borrowed */
	struct view *view;           /* owned: one chunk of the table */
	uint64_t next_index;
	uint64_t chunk_first, chunk_count;      /* entries */
	uint64_t never_used, invalid;           /* passed over so far */
	uint64_t pages_expected, pages_present; /* of the part walked so far */
	struct holes *holes;                    /* borrowed; takes what is missing, may be NULL */
};

enum ps_status big_iterator_init(struct big_iterator *it, const struct big_pages *big,
				 struct ps_error *err);
void big_iterator_fini(struct big_iterator *it);

/** *ret_found false at the end. PS_INTERRUPTED on Ctrl-C, PS_NO_MEMORY. */
enum ps_status big_iterator_next(struct big_iterator *it, struct big_entry *ret, bool *ret_found,
				 struct ps_error *err);

#endif
