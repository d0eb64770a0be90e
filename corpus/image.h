/*
 * Writes a PE image as the loader leaves it in memory: headers, sections, export, import, debug
 * and version directories.
 *
 * Does not: write relocations, exception tables or certificates; fill sections with code.
 * Layout: Microsoft PE/COFF specification; VS_VERSIONINFO as the SDK documents it.
 */
#ifndef CORPUS_IMAGE_H
#define CORPUS_IMAGE_H

#include "corpus/memory.h"

enum { IMAGE_SECTIONS = 12 };

enum section_flags {
	SECTION_CODE = 0x68000020,      /* code, execute, read, not paged */
	SECTION_PAGED = 0x60000020,     /* code, execute, read */
	SECTION_RDATA = 0x48000040,     /* data, read, not paged */
	SECTION_DATA = (int)0xC8000040, /* data, read, write, not paged */
	SECTION_INIT = 0x62000020,      /* code, discardable */
	SECTION_RSRC = 0x42000040,      /* data, discardable */
};

struct section {
	const char *name;
	uint32_t rva, size, flags;
};

struct image_export {
	const char *name;
	uint32_t rva;
};

struct image_import { /* all from ntoskrnl.exe */
	const char *name;
	uint64_t va;
};

struct image {
	const char *name;
	uint64_t base;
	uint32_t size;
	bool is_64;
	uint32_t machine; /* IMAGE_FILE_MACHINE_... */
	uint32_t entry, timestamp, checksum;
	uint32_t major, minor; /* of Windows */
	struct section sections[IMAGE_SECTIONS];
	size_t section_count;

	uint32_t directories; /* RVA where the directories may be laid */
	const struct image_export *exports;
	size_t export_count;
	const struct image_import *imports;
	size_t import_count;
	uint32_t iat; /* out: RVA of the first import's pointer */

	const char *pdb;
	uint8_t guid[16];
	uint32_t age;

	uint32_t resources; /* RVA of the version resource; 0: none */
	const char *company, *description, *version;
};

void image_add_section(struct image *image, const char *name, uint32_t rva, uint32_t end,
		       enum section_flags flags);
/* Writes headers and directories; frames are mapped where they were not. */
void image_write(struct memory *m, struct image *image);
/* "ABCD...-1": GUID and age as symbol servers spell them. Free with free(). */
char *image_guid_age(const uint8_t guid[16], uint32_t age);

#endif
