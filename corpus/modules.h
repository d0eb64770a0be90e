/*
 * Loaded drivers with their images and list entries, and the ring of unloaded drivers.
 *
 * Does not: session images' pages, boot-time lists, real code of drivers.
 */
#ifndef CORPUS_MODULES_H
#define CORPUS_MODULES_H

#include "corpus/world.h"

/* Reads the recipe's drivers and gives them addresses. The kernel is the first module. */
void modules_plan(struct world *w);
/* Writes images, list and ring. */
void modules_write(struct world *w);

#endif
