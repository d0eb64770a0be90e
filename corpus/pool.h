/*
 * Addresses of the two pools: pages of nonpaged pool, small blocks, bare addresses for big
 * allocations.
 *
 * Does not: free anything.
 */
#ifndef CORPUS_POOL_H
#define CORPUS_POOL_H

#include "corpus/world.h"

void pool_init(struct world *w);
/* Mapped, zeroed pages of nonpaged pool. */
uint64_t pool_pages(struct world *w, uint64_t bytes);
/* A block with a pool header before it, inside one page. At most half a page. */
uint64_t pool_small(struct world *w, uint32_t size, const char tag[4]);
/* A zeroed block of a page or less, charged to its tag by tracker_charge_blocks(). A whole page has
 * no header before it. */
uint64_t pool_block(struct world *w, unsigned side, uint64_t size, const char tag[4]);
/* Room in a pool with nothing behind it: where a big allocation could lie. */
uint64_t pool_reserve(struct world *w, unsigned side, uint64_t bytes, struct rng *rng);

#endif
