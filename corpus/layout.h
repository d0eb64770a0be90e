/*
 * What differs by build: layouts of the pool structures, sizes, lengths, names.
 *
 * Source of the layouts: PDB types as published for each build; Windows Research Kernel for 5.2.
 * ARM64 has the layouts of x64 of the same build. Does not: cover checked builds.
 */
#ifndef CORPUS_LAYOUT_H
#define CORPUS_LAYOUT_H

#include "corpus/config.h"

struct counter_layout {
	unsigned allocs, frees, bytes; /* offsets */
};

struct tracker_layout {
	unsigned size;
	unsigned count_width, bytes_width;
	struct counter_layout nonpaged, paged;
	unsigned available_limit; /* offset of two i64, or 0 */
};

enum big_type { BIG_TYPE_NONE, BIG_TYPE_WORD, BIG_TYPE_BITS, BIG_TYPE_FLAGS };

struct big_layout {
	unsigned size;
	unsigned pointer; /* width of Va */
	unsigned key;
	enum big_type type;
	unsigned type_at;
	unsigned amount; /* NumberOfPages or NumberOfBytes */
	unsigned amount_width;
	bool amount_in_pages;
	unsigned billed; /* ProcessBilled, or 0 */
};

struct ldr_layout {
	unsigned size, base, entry_point, image_size, full_name, base_name, flags, checksum;
	unsigned imports, exact_size, timestamp; /* 0 where the build has none */
};

const struct tracker_layout *layout_tracker(const struct config *c);
const struct big_layout *layout_big(const struct config *c);
const struct ldr_layout *layout_ldr(const struct config *c);
char layout_hash(const struct config *c);
uint64_t layout_tag_tables(const struct config *c);
uint64_t layout_kdbg_size(const struct config *c);
uint64_t layout_kernel_size(const struct config *c);
const char *layout_lab(const struct config *c);
const char *layout_kernel_pdb(const struct config *c);
uint32_t layout_major(const struct config *c);
uint32_t layout_minor(const struct config *c);
/* Fills the address ranges that the recipe left open. */
void layout_addresses(struct config *c);

/* Start slot of a key; Va >> 12 of a big page is passed the same way. mask = 2^n - 1. */
uint32_t layout_hash_slot(char hash, uint32_t key, uint32_t mask);
uint32_t layout_big_slot(const struct config *c, uint64_t va, uint32_t mask);

#endif
