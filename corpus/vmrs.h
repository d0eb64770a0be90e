/* Saved states of Hyper-V machines (.vmrs). */
#ifndef CORPUS_VMRS_H
#define CORPUS_VMRS_H

#include "corpus/output.h"

/* Returns the pages in it. Blocks of 1 MiB that were never touched are left out: their pages are
 * absent. Other absent pages cannot be. */
uint64_t vmrs_write(struct world *w, struct output *file, struct page **sorted);

#endif
