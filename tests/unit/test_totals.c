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

static struct total read_total(uint64_t bytes)
{
	return (struct total){.grade = TOTAL_READ, .bytes = bytes, .source = "a source"};
}

static void use_beside_tags(void **state)
{
	const struct {
		uint64_t bytes;
		int64_t tags;
		bool complete, of_state;
		enum total_grade grade;
	} cases[] = {
		{100 * MIB, 100 << 20, true, true, TOTAL_READ},
		{130 * MIB, 100 << 20, true, true, TOTAL_READ}, /* a fifth and 16 MB */
		{137 * MIB, 100 << 20, true, true, TOTAL_DOUBTFUL},
		{97 * MIB, 100 << 20, true, true, TOTAL_READ},
		{95 * MIB, 100 << 20, true, true, TOTAL_DOUBTFUL},
		{5 * MIB, -4096, true, true, TOTAL_READ},
		{UINT64_MAX, 100 << 20, true, true, TOTAL_DOUBTFUL},
		{0, 100 << 20, true, false, TOTAL_DOUBTFUL},
		/* holes in the tables prove nothing, but nor do they bear out a place */
		{300 * MIB, 100 << 20, false, false, TOTAL_READ},
		{300 * MIB, 100 << 20, false, true, TOTAL_DOUBTFUL},
		{100 * MIB, 100 << 20, false, true, TOTAL_READ},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct total total = read_total(cases[i].bytes);

		total.of_state = cases[i].of_state;
		total_judge_used(&total, cases[i].tags, cases[i].complete);
		assert_int_equal(total.grade, cases[i].grade);
		assert_int_equal(total.bytes, cases[i].bytes);
		assert_true(total.grade == TOTAL_READ || total.words[0] != '\0');
	}
}

/* 1 GiB of RAM, 400 MiB of commit of at most 2 GiB, pools of 200 and 100 MiB. */
static struct pool_totals machine(void)
{
	struct pool_totals t = {.physical_bytes = GIB};

	t.nonpaged.used = read_total(200 * MIB);
	t.paged.used = read_total(100 * MIB);
	t.nonpaged.space = read_total(16384 * GIB);
	t.paged.space = read_total(512 * GIB);
	t.committed = read_total(400 * MIB);
	t.commit_limit = read_total(2 * GIB);
	t.committed_peak = read_total(GIB);
	t.nonpaged.space.of_state = t.paged.space.of_state = true;
	return t;
}

static const struct tracker tags = {
	.complete = true, .nonpaged_bytes = 190 << 20, .paged_bytes = 95 << 20};

static void what_fits_is_kept(void **state)
{
	struct pool_totals t = machine();

	(void)state;
	totals_judge_read(&tags, &t);
	assert_int_equal(t.nonpaged.space.grade, TOTAL_READ);
	assert_int_equal(t.paged.space.grade, TOTAL_READ);
	assert_int_equal(t.committed.grade, TOTAL_READ);
	assert_int_equal(t.commit_limit.grade, TOTAL_READ);
	assert_int_equal(t.committed_peak.grade, TOTAL_READ);
	totals_judge_read(NULL, &t);
	assert_int_equal(t.committed.grade, TOTAL_READ);
}

static void commit_beside_pools_and_ram(void **state)
{
	struct pool_totals t = machine();

	(void)state;
	t.committed.bytes = 250 * MIB; /* the pools have 300 */
	totals_judge_read(&tags, &t);
	assert_int_equal(t.committed.grade, TOTAL_DOUBTFUL);
	assert_int_equal(t.commit_limit.grade, TOTAL_READ);

	t = machine();
	t.commit_limit.bytes = 500 * MIB; /* less than half of RAM */
	totals_judge_read(&tags, &t);
	assert_int_equal(t.commit_limit.grade, TOTAL_DOUBTFUL);

	t = machine();
	t.committed.bytes = 3 * GIB;
	t.committed_peak.bytes = 3 * GIB - 1;
	totals_judge_read(&tags, &t);
	assert_int_equal(t.committed.grade, TOTAL_READ);
	assert_int_equal(t.commit_limit.grade, TOTAL_DOUBTFUL);
	assert_int_equal(t.committed_peak.grade, TOTAL_DOUBTFUL);
	assert_string_equal(t.commit_limit.words,
			    "it says 2147483648 bytes, yet 3221225472 are committed");
}

/* Paged pool's count lies beside both address ranges. */
static void what_lies_beside(void **state)
{
	struct pool_totals t = machine();

	(void)state;
	t.paged.rejected[0] =
		(struct total){.grade = TOTAL_DOUBTFUL, .of_state = true, .source = "the count"};
	t.paged.rejected_count = 1;
	totals_judge_read(&tags, &t);
	assert_int_equal(t.nonpaged.space.grade, TOTAL_DOUBTFUL);
	assert_int_equal(t.paged.space.grade, TOTAL_DOUBTFUL);
	assert_string_equal(t.paged.space.words, "the count beside it cannot be right");

	t = machine();
	t.nonpaged.rejected[0] = (struct total){.grade = TOTAL_DOUBTFUL, .of_state = true};
	t.nonpaged.rejected_count = 1;
	totals_judge_read(&tags, &t);
	assert_int_equal(t.nonpaged.space.grade, TOTAL_READ);

	t = machine();
	t.nonpaged.space.bytes = 199 * MIB;
	totals_judge_read(&tags, &t);
	assert_int_equal(t.nonpaged.space.grade, TOTAL_DOUBTFUL);
}

static void expect_maxima(struct pool_totals *t, unsigned pointer_size, uint64_t nonpaged,
			  uint64_t paged)
{
	struct kernel kernel = {.build = {true, 19041}, .pointer_size = pointer_size};

	totals_judge_limits(&kernel, &tags, t);
	assert_int_equal(t->nonpaged.maximum.bytes, nonpaged);
	assert_int_equal(t->paged.maximum.bytes, paged);
}

static void what_is_reached_first(void **state)
{
	struct pool_totals t = machine();

	(void)state;
	t.nonpaged.maximum = t.nonpaged.space;
	t.paged.maximum = t.paged.space;
	expect_maxima(&t, 8, GIB, 2 * GIB);
	assert_int_equal(t.nonpaged.maximum.grade, TOTAL_DERIVED);
	assert_int_equal(t.paged.maximum.grade, TOTAL_DERIVED);

	/* RAM that the pool exceeds is not all of RAM; a doubtful commit limit is none */
	t = machine();
	t.nonpaged.maximum = t.nonpaged.space;
	t.paged.maximum = t.paged.space;
	t.physical_bytes = 100 * MIB;
	t.commit_limit.grade = TOTAL_DOUBTFUL;
	expect_maxima(&t, 8, 16384 * GIB, 512 * GIB);

	/* read from KDBG, and on x86, where no rule has the commit limit */
	t = machine();
	t.nonpaged.maximum = read_total(1536 * MIB);
	t.paged.maximum = read_total(3 * GIB);
	expect_maxima(&t, 4, 1536 * MIB, 3 * GIB);
	assert_int_equal(t.paged.maximum.grade, TOTAL_READ);

	/* below what the tags add up to */
	t = machine();
	t.nonpaged.maximum = read_total(189 * MIB);
	t.paged.maximum = read_total(96 * MIB);
	expect_maxima(&t, 8, 189 * MIB, 96 * MIB);
	assert_int_equal(t.nonpaged.maximum.grade, TOTAL_DOUBTFUL);
	assert_int_equal(t.paged.maximum.grade, TOTAL_READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_version),
		cmocka_unit_test(xp_scales_with_ram),
		cmocka_unit_test(no_build),
		cmocka_unit_test(what_was_read_stays),
		cmocka_unit_test(use_beside_tags),
		cmocka_unit_test(what_fits_is_kept),
		cmocka_unit_test(commit_beside_pools_and_ram),
		cmocka_unit_test(what_lies_beside),
		cmocka_unit_test(what_is_reached_first),
	};

	return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
