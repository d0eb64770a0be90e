/*
 * The kernel image: its sections, its exports and a little code.
 *
 * Does not: fill pool tables; real code beyond what a code scan looks for.
 */
#ifndef CORPUS_KERNEL_H
#define CORPUS_KERNEL_H

#include "corpus/world.h"

/* Chooses sections, places the globals and maps the image. */
void kernel_plan(struct world *w);
/* Names the exports: after kernel_plan, before drivers import them. */
void kernel_make_exports(struct world *w);
/* Writes headers, exports, code, KDBG and the recipe's values: after all else. */
void kernel_write(struct world *w);
/* VA of an exported function or variable of the kernel; 0 if there is none of that name. */
uint64_t kernel_export(const struct world *w, const char *name);
/* VA of what retpolined calls of imports go through: a jump to r10. */
uint64_t kernel_retpoline_stub(const struct world *w);

#endif
