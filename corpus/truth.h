/*
 * The truth about a made dump, as JSON (documented in corpus/README.md).
 *
 * Does not: look at the file; it reports what was built.
 */
#ifndef CORPUS_TRUTH_H
#define CORPUS_TRUTH_H

#include "corpus/container.h"
#include "corpus/world.h"

void truth_write(struct world *w, const struct container_result *file, const char *recipe,
		 const char *path);

#endif
