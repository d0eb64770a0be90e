/*
 * What a worker tells its batch: rows as they are written and read, and every way in which they can
 * be damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/summary.h"

struct text {
	char *bytes;
	size_t size;
};

static FILE *open_text(struct text *text)
{
	FILE *out = open_memstream(&text->bytes, &text->size);

	assert_non_null(out);
	return out;
}

static void put_error(FILE *out)
{
	rows_begin(out, SUMMARY_ERROR);
	assert_true(rows_text(out, "corrupt"));
	assert_true(rows_text(out, "the file ends in its header"));
}

static void put_case(FILE *out)
{
	rows_begin(out, SUMMARY_CASE);
	for (unsigned i = 0; i < 15; i++)
		rows_none(out);
}

static void put_finding(FILE *out)
{
	rows_begin(out, SUMMARY_FINDING);
	rows_integer(out, 1);
	assert_true(rows_text(out, "pool-exhausted"));
	assert_true(rows_text(out, "critical"));
	assert_true(rows_text(out, "nonpaged pool is used up"));
}

static struct row_item next(struct rows *rows, enum row_item_type type)
{
	struct row_item item;

	assert_true(rows_next(rows, &item));
	assert_int_equal(item.type, type);
	return item;
}

static void test_values_come_back(void **state)
{
	struct text text;
	FILE *out = open_text(&text);
	struct row_item item;
	struct rows rows;

	(void)state;
	rows_begin(out, 7);
	rows_none(out);
	rows_integer(out, INT64_MIN);
	assert_true(rows_text(out, NULL));
	assert_true(rows_text(out, ""));
	assert_true(rows_text(out, "M\xc3\xbcller \xff"));
	rows_end(out);
	fclose(out);

	rows = rows_in(text.bytes, text.size);
	item = next(&rows, ROW_BEGIN);
	assert_int_equal(item.kind, 7);
	next(&rows, ROW_NONE);
	item = next(&rows, ROW_INTEGER);
	assert_true(item.integer == INT64_MIN);
	next(&rows, ROW_NONE);
	item = next(&rows, ROW_TEXT);
	assert_string_equal(item.text, "");
	item = next(&rows, ROW_TEXT);
	assert_string_equal(item.text, "M\xc3\xbcller \\xff");
	assert_int_equal(item.length, strlen(item.text));
	next(&rows, ROWS_END);
	assert_false(rows_next(&rows, &item));
	free(text.bytes);
}

/* What `put` writes, with an end behind it. */
static bool is_whole(void put(FILE *out), void put_more(FILE *out))
{
	struct text text;
	FILE *out = open_text(&text);
	bool whole;

	put(out);
	if (put_more)
		put_more(out);
	rows_end(out);
	fclose(out);
	whole = summary_is_whole(rows_in(text.bytes, text.size));
	free(text.bytes);
	return whole;
}

static void put_nothing(FILE *out)
{
	(void)out;
}

static void put_short_finding(FILE *out)
{
	rows_begin(out, SUMMARY_FINDING);
	rows_integer(out, 1);
}

static void put_unknown(FILE *out)
{
	rows_begin(out, SUMMARY_KINDS);
}

/* A summary begins with its case, or is one error. */
static void test_what_is_a_summary(void **state)
{
	(void)state;
	assert_true(is_whole(put_case, NULL));
	assert_true(is_whole(put_case, put_finding));
	assert_true(is_whole(put_error, NULL));
	assert_false(is_whole(put_nothing, NULL));
	assert_false(is_whole(put_finding, NULL));
	assert_false(is_whole(put_finding, put_case));
	assert_false(is_whole(put_case, put_case));
	assert_false(is_whole(put_case, put_error));
	assert_false(is_whole(put_error, put_finding));
	assert_false(is_whole(put_case, put_short_finding));
	assert_false(is_whole(put_short_finding, put_finding));
	assert_false(is_whole(put_case, put_unknown));
	assert_false(is_whole(put_case, rows_none));
}

/* Cut anywhere it is none, nor with a byte behind it; any changed byte is read within bounds. */
static void test_damaged(void **state)
{
	struct text text;
	FILE *out = open_text(&text);
	char *copy;

	(void)state;
	put_case(out);
	put_finding(out);
	rows_end(out);
	fclose(out);
	for (size_t size = 0; size < text.size; size++) {
		copy = malloc(size + 1); /* so that a sanitizer sees what is read behind it */
		memcpy(copy, text.bytes, size);
		assert_false(summary_is_whole(rows_in(copy, size)));
		free(copy);
	}
	copy = malloc(text.size);
	for (size_t at = 0; at < text.size; at++)
		for (unsigned value = 0; value < 256; value++) {
			memcpy(copy, text.bytes, text.size);
			copy[at] = (char)value;
			(void)summary_is_whole(rows_in(copy, text.size));
		}
	memcpy(copy, text.bytes, text.size);
	copy[text.size - 2] = 'x'; /* the NUL behind the last text */
	assert_false(summary_is_whole(rows_in(copy, text.size)));
	memcpy(copy, text.bytes, text.size);
	copy[text.size - 3] = (char)0xff; /* no UTF-8 */
	assert_false(summary_is_whole(rows_in(copy, text.size)));
	free(copy);
	copy = malloc(text.size + 1);
	memcpy(copy, text.bytes, text.size);
	copy[text.size] = 'n';
	assert_false(summary_is_whole(rows_in(copy, text.size + 1)));
	free(copy);
	free(text.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_come_back),
		cmocka_unit_test(test_what_is_a_summary),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
