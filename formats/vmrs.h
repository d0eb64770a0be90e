/*
 * The memory of a saved Hyper-V machine in its file: ranges of addresses, and blocks of 1 MiB that
 * are packed page by page. Private to this room.
 *
 * A vmrs_memory is created by vmrs_create() and owned by whoever has it until vmrs_source() makes
 * it the dump's.
 */
#ifndef PS_FORMATS_VMRS_H
#define PS_FORMATS_VMRS_H

#include "formats/dump.h"

enum { VMRS_BLOCK = 1 << 20, VMRS_BLOCK_PAGES = VMRS_BLOCK / PAGE_SIZE };

/** A block of memory in the file; blocks are numbered along the machine's memory, without gaps. */
struct vmrs_block {
	uint64_t number;
	uint64_t at;   /* file offset */
	uint32_t size; /* bytes there; VMRS_BLOCK: not packed */
};

struct vmrs_memory;

/** NULL when memory is out. `file` is borrowed for as long as the object lives. */
struct vmrs_memory *vmrs_create(struct file *file);
void vmrs_destroy(struct vmrs_memory *memory);

/** False: out of memory. */
bool vmrs_add(struct vmrs_memory *memory, struct vmrs_block block);

/** Sorts the blocks and returns them. Of two with one number the first that was added counts. */
const struct vmrs_block *vmrs_blocks(struct vmrs_memory *memory, size_t *ret_count);

/**
 * Makes it a source of pages, whose place in the map is their place in the machine's memory.
 * vmrs_blocks() must have been called.
 */
struct page_source *vmrs_source(struct vmrs_memory *memory);

/** Adds the page-table roots in the partition's state, `size` bytes at file offset `at`. */
void vmrs_registers_read(struct dump *dump, uint64_t at, uint64_t size);

#endif
