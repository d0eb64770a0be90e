/*
 * The kernel's globals: which ones a build has, where they lie in the image, their values.
 *
 * Does not: decide what the values are, but for the recipe's `value` and `write` lines.
 */
#ifndef CORPUS_GLOBALS_H
#define CORPUS_GLOBALS_H

#include "corpus/world.h"

/* Gives every global of the build an RVA: as the recipe says, else in clusters at random. */
void globals_place(struct world *w, struct rng *rng);
/* Applies the recipe's `value` and `write` lines: after every other store into globals. */
void globals_apply_values(struct world *w);

/* VA of a placed global; 0 if this build has none of that name. */
uint64_t global_address(const struct world *w, const char *name);
/* Stores a value of at most pointer size into a global, if the build has it. */
void global_set(struct world *w, const char *name, uint64_t value);
/* A free place of the image inside [low, high), or 0. It is taken from then on. */
uint32_t global_take(struct world *w, uint32_t length, uint32_t align, uint32_t low, uint32_t high,
		     struct rng *rng);

#endif
