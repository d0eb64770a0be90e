/*
 * Pages that are not in the dump, or whose page table entries are not valid.
 *
 * Does not: damage the contents of pages.
 */
#ifndef CORPUS_FAULTS_H
#define CORPUS_FAULTS_H

#include "corpus/world.h"

/* Applies the recipe's missing, transition, pagefile and demand-zero lines; last of all. */
void faults_apply(struct world *w);
/* Brings the states of the structures' pages up to date with the pages that are absent, also by
 * the loss of their page tables: once the file is written and cut. */
void faults_settle(struct world *w);

#endif
