/*
 * Containers: what is taken, what is refused and in which words, and that damage of any kind ends
 * in a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/signals.h"
#include "dump_writer.h"
#include "formats/dump.h"

static struct writer writer;

static int set_up(void **state)
{
	(void)state;
	writer_init(&writer);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	writer_fini(&writer);
	return 0;
}

/* The message must be "PATH<text>"; texts that do not begin with the path begin with '='. */
static void expect_refusal(const char *path, enum ps_status status, const char *text,
			   const char *hint)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;
	char whole[PS_ERROR_TEXT];

	snprintf(whole, sizeof(whole), "%s%s", path, text);
	assert_int_equal(dump_open(path, NULL, &dump, &err), status);
	assert_string_equal(err.text, text[0] == '=' ? text + 1 : whole);
	assert_int_equal(err.status, status);
	if (hint)
		assert_string_equal(err.hint, hint);
	assert_null(dump);
}

static void expect_saved_refusal(enum ps_status status, const char *text)
{
	writer_save(&writer);
	expect_refusal(writer.path, status, text, NULL);
}

static void expect_fact(struct fact fact, uint64_t value)
{
	assert_true(fact.known);
	assert_int_equal(fact.value, value);
}

static const struct written_run three_runs[] = {{1, 2}, {0x10, 3}, {0x100, 1}};

static void write_full(int bits)
{
	writer_header(&writer, bits, 1);
	writer_runs(&writer, three_runs, 3);
	for (unsigned i = 0; i < 3; i++) {
		for (uint64_t k = 0; k < three_runs[i].count; k++)
			writer_page(&writer, three_runs[i].pfn + k);
	}
}

static void check_full(struct dump *dump)
{
	struct extent extent;

	assert_string_equal(dump->kind, "windows-full");
	assert_true(dump->complete);
	assert_int_equal(dump->map.pages, 6);
	assert_int_equal(dump->map.pages_in_file, 6);
	assert_int_equal(dump->map.highest_pfn, 0x100);
	expect_page(dump, 1);
	expect_page(dump, 0x12);
	expect_page(dump, 0x100);
	expect_state(dump, 0, PAGE_NOT_IN_DUMP);
	expect_state(dump, 3, PAGE_NOT_IN_DUMP);
	expect_state(dump, 0x101, PAGE_NOT_IN_DUMP);
	assert_true(dump_next_present(dump, 0, &extent));
	assert_int_equal(extent.pfn, 1);
	assert_int_equal(extent.count, 2);
	assert_true(dump_next_present(dump, 0x13, &extent));
	assert_int_equal(extent.pfn, 0x100);
	assert_false(dump_next_present(dump, 0x101, &extent));
	expect_fact(dump->facts.physical_pages, 6);
}

static void test_full_64(void **state)
{
	struct dump *dump;

	(void)state;
	write_full(64);
	writer_put(&writer, 0x08, 0xf, 4);
	writer_put(&writer, 0x0c, 19041, 4);
	writer_put(&writer, 0x10, 0x1ad002, 8);
	writer_put(&writer, 0x18, 0xffffe98000000000, 8);
	writer_put(&writer, 0x20, 0xfffff8006bc2a310, 8);
	writer_put(&writer, 0x28, 0xfffff8006bc1e9f0, 8);
	writer_put(&writer, 0x34, 16, 4);
	writer_put(&writer, 0x38, 0xd1, 4);
	for (unsigned i = 0; i < 4; i++)
		writer_put(&writer, 0x40 + 8 * i, 0xffff000000000001 + i, 8);
	writer_put(&writer, 0x80, 0xfffff8006bc00b20, 8);
	writer_put(&writer, 0xfa8, 0x1d9f8a5b3c2d1e0, 8);
	writer_put(&writer, 0x1030, 0x123456789a, 8);
	writer_put(&writer, 0x1040, 3, 4);
	writer_put(&writer, 0x1044, 0x110, 4);
	writer_put(&writer, 0x1050, 0, 4);
	writer_save(&writer);

	dump = writer_open(&writer);
	check_full(dump);
	assert_string_equal(dump->title, "Windows crash dump, type 1 (full), 64-bit");
	assert_int_equal(dump->note_count, 0);
	assert_int_equal(dump->facts.machine, MACHINE_X64);
	assert_int_equal(dump->facts.pae, TRI_UNKNOWN);
	expect_fact(dump->facts.free_build, 0xf);
	expect_fact(dump->facts.build, 19041);
	expect_fact(dump->facts.dtb, 0x1ad002);
	expect_fact(dump->facts.pfn_database, 0xffffe98000000000);
	expect_fact(dump->facts.module_list, 0xfffff8006bc2a310);
	expect_fact(dump->facts.process_list, 0xfffff8006bc1e9f0);
	expect_fact(dump->facts.processors, 16);
	expect_fact(dump->facts.bugcheck_code, 0xd1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(dump->facts.bugcheck_parameters[i], 0xffff000000000001 + i);
	expect_fact(dump->facts.kdbg, 0xfffff8006bc00b20);
	expect_fact(dump->facts.system_time, 0x1d9f8a5b3c2d1e0);
	expect_fact(dump->facts.uptime, 0x123456789a);
	expect_fact(dump->facts.product_type, 3);
	expect_fact(dump->facts.suite_mask, 0x110);
	expect_fact(dump->facts.attributes, 0);
	expect_fact(dump->facts.dump_type, 1);
	dump_close(dump);
}

static void test_full_32(void **state)
{
	struct dump *dump;

	(void)state;
	write_full(32);
	writer_put(&writer, 0x0c, 7601, 4);
	writer_put(&writer, 0x10, 0x185000, 4);
	writer_put(&writer, 0x14, 0x83000000, 4);
	writer_put(&writer, 0x18, 0x82950850, 4);
	writer_put(&writer, 0x1c, 0x82949d58, 4);
	writer_put(&writer, 0x24, 2, 4);
	writer_put(&writer, 0x28, 0xc2, 4);
	for (unsigned i = 0; i < 4; i++)
		writer_put(&writer, 0x2c + 4 * i, 0x80000001 + i, 4);
	writer_put(&writer, 0x5c, 1, 1);
	writer_put(&writer, 0x60, 0x82937c28, 4);
	writer_put(&writer, 0xf94, 1, 4);
	writer_put(&writer, 0xfb8, 77, 8);
	writer_put(&writer, 0xfc0, 0x1d9f8a5b3c2d1e0, 8);
	writer_save(&writer);

	dump = writer_open(&writer);
	check_full(dump);
	assert_string_equal(dump->title, "Windows crash dump, type 1 (full), 32-bit");
	assert_int_equal(dump->facts.machine, MACHINE_X86);
	assert_int_equal(dump->facts.pae, TRI_YES);
	expect_fact(dump->facts.build, 7601);
	expect_fact(dump->facts.dtb, 0x185000);
	expect_fact(dump->facts.pfn_database, 0x83000000);
	expect_fact(dump->facts.module_list, 0x82950850);
	expect_fact(dump->facts.process_list, 0x82949d58);
	expect_fact(dump->facts.processors, 2);
	expect_fact(dump->facts.bugcheck_code, 0xc2);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(dump->facts.bugcheck_parameters[i], 0x80000001 + i);
	expect_fact(dump->facts.kdbg, 0x82937c28);
	expect_fact(dump->facts.product_type, 1);
	expect_fact(dump->facts.uptime, 77);
	expect_fact(dump->facts.system_time, 0x1d9f8a5b3c2d1e0);
	dump_close(dump);
}

/* What Windows did not write still holds PAGE: that is no value. */
static void test_filler_is_unknown(void **state)
{
	const int widths[] = {32, 64};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const struct machine_facts *facts;
		struct dump *dump;

		write_full(widths[i]);
		writer_save(&writer);
		dump = writer_open(&writer);
		facts = &dump->facts;
		assert_false(facts->dtb.known || facts->kdbg.known || facts->module_list.known);
		assert_false(facts->process_list.known || facts->pfn_database.known);
		assert_false(facts->build.known || facts->free_build.known);
		assert_false(facts->processors.known || facts->bugcheck_code.known);
		assert_false(facts->system_time.known || facts->uptime.known);
		assert_false(facts->product_type.known || facts->suite_mask.known);
		assert_false(facts->attributes.known);
		assert_int_equal(facts->dtb.value, 0);
		assert_int_equal(facts->pae, TRI_UNKNOWN);
		assert_int_equal(dump->note_count, 0);
		dump_close(dump);
	}
}

static void test_filler_in_bugcheck_parameter(void **state)
{
	struct dump *dump;

	(void)state;
	write_full(64);
	writer_put(&writer, 0x38, 0x50, 4);
	for (unsigned i = 0; i < 3; i++)
		writer_put(&writer, 0x40 + 8 * i, 7, 8);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_int_equal(dump->facts.bugcheck_parameters[3], 0);
	expect_note(dump, "bug check parameter 4 was never written; shown as 0");
	dump_close(dump);
}

static void test_machine_not_stated(void **state)
{
	struct dump *dump;

	(void)state;
	write_full(64);
	writer_put_bytes(&writer, 0x30, "PAGE", 4);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_int_equal(dump->facts.machine, MACHINE_UNKNOWN);
	dump_close(dump);
}

static void test_bad_run_lists(void **state)
{
	const struct written_run overlap[] = {{1, 0x9e}, {0x50, 0x11}};
	const struct written_run huge[] = {{1, UINT64_MAX}};
	const struct written_run high[] = {{UINT64_MAX - 1, 1}};
	const struct written_run wraps[] = {{1, UINT64_C(1) << 51}, {UINT64_C(1) << 52, 1}};
	const struct written_run nothing[] = {{5, 0}};
	struct written_run many[87];

	(void)state;
	for (unsigned i = 0; i < 87; i++)
		many[i] = (struct written_run){2 * i, 1};
	writer_header(&writer, 64, 1);
	expect_saved_refusal(PS_CORRUPT, ": the header lists no memory runs (NumberOfRuns was "
					 "never written)");
	writer_runs(&writer, NULL, 0);
	expect_saved_refusal(PS_CORRUPT, ": the header lists no memory runs (NumberOfRuns is 0)");
	writer_runs(&writer, many, 43);
	expect_saved_refusal(PS_CORRUPT,
			     ": NumberOfRuns is 43, but a 64-bit header has room for 42");
	writer_runs(&writer, overlap, 2);
	expect_saved_refusal(PS_CORRUPT, ": memory runs overlap: pages 0x1 to 0x9e and 0x50 to "
					 "0x60");
	writer_runs(&writer, huge, 1);
	expect_saved_refusal(PS_CORRUPT, ": memory run 1 of 1 has 0xffffffffffffffff pages, more "
					 "than a file can hold");
	writer_runs(&writer, high, 1);
	expect_saved_refusal(PS_CORRUPT, ": memory run of 0x1 pages from page 0xfffffffffffffffe "
					 "on leaves the 64-bit physical address space");
	writer_runs(&writer, wraps, 2);
	expect_saved_refusal(PS_CORRUPT, ": memory run of 0x1 pages from page 0x10000000000000 "
					 "on leaves the 64-bit physical address space");
	writer_runs(&writer, nothing, 1);
	expect_saved_refusal(PS_CORRUPT, ": the memory runs of the header have no pages");
	writer_put(&writer, 0x88, 2, 4);
	writer_put_bytes(&writer, 0xa8, "PAGEPAGE", 8);
	expect_saved_refusal(PS_CORRUPT, ": memory run 2 of 2 was never written");

	writer_header(&writer, 32, 1);
	writer_runs(&writer, many, 87);
	expect_saved_refusal(PS_CORRUPT,
			     ": NumberOfRuns is 87, but a 32-bit header has room for 86");
}

static void test_as_many_runs_as_fit(void **state)
{
	struct written_run many[86];

	(void)state;
	for (unsigned i = 0; i < 86; i++)
		many[i] = (struct written_run){2 * i, 1};
	for (unsigned i = 0; i < 2; i++) {
		struct dump *dump;

		writer_header(&writer, i ? 32 : 64, 1);
		writer_runs(&writer, many, i ? 86 : 42);
		for (unsigned k = 0; k < (i ? 86 : 42); k++)
			writer_page(&writer, 2 * k);
		writer_save(&writer);
		dump = writer_open(&writer);
		assert_true(dump->complete);
		expect_page(dump, i ? 170 : 82);
		dump_close(dump);
	}
}

static void test_page_count_differs_from_runs(void **state)
{
	struct dump *dump;

	(void)state;
	write_full(64);
	writer_put(&writer, 0x90, 123456, 8);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_false(dump->complete);
	expect_note(dump, "the header counts 123,456 pages, but its memory runs have 6");
	expect_page(dump, 0x100);
	dump_close(dump);
}

/* The file cut to `size` bytes: pages that are whole are used, and the rest is named. */
static void check_cut_full(size_t size)
{
	static const uint64_t pfns[] = {1, 2, 0x10, 0x11, 0x12, 0x100};
	uint64_t whole = (size - 0x2000) / 4096;
	struct dump *dump;
	char note[200];

	writer_save_part(&writer, size);
	dump = writer_open(&writer);
	assert_int_equal(dump->map.pages_in_file, whole);
	assert_int_equal(dump->complete, whole == 6);
	for (uint64_t i = 0; i < 6; i++) {
		if (i < whole)
			expect_page(dump, pfns[i]);
		else
			expect_state(dump, pfns[i], PAGE_BEYOND_EOF);
	}
	if (whole < 6) {
		snprintf(note, sizeof(note),
			 "the file ends %u page%s (%u,%03u bytes) before its last page; first "
			 "missing page: physical 0x%" PRIx64,
			 (unsigned)(6 - whole), whole == 5 ? "" : "s",
			 (unsigned)(6 - whole) * 4096 / 1000, (unsigned)(6 - whole) * 4096 % 1000,
			 pfns[whole] << 12);
		expect_note(dump, note);
	}
	dump_close(dump);
}

static void test_truncated_full(void **state)
{
	char text[100];

	(void)state;
	write_full(64);
	for (size_t size = 8; size < 0x2000; size += 0x3f8) {
		writer_save_part(&writer, size);
		snprintf(text, sizeof(text),
			 size < 1000
				 ? " ends inside its crash dump header: %zu bytes of 8,192 bytes"
				 : " ends inside its crash dump header: %zu,%03zu bytes of "
				   "8,192 bytes",
			 size < 1000 ? size : size / 1000, size % 1000);
		expect_refusal(writer.path, PS_ABSENT, text, NULL);
	}
	for (size_t page = 0; page <= 6; page++) {
		size_t end = 0x2000 + page * 4096;

		check_cut_full(end);
		if (page > 0)
			check_cut_full(end - 1);
		if (page < 6)
			check_cut_full(end + 1);
	}
}

static void test_truncation_in_large_units(void **state)
{
	const struct written_run run[] = {{1, 12346}};
	struct dump *dump;

	(void)state;
	writer_header(&writer, 64, 1);
	writer_runs(&writer, run, 1);
	writer_page(&writer, 1);
	writer_save(&writer);
	dump = writer_open(&writer);
	expect_note(dump, "the file ends 12,345 pages (48 MiB) before its last page; first missing "
			  "page: physical 0x2000");
	dump_close(dump);
}

static const uint64_t some_pfns[] = {0, 1, 7, 8, 63, 64, 65, 511, 512, 1000, 2047, 2100};

enum { SOME = sizeof(some_pfns) / sizeof(some_pfns[0]), SOME_BITS = 2104 };

static void write_bitmap(int bits, uint32_t type, char layout, const char *signature)
{
	writer_header(&writer, bits, type);
	writer_bitmap(&writer, layout, signature, SOME_BITS, some_pfns, SOME);
}

static void check_bitmap(struct dump *dump)
{
	uint64_t pfn = 0;
	unsigned next = 0;
	struct extent extent;

	assert_true(dump->complete);
	assert_int_equal(dump->note_count, 0);
	assert_int_equal(dump->map.pages, SOME);
	while (dump_next_present(dump, pfn, &extent)) {
		for (uint64_t i = 0; i < extent.count; i++) {
			assert_int_equal(extent.pfn + i, some_pfns[next++]);
			expect_page(dump, extent.pfn + i);
		}
		pfn = extent.pfn + extent.count;
	}
	assert_int_equal(next, SOME);
	expect_state(dump, 2, PAGE_NOT_IN_DUMP);
	expect_state(dump, 100000, PAGE_NOT_IN_DUMP);
}

static void test_bitmaps(void **state)
{
	static const struct {
		int bits;
		uint32_t type;
		char layout;
		const char *signature, *kind;
	} cases[] = {
		{64, 5, 'A', "SDMP", "windows-bitmap"},  {64, 5, 'A', "FDMP", "windows-bitmap"},
		{64, 6, 'A', "SDMP", "windows-bitmap"},  {32, 5, 'A', "FDMP", "windows-bitmap"},
		{32, 6, 'A', "SDMP", "windows-bitmap"},  {64, 2, 'B', "SDMP", "windows-summary"},
		{32, 2, 'B', "SDMP", "windows-summary"}, {64, 6, 'B', "SDMP", "windows-bitmap"},
		{32, 5, 'B', "SDMP", "windows-bitmap"},  {64, 2, 'A', "SDMP", "windows-summary"},
		{32, 2, 'A', "SDMP", "windows-summary"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dump *dump;

		write_bitmap(cases[i].bits, cases[i].type, cases[i].layout, cases[i].signature);
		writer_save(&writer);
		dump = writer_open(&writer);
		assert_string_equal(dump->kind, cases[i].kind);
		check_bitmap(dump);
		dump_close(dump);
	}
}

static void test_bitmap_count_differs(void **state)
{
	struct dump *dump;

	(void)state;
	write_bitmap(64, 6, 'A', "SDMP");
	writer_put(&writer, 0x2028, 1200, 8);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_false(dump->complete);
	expect_note(dump, "the body states 1,200 pages, but its bitmap has 12 bits set; the bitmap "
			  "is used");
	expect_page(dump, 2100);
	dump_close(dump);

	write_bitmap(64, 2, 'B', "SDMP");
	writer_put(&writer, 0x2014, 1200, 4);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_false(dump->complete);
	expect_note(dump, "the body states 1,200 pages, but its bitmap has 12 bits set; the bitmap "
			  "is used");
	expect_page(dump, 2100);
	dump_close(dump);
}

static void test_bad_bitmaps(void **state)
{
	(void)state;
	write_bitmap(64, 5, 'A', "XDMP");
	expect_saved_refusal(PS_CORRUPT, ": no page bitmap (SDMP or FDMP) at file offset 0x2000");
	write_bitmap(64, 5, 'A', "SDMP");
	writer_put(&writer, 0x2030, 0, 8);
	expect_saved_refusal(PS_CORRUPT, ": the page bitmap has no bits");
	writer_put(&writer, 0x2030, 11, 8);
	expect_saved_refusal(PS_CORRUPT, ": the body states 12 pages, but its bitmap has only 11 "
					 "bits");
	writer_put(&writer, 0x2030, UINT64_MAX, 8);
	expect_saved_refusal(PS_CORRUPT,
			     ": the first page cannot be at file offset 0x3000, with a bitmap of "
			     "2305843009213693952 bytes at 0x2038");
	writer_put(&writer, 0x2020, UINT64_C(0xfffffffffffff000), 8);
	expect_saved_refusal(PS_ABSENT, ": the file ends inside its page bitmap (53192 of "
					"2305843009213693952 bytes are there)");
	writer_put(&writer, 0x2030, SOME_BITS, 8);
	expect_saved_refusal(PS_CORRUPT, ": the pages would begin at file offset "
					 "0xfffffffffffff000 and end beyond 2^64");
	writer_put(&writer, 0x2020, 0x3001, 8);
	expect_saved_refusal(PS_CORRUPT, ": the first page cannot be at file offset 0x3001, with "
					 "a bitmap of 263 bytes at 0x2038");
	writer_put(&writer, 0x2020, 0x2000, 8);
	expect_saved_refusal(PS_CORRUPT, ": the first page cannot be at file offset 0x2000, with "
					 "a bitmap of 263 bytes at 0x2038");
}

static void test_truncated_bitmap(void **state)
{
	struct dump *dump;
	size_t size;

	(void)state;
	write_bitmap(64, 6, 'A', "SDMP");
	for (size = 0x2000; size < 0x2038; size += 5) {
		writer_save_part(&writer, size);
		expect_refusal(writer.path, PS_ABSENT, ": the file ends before its page bitmap",
			       NULL);
	}
	writer_save_part(&writer, 0x2038 + 262);
	expect_refusal(writer.path, PS_ABSENT,
		       ": the file ends inside its page bitmap (262 of 263 bytes are there)", NULL);
	for (size = 0x2038 + 263; size <= writer.size; size += 0x3ff) {
		uint64_t whole = size > 0x3000 ? (size - 0x3000) / 4096 : 0;

		writer_save_part(&writer, size);
		dump = writer_open(&writer);
		assert_int_equal(dump->map.pages_in_file, whole);
		assert_false(dump->complete);
		for (unsigned i = 0; i < SOME; i++)
			expect_state(dump, some_pfns[i],
				     i < whole ? PAGE_PRESENT : PAGE_BEYOND_EOF);
		dump_close(dump);
	}
	writer_save_part(&writer, 0x3000 + 11 * 4096);
	dump = writer_open(&writer);
	expect_note(dump, "the file ends 1 page (4,096 bytes) before its last page; first missing "
			  "page: physical 0x834000");
	dump_close(dump);
}

static void test_refused_types(void **state)
{
	(void)state;
	writer_header(&writer, 64, 77);
	expect_saved_refusal(PS_UNSUPPORTED, " is a Windows crash dump of the unknown type 77");
	writer_put_bytes(&writer, 0xf98, "PAGE", 4);
	expect_saved_refusal(PS_CORRUPT, " does not say which type of crash dump it is (DumpType "
					 "was never written)");
}

static void test_refused_machines(void **state)
{
	(void)state;
	write_full(64);
	writer_put(&writer, 0x30, 0x200, 4);
	expect_saved_refusal(PS_UNSUPPORTED, " comes from an Itanium (IA64) machine; poolscope "
					     "reads x86, x64 and ARM64 dumps");
	writer_put(&writer, 0x30, 0x1c4, 4);
	expect_saved_refusal(PS_UNSUPPORTED, " comes from a machine of the unknown type 0x1c4; "
					     "poolscope reads x86, x64 and ARM64 dumps");
}

static void test_attributes(void **state)
{
	struct dump *dump;

	(void)state;
	write_full(64);
	writer_put(&writer, 0x1050, 1u << 8, 4);
	writer_save(&writer);
	expect_refusal(writer.path, PS_UNSUPPORTED,
		       " is an encrypted crash dump and cannot be read",
		       "decrypt it on Windows with KernelDumpDecrypt.exe of the Debugging Tools "
		       "and the private key, then open the result");
	writer_put(&writer, 0x1050, 0xffff & ~(1u << 8), 4);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_false(dump->complete);
	assert_int_equal(dump->note_count, 9);
	expect_note(dump, "the header says that pages are missing: the dump file was too small for "
			  "all, or what it was converted from was cut or damaged");
	expect_note(dump, "a live dump: taken from the running system, with the pages that the "
			  "kernel chose; absent pages are normal");
	dump_close(dump);
	writer_put(&writer, 0x1050, 1u << 4, 4);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_true(dump->complete);
	assert_int_equal(dump->note_count, 1);
	dump_close(dump);
}

static void write_at(int fd, uint64_t pfn)
{
	uint8_t page[4096];

	writer_pattern(pfn, page);
	assert_int_equal(pwrite(fd, page, sizeof(page), (off_t)(pfn * 4096)), 4096);
}

/* A hole is absent, a stored page of zeros is data. */
static void test_sparse_raw(void **state)
{
	static const uint8_t zeros[4096];
	int fd = open(writer.path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct extent extent;
	struct dump *dump;
	uint8_t got[4096];

	(void)state;
	assert_true(fd >= 0);
	write_at(fd, 100);
	write_at(fd, 101);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 300 * 4096), 4096);
	assert_int_equal(ftruncate(fd, 1000 * 4096), 0);
	fsync(fd);
	if (lseek(fd, 0, SEEK_DATA) == 0) {
		close(fd);
		print_message("no holes on this filesystem\n");
		skip();
	}
	dump = writer_open(&writer);
	assert_string_equal(dump->kind, "raw");
	assert_false(dump->complete);
	expect_note(dump, "the file is sparse: its holes are taken as absent pages");
	expect_state(dump, 0, PAGE_FILE_HOLE);
	expect_page(dump, 101);
	expect_page(dump, 100);
	expect_state(dump, 99, PAGE_FILE_HOLE);
	expect_state(dump, 102, PAGE_FILE_HOLE);
	assert_int_equal(dump_read(dump, 300 * 4096, got, sizeof(got)), PAGE_PRESENT);
	assert_memory_equal(got, zeros, sizeof(got));
	expect_state(dump, 301, PAGE_FILE_HOLE);
	expect_state(dump, 999, PAGE_FILE_HOLE);
	expect_state(dump, 1000, PAGE_NOT_IN_DUMP);
	assert_int_equal(dump_read(dump, 101 * 4096 + 4000, got, 200), PAGE_FILE_HOLE);
	assert_true(dump_next_present(dump, 0, &extent));
	assert_int_equal(extent.pfn, 100);
	assert_int_equal(extent.count, 2);
	assert_true(dump_next_present(dump, 102, &extent));
	assert_int_equal(extent.pfn, 300);
	assert_int_equal(extent.count, 1);
	assert_false(dump_next_present(dump, 301, &extent));
	dump_close(dump);
	close(fd);
}

static void test_dense_raw(void **state)
{
	struct dump *dump;
	uint8_t got[100];

	(void)state;
	for (uint64_t pfn = 0; pfn < 20; pfn++)
		writer_page(&writer, pfn);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_true(dump->complete);
	assert_int_equal(dump->note_count, 0);
	assert_int_equal(dump->facts.machine, MACHINE_UNKNOWN);
	expect_page(dump, 0);
	expect_page(dump, 19);
	assert_int_equal(dump_read(dump, 19 * 4096 + 4000, got, 96), PAGE_PRESENT);
	assert_int_equal(dump_read(dump, 19 * 4096 + 4000, got, 97), PAGE_NOT_IN_DUMP);
	assert_int_equal(dump_read(dump, UINT64_MAX, got, 2), PAGE_NOT_IN_DUMP);
	assert_int_equal(dump_read(dump, UINT64_MAX, got, 0), PAGE_PRESENT);
	dump_prefetch(dump, 0, UINT64_MAX);
	dump_prefetch(dump, UINT64_MAX, UINT64_MAX);
	dump_close(dump);

	writer_put(&writer, writer.size, 1, 1);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_false(dump->complete);
	assert_int_equal(dump->map.pages_in_file, 20);
	expect_note(
		dump,
		"the size of the file is not a multiple of 4,096: the last page, at physical 0x14000, has only 1 byte and is left out");
	expect_state(dump, 20, PAGE_BEYOND_EOF);
	dump_close(dump);
}

static void test_too_small(void **state)
{
	(void)state;
	writer_put(&writer, 65534, 1, 1);
	writer_save(&writer);
	expect_refusal(writer.path, PS_UNSUPPORTED,
		       " is too small to be a memory image (65,535 bytes)",
		       "give a Windows crash dump (MEMORY.DMP) or a raw image of physical memory");
	writer_put(&writer, 65535, 1, 1);
	writer_save(&writer);
	dump_close(writer_open(&writer));
}

/* Magic of each foreign kind at its place, and the sentence. */
static void test_foreign(void **state)
{
	static const struct {
		const char *magic;
		size_t length, offset;
		const char *text;
	} cases[] = {
		{"PAGEPAGE", 8, 0,
		 " is a crash dump that Windows never finished: its header was not written"},
		{"MDMP", 4, 0,
		 " is a minidump of one user process (MDMP); it holds no kernel memory"},
		{"hibr", 4, 0,
		 " is a hibernation file of Windows XP or older, which cannot be read"},
		{"wake", 4, 0,
		 " is a hibernation file of Windows XP or older from which Windows has resumed; "
		 "its memory is stale"},
		{"\x7f"
		 "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0",
		 18, 0, " is an ELF program or shared library, not a memory image"},
		{"\xee\xeb\x0f\xf0", 4, 0, " is an old core of a Xen guest, which cannot be read"},
		{"\x7fVirtualBox SavedState V2.0", 27, 0,
		 " is a saved state of VirtualBox (.sav), which cannot be read"},
		{"QEVM", 4, 0, " is a saved state of QEMU (savevm), which cannot be read"},
		{"QFI\xfb", 4, 0, " is a disk image (qcow2), not a memory image"},
		{"conectix", 8, 0, " is a disk image (VHD), not a memory image"},
		{"conectix", 8, 0x20000 - 512, " is a disk image (VHD), not a memory image"},
		{"vhdxfile", 8, 0, " is a disk image (VHDX), not a memory image"},
		{"\x7f\x10\xda\xbe", 4, 0x40, " is a disk image (VDI), not a memory image"},
		{"EFI PART", 8, 512, " is a disk image (GPT), not a memory image"},
		{"PK\x05\x06", 4, 0, " is an empty zip archive"},
		{"Rar!\x1a\x07", 6, 0, " is a RAR archive"},
		{"MSWIM\0\0\0", 8, 0, " is a Windows image archive (WIM)"},
		{"Microsoft C/C++ MSF 7.00\r\n\x1a"
		 "DS",
		 29, 0, " is a symbol file (PDB), not a memory image"},
		{"ElfFile\0", 8, 0, " is a Windows event log (EVTX), not a memory image"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		writer_clear(&writer);
		writer_put(&writer, 0x20000 - 1, 0, 1);
		writer_put_bytes(&writer, cases[i].offset, cases[i].magic, cases[i].length);
		writer_save(&writer);
		expect_refusal(writer.path, PS_UNSUPPORTED, cases[i].text, NULL);
		/* The same with a bit flipped is raw memory. */
		writer.data[cases[i].offset] ^= 0x80;
		writer_save(&writer);
		dump_close(writer_open(&writer));
	}
}

/* Most of the magic is enough, however little follows; less is nothing. */
static void test_crash_magic_damaged(void **state)
{
	static const char looks[] =
		" is damaged: it looks like a Windows crash dump, but its first 8 "
		"bytes are not those of one";
	static const char hint[] =
		"copy the dump again; if that is as damaged, have it written again";

	(void)state;
	for (size_t size = 8; size <= 0x20000; size *= 0x4000) {
		writer_clear(&writer);
		writer_put(&writer, size - 1, 0, 1);
		writer_put_bytes(&writer, 0, "PAGEDUMB", 8);
		expect_saved_refusal(PS_UNSUPPORTED,
				     " is damaged, or no crash dump: neither DUMP nor DU64 follows "
				     "PAGE at its start");
		writer_put_bytes(&writer, 0, "PAXEDU64", 8);
		writer_save(&writer);
		expect_refusal(writer.path, PS_CORRUPT, looks, hint);
		writer_put_bytes(&writer, 0, "\0\0\0EDUMP", 8);
		writer_save(&writer);
		expect_refusal(writer.path, PS_CORRUPT, looks, hint);
		writer_put_bytes(&writer, 0, "\0\0\0\0DUMP", 8);
		writer_save(&writer);
		if (size == 8)
			expect_refusal(writer.path, PS_UNSUPPORTED,
				       " is too small to be a memory image (8 bytes)", NULL);
		else
			dump_close(writer_open(&writer));
	}
}

static void test_foreign_pe(void **state)
{
	(void)state;
	writer_put(&writer, 0x1ffff, 0, 1);
	writer_put_bytes(&writer, 0, "MZ", 2);
	writer_put(&writer, 0x3c, 0x10000, 4);
	writer_put_bytes(&writer, 0x10000, "PE\0\0", 4);
	expect_saved_refusal(PS_UNSUPPORTED,
			     " is a Windows program or driver (PE image), not a memory image");
	writer_put(&writer, 0x3c, 0xfffffff0, 4);
	writer_save(&writer);
	dump_close(writer_open(&writer));
	writer_clear(&writer); /* any small file is asked for its kind first */
	writer_put_bytes(&writer, 0, "Rar!\x1a\x07", 6);
	expect_saved_refusal(PS_UNSUPPORTED, " is a RAR archive");
	writer_clear(&writer);
	writer_put_bytes(&writer, 0, "P", 1);
	expect_saved_refusal(PS_UNSUPPORTED, " is too small to be a memory image (1 byte)");
}

static void test_open_errors(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	(void)state;
	expect_refusal("/no/such/file", PS_SYSTEM,
		       "=cannot open /no/such/file: No such file or directory", "");
	expect_refusal("-", PS_UNSUPPORTED,
		       "=standard input cannot be used: a dump needs random access",
		       "save it to a file and give the name of the file");
	expect_refusal(writer.directory, PS_UNSUPPORTED, " is a directory, not a dump file",
		       "name one dump in it, for example MEMORY.DMP");
	expect_refusal("/dev/null", PS_UNSUPPORTED, " is not a regular file (device)",
		       "copy it to a file and open that");
	writer_save(&writer);
	expect_refusal(
		writer.path, PS_UNSUPPORTED, " is empty (0 bytes)",
		"Windows wrote no dump into it, or the copy failed: look at the disk space of the "
		"server and copy the dump again");
	unlink(writer.path);
	assert_int_equal(mkfifo(writer.path, 0600), 0);
	expect_refusal(writer.path, PS_UNSUPPORTED, " is not a regular file (pipe)", NULL);
	unlink(writer.path);
	if (strlen(writer.path) >= sizeof(address.sun_path))
		return; /* a long TMPDIR: no room for it in the address of a socket */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(address.sun_path, writer.path, strlen(writer.path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	expect_refusal(writer.path, PS_UNSUPPORTED, " is not a regular file (socket)", NULL);
	close(fd);
}

static void test_no_permission(void **state)
{
	bool root = geteuid() == 0;
	char text[300];

	(void)state;
	write_full(64);
	writer_save(&writer);
	assert_int_equal(chmod(writer.path, 0), 0);
	snprintf(text, sizeof(text), "=cannot open %s: Permission denied", writer.path);
	if (root && (chmod(writer.directory, 0755) != 0 || seteuid(65534) != 0))
		skip();
	expect_refusal(writer.path, PS_SYSTEM, text, "");
	if (root)
		assert_int_equal(seteuid(0), 0);
}

/* Of a path that would fill the message only the end is shown, and the reason stays. */
static void test_long_path(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;
	char path[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 100 ? 'a' : '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(dump_open(path, NULL, &dump, &err), PS_SYSTEM);
	assert_non_null(strstr(err.text, "aaa: No such file or directory"));
}

static void test_file_shrinks_while_open(void **state)
{
	struct dump *dump;
	uint8_t page[4096];

	(void)state;
	signals_init(); /* the test framework has put its own handlers in place */
	write_bitmap(64, 6, 'A', "SDMP");
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_non_null(dump->file.map);
	assert_int_equal(truncate(writer.path, 0x3000 + 2 * 4096), 0);
	expect_page(dump, 1);
	expect_state(dump, 2100, PAGE_IO_ERROR);
	expect_page(dump, 0);
	munmap((void *)(uintptr_t)dump->file.map, dump->file.size);
	dump->file.map = NULL; /* the same without a mapping */
	expect_page(dump, 1);
	assert_int_equal(dump_read(dump, 2100 << 12, page, sizeof(page)), PAGE_IO_ERROR);
	dump_close(dump);
}

static void test_reading_without_a_mapping(void **state)
{
	struct dump *dump;

	(void)state;
	write_bitmap(64, 6, 'A', "SDMP");
	writer_save(&writer);
	dump = writer_open(&writer);
	munmap((void *)(uintptr_t)dump->file.map, dump->file.size);
	dump->file.map = NULL;
	check_bitmap(dump);
	dump_close(dump);
}

static void test_file_read_limits(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;
	uint8_t byte;

	(void)state;
	write_full(64);
	writer_save(&writer);
	dump = writer_open(&writer);
	assert_int_equal(file_read(&dump->file, dump->file.size - 1, &byte, 1, &err), PS_OK);
	assert_int_equal(file_read(&dump->file, dump->file.size, &byte, 0, &err), PS_OK);
	assert_int_equal(file_read(&dump->file, UINT64_MAX, &byte, 1, &err), PS_ABSENT);
	assert_int_equal(file_read(&dump->file, dump->file.size, &byte, 1, &err), PS_ABSENT);
	assert_string_equal(
		err.text,
		"file offset 0x8000, length 1, reaches beyond the end of the file (32768 bytes)");
	assert_int_equal(err.at, 0x8000);
	dump_close(dump);
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(page_state_words(PAGE_NOT_IN_DUMP), "not in the dump");
	assert_string_equal(page_state_words(PAGE_FILE_HOLE), "in a hole of the sparse file");
	assert_string_equal(page_state_words(PAGE_BEYOND_EOF), "beyond the end of the file");
	assert_string_equal(machine_name(MACHINE_X64), "x64");
	assert_string_equal(machine_name(MACHINE_UNKNOWN), "unknown");
	dump_close(NULL);
}

/* Opens the damaged file and, when it opens, walks and reads what it claims to hold. */
static void use_damaged(void)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;
	struct extent extent;
	uint8_t page[4096];
	uint64_t pfn = 0;

	if (dump_open(writer.path, NULL, &dump, &err) != PS_OK) {
		assert_true(err.text[0] != '\0' && err.status != PS_OK);
		assert_true(err.status != PS_INTERNAL && err.status != PS_NO_MEMORY);
		return;
	}
	for (unsigned i = 0; i < 50 && dump_next_present(dump, pfn, &extent); i++) {
		assert_int_equal(dump_read(dump, extent.pfn << 12, page, 4096), PAGE_PRESENT);
		pfn = extent.pfn + extent.count;
	}
	dump_read(dump, dump->map.highest_pfn << 12, page, 4096);
	dump_prefetch(dump, 0, 1 << 20);
	dump_close(dump);
}

/* Flips 1 to 8 bits in the fields of the header and of the body's header, then mends them. */
static void flip_and_use(int fd, size_t header)
{
	unsigned flips = 1 + (unsigned)random() % 8;
	uint8_t damaged[0x2000 + 0x40];
	size_t length = header + 0x40;

	memcpy(damaged, writer.data, length);
	for (unsigned i = 0; i < flips; i++) {
		bool in_body = random() % 3 == 0;
		size_t span = in_body ? 0x40 : random() % 2 ? 0xa8 : header;
		size_t at = (in_body ? header : 0) + (size_t)random() % span;

		damaged[at] ^= (uint8_t)(1u << random() % 8);
	}
	assert_int_equal(pwrite(fd, damaged, length, 0), length);
	use_damaged();
}

static void test_random_damage(void **state)
{
	(void)state;
	srandom(3);
	for (unsigned kind = 0; kind < 6; kind++) {
		int bits = kind % 2 ? 32 : 64, fd;

		if (kind < 2)
			write_full(bits);
		else
			write_bitmap(bits, kind < 4 ? 6 : 2, kind < 4 ? 'A' : 'B', "SDMP");
		writer_save(&writer);
		fd = open(writer.path, O_WRONLY);
		assert_true(fd >= 0);
		for (unsigned i = 0; i < 1700; i++)
			flip_and_use(fd, bits == 64 ? 0x2000 : 0x1000);
		close(fd);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_full_64),
		TEST(test_full_32),
		TEST(test_filler_is_unknown),
		TEST(test_filler_in_bugcheck_parameter),
		TEST(test_machine_not_stated),
		TEST(test_bad_run_lists),
		TEST(test_as_many_runs_as_fit),
		TEST(test_page_count_differs_from_runs),
		TEST(test_truncated_full),
		TEST(test_truncation_in_large_units),
		TEST(test_bitmaps),
		TEST(test_bitmap_count_differs),
		TEST(test_bad_bitmaps),
		TEST(test_truncated_bitmap),
		TEST(test_refused_types),
		TEST(test_refused_machines),
		TEST(test_attributes),
		TEST(test_sparse_raw),
		TEST(test_dense_raw),
		TEST(test_too_small),
		TEST(test_foreign),
		TEST(test_crash_magic_damaged),
		TEST(test_foreign_pe),
		TEST(test_open_errors),
		TEST(test_no_permission),
		TEST(test_long_path),
		TEST(test_file_shrinks_while_open),
		TEST(test_reading_without_a_mapping),
		TEST(test_file_read_limits),
		TEST(test_words),
		TEST(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
