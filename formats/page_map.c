/*
 * Page frame number -> file offset, over sorted runs or over a bitmap with a rank index.
 *
 * The rank index makes both directions cheap: the pages before a bit are one index entry and at
 * most one block of bits, and since the entries grow by exactly RANK_BLOCK (all present) or 0 (all
 * absent) over uniform blocks, the end of a long stretch is found by searching the index and not
 * the bits.
 */
#include "formats/page_map.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"

enum { WORD_BITS = 64, BLOCK_WORDS = RANK_BLOCK / WORD_BITS, BLOCK_BYTES = RANK_BLOCK / 8 };

/* Physical addresses have 64 bits: page frame numbers stay below this. */
static const uint64_t PFN_LIMIT = UINT64_C(1) << (64 - PAGE_SHIFT);

void page_map_init(struct page_map *map, uint64_t file_size)
{
	*map = (struct page_map){.kind = PAGE_MAP_NONE, .file_size = file_size};
}

void page_map_fini(struct page_map *map)
{
	free(map->runs);
	free(map->bits);
	free(map->rank);
	page_map_init(map, map->file_size);
}

/* Whole pages that the file holds from `offset` on. */
static uint64_t pages_from(const struct page_map *map, uint64_t offset)
{
	return offset < map->file_size ? (map->file_size - offset) >> PAGE_SHIFT : 0;
}

/* Runs */

static enum ps_status check_runs(const struct page_run *runs, size_t count, struct ps_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct page_run *run = &runs[i];

		if (run->pfn >= PFN_LIMIT || run->count > PFN_LIMIT - run->pfn)
			return ps_fail_at(err, PS_CORRUPT, run->pfn,
					  "memory run of 0x%" PRIx64 " pages from page 0x%" PRIx64
					  " on leaves the 64-bit physical address space",
					  run->count, run->pfn);
		if (run->offset > UINT64_MAX - (run->count << PAGE_SHIFT))
			return ps_fail_at(err, PS_CORRUPT, run->pfn,
					  "memory run of 0x%" PRIx64 " pages from page 0x%" PRIx64
					  " on would end beyond file offset 2^64",
					  run->count, run->pfn);
		if (i > 0 && run->pfn - run[-1].pfn < run[-1].count)
			return ps_fail_at(err, PS_CORRUPT, run->pfn,
					  "memory runs overlap: pages 0x%" PRIx64 " to 0x%" PRIx64
					  " and 0x%" PRIx64 " to 0x%" PRIx64,
					  run[-1].pfn, run[-1].pfn + run[-1].count - 1, run->pfn,
					  run->pfn + run->count - 1);
	}
	return PS_OK;
}

enum ps_status page_map_set_runs(struct page_map *map, const struct page_run *runs, size_t count,
				 struct ps_error *err)
{
	struct page_run *sorted = mem_array(count, sizeof(*sorted));
	size_t used = 0;

	if (!sorted)
		return ps_fail_memory(err, "the list of memory runs");
	for (size_t i = 0; i < count; i++) {
		if (runs[i].count != 0)
			sorted[used++] = runs[i];
	}
	page_runs_sort(sorted, used);
	if (check_runs(sorted, used, err) != PS_OK) {
		free(sorted);
		return err->status;
	}

	page_map_fini(map);
	map->kind = PAGE_MAP_RUNS;
	map->runs = sorted;
	map->run_count = used;
	for (size_t i = 0; i < used; i++) {
		map->pages += sorted[i].count;
		map->pages_in_file += lower(sorted[i].count, pages_from(map, sorted[i].offset));
		map->highest_pfn = sorted[i].pfn + sorted[i].count - 1;
	}
	return PS_OK;
}

/* Index of the first run above `pfn`. */
static size_t run_above(const struct page_map *map, uint64_t pfn)
{
	size_t low = 0, high = map->run_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->runs[middle].pfn > pfn)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void locate_run(const struct page_map *map, uint64_t pfn, struct extent *ret)
{
	size_t above = run_above(map, pfn);
	const struct page_run *run = above > 0 ? &map->runs[above - 1] : NULL;

	if (run && pfn - run->pfn < run->count) {
		uint64_t before = pfn - run->pfn;
		uint64_t in_file = lower(run->count, pages_from(map, run->offset));

		ret->offset = run->offset + (before << PAGE_SHIFT);
		ret->state = before < in_file ? PAGE_PRESENT : PAGE_BEYOND_EOF;
		ret->count = (before < in_file ? in_file : run->count) - before;
	} else if (above < map->run_count) {
		ret->count = map->runs[above].pfn - pfn;
	}
}

/* Bitmap */

/* Bits set in each byte of a word, without an instruction that old processors lack. */
static uint64_t count_bytewise(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	return (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

/* The sum of the bytes: in lanes of 16 bits, since that of a whole block does not fit into 8. */
static uint64_t add_bytes(uint64_t word)
{
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) + (word >> 8 & UINT64_C(0x00ff00ff00ff00ff));
	return word * UINT64_C(0x0001000100010001) >> 48;
}

static uint64_t count_bits(uint64_t word)
{
	return add_bytes(count_bytewise(word));
}

static uint64_t word_at(const struct page_map *map, uint64_t index)
{
	uint64_t word;

	memcpy(&word, map->bits + index * sizeof(word), sizeof(word));
	return le64toh(word);
}

static uint64_t count_block(const struct page_map *map, uint64_t block)
{
	uint64_t bytewise = 0; /* at most 8 * 8 in each byte */

	for (uint64_t i = 0; i < BLOCK_WORDS; i++)
		bytewise += count_bytewise(word_at(map, block * BLOCK_WORDS + i));
	return add_bytes(bytewise);
}

/* Pads the bits with zeros to whole blocks, so that words can be read without a check. */
static bool pad_bits(struct page_map *map)
{
	uint64_t bytes = map->bit_count / 8 + (map->bit_count % 8 != 0);
	uint64_t padded = map->block_count * BLOCK_BYTES;
	uint8_t *bits = realloc(map->bits, padded ? padded : BLOCK_BYTES);

	if (!bits)
		return false;
	map->bits = bits;
	memset(bits + bytes, 0, padded - bytes);
	if (map->bit_count % 8 != 0)
		bits[bytes - 1] &= (uint8_t)((1u << map->bit_count % 8) - 1);
	return true;
}

/* The page whose rank is `rank`, which must be below map->pages. */
static uint64_t pfn_of_rank(const struct page_map *map, uint64_t rank)
{
	uint64_t low = 0, high = map->block_count, word_index, word;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (map->rank[middle] <= rank)
			low = middle;
		else
			high = middle;
	}
	rank -= map->rank[low];
	word_index = low * BLOCK_WORDS;
	word = word_at(map, word_index);
	while (rank >= count_bits(word)) {
		rank -= count_bits(word);
		word = word_at(map, ++word_index);
	}
	while (rank-- > 0)
		word &= word - 1;
	return word_index * WORD_BITS + (uint64_t)__builtin_ctzll(word);
}

static enum ps_status index_bits(struct page_map *map, struct ps_error *err)
{
	map->block_count = map->bit_count / RANK_BLOCK + (map->bit_count % RANK_BLOCK != 0);
	map->rank = mem_array(map->block_count + 1, sizeof(*map->rank));
	if (!map->rank || !pad_bits(map))
		return ps_fail_memory(err, "the page bitmap");
	for (uint64_t i = 0; i < map->block_count; i++)
		map->rank[i + 1] = map->rank[i] + count_block(map, i);
	map->pages = map->rank[map->block_count];
	if (map->pages > (UINT64_MAX - map->first_page) >> PAGE_SHIFT)
		return ps_fail_at(err, PS_CORRUPT, map->first_page,
				  "the pages would begin at file offset 0x%" PRIx64
				  " and end beyond 2^64",
				  map->first_page);
	map->pages_in_file = lower(map->pages, pages_from(map, map->first_page));
	map->highest_pfn = map->pages ? pfn_of_rank(map, map->pages - 1) : 0;
	return PS_OK;
}

enum ps_status page_map_set_bitmap(struct page_map *map, uint8_t *bits, uint64_t bit_count,
				   uint64_t first_page, struct ps_error *err)
{
	struct page_map made;

	page_map_init(&made, map->file_size);
	made.kind = PAGE_MAP_BITMAP;
	made.bits = bits;
	made.bit_count = bit_count;
	made.first_page = first_page;
	if (index_bits(&made, err) != PS_OK) {
		page_map_fini(&made);
		return err->status;
	}
	page_map_fini(map);
	*map = made;
	return PS_OK;
}

static bool bit_at(const struct page_map *map, uint64_t pfn)
{
	return map->bits[pfn / 8] >> pfn % 8 & 1;
}

static uint64_t rank_of(const struct page_map *map, uint64_t pfn)
{
	uint64_t rank = map->rank[pfn / RANK_BLOCK];
	uint64_t word = pfn / RANK_BLOCK * BLOCK_WORDS;

	while (word < pfn / WORD_BITS)
		rank += count_bits(word_at(map, word++));
	return rank + count_bits(word_at(map, word) & ((UINT64_C(1) << pfn % WORD_BITS) - 1));
}

/* The first bit from `pfn` on that is not `set`, or the end of the block of `pfn`. */
static uint64_t scan_block(const struct page_map *map, uint64_t pfn, bool set)
{
	uint64_t end = (pfn / RANK_BLOCK + 1) * BLOCK_WORDS;
	uint64_t skipped = pfn % WORD_BITS;

	for (uint64_t i = pfn / WORD_BITS; i < end; i++, skipped = 0) {
		uint64_t word = word_at(map, i);
		uint64_t differing = (set ? ~word : word) >> skipped << skipped;

		if (differing != 0)
			return i * WORD_BITS + (uint64_t)__builtin_ctzll(differing);
	}
	return end * WORD_BITS;
}

/* Whether all bits of the blocks [from, to) are `set`. */
static bool uniform(const struct page_map *map, uint64_t from, uint64_t to, bool set)
{
	return map->rank[to] - map->rank[from] == (set ? (to - from) * RANK_BLOCK : 0);
}

/* The first block from `from` on whose bits are not all `set`. */
static uint64_t skip_blocks(const struct page_map *map, uint64_t from, bool set)
{
	uint64_t to = from, step = 1;

	while (step <= map->block_count - to && uniform(map, from, to + step, set)) {
		to += step;
		step *= 2;
	}
	for (; step > 0; step /= 2) {
		if (step <= map->block_count - to && uniform(map, from, to + step, set))
			to += step;
	}
	return to;
}

/* The first bit from `pfn` on that is not `set`; bit_count when there is none. */
static uint64_t stretch_end(const struct page_map *map, uint64_t pfn, bool set)
{
	uint64_t end = scan_block(map, pfn, set);

	if (end % RANK_BLOCK == 0 && end > pfn) {
		uint64_t block = skip_blocks(map, end / RANK_BLOCK, set);

		end = block * RANK_BLOCK;
		if (block < map->block_count)
			end = scan_block(map, end, set);
	}
	return lower(end, map->bit_count);
}

static void locate_bit(const struct page_map *map, uint64_t pfn, struct extent *ret)
{
	uint64_t end, rank;

	if (pfn >= map->bit_count)
		return;
	if (!bit_at(map, pfn)) {
		end = stretch_end(map, pfn, false);
		if (end < map->bit_count)
			ret->count = end - pfn;
		return;
	}
	end = stretch_end(map, pfn, true);
	rank = rank_of(map, pfn);
	ret->offset = map->first_page + (rank << PAGE_SHIFT);
	ret->count = end - pfn;
	ret->state = PAGE_BEYOND_EOF;
	if (rank < map->pages_in_file) {
		ret->state = PAGE_PRESENT;
		ret->count = lower(ret->count, map->pages_in_file - rank);
	}
}

void page_map_locate(const struct page_map *map, uint64_t pfn, struct extent *ret)
{
	*ret = (struct extent){.pfn = pfn, .state = PAGE_NOT_IN_DUMP};
	ret->count = pfn < UINT64_MAX ? UINT64_MAX - pfn : 1;
	if (map->kind == PAGE_MAP_RUNS)
		locate_run(map, pfn, ret);
	else if (map->kind == PAGE_MAP_BITMAP)
		locate_bit(map, pfn, ret);
}

static bool first_beyond_of_runs(const struct page_map *map, uint64_t *ret_pfn)
{
	for (size_t i = 0; i < map->run_count; i++) {
		const struct page_run *run = &map->runs[i];
		uint64_t in_file = pages_from(map, run->offset);

		if (in_file < run->count) {
			*ret_pfn = run->pfn + in_file;
			return true;
		}
	}
	return false;
}

bool page_map_first_beyond(const struct page_map *map, uint64_t *ret_pfn)
{
	if (map->pages_in_file >= map->pages)
		return false;
	if (map->kind == PAGE_MAP_RUNS)
		return first_beyond_of_runs(map, ret_pfn);
	*ret_pfn = pfn_of_rank(map, map->pages_in_file);
	return true;
}
