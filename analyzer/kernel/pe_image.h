/*
 * The bytes of one PE image, laid out by RVA as the loader lays it out, whether they come out of
 * the dump's memory or out of a copy of the file.
 *
 * Ownership: pe_image_open_*() creates, pe_image_close() frees all of it. Nothing is borrowed: the
 * space and the file may go. Source of the layouts: the Microsoft PE/COFF specification. Hostile
 * headers are bounded here once (sections cut to the image, counts to what is there), so that the
 * readers built on this (exports, imports, functions, version) see only RVAs inside `size`.
 * Not supported: .NET metadata, certificates, more than PE_IMAGE_LIMIT bytes.
 */
#ifndef PS_ANALYZER_KERNEL_PE_IMAGE_H
#define PS_ANALYZER_KERNEL_PE_IMAGE_H

#include "analyzer/kernel/pe.h"

enum {
	PE_IMAGE_LIMIT = 256 << 20, /* bytes; the largest real kernel images have about 40 MiB */
	PE_PAGE = 4096,
	PE_SECTION_LIMIT = 96, /* what the loader takes */
	PE_DIRECTORIES = 16,
};

enum pe_origin { PE_FROM_MEMORY, PE_FROM_FILE };

enum pe_directory {
	PE_EXPORT = 0,
	PE_IMPORT = 1,
	PE_RESOURCE = 2,
	PE_EXCEPTION = 3,
	PE_SECURITY = 4, /* an offset in the file: always zero here */
	PE_RELOC = 5,
	PE_DEBUG = 6,
	PE_LOAD_CONFIG = 10,
	PE_IAT = 12,
};

enum pe_machine { PE_X86 = 0x14c, PE_X64 = 0x8664, PE_ARM64 = 0xaa64 };

/** Part of an image; both 0 where there is none. */
struct pe_range {
	uint32_t rva, size;
};

struct pe_section {
	char name[9];       /* unprintable bytes as ? */
	uint32_t rva, size; /* bytes in memory, cut to the image; sections do not overlap here */
	uint32_t characteristics; /* IMAGE_SCN_*; see the helpers below */
	uint32_t pages, pages_present;
};

struct pe_image {
	enum pe_origin origin;
	uint8_t *bytes; /* `size` of them; those of absent pages are zero and mean nothing */
	uint32_t size;  /* SizeOfImage rounded up to pages */
	uint64_t base;  /* VA that the addresses inside the bytes assume: where it was loaded, or
			   ImageBase of a file */
	uint16_t machine;
	unsigned pointer_size;       /* 4 or 8 */
	uint32_t entry;              /* RVA of the entry point, 0 if none */
	struct pe_section *sections; /* by RVA */
	unsigned section_count;
	struct pe_range directories[PE_DIRECTORIES]; /* zero where absent or outside the image */
	struct pe_identity identity;
	uint64_t *present; /* a bit a page */
	uint32_t pages, pages_present;
	char notes[8][160]; /* what could not be read or cannot be right */
	unsigned note_count;
};

/**
 * The image at `base` in `space`; `list_size` is SizeOfImage as the module list has it (0 unknown)
 * and bounds what is read. PS_ABSENT when the header page is not in the dump, PS_CORRUPT when it is
 * no PE image.
 */
enum ps_status pe_image_open_memory(struct space *space, uint64_t base, uint64_t list_size,
				    struct pe_image **ret, struct ps_error *err);

/**
 * The bytes of [base, base + size) where the header page is not in the dump: an image without
 * sections and directories, of the machine of `space`. PS_NO_MEMORY, PS_CORRUPT when the range
 * cannot be an image.
 */
enum ps_status pe_image_open_bare(struct space *space, uint64_t base, uint64_t size,
				  struct pe_image **ret, struct ps_error *err);

/** A .sys, .exe or .dll as it lies on disk. PS_SYSTEM, PS_CORRUPT (no PE), PS_UNSUPPORTED. */
enum ps_status pe_image_open_file(const char *path, struct pe_image **ret, struct ps_error *err);

/** Frees the image. NULL is harmless. */
void pe_image_close(struct pe_image *image);

/** The `length` bytes at `rva`, or NULL when one of them is outside the image or absent. */
const uint8_t *pe_at(const struct pe_image *image, uint32_t rva, size_t length);

/** Little-endian integer of `width` 1, 2, 4, 8 at `rva`; false when absent. */
bool pe_uint(const struct pe_image *image, uint32_t rva, unsigned width, uint64_t *ret);

/** RVA of an address as it stands in the image's bytes; false when it points elsewhere. */
bool pe_rva_of(const struct pe_image *image, uint64_t va, uint32_t *ret);

/** The section that holds `rva`, or NULL. */
const struct pe_section *pe_section_at(const struct pe_image *image, uint32_t rva);

bool pe_section_is_code(const struct pe_section *section);        /* CNT_CODE or MEM_EXECUTE */
bool pe_section_is_writable(const struct pe_section *section);    /* MEM_WRITE */
bool pe_section_is_discardable(const struct pe_section *section); /* MEM_DISCARDABLE */

/** Bytes of a section, [at, end), whose pages are there. Zero to begin with. */
struct pe_stretch {
	uint32_t at, end; /* offsets in the section */
};

/** The next stretch behind `*stretch`, `at` rounded up to `step` (to a page). False at the end. */
bool pe_section_next(const struct pe_image *image, const struct pe_section *section, unsigned step,
		     struct pe_stretch *stretch);

enum pe_part {
	PE_PART_CODE,
	PE_PART_NO_CODE, /* writable or not */
	PE_PART_DATA,    /* writable, and no code */
};

/**
 * Walks the sections of one kind of which a page is there; *index is where to go on, 0 at first.
 * Of an image without sections (pe_image_open_bare()) the whole is given, once, for any kind. False
 * at the end.
 */
bool pe_next_part(const struct pe_image *image, enum pe_part part, unsigned *index,
		  struct pe_range *ret);

#endif
