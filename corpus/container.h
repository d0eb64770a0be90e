/*
 * The file: crash dumps of all types for 32 and 64 bits (RDMP for 64 bits only), and raw images.
 *
 * Does not: other hypervisors' formats.
 */
#ifndef CORPUS_CONTAINER_H
#define CORPUS_CONTAINER_H

#include "corpus/world.h"

struct container_result {
	const char *format; /* as poolscope names it */
	const char *holds;  /* "pages", "pieces" (minidump), "header" */
	uint64_t file_size;
	uint64_t pages;
	bool header;
	bool truncated;
};

/* Writes `path`; the file is sparse where pages were never touched. */
struct container_result container_write(struct world *w, const char *path);

#endif
