/*
 * Layouts of the pool structures by family, as data. Source: PDB types of the builds named, public
 * structure dumps, Windows Research Kernel (fact sheet sections 3.1, 4.1 and 4.3).
 */
#ifndef PS_ANALYZER_POOL_LAYOUTS_H
#define PS_ANALYZER_POOL_LAYOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct field {
	uint8_t offset, width; /* bytes */
};

/** One pool's counters inside a tracker entry. */
struct tracker_side_layout {
	struct field allocs, frees, bytes;
};

struct tracker_layout {
	const char *name;
	uint8_t pointer_size;
	uint8_t entry_size;
	uint32_t first_build, last_build; /* builds known to use it: a prior, not a rule */
	struct tracker_side_layout nonpaged, paged; /* Key is the u32 at 0 in all of them */
};

enum big_size_unit { BIG_PAGES, BIG_BYTES };

enum big_type_kind {
	BIG_TYPE_NONE,  /* XP, 2003: by address range */
	BIG_TYPE_WORD,  /* Vista to 8.1: POOL_TYPE in a dword */
	BIG_TYPE_FIELD, /* 10 and later: bits 8 to 19 of a dword, POOL_TYPE or POOL_FLAGS */
};

struct big_layout {
	const char *name;
	uint8_t pointer_size;
	uint8_t entry_size;
	uint32_t first_build, last_build;
	uint8_t key_offset;
	struct field size;
	enum big_size_unit unit;
	enum big_type_kind type_kind;
	uint8_t type_offset; /* of the dword */
};

/** Bits of a structure, counted from its first byte's lowest. */
struct bit_range {
	uint8_t first, count;
};

/** POOL_HEADER; sizes in it count its own size. */
struct header_layout {
	uint8_t size;
	struct bit_range previous, blocks, type;
	uint8_t tag_offset;
};

extern const struct header_layout header_layout_x86, header_layout_x64;
extern const struct tracker_layout tracker_layouts[];
extern const size_t tracker_layout_count;
extern const struct big_layout big_layouts[];
extern const size_t big_layout_count;

#endif
