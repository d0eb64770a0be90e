/*
 * The body of dumps that debuggers write: a list of page ranges (RDMP), types 8, 9 and 10.
 *
 * Does not: 32-bit dumps, of which no layout is known.
 */
#ifndef CORPUS_RDMP_H
#define CORPUS_RDMP_H

#include "corpus/output.h"

/* Writes header and body; returns the number of pages. */
uint64_t rdmp_write(struct world *w, struct output *file, struct page **sorted);

#endif
