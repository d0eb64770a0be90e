/*
 * What the harnesses of PE images share: any bytes as a file, and as an image in the memory of a
 * raw dump that lacks pages. Words of the DOS header say which pages, and how many the list of
 * modules has. `must` ends the process where something does not hold.
 */
#ifndef PS_TESTS_FUZZ_PE_MEMORY_H
#define PS_TESTS_FUZZ_PE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/memory/space.h"

#define must(holds) must_at(holds, __FILE__, __LINE__)

void must_at(bool holds, const char *file, int line);

/** Whether `size` bytes have the words that are asked for, and are not too many. */
bool pe_memory_takes(size_t size);

/** A file in memory that holds the bytes. Returns its descriptor; the caller closes it. */
int pe_memory_file(const uint8_t *data, size_t size, char path[32]);

struct pe_memory {
	int fd;
	struct dump *dump;
	struct space *space;
	uint64_t va;        /* of the image */
	uint64_t list_size; /* bytes that the list of modules has */
};

void pe_memory_init(struct pe_memory *m, const uint8_t *data, size_t size);
void pe_memory_fini(struct pe_memory *m);

#endif
