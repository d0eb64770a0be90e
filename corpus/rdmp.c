/* See rdmp.h. Layout: the public kdmp-parser. */
#include "corpus/rdmp.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/header.h"

enum { RANGES_AT = 0x30, RANGE_SIZE = 16 };

static bool has_page(const struct bitmap *b, uint64_t pfn)
{
	return pfn < b->bits && (b->bytes[pfn / 8] >> pfn % 8 & 1);
}

static struct run *make_ranges(const struct bitmap *b, size_t *count)
{
	struct run *ranges = NULL;
	size_t capacity = 0;
	*count = 0;
	for (uint64_t pfn = 0; pfn < b->bits; pfn++) {
		if (!has_page(b, pfn))
			continue;
		if (*count && ranges[*count - 1].base + ranges[*count - 1].count == pfn) {
			ranges[*count - 1].count++;
			continue;
		}
		ranges = grow(ranges, *count, &capacity, sizeof(*ranges));
		ranges[(*count)++] = (struct run){pfn, 1};
	}
	return ranges;
}

/* Does the list end by its page count (type 10), or by a range of page 0? */
static bool is_counted(const struct config *c)
{
	return c->container == CONTAINER_RDMP_FULL || c->body == BODY_COUNTED;
}

static void put_body(const struct world *w, uint8_t *at, const struct run *ranges, size_t count,
		     uint64_t pages, uint64_t header, uint64_t first_page)
{
	put32(at, 0x40);
	memcpy(at + 4, "RDMP", 4);
	memcpy(at + 8, "DUMP", 4);
	put64(at + 0x10, first_page - header - 0x40 + 0x20);
	put64(at + 0x18, first_page);
	if (is_counted(w->config)) {
		put32(at + 0x20, count);
		put64(at + 0x28, pages + (uint64_t)w->config->bitmap_count_error);
	}
	for (size_t i = 0; i < count; i++) {
		put64(at + RANGES_AT + i * RANGE_SIZE, ranges[i].base);
		put64(at + RANGES_AT + i * RANGE_SIZE + 8, ranges[i].count);
	}
}

uint64_t rdmp_write(struct world *w, struct output *file, struct page **sorted)
{
	struct bitmap b = output_bitmap(w);
	uint8_t header[HEADER_ROOM];
	size_t count;
	if (!config_is_64(w->config))
		die("page ranges (RDMP) are known of 64-bit dumps only");
	struct run *ranges = make_ranges(&b, &count);
	uint32_t length =
		header_build(w, header, w->memory.runs, w->memory.run_count, w->memory.total_pages);
	uint64_t body = round_up(RANGES_AT + (count + 1) * RANGE_SIZE, PAGE_SIZE);
	uint8_t *bytes = xcalloc((size_t)body, 1);
	put_body(w, bytes, ranges, count, b.present, length, length + body);
	output_write(file, 0, header, length);
	output_write(file, length, bytes, (size_t)body);
	output_present(w, file, sorted, &b, length + body);
	free(bytes);
	free(ranges);
	free(b.bytes);
	return b.present;
}
