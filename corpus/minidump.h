/*
 * Minidumps (triage dumps, DumpType 4), 32 and 64 bit: pieces of virtual memory, driver lists,
 * totals of the memory manager, a copy of KDBG, secondary data.
 *
 * Does not: contents of processor blocks, processes and threads (random bytes), real stacks.
 */
#ifndef CORPUS_MINIDUMP_H
#define CORPUS_MINIDUMP_H

#include "corpus/output.h"

enum { MM_COUNTS = 7 };

/* Counts of DUMP_MM_STORAGE in pages, in the order of the structure. */
void minidump_totals(const struct world *w, uint64_t counts[MM_COUNTS]);
void minidump_write(struct world *w, struct output *file);

#endif
