/*
 * What stands in allocations: pointers into a driver, and small blocks behind pool headers.
 *
 * Does not: make lists of free blocks, or the segment heap's structures. POOL_HEADER as published
 * with the kernel's PDBs: sizes in granules, the tag at 4.
 */
#include "corpus/contents.h"

#include <string.h>
#include <strings.h>

#include "corpus/pe.h"
#include "corpus/pool.h"
#include "corpus/tracker.h"

enum { MOST_FILLED = 4 * PAGE_SIZE, FREE_TAG = 0x65657246 };

struct target {
	const char *name;
	uint64_t base, size;
	const struct pe *pe;
	bool unloaded;
};

static struct target find_target(const struct world *w, const struct line *line, const char *name)
{
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		if (strcasecmp(m->name, name) == 0)
			return (struct target){m->name, m->base, m->size, m->pe, false};
	}
	for (size_t i = 0; i < w->unloaded_count; i++) {
		const struct unloaded *u = &w->unloaded[i];
		if (strcasecmp(u->name, name) == 0)
			return (struct target){u->name, u->start, u->end - u->start, NULL, true};
	}
	line_fail(line, "points-to: the recipe has no driver %s", name);
}

/* A function or a table of functions: not in the headers, not in what is discarded. */
static uint64_t pointer_into(const struct target *target, struct rng *rng)
{
	for (unsigned tries = 0; target->pe && tries < 64; tries++) {
		const struct pe *pe = target->pe;
		const struct pe_section *s = &pe->sections[rng_below(rng, pe->section_count)];
		if (!(s->flags & PE_DISCARDABLE) && s->size > 0x10)
			return target->base + s->rva + rng_below(rng, s->size / 0x10) * 0x10;
	}
	uint64_t room = target->size - PAGE_SIZE;
	return target->base + PAGE_SIZE + rng_below(rng, room / 0x10) * 0x10;
}

static void note(struct world *w, uint32_t key, const struct target *target, uint64_t pointers)
{
	struct content *c = NULL;
	for (size_t i = 0; i < w->content_count && !c; i++) {
		if (w->contents[i].key == key && w->contents[i].name == target->name)
			c = &w->contents[i];
	}
	if (!c) {
		w->contents = grow(w->contents, w->content_count, &w->content_capacity,
				   sizeof(*w->contents));
		c = &w->contents[w->content_count++];
		*c = (struct content){
			.key = key, .name = target->name, .unloaded = target->unloaded};
	}
	c->blocks++;
	c->pointers += pointers;
}

/* A list entry to itself, a table of functions, a callback, the rest small numbers. */
static uint64_t fill(struct world *w, const struct target *target, uint64_t va, uint64_t bytes,
		     struct rng *rng)
{
	unsigned width = world_pointer(w);
	uint64_t pointers = 0, words = bytes / width;
	for (uint64_t i = 0; i < words; i++) {
		uint64_t value = rng_below(rng, 3) ? 0 : rng_below(rng, 0x10000);
		if (i < 2 && words > 3)
			value = va;
		if (i == 2 || i == 5 || words <= 3) {
			value = pointer_into(target, rng);
			pointers++;
		}
		memory_put(&w->memory, va + i * width, value, width);
	}
	return pointers;
}

void contents_fill(struct world *w, const struct line *line, uint32_t key, uint64_t va,
		   uint64_t bytes, struct rng *rng)
{
	const char *name = line_option(line, "points-to");
	if (!name)
		return;
	struct target target = find_target(w, line, name);
	uint64_t filled = bytes < MOST_FILLED ? bytes : MOST_FILLED;
	memory_map(&w->memory, va, filled);
	note(w, key, &target, fill(w, &target, va, filled, rng));
}

static void put_header(struct world *w, uint64_t va, uint64_t previous, uint64_t size,
		       unsigned type, uint32_t key)
{
	bool is_64 = config_is_64(w->config);
	uint64_t granule = is_64 ? 16 : 8;
	uint8_t header[8] = {0};
	if (is_64) {
		header[0] = (uint8_t)(previous / granule);
		header[2] = (uint8_t)(size / granule);
		header[3] = (uint8_t)type;
	} else {
		put16(header, previous / granule);
		put16(header + 2, size / granule | type << 9);
	}
	put32(header + 4, key);
	memory_write(&w->memory, va, header, sizeof(header));
}

/* One page of blocks of `total` bytes, at most `left` of them; the rest is a free block. */
static uint64_t write_page(struct world *w, const struct line *line, uint32_t key, unsigned side,
			   uint64_t total, uint64_t left, struct rng *rng)
{
	uint64_t header = config_is_64(w->config) ? 16 : 8;
	uint64_t page = pool_reserve(w, side, PAGE_SIZE, rng), at = 0, previous = 0, count = 0;
	unsigned type = (w->config->build < 6000 ? 4u : 2u) | (side == SIDE_PAGED);
	memory_map(&w->memory, page, PAGE_SIZE);
	for (; count < left && at + total <= PAGE_SIZE; count++, at += total) {
		put_header(w, page + at, previous, total, type, key);
		contents_fill(w, line, key, page + at + header, total - header, rng);
		previous = total;
	}
	if (at < PAGE_SIZE)
		put_header(w, page + at, previous, PAGE_SIZE - at, 0, FREE_TAG);
	return count;
}

static void write_blocks(struct world *w, const struct line *line, struct rng *rng)
{
	uint32_t key = parse_tag(line, line_word(line, 1, "a tag"));
	const char *pool = line_word(line, 2, "np or paged");
	uint64_t count = parse_number(line, line_word(line, 3, "a count"));
	uint64_t size = parse_number(line, line_word(line, 4, "a size"));
	uint64_t header = config_is_64(w->config) ? 16 : 8;
	uint64_t total = round_up(size + header, header);
	if (strcmp(pool, "np") != 0 && strcmp(pool, "paged") != 0)
		line_fail(line, "wants np or paged, not '%s'", pool);
	unsigned side = *pool == 'n' ? SIDE_NONPAGED : SIDE_PAGED;
	if (total > PAGE_SIZE || count > 1 << 20)
		line_fail(line, "blocks are smaller than a page, and at most a million");
	for (uint64_t left = count; left;)
		left -= write_page(w, line, key, side, total, left, rng);
	struct tag *tag = tracker_find(w, key);
	if (!tag)
		tag = tracker_add(w, line, key);
	struct side *s = &tag->side[side];
	s->allocs = (s->allocs + count) & tracker_count_mask(w);
	s->bytes += count * total;
}

void contents_write_blocks(struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_BLOCKS];
	struct rng rng = rng_fork(w->config->seed, "blocks");
	for (size_t i = 0; i < lines->count; i++)
		write_blocks(w, lines->line[i], &rng);
}
