/*
 * KDDEBUGGER_DATA64 and the kernel variables it names.
 *
 * Does not: the 16-bit offsets of KTHREAD, EPROCESS and KPRCB members (they stay zero).
 */
#ifndef CORPUS_KDBG_H
#define CORPUS_KDBG_H

#include "corpus/world.h"

/* Gives every variable that KDBG names a value that fits the machine. */
void kdbg_set_globals(struct world *w);
enum { KDBG_ROOM = 0x1000 };

/* The block in clear, as the crash path has it. Returns its size. */
uint32_t kdbg_build(const struct world *w, uint8_t block[KDBG_ROOM]);
/* Writes the block, encoded if the recipe says so. */
void kdbg_write(struct world *w);
/* Inverse of what KdDecodeDataBlock does to each qword. */
void kdbg_encode(struct world *w, uint8_t *block, size_t size);

#endif
