/*
 * The table of big pages: who holds allocations of a page and more.
 *
 * Does not: back the allocations with memory; session pool's table.
 */
#ifndef CORPUS_BIGPAGES_H
#define CORPUS_BIGPAGES_H

#include "corpus/world.h"

/*
 * Makes the allocations (out of the tags' counters, from the recipe's `big` lines, and random
 * ones), charges tags where they were not charged yet, and writes the table. Before
 * tracker_write, after tracker_plan.
 */
void bigpages_write(struct world *w);

#endif
