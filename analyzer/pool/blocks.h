/*
 * Samples of live allocations of some tags: where they lie and how long they are.
 *
 * Allocations of a page and more come from the big-page table. Smaller ones are found by their
 * POOL_HEADERs in the pages near big allocations, where pool pages are likely; a page counts only
 * when its headers form a whole chain over it: each PreviousSize is the BlockSize before it, and
 * the last block ends with the page. The segment heap (kernels from build 18362 on) keeps headers
 * before most small blocks but no chain: there a header counts by its tag, type and size, and
 * freed blocks cannot be told. Not supported: blocks without a header, those that cross a page,
 * session pool.
 *
 * The sample is bounded and the same for the same dump: big allocations are taken at even steps
 * over the table, pages at even steps over the big allocations.
 * Ownership: blocks_sample() fills, blocks_fini() frees. Source of the layouts: Volatility 2 vtypes
 * and the WRK's POOL_HEADER, restated in the fact sheet.
 */
#ifndef PS_ANALYZER_POOL_BLOCKS_H
#define PS_ANALYZER_POOL_BLOCKS_H

#include "analyzer/pool/pools.h"

enum {
	BLOCK_SAMPLE = 64,         /* allocations of either size a tag */
	BLOCK_SMALL_PER_PAGE = 16, /* so that one page does not speak for all */
	BLOCK_PAGE_BUDGET =
		4096, /* pages looked at for small blocks in either pool, over all tags */
};

struct block {
	uint64_t va;    /* of the first byte that the driver has */
	uint64_t bytes; /* of a small block: rounded up to the pool's granule */
	bool small;     /* found by its header */
};

struct block_sample {
	uint32_t tag;
	struct block items[2 * BLOCK_SAMPLE];
	size_t count, big_count, small_count;
	uint64_t big_live; /* live big allocations of the tag in the table */
};

struct blocks {
	struct block_sample *samples; /* owned; in the order of the tags asked for */
	size_t count;
	uint64_t pages_tried, pages_present, pages_chained; /* of the search for small blocks */
	bool unchained; /* some were found by a header that no chain proves */
	char note[240]; /* what was not looked at and why; empty if nothing */
};

/** Only running out of memory and Ctrl-C are errors. blocks_fini() in any case. */
enum ps_status blocks_sample(struct pools *pools, const uint32_t *tags, size_t count,
			     struct blocks *ret, struct ps_error *err);
void blocks_fini(struct blocks *blocks);

/** One page of pool, cut into blocks by its headers. */
struct pool_page_block {
	uint32_t offset, bytes; /* of the header; header included */
	uint32_t tag;           /* bit 31 (protected) cleared */
	bool in_use;
};

enum { POOL_PAGE_BLOCKS = 512 };

/**
 * Cuts a page by its chain of POOL_HEADERs; 0 when they form none. `build` decides which bit of
 * PoolType says that a block is in use.
 */
size_t pool_page_cut(const uint8_t *page, const struct header_layout *layout, uint64_t build,
		     struct pool_page_block ret[POOL_PAGE_BLOCKS]);

/**
 * Blocks of one tag by their headers alone, as the segment heap keeps them: in use, of a size that
 * fits the page. At most `limit`.
 */
size_t pool_page_find(const uint8_t *page, const struct header_layout *layout, uint32_t tag,
		      struct pool_page_block *ret, size_t limit);

#endif
