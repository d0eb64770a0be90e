/*
 * Page-table entries in small blocks, so that neighbouring translations do not read the dump again
 * and a random walk reads no more than a cache line a level. Physical memory of a dump never
 * changes, so nothing is ever dropped but to make room. Embedded in its owner; no memory of its
 * own.
 */
#ifndef PS_ANALYZER_MEMORY_TABLE_CACHE_H
#define PS_ANALYZER_MEMORY_TABLE_CACHE_H

#include "formats/dump.h"

enum {
	TABLE_BLOCK_WORDS = 8, /* 64 bytes: a cache line of the file's mapping */
	TABLE_BLOCK_BYTES = TABLE_BLOCK_WORDS * 8,
	TABLE_BLOCKS_LOG2 = 10,
};

struct table_block {
	uint64_t number; /* physical address / TABLE_BLOCK_BYTES; UINT64_MAX when empty */
	enum page_state state;
	uint64_t words[TABLE_BLOCK_WORDS]; /* meaningful when PAGE_PRESENT */
};

struct table_cache {
	struct dump *dump; /* borrowed */
	struct table_block blocks[1 << TABLE_BLOCKS_LOG2];
};

void table_cache_init(struct table_cache *cache, struct dump *dump);

/** Reads an entry of 4 or 8 bytes at physical address `pa`, a multiple of its size. */
enum page_state table_cache_entry(struct table_cache *cache, uint64_t pa, unsigned entry_size,
				  uint64_t *ret);

#endif
