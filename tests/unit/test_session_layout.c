/*
 * Where MM_SESSION_SPACE has what belongs to session pool: by symbols' types, else by build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "analyzer/pool/session_pool.h"

struct layout_case {
	uint64_t build;
	unsigned pointer_size;
	const char *arch;
	uint16_t tags, expansion;
	bool tags_pointer;
};

static void by_build(void **state)
{
	static const struct layout_case cases[] = {
		{7601, 8, "x64", 0, 0x1f30, false},       {7601, 4, "x86", 0, 0x1fc8, false},
		{9600, 4, "x86-pae", 0, 0, false},        {14393, 8, "x64", 0x2000, 0x1f78, false},
		{16299, 8, "x64", 0x2000, 0x1fb0, false}, {17763, 8, "x64", 0x3000, 0x2028, false},
		{18363, 8, "x64", 0x1000, 0x4e8, false},  {19045, 8, "x64", 0x1000, 0x3d0, false},
		{20348, 8, "x64", 0x1000, 0x3d0, false},  {22000, 8, "x64", 0x380, 0x328, true},
		{22000, 8, "arm64", 0, 0, false},         {22621, 8, "x64", 0, 0, false},
		{26100, 8, "x64", 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct kernel kernel = {.build = {true, cases[i].build},
					      .pointer_size = cases[i].pointer_size,
					      .arch = cases[i].arch};
		struct session_layout l = session_layout(&kernel);

		assert_int_equal(l.tags, cases[i].tags);
		assert_int_equal(l.expansion, cases[i].expansion);
		assert_int_equal(l.tags_pointer, cases[i].tags_pointer);
	}
}

static void add_field(struct symbols *symbols, const char *name, uint32_t offset)
{
	unsigned i = symbol_index_field(&symbols->index, "_MM_SESSION_SPACE", name);

	assert_int_not_equal(i, SYMBOL_FIELD_COUNT);
	symbols->set.fields[i] = (struct symbol_offset){.known = true, .offset = offset};
}

/* Types count for more than the build; an array begins on a page, a pointer does not. */
static void by_types(void **state)
{
	static struct symbols symbols;
	const struct kernel kernel = {
		.build = {true, 17763}, .pointer_size = 8, .arch = "x64", .symbols = &symbols};
	struct session_layout l;

	(void)state;
	assert_true(symbol_index_init(&symbols.index));
	symbols.has_set = true;
	assert_int_equal(session_layout(&kernel).tags, 0x3000);
	add_field(&symbols, "PoolTags", 0x4000);
	l = session_layout(&kernel);
	assert_int_equal(l.tags, 0x4000);
	assert_false(l.tags_pointer);
	assert_int_equal(l.expansion, 0);
	add_field(&symbols, "PoolTags", 0x388);
	add_field(&symbols, "PoolTrackTableExpansion", 0x330);
	l = session_layout(&kernel);
	assert_int_equal(l.tags, 0x388);
	assert_true(l.tags_pointer);
	assert_int_equal(l.expansion, 0x330);
	/* no structure is that large */
	memset(symbols.set.fields, 0, sizeof(symbols.set.fields));
	add_field(&symbols, "PoolTags", 0x10000);
	assert_int_equal(session_layout(&kernel).tags, 0x3000);
	symbol_index_fini(&symbols.index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_build),
		cmocka_unit_test(by_types),
	};

	return cmocka_run_group_tests_name("session layout", tests, NULL, NULL);
}
