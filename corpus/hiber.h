/*
 * Windows hibernation files: of Windows 7, and of Windows 8 and later, 32 and 64 bits.
 *
 * Does not: pages of the secure kernel, checksums.
 */
#ifndef CORPUS_HIBER_H
#define CORPUS_HIBER_H

#include "corpus/output.h"

/* Returns how many pages it wrote. `sorted`: all touched pages by PFN. */
uint64_t hiber_write(struct world *w, struct output *file, struct page **sorted);

#endif
