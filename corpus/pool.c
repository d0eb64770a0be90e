/*
 * Addresses of the two pools: pages of nonpaged pool, small blocks, bare addresses for big
 * allocations.
 *
 * Does not: free anything.
 */
#include "corpus/pool.h"

#include <string.h>

enum { LEAD_PAGES = 16 };

void pool_init(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "pool");
	uint64_t lead = rng_below(&rng, LEAD_PAGES) << PAGE_SHIFT;
	w->nonpaged_next = w->config->nonpaged.start + lead;
	w->paged_next = w->config->paged.start + lead;
}

static uint64_t advance(uint64_t *next, uint64_t end, uint64_t pages, const char *pool)
{
	uint64_t va = *next;
	if (pages > (end - va) >> PAGE_SHIFT)
		die("the %s pool's address range is full: give the recipe a larger 'va %s'", pool,
		    pool);
	*next += pages << PAGE_SHIFT;
	return va;
}

uint64_t pool_pages(struct world *w, uint64_t bytes)
{
	const struct config *c = w->config;
	uint64_t va = advance(&w->nonpaged_next, c->nonpaged.end, pages_of(bytes), "nonpaged");
	if (!c->pool_large) {
		memory_map(&w->memory, va, bytes);
		return va;
	}
	memory_map_large(&w->memory, va, bytes);
	for (uint64_t page = 0; page < bytes; page += PAGE_SIZE)
		memory_at(&w->memory, va + page);
	return va;
}

/* Of a block of `total` bytes; with published 64-bit kernels sizes are in units of 16 bytes. */
static void put_header(struct world *w, uint64_t va, uint64_t total, unsigned type,
		       const char tag[4])
{
	uint8_t *at = memory_at(&w->memory, va);
	if (config_is_64(w->config)) {
		at[2] = (uint8_t)(total / 16);
		at[3] = (uint8_t)type;
	} else {
		put16(at + 2, total / 8 | type << 9);
	}
	memcpy(at + 4, tag, 4);
}

static void charge(struct world *w, unsigned side, uint64_t bytes, const char tag[4])
{
	struct charge *c = NULL;
	for (size_t i = 0; i < w->charge_count && !c; i++) {
		if (memcmp(w->charges[i].tag, tag, 4) == 0 && w->charges[i].side == side)
			c = &w->charges[i];
	}
	if (!c && w->charge_count == CHARGES)
		die("more than %d kinds of blocks", CHARGES);
	if (!c) {
		c = &w->charges[w->charge_count++];
		memcpy(c->tag, tag, 4);
		c->side = side;
	}
	c->blocks++;
	c->bytes += bytes;
}

static uint64_t page_of(struct world *w, unsigned side)
{
	if (side == SIDE_NONPAGED)
		return pool_pages(w, PAGE_SIZE);
	uint64_t va = advance(&w->paged_next, w->config->paged.end, 1, "paged");
	memory_map(&w->memory, va, PAGE_SIZE);
	return va;
}

uint64_t pool_block(struct world *w, unsigned side, uint64_t size, const char tag[4])
{
	uint32_t header = config_is_64(w->config) ? 16 : 8;
	uint64_t total = round_up(size + header, header);
	if (size > PAGE_SIZE)
		die("a block of 0x%llx bytes is too large", (unsigned long long)size);
	if (total > PAGE_SIZE) {
		charge(w, side, PAGE_SIZE, tag);
		return page_of(w, side);
	}
	if (w->block_end[side] - w->block_at[side] < total) {
		w->block_at[side] = page_of(w, side);
		w->block_end[side] = w->block_at[side] + PAGE_SIZE;
	}
	uint64_t va = w->block_at[side];
	put_header(w, va, total, (w->config->build < 6000 ? 4u : 2u) | (side == SIDE_PAGED), tag);
	charge(w, side, total, tag);
	w->block_at[side] += total;
	return va + header;
}

uint64_t pool_small(struct world *w, uint32_t size, const char tag[4])
{
	uint32_t header = config_is_64(w->config) ? 16 : 8;
	uint64_t total = round_up(size + header, header);
	if (total > PAGE_SIZE / 2)
		die("a small block of 0x%x bytes is too large", size);
	if (w->small_end - w->small_at < total) {
		w->small_at = pool_pages(w, PAGE_SIZE);
		w->small_end = w->small_at + PAGE_SIZE;
	}
	uint64_t va = w->small_at;
	put_header(w, va, total, w->config->build < 6000 ? 4 : 2, tag);
	w->small_at += total;
	return va + header;
}

uint64_t pool_reserve(struct world *w, unsigned side, uint64_t bytes, struct rng *rng)
{
	const struct config *c = w->config;
	uint64_t gap = config_is_64(c) ? rng_below(rng, 4) : rng_below(rng, 8) == 0;
	uint64_t pages = pages_of(bytes) + gap;
	if (side == SIDE_NONPAGED)
		return advance(&w->nonpaged_next, c->nonpaged.end, pages, "nonpaged");
	return advance(&w->paged_next, c->paged.end, pages, "paged");
}
