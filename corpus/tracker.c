/*
 * Pool tags and the tracker tables that count them: every processor's copy, the expansion table,
 * the array of tables.
 *
 * Does not: session pool, the limit table of newer builds.
 * Source: Windows Research Kernel, pool.c, for placement, probing, overflow and expansion.
 */
#include "corpus/tracker.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/pool.h"
#include "corpus/tag_truth.h"

enum { HOT_ALLOCATIONS = 20000, SPLIT_NOISE = 0x10000 };

/* Tags that 2003 SP1 to 7 put into the table at boot. */
static const char seeded_tags[][5] = {
	"Io  ", "Hal ", "MdlP", "PooL", "ObSt", "Irp ", "NDdb", "IrpL", "IoOp", "Mdl ", "File",
	"CMVa", "SeSd", "NtFC", "Pool", "TCPr", "CMNb", "SeTd", "NtFs", "TCPT", "TCPC", "Key ",
	"ObSq", "IoNm", "IoEa", "TCPc", "NtFa", "Ntf0", "Sect", "IrpS", "Toke", "Se  ", "ObCl",
	"CcSc", "NtFl", "SeAc", "FSfm", "CcWk", "FSim", "AfdC", "AfdE", "FSro", "Ntfn", "UIRP",
	"NpFr", "NpFR", "SePa", "SeUs", "AcpF", "AcpM", "SeSc", "ObNm", "NpFs", "SeLu", "ScPD",
	"Even", "Rqrv", "Vadl", "Pp  ", "VadS", "Vad ", "VadL", "VadF", "BIG ",
};

struct tag *tracker_find(const struct world *w, uint32_t key)
{
	int64_t index = map_get(&w->tag_by_key, key);
	return index == MAP_NONE ? NULL : &w->tags[index];
}

struct tag *tracker_add(struct world *w, const struct line *line, uint32_t key)
{
	if (tracker_find(w, key)) {
		if (!line)
			die("a tag is added twice");
		line_fail(line, "the tag stands in the recipe before");
	}
	if (!key)
		line_fail(line, "a tag of four zero bytes is an empty slot");
	w->tags = grow(w->tags, w->tag_count, &w->tag_capacity, sizeof(*w->tags));
	map_put(&w->tag_by_key, key, (uint32_t)w->tag_count);
	struct tag *tag = &w->tags[w->tag_count++];
	*tag = (struct tag){.key = key, .in_tracker = true};
	return tag;
}

uint64_t tracker_count_mask(const struct world *w)
{
	return layout_tracker(w->config)->count_width == 4 ? UINT32_MAX : UINT64_MAX;
}

/* "np ALLOCS FREES BYTES" or "paged ALLOCS FREES BYTES", anywhere in the line. */
static void read_side(const struct world *w, const struct line *line, const char *word,
		      struct side *side)
{
	uint64_t limit = layout_tracker(w->config)->bytes_width == 4 ? UINT32_MAX : INT64_MAX;
	for (size_t i = 1; i < line->count; i++) {
		if (strcmp(line->words[i], word) != 0)
			continue;
		side->allocs =
			parse_number(line, line_word(line, i + 1, "the number of allocations"));
		side->frees = parse_number(line, line_word(line, i + 2, "the number of frees"));
		side->bytes = parse_number(line, line_word(line, i + 3, "the number of bytes"));
		if (side->bytes > limit)
			line_fail(line, "the bytes do not fit the counters of this build");
		if (side->frees > side->allocs)
			line_fail(line, "more frees than allocations");
		side->allocs &= tracker_count_mask(w);
		side->frees &= tracker_count_mask(w);
	}
}

void tracker_read_sides(const struct world *w, const struct line *line, struct side *sides)
{
	read_side(w, line, "np", &sides[SIDE_NONPAGED]);
	read_side(w, line, "paged", &sides[SIDE_PAGED]);
}

/* A later line of the same tag replaces the earlier one, so that --set can change a recipe. */
static void read_tag(struct world *w, const struct line *line, uint32_t key)
{
	struct tag *tag = tracker_find(w, key);
	if (!tag)
		tag = tracker_add(w, line, key);
	memset(tag->side, 0, sizeof(tag->side));
	tracker_read_sides(w, line, tag->side);
	tag->expansion = line_has(line, "expansion");
	if (tag->expansion && !w->config->expansion_entries)
		line_fail(line, "there is no expansion table: add an 'expansion ENTRIES' line");
}

void tracker_charge_blocks(struct world *w)
{
	for (size_t i = 0; i < w->charge_count; i++) {
		const struct charge *c = &w->charges[i];
		uint32_t key = (uint32_t)get32((const uint8_t *)c->tag);
		struct tag *tag = tracker_find(w, key);
		if (!tag)
			tag = tracker_add(w, NULL, key);
		struct side *side = &tag->side[c->side];
		side->allocs = (side->allocs + c->blocks) & tracker_count_mask(w);
		side->bytes += c->bytes;
	}
	w->charge_count = 0;
}

uint32_t tracker_random_key(const struct world *w, struct rng *rng)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char other[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	while (true) {
		uint8_t bytes[4] = {(uint8_t)first[rng_below(rng, sizeof(first) - 1)]};
		for (unsigned i = 1; i < 4; i++)
			bytes[i] = (uint8_t)other[rng_below(rng, sizeof(other) - 1)];
		uint32_t key = (uint32_t)get32(bytes);
		if (!tracker_find(w, key) && key != KEY_OVERFLOW)
			return key;
	}
}

/* Many small users, few large ones: sizes and counts are spread over powers of two. */
static struct side random_side(struct rng *rng, uint64_t most_bytes)
{
	struct side side = {0};
	uint64_t size = (UINT64_C(16) << rng_below(rng, 8)) + 8 * rng_below(rng, 8);
	uint64_t live = rng_below(rng, UINT64_C(1) << rng_below(rng, 12));
	if (live * size > most_bytes)
		live = most_bytes / size;
	side.frees = rng_below(rng, UINT64_C(1) << rng_below(rng, 22));
	side.allocs = side.frees + live;
	side.bytes = live * size;
	return side;
}

/* `tags truth`: every tag that the drivers' truths speak of, decoys as well, with random counts. */
static void add_truth_tags(struct world *w, struct rng *rng)
{
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		for (size_t k = 0; m->truth && k < m->truth->count; k++) {
			uint32_t key = m->truth->rows[k].key;
			if (tracker_find(w, key))
				continue;
			struct tag *tag = tracker_add(w, NULL, key);
			tag->side[rng_below(rng, SIDES)] = random_side(rng, 64 << 10);
		}
	}
}

static void add_random_tags(struct world *w, const struct line *line, struct rng *rng)
{
	const char *count_text = line_option(line, "random"), *most = line_option(line, "most");
	if (line_has(line, "truth")) {
		add_truth_tags(w, rng);
		return;
	}
	if (!count_text)
		line_fail(line, "wants random=N or truth");
	uint64_t count = parse_number(line, count_text);
	uint64_t most_bytes = most ? parse_number(line, most) : 256 << 10;
	if (count > 1 << 20)
		line_fail(line, "too many tags");
	for (uint64_t i = 0; i < count; i++) {
		struct tag *tag = tracker_add(w, line, tracker_random_key(w, rng));
		uint64_t sides = rng_below(rng, 10);
		if (sides < 6)
			tag->side[SIDE_NONPAGED] = random_side(rng, most_bytes);
		if (sides > 4)
			tag->side[SIDE_PAGED] = random_side(rng, most_bytes);
		tag->expansion = line_has(line, "expansion");
		tag->random = true;
		if (tag->expansion && !w->config->expansion_entries)
			line_fail(line, "there is no expansion table");
	}
}

static void add_seeded(struct world *w)
{
	for (size_t i = 0; i < sizeof(seeded_tags) / sizeof(*seeded_tags); i++) {
		uint32_t key = (uint32_t)get32((const uint8_t *)seeded_tags[i]);
		if (!tracker_find(w, key))
			tracker_add(w, NULL, key);
	}
	static const char seven[][5] = {"Mmdi", "MmCp"};
	for (size_t i = 0; w->config->build >= 7600 && i < 2; i++) {
		uint32_t key = (uint32_t)get32((const uint8_t *)seven[i]);
		if (!tracker_find(w, key))
			tracker_add(w, NULL, key);
	}
}

void tracker_read_tags(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "tags");
	const struct lines *tags = &w->config->lists[LINES_TAG];
	for (size_t i = 0; i < tags->count; i++) {
		const struct line *line = tags->line[i];
		read_tag(w, line, parse_tag(line, line_word(line, 1, "a tag")));
	}
	const struct lines *overflow = &w->config->lists[LINES_OVERFLOW];
	for (size_t i = 0; i < overflow->count; i++)
		read_tag(w, overflow->line[i], KEY_OVERFLOW);
	if (w->config->seeded)
		add_seeded(w);
	if (!tracker_find(w, KEY_POOL))
		tracker_add(w, NULL, KEY_POOL);
	const struct lines *random = &w->config->lists[LINES_TAGS];
	for (size_t i = 0; i < random->count; i++)
		add_random_tags(w, random->line[i], &rng);
}

uint64_t tracker_table_bytes(const struct world *w)
{
	return w->table_entries * layout_tracker(w->config)->size;
}

void tracker_plan(struct world *w)
{
	const struct config *c = w->config;
	if (c->expansion_entries && c->build < 3790)
		die("XP has no expansion table: it grows the first one");
	w->table_entries = c->tracker_entries + 1;
	w->table_count = layout_tag_tables(c) ? c->processors : 1;
	if (layout_tag_tables(c) && layout_tag_tables(c) < c->processors)
		die("ExPoolTagTables is shorter than the number of processors");
	uint64_t bytes = tracker_table_bytes(w);
	for (uint32_t i = 0; i < w->table_count; i++) {
		w->tables[i] = pool_pages(w, bytes);
		world_add_region(w, "tracker", (int)i, NULL, w->tables[i], bytes);
	}
	if (c->expansion_entries) {
		uint64_t size = c->expansion_entries * layout_tracker(c)->size;
		w->expansion = pool_pages(w, size);
		world_add_region(w, "expansion", -1, NULL, w->expansion, size);
	}
}

/* Gives every tag its slot by the rules of the kernel: hash, then the next free slot. */
static void place_tags(struct world *w)
{
	uint32_t mask = (uint32_t)(w->table_entries - 2);
	uint8_t *used = xcalloc(w->table_entries, 1);
	uint64_t ring_used = 0, expansion_room = w->config->expansion_entries;
	char hash = layout_hash(w->config);
	for (size_t i = 0; i < w->tag_count; i++) {
		struct tag *tag = &w->tags[i];
		if (!tag->in_tracker)
			continue;
		if (tag->key == KEY_OVERFLOW) {
			tag->slot = (uint32_t)(tag->expansion ? expansion_room - 1
							      : w->table_entries - 1);
			continue;
		}
		if (!tag->expansion && ring_used == mask + 1u)
			tag->expansion = true;
		if (tag->expansion) {
			if (w->expansion_used + 1 >= expansion_room)
				die("too many tags for the tables (%llu entries)",
				    (unsigned long long)w->table_entries);
			tag->slot = (uint32_t)w->expansion_used++;
			continue;
		}
		uint32_t slot = layout_hash_slot(hash, tag->key, mask);
		while (used[slot])
			slot = (slot + 1) & mask;
		used[slot] = 1;
		ring_used++;
		tag->slot = slot;
	}
	free(used);
}

void tracker_put_entry(const struct world *w, uint8_t *at, uint32_t key, const struct side *side)
{
	const struct tracker_layout *l = layout_tracker(w->config);
	const struct counter_layout *counters[SIDES] = {&l->nonpaged, &l->paged};
	put32(at, key);
	for (unsigned i = 0; i < SIDES; i++) {
		put_width(at + counters[i]->allocs, side[i].allocs, l->count_width);
		put_width(at + counters[i]->frees, side[i].frees, l->count_width);
		put_width(at + counters[i]->bytes, side[i].bytes, l->bytes_width);
	}
	if (l->available_limit) {
		put64(at + l->available_limit, INT64_MAX);
		put64(at + l->available_limit + 8, INT64_MAX);
	}
}

/* The share of one of `left` processors; the last one takes all. */
static uint64_t share(struct rng *rng, uint64_t total, unsigned left)
{
	if (left == 1)
		return total;
	uint64_t most = total / left * 2 + 1;
	uint64_t part = rng_below(rng, most + 1);
	return part < total ? part : total;
}

/* A share that may be negative, as a free may run on another processor than the allocation. */
static uint64_t signed_share(struct rng *rng, uint64_t rest, uint64_t total, unsigned left)
{
	if (left == 1)
		return rest;
	uint64_t noise = total / 2 + SPLIT_NOISE;
	return total / left + rng_below(rng, 2 * noise + 1) / 8 * 8 - noise / 8 * 8;
}

static void choose_processors(const struct world *w, struct tag *tag, struct rng *rng)
{
	uint64_t activity = tag->side[0].allocs + tag->side[1].allocs;
	uint64_t all = w->table_count == 64 ? UINT64_MAX : (UINT64_C(1) << w->table_count) - 1;
	tag->processors = 0;
	if (!activity || tag->expansion)
		return;
	tag->processors = activity >= HOT_ALLOCATIONS ? all : rng_next(rng) & all;
	if (activity < w->table_count || !tag->processors)
		tag->processors = UINT64_C(1) << rng_below(rng, w->table_count);
}

static void split_tag(const struct world *w, const struct tag *tag, struct rng *rng,
		      uint8_t *const *tables)
{
	uint64_t entry = layout_tracker(w->config)->size;
	unsigned left = (unsigned)__builtin_popcountll(tag->processors);
	struct side rest[SIDES] = {tag->side[0], tag->side[1]};
	for (uint32_t cpu = 0; cpu < w->table_count; cpu++) {
		bool uses = tag->processors >> cpu & 1;
		struct side part[SIDES] = {0};
		for (unsigned i = 0; uses && i < SIDES; i++) {
			if (!tag->side[i].allocs && !tag->side[i].bytes)
				continue;
			part[i].allocs = share(rng, rest[i].allocs, left);
			part[i].frees = share(rng, rest[i].frees, left);
			part[i].bytes = signed_share(rng, rest[i].bytes, tag->side[i].bytes, left);
			rest[i].allocs -= part[i].allocs;
			rest[i].frees -= part[i].frees;
			rest[i].bytes -= part[i].bytes;
		}
		left -= uses;
		/* Table 0 has every key; the others copy it on first use, into the same slot. */
		if (uses || cpu == 0)
			tracker_put_entry(w, tables[cpu] + tag->slot * entry, tag->key, part);
	}
}

static void write_array(struct world *w)
{
	const struct config *c = w->config;
	uint64_t array = global_address(w, "ExPoolTagTables"), length = layout_tag_tables(c);
	unsigned width = world_pointer(w);
	if (!array)
		return;
	uint64_t next = w->table_count;
	for (uint64_t i = 0; i < w->table_count; i++)
		memory_put(&w->memory, array + i * width, w->tables[i], width);
	for (uint32_t i = 0; i < c->tag_tables_dead && next < length; i++, next++)
		memory_put(&w->memory, array + next * width,
			   c->nonpaged.end - 0x100000 * (uint64_t)(i + 1), width);
	for (uint32_t i = 0; i < c->tag_tables_duplicate && next < length; i++, next++)
		memory_put(&w->memory, array + next * width, w->tables[i % w->table_count], width);
	world_add_region(w, "array", -1, NULL, array, length * width);
}

static void set_globals(struct world *w)
{
	const struct kernel *k = &w->kernel;
	world_add_region(w, "globals", -1, NULL, k->image.base + k->cluster_low,
			 k->cluster_high - k->cluster_low);
	global_set(w, "PoolTrackTable", w->tables[0]);
	global_set(w, "PoolTrackTableSize", w->table_entries);
	global_set(w, "PoolTrackTableMask", w->table_entries - 2);
	global_set(w, "PoolTrackTableExpansion", w->expansion);
	global_set(w, "PoolTrackTableExpansionSize", w->config->expansion_entries);
	write_array(w);
}

static void write_expansion(struct world *w)
{
	uint64_t entry = layout_tracker(w->config)->size;
	for (size_t i = 0; i < w->tag_count; i++) {
		const struct tag *tag = &w->tags[i];
		uint8_t bytes[0x50] = {0};
		if (!tag->expansion || !tag->in_tracker)
			continue;
		tracker_put_entry(w, bytes, tag->key, tag->side);
		memory_write(&w->memory, w->expansion + tag->slot * entry, bytes, entry);
	}
}

void tracker_write(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "split");
	uint8_t *tables[64] = {0};
	place_tags(w);
	for (uint32_t i = 0; i < w->table_count; i++)
		tables[i] = xcalloc(tracker_table_bytes(w), 1);
	for (size_t i = 0; i < w->tag_count; i++) {
		struct tag *tag = &w->tags[i];
		if (!tag->in_tracker || tag->expansion)
			continue;
		choose_processors(w, tag, &rng);
		split_tag(w, tag, &rng, tables);
	}
	for (uint32_t i = 0; i < w->table_count; i++) {
		memory_write(&w->memory, w->tables[i], tables[i], tracker_table_bytes(w));
		free(tables[i]);
	}
	write_expansion(w);
	set_globals(w);
}
