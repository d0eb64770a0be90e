/*
 * Headers of a PE image wherever its bytes come from: kernel memory, or a file. Private to this
 * room.
 *
 * Source of the layouts: the Microsoft PE/COFF specification; the RSDS record as public PDB readers
 * have it. What is read here is as the image says it; pe_image.h has it bounded. Not supported:
 * NB10 records.
 */
#ifndef PS_ANALYZER_KERNEL_PE_HEADERS_H
#define PS_ANALYZER_KERNEL_PE_HEADERS_H

#include "analyzer/kernel/pe_image.h"

/** Where the bytes at an RVA come from. `read` is exact: all bytes or an error. */
struct pe_reader {
	enum ps_status (*read)(void *context, uint32_t rva, void *to, size_t length,
			       struct ps_error *err);
	void *context;
	const char *place; /* for messages: "at 0xfffff80000000000", "in x.sys" */
};

struct pe_headers {
	uint32_t timestamp, checksum;
	uint32_t size;         /* SizeOfImage */
	uint32_t headers_size; /* SizeOfHeaders */
	uint32_t alignment;    /* of sections in memory */
	uint32_t entry;
	uint64_t image_base;
	uint16_t machine, subsystem;
	unsigned pointer_size;
	uint32_t end;         /* RVA behind the NT headers, where the section table begins */
	uint32_t sections_at; /* RVA */
	unsigned section_count;
	struct pe_range directories[PE_DIRECTORIES]; /* not bounded */
};

/** A section as its header has it. */
struct pe_raw_section {
	char name[9];
	uint32_t rva, size;        /* VirtualSize, or SizeOfRawData where that is 0 */
	uint32_t raw_at, raw_size; /* in the file */
	uint32_t characteristics;
};

enum { PE_SUBSYSTEM_NATIVE = 1 };

/** PS_CORRUPT when it is no PE image; else what the reader says. */
enum ps_status pe_headers_read(const struct pe_reader *reader, struct pe_headers *ret,
			       struct ps_error *err);

/** The directory when it lies inside `size` bytes, else zero. */
struct pe_range pe_headers_directory(const struct pe_headers *headers, enum pe_directory which,
				     uint32_t size);

/**
 * Reads the section table into `ret`, which has room for PE_SECTION_LIMIT; returns how many could
 * be read.
 */
unsigned pe_sections_read(const struct pe_reader *reader, const struct pe_headers *headers,
			  struct pe_raw_section *ret);

/**
 * Sorts by RVA, cuts to an image of `size` bytes and drops empty ones; of two that overlap the one
 * with the lower RVA ends where the other begins. Returns how many are left; *ret_wrong counts
 * those that were cut or dropped.
 */
unsigned pe_sections_arrange(struct pe_raw_section *sections, unsigned count, uint32_t size,
			     unsigned *ret_wrong);

/** Fields of the headers, and PDB name, GUID and age of the debug directory where it is there. */
void pe_identity_read(const struct pe_reader *reader, const struct pe_headers *headers,
		      struct pe_identity *ret);

/**
 * A string that ends before `end` and has at most size - 1 bytes; false when not all of it can be
 * read, and `to` is then undefined.
 */
bool pe_string_read(const struct pe_reader *reader, uint32_t rva, uint32_t end, char *to,
		    size_t size);

/** A reader of the image at `base` (normalised) in `space`. */
struct pe_space {
	struct space *space;
	uint64_t base;
	char place[24];
};
struct pe_reader pe_space_reader(struct space *space, uint64_t base, struct pe_space *keep);

/* Making a struct pe_image. */

/** An image of which nothing is present yet. PS_NO_MEMORY. */
enum ps_status pe_image_create(const struct pe_headers *headers, uint32_t size,
			       struct pe_image **ret, struct ps_error *err);

/** Takes over sections that pe_sections_arrange() has been at. PS_NO_MEMORY. */
enum ps_status pe_image_set_sections(struct pe_image *image, const struct pe_raw_section *sections,
				     unsigned count, struct ps_error *err);

/** Whether the pages that hold [rva, rva + size) are there; a size of 0 changes nothing. */
void pe_image_set_present(struct pe_image *image, uint32_t rva, uint32_t size, bool present);

/** Counts the pages of the image and of its sections. */
void pe_image_count(struct pe_image *image);

/** Adds a note unless the image has it already; beyond the room for notes it is dropped. */
void pe_note(struct pe_image *image, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Notes what became of the sections: `read` headers were read, `wrong` sections cut or dropped. */
void pe_note_sections(struct pe_image *image, const struct pe_headers *headers, unsigned read,
		      unsigned wrong);

/**
 * The NUL-terminated bytes at `rva`, at most PE_NAME_LIMIT of them, or NULL when they are not all
 * there.
 */
enum { PE_NAME_LIMIT = 4096 };
const char *pe_text_at(const struct pe_image *image, uint32_t rva);

#endif
