/*
 * Signs of a leak, and tags in lock step; with the rate of groups that are there by chance, over
 * random tables drawn from the rows of a real machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/pool/signature.h"

enum { ROWS = 512 };

struct table {
	struct tag_row rows[ROWS];
	struct tracker tracker;
};

static void put(struct table *t, const char *tag, bool paged, uint64_t allocs, uint64_t frees,
		uint64_t bytes)
{
	struct tag_row *row = &t->rows[t->tracker.row_count++];
	struct tag_side side = {allocs, frees, (int64_t)(allocs - frees), (int64_t)bytes};

	*row = (struct tag_row){.complete = true};
	memcpy(&row->tag, tag, 4);
	if (paged)
		row->paged = side;
	else
		row->nonpaged = side;
	if (paged)
		t->tracker.paged_bytes += (int64_t)bytes;
	else
		t->tracker.nonpaged_bytes += (int64_t)bytes;
	t->tracker.rows = t->rows;
}

static struct tag_uses uses_of(struct table *t)
{
	struct ps_error err = PS_ERROR_INIT;
	struct tag_uses uses;

	assert_int_equal(tag_uses_read(&t->tracker, &uses, &err), PS_OK);
	return uses;
}

static const uint64_t MIB = 1 << 20;

static void a_leak_and_a_cache(void **state)
{
	struct table t = {.tracker = {.complete = true}};
	struct tag_uses uses;

	(void)state;
	put(&t, "Leak", false, 24576, 0, 24576ULL * 131072);
	put(&t, "Mixd", false, 9000000, 8900000, 60 * MIB + 1);
	put(&t, "tiny", false, 1000, 0, 64000);
	put(&t, "Pgd ", true, 500000, 1000, 499000ULL * 200);
	uses = uses_of(&t);
	assert_int_equal(uses.count, 4);
	assert_int_equal(uses.items[0].row, 0);
	assert_int_equal(uses.items[0].constant_bytes, 131072);
	assert_int_equal(leak_signs(&uses.items[0], 0),
			 LEAK_FEW_FREES | LEAK_CONSTANT_SIZE | LEAK_LARGE_SHARE);
	assert_true(leak_is_suspect(leak_signs(&uses.items[0], 0)));
	assert_int_equal(uses.items[1].row, 3);
	assert_true(uses.items[1].paged);
	assert_int_equal(uses.items[1].share_permille, 1000);
	assert_int_equal(leak_signs(&uses.items[2], 0), 0);
	assert_int_equal(leak_signs(&uses.items[3], 0), 0);
	/* most of its pool, but nothing beside 16 GB */
	assert_int_equal(leak_signs(&uses.items[1], 16384 * MIB), 0);
	tag_uses_fini(&uses);
}

static void wrapped_counters_are_no_leak(void **state)
{
	struct table t = {.tracker = {.complete = true}};
	struct tag_uses uses;

	(void)state;
	/* 32-bit counters that wrapped: fewer allocs than are outstanding */
	put(&t, "Wrap", false, 5, (uint64_t)5 - 100000, 100000ULL * 4096);
	uses = uses_of(&t);
	assert_int_equal(uses.items[0].outstanding, 100000);
	assert_int_equal(uses.items[0].kept_permille, 0);
	tag_uses_fini(&uses);
}

static size_t find(struct tag_uses *uses, struct lockstep groups[LOCKSTEP_GROUPS])
{
	struct ps_error err = PS_ERROR_INIT;
	size_t count;

	assert_int_equal(lockstep_find(uses, groups, &count, &err), PS_OK);
	return count;
}

static void six_tags_of_one_owner(void **state)
{
	struct lockstep groups[LOCKSTEP_GROUPS];
	struct table t = {.tracker = {.complete = true}};
	struct tag_uses uses;

	(void)state;
	put(&t, "WCsc", true, 7500100, 0, 7500100ULL * 640);
	put(&t, "WCfc", true, 7500000, 0, 7500000ULL * 528);
	put(&t, "WCri", true, 7500040, 0, 7500040ULL * 112);
	put(&t, "FMfc", false, 7500200, 0, 7500200ULL * 480);
	put(&t, "FMwi", true, 7499990, 0, 7499990ULL * 96);
	put(&t, "IoFE", true, 15000000, 0, 15000000ULL * 80);
	put(&t, "Thre", false, 80000, 60000, 20000ULL * 1500);
	uses = uses_of(&t);
	assert_int_equal(find(&uses, groups), 1);
	assert_int_equal(groups[0].count, 6);
	assert_int_equal(groups[0].left_out, 0);
	assert_int_equal(__builtin_popcount(groups[0].twice), 1);
	for (size_t i = 0; i < groups[0].count; i++)
		assert_int_equal(
			groups[0].twice >> i & 1,
			memcmp(&t.rows[uses.items[groups[0].members[i]].row].tag, "IoFE", 4) == 0);
	tag_uses_fini(&uses);
}

static void alike_by_chance(void **state)
{
	struct lockstep groups[LOCKSTEP_GROUPS];
	struct table t = {.tracker = {.complete = true}};
	struct tag_uses uses;

	(void)state;
	/* two, a third of a percent apart, both with many frees: no group */
	put(&t, "Aaaa", false, 9000000, 8900000, 100000ULL * 300);
	put(&t, "Bbbb", false, 9000000, 8899700, 100300ULL * 300);
	/* equal, but a small part of the pool */
	put(&t, "Cccc", false, 40000, 0, 40000ULL * 16);
	put(&t, "Dddd", false, 40000, 0, 40000ULL * 16);
	put(&t, "Rest", false, 900, 100, 300 * MIB);
	uses = uses_of(&t);
	assert_int_equal(find(&uses, groups), 0);
	tag_uses_fini(&uses);
}

/* A source of random numbers of our own: the measured rate must not depend on the C library. */
static double random_part(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(*state >> 11) / 9007199254740992.0;
}

struct real_row {
	bool paged;
	double allocs, frees, bytes;
};

static size_t real_rows(struct real_row *rows, size_t room)
{
	FILE *in = fopen("../shared/data/win10-17763-x64/expected-track.csv", "r");
	char line[256];
	size_t count = 0;

	if (!in)
		return 0;
	while (fgets(line, sizeof(line), in) && count + 2 <= room) {
		double v[6];
		const char *numbers = strrchr(line, '\n') ? line : NULL;

		/* index, tag (which may hold a comma), then six numbers */
		for (unsigned commas = 0, at = (unsigned)strlen(line); at > 0 && numbers; at--) {
			if (line[at - 1] == ',' && ++commas == 6) {
				numbers = line + at;
				break;
			}
		}
		if (!numbers || sscanf(numbers, "%lf,%lf,%lf,%lf,%lf,%lf", &v[0], &v[1], &v[2],
				       &v[3], &v[4], &v[5]) != 6)
			continue;
		if (v[1] > v[2] && v[0] > 0)
			rows[count++] = (struct real_row){false, v[1], v[2], v[0]};
		if (v[4] > v[5] && v[3] > 0)
			rows[count++] = (struct real_row){true, v[4], v[5], v[3]};
	}
	fclose(in);
	return count;
}

/*
 * A healthy machine: rows of the real one, each as much busier as it happens to be, and up for
 * long, so that most of what was allocated was freed. What was never freed at all was allocated
 * once, at start: it grows with the machine only.
 */
static void draw_table(const struct real_row *rows, size_t count, uint64_t *state, struct table *t)
{
	double scale = pow(10, 3 * random_part(state));

	*t = (struct table){.tracker = {.complete = true}};
	for (size_t i = 0; i < count; i++) {
		const struct real_row *row = &rows[(size_t)(random_part(state) * (double)count)];
		bool once = row->frees == 0;
		double busy = once ? 1 + 3 * random_part(state)
				   : scale * pow(10, random_part(state) - 0.5);
		double kept = floor((row->allocs - row->frees) * busy);
		double frees = floor(row->frees * busy * pow(10, 3 * random_part(state)));
		double each = floor(row->bytes / (row->allocs - row->frees));

		if (kept >= 1)
			put(t, "real", row->paged, (uint64_t)(kept + frees), (uint64_t)frees,
			    (uint64_t)(kept * each));
	}
}

static void by_chance_in_healthy_tables(void **state)
{
	static struct table t;
	static struct real_row rows[ROWS];
	struct lockstep groups[LOCKSTEP_GROUPS];
	size_t count = real_rows(rows, ROWS), tables = 0, suspects = 0;
	const uint64_t unknown[2] = {0, 0};
	uint64_t seed = 20261121;

	(void)state;
	if (count == 0) {
		print_message("skipped: the rows of a real machine are not there\n");
		skip();
	}
	for (unsigned i = 0; i < 1000; i++) {
		struct tag_uses uses;
		bool suspect = false;
		size_t found;

		draw_table(rows, count, &seed, &t);
		uses = uses_of(&t);
		found = find(&uses, groups);
		tables += found > 0;
		for (size_t k = 0; k < found; k++)
			suspect = suspect || lockstep_is_suspect(&uses, &groups[k], unknown);
		suspects += suspect;
		tag_uses_fini(&uses);
	}
	print_message(
		"1000 random healthy tables of %zu rows: %zu with a lock-step group, %zu with "
		"one that looks like a leak\n",
		count, tables, suspects);
	assert_true(tables <= 20);
	assert_true(suspects <= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_and_a_cache),
		cmocka_unit_test(wrapped_counters_are_no_leak),
		cmocka_unit_test(six_tags_of_one_owner),
		cmocka_unit_test(alike_by_chance),
		cmocka_unit_test(by_chance_in_healthy_tables),
	};

	return cmocka_run_group_tests_name("signature", tests, NULL, NULL);
}
