/*
 * The file: crash dumps of type 1, 2, 5 and 6 for 32 and 64 bits, and raw images.
 *
 * Does not: triage dumps, RDMP (types 8 to 10), other hypervisors' formats.
 */
#ifndef CORPUS_CONTAINER_H
#define CORPUS_CONTAINER_H

#include "corpus/world.h"

struct container_result {
	const char *format; /* as poolscope names it */
	uint64_t file_size;
	uint64_t pages;
	bool header;
	bool truncated;
};

/* Writes `path`; the file is sparse where pages were never touched. */
struct container_result container_write(struct world *w, const char *path);

#endif
