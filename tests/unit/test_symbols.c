/*
 * Symbol paths, tables read in pieces, and the order of the sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/kernel/isf_scan.h"
#include "analyzer/kernel/symbols.h"
#include "base/signals.h"

#define GUID "8CFB49428DC86A330CE257778E0C2F93"

static void paths_are(const char *text, const char *wanted)
{
	struct symbol_paths paths = {0};
	char got[256] = "";

	assert_true(symbol_paths_parse(&paths, text));
	for (size_t i = 0; i < paths.count; i++) {
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, "%s|", paths.items[i]);
	}
	assert_string_equal(got, wanted);
	symbol_paths_fini(&paths);
}

static void only_local_parts_of_a_symbol_path_count(void **state)
{
	(void)state;
	paths_are("/a", "/a|");
	paths_are("a;b c;;/d:e", "a|b c|/d:e|");
	paths_are("srv*/cache*https://msdl.microsoft.com/download/symbols", "/cache|");
	paths_are("SRV*/a*/b*\\\\server\\share;cache*/c;symsrv*symsrv.dll*/d*http://x",
		  "/a|/b|/c|/d|");
	paths_are("C:\\Symbols;srv*C:\\Symbols*https://x;\\\\s\\t;https://y", "");
	paths_are("srv*;cache*;;", "");
}

struct seen {
	char text[512];
};

static bool see(void *context, const struct isf_scan *scan, enum isf_scan_event event)
{
	struct seen *seen = context;
	size_t used = strlen(seen->text);

	for (unsigned i = 0; i < scan->depth; i++)
		used += (size_t)snprintf(seen->text + used, sizeof(seen->text) - used, "/%s",
					 scan->keys[i]);
	if (event == JSON_NUMBER && scan->is_integer)
		snprintf(seen->text + used, sizeof(seen->text) - used, "=%lu ",
			 (unsigned long)scan->number);
	else if (event == JSON_STRING || event == JSON_NUMBER || event == JSON_OTHER)
		snprintf(seen->text + used, sizeof(seen->text) - used, "=%s ", scan->text);
	else
		snprintf(seen->text + used, sizeof(seen->text) - used,
			 event == JSON_OBJECT_BEGIN ? "{ " : "} ");
	return true;
}

static enum ps_status scan(const char *text, size_t piece, struct seen *seen, struct ps_error *err)
{
	struct isf_scan *s = malloc(sizeof(*s));
	enum ps_status status = PS_OK;
	size_t length = strlen(text);

	assert_non_null(s);
	*seen = (struct seen){.text = ""};
	ps_error_clear(err);
	isf_scan_init(s, see, seen);
	for (size_t i = 0; i < length && status == PS_OK; i += piece)
		status = isf_scan_feed(s, (const uint8_t *)text + i,
				       length - i < piece ? length - i : piece, err);
	if (status == PS_OK)
		status = isf_scan_end(s, err);
	free(s);
	return status;
}

static void a_table_reads_the_same_in_pieces_of_any_size(void **state)
{
	static const char text[] = "{\"a\\u0062\\n\": {\"x\": 12, \"y\":-3},\t\"l\":[1,\"s\",{}],"
				   "\"t\":true,\"n\":null,\"f\":18446744073709551616}";
	static const char wanted[] = "{ /ab\n{ /ab\n/x=12 /ab\n/y=-3 /ab\n} /l/=1 /l/=s /l/{ /l/} "
				     "/t=true /n=null /f=18446744073709551616 } ";
	struct ps_error err = PS_ERROR_INIT;
	struct seen seen;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		assert_int_equal(scan(text, piece, &seen, &err), PS_OK);
		assert_string_equal(seen.text, wanted);
	}
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "the text ends too early at byte 0"},
		{"{\"a\":1", "the text ends too early at byte 6"},
		{"{\"a\" 1}", "no JSON at byte 5"},
		{"{\"a\":}", "a bracket closes what is not open at byte 5"},
		{"[1,]", "a bracket closes what is not open at byte 3"},
		{"[1}", "a bracket closes what is not open at byte 2"},
		{"{1:2}", "no JSON at byte 1"},
		{"[\"\\x\"]", "an unknown escape at byte 3"},
		{"[\"\\u12g4\"]", "an unknown escape at byte 6"},
		{"[\"a\nb\"]", "a control character in a string at byte 3"},
		{"[tru]", "no JSON at byte 4"},
		{"{} x", "more text stands behind the end at byte 3"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		 "values lie in each other too deeply at byte 32"},
	};
	struct ps_error err = PS_ERROR_INIT;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(scan(bad[i].text, 3, &seen, &err), PS_CORRUPT);
		assert_string_equal(err.text, bad[i].words);
	}
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A folder with a table, a cache with an entry; all three sources say something else. */
struct places {
	char folder[64], cache[80], table[160], entry[160];
};

static void make_places(struct places *p)
{
	snprintf(p->folder, sizeof(p->folder), "/tmp/poolscope-symbols-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->cache, sizeof(p->cache), "%s/cache", p->folder);
	assert_int_equal(mkdir(p->cache, 0700), 0);
	snprintf(p->table, sizeof(p->table), "%s/" GUID "-1.json", p->folder);
	snprintf(p->entry, sizeof(p->entry), "%s/" GUID "-1.symbols", p->cache);
	write_text(
		p->table,
		"{\"symbols\": {\"PoolTrackTable\": {\"address\": 4096}},\"user_types\": "
		"{\"_EPROCESS\": {\"fields\": {\"ProcessExiting\": {\"offset\": 8, \"type\": "
		"{\"kind\": \"bitfield\", \"bit_position\": 2, \"bit_length\": 1}}}}},"
		"\"metadata\": {\"windows\": {\"pdb\": {\"GUID\": \"8cfb49428dc86a330ce257778e0c2f93\","
		" \"age\": 1, \"database\": \"ntkrnlmp.pdb\"}}}}");
	write_text(p->entry, "poolscope-symbols 1\npdb ntkrnlmp.pdb " GUID "-1\n"
			     "symbol PoolTrackTable 0x2000\nend\n");
}

static void remove_places(const struct places *p)
{
	assert_int_equal(unlink(p->table), 0);
	assert_int_equal(unlink(p->entry), 0);
	assert_int_equal(rmdir(p->cache), 0);
	assert_int_equal(rmdir(p->folder), 0);
}

static void tracker_is(const struct symbols *symbols, enum symbol_source source, uint64_t rva)
{
	uint64_t va = 0, same = 0;

	assert_int_equal(symbols->set.source, source);
	assert_true(symbols_address(symbols, 0x100000000, SYMBOL_POOL_TRACK_TABLE, &va));
	assert_true(symbols_address_of(symbols, 0x100000000, "PoolTrackTable", &same));
	assert_int_equal(va, 0x100000000 + rva);
	assert_int_equal(same, va);
}

static void sources_come_in_order_and_the_next_after_one_that_is_wrong(void **state)
{
	struct places places;
	const char *paths[] = {places.folder};
	struct symbol_options options = {.paths = paths, .path_count = 1, .cache = places.cache};
	struct ps_error err = PS_ERROR_INIT;
	struct symbols *symbols;
	struct symbol_offset offset;
	uint64_t va;

	(void)state;
	make_places(&places);
	assert_int_equal(symbols_create(&options, "ntkrnlmp.pdb", GUID "-1", &symbols, &err),
			 PS_OK);
	assert_false(symbols_address(symbols, 0, SYMBOL_POOL_TRACK_TABLE, &va));
	assert_int_equal(symbols_next(symbols, &err), PS_OK);
	tracker_is(symbols, SOURCE_ISF, 0x1000);
	assert_true(symbols_type_offset(symbols, "_EPROCESS", "ProcessExiting", &offset));
	assert_int_equal(offset.offset, 8);
	assert_int_equal(offset.bit_position, 2);
	assert_int_equal(offset.bit_length, 1);
	assert_false(symbols_type_offset(symbols, "_EPROCESS", "Pcb", &offset));
	assert_false(symbols_type_offset(symbols, "_EPROCESS", "NobodyAsks", &offset));
	assert_false(symbols_type_offset(NULL, "_EPROCESS", "Pcb", &offset));
	symbols_reject(symbols, "it leads nowhere");
	assert_int_equal(symbols->attempts[0].result, SYMBOLS_WRONG);
	assert_string_equal(symbols->attempts[0].words, "it leads nowhere");
	assert_int_equal(symbols_next(symbols, &err), PS_OK);
	tracker_is(symbols, SOURCE_CACHE, 0x2000);
	assert_int_equal(symbols_next(symbols, &err), PS_OK);
	tracker_is(symbols, SOURCE_KNOWN_BUILD, 0x40a8f8);
	assert_int_equal(symbols_next(symbols, &err), PS_NOT_FOUND);
	assert_false(symbols->has_set);
	assert_int_equal(symbols->attempt_count, 3);
	symbols_destroy(symbols);
	remove_places(&places);
}

/* What a dump says of its kernel's PDB may be anything. */
static void a_name_that_leads_out_of_the_folder_finds_nothing(void **state)
{
	static const char *const names[] = {"..", "../x.pdb", "", ".pdb", "a/b.pdb"};
	const char *paths[] = {"/tmp"};
	struct symbol_options options = {.paths = paths, .path_count = 1};
	struct ps_error err = PS_ERROR_INIT;
	struct symbols *symbols;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(symbols_create(&options, names[i], "../../etc-1", &symbols, &err),
				 PS_OK);
		assert_int_equal(symbols_next(symbols, &err), PS_NOT_FOUND);
		symbols_destroy(symbols);
	}
}

static void every_name_that_is_asked_for_is_there_once(void **state)
{
	struct symbol_index index;

	(void)state;
	assert_true(symbol_index_init(&index));
	for (unsigned i = 0; i < SYMBOL_COUNT; i++)
		assert_int_equal(
			symbol_index_name(&index, symbol_names[i], strlen(symbol_names[i])), i);
	for (unsigned i = 0; i < SYMBOL_FIELD_COUNT; i++)
		assert_int_equal(
			symbol_index_field(&index, symbol_fields[i].type, symbol_fields[i].name),
			i);
	assert_int_equal(symbol_index_name(&index, "PoolTrackTabl", 13), SYMBOL_COUNT);
	symbol_index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_local_parts_of_a_symbol_path_count),
		cmocka_unit_test(a_table_reads_the_same_in_pieces_of_any_size),
		cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
		cmocka_unit_test(sources_come_in_order_and_the_next_after_one_that_is_wrong),
		cmocka_unit_test(a_name_that_leads_out_of_the_folder_finds_nothing),
		cmocka_unit_test(every_name_that_is_asked_for_is_there_once),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
