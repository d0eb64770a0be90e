/*
 * ELF cores: headers and notes.
 *
 * Does not: write pages; container.c does.
 */
#ifndef CORPUS_ELF_H
#define CORPUS_ELF_H

#include "corpus/world.h"

/* Runs of segments: those of `runs`, cut to the recipe's longest. The caller frees it. */
struct run *elf_segments(const struct world *w, const struct run *runs, size_t run_count,
			 size_t *count);

/*
 * All that stands before the pages, which follow back to back. The caller frees *head. Returns its
 * length, which is not a multiple of anything, as with QEMU.
 */
uint64_t elf_head(struct world *w, const struct run *segments, size_t count, uint8_t **head);

#endif
