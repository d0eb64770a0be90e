/*
 * Addresses of the two pools: pages and small blocks of nonpaged pool, bare addresses for big
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

uint64_t pool_small(struct world *w, uint32_t size, const char tag[4])
{
	bool is_64 = config_is_64(w->config);
	uint32_t header = is_64 ? 16 : 8, granule = header;
	uint64_t total = round_up(size + header, granule);
	if (total > PAGE_SIZE / 2)
		die("a small block of 0x%x bytes is too large", size);
	if (w->small_end - w->small_at < total) {
		w->small_at = pool_pages(w, PAGE_SIZE);
		w->small_end = w->small_at + PAGE_SIZE;
	}
	uint64_t va = w->small_at;
	uint8_t *at = memory_at(&w->memory, va);
	unsigned in_use = w->config->build < 6000 ? 4 : 2;
	if (is_64) {
		at[2] = (uint8_t)(total / granule);
		at[3] = (uint8_t)in_use;
	} else {
		put16(at + 2, total / granule | in_use << 9);
	}
	memcpy(at + 4, tag, 4);
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
