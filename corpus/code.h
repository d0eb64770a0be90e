/*
 * Little pieces of machine code for a scan to find: calls of the pool functions with a tag, and
 * the hash of the tracker table.
 *
 * Does not: make code that could run. Retpolines are missing.
 */
#ifndef CORPUS_CODE_H
#define CORPUS_CODE_H

#include "corpus/world.h"

/* A function of one return instruction, padded with int3. */
void code_write_stub(struct world *w, uint64_t va, uint32_t room);
/* Loads of PoolTrackTable, its size and mask beside the multiplication of the hash. */
void code_write_tracker_insert(struct world *w, uint64_t va);
/* What decodes KDBG: the flag, the block and both keys, named by instructions. */
void code_write_copy_data_block(struct world *w, uint64_t va);
/*
 * `spec` is a comma-separated list of TAG[/np|/paged][/SIZE]: for each one function that
 * allocates with that tag and one that frees. Drivers call through their import table, the kernel
 * directly.
 */
void code_add_tag_sites(struct world *w, struct module *module, const struct line *line,
			const char *spec);

enum { CODE_IMPORT_ALLOCATE, CODE_IMPORT_FREE, CODE_IMPORTS };
extern const char *const code_imports[CODE_IMPORTS];

#endif
