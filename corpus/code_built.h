/*
 * Code of a kernel as a compiler makes it, each function in a page of its own.
 *
 * Does not: run.
 */
#ifndef CORPUS_CODE_BUILT_H
#define CORPUS_CODE_BUILT_H

#include "corpus/world.h"

enum { BUILT_CODE_AT = 0x340 }; /* of the function in its page */

/* Fills the page `va` with KdCopyDataBlock between padding; nothing on x86. */
void code_built_copy_data_block(struct world *w, uint64_t va);
/* The same with the insertion of a tag into the tracker table. */
void code_built_tracker_insert(struct world *w, uint64_t va);

#endif
