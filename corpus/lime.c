/*
 * See lime.h. AVML splits its ranges into blocks of 16 MiB, leaves out those of zeros, and packs
 * each with its length behind it.
 *
 * Does not: the formats without headers, which are raw images.
 * Layouts: LiME's lime.h and main.c; AVML's image.rs and snappy.rs.
 */
#include "corpus/lime.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/snappy.h"

enum { HEADER = 32, BLOCK_PAGES = 4096, CHUNK_PAGES = SNAPPY_CHUNK / PAGE_SIZE };

/* Steps along the touched pages in the order of their PFN. */
struct cursor {
	struct page **sorted;
	size_t count, next;
};

/* The touched page of this PFN, or NULL; PFNs must not fall. */
static struct page *find_page(struct cursor *c, uint64_t pfn)
{
	while (c->next < c->count && c->sorted[c->next]->pfn < pfn)
		c->next++;
	return c->next < c->count && c->sorted[c->next]->pfn == pfn ? c->sorted[c->next] : NULL;
}

/* Whether some byte of the block is not zero; if none is, the block is left out. */
static bool keep_block(struct cursor c, const struct run *block)
{
	static const uint8_t zeros[PAGE_SIZE];
	bool keep = false;
	for (uint64_t pfn = block->base; pfn < block->base + block->count; pfn++) {
		struct page *page = find_page(&c, pfn);
		keep |= page && memcmp(page->data, zeros, PAGE_SIZE) != 0;
	}
	return keep;
}

static void leave_out(struct cursor c, const struct run *block)
{
	for (uint64_t pfn = block->base; pfn < block->base + block->count; pfn++) {
		struct page *page = find_page(&c, pfn);
		if (page)
			page->absent = true;
	}
}

static void write_header(struct output *file, const struct run *block, bool packed)
{
	uint8_t header[HEADER] = {0};
	memcpy(header, packed ? "AVML" : "EMiL", 4);
	put32(header + 4, packed ? 2 : 1);
	put64(header + 8, block->base << PAGE_SHIFT);
	put64(header + 16, ((block->base + block->count) << PAGE_SHIFT) - 1);
	output_write(file, file->size, header, HEADER);
}

static void write_plain(struct output *file, struct cursor *c, const struct run *block)
{
	uint64_t start = file->size;
	for (uint64_t pfn = block->base; pfn < block->base + block->count; pfn++) {
		struct page *page = find_page(c, pfn);
		if (page && !page->absent)
			output_page(file, page, start + ((pfn - block->base) << PAGE_SHIFT));
	}
	output_resize(file, start + (block->count << PAGE_SHIFT));
}

static void write_packed(struct output *file, struct cursor *c, const struct run *block)
{
	static uint8_t chunk[SNAPPY_CHUNK], packed[SNAPPY_CHUNK_ROOM];
	uint64_t start = file->size;
	output_write(file, start, "\xFF\x06\0\0sNaPpY", 10);
	for (uint64_t done = 0; done < block->count; done += CHUNK_PAGES) {
		uint64_t left = block->count - done;
		uint64_t pages = left < CHUNK_PAGES ? left : CHUNK_PAGES;
		memset(chunk, 0, sizeof(chunk));
		for (uint64_t i = 0; i < pages; i++) {
			struct page *page = find_page(c, block->base + done + i);
			if (!page || page->absent)
				continue;
			memcpy(chunk + i * PAGE_SIZE, page->data, PAGE_SIZE);
			page->offset = file->size;
		}
		output_write(file, file->size, packed,
			     snappy_chunk(chunk, (size_t)pages * PAGE_SIZE, packed));
	}
	uint8_t length[8];
	put64(length, file->size - start);
	output_write(file, file->size, length, sizeof(length));
}

uint64_t lime_write(struct world *w, struct output *file, struct page **sorted)
{
	bool packed = w->config->container == CONTAINER_AVML;
	uint64_t longest = packed || w->config->lime_avml ? BLOCK_PAGES : UINT64_MAX;
	struct cursor cursor = {.sorted = sorted, .count = w->memory.page_count};
	uint64_t pages = 0;
	size_t count;
	struct run *runs = output_present_runs(w, sorted, &count);
	for (size_t i = 0; i < count; i++) {
		for (uint64_t done = 0; done < runs[i].count;) {
			uint64_t left = runs[i].count - done;
			struct run block = {runs[i].base + done, left < longest ? left : longest};
			done += block.count;
			if (longest != UINT64_MAX && !keep_block(cursor, &block)) {
				leave_out(cursor, &block);
				continue;
			}
			write_header(file, &block, packed);
			(packed ? write_packed : write_plain)(file, &cursor, &block);
			pages += block.count;
		}
	}
	free(runs);
	return pages;
}
