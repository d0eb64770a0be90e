/*
 * Unpacked pieces: which are kept, which are unpacked anew, and what is remembered of failures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "formats/unpacked.h"

enum { PLACES = 4, PIECE = 16, DAMAGED_PIECE = 9 };

struct container {
	unsigned unpacked; /* how often something was */
};

static enum page_state unpack(void *container, uint64_t index, uint8_t *to)
{
	struct container *c = container;

	c->unpacked++;
	memset(to, (int)(index & 0xff), PIECE);
	return index == DAMAGED_PIECE ? PAGE_DAMAGED : PAGE_PRESENT;
}

static void check_piece(struct unpacked *u, struct container *c, uint64_t index,
			unsigned unpacked_then)
{
	enum page_state want = index == DAMAGED_PIECE ? PAGE_DAMAGED : PAGE_PRESENT;
	uint8_t expected[PIECE];
	const uint8_t *bytes;

	memset(expected, (int)(index & 0xff), PIECE);
	assert_int_equal(unpacked_get(u, index, unpack, c, &bytes), want);
	assert_memory_equal(bytes, expected, PIECE);
	assert_int_equal(c->unpacked, unpacked_then);
}

static void test_kept(void **state)
{
	struct container c = {0};
	struct unpacked u;

	(void)state;
	assert_true(unpacked_init(&u, PLACES, PIECE));
	check_piece(&u, &c, 0, 1); /* though a place is all zeros at first */
	check_piece(&u, &c, 0, 1);
	for (unsigned i = 1; i < PLACES; i++)
		check_piece(&u, &c, i, 1 + i);
	for (unsigned i = 0; i < PLACES; i++)
		check_piece(&u, &c, i, PLACES);
	check_piece(&u, &c, PLACES, PLACES + 1); /* in the place of piece 0 */
	check_piece(&u, &c, 1, PLACES + 1);
	check_piece(&u, &c, 0, PLACES + 2);
	check_piece(&u, &c, (UINT64_C(1) << 32) + 1, PLACES + 3);
	check_piece(&u, &c, 1, PLACES + 4);
	unpacked_fini(&u);
	unpacked_fini(&u);
}

static void test_failures_are_kept(void **state)
{
	struct container c = {0};
	struct unpacked u;

	(void)state;
	assert_true(unpacked_init(&u, PLACES, PIECE));
	check_piece(&u, &c, DAMAGED_PIECE, 1);
	check_piece(&u, &c, DAMAGED_PIECE, 1);
	check_piece(&u, &c, DAMAGED_PIECE + PLACES, 2);
	check_piece(&u, &c, DAMAGED_PIECE, 3);
	unpacked_fini(&u);
}

static void test_no_memory(void **state)
{
	struct unpacked u;

	(void)state;
	assert_false(unpacked_init(&u, SIZE_MAX / 2, 16));
	unpacked_fini(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_failures_are_kept),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
