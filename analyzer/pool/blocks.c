/*
 * Samples of live allocations: big ones at even steps over the big-page table, small ones by their
 * headers in pages near the big ones of either pool.
 */
#include "analyzer/pool/blocks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	PAGE = 4096,
	SEGMENT_HEAP_BUILD = 18362,
	VISTA_BUILD = 6000,
	SERVER_2003_BUILD = 3700,
	PLACES = 64,        /* neighbourhoods that are searched */
	NEIGHBOURHOOD = 64, /* pages each */
	PROTECTED_BIT_CLEAR = 0x7fffffff,
};

static bool type_in_use(unsigned type, uint64_t build)
{
	if (build >= VISTA_BUILD || build == 0)
		return type & 2;
	/* XP has no bit of its own: 0 is free */
	return build >= SERVER_2003_BUILD ? type & 4 : type != 0;
}

struct header {
	unsigned previous, size; /* granules */
	unsigned type;
	uint32_t tag;
};

static unsigned bits_at(struct bytes *b, size_t at, struct bit_range range)
{
	unsigned first = range.first % 32, count = range.count;
	uint64_t word = bytes_u32(b, at + range.first / 32 * 4);

	return (unsigned)(word >> first & ((UINT64_C(1) << count) - 1));
}

static struct header read_header(struct bytes *b, size_t at, const struct header_layout *layout)
{
	return (struct header){
		.previous = bits_at(b, at, layout->previous),
		.size = bits_at(b, at, layout->blocks),
		.type = bits_at(b, at, layout->type),
		.tag = bytes_u32(b, at + layout->tag_offset) & PROTECTED_BIT_CLEAR,
	};
}

size_t pool_page_cut(const uint8_t *page, const struct header_layout *layout, uint64_t build,
		     struct pool_page_block ret[POOL_PAGE_BLOCKS])
{
	unsigned granule = layout->size;
	struct bytes b = bytes_of(page, PAGE);
	unsigned before = 0;
	size_t count = 0;
	uint32_t at = 0;

	while (at + granule <= PAGE && count < POOL_PAGE_BLOCKS) {
		struct header h = read_header(&b, at, layout);
		uint32_t bytes = h.size * granule;

		if (h.size == 0 || h.previous != before || bytes > PAGE - at)
			return 0;
		ret[count++] = (struct pool_page_block){
			.offset = at,
			.bytes = bytes,
			.tag = h.tag,
			.in_use = type_in_use(h.type, build),
		};
		before = h.size;
		at += bytes;
	}
	return at == PAGE ? count : 0;
}

size_t pool_page_find(const uint8_t *page, const struct header_layout *layout, uint32_t tag,
		      struct pool_page_block *ret, size_t limit)
{
	unsigned granule = layout->size;
	struct bytes b = bytes_of(page, PAGE);
	size_t count = 0;
	uint32_t at = 0;

	while (at + 2 * granule <= PAGE && count < limit) {
		struct header h = read_header(&b, at, layout);
		uint32_t bytes = h.size * granule;
		bool fits = h.tag == tag && h.size >= 2 && bytes <= PAGE - at;

		/* POOL_TYPE bits up to QUOTA, among them the one for "in use" */
		if (!fits || !(h.type & 2) || h.type & ~0x0fU) {
			at += granule;
			continue;
		}
		ret[count++] = (struct pool_page_block){
			.offset = at, .bytes = bytes, .tag = h.tag, .in_use = true};
		at += bytes;
	}
	return count;
}

static struct block_sample *sample_of(struct blocks *blocks, uint32_t tag)
{
	for (size_t i = 0; i < blocks->count; i++) {
		if (blocks->samples[i].tag == tag)
			return &blocks->samples[i];
	}
	return NULL;
}

/* Places of big allocations of one pool, near which small ones are looked for. */
struct places {
	uint64_t items[PLACES]; /* VAs */
	size_t count;
	uint64_t seen, step;
};

static void keep_place(struct places *places, const struct big_entry *entry)
{
	if (places->seen++ % places->step == 0 && places->count < PLACES)
		places->items[places->count++] = entry->va;
}

/* Every step-th live allocation of the tag, so that the sample spans the whole table. */
static void keep_big(struct block_sample *s, const struct big_entry *entry)
{
	uint64_t step = s->big_live / BLOCK_SAMPLE + 1;
	uint64_t seen = s->big_count; /* counts all while the table is walked */

	s->big_count++;
	if (seen % step != 0 || s->count == BLOCK_SAMPLE)
		return;
	s->items[s->count++] = (struct block){.va = entry->va, .bytes = entry->bytes};
}

static enum ps_status walk_big(const struct big_pages *big, struct blocks *blocks,
			       struct places places[2], struct ps_error *err)
{
	struct big_iterator it;
	struct big_entry entry;
	bool found = true;
	enum ps_status status = big_iterator_init(&it, big, err);

	while (status == PS_OK && found) {
		struct block_sample *s;

		status = big_iterator_next(&it, &entry, &found, err);
		if (status != PS_OK || !found || entry.freed)
			continue;
		keep_place(&places[entry.kind == POOL_PAGED], &entry);
		s = sample_of(blocks, entry.tag);
		if (s)
			keep_big(s, &entry);
	}
	big_iterator_fini(&it);
	for (size_t i = 0; i < blocks->count; i++)
		blocks->samples[i].big_count = blocks->samples[i].count;
	return status;
}

static void keep_small(struct block_sample *s, uint64_t page_va, unsigned header,
		       const struct pool_page_block *cut, size_t count)
{
	unsigned here = 0;

	for (size_t i = 0; i < count && here < BLOCK_SMALL_PER_PAGE; i++) {
		if (cut[i].tag != s->tag || !cut[i].in_use || cut[i].bytes <= header ||
		    s->small_count == BLOCK_SAMPLE)
			continue;
		s->items[s->count++] = (struct block){
			.va = page_va + cut[i].offset + header,
			.bytes = cut[i].bytes - header,
			.small = true,
		};
		s->small_count++;
		here++;
	}
}

static void look_at_page(struct pools *pools, uint64_t va, struct blocks *blocks)
{
	const struct kernel *k = pools->kernel;
	uint64_t build = k->build.known ? k->build.value : 0;
	const struct header_layout *layout = &pools->globals.header;
	struct pool_page_block cut[POOL_PAGE_BLOCKS];
	uint8_t page[PAGE];
	size_t count;

	blocks->pages_tried++;
	if (space_read_partial(k->space, va, page, PAGE, NULL) != PAGE)
		return;
	blocks->pages_present++;
	count = pool_page_cut(page, layout, build, cut);
	blocks->pages_chained += count > 0;
	for (size_t i = 0; i < blocks->count; i++) {
		struct block_sample *s = &blocks->samples[i];

		if (count == 0 && build >= SEGMENT_HEAP_BUILD) {
			size_t found =
				pool_page_find(page, layout, s->tag, cut, BLOCK_SMALL_PER_PAGE);

			keep_small(s, va, layout->size, cut, found);
			blocks->unchained |= found > 0;
		} else {
			keep_small(s, va, layout->size, cut, count);
		}
	}
}

static int compare_places(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* The pages on both sides of each place; what two places share is looked at once. */
static enum ps_status search_small(struct pools *pools, struct places *places,
				   struct blocks *blocks, struct ps_error *err)
{
	uint64_t done = 0, tried = blocks->pages_tried;

	qsort(places->items, places->count, sizeof(places->items[0]), compare_places);
	for (size_t i = 0; i < places->count; i++) {
		uint64_t middle = places->items[i] & ~(uint64_t)(PAGE - 1);
		uint64_t half = NEIGHBOURHOOD / 2 * (uint64_t)PAGE;
		uint64_t from = middle > half ? middle - half : 0;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		for (uint64_t n = 0; n < NEIGHBOURHOOD; n++) {
			uint64_t va = from + n * PAGE;

			if (va < done || !space_is_kernel_address(pools->kernel->space, va) ||
			    blocks->pages_tried - tried == BLOCK_PAGE_BUDGET)
				continue;
			look_at_page(pools, va, blocks);
			done = va + PAGE;
		}
	}
	return PS_OK;
}

static void count_live(const struct big_pages *big, struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		const struct big_sum *sum = big_pages_sum(big, blocks->samples[i].tag);

		if (sum)
			blocks->samples[i].big_live =
				sum->nonpaged_count + sum->paged_count + sum->unknown_count;
	}
}

static void say_unchained(struct blocks *blocks)
{
	if (blocks->unchained)
		snprintf(blocks->note, sizeof(blocks->note),
			 "smaller allocations were found by their headers in the segment heap, "
			 "where no chain proves them; freed ones may be among them");
}

static enum ps_status fill(struct pools *pools, struct blocks *blocks, struct ps_error *err)
{
	struct places places[2] = {{.count = 0}, {.count = 0}};
	enum ps_status status;

	if (!pools->big_available) {
		snprintf(
			blocks->note, sizeof(blocks->note),
			"no allocation was sampled: the big-page table cannot be read, and without "
			"it nothing says where pool lies");
		return PS_OK;
	}
	count_live(&pools->big, blocks);
	places[0].step = places[1].step = pools->big.in_use / (2 * PLACES) + 1;
	status = walk_big(&pools->big, blocks, places, err);
	for (unsigned pool = 0; pool < 2 && status == PS_OK; pool++)
		status = search_small(pools, &places[pool], blocks, err);
	say_unchained(blocks);
	return status;
}

enum ps_status blocks_sample(struct pools *pools, const uint32_t *tags, size_t count,
			     struct blocks *ret, struct ps_error *err)
{
	*ret = (struct blocks){.count = count};
	ret->samples = mem_array(count, sizeof(*ret->samples));
	if (!ret->samples)
		return ps_fail_memory(err, "the sample of allocations");
	for (size_t i = 0; i < count; i++)
		ret->samples[i].tag = tags[i];
	return fill(pools, ret, err);
}

void blocks_fini(struct blocks *blocks)
{
	free(blocks->samples);
	*blocks = (struct blocks){.samples = NULL};
}
