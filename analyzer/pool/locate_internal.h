/*
 * What the parts of the search for the pool's tables share. Private to this room.
 */
#ifndef PS_ANALYZER_POOL_LOCATE_INTERNAL_H
#define PS_ANALYZER_POOL_LOCATE_INTERNAL_H

#include "analyzer/pool/locate.h"
#include "analyzer/pool/vote.h"
#include "analyzer/pool/window.h"

/** The search while it goes on; everything is owned by pool_locate(). */
struct search {
	struct kernel *kernel;
	struct space *space;
	const struct symbols *symbols; /* NULL: by structure alone */
	struct window window;
	struct view table; /* PoolTrackTable's table, exactly its size */
	struct geometry geometry;
	struct pool_globals *found;
};

/** The build, unless the proved layout of the tracker table is of other builds. */
struct fact search_build(const struct search *search);

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
