/*
 * What is asked of every symbol source: kernel variables by name, members of structures. One list,
 * so that a PDB, an ISF, a cached entry and the table of known builds answer the same questions.
 */
#ifndef PS_ANALYZER_KERNEL_SYMBOL_NAMES_H
#define PS_ANALYZER_KERNEL_SYMBOL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

/** Order of symbol_names[]; the table of known builds has columns by name, not by number. */
enum symbol_id {
	SYMBOL_POOL_TRACK_TABLE,
	SYMBOL_POOL_TRACK_TABLE_SIZE,
	SYMBOL_POOL_TRACK_TABLE_MASK,
	SYMBOL_POOL_TRACK_TABLE_EXPANSION,
	SYMBOL_POOL_TRACK_TABLE_EXPANSION_SIZE,
	SYMBOL_EX_POOL_TAG_TABLES,
	SYMBOL_POOL_BIG_PAGE_TABLE,
	SYMBOL_POOL_BIG_PAGE_TABLE_SIZE,
	SYMBOL_PS_LOADED_MODULE_LIST,
	SYMBOL_KD_DEBUGGER_DATA_BLOCK,
	SYMBOLS_WITH_A_NUMBER, /* the others are found by name */
	SYMBOL_COUNT = 55,
};

extern const char *const symbol_names[SYMBOL_COUNT];

/** Stands for a member where the size of the whole structure is asked for: no member has it. */
#define SYMBOL_SIZE_OF "sizeof"

struct symbol_field_name {
	const char *type, *name;
};

enum { SYMBOL_FIELD_COUNT = 90 };

extern const struct symbol_field_name symbol_fields[SYMBOL_FIELD_COUNT];

/** Both lists by name. */
struct symbol_index {
	struct hash names, fields;
	uint64_t lengths[256]; /* by first byte of a name: bit per length that one has */
};

/** False: out of memory. */
bool symbol_index_init(struct symbol_index *index);
void symbol_index_fini(struct symbol_index *index);

/** SYMBOL_COUNT when nobody asks for that name. */
unsigned symbol_index_name(const struct symbol_index *index, const char *name, size_t length);

/** SYMBOL_FIELD_COUNT when nobody asks for that member. */
unsigned symbol_index_field(const struct symbol_index *index, const char *type, const char *name);

#endif
