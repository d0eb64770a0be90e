/*
 * Pool limits by Windows' rules: every row of the table, RAM small and large, /3GB and unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyzer/pool/totals.h"

static const uint64_t MIB = 1 << 20;
static const uint64_t GIB = 1 << 30;

struct limit_case {
	uint64_t build;
	unsigned pointer_size;
	uint64_t ram;
	enum user_space user_space;
	uint64_t nonpaged, other, paged; /* 0 = unknown */
};

static void expect(const struct limit_case *c)
{
	struct kernel kernel = {.build = {true, c->build}, .pointer_size = c->pointer_size};
	struct pool_totals t = {.physical_bytes = c->ram, .user_space = c->user_space};

	pool_limits_derive(&kernel, &t);
	assert_int_equal(t.nonpaged.maximum.bytes, c->nonpaged);
	assert_int_equal(t.nonpaged.maximum.grade, c->nonpaged ? TOTAL_DERIVED : TOTAL_UNKNOWN);
	assert_int_equal(t.nonpaged.other_maximum.bytes, c->other);
	assert_int_equal(t.paged.maximum.bytes, c->paged);
	assert_true(t.nonpaged.maximum.words[0] != '\0' && t.paged.maximum.words[0] != '\0');
}

static void by_version(void **state)
{
	const struct limit_case cases[] = {
		{3790, 4, 4 * GIB, USER_SPACE_2GB, 256 * MIB, 0, 530 * MIB},
		{3790, 4, 4 * GIB, USER_SPACE_3GB, 128 * MIB, 0, 530 * MIB},
		{3790, 4, 4 * GIB, USER_SPACE_UNKNOWN, 256 * MIB, 0, 530 * MIB},
		{3790, 8, 4 * GIB, USER_SPACE_UNKNOWN, 128 * GIB, 0, 128 * GIB},
		{6002, 8, 10 * GIB, USER_SPACE_UNKNOWN, 10 * GIB / 100 * 75, 10 * GIB / 100 * 40,
		 128 * GIB},
		{6002, 4, 2 * GIB, USER_SPACE_2GB, 0, 0, 0},
		{7601, 8, 400 * GIB, USER_SPACE_UNKNOWN, 128 * GIB, 0, 128 * GIB},
		{7601, 4, 2 * GIB, USER_SPACE_2GB, 2 * GIB / 100 * 75, 0, 0},
		{7601, 4, 64 * GIB, USER_SPACE_2GB, 2 * GIB, 0, 0},
		{9200, 8, 64 * GIB, USER_SPACE_UNKNOWN, 64 * GIB / 100 * 100, 0, 384 * GIB},
		{17763, 8, 16 * GIB, USER_SPACE_UNKNOWN, 16 * GIB / 100 * 100, 0, 15872 * GIB},
		{26100, 8, 16384 * GIB * 2, USER_SPACE_UNKNOWN, 16384 * GIB, 0, 15872 * GIB},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(&cases[i]);
}

/* 1 MB and 400 KB a MB above 4 MB; from 0x1f000 pages 200 KB and never below 128 MB. */
static void xp_scales_with_ram(void **state)
{
	const struct limit_case cases[] = {
		{2600, 4, 64 * MIB, USER_SPACE_2GB, MIB + 60 * 400 * 1024, 0, 490 * MIB},
		{2600, 4, 256 * MIB, USER_SPACE_2GB, MIB + 252 * 400 * 1024, 0, 490 * MIB},
		{2600, 4, 512 * MIB, USER_SPACE_2GB, 128 * MIB, 0, 490 * MIB},
		{2600, 4, 1024 * MIB, USER_SPACE_2GB, MIB + 1020 * 200 * 1024, 0, 490 * MIB},
		{2600, 4, 1400 * MIB, USER_SPACE_2GB, 256 * MIB, 0, 490 * MIB},
		{2600, 4, 1400 * MIB, USER_SPACE_3GB, 128 * MIB, 0, 490 * MIB},
		{2600, 4, 2 * MIB, USER_SPACE_2GB, MIB, 0, 490 * MIB},
		{2600, 4, 0, USER_SPACE_2GB, 0, 0, 490 * MIB},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(&cases[i]);
}

static void no_build(void **state)
{
	struct kernel kernel = {.build = {false, 0}, .pointer_size = 8};
	struct pool_totals t = {.physical_bytes = GIB};

	(void)state;
	pool_limits_derive(&kernel, &t);
	assert_int_equal(t.nonpaged.maximum.grade, TOTAL_UNKNOWN);
	assert_string_equal(t.nonpaged.maximum.words, "not read, and no build to derive it from");
}

static void what_was_read_stays(void **state)
{
	struct kernel kernel = {.build = {true, 3790}, .pointer_size = 4};
	struct pool_totals t = {.physical_bytes = GIB, .user_space = USER_SPACE_2GB};

	(void)state;
	t.nonpaged.maximum = (struct total){.grade = TOTAL_READ, .bytes = 5};
	t.paged.maximum = (struct total){.grade = TOTAL_DOUBTFUL, .bytes = 6};
	pool_limits_derive(&kernel, &t);
	assert_int_equal(t.nonpaged.maximum.bytes, 5);
	assert_int_equal(t.paged.maximum.bytes, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_version),
		cmocka_unit_test(xp_scales_with_ram),
		cmocka_unit_test(no_build),
		cmocka_unit_test(what_was_read_stays),
	};

	return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
