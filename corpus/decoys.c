/*
 * Values around the pool globals that look like pool globals.
 *
 * Does not: forge a table that a careful reader could not tell from the right one.
 */
#include "corpus/decoys.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/kdbg.h"
#include "corpus/pool.h"
#include "corpus/tracker.h"

enum { REACH = 0x1800, ARRAY_LENGTH = 24, SESSION_TAGS = 40 };

static uint64_t take_slot(struct world *w, uint32_t length, struct rng *rng)
{
	const struct kernel *k = &w->kernel;
	uint32_t low = k->cluster_low > REACH ? k->cluster_low - REACH : PAGE_SIZE;
	uint32_t high = k->cluster_high + REACH;
	if (high > k->image.size)
		high = k->image.size;
	uint32_t rva = global_take(w, length, world_pointer(w), low, high, rng);
	return rva ? k->image.base + rva : 0;
}

static void put_pointer(struct world *w, uint64_t va, uint64_t value)
{
	if (va)
		memory_put(&w->memory, va, value, world_pointer(w));
}

static uint64_t random_pointer(const struct world *w, struct rng *rng)
{
	const struct config *c = w->config;
	const struct va_range *ranges[] = {&c->nonpaged, &c->paged, &c->drivers, &c->kernel};
	const struct va_range *r = ranges[rng_below(rng, 4)];
	uint64_t va = r->start + rng_below(rng, r->end - r->start);
	return rng_below(rng, 2) ? va & ~UINT64_C(0xFFF) : va & ~UINT64_C(7);
}

static void place_pointer(struct world *w, struct rng *rng)
{
	put_pointer(w, take_slot(w, world_pointer(w), rng), random_pointer(w, rng));
}

static void place_power(struct world *w, struct rng *rng)
{
	uint64_t power = UINT64_C(1) << rng_between(rng, 5, 18);
	put_pointer(w, take_slot(w, world_pointer(w), rng), power + rng_below(rng, 3) - 1);
}

static void place_array(struct world *w, struct rng *rng)
{
	unsigned width = world_pointer(w);
	uint64_t va = take_slot(w, ARRAY_LENGTH * width, rng);
	uint64_t count = rng_between(rng, 2, ARRAY_LENGTH);
	for (uint64_t i = 0; va && i < count; i++)
		put_pointer(w, va + i * width, random_pointer(w, rng) & ~UINT64_C(0xFFF));
}

/* A tracker table of `entries` - 1 hashed slots with the given keys; counters are small. */
static uint64_t write_table(struct world *w, uint64_t entries, const uint32_t *keys, size_t count,
			    struct rng *rng)
{
	uint64_t size = layout_tracker(w->config)->size;
	uint32_t mask = (uint32_t)(entries - 2);
	uint8_t *bytes = xcalloc(entries, size);
	for (size_t i = 0; i < count && i < mask / 2; i++) {
		uint32_t slot = layout_hash_slot(layout_hash(w->config), keys[i], mask);
		while (get32(bytes + slot * size))
			slot = (slot + 1) & mask;
		uint64_t live = rng_below(rng, 500), gone = rng_below(rng, 9000);
		struct side side[SIDES] = {{0}};
		side[rng_below(rng, SIDES)] = (struct side){gone + live, gone, live * 48};
		tracker_put_entry(w, bytes + slot * size, keys[i], side);
	}
	uint64_t va = pool_pages(w, entries * size);
	memory_write(&w->memory, va, bytes, entries * size);
	free(bytes);
	return va;
}

/* The table as it was before it grew: half the slots, older counters. */
static void place_stale(struct world *w, struct rng *rng)
{
	uint64_t entries = w->config->tracker_entries / 2 + 1;
	uint32_t *keys = xcalloc(w->tag_count, sizeof(*keys));
	size_t count = 0;
	for (size_t i = 0; i < w->tag_count; i++) {
		if (!w->tags[i].expansion && w->tags[i].key != KEY_OVERFLOW)
			keys[count++] = w->tags[i].key;
	}
	unsigned width = world_pointer(w);
	uint64_t va = take_slot(w, 3 * width, rng);
	if (va) {
		put_pointer(w, va, write_table(w, entries, keys, count, rng));
		put_pointer(w, va + width, entries);
		put_pointer(w, va + 2 * width, entries - 2);
	}
	free(keys);
}

/* A session's table: readable here, or at a session address that nothing maps. */
static void place_session(struct world *w, struct rng *rng, bool mapped)
{
	uint64_t entries = w->config->tracker_entries / 4 + 1, table;
	if (entries < 65)
		entries = 65;
	if (mapped) {
		uint32_t keys[SESSION_TAGS];
		for (size_t i = 0; i < SESSION_TAGS; i++)
			keys[i] = tracker_random_key(w, rng);
		table = write_table(w, entries, keys, SESSION_TAGS, rng);
	} else {
		table = config_is_64(w->config) ? UINT64_C(0xFFFFF900C0001000) : 0xBC401000;
	}
	bool named = global_address(w, "ExpSessionPoolTrackTable") != 0;
	global_set(w, "ExpSessionPoolTrackTable", table);
	global_set(w, "ExpSessionPoolTrackTableSize", entries);
	global_set(w, "ExpSessionPoolTrackTableMask", entries - 2);
	unsigned width = world_pointer(w);
	uint64_t va = named ? 0 : take_slot(w, 3 * width, rng);
	if (va) {
		put_pointer(w, va, table);
		put_pointer(w, va + width, entries);
		put_pointer(w, va + 2 * width, entries - 2);
	}
}

/* A plain copy of the block in the pool, as a debugger's driver may leave one. */
static void place_stale_kdbg(struct world *w)
{
	uint8_t block[KDBG_ROOM];
	uint32_t size = kdbg_build(w, block);
	memory_write(&w->memory, pool_pages(w, size), block, size);
}

/* An encoded block of this kernel with the right head, and addresses that lead nowhere. */
static void place_encoded_rubbish(struct world *w, struct rng *rng)
{
	uint8_t block[KDBG_ROOM];
	uint32_t size = kdbg_build(w, block);
	uint64_t va = take_slot(w, size, rng);
	for (uint32_t at = 0x20; at + 8 <= size; at += 8)
		put64(block + at, random_pointer(w, rng));
	kdbg_encode(w, block, size);
	if (va)
		memory_write(&w->memory, va, block, size);
}

static void place(struct world *w, const struct line *line, const char *kind, struct rng *rng)
{
	if (strcmp(kind, "pointers") == 0)
		place_pointer(w, rng);
	else if (strcmp(kind, "powers") == 0)
		place_power(w, rng);
	else if (strcmp(kind, "arrays") == 0)
		place_array(w, rng);
	else if (strcmp(kind, "stale-tracker") == 0)
		place_stale(w, rng);
	else if (strcmp(kind, "session-tracker") == 0)
		place_session(w, rng, true);
	else if (strcmp(kind, "session-unmapped") == 0)
		place_session(w, rng, false);
	else if (strcmp(kind, "stale-kdbg") == 0)
		place_stale_kdbg(w);
	else if (strcmp(kind, "encoded-rubbish") == 0)
		place_encoded_rubbish(w, rng);
	else
		line_fail(line,
			  "'%s' is none of: pointers, powers, arrays, stale-tracker, "
			  "session-tracker, session-unmapped, stale-kdbg, encoded-rubbish",
			  kind);
}

void decoys_write(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "decoys");
	const struct lines *lines = &w->config->lists[LINES_DECOYS];
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		uint64_t count = parse_number(line, line_word(line, 1, "a number"));
		line_word(line, 2, "a kind");
		for (uint64_t n = 0; n < count && n < 10000; n++) {
			for (size_t k = 2; k < line->count; k++)
				place(w, line, line->words[k], &rng);
		}
	}
}
