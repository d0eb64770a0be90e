/*
 * The file that is written, and what all containers share.
 *
 * Does not: know any layout.
 */
#ifndef CORPUS_OUTPUT_H
#define CORPUS_OUTPUT_H

#include "corpus/world.h"

struct output {
	int descriptor;
	const char *path;
	uint64_t size;
};

void output_write(struct output *file, uint64_t offset, const void *bytes, size_t length);
/* Cuts the file, or lets it grow by a hole. */
void output_resize(struct output *file, uint64_t size);
void output_page(struct output *file, struct page *page, uint64_t offset);
/* A flat image has every byte of RAM and of the gaps written out. */
void output_zeros(struct world *w, struct output *file, uint64_t size);

/*
 * The runs without the absent pages: a dump of runs cannot leave a page out of a run. `sorted`: all
 * touched pages by PFN. The caller frees the runs.
 */
struct run *output_present_runs(const struct world *w, struct page **sorted, size_t *count);
/* The runs without gaps of less than 1 MiB between them, from address 0 on; likewise freed. */
struct run *output_regions(const struct world *w, size_t *count);
uint64_t output_pages_in(const struct run *runs, size_t count);
/* The pages of the runs back to back from `offset`. Absent pages in a run stay holes: zeros. */
void output_runs(struct world *w, struct output *file, struct page **sorted, const struct run *runs,
		 size_t run_count, uint64_t offset);

/* Which pages a dump has, by PFN. */
struct bitmap {
	uint8_t *bytes;
	uint64_t bits, length, present;
};

/* The present pages of the recipe; `bytes` is the caller's to free. */
struct bitmap output_bitmap(const struct world *w);
/* Those pages in ascending order from `offset`; `sorted`: all touched pages by PFN. */
void output_present(struct world *w, struct output *file, struct page **sorted,
		    const struct bitmap *b, uint64_t offset);

#endif
