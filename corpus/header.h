/*
 * DUMP_HEADER32 and DUMP_HEADER64.
 *
 * Does not: contexts of all registers; what follows the header.
 */
#ifndef CORPUS_HEADER_H
#define CORPUS_HEADER_H

#include "corpus/world.h"

enum { HEADER_ROOM = 0x2000 };

/* Fills `at` (HEADER_ROOM bytes) and applies the recipe's `header` lines. Returns its length. */
uint32_t header_build(struct world *w, uint8_t *at, const struct run *runs, size_t run_count,
		      uint64_t pages);
/* How many runs the header can hold. */
size_t header_run_room(const struct world *w);
/* DumpType by container; 0 for raw images. */
uint32_t header_dump_type(const struct world *w);

#endif
