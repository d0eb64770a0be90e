/*
 * PoolTrackTable: all processors' copies and the expansion table, merged into one row per tag.
 *
 * Counters are summed modulo the width of their field and read as signed after the sum, because a
 * block may be freed on another processor than it was allocated on: one processor's share may be
 * negative. Not supported: session pool's own tables.
 */
#ifndef PS_ANALYZER_POOL_TRACKER_H
#define PS_ANALYZER_POOL_TRACKER_H

#include "analyzer/memory/hole.h"
#include "analyzer/pool/locate.h"
#include "base/hash.h"

/** One pool's share of a tag. */
struct tag_side {
	uint64_t allocs; /* modulo the field width; a lower bound when the row is not complete */
	uint64_t frees;
	int64_t diff;  /* allocs - frees, signed */
	int64_t bytes; /* signed; unknown both ways when the row is not complete */
};

struct tag_row {
	uint32_t tag;  /* the four bytes in memory order, as a little-endian number */
	bool complete; /* every byte that can hold a share of this tag was read: the row is exact */
	bool overflow; /* `Ovfl`: what no longer had a slot of its own */
	struct tag_side nonpaged, paged;
};

/** One table that was merged. */
struct tracker_table {
	uint64_t address;
	int processor; /* -1 = expansion table */
	uint64_t pages_expected, pages_present;
};

struct tracker {
	uint64_t address; /* of PoolTrackTable's table */
	uint32_t entry_size;
	uint64_t entries;     /* PoolTrackTableSize */
	char hash;            /* 'A', 'B', or '?' */
	struct tag_row *rows; /* owned; order of discovery, Key 0 left out */
	size_t row_count, row_capacity;
	struct tracker_table *tables; /* owned */
	size_t table_count, table_capacity;
	struct hash index; /* tag -> row */
	unsigned processors_merged;
	uint64_t pages_expected, pages_present;
	bool complete;               /* every table whole and every table known */
	char incomplete_reason[240]; /* names the missing processors and why; empty when complete */
	struct holes holes;          /* missing stretches of all tables */
	int64_t nonpaged_bytes, paged_bytes; /* sums over rows; exact only when complete */
};

enum ps_status tracker_read(struct space *space, const struct pool_globals *globals,
			    struct tracker *ret, struct ps_error *err);
void tracker_fini(struct tracker *tracker);

#endif
