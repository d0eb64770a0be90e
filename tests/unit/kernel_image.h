/*
 * A small Windows kernel made by a test: page tables with a self-map, PE images, KDBG, module list,
 * unloaded drivers. Has its own idea of all layouts: nothing here comes from analyzer/.
 */
#ifndef PS_TESTS_UNIT_KERNEL_IMAGE_H
#define PS_TESTS_UNIT_KERNEL_IMAGE_H

#include <stddef.h>

#include "memory_image.h"

enum made_kind { MADE_X86, MADE_PAE, MADE_X64, MADE_LA57, MADE_ARM64, MADE_KINDS };

enum { MADE_PAGES = 1024, MADE_MODULES = 6, MADE_PAGE = 4096 };

/* Places in the kernel's image, as offsets from its base. */
enum {
	AT_DEBUG = 0x1000,
	AT_RSDS = 0x1080,
	AT_EXPORTS = 0x1200,
	AT_KDBG = 0x4ff0, /* its tag is the first word of the next page */
	AT_LIST = 0x6000,
	AT_BUILD_LAB = 0x6200,
	AT_CSD_VERSION = 0x6280,
	AT_UNLOADED = 0x6300,
	AT_LAST_UNLOADED = 0x6310,
	AT_PROCESSOR_BLOCK = 0x6400,
	AT_POOL_TRACK_TABLE = 0x6800,
	MADE_IMAGE_BYTES = 0x8000,
	MADE_KDBG_BYTES = 0x380,
};

struct made {
	struct image image;
	enum made_kind kind;
	unsigned pointer; /* bytes */
	uint64_t root;    /* CR3, or TTBR1 */
	uint64_t next_pfn;
	struct {
		uint64_t va, pfn;
	} pages[MADE_PAGES]; /* mapped by the tables */
	unsigned page_count;
	uint64_t base;                  /* of the kernel */
	uint64_t entries[MADE_MODULES]; /* VA of each list entry; each has a page of its own */
	uint64_t bases[MADE_MODULES];
	uint64_t names; /* VA of the page of names */
	uint64_t ring;  /* VA of the unloaded drivers */
};

/** Builds the whole kernel; nothing is written to a file yet. `kind`, base and tables in *made. */
void made_init(struct made *made, enum made_kind kind);
void made_fini(struct made *made);

/** Writes and reads by virtual address; the page must be mapped. */
void made_put(struct made *made, uint64_t va, uint64_t value, unsigned width);
void made_put_pointer(struct made *made, uint64_t va, uint64_t value);
void made_put_bytes(struct made *made, uint64_t va, const void *bytes, size_t length);
uint64_t made_get_pointer(struct made *made, uint64_t va);

/** Maps a fresh page at `va` (of a page). */
void made_map(struct made *made, uint64_t va);

/** Takes the physical page behind `va` out of the image; its mapping stays. */
void made_drop(struct made *made, uint64_t va);

/** UNICODE_STRING at `va` for `units` UTF-16 units laid down at `buffer`. */
void made_put_string(struct made *made, uint64_t va, uint64_t buffer, const uint16_t *units,
		     size_t count);

/** KDBG field at `offset` of the block. */
void made_put_kdbg(struct made *made, unsigned offset, uint64_t value);

/** What a crash header says; 0 leaves a field out (filler). */
struct made_header {
	uint64_t dtb, kdbg, module_list;
	uint32_t build, processors, product_type, machine;
	int pae; /* 0, 1, 'P' */
};

/** The truth about *made as a header. */
struct made_header made_true_header(const struct made *made);

/** Writes a crash dump of type 1 with that header. */
void made_write_crash(struct made *made, const struct made_header *header);

/** Writes a raw image. */
void made_write_raw(struct made *made);

#endif
