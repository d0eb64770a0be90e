/* See minidump.h. Layout: public TRIAGE_DUMP structures, as real minidumps have them. */
#include "corpus/minidump.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/header.h"
#include "corpus/kdbg.h"

enum {
	FILLER_BLOCK = 0x80, /* room for the triage header */
	UNLOADED_CHARACTERS = 12,
	STACK_BYTES = 0x900,
	OTHER_BYTES = 0x200, /* of the processor, process and thread blocks each */
	PIECES_MOST = 4096,
};

/* What differs between 32 and 64 bits. */
struct shape {
	unsigned width;
	unsigned data_page, kdbg, blocks; /* in the triage header */
	unsigned driver, driver_link;     /* bytes of an entry, and of NameOffset before the KLDR */
	unsigned base, entry, size, checksum, timestamp; /* in the KLDR */
	unsigned unloaded, unloaded_count;
	unsigned mm;
};

static const struct shape shapes[] = {
	{4, 0x4C, 0x58, 0x60, 0x4C, 4, 0x18, 0x1C, 0x20, 0x40, 0x44, 0x28, 4, 0x34},
	{8, 0x60, 0x70, 0x78, 0x90, 8, 0x30, 0x38, 0x40, 0x78, 0x80, 0x38, 8, 0x50},
};

struct piece {
	uint64_t va, offset;
	uint32_t length;
};

/* The file as it grows. */
struct build {
	struct world *w;
	const struct shape *shape;
	uint8_t *bytes;
	size_t size, capacity;
	size_t head; /* the triage header */
	struct piece pieces[PIECES_MOST];
	size_t piece_count;
	struct rng rng;
};

/* Zeroed room at the end of the file; returns its offset. */
static size_t add_room(struct build *b, size_t length)
{
	size_t at = b->size, need = at + length;
	if (need > b->capacity) {
		b->capacity = 2 * need;
		b->bytes = realloc(b->bytes, b->capacity);
		if (!b->bytes)
			die("out of memory");
	}
	memset(b->bytes + at, 0, length);
	b->size = need;
	return at;
}

static size_t add_random(struct build *b, size_t length)
{
	size_t at = add_room(b, length);
	for (size_t i = 0; i < length; i++)
		b->bytes[at + i] = (uint8_t)rng_next(&b->rng);
	return at;
}

static void set_head(struct build *b, unsigned offset, uint64_t value)
{
	put32(b->bytes + b->head + offset, value);
}

static void add_piece(struct build *b, uint64_t va, uint32_t length, size_t offset)
{
	if (b->piece_count == PIECES_MOST)
		die("a minidump of more than %d pieces", PIECES_MOST);
	b->pieces[b->piece_count++] = (struct piece){va, offset, length};
}

/* A piece with the bytes that the machine has there. */
static void copy_piece(struct build *b, uint64_t va, uint32_t length)
{
	size_t at = add_room(b, length);
	for (uint32_t i = 0; i < length; i++) {
		if (!memory_is_mapped(&b->w->memory, va + i))
			return; /* as far as there is memory; the bytes stay unused */
		b->bytes[at + i] = *memory_at(&b->w->memory, va + i);
	}
	add_piece(b, va, length, at);
}

void minidump_totals(const struct world *w, uint64_t counts[MM_COUNTS])
{
	uint64_t sums[SIDES] = {0}, ram = w->memory.total_pages;
	memset(counts, 0, MM_COUNTS * sizeof(*counts));
	if (!w->config->minidump_mm)
		return;
	for (size_t i = 0; i < w->tag_count; i++) {
		sums[SIDE_NONPAGED] += w->tags[i].side[SIDE_NONPAGED].bytes;
		sums[SIDE_PAGED] += w->tags[i].side[SIDE_PAGED].bytes;
	}
	counts[0] = config_is_64(w->config) ? UINT64_C(0x100000000) : 0x30000;
	counts[1] = pages_of(sums[SIDE_NONPAGED]);
	counts[2] = config_is_64(w->config) ? UINT64_C(0xF00000000) : 0x50000;
	counts[3] = pages_of(sums[SIDE_PAGED]);
	counts[4] = counts[1] + counts[3] + ram / 3;
	counts[5] = counts[4] + ram / 5;
	counts[6] = 5 * ram / 2;
	if (counts[6] < 2 * counts[4])
		counts[6] = 2 * counts[4];
}

static void add_mm(struct build *b)
{
	uint64_t counts[MM_COUNTS];
	size_t at = add_room(b, b->shape->mm);
	set_head(b, 0x14, at);
	put32(b->bytes + at, 1);
	put32(b->bytes + at + 4, b->shape->mm);
	minidump_totals(b->w, counts);
	for (unsigned i = 0; i < MM_COUNTS; i++)
		put_width(b->bytes + at + 0x18 + i * b->shape->width, counts[i], b->shape->width);
}

/* The newest first. */
static void add_unloaded(struct build *b)
{
	const struct world *w = b->w;
	unsigned width = b->shape->width, text = 2 * width;
	size_t at = add_room(b, b->shape->unloaded_count + w->unloaded_count * b->shape->unloaded);
	set_head(b, 0x18, at);
	put_width(b->bytes + at, w->unloaded_count, b->shape->unloaded_count);
	for (size_t i = 0; i < w->unloaded_count; i++) {
		const struct unloaded *u = &w->unloaded[w->unloaded_count - 1 - i];
		uint8_t *entry = b->bytes + at + b->shape->unloaded_count + i * b->shape->unloaded;
		size_t length = strnlen(u->name, UNLOADED_CHARACTERS);
		put16(entry, 2 * length);
		put16(entry + 2, 2 * length);
		for (size_t k = 0; k < length; k++)
			put16(entry + text + 2 * k, (unsigned char)u->name[k]);
		put_width(entry + text + 24, u->start, width);
		put_width(entry + text + 24 + width, u->end, width);
	}
}

static void add_blocks_of_processor(struct build *b)
{
	set_head(b, 0x1C, add_random(b, OTHER_BYTES));
	set_head(b, 0x20, add_random(b, OTHER_BYTES));
	set_head(b, 0x24, add_random(b, OTHER_BYTES));
}

static void add_stack(struct build *b)
{
	uint64_t top = b->w->config->nonpaged.start + 0x123456EE8 % 0x100000;
	size_t at = add_random(b, STACK_BYTES);
	set_head(b, 0x28, at);
	set_head(b, 0x2C, STACK_BYTES);
	put_width(b->bytes + b->head + 0x48, top, b->shape->width);
}

static void add_kdbg(struct build *b)
{
	uint8_t block[KDBG_ROOM];
	if (b->w->config->kdbg == KDBG_NONE || b->w->config->minidump_no_kdbg)
		return;
	uint32_t length = kdbg_build(b->w, block);
	size_t at = add_room(b, length);
	memcpy(b->bytes + at, block, length);
	set_head(b, b->shape->kdbg, at);
	set_head(b, b->shape->kdbg + 4, length);
}

static size_t add_name(struct build *b, const char *path)
{
	size_t length = strlen(path), at = add_room(b, round_up(4 + 2 * length + 2, 8));
	put32(b->bytes + at, length);
	for (size_t i = 0; i < length; i++)
		put16(b->bytes + at + 4 + 2 * i, (unsigned char)path[i]);
	return at;
}

static void add_drivers(struct build *b)
{
	const struct world *w = b->w;
	const struct shape *s = b->shape;
	size_t list = add_room(b, w->module_count * s->driver), pool = b->size;
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		size_t name = add_name(b, m->path);
		uint8_t *entry = b->bytes + list + i * s->driver, *ldr = entry + s->driver_link;
		put32(entry, name);
		put_width(ldr + s->base, m->base, s->width);
		put32(ldr + s->size, m->size);
		put32(ldr + s->checksum, m->checksum);
		put32(ldr + s->timestamp, m->timestamp);
	}
	set_head(b, 0x30, list);
	set_head(b, 0x34, w->module_count);
	set_head(b, 0x38, pool);
	set_head(b, 0x3C, b->size - pool);
}

static void add_data_page(struct build *b)
{
	uint64_t va = global_address(b->w, "PoolTrackTable") / PAGE_SIZE * PAGE_SIZE;
	uint8_t *head;
	if (!memory_is_mapped(&b->w->memory, va))
		return;
	size_t at = add_room(b, PAGE_SIZE);
	memcpy(b->bytes + at, memory_at(&b->w->memory, va), PAGE_SIZE);
	head = b->bytes + b->head + b->shape->data_page;
	put_width(head, va, b->shape->width);
	put32(head + b->shape->width, at);
	put32(head + b->shape->width + 4, PAGE_SIZE);
}

/* Of every other driver the pages with headers and debug directory, as Windows picks some. */
static void copy_pieces(struct build *b)
{
	struct world *w = b->w;
	uint64_t lab = global_address(w, "NtBuildLab");
	copy_piece(b, lab, 0x80);
	if (w->config->minidump_overlap) {
		copy_piece(b, lab - 0x10, 0x40);
		copy_piece(b, lab + 0x20, 0x20);
	}
	if (global_address(w, "CmNtCSDVersion"))
		copy_piece(b, global_address(w, "CmNtCSDVersion"), 4);
	copy_piece(b, global_address(w, "KiProcessorBlock"), b->shape->width);
	for (size_t i = 2; i < w->module_count; i += 2) {
		const struct module *m = &w->modules[i];
		copy_piece(b, m->base, 0x400);
		copy_piece(b, m->base + m->size - 0x3000, PAGE_SIZE);
	}
	for (size_t i = 1; i < w->module_count; i += 3)
		copy_piece(b, w->modules[i].entry, 8 + (uint32_t)rng_below(&b->rng, 0x40));
}

static void add_pieces(struct build *b)
{
	size_t count, at;
	copy_pieces(b);
	count = b->piece_count;
	at = add_room(b, count * (b->shape->width + 8));
	set_head(b, b->shape->blocks, at);
	set_head(b, b->shape->blocks + 4, count);
	for (size_t i = 0; i < count; i++, at += b->shape->width + 8) {
		put_width(b->bytes + at, b->pieces[i].va, b->shape->width);
		put32(b->bytes + at + b->shape->width, b->pieces[i].offset);
		put32(b->bytes + at + b->shape->width + 4, b->pieces[i].length);
	}
}

/* Blobs with a GUID of their own, of growing size. */
static void add_secondary(struct build *b)
{
	uint32_t count = b->w->config->minidump_secondary;
	size_t at;
	if (!count)
		return;
	at = add_room(b, 0x10);
	memcpy(b->bytes + at, "DumpBlob", 8);
	put32(b->bytes + at + 8, 0x10);
	put32(b->bytes + at + 12, 0xF0000000 | b->w->config->build);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t length = i * 0x123, after = (uint32_t)(round_up(length, 8) - length);
		at = add_room(b, 0x20);
		put32(b->bytes + at, 0x20);
		for (unsigned k = 0; k < 16; k++)
			b->bytes[at + 4 + k] = (uint8_t)(i * 16 + k);
		put32(b->bytes + at + 0x14, length);
		put32(b->bytes + at + 0x18, 8);
		put32(b->bytes + at + 0x1C, after);
		add_random(b, 8 + length + after);
	}
}

static void add_body(struct build *b)
{
	size_t end;
	b->head = add_room(b, FILLER_BLOCK);
	set_head(b, 0x0C, config_is_64(b->w->config) ? 0x348 : 0x320);
	set_head(b, 0x10, config_is_64(b->w->config) ? 0xF00 : 0x7D0);
	set_head(b, 0x44, 0xFFFFFFFF);
	add_mm(b);
	add_unloaded(b);
	add_blocks_of_processor(b);
	add_stack(b);
	add_kdbg(b);
	add_drivers(b);
	add_data_page(b);
	add_pieces(b);
	end = add_room(b, 4);
	memcpy(b->bytes + end, "TRGD", 4);
	set_head(b, 0x08, end);
	set_head(b, 0x04, b->size);
	add_secondary(b);
}

void minidump_write(struct world *w, struct output *file)
{
	static const struct run none[1];
	struct build *b = xcalloc(1, sizeof(*b));
	uint8_t header[HEADER_ROOM];
	/* More runs than fit: the fields keep their filler, as in real minidumps. */
	uint32_t length = header_build(w, header, none, SIZE_MAX, 0);
	b->w = w;
	b->shape = &shapes[config_is_64(w->config)];
	b->rng = rng_fork(w->config->seed, "minidump");
	memcpy(b->bytes = xcalloc(length, 1), header, length);
	b->size = b->capacity = length;
	add_body(b);
	output_write(file, 0, b->bytes, b->size);
	free(b->bytes);
	free(b);
}
