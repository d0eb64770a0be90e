/*
 * Real driver files in memory, as the kernel's loader leaves them: `image=FILE` of a recipe.
 *
 * Does not: read resources; fill in what a driver's code would (but for KMDF's table of functions).
 */
#ifndef CORPUS_LOADER_H
#define CORPUS_LOADER_H

#include "corpus/world.h"

/* Reads the file that the line names and takes the size of the image from it. */
void loader_open(struct world *w, const struct line *line, struct module *module);
/* Time, checksum, entry point and PDB of the file. */
void loader_identify(struct module *module);
/* Lays the image into memory; all modules must have their addresses. */
void loader_write(struct world *w, const struct line *line, struct module *module);
void loader_close(struct module *module);

#endif
