/*
 * The command line: patterns of tags, words that are commands or files, options that do not fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/log.h"

/* The commands are not in the library that the tests link; these files are all they need. */
#include "analyzer/cli/batch_options.c"
#include "analyzer/cli/cases_options.c"
#include "analyzer/cli/option_table.c"
#include "analyzer/cli/option_checks.c"
#include "analyzer/cli/option_values.c"
#include "analyzer/cli/options.c"
#include "analyzer/cli/tag_pattern.c"

enum { ARGUMENTS_MAX = 48 };

/* Parses a NULL-terminated list of words. */
static enum ps_status parse(struct options *o, struct ps_error *err, const char *const *words)
{
	char *argv[ARGUMENTS_MAX] = {(char *)"poolscope"};
	int argc = 1;

	*err = (struct ps_error)PS_ERROR_INIT;
	for (; words[argc - 1]; argc++) {
		assert_in_range(argc, 1, ARGUMENTS_MAX - 2);
		argv[argc] = (char *)words[argc - 1];
	}
	return options_parse(o, argc, argv, err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_pattern(const char *text, const char bytes[4], const char any[4])
{
	struct ps_error err = PS_ERROR_INIT;
	struct tag_pattern p;

	assert_int_equal(tag_pattern_parse(text, &p, &err), PS_OK);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(p.any[i], any[i] == '1');
		if (!p.any[i])
			assert_int_equal(p.bytes[i], (uint8_t)bytes[i]);
	}
}

static void patterns(void **state)
{
	(void)state;
	expect_pattern("Irp", "Irp ", "0000");
	expect_pattern("Io", "Io  ", "0000");
	expect_pattern("Leak", "Leak", "0000");
	expect_pattern(" GIB", " GIB", "0000");
	expect_pattern("4c65616b", "Leak", "0000");
	expect_pattern("4C65616B", "Leak", "0000");
	expect_pattern("\\x4ceak", "Leak", "0000");
	expect_pattern("\\x01\\x02\\x03\\xff", "\x01\x02\x03\xff", "0000");
	expect_pattern("\\x3fabc", "?abc", "0000");
	expect_pattern("a\\bc", "a\\bc", "0000");
	expect_pattern("Afd?", "Afd.", "0001");
	expect_pattern("?", ".   ", "1000");
	expect_pattern("Af*", "Af..", "0011");
	expect_pattern("*", "....", "1111");
	expect_pattern("*d", "...d", "1110");
	expect_pattern("A*d", "A..d", "0110");
	expect_pattern("Leak*", "Leak", "0000");
}

static void bad_patterns(void **state)
{
	static const char *const bad[] = {
		"", "Leaks", "4c65616", "A*b*", "\\x01\\x02\\x03\\x04\\x05", "4c65616bb"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ps_error err = PS_ERROR_INIT;
		struct tag_pattern p;

		assert_int_equal(tag_pattern_parse(bad[i], &p, &err), PS_USAGE);
		assert_true(strlen(err.text) > 0);
	}
}

static void command_and_file(void **state)
{
	struct options o;
	struct ps_error err;

	(void)state;
	assert_int_equal(parse(&o, &err, WORDS("./MEMORY.DMP")), PS_OK);
	assert_int_equal(o.command, COMMAND_ANALYZE);
	assert_string_equal(o.file, "./MEMORY.DMP");
	options_fini(&o);

	assert_int_equal(parse(&o, &err, WORDS("--json", "tags", "--top", "5", "x.dmp")), PS_OK);
	assert_int_equal(o.command, COMMAND_TAGS);
	assert_string_equal(o.file, "x.dmp");
	assert_int_equal(o.output, OUTPUT_JSON);
	assert_int_equal(o.top, 5);
	assert_int_equal(o.given_count, 2);
	assert_string_equal(o.given[0], "--json");
	assert_string_equal(o.given[1], "--top=5");
	options_fini(&o);

	/* a name with a slash is a file, and so is everything behind -- */
	assert_int_equal(parse(&o, &err, WORDS("./owners")), PS_OK);
	assert_string_equal(o.file, "./owners");
	options_fini(&o);
	assert_int_equal(parse(&o, &err, WORDS("--", "tags")), PS_OK);
	assert_int_equal(o.command, COMMAND_ANALYZE);
	assert_string_equal(o.file, "tags");
	options_fini(&o);
	assert_int_equal(parse(&o, &err, WORDS("tags", "--", "--json")), PS_OK);
	assert_string_equal(o.file, "--json");
	assert_int_equal(o.output, OUTPUT_TEXT);
	options_fini(&o);
}

static void all_options_of_big(void **state)
{
	struct options o;
	struct ps_error err;

	(void)state;
	assert_int_equal(
		parse(&o, &err,
		      WORDS("big", "x.dmp", "--list", "--freed", "--tag", "Leak", "--tag", "Af*",
			    "--paged", "--csv", "--color=never", "-vv", "--pooltag=p.txt")),
		PS_OK);
	assert_true(o.list && o.freed);
	assert_int_equal(o.tag_count, 2);
	assert_int_equal(o.filter, FILTER_PAGED);
	assert_int_equal(o.output, OUTPUT_CSV);
	assert_int_equal(o.color, COLOR_NEVER);
	assert_int_equal(o.verbosity, LOG_DEBUG);
	assert_string_equal(o.pooltag[0], "p.txt");
	options_fini(&o);

	assert_int_equal(
		parse(&o, &err,
		      WORDS("big", "x.dmp", "--dump", "0xffffe38f`36402000", "--bytes=0x40")),
		PS_OK);
	assert_true(o.has_dump);
	assert_int_equal(o.dump_va, UINT64_C(0xffffe38f36402000));
	assert_int_equal(o.dump_bytes, 0x40);
	options_fini(&o);
}

static void expect_usage(const char *const *words, const char *text)
{
	struct options o;
	struct ps_error err;

	assert_int_equal(parse(&o, &err, words), PS_USAGE);
	assert_non_null(strstr(err.text, text));
	assert_true(strlen(err.hint) > 0);
	options_fini(&o);
}

static void wrong_usage(void **state)
{
	(void)state;
	expect_usage(WORDS("tags"), "needs a file");
	expect_usage(WORDS("verdict", "x.dmp"), "'verdict' is no command");
	expect_usage(WORDS("owners"), "needs a dump, a folder of drivers (--drivers DIR), or both");
	expect_usage(WORDS("owners", "--drivers", "d", "--top", "3"), "without a dump");
	expect_usage(WORDS("tags", "x", "--no-owners", "--drivers", "d"),
		     "--no-owners does without");
	expect_usage(WORDS("big", "x", "--drivers", "d"),
		     "`poolscope big` has no option --drivers");
	expect_usage(WORDS("tags", "x", "y"), "'y' is one too many");
	expect_usage(WORDS("x.dmp", "--pdf", "y"), "unknown option --pdf");
	expect_usage(WORDS("x.dmp", "--html", ""), "--html needs the name of a file to write");
	expect_usage(WORDS("x.dmp", "--html", "a", "--html", "b"),
		     "--html is given more than once");
	expect_usage(WORDS("x.dmp", "--html", "-", "--json"), "--html - takes the place of");
	expect_usage(WORDS("tags", "x", "--html", "y"), "`poolscope tags` has no option --html");
	expect_usage(WORDS("x.dmp", "-z"), "unknown option -z");
	expect_usage(WORDS("x.dmp", "--top"), "--top needs a value");
	expect_usage(WORDS("x.dmp", "--json=1"), "takes no value");
	expect_usage(WORDS("x.dmp", "--top=-1"), "not a number");
	expect_usage(WORDS("x.dmp", "--top=1x"), "not a number");
	expect_usage(WORDS("x.dmp", "--top=99999999999999999999"), "not a number");
	expect_usage(WORDS("tags", "x", "--sort", "size"), "none of bytes");
	expect_usage(WORDS("x.dmp", "--color=red"), "none of auto");
	expect_usage(WORDS("modules", "x", "--top", "3"),
		     "`poolscope modules` has no option --top");
	expect_usage(WORDS("x.dmp", "--csv"), "`poolscope analyze` has no option --csv");
	expect_usage(WORDS("tags", "x", "--json", "--csv"), "exclude each other");
	expect_usage(WORDS("tags", "x", "--paged", "--nonpaged"), "exclude each other");
	expect_usage(WORDS("big", "x", "--freed"), "--freed needs --list");
	expect_usage(WORDS("big", "x", "--bytes", "3"), "--bytes needs --dump");
	expect_usage(WORDS("big", "x", "--dump", "zz"), "not an address");
	expect_usage(WORDS("big", "x", "--dump", "1", "--list"), "exclude each other");
	expect_usage(WORDS("big", "x", "--list", "--sort", "tag"), "does not apply");
	expect_usage(WORDS("tags", "-"), "cannot come from a pipe");
}

static void html_beside_or_in_place(void **state)
{
	struct options o;
	struct ps_error err;

	(void)state;
	assert_int_equal(parse(&o, &err, WORDS("x.dmp", "--html", "p.html", "--json")), PS_OK);
	assert_string_equal(o.html, "p.html");
	assert_int_equal(o.output, OUTPUT_JSON);
	options_fini(&o);
	assert_int_equal(parse(&o, &err, WORDS("x.dmp", "--html", "-")), PS_OK);
	assert_null(o.html);
	assert_int_equal(o.output, OUTPUT_HTML);
	options_fini(&o);
}

static void hint_names_the_command(void **state)
{
	struct options o;
	struct ps_error err;

	(void)state;
	assert_int_equal(parse(&o, &err, WORDS("tags", "x", "--frob")), PS_USAGE);
	assert_string_equal(err.hint, "try `poolscope tags --help`");
	options_fini(&o);
}

static void too_many_tags(void **state)
{
	const char *words[ARGUMENTS_MAX];
	size_t count = 0;

	(void)state;
	words[count++] = "tags";
	words[count++] = "x";
	for (unsigned i = 0; i <= TAG_PATTERNS; i++)
		words[count++] = "--tag=Leak";
	words[count] = NULL;
	expect_usage(words, "more than 32 tags");
}

/* Every option of a command stands in its help. */
static void help_has_all(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	options_help(COMMAND_BIG, out);
	fclose(out);
	for (size_t i = 0; i < OPTION_SPECS; i++) {
		char word[32];

		snprintf(word, sizeof(word), "--%s", option_specs[i].name);
		assert_int_equal(strstr(text, word) != NULL,
				 (option_specs[i].commands & IN_BIG) != 0);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(bad_patterns),
		cmocka_unit_test(command_and_file),
		cmocka_unit_test(all_options_of_big),
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(hint_names_the_command),
		cmocka_unit_test(html_beside_or_in_place),
		cmocka_unit_test(too_many_tags),
		cmocka_unit_test(help_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
