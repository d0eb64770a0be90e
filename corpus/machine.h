/*
 * Pages that describe the machine: KUSER_SHARED_DATA, the processor start block in low memory,
 * KPCRs, the list of physical runs.
 *
 * Does not: contexts, stacks, processes.
 */
#ifndef CORPUS_MACHINE_H
#define CORPUS_MACHINE_H

#include "corpus/world.h"

void machine_write(struct world *w);
/* CR3 of the kernel as the dump header and the low stub tell it. */
uint64_t machine_cr3(const struct world *w);
/*
 * CR3 as a container tells it of a processor: the first may run in user mode, with a root that maps
 * almost nothing of the kernel.
 */
uint64_t machine_processor_cr3(const struct world *w, unsigned processor);
uint64_t machine_cr4(const struct world *w);
/* Seconds since 1970 as a FILETIME. */
uint64_t machine_filetime(int64_t time);

#endif
