/*
 * Physical memory made by a test, written as a crash dump of type 1 or as a sparse raw image. Has
 * its own idea of the containers and of page tables: nothing here comes from formats/ or analyzer/.
 */
#ifndef PS_TESTS_UNIT_MEMORY_IMAGE_H
#define PS_TESTS_UNIT_MEMORY_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { IMAGE_PAGES = 1 << 15 }; /* PFNs below this can be stored */

struct image {
	uint8_t *pages[IMAGE_PAGES]; /* owned; NULL = absent */
	char directory[256];         /* made by image_init(), removed by image_fini() */
	char path[272];              /* the file last written */
};

void image_init(struct image *image);
void image_fini(struct image *image);

/** The page, zeroed when it is new. */
uint8_t *image_page(struct image *image, uint64_t pfn);

void image_put32(struct image *image, uint64_t pa, uint32_t value);
void image_put64(struct image *image, uint64_t pa, uint64_t value);
uint64_t image_get64(const struct image *image, uint64_t pa);

/** Maps a 4 KiB page in four-level tables, taking new table pages from *next_pfn upwards. */
void image_map_x64(struct image *image, uint64_t root, uint64_t va, uint64_t pte,
		   uint64_t *next_pfn);

/** Writes image->path; `bits` is 32 or 64. `pae`: 0, 1, or 'P' for unknown (32 bits only). */
void image_write_crash(struct image *image, unsigned bits, uint64_t dtb, int pae);

/** Writes a raw image of `pages` pages in which absent pages are holes of the file. */
void image_write_raw(struct image *image, uint64_t pages);

/** A fixed sequence of pseudo-random numbers (splitmix64). */
uint64_t image_random(uint64_t *state);

#endif
