/*
 * What the parts of the search for the pool's tables share. Private to this room.
 */
#ifndef PS_ANALYZER_POOL_LOCATE_INTERNAL_H
#define PS_ANALYZER_POOL_LOCATE_INTERNAL_H

#include "analyzer/kernel/pe_image.h"
#include "analyzer/pool/locate.h"
#include "analyzer/pool/vote.h"
#include "analyzer/pool/window.h"

/** The search while it goes on; everything is owned by pool_locate(). */
struct search {
	struct kernel *kernel;
	struct space *space;
	uint64_t center; /* of the window: a variable that holds PoolTrackTable's value */
	const struct symbols *symbols; /* NULL: by structure alone */
	bool tracker_by_symbols;       /* only found->by_symbols.tracker is voted on */
	bool big_by_symbols;           /* only found->by_symbols.big is */
	struct window window;
	struct view table; /* PoolTrackTable's table, exactly its size */
	struct geometry geometry;
	struct pool_globals *found;
};

/** The build, unless the proved layout of the tracker table is of other builds. */
struct fact search_build(const struct search *search);

/** Sizes that the variables around `window`'s centre name, and which of them in pairs. */
void locate_name_sizes(const struct window *window, struct geometry_hints *hints);

/** The one layout that is voted on; NULL: all built-in ones. */
const struct tracker_layout *locate_only_layout(const struct search *search);

/** The neighbourhood of search->center, clipped to the image. */
enum ps_status locate_open_window(struct search *search, struct ps_error *err);

/** Reads the table at found->tracker.value as long as the geometry says. */
enum ps_status locate_open_table(struct search *search, struct ps_error *err);

/**
 * PoolTrackTable where KDBG does not name it: sets found->tracker and found->found_by. PS_NOT_FOUND
 * says what was looked at.
 */
enum ps_status locate_hidden(struct search *search, struct ps_error *err);

/** A place in the kernel's data that may be PoolTrackTable, or begin ExPoolTagTables. */
struct place {
	uint64_t va, value;
	uint32_t pairs; /* bit n: Size and Mask of 2^n entries stand in its neighbourhood */
};

struct places {
	struct place *items; /* owned */
	size_t count, capacity;
};

/** Adds the place; false when memory is out. */
bool places_add(struct places *places, const struct place *place);

/**
 * Variables that the code around the hash's factor 0x9E5F refers to and that hold what can be a
 * table; their `pairs` are not known yet. *ret_anchors: how many such factors there are.
 * PS_NO_MEMORY.
 */
enum ps_status places_from_code(struct search *search, struct pe_image *image, struct places *ret,
				unsigned *ret_anchors, struct ps_error *err);

/**
 * Pointers in the image's data that may lead to a table, and near which Size and Mask stand.
 * PS_NO_MEMORY.
 */
enum ps_status places_from_data(struct search *search, struct pe_image *image, struct places *ret,
				struct ps_error *err);

/**
 * How many processors' tables the best array has that begins with found->tracker.value, and where
 * it lies (0: nowhere).
 */
enum ps_status locate_count_tables(struct search *search, size_t *ret_tables, uint64_t *ret_array,
				   struct ps_error *err);
/**
 * The pointer-sized variable that symbols name: its address and value. False when they do not name
 * it or its bytes are not in the dump.
 */
bool search_symbol(const struct search *search, enum symbol_id symbol, struct global *ret);

/** ExPoolTagTables and every processor's table. */
enum ps_status locate_processor_tables(struct search *search, struct ps_error *err);

/** PoolTrackTableExpansion and its size, when the ring is full. */
enum ps_status locate_expansion(struct search *search, struct ps_error *err);

/** PoolBigPageTable and its size; leaves found->big_error when there is none. */
enum ps_status locate_big_pages(struct search *search, struct ps_error *err);

/** Adds a sentence to found->notes. */
void locate_note(struct pool_globals *found, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** True when `value` is the address of a processor's tracker table. */
bool is_processor_table(const struct pool_globals *found, uint64_t value);

/** A page-aligned kernel address: what every pointer to one of these tables is. */
bool is_table_address(const struct space *space, uint64_t va);

#endif
