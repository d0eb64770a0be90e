/*
 * From a page frame number to the place of its page in the file.
 *
 * Two shapes: sorted runs (full dumps, raw images) and a bitmap with a rank index (bitmap dumps).
 * Memory is one run record a run, or one bit and 1/64 byte a page of the machine: never a record a
 * page.
 */
#ifndef PS_FORMATS_PAGE_MAP_H
#define PS_FORMATS_PAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { PAGE_SHIFT = 12, PAGE_SIZE = 4096 };

/** Bits of a bitmap between two entries of its rank index: one cache line. */
enum { RANK_BLOCK = 512 };

/** Why the bytes of a page can or cannot be read. */
enum page_state {
	PAGE_PRESENT,
	PAGE_NOT_IN_DUMP,  /* the container does not list it */
	PAGE_FILE_HOLE,    /* a hole of a sparse raw file */
	PAGE_BEYOND_EOF,   /* listed, but the file ends before it */
	PAGE_IO_ERROR,     /* listed, but the disk failed */
	PAGE_DAMAGED,      /* listed, but what the file has there is no page */
	PAGE_READER_LOST,  /* the process that reads the container has ended */
	PAGE_ZERO_SUSPECT, /* all zeros, where the writer stores missing memory as zeros */
};

/** Pages [pfn, pfn+count) that share one state and, when present, lie back to back in the file. */
struct extent {
	uint64_t pfn;
	uint64_t count;  /* pages, at least 1; UINT64_MAX - pfn when nothing follows */
	uint64_t offset; /* file offset of the first page; meaningful when PRESENT or BEYOND_EOF */
	enum page_state state;
};

struct page_run {
	uint64_t pfn, count, offset;
};

/** Runs as a format finds them. Begins as zeros; whoever has it frees `items`. */
struct page_runs {
	struct page_run *items; /* owned */
	size_t count, capacity;
};

/** Adds a run. False: out of memory, and the list is as it was. */
bool page_runs_add(struct page_runs *runs, struct page_run run);

/**
 * Adds one page. One that follows the last run makes that longer, and then its place must follow as
 * well: `offset` is not looked at.
 */
bool page_runs_add_page(struct page_runs *runs, uint64_t pfn, uint64_t offset);

/** As page_runs_add(), but a run that follows the last, by PFN and by place, makes that longer. */
bool page_runs_append(struct page_runs *runs, struct page_run run);

/** Sorts runs by PFN. `items` may be NULL when there are none. */
void page_runs_sort(struct page_run *items, size_t count);

/**
 * Sorts the runs by PFN. Where runs overlap, of each page the one with the highest offset stays;
 * *ret_twice is how many were dropped so. False: out of memory, and the list is as it was.
 */
bool page_runs_settle(struct page_runs *runs, uint64_t *ret_twice);

enum page_map_kind { PAGE_MAP_NONE, PAGE_MAP_RUNS, PAGE_MAP_BITMAP };

struct page_map {
	enum page_map_kind kind;
	uint64_t file_size; /* bytes; what lies beyond is PAGE_BEYOND_EOF */

	struct page_run *runs; /* owned; ascending, not overlapping */
	size_t run_count;

	uint8_t *bits; /* owned; LSB first, 1 = page present */
	uint64_t bit_count;
	uint64_t *rank;       /* owned; pages present before each block of bits, and in all */
	uint64_t block_count; /* blocks of RANK_BLOCK bits */
	uint64_t first_page;  /* file offset of the first page */

	uint64_t pages;         /* pages listed by the container */
	uint64_t pages_in_file; /* of them, wholly inside the file */
	uint64_t highest_pfn;   /* highest page listed; 0 when there is none */
};

void page_map_init(struct page_map *map, uint64_t file_size);
void page_map_fini(struct page_map *map);

/**
 * Takes runs in any order (copied). Runs of no page are dropped. PS_CORRUPT when they overlap, or
 * leave the 64-bit physical address space. Offsets are taken as given.
 */
enum ps_status page_map_set_runs(struct page_map *map, const struct page_run *runs, size_t count,
				 struct ps_error *err);

/**
 * Takes over `bits` (malloc'ed, (bit_count+7)/8 bytes), also when it fails, and builds the rank
 * index. PS_CORRUPT when the pages would lie beyond what 64 bits can address.
 */
enum ps_status page_map_set_bitmap(struct page_map *map, uint8_t *bits, uint64_t bit_count,
				   uint64_t first_page, struct ps_error *err);

/**
 * The extent that begins at `pfn`. Costs a binary search over runs, or of a bitmap two rank blocks
 * and a search over the rank index, however long the extent is.
 */
void page_map_locate(const struct page_map *map, uint64_t pfn, struct extent *ret);

/** The lowest page that is listed but not wholly inside the file. False when there is none. */
bool page_map_first_beyond(const struct page_map *map, uint64_t *ret_pfn);

#endif
