/* LiME images, and AVML images plain and packed. */
#ifndef CORPUS_LIME_H
#define CORPUS_LIME_H

#include "corpus/output.h"

/* `container lime` and `container avml`; returns the pages in it. */
uint64_t lime_write(struct world *w, struct output *file, struct page **sorted);

#endif
