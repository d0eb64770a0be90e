/*
 * Lists of known problems: versions, matches, and every way in which a file can be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/texts/known.h"

static char path[] = "/tmp/poolscope-known-XXXXXX";

static void write_text(const char *text)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

#define HEAD  "{\"schema\": \"poolscope-known/1\", \"problems\": ["
#define ENTRY "\"driver\": \"a.sys\", \"title\": \"t\", \"advice\": \"a\""

static void an_entry(void **state)
{
	static const uint32_t older[] = {7, 0, 9, 0}, inside[] = {7, 2, 0, 9999},
			      fixed[] = {7, 2, 1, 0};
	struct ps_error err = PS_ERROR_INIT;
	const struct known_problem *p;
	struct known *known;

	(void)state;
	write_text(HEAD "{\"id\": \"X\", " ENTRY
			", \"from\": \"7.1\", \"before\": \"7.2.1\", \"tag\": \"Sav?\"}]}");
	assert_int_equal(known_load(path, &known, &err), PS_OK);
	assert_int_equal(known_count(known), 1);
	p = known_get(known, 0);
	assert_true(known_is_driver(p, "A.SYS"));
	assert_false(known_is_driver(p, "a.sy"));
	assert_false(known_has_version(p, older));
	assert_true(known_has_version(p, inside));
	assert_false(known_has_version(p, fixed));
	assert_true(p->has_tag && tag_key_matches(&p->tag, 0x46766153)); /* SavF */
	assert_false(tag_key_matches(&p->tag, 0x6b61654c));
	assert_null(p->url);
	known_destroy(known);
}

static void versions(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint32_t parts[KNOWN_VERSION_PARTS];
	} cases[] = {
		{"7.2.1", true, {7, 2, 1, 0}},
		{"10.0.17763.1 (WinBuild.160101.0800)", true, {10, 0, 17763, 1}},
		{"5, 2, 3790, 4001", true, {5, 2, 3790, 4001}},
		{"4", true, {4, 0, 0, 0}},
		{"v7", false, {0}},
		{"", false, {0}},
		{"99999999999", false, {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t parts[KNOWN_VERSION_PARTS];

		assert_int_equal(known_parse_version(cases[i].text, parts), cases[i].good);
		if (cases[i].good)
			assert_memory_equal(parts, cases[i].parts, sizeof(parts));
	}
}

static void expect_refusal(const char *text, const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	struct known *known;
	char want[512];

	write_text(text);
	assert_int_equal(known_load(path, &known, &err), PS_CORRUPT);
	snprintf(want, sizeof(want), "%s: %s", strrchr(path, '/') + 1, words);
	assert_string_equal(err.text, want);
	assert_string_equal(err.hint, "docs/known-problems.md describes the format");
}

static void wrong_files(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct known *known;
	char want[128];

	(void)state;
	expect_refusal("{}", "no list of known problems: it needs \"schema\": "
			     "\"poolscope-known/1\" and an array \"problems\"");
	expect_refusal(HEAD "5]}", "problems[0]: is no object");
	expect_refusal(HEAD "{" ENTRY "}]}",
		       "problems[0]: needs \"id\", \"driver\", \"title\" and \"advice\"");
	expect_refusal(HEAD "{\"id\": 5, " ENTRY "}]}", "problems[0]: has a value that is no text");
	expect_refusal(HEAD "{\"id\": \"1\", " ENTRY ", \"befor\": \"1\"}]}",
		       "problems[0]: has a key that is not id, driver, from, before, tag, title, "
		       "advice or url");
	expect_refusal(HEAD "{\"id\": \"1\", " ENTRY ", \"before\": \"new\"}]}",
		       "problems[0]: \"before\" is no version such as \"7.2.1\"");
	expect_refusal(HEAD "{\"id\": \"1\", " ENTRY ", \"tag\": \"Leaks\"}]}",
		       "problems[0]: \"tag\" has one to four characters");
	expect_refusal(HEAD "{\"id\": \"1\", " ENTRY "}, {\"id\": \"1\", " ENTRY "}]}",
		       "problems[1]: has the id of another entry");
	write_text("{\"schema\":\n oops");
	assert_int_equal(known_load(path, &known, &err), PS_CORRUPT);
	snprintf(want, sizeof(want), "%s: line 2: invalid token near 'oops'", path);
	assert_string_equal(err.text, want);
	assert_string_equal(err.hint, "docs/known-problems.md describes the format");
	assert_int_equal(known_load("/nowhere/list.json", &known, &err), PS_SYSTEM);
	assert_string_equal(err.text, "cannot open /nowhere/list.json: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry),
		cmocka_unit_test(versions),
		cmocka_unit_test(wrong_files),
	};

	return cmocka_run_group_tests_name("known", tests, setup, teardown);
}
