/*
 * What the truth says of the pool: the tracker's tables, each tag's counters, big allocations, what
 * lies in blocks, sessions, and the memory manager's totals.
 */
#ifndef CORPUS_TRUTH_POOL_H
#define CORPUS_TRUTH_POOL_H

#include <jansson.h>

#include "corpus/world.h"

/* The object "pool"; finds out, for each tag of the world, whether absent pages concern it. */
json_t *truth_pool(struct world *w);

#endif
