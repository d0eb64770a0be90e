/* See output.h. */
#include "corpus/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RAW_LIMIT_GIB = 1, GAP_PAGES = 256 };

void output_write(struct output *file, uint64_t offset, const void *bytes, size_t length)
{
	const char *from = bytes;
	while (length) {
		ssize_t done = pwrite(file->descriptor, from, length, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			die("cannot write '%s': %s", file->path, strerror(errno));
		from += done;
		offset += (uint64_t)done;
		length -= (size_t)done;
	}
	if (offset > file->size)
		file->size = offset;
}

void output_resize(struct output *file, uint64_t size)
{
	if (ftruncate(file->descriptor, (off_t)size))
		die("cannot set the size of '%s': %s", file->path, strerror(errno));
	file->size = size;
}

void output_page(struct output *file, struct page *page, uint64_t offset)
{
	output_write(file, offset, page->data, PAGE_SIZE);
	page->offset = offset;
}

static void set_bits(uint8_t *bitmap, uint64_t first, uint64_t count)
{
	for (; count && first % 8; first++, count--)
		bitmap[first / 8] |= (uint8_t)(1u << first % 8);
	memset(bitmap + first / 8, 0xFF, count / 8);
	for (first += count / 8 * 8, count %= 8; count; first++, count--)
		bitmap[first / 8] |= (uint8_t)(1u << first % 8);
}

struct bitmap output_bitmap(const struct world *w)
{
	const struct memory *m = &w->memory;
	const struct run *last = &m->runs[m->run_count - 1];
	struct bitmap b = {.bits = round_up(last->base + last->count, 32)};
	b.length = b.bits / 8;
	b.bytes = xcalloc(round_up(b.length, 8), 1);
	for (size_t i = 0; w->config->present_all && i < m->run_count; i++)
		set_bits(b.bytes, m->runs[i].base, m->runs[i].count);
	for (size_t i = 0; i < m->page_count; i++) {
		uint64_t pfn = m->pages[i].pfn;
		if (m->pages[i].absent)
			b.bytes[pfn / 8] &= (uint8_t) ~(1u << pfn % 8);
		else
			b.bytes[pfn / 8] |= (uint8_t)(1u << pfn % 8);
	}
	for (uint64_t i = 0; i < b.length; i += 4)
		b.present += (uint64_t)__builtin_popcountll(get32(b.bytes + i));
	return b;
}

/* Pages in ascending PFN order from `offset`; `sorted` steps along with the bitmap. */
void output_present(struct world *w, struct output *file, struct page **sorted,
		    const struct bitmap *b, uint64_t offset)
{
	uint64_t rank = 0, word = 0;
	for (size_t i = 0; i < w->memory.page_count; i++) {
		struct page *page = sorted[i];
		for (; word < page->pfn / 32; word++)
			rank += (uint64_t)__builtin_popcountll(get32(b->bytes + 4 * word));
		uint64_t bits = get32(b->bytes + 4 * word);
		uint64_t below = bits & ((UINT64_C(1) << page->pfn % 32) - 1);
		uint64_t place = rank + (uint64_t)__builtin_popcountll(below);
		if (!page->absent)
			output_page(file, page, offset + place * PAGE_SIZE);
	}
	output_resize(file, offset + b->present * PAGE_SIZE);
}

struct run *output_present_runs(const struct world *w, struct page **sorted, size_t *count)
{
	struct run *runs = NULL;
	size_t capacity = 0;
	*count = 0;
	for (size_t i = 0; i < w->memory.run_count; i++) {
		struct run rest = w->memory.runs[i];
		for (size_t k = 0; k < w->memory.page_count; k++) {
			uint64_t pfn = sorted[k]->pfn;
			if (!sorted[k]->absent || pfn < rest.base || pfn - rest.base >= rest.count)
				continue;
			runs = grow(runs, *count, &capacity, sizeof(*runs));
			if (pfn > rest.base)
				runs[(*count)++] = (struct run){rest.base, pfn - rest.base};
			rest.count -= pfn + 1 - rest.base;
			rest.base = pfn + 1;
		}
		runs = grow(runs, *count, &capacity, sizeof(*runs));
		if (rest.count)
			runs[(*count)++] = rest;
	}
	return runs;
}

uint64_t output_pages_in(const struct run *runs, size_t count)
{
	uint64_t pages = 0;
	for (size_t i = 0; i < count; i++)
		pages += runs[i].count;
	return pages;
}

void output_runs(struct world *w, struct output *file, struct page **sorted, const struct run *runs,
		 size_t run_count, uint64_t offset)
{
	size_t k = 0;
	for (size_t i = 0; i < run_count; i++) {
		for (; k < w->memory.page_count && sorted[k]->pfn < runs[i].base + runs[i].count;
		     k++) {
			if (sorted[k]->pfn >= runs[i].base && !sorted[k]->absent)
				output_page(file, sorted[k],
					    offset + (sorted[k]->pfn - runs[i].base) * PAGE_SIZE);
		}
		offset += runs[i].count * PAGE_SIZE;
	}
	output_resize(file, offset);
}

void output_zeros(struct world *w, struct output *file, uint64_t size)
{
	enum { BLOCK = 1 << 20 };
	if (size > (uint64_t)RAW_LIMIT_GIB << 30)
		die("a flat raw image of more than %d GiB: use 'container raw-sparse'",
		    RAW_LIMIT_GIB);
	for (size_t i = 0; i < w->memory.page_count; i++) {
		if (w->memory.pages[i].absent)
			die("a flat raw image cannot leave pages out: use 'container raw-sparse'");
	}
	uint8_t *zeros = xcalloc(1, BLOCK);
	for (uint64_t at = 0; at < size; at += BLOCK)
		output_write(file, at, zeros, (size_t)(size - at < BLOCK ? size - at : BLOCK));
	free(zeros);
}

struct run *output_regions(const struct world *w, size_t *count)
{
	struct run *regions = NULL;
	size_t capacity = 0;
	*count = 0;
	for (size_t i = 0; i < w->memory.run_count; i++) {
		struct run run = w->memory.runs[i];
		struct run *last = *count ? &regions[*count - 1] : NULL;
		uint64_t end = last ? last->base + last->count : 0;
		if (run.base - end < GAP_PAGES) {
			run.count += run.base - end;
			run.base = end;
		}
		if (last && run.base == end) {
			last->count += run.count;
			continue;
		}
		regions = grow(regions, *count, &capacity, sizeof(*regions));
		regions[(*count)++] = run;
	}
	return regions;
}
