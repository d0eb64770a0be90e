/*
 * poolmon's snapshots: single rows in their irregularity, files of several, encodings; and the
 * differences of counters that go round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyzer/desk/diff_rows.h"
#include "analyzer/desk/usage.h"
#include "analyzer/texts/poolmon.h"

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

static void expect_row(const char *line, const char *tag, bool paged, uint32_t allocs,
		       uint32_t frees, int64_t bytes)
{
	struct poolmon_row row;

	assert_true(poolmon_parse_row(line, strlen(line), &row));
	assert_int_equal(row.tag, tag_of(tag));
	assert_int_equal(row.paged, paged);
	assert_int_equal(row.allocs, allocs);
	assert_int_equal(row.frees, frees);
	assert_int_equal(row.bytes, bytes);
	assert_int_equal(row.diff, (int64_t)allocs - frees);
}

static void expect_none(const char *line)
{
	struct poolmon_row row;

	assert_false(poolmon_parse_row(line, strlen(line), &row));
}

static void rows(void **state)
{
	(void)state;
	expect_row(" Aaaa Nonp       7000      6000      1000   64000         64", "Aaaa", false,
		   7000, 6000, 64000);
	expect_row(" Bb   Paged      7000 (   5)      6000 (  -2)     1000   64000 (   640)     64",
		   "Bb  ", true, 7000, 6000, 64000);
	expect_row(" Io   Nonp  3 ( 0) 1 ( 0) 2 20 ( 0) 10 [some.sys  -  a.c]", "Io  ", false, 3, 1,
		   20);
	/* blanks inside, at the ends, and of a table whose margin is gone */
	expect_row("  A B Nonp 3 1 2 20 10", " A B", false, 3, 1, 20);
	expect_row(" A  B Paged 3 1 2 20 10", "A  B", true, 3, 1, 20);
	expect_row("A  B Paged 3 1 2 20 10", "A  B", true, 3, 1, 20);
	expect_row("\tAb\tPaged\t3\t1\t2\t20\t10", "Ab  ", true, 3, 1, 20);
	expect_row(" Nonp Nonp 3 1 2 20 10", "Nonp", false, 3, 1, 20);
	expect_row(" Bigg Nonp 4294967295 4294967294 1 8589934592 8589934592", "Bigg", false,
		   UINT32_MAX, UINT32_MAX - 1, INT64_C(8589934592));
}

static void no_rows(void **state)
{
	(void)state;
	expect_none("");
	expect_none(" Tag  Type     Allocs            Frees            Diff   Bytes  Per Alloc");
	expect_none(" Aaaa Nonp 3 1 2 20");      /* cut */
	expect_none(" Aaaa Nonp 3 1 3 20 10");   /* does not add up */
	expect_none(" Aaaa Nonp 3 ( 1 2 20 10"); /* a bracket */
	expect_none(" Aaaa Nonq 3 1 2 20 10");   /* no type */
	expect_none(" Aaaa Nonp -3 1 -4 20 10"); /* no count */
	expect_none(" Aaaaa Nonp 3 1 2 20 10");  /* five columns */
	expect_none(" Aaaa Nonp 4294967296 1 4294967295 20 10");
	expect_none(" Aaaa Nonp 99999999999999999999999 1 2 20 10");
	expect_none(" Aaaa Nonp 3 1 2 - 10");
}

static struct poolmon *parse(const char *text, size_t length)
{
	struct ps_error err = PS_ERROR_INIT;
	struct poolmon *log = NULL;

	assert_int_equal(poolmon_parse("log", text, length, &log, &err), PS_OK);
	return log;
}

#define HEAD                                                                                       \
	" Memory:  260620K Avail:   96364K  PageFlts:     0   InRam Krnl: 1916K P:17856K\r\n"      \
	" Commit: 203500K Limit: 640916K Peak: 260632K            Pool N: 8332K P:27220K\r\n"      \
	" System pool information\r\n"                                                             \
	" Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\r\n\r\n"

static void files(void **state)
{
	static const char text[] =
		HEAD " Bbbb Paged 3 1 2 20 10\r\n Aaaa Nonp 5 1 4 40 10\r\n"
		     " Aaaa Nonp 5 1 4 40 10\r\n junk\r\n Aaab Nonp 5 1 9 40 10\r\n" HEAD
		     " Aaaa Nonp 6 1 5 50 10";
	struct poolmon *log = parse(text, sizeof(text) - 1);

	(void)state;
	assert_true(poolmon_is(text, sizeof(text) - 1));
	assert_int_equal(log->count, 2);
	assert_int_equal(log->broken_lines, 1);
	assert_int_equal(log->first_broken, 10);
	assert_int_equal(log->items[0].count, 2);
	assert_true(log->items[0].rows[0].repeated);
	assert_int_equal(log->items[0].rows[0].bytes, 80);
	assert_false(log->items[0].rows[1].repeated);
	assert_true(log->items[0].has_pool);
	assert_int_equal(log->items[0].pool[0], 8332 * 1024);
	assert_int_equal(log->items[0].pool[1], 27220 * 1024);
	assert_int_equal(log->items[1].count, 1);
	assert_int_equal(log->items[1].rows[0].diff, 5);
	poolmon_destroy(log);
}

static void wide(void **state)
{
	static const char text[] = HEAD " Aaaa Nonp 5 1 4 40 10\r\n";
	char bytes[2 * sizeof(text)] = "\xff\xfe";
	struct poolmon *log;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		bytes[2 + 2 * i] = text[i];
	assert_true(poolmon_is(bytes, 2 * sizeof(text)));
	log = parse(bytes, 2 * sizeof(text));
	assert_int_equal(log->items[0].rows[0].tag, tag_of("Aaaa"));
	poolmon_destroy(log);
}

static void refused(void **state)
{
	static const char head[] = HEAD, session[] = " Session 1 pool information\r\n"
						     " Tag  Type Allocs Frees Diff Bytes\r\n"
						     " Aaaa Nonp 5 1 4 40 10\r\n";
	struct ps_error err = PS_ERROR_INIT;
	struct poolmon *log = NULL;
	struct usage_list list = {NULL, 0, 0};

	(void)state;
	assert_int_equal(poolmon_parse("log", head, sizeof(head) - 1, &log, &err), PS_CORRUPT);
	assert_string_equal(err.text, "log: no row of a poolmon snapshot can be read");
	assert_null(log);
	assert_false(poolmon_is("PAGEDU64", 8));
	ps_error_clear(&err);
	assert_int_equal(usage_of_poolmon("log", session, sizeof(session) - 1, NULL, &list, &err),
			 PS_UNSUPPORTED);
	assert_string_equal(err.text, "log: snapshot 1 is of session pool, which is not compared");
	free(list.items);
}

static void expect_counter(uint64_t before, uint64_t after, bool narrow, int64_t want,
			   bool want_wrapped)
{
	bool wrapped = false;
	struct diff_figure got = diff_counter(before, after, narrow, FIGURE_EXACT, &wrapped);

	assert_true(got.known);
	assert_int_equal(got.value, want);
	assert_int_equal(wrapped, want_wrapped);
	assert_int_equal(got.trust, want_wrapped ? FIGURE_AT_LEAST : FIGURE_EXACT);
}

static void counters(void **state)
{
	bool wrapped = false;

	(void)state;
	expect_counter(5, 9, false, 4, false);
	expect_counter(UINT32_MAX, 9, false, 10, true);
	expect_counter(5, UINT64_C(0x100000009), false, 0x100000004, false);
	expect_counter(5, UINT64_C(0x100000009), true, 4, true);
	assert_false(diff_counter(UINT64_C(0x100000009), 5, false, FIGURE_EXACT, &wrapped).known);
	assert_int_equal(diff_counter(9, 5, false, FIGURE_ABOUT, &wrapped).value, -4);
	assert_false(wrapped);
}

static void times(void **state)
{
	int64_t seconds;

	(void)state;
	assert_true(usage_time("1970-01-02T00:00:01Z", &seconds));
	assert_int_equal(seconds, 86401);
	assert_false(usage_time("1970-01-02T00:00:01", &seconds));
	assert_false(usage_time("1970-13-02T00:00:01Z", &seconds));
	assert_false(usage_time("1970-01-02T00:00:01Z ", &seconds));
	assert_false(usage_time(NULL, &seconds));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),  cmocka_unit_test(no_rows), cmocka_unit_test(files),
		cmocka_unit_test(wide),  cmocka_unit_test(refused), cmocka_unit_test(counters),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests_name("poolmon", tests, NULL, NULL);
}
