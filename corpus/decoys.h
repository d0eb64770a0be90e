/*
 * Values around the pool globals that look like pool globals.
 *
 * Does not: forge a table that a careful reader could not tell from the right one.
 */
#ifndef CORPUS_DECOYS_H
#define CORPUS_DECOYS_H

#include "corpus/world.h"

/* Places the recipe's decoys into free parts of the cluster. After tracker_write. */
void decoys_write(struct world *w);

#endif
