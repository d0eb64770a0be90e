/*
 * What one symbol source says of one kernel: RVAs of its variables, offsets in its structures.
 *
 * Ownership: symbol_set_fini() frees what a loader filled; every loader leaves a set that can be
 * fini'd, also when it fails.
 */
#ifndef PS_ANALYZER_KERNEL_SYMBOL_SET_H
#define PS_ANALYZER_KERNEL_SYMBOL_SET_H

#include <stdio.h>

#include "analyzer/kernel/pe.h"
#include "analyzer/kernel/symbol_names.h"

enum symbol_source { SOURCE_PDB, SOURCE_ISF, SOURCE_CACHE, SOURCE_KNOWN_BUILD };

struct symbol_offset {
	bool known;
	uint32_t offset; /* bytes; of the name "sizeof" the size of the structure */
	uint8_t bit_position, bit_length; /* length 0: no bit field */
	uint8_t width; /* bytes of a number or pointer, of a bit field the bytes it is cut from;
			  0: not known, or more than 255 */
};

struct symbol_set {
	enum symbol_source source;
	char *origin;                   /* owned: path, or the version of a known build */
	char pdb_name[PDB_NAME_LENGTH]; /* of the kernel that it describes */
	char guid_age[GUID_AGE_LENGTH];
	uint32_t rvas[SYMBOL_COUNT]; /* 0: not there */
	struct symbol_offset fields[SYMBOL_FIELD_COUNT];
	unsigned symbols, offsets; /* how many of them are there */
};

void symbol_set_fini(struct symbol_set *set);

/** "PDB", "ISF", "cache", "known build". Static. */
const char *symbol_source_word(enum symbol_source source);

/**
 * Loads a file when it is the one for `guid_age` (NULL: whichever it is for). PS_NOT_FOUND: it is
 * for another kernel, the words say which; other errors as pdb_open() and isf_read() have them.
 */
enum ps_status symbol_set_load_pdb(struct symbol_set *set, const struct symbol_index *index,
				   const char *path, const char *guid_age, struct ps_error *err);
enum ps_status symbol_set_load_isf(struct symbol_set *set, const struct symbol_index *index,
				   const char *path, const char *guid_age, struct ps_error *err);

/** From the built-in table. PS_NOT_FOUND. */
enum ps_status symbol_set_load_known(struct symbol_set *set, const struct symbol_index *index,
				     const char *guid_age, struct ps_error *err);

/** How many builds the table holds. */
size_t known_build_count(void);

/** A cached entry: text, a line a fact (symbol_cache.c). */
enum ps_status symbol_set_load_entry(struct symbol_set *set, const struct symbol_index *index,
				     const char *path, const char *guid_age, struct ps_error *err);
/** False when it cannot be written. */
bool symbol_set_write_entry(const struct symbol_set *set, FILE *out);

/** For loaders: takes a symbol or a member when somebody asks for it; the first of a name wins. */
void symbol_set_symbol(struct symbol_set *set, const struct symbol_index *index, const char *name,
		       size_t length, uint64_t rva);
void symbol_set_field(struct symbol_set *set, unsigned field, const struct symbol_offset *offset);

#endif
