/*
 * Page maps against a naive reference, and their limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "formats/page_map.h"
#include "formats/page_set.h"

/* The naive reference: one record a page. */
enum { NAIVE_PAGES = 6000 };

struct naive {
	enum page_state state[NAIVE_PAGES];
	uint64_t offset[NAIVE_PAGES];
	uint64_t pages, in_file;
};

static uint64_t random_below(uint64_t limit)
{
	return ((uint64_t)random() << 31 | (uint64_t)random()) % limit;
}

static void naive_clear(struct naive *naive)
{
	*naive = (struct naive){.pages = 0};
	for (unsigned i = 0; i < NAIVE_PAGES; i++)
		naive->state[i] = PAGE_NOT_IN_DUMP;
}

static void naive_add(struct naive *naive, uint64_t pfn, uint64_t offset, uint64_t file_size)
{
	bool inside = offset <= file_size && file_size - offset >= PAGE_SIZE;

	naive->state[pfn] = inside ? PAGE_PRESENT : PAGE_BEYOND_EOF;
	naive->offset[pfn] = offset;
	naive->pages++;
	naive->in_file += inside;
}

static void check_extent(const struct page_map *map, const struct naive *naive, uint64_t pfn)
{
	struct extent extent;
	bool same = true;

	page_map_locate(map, pfn, &extent);
	assert_int_equal(extent.pfn, pfn);
	assert_int_equal(extent.state, naive->state[pfn]);
	assert_true(extent.count >= 1);
	if (extent.state == PAGE_NOT_IN_DUMP && extent.count == UINT64_MAX - pfn) {
		for (uint64_t i = pfn; i < NAIVE_PAGES; i++)
			same &= naive->state[i] == PAGE_NOT_IN_DUMP;
		assert_true(same);
		return;
	}
	assert_true(pfn + extent.count <= NAIVE_PAGES);
	for (uint64_t i = 0; i < extent.count; i++) {
		same &= naive->state[pfn + i] == extent.state;
		same &= extent.state == PAGE_NOT_IN_DUMP ||
			naive->offset[pfn + i] == extent.offset + i * PAGE_SIZE;
	}
	assert_true(same);
}

static void check_all(const struct page_map *map, const struct naive *naive)
{
	uint64_t highest = 0, first = 0, got;
	bool beyond = false;

	for (uint64_t pfn = 0; pfn < NAIVE_PAGES; pfn++) {
		check_extent(map, naive, pfn);
		if (naive->state[pfn] != PAGE_NOT_IN_DUMP)
			highest = pfn;
		if (naive->state[pfn] == PAGE_BEYOND_EOF && !beyond) {
			beyond = true;
			first = pfn;
		}
	}
	assert_int_equal(map->pages, naive->pages);
	assert_int_equal(map->pages_in_file, naive->in_file);
	assert_int_equal(map->highest_pfn, highest);
	assert_int_equal(page_map_first_beyond(map, &got), beyond);
	if (beyond)
		assert_int_equal(got, first);
}

/* Bits in stretches of random length, so that whole blocks of both kinds occur. */
static uint8_t *random_bits(uint64_t bit_count)
{
	uint64_t bytes = (bit_count + 7) / 8, longest = 1 + random_below(3000);
	uint8_t *bits = malloc(bytes);
	bool set = random() % 2;

	assert_non_null(bits);
	memset(bits, 0xff, bytes); /* bits behind the last one are dirt */
	for (uint64_t i = 0; i < bit_count; set = !set) {
		uint64_t end = i + 1 + random_below(longest);

		for (; i < end && i < bit_count; i++) {
			if (!set)
				bits[i / 8] &= (uint8_t) ~(1u << i % 8);
		}
	}
	return bits;
}

static void one_random_bitmap(void)
{
	static struct naive naive;
	uint64_t bit_count = 1 + random_below(NAIVE_PAGES - 1), first = 0x3000;
	uint64_t file_size = random_below(2) ? UINT64_MAX / 2 : random_below(bit_count * 5000);
	uint8_t *bits = random_bits(bit_count);
	struct ps_error err = PS_ERROR_INIT;
	struct page_map map;

	naive_clear(&naive);
	for (uint64_t pfn = 0; pfn < bit_count; pfn++) {
		if (bits[pfn / 8] >> pfn % 8 & 1)
			naive_add(&naive, pfn, first + naive.pages * PAGE_SIZE, file_size);
	}
	page_map_init(&map, file_size);
	assert_int_equal(page_map_set_bitmap(&map, bits, bit_count, first, &err), PS_OK);
	check_all(&map, &naive);
	page_map_fini(&map);
}

static void test_random_bitmaps(void **state)
{
	(void)state;
	srandom(1);
	for (unsigned i = 0; i < 200; i++)
		one_random_bitmap();
}

static void one_random_run_list(void)
{
	static struct naive naive;
	struct page_run runs[60];
	size_t count = 0;
	uint64_t pfn = random_below(50), file_size = random_below(NAIVE_PAGES * 5000);
	struct ps_error err = PS_ERROR_INIT;
	struct page_map map;

	naive_clear(&naive);
	while (count < 60 && pfn < NAIVE_PAGES - 200) {
		struct page_run *run = &runs[count++];

		*run = (struct page_run){pfn, random_below(150), random_below(1 << 24)};
		for (uint64_t i = 0; i < run->count; i++)
			naive_add(&naive, pfn + i, run->offset + i * PAGE_SIZE, file_size);
		pfn += run->count + random_below(3) * random_below(60);
	}
	for (size_t i = count; i > 1; i--) { /* any order is taken */
		size_t other = random_below(i);
		struct page_run swapped = runs[other];

		runs[other] = runs[i - 1];
		runs[i - 1] = swapped;
	}
	page_map_init(&map, file_size);
	assert_int_equal(page_map_set_runs(&map, runs, count, &err), PS_OK);
	check_all(&map, &naive);
	page_map_fini(&map);
}

static void test_random_runs(void **state)
{
	(void)state;
	srandom(2);
	for (unsigned i = 0; i < 200; i++)
		one_random_run_list();
}

static void expect_run_error(const struct page_run *runs, size_t count, const char *text)
{
	struct ps_error err = PS_ERROR_INIT;
	struct page_map map;

	page_map_init(&map, 1 << 20);
	assert_int_equal(page_map_set_runs(&map, runs, count, &err), PS_CORRUPT);
	assert_string_equal(err.text, text);
	assert_int_equal(map.kind, PAGE_MAP_NONE);
	page_map_fini(&map);
}

static void test_bad_runs(void **state)
{
	const struct page_run overlap[] = {{0x50, 0x11, 0}, {1, 0x9e, 0}};
	const struct page_run same[] = {{7, 1, 0}, {7, 1, 0}};
	const struct page_run wide[] = {{1, UINT64_MAX, 0}};
	const struct page_run high[] = {{UINT64_MAX, 1, 0}};
	const struct page_run far[] = {{1, 2, UINT64_MAX - 8191}};

	(void)state;
	expect_run_error(overlap, 2, "memory runs overlap: pages 0x1 to 0x9e and 0x50 to 0x60");
	expect_run_error(same, 2, "memory runs overlap: pages 0x7 to 0x7 and 0x7 to 0x7");
	expect_run_error(wide, 1,
			 "memory run of 0xffffffffffffffff pages from page 0x1 on leaves the "
			 "64-bit physical address space");
	expect_run_error(high, 1,
			 "memory run of 0x1 pages from page 0xffffffffffffffff on leaves the "
			 "64-bit physical address space");
	expect_run_error(far, 1,
			 "memory run of 0x2 pages from page 0x1 on would end beyond file offset "
			 "2^64");
}

static void test_extremes_of_runs(void **state)
{
	const uint64_t limit = UINT64_C(1) << 52;
	const struct page_run runs[] = {{limit - 1, 1, 0}, {3, 0, 0}, {0, 1, PAGE_SIZE}};
	struct ps_error err = PS_ERROR_INIT;
	struct extent extent;
	struct page_map map;

	(void)state;
	page_map_init(&map, 2 * PAGE_SIZE);
	assert_int_equal(page_map_set_runs(&map, runs, 3, &err), PS_OK);
	assert_int_equal(map.run_count, 2);
	assert_int_equal(map.pages, 2);
	page_map_locate(&map, 1, &extent);
	assert_int_equal(extent.state, PAGE_NOT_IN_DUMP);
	assert_int_equal(extent.count, limit - 2);
	page_map_locate(&map, limit - 1, &extent);
	assert_int_equal(extent.state, PAGE_PRESENT);
	page_map_locate(&map, limit, &extent);
	assert_int_equal(extent.count, UINT64_MAX - limit);
	page_map_locate(&map, UINT64_MAX, &extent);
	assert_int_equal(extent.count, 1);
	page_map_fini(&map);

	assert_int_equal(page_map_set_runs(&map, runs, 0, &err), PS_OK);
	page_map_locate(&map, 0, &extent);
	assert_int_equal(extent.state, PAGE_NOT_IN_DUMP);
	page_map_fini(&map);
}

/* Long uniform stretches come back whole, in both directions. */
static void test_long_stretches(void **state)
{
	const uint64_t bit_count = UINT64_C(1) << 26;
	uint8_t *bits = calloc(bit_count / 8, 1);
	struct ps_error err = PS_ERROR_INIT;
	struct extent extent;
	struct page_map map;

	(void)state;
	assert_non_null(bits);
	memset(bits + bit_count / 16, 0xff, bit_count / 16);
	page_map_init(&map, UINT64_MAX / 2);
	assert_int_equal(page_map_set_bitmap(&map, bits, bit_count, 0, &err), PS_OK);
	assert_int_equal(map.pages, bit_count / 2);
	page_map_locate(&map, 3, &extent);
	assert_int_equal(extent.state, PAGE_NOT_IN_DUMP);
	assert_int_equal(extent.count, bit_count / 2 - 3);
	page_map_locate(&map, bit_count / 2 + 70, &extent);
	assert_int_equal(extent.state, PAGE_PRESENT);
	assert_int_equal(extent.count, bit_count / 2 - 70);
	assert_int_equal(extent.offset, 70 * PAGE_SIZE);
	page_map_fini(&map);
}

static void test_bitmap_beyond_the_address_space(void **state)
{
	uint8_t *bits = malloc(1);
	struct ps_error err = PS_ERROR_INIT;
	struct page_map map;

	(void)state;
	assert_non_null(bits);
	bits[0] = 3;
	page_map_init(&map, 100);
	assert_int_equal(page_map_set_bitmap(&map, bits, 8, UINT64_MAX - 4096, &err), PS_CORRUPT);
	assert_string_equal(err.text, "the pages would begin at file offset 0xffffffffffffefff "
				      "and end beyond 2^64");
	page_map_fini(&map);
}

/* Each page once, whatever the order; and an end of counting that is said. */
static void test_page_set(void **state)
{
	struct page_set set = {.slots = NULL};

	(void)state;
	for (uint64_t round = 0; round < 2; round++)
		for (uint64_t i = 0; i < 1000; i++)
			page_set_add(&set, 7 + i * 0x100000001 % 0xfffffffffffff);
	assert_int_equal(set.count, 1000);
	assert_int_equal(set.lowest, 7);
	page_set_add(&set, 0);
	assert_int_equal(set.count, 1001);
	assert_int_equal(set.lowest, 0);
	assert_false(set.more);
	for (uint64_t pfn = UINT64_C(1) << 40; set.count < PAGE_SET_MOST; pfn++)
		page_set_add(&set, pfn);
	page_set_add(&set, 7); /* is there */
	assert_false(set.more);
	page_set_add(&set, 8);
	assert_true(set.more);
	assert_int_equal(set.count, PAGE_SET_MOST);
	page_set_fini(&set);
	assert_int_equal(set.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_bitmaps),
		cmocka_unit_test(test_random_runs),
		cmocka_unit_test(test_bad_runs),
		cmocka_unit_test(test_extremes_of_runs),
		cmocka_unit_test(test_long_stretches),
		cmocka_unit_test(test_bitmap_beyond_the_address_space),
		cmocka_unit_test(test_page_set),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
