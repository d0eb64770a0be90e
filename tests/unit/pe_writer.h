/*
 * A PE image made by a test, as a file and as loaded into a machine's memory. Has its own idea of
 * the layouts: nothing here comes from analyzer/.
 */
#ifndef PS_TESTS_UNIT_PE_WRITER_H
#define PS_TESTS_UNIT_PE_WRITER_H

#include "memory_image.h"

enum {
	MADE_PE_BYTES = 0x10000, /* SizeOfImage at most */
	MADE_PE_NT = 0x80,       /* "PE\0\0" */
	/* The sections of made_pe_init(); the raw data of .data ends before its second page. */
	MADE_TEXT = 0x1000,
	MADE_RDATA = 0x2000,
	MADE_DATA = 0x4000,
	MADE_RSRC = 0x6000,
	MADE_INIT = 0x8000,
	MADE_PE_END = 0x9000,
};

struct made_pe {
	uint8_t bytes[MADE_PE_BYTES]; /* by RVA */
	unsigned pointer;             /* bytes: 4 or 8 */
	uint64_t base;                /* ImageBase */
	uint32_t optional;            /* offset of the optional header */
	uint32_t sections;            /* offset of the section table */
	uint32_t file_bytes;          /* of the file that made_pe_write() writes; 0: all */
};

/** Headers and five sections of an image for 0x14c, 0x8664 or 0xaa64; no directories. */
void made_pe_init(struct made_pe *pe, uint16_t machine);

void made_pe_put(struct made_pe *pe, uint32_t rva, uint64_t value, unsigned width);
uint64_t made_pe_get(const struct made_pe *pe, uint32_t rva, unsigned width);
void made_pe_text(struct made_pe *pe, uint32_t rva, const char *text);
void made_pe_wide(struct made_pe *pe, uint32_t rva, const char *text);
void made_pe_directory(struct made_pe *pe, unsigned which, uint32_t rva, uint32_t size);

/** Header of section `index`: RVA of its fields in the section table. */
uint32_t made_pe_section(const struct made_pe *pe, unsigned index);

/** Writes the file; raw data lies behind 0x400 bytes of headers, a page for a page. */
void made_pe_write(const struct made_pe *pe, const char *path);

/** Maps the pages at `va` in four-level tables. */
void made_pe_load(const struct made_pe *pe, struct image *image, uint64_t root, uint64_t va,
		  uint64_t *next_pfn);

/** RSDS record with directory entry at `rva` (0x100 bytes): GUID 01..10, age 0x2a, the name. */
void made_pe_debug(struct made_pe *pe, uint32_t rva, const char *pdb);

#endif
