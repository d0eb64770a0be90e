/*
 * The kernel image with its globals and KDBG, and the pages that describe the machine.
 *
 * Does not: fill pool tables; real code beyond what a code scan looks for.
 */
#ifndef CORPUS_KERNEL_H
#define CORPUS_KERNEL_H

#include "corpus/world.h"

/* Chooses sections, places the globals and maps the image. */
void kernel_plan(struct world *w);
/* Writes headers, exports, code, KDBG and the machine pages: after all globals have values. */
void kernel_write(struct world *w);

/* VA of a placed global; 0 if this build has none of that name. */
uint64_t kernel_global(const struct world *w, const char *name);
/* Stores a pointer-sized value into a global, if the build has it and no `value` line gave one. */
void kernel_set(struct world *w, const char *name, uint64_t value);
/* A free place of the image inside [low, high), or 0. It is taken from then on. */
uint32_t kernel_take(struct world *w, uint32_t length, uint32_t align, uint32_t low, uint32_t high,
		     struct rng *rng);
/* Names the exports: after kernel_plan, before drivers import them. */
void kernel_make_exports(struct world *w);
/* VA of an exported function of the kernel. */
uint64_t kernel_export(const struct world *w, const char *name);

#endif
