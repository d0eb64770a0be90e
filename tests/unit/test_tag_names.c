/*
 * Tag lists: single lines in all their irregularity, files, order of matches, the built-in table.
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

#include "analyzer/texts/pooltag_file.h"
#include "analyzer/texts/tag_names.h"
#include "analyzer/texts/tag_table.h"

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

static void expect_part(struct line_part part, const char *want)
{
	assert_int_equal(part.length, strlen(want));
	assert_memory_equal(part.text, want, part.length);
}

static void expect_line(const char *line, const char *tag, const char *image,
			const char *description)
{
	struct pooltag_line parsed;

	assert_true(pooltag_parse_line(line, strlen(line), &parsed));
	assert_memory_equal(parsed.key.bytes, tag, 4);
	expect_part(parsed.image, image);
	expect_part(parsed.description, description);
}

static void lines(void **state)
{
	(void)state;
	expect_line("Abcd - some.sys      - What it is", "Abcd", "some.sys", "What it is");
	expect_line("Abcd - some.sys - What it is\r", "Abcd", "some.sys", "What it is");
	expect_line("Abc  - some.sys - three columns", "Abc ", "some.sys", "three columns");
	expect_line("Abc - some.sys - three columns", "Abc ", "some.sys", "three columns");
	expect_line("Abc -  some.sys - two blanks", "Abc ", "some.sys", "two blanks");
	expect_line("Io   - nt!io - two columns", "Io  ", "nt!io", "two columns");
	expect_line(" Abc - some.sys - leading blank", " Abc", "some.sys", "leading blank");
	expect_line("A-b- - some.sys - dashes", "A-b-", "some.sys", "dashes");
	expect_line("Abcd - <unknown>    - nobody knows", "Abcd", "", "nobody knows");
	expect_line("Abcd - <Unknown> - nobody knows", "Abcd", "", "nobody knows");
	expect_line("Abcd - only words, no image", "Abcd", "", "only words, no image");
	expect_line("Abcd - some.sys -", "Abcd", "some.sys", "");
	expect_line("Abcd - some.sys - one - two", "Abcd", "some.sys", "one - two");
	expect_line("Abcd - a-b.sys - high-speed", "Abcd", "a-b.sys", "high-speed");
	expect_line("Abcd\t- some.sys\t- tabs", "Abcd", "some.sys", "tabs");
	expect_line("Remy - some.sys - no comment", "Remy", "some.sys", "no comment");
}

static void other_lines(void **state)
{
	static const char *const none[] = {
		"",
		"   ",
		"\r",
		"rem  Abcd - some.sys - comment",
		"REM",
		"// Abcd - some.sys - comment",
		"; comment",
		"        tags. Note: in-use tags are of the form \"Ul??\" - or so",
		"      - continued words",
		"Abcde - five.sys - too long a tag",
		"Abcd some.sys - no dash behind the tag",
		"Abcd-some.sys-no blanks",
		"Abcd",
		"Abcd -",
		"Abcd - ",
		"-",
		" - ",
		"- some.sys - no tag",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct pooltag_line parsed;

		if (pooltag_parse_line(none[i], strlen(none[i]), &parsed))
			fail_msg("taken for a tag line: \"%s\"", none[i]);
	}
}

static void keys(void **state)
{
	struct tag_key key;

	(void)state;
	tag_key_parse("Bu* ", 4, &key);
	assert_int_equal(key.literals, 2);
	assert_true(tag_key_matches(&key, tag_of("BuXY")));
	assert_true(tag_key_matches(&key, tag_of("Bu  ")));
	assert_false(tag_key_matches(&key, tag_of("Bx  ")));
	tag_key_parse("Gh?5", 4, &key);
	assert_int_equal(key.literals, 3);
	assert_true(tag_key_matches(&key, tag_of("Gh05")));
	assert_false(tag_key_matches(&key, tag_of("Gh06")));
	tag_key_parse("Abcd", 4, &key);
	/* bit 31 is the protected bit, never part of the name */
	assert_true(tag_key_matches(&key, tag_of("Abcd") | 0x80000000));
	tag_key_parse("*", 1, &key);
	assert_int_equal(key.literals, 0);
	assert_true(tag_key_matches(&key, 0));
}

/* A file with these contents; the caller removes it. */
static void write_file(char path[64], const void *data, size_t size)
{
	int fd;

	snprintf(path, 64, "%s/poolscope-tags-XXXXXX", P_tmpdir);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
}

static struct tag_names *names_with(const char *text)
{
	struct ps_error err = PS_ERROR_INIT;
	struct tag_names *names;
	char path[64];

	assert_int_equal(tag_names_create(&names, &err), PS_OK);
	write_file(path, text, strlen(text));
	assert_int_equal(tag_names_load(names, path, NULL, &err), PS_OK);
	unlink(path);
	return names;
}

static void expect_name(const struct tag_names *names, const char *tag, const char *image,
			const char *description)
{
	struct tag_name name;

	assert_true(tag_names_find(names, tag_of(tag), &name));
	if (image)
		assert_string_equal(name.image, image);
	else
		assert_null(name.image);
	if (description)
		assert_string_equal(name.description, description);
	else
		assert_null(name.description);
}

static void precedence(void **state)
{
	struct tag_names *names = names_with("rem a list\r\n"
					     "Xy*  - star.sys - by star\r\n"
					     "Xyz? - mark.sys - by mark\r\n"
					     "Xy?1 - mark.sys - other mark\r\n"
					     "Xyz1 - exact.sys - exact\r\n"
					     "Xyz1 - later.sys - a second line\r\n"
					     "Leak - mine.sys - the user's own\r\n"
					     "Onl1 - one.sys -\r\n"
					     "Last - last.sys - no newline");

	(void)state;
	expect_name(names, "Xyz1", "exact.sys", "exact");
	expect_name(names, "Xyz2", "mark.sys", "by mark");
	expect_name(names, "Xya1", "mark.sys", "other mark");
	expect_name(names, "Xyab", "star.sys", "by star");
	expect_name(names, "Leak", "mine.sys", "the user's own");
	expect_name(names, "Onl1", "one.sys", NULL);
	expect_name(names, "Last", "last.sys", "no newline");
	/* not in the file: the built-in table */
	expect_name(names, "Irp ", "nt (io)", "I/O requests; many: requests that never complete");
	tag_names_destroy(names);
}

/* Editors of Windows put a mark before UTF-8. */
static void first_line_behind_a_mark(void **state)
{
	struct tag_names *names = names_with("\xef\xbb\xbfXyz1 - first.sys - first\n");

	(void)state;
	expect_name(names, "Xyz1", "first.sys", "first");
	tag_names_destroy(names);
}

static void source_is_named(void **state)
{
	struct tag_names *names = names_with("Xyz1 - exact.sys - exact\n");
	struct tag_name name;

	(void)state;
	assert_true(tag_names_find(names, tag_of("Xyz1"), &name));
	assert_non_null(strstr(name.source, "poolscope-tags-"));
	assert_null(strchr(name.source, '/'));
	assert_true(tag_names_find(names, tag_of("Proc"), &name));
	assert_string_equal(name.source, "built in");
	tag_names_destroy(names);
}

static void expect_refused(const void *data, size_t size, const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	struct tag_names *names;
	char path[64];

	assert_int_equal(tag_names_create(&names, &err), PS_OK);
	write_file(path, data, size);
	assert_int_equal(tag_names_load(names, path, NULL, &err), PS_UNSUPPORTED);
	unlink(path);
	assert_non_null(strstr(err.text, words));
	tag_names_destroy(names);
}

static void refused_files(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct tag_names *names;

	(void)state;
	expect_refused("MZ\0\0binary", 10, "is not a text file");
	expect_refused("\xff\xfeL\0e\0a\0k\0", 10, "is UTF-16 text, which is not read");
	expect_refused("\xfe\xff\0L\0e\0a\0k", 10, "is UTF-16 text, which is not read");
	expect_refused("", 0, "has no line of a tag list");
	expect_refused("just words\nand more\n", 20, "has no line of a tag list");
	assert_int_equal(tag_names_create(&names, &err), PS_OK);
	assert_int_equal(tag_names_load(names, "/nonexistent/pooltag.txt", NULL, &err), PS_SYSTEM);
	assert_int_equal(tag_names_load(names, "/", NULL, &err), PS_UNSUPPORTED);
	tag_names_destroy(names);
}

static void long_line(void **state)
{
	size_t size = 1000000;
	char *line = malloc(size + 1);
	struct pooltag_line parsed;

	(void)state;
	assert_non_null(line);
	memset(line, 'x', size);
	memcpy(line, "Abcd - a.sys - ", 15);
	line[size] = '\0';
	assert_true(pooltag_parse_line(line, size, &parsed));
	assert_int_equal(parsed.description.length, size - 15);
	memset(line, ' ', size);
	assert_false(pooltag_parse_line(line, size, &parsed));
	free(line);
}

static void built_in_table(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct tag_names *names;
	struct tag_name name;

	(void)state;
	assert_int_equal(tag_names_create(&names, &err), PS_OK);
	assert_true(tag_table_count >= 180);
	for (size_t i = 0; i < tag_table_count; i++) {
		assert_int_equal(strlen(tag_table[i].tag), 4);
		assert_true(tag_names_find(names, tag_of(tag_table[i].tag), &name));
		assert_string_equal(name.source, "built in");
		/* every row is reached: none stands behind another of the same tag */
		assert_ptr_equal(name.description, tag_table[i].description);
	}
	expect_name(names, "Gh15", "win32k.sys", "GDI surfaces (bitmaps)");
	expect_name(names, "ScBx", "classpnp.sys", "storage class drivers");
	assert_false(tag_names_find(names, tag_of("\x01\x02\x03\x04"), &name));
	tag_names_destroy(names);
}

/* Microsoft's own list, where it is at hand. Only counts are checked. */
static void real_list(void **state)
{
	const char *path = "../shared/data/pooltag/pooltag-sample.txt";
	struct ps_error err = PS_ERROR_INIT;
	struct tag_names *names;
	struct tag_name name;

	(void)state;
	if (access(path, R_OK) != 0) {
		print_message("no list of tags at %s\n", path);
		skip();
	}
	assert_int_equal(tag_names_create(&names, &err), PS_OK);
	assert_int_equal(tag_names_load(names, path, NULL, &err), PS_OK);
	assert_true(tag_names_find(names, tag_of("AfdZ"), &name));
	assert_string_equal(name.image, "afd.sys");
	assert_string_equal(name.source, "pooltag-sample.txt");
	/* a tag of three columns, and one whose line names no image */
	assert_true(tag_names_find(names, tag_of("Mdp "), &name));
	assert_string_equal(name.image, "netio.sys");
	assert_true(tag_names_find(names, tag_of("ATmp"), &name));
	assert_null(name.image);
	tag_names_destroy(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(other_lines),
		cmocka_unit_test(keys),
		cmocka_unit_test(precedence),
		cmocka_unit_test(first_line_behind_a_mark),
		cmocka_unit_test(source_is_named),
		cmocka_unit_test(refused_files),
		cmocka_unit_test(long_line),
		cmocka_unit_test(built_in_table),
		cmocka_unit_test(real_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
