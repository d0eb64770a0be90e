/*
 * Physical memory of the made-up machine, and the page tables that map it.
 *
 * Frames are taken at random from the physical runs. Supports x86 (two levels), x86 PAE, x64 (four
 * and five levels) and ARM64 (4 KiB granule, the tables of TTBR1), 4 KiB pages and large pages (2
 * or 4 MiB), the self-map, and entries that are not valid. Does not: 1 GiB pages, user space.
 */
#ifndef CORPUS_MEMORY_H
#define CORPUS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "corpus/util.h"

enum arch { ARCH_X86, ARCH_PAE, ARCH_X64, ARCH_ARM64 };

struct run {
	uint64_t base;  /* PFN */
	uint64_t count; /* pages */
};

struct page {
	uint64_t pfn;
	uint8_t *data;   /* PAGE_SIZE bytes, stays where it is */
	bool absent;     /* the container leaves it out */
	bool table;      /* a page table */
	uint64_t offset; /* in the file, once written */
};

struct large_range {
	uint64_t va;
	uint64_t pfn;
	uint64_t pages;
};

struct memory {
	enum arch arch;
	bool la57; /* x64 with five levels */
	struct rng rng;
	struct run *runs;
	size_t run_count;
	uint64_t total_pages;

	struct page *pages;
	size_t page_count;
	size_t page_capacity;
	struct map by_pfn;
	struct map by_va; /* VA >> 12 -> index of the page */
	struct large_range *large;
	size_t large_count;
	size_t large_capacity;

	uint8_t **chunks; /* page contents, 1 MiB each */
	size_t chunk_count;
	size_t chunk_capacity;
	size_t chunk_used;

	uint64_t root;        /* physical address of the top table (PAE: of the PDPT) */
	unsigned self_index;  /* slot of the self-map in the top table */
	uint64_t leaf_region; /* cache: VA of the leaf table in leaf_table */
	uint8_t *leaf_table;
};

/* What some processes see besides the rest: page tables of their own, and what only these map. */
struct memory_view {
	uint64_t root;
	struct map by_va;
};

/* `runs` is copied. self_index: slot of the self-map (x64 and ARM64 only). */
void memory_init(struct memory *m, enum arch arch, bool la57, const struct run *runs, size_t count,
		 unsigned self_index, struct rng rng);
void memory_fini(struct memory *m);

bool memory_has_frame(const struct memory *m, uint64_t pfn);
/* The contents of a frame, made (zero) where it did not exist. */
uint8_t *memory_frame(struct memory *m, uint64_t pfn);
struct page *memory_page(struct memory *m, uint64_t pfn); /* NULL: never touched */

/* Maps what is not mapped yet of [va, va + length) with 4 KiB pages of fresh frames. */
void memory_map(struct memory *m, uint64_t va, uint64_t length);
/* Maps every large page that [va, va + length) touches; frames exist once written. */
void memory_map_large(struct memory *m, uint64_t va, uint64_t length);
bool memory_is_mapped(const struct memory *m, uint64_t va);
/* The frame that backs a mapped VA; UINT64_MAX if none does. */
uint64_t memory_pfn(const struct memory *m, uint64_t va);
/* A pointer to the byte at a mapped VA, valid to the end of its page. */
uint8_t *memory_at(struct memory *m, uint64_t va);
/* Writes, mapping pages where needed. */
void memory_write(struct memory *m, uint64_t va, const void *data, size_t length);
void memory_put(struct memory *m, uint64_t va, uint64_t value, unsigned width);

/* Replaces the page table entry of a VA mapped by a 4 KiB page. */
void memory_set_pte(struct memory *m, uint64_t va, uint64_t entry);
/* The page of the lowest page table that maps `va`; NULL where a table above is not in the dump. */
struct page *memory_last_table(struct memory *m, uint64_t va);
/* Adds `count` top-level entries whose tables refer to themselves on every level. */
void memory_add_loops(struct memory *m, unsigned count);
/* A second top table as KVA shadowing has it: only `va` is mapped. Returns its address. */
uint64_t memory_add_shadow_root(struct memory *m, uint64_t va);

/* Makes the top table of a view; nothing is mapped in it. */
void memory_view_init(struct memory *m, struct memory_view *view);
void memory_view_fini(struct memory_view *view);
/* Between these two calls all functions work on the view instead, and know its pages only. The
 * second call is made with the same view. */
void memory_view_swap(struct memory *m, struct memory_view *view);
/* Maps a page of the view to a frame that exists. */
void memory_map_frame(struct memory *m, uint64_t va, uint64_t pfn);
/* Gives the view all that is mapped elsewhere, as it is now. */
void memory_view_finish(struct memory *m, struct memory_view *view);

#endif
