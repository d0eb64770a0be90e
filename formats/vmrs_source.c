/*
 * Pages of a saved Hyper-V machine. A block is 1 MiB as it is, or a stream of tagged pages: packed
 * with plain Xpress, stored, or filled with eight bytes. Where in a block its pages begin is kept
 * for the blocks used last, and so are unpacked pages.
 *
 * Not supported: pages of a length of their own, which end what is known of a block.
 *
 * Sources: OpenVMM's description of the format (blocks); vmkatz (vmrs.rs) and
 * Pascal Beyer's snapshot fuzzer (vmrs.c), for the tags.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/unpacked.h"
#include "formats/vmrs.h"
#include "formats/xpress.h"

enum {
	KEPT_BLOCKS = 64,
	KEPT_PAGES = 1024, /* 4 MiB */
};

/* Instead of the length of a page. */
static const uint32_t tag_end = 0xffffffff, tag_fill = 0xfffffffe, tag_fill_many = 0xfffffffd;

/* Where a page's bytes are in its block; a page that is filled has 8. */
struct place {
	uint32_t at, size;
	bool fill;
};

struct layout {
	size_t block;   /* index of it, plus 1; 0: none */
	unsigned pages; /* whose places are known */
	enum page_state beyond;
	struct place places[VMRS_BLOCK_PAGES];
};

struct vmrs_memory {
	struct page_source base;
	struct file *file; /* borrowed */
	struct vmrs_block *blocks;
	size_t count, capacity;
	struct layout *layouts; /* KEPT_BLOCKS of them */
	struct unpacked pages;  /* by their place in the machine's memory */
};

struct vmrs_memory *vmrs_create(struct file *file)
{
	struct vmrs_memory *m = mem_array(1, sizeof(*m));

	if (!m)
		return NULL;
	m->file = file;
	m->layouts = mem_array(KEPT_BLOCKS, sizeof(*m->layouts));
	if (m->layouts && unpacked_init(&m->pages, KEPT_PAGES, PAGE_SIZE))
		return m;
	vmrs_destroy(m);
	return NULL;
}

void vmrs_destroy(struct vmrs_memory *memory)
{
	if (!memory)
		return;
	free(memory->blocks);
	free(memory->layouts);
	unpacked_fini(&memory->pages);
	free(memory);
}

bool vmrs_add(struct vmrs_memory *memory, struct vmrs_block block)
{
	if (!mem_grow((void **)&memory->blocks, memory->count, &memory->capacity, sizeof(block)))
		return false;
	memory->blocks[memory->count++] = block;
	return true;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct vmrs_block *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

const struct vmrs_block *vmrs_blocks(struct vmrs_memory *memory, size_t *ret_count)
{
	size_t used = 0;

	if (memory->count > 0)
		qsort(memory->blocks, memory->count, sizeof(*memory->blocks), compare_blocks);
	for (size_t i = 0; i < memory->count; i++)
		if (used == 0 || memory->blocks[i].number != memory->blocks[used - 1].number)
			memory->blocks[used++] = memory->blocks[i];
	memory->count = used;
	*ret_count = used;
	return memory->blocks;
}

/* ---- where the pages of a block are ---- */

static enum page_state state_of(enum ps_status status)
{
	return status == PS_ABSENT ? PAGE_BEYOND_EOF : PAGE_IO_ERROR;
}

/* Adds `count` pages that all have this place. False: they are more than a block has. */
static bool add_places(struct layout *l, uint64_t count, struct place place)
{
	if (count > VMRS_BLOCK_PAGES - l->pages)
		return false;
	while (count-- > 0)
		l->places[l->pages++] = place;
	return true;
}

/* One tag at `at`; *at becomes the place of the next. False: nothing more can be known. */
static bool read_tag(struct vmrs_memory *m, const struct vmrs_block *block, uint32_t *at,
		     struct layout *l)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t left = block->size - *at;
	uint8_t raw[16];
	size_t size = left < sizeof(raw) ? left : sizeof(raw);
	struct bytes b = bytes_of(raw, size);
	enum ps_status status = file_read(m->file, block->at + *at, raw, size, &ignored);
	uint32_t tag = bytes_u32(&b, 0), body = *at + 4;
	struct place place = {.at = body, .size = 8, .fill = true};
	uint64_t count = 1;

	l->beyond = status == PS_OK ? PAGE_DAMAGED : state_of(status);
	if (status != PS_OK || b.overrun || tag == tag_end)
		return false;
	if (tag == tag_fill_many) {
		count = bytes_u32(&b, 12);
		*at = body + 12;
	} else if (tag == tag_fill) {
		*at = body + 8;
	} else if (tag > 0 && tag <= PAGE_SIZE) {
		place = (struct place){.at = body, .size = tag};
		*at = body + tag;
	} else {
		return false;
	}
	if (b.overrun || *at > block->size)
		return false;
	return add_places(l, count, place);
}

static struct layout *find_layout(struct vmrs_memory *m, size_t index)
{
	const struct vmrs_block *block = &m->blocks[index];
	struct layout *l = &m->layouts[index % KEPT_BLOCKS];
	uint32_t at = 0;

	if (l->block == index + 1)
		return l;
	l->block = index + 1;
	l->pages = 0;
	l->beyond = PAGE_DAMAGED;
	if (block->size == VMRS_BLOCK)
		for (; l->pages < VMRS_BLOCK_PAGES; at += PAGE_SIZE)
			l->places[l->pages++] = (struct place){.at = at, .size = PAGE_SIZE};
	while (l->pages < VMRS_BLOCK_PAGES && at < block->size && read_tag(m, block, &at, l))
		continue;
	return l;
}

/* ---- pages ---- */

static enum page_state unpack_from(struct vmrs_memory *m, size_t index, uint64_t page, uint8_t *to)
{
	const struct vmrs_block *block = &m->blocks[index];
	const struct layout *l = find_layout(m, index);
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t packed[PAGE_SIZE];
	const struct place *place;
	enum ps_status status;

	if (page >= l->pages)
		return l->beyond;
	place = &l->places[page];
	status = file_read(m->file, block->at + place->at, packed, place->size, &ignored);
	if (status != PS_OK)
		return state_of(status);
	if (place->fill)
		for (size_t i = 0; i < PAGE_SIZE; i += 8)
			memcpy(to + i, packed, 8);
	else if (place->size == PAGE_SIZE)
		memcpy(to, packed, PAGE_SIZE);
	else if (!xpress_lz77(packed, place->size, to, PAGE_SIZE))
		return PAGE_DAMAGED;
	return PAGE_PRESENT;
}

/* Index of the block with this number; `count` when there is none. */
static size_t find_block(const struct vmrs_memory *m, uint64_t number)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->blocks[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->count && m->blocks[low].number == number ? low : m->count;
}

static enum page_state unpack(void *container, uint64_t place, uint8_t *to)
{
	struct vmrs_memory *m = container;
	size_t index = find_block(m, place / VMRS_BLOCK_PAGES);

	if (index == m->count)
		return PAGE_NOT_IN_DUMP;
	return unpack_from(m, index, place % VMRS_BLOCK_PAGES, to);
}

static enum page_state vmrs_read(struct page_source *source, const struct extent *page, size_t skip,
				 void *to, size_t length)
{
	struct vmrs_memory *m = (struct vmrs_memory *)source;
	const uint8_t *bytes;
	enum page_state state =
		unpacked_get(&m->pages, page->offset >> PAGE_SHIFT, unpack, m, &bytes);

	if (state == PAGE_PRESENT)
		memcpy(to, bytes + skip, length);
	return state;
}

static void vmrs_prefetch(struct page_source *source, uint64_t pfn, uint64_t count)
{
	/* Only the map knows what lies at a page; neighbours are in one block in any case. */
	(void)source;
	(void)pfn;
	(void)count;
}

static void vmrs_close(struct page_source *source)
{
	vmrs_destroy((struct vmrs_memory *)source);
}

struct page_source *vmrs_source(struct vmrs_memory *memory)
{
	static const struct page_source_ops ops = {
		.read = vmrs_read, .prefetch = vmrs_prefetch, .close = vmrs_close};

	memory->base.ops = &ops;
	return &memory->base;
}
