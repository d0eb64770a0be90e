/*
 * The renderers over reports made by hand: spelling of values, unknowns with their notes, figures
 * with their marks, foreign text that must not reach a terminal, CSV quoting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "analyzer/report/json_line.h"
#include "analyzer/report/render.h"

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

/* A report of `tags`, with one exact and one incomplete row. */
static struct report *make_tags(void)
{
	struct report *r = report_create();

	assert_non_null(r);
	r->view = VIEW_TAGS;
	r->sections = SECTION_TAGS;
	r->file = (struct report_file){.path = "MEMORY.DMP",
				       .label = "MEMORY.DMP",
				       .format = "windows-full",
				       .title = "Windows crash dump",
				       .complete = true};
	r->tracker = (struct report_tracker){.available = true,
					     .hash = 'A',
					     .pages_expected = 4,
					     .pages_present = 3,
					     .processors_merged = 2,
					     .incomplete_reason = "not in the dump: page 1 of "
								  "processor 1's table"};
	r->has_tags = true;
	r->tags = report_array(r, 2, sizeof(*r->tags));
	assert_non_null(r->tags);
	r->tag_count = 2;
	r->tags[0] = (struct report_tag){
		.tag = tag_of("Irp "),
		.nonpaged = {10, 4, 6, 72351744},
		.complete = true,
		.image = "nt (io)",
		.description = {"a, \"b\"", NULL},
		.description_source = "built in",
	};
	r->tags[1] = (struct report_tag){
		.tag = tag_of("\x01\x7f\xff["),
		.paged = {UINT64_MAX, 2, -3, -4096},
		.description = {NULL, "no list has it"},
	};
	r->lines.items = report_array(r, 2, sizeof(*r->lines.items));
	assert_non_null(r->lines.items);
	r->lines.count = 2;
	r->lines.items[0] =
		(struct report_line){.tag = 0, .has_per_alloc = true, .per_alloc = 12058624};
	r->lines.items[1] = (struct report_line){.tag = 1, .paged = true};
	return r;
}

enum face { FACE_TEXT, FACE_JSON, FACE_CSV };

static char *render(const struct report *r, enum face face)
{
	struct render_options options = {.color = false, .width = 0};
	struct ps_error err = PS_ERROR_INIT;
	enum ps_status status = PS_OK;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	switch (face) {
	case FACE_TEXT: status = render_text(r, &options, out, &err); break;
	case FACE_JSON: status = render_json(r, out, &err); break;
	case FACE_CSV: status = render_csv(r, out, &err); break;
	}
	assert_int_equal(status, PS_OK);
	assert_int_equal(render_finish(out, &err), PS_OK);
	fclose(out);
	return text;
}

static void expect_in(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not found: %s\nin: %s", part, text);
}

static void tags_as_text(void **state)
{
	struct report *r = make_tags();
	char *text = render(r, FACE_TEXT);

	(void)state;
	assert_string_equal(
		text,
		"Tag           Type                  Allocs Frees Diff    Bytes     Size Per-Alloc "
		"Description\n"
		"Irp           Nonp                      10     4    6 72351744  69.0 MB  12058624 "
		"nt (io): a, \"b\"\n"
		"\\x01\\x7f\\xff[ Paged >=18446744073709551615   >=2  ~-3   ~-4096 ~-4.0 KB         "
		"- -\n"
		"\n"
		"2 rows of 2.\n"
		"Marked figures are not complete: >= is a lower bound, ~ may be too low or too "
		"high.\n"
		"Tags may be missing: 3 of 4 pages of the tag tables that were found are in the "
		"dump (not in the\n"
		"dump: page 1 of processor 1's table).\n");
	free(text);
	report_destroy(r);
}

static void tags_as_csv(void **state)
{
	struct report *r = make_tags();
	char *text = render(r, FACE_CSV);

	(void)state;
	assert_string_equal(text,
			    "tag,tag_hex,pool,allocs,frees,diff,bytes,per_alloc,complete,image,"
			    "description,owner,ownership\r\n"
			    "\"Irp \",49727020,nonpaged,10,4,6,72351744,12058624,true,nt (io),"
			    "\"a, \"\"b\"\"\",,\r\n"
			    "\\x01\\x7f\\xff[,017fff5b,paged,18446744073709551615,2,-3,-4096,,"
			    "false,,,,\r\n");
	free(text);
	report_destroy(r);
}

static void tags_as_json(void **state)
{
	struct report *r = make_tags();
	char *text = render(r, FACE_JSON);

	(void)state;
	expect_in(text, "\"schema\": \"poolscope/1\"");
	expect_in(text, "\"tag\": \"Irp \", \"tag_hex\": \"49727020\", \"nonpaged\": {\"allocs\": "
			"10, \"frees\": 4, \"diff\": 6, \"bytes\": 72351744}");
	expect_in(text, "\"tag\": \"\\\\x01\\\\x7f\\\\xff[\", \"tag_hex\": \"017fff5b\"");
	/* more than an integer of JSON's readers holds */
	expect_in(text, "\"allocs\": null, \"allocs_note\": \"18446744073709551615 is more than a "
			"signed 64-bit integer holds\"");
	expect_in(text, "\"complete\": false, \"trust\": {\"allocs\": \"at-least\", \"frees\": "
			"\"at-least\", \"diff\": \"about\", \"bytes\": \"about\"}");
	expect_in(text, "\"description\": null, \"description_note\": \"no list has it\"");
	expect_in(text, "\"complete_note\": \"not in the dump: page 1 of processor 1's table\"");
	/* what the command does not print says who does */
	expect_in(text,
		  "\"system\": null,\n \"system_note\": \"not asked for: poolscope info prints");
	expect_in(text,
		  "\"modules\": null,\n \"modules_note\": \"not asked for: poolscope modules");
	expect_in(text, "\"big_pages\": null,\n  \"big_pages_note\": \"not asked for");
	expect_in(text, "\"owners\": null,\n \"owners_note\"");
	expect_in(text, "\"drivers\": null,\n \"drivers_note\"");
	expect_in(text, "\"verdict\": null,\n \"verdict_note\"");
	free(text);
	report_destroy(r);
}

static void unavailable_tables(void **state)
{
	struct report *r = report_create();
	char *text;

	(void)state;
	assert_non_null(r);
	r->view = VIEW_INFO;
	r->file = (struct report_file){
		.path = "a\xff\x1b[2Jb", .label = "a\xff\x1b[2Jb", .format = "raw", .title = "raw"};
	r->tracker.note = "PoolTrackTable is not in the dump";
	r->has_system = true;
	r->system.kernel_base = (struct report_number){true, 0x80400000, NULL};
	r->system.product.note = "unknown build";
	r->system.bugcheck.note = "the file does not state it";
	r->system.crash_time.note = "the file does not state it";
	text = render(r, FACE_JSON);
	expect_in(text,
		  "\"tracker\": null,\n  \"tracker_note\": \"PoolTrackTable is not in the dump\"");
	expect_in(text, "\"kernel_base\": \"0x0000000080400000\"");
	expect_in(text, "\"product\": null,\n  \"product_note\": \"unknown build\"");
	expect_in(text, "\"bugcheck\": null,\n  \"bugcheck_note\"");
	/* a byte that is no UTF-8 is spelled out; the escape stays data */
	expect_in(text, "\"path\": \"a\\\\xff\\u001B[2Jb\"");
	free(text);
	text = render(r, FACE_TEXT);
	assert_null(strchr(text, '\x1b'));
	expect_in(text, "a\\xff\\x1b[2Jb");
	expect_in(text, "tag tables: not available: PoolTrackTable is not in the dump");
	free(text);
	report_destroy(r);
}

static void bugcheck_in_json(void **state)
{
	struct report *r = report_create();
	char *text;

	(void)state;
	assert_non_null(r);
	r->has_system = true;
	r->file = (struct report_file){.path = "x", .label = "x", .format = "raw", .title = "raw"};
	r->system.bugcheck = (struct report_bugcheck){
		.known = true, .code = 0xe2, .parameters = {1, 0x80001234, 0, UINT64_MAX}};
	r->system.bugcheck.name.note = "no name";
	text = render(r, FACE_JSON);
	expect_in(text, "\"code\": \"0x000000e2\"");
	expect_in(text, "\"name\": null,\n   \"name_note\": \"no name\"");
	expect_in(text, "\"0x0000000000000001\",\n    \"0x0000000080001234\",\n    "
			"\"0x0000000000000000\",\n    \"0xffffffffffffffff\"");
	free(text);
	report_destroy(r);
}

struct rows {
	unsigned next;
	bool closed;
};

static enum ps_status next_row(void *context, struct report_big_row *ret, bool *ret_found,
			       struct ps_error *err)
{
	struct rows *rows = context;

	(void)err;
	*ret_found = rows->next < 2;
	*ret = (struct report_big_row){.index = rows->next,
				       .va = 0xffffe38f00000000 + rows->next,
				       .bytes = 8192,
				       .tag = tag_of("A,\"B"),
				       .type = 0x200,
				       .paged = rows->next == 0 ? 0 : -1};
	rows->next++;
	return PS_OK;
}

static void close_rows(void *context)
{
	((struct rows *)context)->closed = true;
}

static struct report *make_list(struct rows *rows)
{
	struct report *r = report_create();

	assert_non_null(r);
	r->view = VIEW_BIG_LIST;
	r->sections = SECTION_BIG | SECTION_BIG_LIST;
	r->file = (struct report_file){.path = "x", .label = "x", .format = "raw", .title = "raw"};
	r->big = (struct report_big){.available = true,
				     .entries = 64,
				     .in_use = 2,
				     .pages_expected = 2,
				     .pages_present = 1,
				     .incomplete_reason = "First missing: page 2"};
	r->big_rows = (struct report_big_source){next_row, close_rows, rows};
	return r;
}

static void big_list(void **state)
{
	struct rows rows = {0, false};
	struct report *r = make_list(&rows);
	char *text;

	(void)state;
	text = render(r, FACE_JSON);
	expect_in(text, "\"allocations\": [\n    {\"index\": 0, \"address\": "
			"\"0xffffe38f00000000\", \"tag\": \"A,\\\"B\", \"tag_hex\": \"412c2242\", "
			"\"bytes\": 8192, \"pool\": \"nonpaged\", \"type\": 512, \"freed\": false, "
			"\"protected\": false},\n    {\"index\": 1,");
	expect_in(text, "\"pool\": null, \"pool_note\"");
	expect_in(text, "\"trust\": \"at-least\"");
	expect_in(text, "\"complete_note\": \"First missing: page 2\"");
	free(text);

	rows.next = 0;
	text = render(r, FACE_CSV);
	assert_string_equal(text, "index,address,tag,tag_hex,pool,bytes,type,freed,protected\r\n"
				  "0,0xffffe38f00000000,\"A,\"\"B\",412c2242,nonpaged,8192,0x200,"
				  "false,false\r\n"
				  "1,0xffffe38f00000001,\"A,\"\"B\",412c2242,,8192,0x200,false,"
				  "false\r\n");
	free(text);

	rows.next = 0;
	text = render(r, FACE_TEXT);
	expect_in(text, "2 allocations listed; the table has >=2 live and >=");
	expect_in(text, "1 of 2 pages present");
	free(text);
	report_destroy(r);
	assert_true(rows.closed);
}

static void hex_dump(void **state)
{
	static const uint8_t data[] = "Hello\x01\xff";
	static const bool present[] = {true, true, true, true, true, true, false};
	struct report *r = report_create();
	char *text;

	(void)state;
	assert_non_null(r);
	r->view = VIEW_HEX;
	r->file = (struct report_file){.path = "x", .label = "x", .format = "raw", .title = "raw"};
	r->big = (struct report_big){.available = true, .complete = true};
	r->hex = (struct report_hex){.available = true,
				     .va = 0xffff800000001000,
				     .allocation_bytes = 4096,
				     .tag = tag_of("Leak"),
				     .paged = 1,
				     .data = data,
				     .present = present,
				     .size = 7,
				     .note = "page 1: not in the dump"};
	text = render(r, FACE_TEXT);
	expect_in(text, "ffff800000001000  48 65 6c 6c 6f 01 ??  ");
	expect_in(text, "|Hello.?|");
	expect_in(text, "?? cannot be read: page 1: not in the dump.");
	free(text);
	text = render(r, FACE_JSON);
	expect_in(text, "\"data\": \"48656c6c6f01??\"");
	expect_in(text, "\"complete\": false, \"complete_note\": \"page 1: not in the dump\"");
	free(text);
	report_destroy(r);
}

static void csv_of_pages_is_refused(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct report *r = report_create();

	(void)state;
	assert_non_null(r);
	r->view = VIEW_INFO;
	assert_int_equal(render_csv(r, stdout, &err), PS_USAGE);
	report_destroy(r);
}

/* A value of many kinds, the same for the same `*seed`. */
static json_t *some_value(unsigned *seed, unsigned depth)
{
	unsigned kind = (*seed = *seed * 1103515245 + 12345) >> 16 & 7;
	json_t *value = kind < 4 && depth < 4 ? kind % 2 ? json_object() : json_array() : NULL;

	for (unsigned i = 0; value && i < 5; i++) {
		char key[] = "key_0";

		key[4] = (char)('0' + i);
		if (json_is_object(value))
			json_object_set_new(value, key, some_value(seed, depth + 1));
		else
			json_array_append_new(value, some_value(seed, depth + 1));
		if (kind == (*seed >> 16 & 3))
			break;
	}
	switch (value ? 8 : kind) {
	case 8: return value;
	case 0: return json_integer(INT64_MIN + (json_int_t)(*seed >> 20));
	case 1: return json_integer((json_int_t)(*seed % 2000) - 1000);
	case 2: return json_real(*seed / 7.0);
	case 3: return json_boolean(*seed & 1 << 20);
	case 4: return json_null();
	case 5: return json_stringn("a\0b \xc3\xa9\xf0\x9f\x92\xa9", 10);
	case 6: return json_pack("s", (const char[]){(char)(*seed >> 16 & 0x7f), 'x', '\0'});
	default: return json_string("words and / \\ or \"\n");
	}
}

static void assert_as_jansson(const json_t *value)
{
	char *want = json_dumps(value, JSON_ENCODE_ANY), *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(want);
	assert_non_null(out);
	assert_int_equal(json_line(value, out), 0);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	free(want);
}

static void json_lines_are_those_of_jansson(void **state)
{
	unsigned seed = 1;
	json_t *value;
	char *large;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		value = some_value(&seed, 0);
		assert_non_null(value);
		assert_as_jansson(value);
		json_decref(value);
	}
	for (unsigned c = 1; c < 0x80; c++) {
		value = json_string((const char[]){(char)c, '\0'});
		assert_as_jansson(value);
		json_decref(value);
	}
	large = malloc(20001); /* more than is kept before it goes to the stream */
	assert_non_null(large);
	memset(large, 'x', 20000);
	large[20000] = '\0';
	value = json_pack("[s, s, i]", large, "y", -1);
	assert_as_jansson(value);
	json_decref(value);
	free(large);
}

static void full_disk(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct report *r;
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	if (!out)
		skip();
	r = make_tags();
	assert_int_equal(render_json(r, out, &err), PS_OK);
	assert_int_equal(render_finish(out, &err), PS_SYSTEM);
	expect_in(err.text, "cannot write the report");
	fclose(out);
	report_destroy(r);
}

static void json_error(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	ps_fail(&err, PS_NOT_FOUND, "no kernel in \"x\"");
	render_json_error(&err, out);
	fclose(out);
	assert_string_equal(text, "{\n \"schema\": \"poolscope/1\",\n \"error\": {\n"
				  "  \"code\": \"not-found\",\n"
				  "  \"message\": \"no kernel in \\\"x\\\"\",\n"
				  "  \"hint\": null,\n"
				  "  \"hint_note\": \"there is nothing to advise\"\n }\n}\n");
	free(text);
}

static void expect_size(int64_t bytes, const char *want)
{
	char text[SIZE_TEXT];

	assert_string_equal(format_size(bytes, text), want);
}

static void sizes(void **state)
{
	char text[SIZE_TEXT];

	(void)state;
	expect_size(0, "0 B");
	expect_size(1023, "1023 B");
	expect_size(1024, "1.0 KB");
	expect_size(72351744, "69.0 MB");
	expect_size(1048575, "1.0 MB");
	expect_size(1073741823, "1.0 GB");
	expect_size(-4096, "-4.0 KB");
	expect_size(INT64_MAX, "8.0 EB");
	expect_size(INT64_MIN, "-8.0 EB");
	assert_string_equal(format_size_unsigned(UINT64_MAX, text), "16.0 EB");
}

static void durations(void **state)
{
	char text[DURATION_TEXT];

	(void)state;
	assert_string_equal(format_duration(59, text), "00:00:59");
	assert_string_equal(format_duration(1050251, text), "12 d 03:44:11");
	assert_string_equal(format_duration(UINT64_MAX, text), "213503982334601 d 07:00:15");
}

static void expect_safe(const char *text, enum text_target target, const char *want)
{
	char *safe = format_safe(text, target);

	assert_non_null(safe);
	assert_string_equal(safe, want);
	free(safe);
}

static void foreign_text(void **state)
{
	(void)state;
	expect_safe("plain", TARGET_TERMINAL, "plain");
	expect_safe("\033[31m\a\n", TARGET_TERMINAL, "\\x1b[31m\\x07\\x0a");
	expect_safe("tr\xc3\xa9iber.sys", TARGET_TERMINAL, "tr\xc3\xa9iber.sys");
	expect_safe("tr\xc3\xa9iber.sys", TARGET_ASCII, "tr\\xc3\\xa9iber.sys");
	/* C1 controls, direction overrides, a byte order mark */
	expect_safe("\xc2\x9b", TARGET_TERMINAL, "\\xc2\\x9b");
	expect_safe("a\xe2\x80\xae"
		    "b",
		    TARGET_TERMINAL, "a\\xe2\\x80\\xaeb");
	expect_safe("\xef\xbb\xbf", TARGET_TERMINAL, "\\xef\\xbb\\xbf");
	/* over-long, surrogate, cut, beyond the last character */
	expect_safe("\xc0\xaf", TARGET_UTF8, "\\xc0\\xaf");
	expect_safe("\xed\xa0\x80", TARGET_UTF8, "\\xed\\xa0\\x80");
	expect_safe("\xe2\x82", TARGET_UTF8, "\\xe2\\x82");
	expect_safe("\xf4\x90\x80\x80", TARGET_UTF8, "\\xf4\\x90\\x80\\x80");
	expect_safe("\xf0\x9f\x98\x80", TARGET_UTF8, "\xf0\x9f\x98\x80");
	expect_safe("\033", TARGET_UTF8, "\033");
}

static void tag_spelling(void **state)
{
	char text[TAG_TEXT], hex[TAG_HEX];

	(void)state;
	assert_string_equal(tag_text(tag_of("Leak"), text), "Leak");
	assert_string_equal(tag_hex(tag_of("Leak"), hex), "4c65616b");
	assert_string_equal(tag_text(tag_of("Irp "), text), "Irp ");
	assert_string_equal(tag_text(0, text), "\\x00\\x00\\x00\\x00");
	assert_string_equal(tag_text(UINT32_MAX, text), "\\xff\\xff\\xff\\xff");
	assert_string_equal(tag_text(tag_of("\x1f \x7e\x7f"), text), "\\x1f ~\\x7f");
}

static void memory_of_a_report(void **state)
{
	struct report *r = report_create();
	const char *text;

	(void)state;
	assert_non_null(r);
	text = report_text(r, "%s %d", "words", 5);
	assert_string_equal(text, "words 5");
	assert_non_null(report_array(r, 0, 8));
	assert_null(report_array(r, SIZE_MAX, 8));
	for (unsigned i = 0; i < 100; i++) {
		struct report_finding *f = report_add_finding(r);

		assert_non_null(f);
		assert_null(f->id);
	}
	assert_int_equal(r->finding_count, 100);
	report_destroy(r);
	report_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_as_text),
		cmocka_unit_test(tags_as_csv),
		cmocka_unit_test(tags_as_json),
		cmocka_unit_test(unavailable_tables),
		cmocka_unit_test(bugcheck_in_json),
		cmocka_unit_test(big_list),
		cmocka_unit_test(hex_dump),
		cmocka_unit_test(csv_of_pages_is_refused),
		cmocka_unit_test(json_lines_are_those_of_jansson),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(json_error),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(foreign_text),
		cmocka_unit_test(tag_spelling),
		cmocka_unit_test(memory_of_a_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
