/*
 * The table of big pages: who holds allocations of a page and more.
 *
 * Does not: back the allocations with memory, unless they point to a driver; session pool's table.
 */
#include "corpus/bigpages.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/contents.h"
#include "corpus/globals.h"
#include "corpus/pool.h"
#include "corpus/tracker.h"

enum { BIG_FROM = 4096, RANDOM_TAGS = 16, MOST_KEYS = 1024, PARTS = 1000000 };

struct big {
	uint64_t va;
	uint64_t bytes;
	uint32_t key;
	uint8_t side;
	bool freed;
};

struct bigs {
	struct big *list;
	size_t count, capacity;
	struct rng rng;
};

/* What the tables can say about a size: XP and 2003 count pages. */
static uint64_t told_bytes(const struct world *w, uint64_t bytes)
{
	return layout_big(w->config)->amount_in_pages ? round_up(bytes, PAGE_SIZE) : bytes;
}

static void add_big(struct world *w, struct bigs *bigs, struct tag *tag, unsigned side, uint64_t va,
		    uint64_t bytes)
{
	bigs->list = grow(bigs->list, bigs->count, &bigs->capacity, sizeof(*bigs->list));
	bigs->list[bigs->count++] =
		(struct big){.va = va, .bytes = bytes, .key = tag->key, .side = (uint8_t)side};
	tag->big[side].allocs++;
	tag->big[side].bytes += bytes;
	w->big_live++;
}

static void charge(struct world *w, struct tag *tag, unsigned side, uint64_t bytes)
{
	tag->side[side].allocs = (tag->side[side].allocs + 1) & tracker_count_mask(w);
	tag->side[side].bytes += bytes;
}

/* Allocates and charges one big block. */
static void add_charged(struct world *w, struct bigs *bigs, struct tag *tag, unsigned side,
			uint64_t bytes)
{
	uint64_t told = told_bytes(w, bytes);
	add_big(w, bigs, tag, side, pool_reserve(w, side, bytes, &bigs->rng), told);
	charge(w, tag, side, told);
}

/* Where a tag's blocks are a page or more on the average, all its blocks stand in the table. */
static void carve(struct world *w, struct bigs *bigs, struct tag *tag, unsigned side)
{
	struct side *s = &tag->side[side];
	uint64_t live = (s->allocs - s->frees) & tracker_count_mask(w);
	if (!live || s->bytes / live < BIG_FROM || bigs->count + live > w->config->big_entries)
		return;
	uint64_t average = s->bytes / live, left = s->bytes;
	bool in_pages = layout_big(w->config)->amount_in_pages;
	for (uint64_t i = 0; i < live; i++) {
		uint64_t bytes = i + 1 < live ? average : left;
		if (in_pages)
			bytes -= bytes % PAGE_SIZE;
		left -= bytes;
		add_big(w, bigs, tag, side, pool_reserve(w, side, bytes, &bigs->rng), bytes);
	}
}

static unsigned read_side_word(const struct line *line, size_t index)
{
	const char *word = line_word(line, index, "np or paged");
	if (strcmp(word, "np") != 0 && strcmp(word, "paged") != 0)
		line_fail(line, "wants np or paged, not '%s'", word);
	return *word == 'n' ? SIDE_NONPAGED : SIDE_PAGED;
}

static struct tag *find_or_add(struct world *w, const struct line *line)
{
	uint32_t key = parse_tag(line, line_word(line, 1, "a tag"));
	struct tag *tag = tracker_find(w, key);
	return tag ? tag : tracker_add(w, line, key);
}

/* big TAG np|paged COUNT MIN[..MAX] [points-to=NAME] */
static void read_big(struct world *w, struct bigs *bigs, const struct line *line)
{
	struct tag *tag = find_or_add(w, line);
	unsigned side = read_side_word(line, 2);
	uint64_t count = parse_number(line, line_word(line, 3, "a count"));
	char *low_text = xstrdup(line_word(line, 4, "a size")), *dots = strstr(low_text, "..");
	if (dots)
		*dots = '\0';
	uint64_t low = parse_number(line, low_text);
	uint64_t high = dots ? parse_number(line, dots + 2) : low;
	free(low_text);
	if (low < BIG_FROM || high < low)
		line_fail(line, "sizes go from %d up", BIG_FROM);
	struct rng rng = rng_fork(w->config->seed, "contents of big pages");
	for (uint64_t i = 0; i < count && bigs->count < w->config->big_entries; i++) {
		add_charged(w, bigs, tag, side, rng_between(&bigs->rng, low, high));
		const struct big *big = &bigs->list[bigs->count - 1];
		contents_fill(w, line, tag->key, big->va, big->bytes, &rng);
	}
}

/* violate TAG np|paged BYTES: in the big table, not in the tracker. */
static void read_violation(struct world *w, struct bigs *bigs, const struct line *line)
{
	struct tag *tag = find_or_add(w, line);
	unsigned side = read_side_word(line, 2);
	uint64_t bytes = told_bytes(w, parse_number(line, line_word(line, 3, "a size")));
	add_big(w, bigs, tag, side, pool_reserve(w, side, bytes, &bigs->rng), bytes);
}

/* The tables themselves belong to the tag Pool. Windows 10 maps them outside of the pool. */
static void add_tables(struct world *w, struct bigs *bigs)
{
	struct tag *pool = tracker_find(w, KEY_POOL);
	bool in_table = w->config->build < 10240;
	uint64_t sum = 0;
	for (size_t i = 0; i < w->region_count; i++) {
		const struct region *r = &w->regions[i];
		if (strcmp(r->kind, "tracker") != 0 && strcmp(r->kind, "expansion") != 0 &&
		    strcmp(r->kind, "big") != 0)
			continue;
		uint64_t bytes = (uint64_t)r->pages << PAGE_SHIFT;
		if (in_table)
			add_big(w, bigs, pool, SIDE_NONPAGED, r->va, bytes);
		sum += bytes;
		struct side *s = &pool->side[SIDE_NONPAGED];
		if (s->allocs == s->frees)
			s->allocs++;
	}
	if (pool->side[SIDE_NONPAGED].bytes < sum)
		pool->side[SIDE_NONPAGED].bytes = sum;
}

/* A size as found in real tables: mostly few pages, now and then a large one. */
static uint64_t random_size(struct rng *rng)
{
	uint64_t pages = 1 + rng_below(rng, 4);
	if (rng_below(rng, 50) == 0)
		pages = 1 + rng_below(rng, 64);
	return pages * PAGE_SIZE - (rng_below(rng, 2) ? 8 * rng_below(rng, 0x100) : 0);
}

/* Tags to draw from: the recipe's random ones, else those that already hold big pages when only
 * freed entries are wanted, else new ones. */
static size_t choose_keys(struct world *w, struct bigs *bigs, uint32_t *keys, bool only_freed)
{
	size_t count = 0;
	for (size_t i = 0; i < w->tag_count && count < MOST_KEYS; i++) {
		const struct tag *tag = &w->tags[i];
		bool has_big = tag->big[SIDE_NONPAGED].allocs + tag->big[SIDE_PAGED].allocs > 0;
		if (!tag->expansion && tag->key != KEY_OVERFLOW &&
		    (tag->random || (only_freed && has_big)))
			keys[count++] = tag->key;
	}
	while (count < RANDOM_TAGS && !(only_freed && count)) {
		keys[count] = tracker_random_key(w, &bigs->rng);
		tracker_add(w, NULL, keys[count++])->random = true;
	}
	return count;
}

/* An entry whose block was freed: the key and the size stay behind. */
static void add_freed(struct world *w, struct bigs *bigs, struct tag *tag, unsigned side,
		      uint64_t bytes)
{
	bigs->list = grow(bigs->list, bigs->count, &bigs->capacity, sizeof(*bigs->list));
	bigs->list[bigs->count++] = (struct big){.va = pool_reserve(w, side, bytes, &bigs->rng),
						 .bytes = told_bytes(w, bytes),
						 .key = tag->key,
						 .side = (uint8_t)side,
						 .freed = true};
	w->big_freed++;
	if (!tag->random)
		return; /* the recipe's own counts include their past */
	tag->side[side].allocs = (tag->side[side].allocs + 1) & tracker_count_mask(w);
	tag->side[side].frees = (tag->side[side].frees + 1) & tracker_count_mask(w);
}

static void fill(struct world *w, struct bigs *bigs)
{
	const struct config *c = w->config;
	uint64_t live = c->big_entries * c->big_live / PARTS;
	uint64_t freed = c->big_entries * c->big_freed / PARTS;
	uint32_t keys[MOST_KEYS];
	if (!live && !freed)
		return;
	size_t count = choose_keys(w, bigs, keys, !live);
	while (w->big_live < live || w->big_freed < freed) {
		struct tag *tag = tracker_find(w, keys[rng_below(&bigs->rng, count)]);
		unsigned side = (unsigned)rng_below(&bigs->rng, SIDES);
		uint64_t bytes = random_size(&bigs->rng);
		bytes = bytes < BIG_FROM ? BIG_FROM : bytes;
		bool is_live = w->big_freed >= freed ||
			       (w->big_live < live && rng_below(&bigs->rng, live + freed) < live);
		if (is_live)
			add_charged(w, bigs, tag, side, bytes);
		else
			add_freed(w, bigs, tag, side, bytes);
	}
}

static uint32_t type_bits(const struct world *w, const struct big *big, struct rng *rng)
{
	bool quota = rng_below(rng, 16) == 0, paged = big->side == SIDE_PAGED;
	uint32_t slush = (uint32_t)(round_up(big->bytes, PAGE_SIZE) - big->bytes);
	uint32_t pool_type = paged | (quota ? 8 : 0);
	switch (layout_big(w->config)->type) {
	case BIG_TYPE_NONE: return 0;
	case BIG_TYPE_WORD: return pool_type | (!paged && w->config->build >= 9200 ? 0x200 : 0);
	case BIG_TYPE_BITS:
		pool_type |= !paged && rng_below(rng, 8) ? 0x200 : 0;
		return (uint32_t)rng_below(rng, 0x100) | pool_type << 8 | slush << 20;
	case BIG_TYPE_FLAGS:
		pool_type = (paged ? 0x100 : rng_below(rng, 16) ? 0x40 : 0x80) | quota;
		return (uint32_t)rng_below(rng, 0x100) | pool_type << 8 | slush << 20;
	}
	return 0;
}

static void put_entry(const struct world *w, const struct big *big, uint8_t *at, struct rng *rng)
{
	const struct big_layout *l = layout_big(w->config);
	const struct tag *tag = tracker_find(w, big->key);
	bool marked = tag->is_protected && w->config->build <= 9600;
	put_width(at, big->va | big->freed, l->pointer);
	put32(at + l->key, big->key | (marked ? 0x80000000u : 0));
	put_width(at + l->amount, l->amount_in_pages ? pages_of(big->bytes) : big->bytes,
		  l->amount_width);
	uint32_t bits = type_bits(w, big, rng);
	if (l->type != BIG_TYPE_NONE)
		put32(at + l->type_at, bits);
	/* Quota charges store the process, coded with a secret and the address. */
	uint32_t quota = l->type == BIG_TYPE_FLAGS ? 0x100 : 0x800;
	if (l->billed && l->type != BIG_TYPE_NONE && bits & quota)
		put64(at + l->billed, rng_next(rng));
}

static void write_table(struct world *w, struct bigs *bigs)
{
	const struct big_layout *l = layout_big(w->config);
	uint64_t entries = w->config->big_entries;
	uint32_t mask = (uint32_t)(entries - 1);
	uint8_t *bytes = xcalloc(entries, l->size);
	for (uint64_t i = 0; i < entries; i++)
		bytes[i * l->size] = 1; /* never used */
	if (bigs->count > entries)
		die("%zu big allocations do not fit a table of %llu", bigs->count,
		    (unsigned long long)entries);
	for (size_t i = 0; i < bigs->count; i++) {
		const struct big *big = &bigs->list[i];
		uint32_t slot = layout_big_slot(w->config, big->va, mask);
		while (bytes[(uint64_t)slot * l->size] != 1 ||
		       get32(bytes + (uint64_t)slot * l->size + l->key))
			slot = (slot + 1) & mask;
		put_entry(w, big, bytes + (uint64_t)slot * l->size, &bigs->rng);
	}
	memory_write(&w->memory, w->big_table, bytes, entries * l->size);
	w->big_bytes = bytes;
}

static void set_globals(struct world *w)
{
	global_set(w, "PoolBigPageTable", w->big_table);
	global_set(w, "PoolBigPageTableSize", w->config->big_entries);
	global_set(w, "PoolBigPageTableHash", w->config->big_entries - 1);
	global_set(w, "ExpPoolBigEntriesInUse", w->big_live);
}

static void mark_protected(struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_PROTECTED];
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		struct tag *tag = tracker_find(w, parse_tag(line, line_word(line, 1, "a tag")));
		if (!tag)
			line_fail(line, "the recipe has no such tag");
		tag->is_protected = true;
	}
}

void bigpages_write(struct world *w)
{
	struct bigs bigs = {.rng = rng_fork(w->config->seed, "big pages")};
	uint64_t size = w->config->big_entries * layout_big(w->config)->size;
	w->big_table = pool_pages(w, size);
	world_add_region(w, "big", -1, NULL, w->big_table, size);
	size_t named = w->tag_count;
	for (size_t i = 0; i < named; i++) {
		bool own = w->tags[i].key == KEY_POOL || w->tags[i].key == KEY_OVERFLOW;
		for (unsigned side = 0; side < SIDES && !own; side++)
			carve(w, &bigs, &w->tags[i], side);
	}
	add_tables(w, &bigs);
	const struct lines *lines = w->config->lists;
	for (size_t i = 0; i < lines[LINES_BIG].count; i++)
		read_big(w, &bigs, lines[LINES_BIG].line[i]);
	for (size_t i = 0; i < lines[LINES_VIOLATE].count; i++)
		read_violation(w, &bigs, lines[LINES_VIOLATE].line[i]);
	fill(w, &bigs);
	mark_protected(w);
	write_table(w, &bigs);
	set_globals(w);
	free(bigs.list);
}
