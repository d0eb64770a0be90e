/*
 * What stands in allocations: pointers into a driver, and small blocks behind pool headers.
 *
 * Does not: make lists of free blocks, or the segment heap's structures.
 */
#ifndef CORPUS_CONTENTS_H
#define CORPUS_CONTENTS_H

#include "corpus/recipe.h"
#include "corpus/world.h"

/* Fills an allocation as a driver does that keeps a table of functions and a callback in it:
 * `points-to=NAME` of the line, a loaded or unloaded driver. Nothing without that option. */
void contents_fill(struct world *w, const struct line *line, uint32_t key, uint64_t va,
		   uint64_t bytes, struct rng *rng);
/* The lines `blocks TAG np|paged COUNT SIZE [points-to=NAME]`. */
void contents_write_blocks(struct world *w);

#endif
