/*
 * Handle tables of processes: HANDLE_TABLE with its counts, and entries for what a process holds.
 *
 * Does not: entries for other objects than processes; the third level.
 */
#ifndef CORPUS_HANDLE_TABLES_H
#define CORPUS_HANDLE_TABLES_H

#include "corpus/world.h"

void handle_tables_write(struct world *w, struct rng *rng);
/* Lists of free handles of a table, each with a count of its own; 0 before Windows 8. */
uint32_t handle_tables_lists(const struct world *w);

#endif
