/*
 * See vmrs.h. The storage: headers, object tables that name one another, tables of keys, and values
 * in places of their own; an outdated copy of each table of keys, whose values lead nowhere, lies
 * before the one that counts.
 *
 * Does not: other registers than those of paging, a log with entries in it.
 * Layouts: the description of the format in OpenVMM's guide; dissect.hypervisor (c_hyperv.py);
 * vmkatz (vmrs.rs) for packed blocks, Pascal Beyer's snapshot fuzzer (vmrs.c) for registers.
 */
#include "corpus/vmrs.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/machine.h"
#include "corpus/xpress.h"

enum {
	BLOCK_PAGES = 256,
	BLOCK = BLOCK_PAGES * PAGE_SIZE,
	BLOCK_ROOM = 2 * BLOCK,
	OBJECTS = 200, /* entries of an object table */
	OBJECT = 18,
	KEYS_SIZE = 4096,
	KEYS_HEADER = 10,
	KEY_HEADER = 21,
	INLINE_MOST = 2047,           /* bytes of a value in its table */
	SAVED_STATE_AT = KEYS_HEADER, /* of the node, the first key of the first table */
	ARRAY = 7,
	NODE = 9,
};

struct storage {
	struct output *file;
	uint64_t end; /* where the next object goes */
	uint64_t objects_at;
	unsigned objects; /* entries used in the table there */
	uint8_t keys[KEYS_SIZE];
	uint16_t table; /* index of the table of keys being filled, from 1 on */
	size_t used;    /* bytes of it */
	uint32_t sequence;
};

static uint32_t crc32(const uint8_t *data, size_t length)
{
	uint32_t value = UINT32_MAX;
	for (size_t i = 0; i < length; i++) {
		value ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0xEDB88320 : 0);
	}
	return ~value;
}

static void put_object(struct storage *s, unsigned type, uint64_t at, uint64_t size)
{
	uint8_t entry[OBJECT] = {(uint8_t)type};
	put64(entry + 5, at);
	put32(entry + 13, size);
	put32(entry + 1, crc32(entry, sizeof(entry)));
	output_write(s->file, s->objects_at + 8 + s->objects++ * OBJECT, entry, sizeof(entry));
}

static void begin_objects(struct storage *s, uint64_t at)
{
	uint8_t head[8];
	put32(head, 0x01110001);
	put32(head + 4, OBJECTS);
	output_write(s->file, at, head, sizeof(head));
	output_resize(s->file, at + PAGE_SIZE);
	s->objects_at = at;
	s->objects = 0;
}

/* A place for `size` bytes; the last entry of an object table names the next. */
static uint64_t add_object(struct storage *s, unsigned type, uint64_t size)
{
	if (s->objects == OBJECTS - 1) {
		uint64_t next = s->end;
		s->end += PAGE_SIZE;
		put_object(s, 1, next, PAGE_SIZE);
		begin_objects(s, next);
	}
	uint64_t at = s->end;
	size = round_up(size, PAGE_SIZE);
	s->end += size;
	put_object(s, type, at, size);
	return at;
}

/* ---- keys ---- */

static void put_table(struct storage *s, uint16_t sequence)
{
	uint8_t *head = s->keys;
	uint64_t at = add_object(s, 2, KEYS_SIZE);
	put16(head, 2);
	put16(head + 2, s->table);
	put16(head + 4, sequence);
	put32(head + 6, 0);
	put32(head + 6, crc32(head, KEYS_HEADER));
	output_write(s->file, at, s->keys, KEYS_SIZE);
}

/* The outdated copy has other keys, with other names' blocks. */
static void put_outdated(struct storage *s, uint16_t sequence)
{
	uint8_t sound[KEYS_SIZE];
	memcpy(sound, s->keys, sizeof(sound));
	memset(s->keys + KEYS_HEADER, 0x5A, KEYS_SIZE - KEYS_HEADER);
	put32(s->keys + KEYS_HEADER + 2, KEYS_SIZE - KEYS_HEADER);
	put_table(s, sequence);
	memcpy(s->keys, sound, sizeof(sound));
}

static void end_table(struct storage *s)
{
	size_t left = KEYS_SIZE - s->used;
	if (left > KEY_HEADER) { /* one free key fills the rest */
		s->keys[s->used] = 1;
		put32(s->keys + s->used + 2, left);
	}
	put_outdated(s, 0xFFFF); /* numbers go round: 2 is later */
	put_table(s, 2);
	memset(s->keys, 0, sizeof(s->keys));
	s->table++;
	s->used = KEYS_HEADER;
}

static void add_key(struct storage *s, unsigned type, const char *name, bool outside,
		    const uint8_t *data, size_t length)
{
	size_t name_size = strlen(name) + 1, size = KEY_HEADER + name_size + length;
	bool root = s->table == 1 && s->used == SAVED_STATE_AT;
	if (size + KEY_HEADER + 1 > KEYS_SIZE - s->used)
		end_table(s);
	uint8_t *at = s->keys + s->used;
	at[0] = (uint8_t)type;
	at[1] = outside;
	put32(at + 2, size);
	put16(at + 6, root ? 0 : 1);
	put32(at + 8, root ? 0 : SAVED_STATE_AT);
	put32(at + 16, ++s->sequence);
	at[20] = (uint8_t)name_size;
	memcpy(at + KEY_HEADER, name, name_size);
	memcpy(at + KEY_HEADER + name_size, data, length);
	put32(at + 12, crc32(at, size));
	s->used += size;
}

static void add_array(struct storage *s, const char *name, const uint8_t *data, uint32_t length)
{
	uint8_t value[4 + INLINE_MOST];
	put32(value, length);
	memcpy(value + 4, data, length);
	add_key(s, ARRAY, name, false, value, 4 + length);
}

static void add_file(struct storage *s, const char *name, const uint8_t *data, size_t length)
{
	uint64_t at = add_object(s, 3, length);
	uint8_t value[12];
	output_write(s->file, at, data, length);
	put32(value, length);
	put64(value + 4, at);
	add_key(s, ARRAY, name, true, value, sizeof(value));
}

/* ---- memory ---- */

static size_t pack_page(const uint8_t *page, uint8_t *to)
{
	static uint8_t packed[XPRESS_ROOM];
	size_t length = xpress_pack_plain(page, PAGE_SIZE, packed);
	if (length >= PAGE_SIZE) {
		memcpy(packed, page, PAGE_SIZE);
		length = PAGE_SIZE;
	}
	put32(to, length);
	memcpy(to + 4, packed, length);
	return length + 4;
}

/* How many pages from here on are made of the same eight bytes. */
static unsigned count_filled(const uint8_t *block, unsigned page)
{
	const uint8_t *first = block + page * PAGE_SIZE;
	unsigned count = 0;
	for (; page < BLOCK_PAGES; page++, count++) {
		const uint8_t *at = block + page * PAGE_SIZE;
		if (memcmp(at, first, 8) != 0 || memcmp(at, at + 8, PAGE_SIZE - 8) != 0)
			break;
	}
	return count;
}

static size_t pack_block(const uint8_t *block, uint8_t *to)
{
	size_t used = 0;
	for (unsigned page = 0; page < BLOCK_PAGES;) {
		unsigned filled = count_filled(block, page);
		if (filled == 0) {
			used += pack_page(block + page++ * PAGE_SIZE, to + used);
			continue;
		}
		put32(to + used, filled == 1 ? 0xFFFFFFFE : 0xFFFFFFFD);
		memcpy(to + used + 4, block + page * PAGE_SIZE, 8);
		used += 12;
		if (filled > 1) {
			put32(to + used, filled);
			used += 4;
		}
		page += filled;
	}
	put32(to + used, 0xFFFFFFFF);
	return used + 4;
}

/* The regions' page at a place in the machine's memory; NULL: never touched, or behind the end. */
static struct page *page_at(struct world *w, const struct run *regions, size_t count,
			    uint64_t place)
{
	for (size_t i = 0; i < count; i++) {
		if (place < regions[i].count)
			return memory_page(&w->memory, regions[i].base + place);
		place -= regions[i].count;
	}
	return NULL;
}

/* False when no page of the block was touched. */
static bool fill_block(struct world *w, const struct run *regions, size_t count, uint64_t number,
		       uint64_t offset, uint8_t *block)
{
	bool touched = false;
	memset(block, 0, BLOCK);
	for (unsigned i = 0; i < BLOCK_PAGES; i++) {
		struct page *page = page_at(w, regions, count, number * BLOCK_PAGES + i);
		if (!page)
			continue;
		if (page->absent)
			die("a Hyper-V state has whole blocks of 1 MiB: no page of it is absent");
		memcpy(block + i * PAGE_SIZE, page->data, PAGE_SIZE);
		page->offset = offset;
		touched = true;
	}
	return touched;
}

static void add_ranges(struct storage *s, const struct run *regions, size_t count)
{
	uint64_t place = 0;
	for (size_t i = 0; i < count; i++) {
		uint8_t range[48] = {3};
		char *name = xprintf("RamMemoryBlock%zu", i);
		put64(range + 8, regions[i].count);
		put64(range + 16, place);
		put64(range + 24, regions[i].base);
		add_array(s, name, range, sizeof(range));
		place += regions[i].count;
		free(name);
	}
}

static uint64_t add_blocks(struct world *w, struct storage *s, const struct run *regions,
			   size_t count)
{
	uint64_t pages = output_pages_in(regions, count), written = 0;
	uint8_t *block = xcalloc(1, BLOCK), *packed = xcalloc(1, BLOCK_ROOM);
	for (uint64_t number = 0; number * BLOCK_PAGES < pages; number++) {
		char *name = xprintf("RamBlock%llu", (unsigned long long)number);
		uint64_t left = pages - number * BLOCK_PAGES;
		if (fill_block(w, regions, count, number, s->end, block)) {
			bool stored = w->config->vmrs_stored;
			size_t length = stored ? (size_t)BLOCK : pack_block(block, packed);
			if (length >= BLOCK)
				add_file(s, name, block, BLOCK);
			else
				add_file(s, name, packed, length);
			written += left < BLOCK_PAGES ? left : BLOCK_PAGES;
		}
		free(name);
	}
	free(block);
	free(packed);
	return written;
}

/* ---- processors ---- */

static size_t put_block(uint8_t *to, uint32_t kind, const uint64_t *values, size_t count)
{
	put32(to, kind);
	put32(to + 4, count * 8);
	for (size_t i = 0; i < count; i++)
		put64(to + 16 + i * 8, values[i]);
	return 16 + count * 8;
}

/* Of each processor general registers and control registers; of ARM64 nothing. */
static void add_processors(const struct world *w, struct storage *s)
{
	enum { ONE = 2 * 16 + 18 * 8 + 6 * 8, EXTRA = 8 };
	uint32_t count = w->config->arch == ARCH_ARM64 ? 0 : w->config->processors;
	size_t room = 16 + EXTRA + count * ONE + 16, used = 16 + EXTRA;
	uint8_t *state = xcalloc(1, room);
	put64(state + 8, EXTRA); /* where the first block is, behind the header */
	for (uint32_t i = 0; i < count; i++) {
		uint64_t general[18] = {0}, efer = config_is_64(w->config) ? 0xD01 : 0x800;
		uint64_t control[6] = {0x80050033,     0, machine_processor_cr3(w, i),
				       machine_cr4(w), 0, efer};
		used += put_block(state + used, 0x30005000, general, 18);
		used += put_block(state + used, 0x30007000, control, 6);
	}
	used += put_block(state + used, 0xF0000000, NULL, 0);
	if (used > INLINE_MOST)
		add_file(s, "partition_state", state, used);
	else
		add_array(s, "partition_state", state, (uint32_t)used);
	free(state);
}

/* ---- the file ---- */

static void put_header(struct output *file, uint64_t at, uint16_t sequence, uint64_t log_at)
{
	uint8_t header[46] = {0};
	put32(header, 0x01282014);
	put16(header + 8, sequence);
	put32(header + 10, 0x0400);
	put32(header + 22, PAGE_SIZE);
	put64(header + 26, log_at);
	put64(header + 34, PAGE_SIZE);
	put32(header + 42, 4096);
	put32(header + 4, crc32(header, sizeof(header)));
	output_write(file, at, header, sizeof(header));
}

static void put_log(struct output *file, uint64_t at)
{
	uint8_t log[34] = {0};
	put32(log, 0x01110003);
	put32(log + 13, 64); /* most entries; none is there */
	put32(log + 4, crc32(log, sizeof(log)));
	output_write(file, at, log, sizeof(log));
}

uint64_t vmrs_write(struct world *w, struct output *file, struct page **sorted)
{
	static const uint8_t zeros[32];
	struct storage s = {.file = file, .end = 8192 + PAGE_SIZE, .table = 1, .used = KEYS_HEADER};
	uint64_t pages = 0;
	size_t count;
	struct run *regions = output_regions(w, &count);
	(void)sorted;
	begin_objects(&s, 8192);
	uint64_t log_at = add_object(&s, 6, PAGE_SIZE);
	add_key(&s, NODE, "savedstate", false, zeros, 12);
	add_key(&s, 3, "VmVersion", false, (const uint8_t[8]){0, 0x0A}, 8);
	add_processors(w, &s);
	if (!w->config->vmrs_no_ranges)
		add_ranges(&s, regions, count);
	if (!w->config->vmrs_no_memory)
		pages = add_blocks(w, &s, regions, count);
	end_table(&s);
	put_log(file, log_at);
	put_header(file, 0, 7, log_at);
	put_header(file, 4096, 6, log_at);
	output_resize(file, s.end);
	free(regions);
	return pages;
}
