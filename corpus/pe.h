/*
 * PE files as the kernel's loader lays them into memory: by RVA, relocated, imports bound.
 *
 * Does not: read what no driver here has (delay-load and bound imports, forwarded exports, load
 * configurations). Layout: Microsoft PE/COFF specification.
 */
#ifndef CORPUS_PE_H
#define CORPUS_PE_H

#include "corpus/recipe.h"

enum { PE_SECTIONS = 24, PE_DIRECTORIES = 16 };

enum pe_directory_index { PE_EXPORTS = 0, PE_IMPORTS = 1, PE_RELOCATIONS = 5, PE_DEBUG = 6 };

enum { PE_DISCARDABLE = 0x02000000, PE_EXECUTE = 0x20000000, PE_WRITE = (int)0x80000000 };

struct pe_section {
	char name[9];
	uint32_t rva, size, flags; /* size in memory */
};

struct pe_directory {
	uint32_t rva, size;
};

struct pe {
	const struct line *line; /* for messages */
	char *path;
	uint8_t *bytes; /* `size` of them, laid out by RVA */
	uint32_t size;  /* SizeOfImage */
	bool is_64;
	uint32_t machine, entry, timestamp, checksum;
	uint64_t base; /* where it was linked to */
	struct pe_section sections[PE_SECTIONS];
	size_t section_count;
	struct pe_directory directories[PE_DIRECTORIES];
};

/* Reads a file and lays it out; what cannot be used ends the program with status 2. */
struct pe *pe_open(const struct line *line, const char *path);
void pe_close(struct pe *pe);

/* `length` bytes at an RVA, or the end of the program. */
uint8_t *pe_at(const struct pe *pe, uint32_t rva, uint32_t length);
unsigned pe_pointer(const struct pe *pe);
/* NULL if there is none of this name. */
const struct pe_section *pe_section(const struct pe *pe, const char *name);
/* RVA of a named export, 0 if there is none. */
uint32_t pe_export(const struct pe *pe, const char *name);
/* The CodeView record: name of the PDB, or NULL. */
const char *pe_pdb(const struct pe *pe, uint8_t guid[16], uint32_t *age);
/* Moves the laid out image to its load address. */
void pe_relocate(struct pe *pe, uint64_t to);

/* Address of an export of another image; ends the program if there is none. */
typedef uint64_t (*pe_resolver)(void *context, const char *module, const char *name);
/* Called for each slot of the import address table, after it was filled. */
typedef void (*pe_import_visitor)(void *context, uint32_t slot_rva, uint64_t target);
void pe_bind(struct pe *pe, pe_resolver resolve, pe_import_visitor visit, void *context);

#endif
