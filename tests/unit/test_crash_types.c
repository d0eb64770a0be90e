/*
 * Crash dumps that hold their memory in other ways than runs and bitmaps: lists of page ranges,
 * automatic dumps, a header alone, and minidumps with their pieces of virtual memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/kernel/kernel.h"
#include "analyzer/memory/space.h"
#include "analyzer/pool/pools.h"
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

static struct dump *open_saved(void)
{
	writer_save(&writer);
	return writer_open(&writer);
}

static void expect_refusal(size_t size, enum ps_status status, const char *text)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;
	char whole[PS_ERROR_TEXT];

	writer_save_part(&writer, size);
	snprintf(whole, sizeof(whole), "%s%s", writer.path, text);
	assert_int_equal(dump_open(writer.path, NULL, &dump, &err), status);
	assert_string_equal(err.text, whole);
	assert_null(dump);
}

/* ---- page ranges ---- */

enum { RDMP = 0x2000, FIRST_PAGE = 0x3000 };

static const struct written_run ranges[] = {{0x40, 2}, {0x10, 1}, {0x1000, 3}};

enum { RANGES = sizeof(ranges) / sizeof(ranges[0]), RANGE_PAGES = 6 };

static void write_ranges(uint32_t type, uint32_t stated_ranges, uint64_t stated_pages)
{
	writer_header(&writer, 64, type);
	writer_put(&writer, FIRST_PAGE - 1, 0, 1);
	writer_put(&writer, RDMP, 0x40, 4);
	writer_put_bytes(&writer, RDMP + 4, "RDMP", 4);
	writer_put_bytes(&writer, RDMP + 8, "DUMP", 4);
	writer_put(&writer, RDMP + 0x10, FIRST_PAGE - 0x2020, 8);
	writer_put(&writer, RDMP + 0x18, FIRST_PAGE, 8);
	writer_put(&writer, RDMP + 0x20, stated_ranges, 4);
	writer_put(&writer, RDMP + 0x28, stated_pages, 8);
	for (unsigned i = 0; i < RANGES; i++) {
		writer_put(&writer, RDMP + 0x30 + 16 * i, ranges[i].pfn, 8);
		writer_put(&writer, RDMP + 0x38 + 16 * i, ranges[i].count, 8);
		for (uint64_t k = 0; k < ranges[i].count; k++)
			writer_page(&writer, ranges[i].pfn + k);
	}
}

static void check_ranges(struct dump *dump)
{
	struct extent extent;

	assert_string_equal(dump->kind, "windows-rdmp");
	assert_int_equal(dump->map.pages, RANGE_PAGES);
	assert_int_equal(dump->map.pages_in_file, RANGE_PAGES);
	for (unsigned i = 0; i < RANGES; i++) {
		for (uint64_t k = 0; k < ranges[i].count; k++)
			expect_page(dump, ranges[i].pfn + k);
	}
	dump_locate(dump, 0x11, &extent);
	assert_int_equal(extent.state, PAGE_NOT_IN_DUMP);
}

static void test_ranges_that_end_at_page_0(void **state)
{
	(void)state;
	for (uint32_t type = 8; type <= 9; type++) {
		struct dump *dump;

		write_ranges(type, 77, 77); /* the counts are no counts here */
		dump = open_saved();
		check_ranges(dump);
		assert_true(dump->complete);
		assert_int_equal(dump->note_count, 0);
		dump_close(dump);
	}
}

static void test_ranges_that_end_by_count(void **state)
{
	struct dump *dump;

	(void)state;
	write_ranges(10, RANGES, RANGE_PAGES);
	writer_put(&writer, RDMP + 0x30 + 16 * RANGES, 0x5555, 8); /* behind the last one */
	writer_put(&writer, RDMP + 0x38 + 16 * RANGES, 0x5555, 8);
	dump = open_saved();
	check_ranges(dump);
	assert_true(dump->complete);
	assert_int_equal(dump->note_count, 0);
	assert_string_equal(dump->title,
			    "Windows crash dump, type 10 (complete, by a debugger), 64-bit");
	dump_close(dump);
}

/* Page 0 is a page like others where the list ends by its count. */
static void test_range_of_page_0(void **state)
{
	struct dump *dump;

	(void)state;
	write_ranges(10, RANGES, RANGE_PAGES);
	writer_put(&writer, RDMP + 0x30, 0, 8);
	dump = open_saved();
	assert_true(dump->complete);
	assert_int_equal(dump->map.pages, RANGE_PAGES);
	dump_close(dump);
}

static void test_range_counts_differ(void **state)
{
	struct dump *dump;

	(void)state;
	write_ranges(10, RANGES, 1234);
	dump = open_saved();
	check_ranges(dump);
	assert_false(dump->complete);
	expect_note(dump, "the body states 1,234 pages, but its ranges have 6");
	dump_close(dump);

	write_ranges(10, 9, RANGE_PAGES);
	dump = open_saved();
	check_ranges(dump);
	assert_true(dump->complete);
	expect_note(dump, "the body states 9 page ranges, but its pages are all in the first 3");
	dump_close(dump);
}

static void test_bad_ranges(void **state)
{
	(void)state;
	write_ranges(8, 0, 0);
	writer_put(&writer, RDMP, 0x50, 4);
	expect_refusal(writer.size, PS_CORRUPT,
		       ": the list of page ranges begins with 0x50 instead of 0x40");
	writer_put(&writer, RDMP, 0x40, 4);
	writer_put(&writer, RDMP + 0x10, 0x1fe0, 8);
	expect_refusal(writer.size, PS_CORRUPT,
		       ": the list of page ranges is said to have 0x1fe0 bytes and the first page "
		       "to be at file offset 0x3000, which do not agree");
	writer_put(&writer, RDMP + 0x10, UINT64_MAX, 8);
	writer_put(&writer, RDMP + 0x18, 0x10, 8);
	expect_refusal(writer.size, PS_CORRUPT,
		       ": the list of page ranges is said to have 0xffffffffffffffff bytes and the "
		       "first page to be at file offset 0x10, which do not agree");
	write_ranges(8, 0, 0);
	writer_put(&writer, RDMP + 0x38, UINT64_MAX, 8);
	expect_refusal(writer.size, PS_CORRUPT,
		       ": page range 1 has 0xffffffffffffffff pages, more than a file can hold");
	writer_put(&writer, RDMP + 0x38, 2, 8);
	writer_put(&writer, RDMP + 0x40, 0x41, 8);
	expect_refusal(writer.size, PS_CORRUPT,
		       ": memory runs overlap: pages 0x40 to 0x41 and 0x41 to 0x41");
	writer_put(&writer, RDMP + 0x30, 0, 8);
	expect_refusal(writer.size, PS_CORRUPT, ": the list of page ranges has no pages");
	writer_put_bytes(&writer, RDMP + 4, "SDMP", 4);
	expect_refusal(writer.size, PS_CORRUPT,
		       ": no list of page ranges (RDMP) at file offset 0x2000");
	writer_header(&writer, 32, 9);
	expect_refusal(writer.size, PS_UNSUPPORTED,
		       ": a 32-bit dump of this type; lists of page ranges (RDMP) are known of "
		       "64-bit dumps only");
}

static void test_cut_ranges(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	write_ranges(10, RANGES, RANGE_PAGES);
	for (size_t size = RDMP; size < RDMP + 0x30; size += 7)
		expect_refusal(size, PS_ABSENT, ": the file ends before its list of page ranges");
	expect_refusal(RDMP + 0x35, PS_ABSENT,
		       ": the file ends inside its list of page ranges (5 of 4048 bytes are "
		       "there)");
	for (size_t pages = 0; pages <= RANGE_PAGES; pages++) {
		writer_save_part(&writer, FIRST_PAGE + pages * 4096 + (pages < RANGE_PAGES));
		assert_int_equal(dump_open(writer.path, NULL, &dump, &err), PS_OK);
		assert_int_equal(dump->map.pages_in_file, pages);
		assert_int_equal(dump->complete, pages == RANGE_PAGES);
		dump_close(dump);
	}
}

static void test_automatic(void **state)
{
	static const uint64_t pfns[] = {3, 4, 9};
	struct dump *dump;

	(void)state;
	write_ranges(7, RANGES, RANGE_PAGES);
	dump = open_saved();
	check_ranges(dump);
	assert_true(dump->complete);
	dump_close(dump);

	write_ranges(7, 0, 0);
	dump = open_saved();
	check_ranges(dump);
	assert_true(dump->complete);
	assert_int_equal(dump->note_count, 0);
	dump_close(dump);

	for (int bits = 32; bits <= 64; bits += 32) {
		writer_header(&writer, bits, 7);
		writer_bitmap(&writer, 'A', "SDMP", 64, pfns, 3);
		dump = open_saved();
		assert_string_equal(dump->kind, "windows-bitmap");
		assert_true(dump->complete);
		expect_page(dump, 9);
		dump_close(dump);
	}
	writer_header(&writer, 64, 7);
	expect_refusal(writer.size, PS_ABSENT, ": the file ends before its page bitmap");
}

/* ---- a header alone ---- */

static void test_header_only(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct progress progress;
	struct kernel *kernel = NULL;
	struct dump *dump;

	(void)state;
	progress_init(&progress, false);
	for (int bits = 32; bits <= 64; bits += 32) {
		writer_header(&writer, bits, 3);
		writer_put(&writer, 0x0c, 22000, 4);
		dump = open_saved();
		assert_string_equal(dump->kind, "windows-header");
		assert_int_equal(dump->holds, HOLDS_NOTHING);
		assert_true(dump->complete);
		assert_int_equal(dump->facts.build.value, 22000);
		assert_int_equal(kernel_open(dump, NULL, &progress, &kernel, &err), PS_UNSUPPORTED);
		assert_string_equal(err.text,
				    "the file is the header of a crash dump without any memory");
		assert_string_equal(
			err.hint,
			"to get the pools from the next crash, set \"Kernel memory dump\", "
			"\"Automatic memory dump\" or \"Complete memory dump\" in Startup and "
			"Recovery (CrashDumpEnabled 2, 7 or 1) and give the page file room for it");
		ps_error_clear(&err);
		dump_close(dump);
	}
}

/* ---- minidumps ---- */

/* Where things lie in the minidumps that this test writes, from the triage header on. */
enum {
	MM = 0x100,
	UNLOADED = 0x180,
	STACK = 0x280,
	STACK_BYTES = 0x80,
	KDBG = 0x300,
	KDBG_BYTES = 0x340,
	DRIVERS = 0x700,
	NAMES = 0x900,
	BLOCKS = 0xa00,
	DATA = 0xb00,
	END_MARK = 0xf00,
};

struct mini {
	int bits;
	size_t head;
	unsigned width;
	uint64_t base; /* of the kernel */
};

static void put_name(size_t at, const char *name)
{
	writer_put(&writer, at, strlen(name), 4);
	for (size_t i = 0; name[i]; i++)
		writer_put(&writer, at + 4 + 2 * i, (uint8_t)name[i], 2);
}

static void put_driver(const struct mini *m, unsigned index, size_t name, uint64_t base,
		       uint32_t size)
{
	bool wide = m->bits == 64;
	size_t entry = m->head + DRIVERS + index * (wide ? 0x90u : 0x4cu);

	writer_put(&writer, entry, name, 4);
	writer_put(&writer, entry + (wide ? 0x38 : 0x1c), base, m->width);
	writer_put(&writer, entry + (wide ? 0x48 : 0x24), size, 4);
	writer_put(&writer, entry + (wide ? 0x80 : 0x44), 0xc0c0 + index, 4);
	writer_put(&writer, entry + (wide ? 0x88 : 0x48), 0x5a5a0000 + index, 4);
}

static void put_unloaded(const struct mini *m, unsigned index, const char *name, uint64_t start,
			 uint64_t end)
{
	bool wide = m->bits == 64;
	size_t entry = m->head + UNLOADED + (wide ? 8 : 4) + index * (wide ? 0x38u : 0x28u);
	size_t text = entry + 2 * m->width;

	writer_put(&writer, entry, 2 * strlen(name), 2);
	for (size_t i = 0; name[i]; i++)
		writer_put(&writer, text + 2 * i, (uint8_t)name[i], 2);
	writer_put(&writer, text + 24, start, m->width);
	writer_put(&writer, text + 24 + m->width, end, m->width);
}

static void put_block(const struct mini *m, unsigned index, uint64_t va, size_t offset,
		      uint32_t length)
{
	size_t at = m->head + BLOCKS + index * (m->width + 8);

	writer_put(&writer, at, va, m->width);
	writer_put(&writer, at + m->width, offset, 4);
	writer_put(&writer, at + m->width + 4, length, 4);
}

static void put_head(const struct mini *m, unsigned at64, unsigned at32, uint64_t value)
{
	writer_put(&writer, m->head + (m->bits == 64 ? at64 : at32), value, 4);
}

static void put_lists(const struct mini *m)
{
	put_name(m->head + NAMES, "\\SystemRoot\\system32\\ntoskrnl.exe");
	put_name(m->head + NAMES + 0x80, "\\SystemRoot\\system32\\drivers\\x.sys");
	put_driver(m, 0, m->head + NAMES, m->base, 0x800000);
	put_driver(m, 1, m->head + NAMES + 0x80, m->base + 0x1000000, 0x7000);
	writer_put(&writer, m->head + UNLOADED, 2, m->width);
	put_unloaded(m, 0, "new.sys", m->base + 0x2000000, m->base + 0x2008000);
	put_unloaded(m, 1, "twelve_chara", m->base + 0x3000000, m->base + 0x3001000);
	writer_put(&writer, m->head + MM, 1, 4);
	writer_put(&writer, m->head + MM + 4, m->bits == 64 ? 0x50 : 0x34, 4);
	for (unsigned i = 0; i < 7; i++)
		writer_put(&writer, m->head + MM + 0x18 + i * m->width, 100 + i, m->width);
}

static void put_memory(const struct mini *m)
{
	for (unsigned i = 0; i < 0x400; i++)
		writer_put(&writer, m->head + DATA + i, i * 7 & 0xff, 1);
	put_block(m, 0, m->base + 0x1ff0, m->head + DATA, 0x20);
	put_block(m, 1, m->base + 0x2010, m->head + DATA + 0x20, 0x10);
	put_block(m, 2, m->base + 0x9000, m->head + DATA + 0x100, 0x80);
	writer_put_bytes(&writer, m->head + KDBG + 0x10, "KDBG", 4);
	writer_put(&writer, m->head + KDBG + 0x14, KDBG_BYTES, 4);
	writer_put(&writer, m->head + KDBG + 0x18,
		   m->bits == 64 ? m->base : 0xffffffff00000000 | m->base, 8);
	writer_put(&writer, m->head + KDBG + 0x48, m->base + 0x300000, 8);
}

static struct mini write_minidump(int bits)
{
	struct mini m = {.bits = bits,
			 .head = bits == 64 ? 0x2000 : 0x1000,
			 .width = bits == 64 ? 8 : 4,
			 .base = bits == 64 ? 0xfffff80011200000 : 0x81200000};

	writer_header(&writer, bits, 4);
	writer_put(&writer, m.head + END_MARK + 3, 0, 1);
	put_lists(&m);
	put_memory(&m);
	put_head(&m, 0x04, 0x04, m.head + END_MARK + 4);
	put_head(&m, 0x08, 0x08, m.head + END_MARK);
	put_head(&m, 0x0c, 0x0c, 0x348);
	put_head(&m, 0x14, 0x14, m.head + MM);
	put_head(&m, 0x18, 0x18, m.head + UNLOADED);
	put_head(&m, 0x28, 0x28, m.head + STACK);
	put_head(&m, 0x2c, 0x2c, STACK_BYTES);
	put_head(&m, 0x30, 0x30, m.head + DRIVERS);
	put_head(&m, 0x34, 0x34, 2);
	writer_put(&writer, m.head + 0x48, m.base + 0x5000, m.width);
	put_head(&m, 0x70, 0x58, m.head + KDBG);
	put_head(&m, 0x74, 0x5c, KDBG_BYTES);
	put_head(&m, 0x78, 0x60, m.head + BLOCKS);
	put_head(&m, 0x7c, 0x64, 3);
	writer_put_bytes(&writer, m.head + END_MARK, "TRGD", 4);
	return m;
}

static void add_secondary(uint32_t size)
{
	size_t at = writer.size;

	writer_put_bytes(&writer, at, "DumpBlob", 8);
	writer_put(&writer, at + 8, 0x10, 4);
	writer_put(&writer, at + 12, 0xf0004a61, 4);
	writer_put(&writer, at + 0x10, 0x20, 4);
	writer_put(&writer, at + 0x14, 0x0102030405060708, 8);
	writer_put(&writer, at + 0x24, size, 4);
	writer_put(&writer, at + 0x28, 3, 4);
	writer_put(&writer, at + 0x2c, 5, 4);
	writer_put(&writer, at + 0x30 + 3 + size + 4, 0, 1);
}

static void check_facts(const struct dump *dump)
{
	const struct triage *t = dump->triage;

	assert_int_equal(dump->holds, HOLDS_RANGES);
	assert_string_equal(dump->kind, "windows-triage");
	assert_non_null(t);
	assert_true(t->has_context);
	assert_false(t->has_exception || t->has_processor || t->has_process || t->has_thread);
	assert_int_equal(t->driver_count, 2);
	assert_int_equal(t->drivers[1].size, 0x7000);
	assert_int_equal(t->drivers[1].checksum, 0xc0c1);
	assert_int_equal(t->drivers[1].timestamp, 0x5a5a0001);
	assert_int_equal(t->unloaded_count, 2);
	assert_int_equal(t->unloaded[1].name_bytes, 24);
	assert_true(t->mm.present && t->mm.filled);
	assert_int_equal(t->mm.nonpaged_maximum, 100);
	assert_int_equal(t->mm.nonpaged_allocated, 101);
	assert_int_equal(t->mm.paged_maximum, 102);
	assert_int_equal(t->mm.paged_allocated, 103);
	assert_int_equal(t->mm.committed, 104);
	assert_int_equal(t->mm.committed_peak, 105);
	assert_int_equal(t->mm.commit_limit, 106);
	assert_int_equal(t->kdbg_size, KDBG_BYTES);
	assert_int_equal(t->stack_bytes, STACK_BYTES);
}

static void test_minidump_facts(void **state)
{
	(void)state;
	for (int bits = 32; bits <= 64; bits += 32) {
		struct dump *dump;

		write_minidump(bits);
		add_secondary(0x11);
		dump = open_saved();
		check_facts(dump);
		assert_true(dump->complete);
		assert_int_equal(dump->note_count, 0);
		assert_int_equal(dump->triage->blob_count, 1);
		assert_int_equal(dump->triage->blobs[0].size, 0x11);
		assert_null(dump->triage->blobs[0].name);
		/* three blocks, of which two meet, and the stack */
		assert_int_equal(dump->ranges.count, 4);
		assert_int_equal(dump->ranges.bytes, 0x20 + 0x10 + 0x80 + STACK_BYTES);
		dump_close(dump);
	}
}

static void test_minidump_kernel(void **state)
{
	struct progress progress;

	(void)state;
	progress_init(&progress, false);
	for (int bits = 32; bits <= 64; bits += 32) {
		struct mini m = write_minidump(bits);
		struct ps_error err = PS_ERROR_INIT;
		struct dump *dump = open_saved();
		struct pools *pools = NULL;
		struct kernel *k = NULL;

		assert_int_equal(kernel_open(dump, NULL, &progress, &k, &err), PS_OK);
		assert_string_equal(k->arch, bits == 64 ? "x64" : "x86");
		assert_int_equal(k->base, m.base);
		assert_int_equal(k->size, 0x800000);
		assert_string_equal(k->kdbg_found_by, "copy in the minidump");
		assert_int_equal(k->kdbg.fields[KDBG_PS_LOADED_MODULE_LIST], m.base + 0x300000);
		assert_true(k->modules.complete);
		assert_int_equal(k->modules.count, 2);
		assert_string_equal(k->modules.items[0].name, "ntoskrnl.exe");
		assert_string_equal(k->modules.items[1].path,
				    "\\SystemRoot\\system32\\drivers\\x.sys");
		assert_true(k->unloaded.complete);
		assert_string_equal(k->unloaded.items[0].name, "twelve_chara");
		assert_string_equal(k->unloaded.items[1].name, "new.sys");
		assert_int_equal(k->unloaded.items[1].size, 0x8000);
		assert_int_equal(pools_open(k, &progress, &pools, &err), PS_UNSUPPORTED);
		assert_string_equal(err.text,
				    "no minidump can hold the pool tables: Windows copies stacks, "
				    "lists and small pieces of memory into it, never the tag "
				    "tables, which are several hundred kilobytes");
		kernel_close(k);
		dump_close(dump);
	}
}

static void test_minidump_memory(void **state)
{
	struct mini m = write_minidump(64);
	struct dump *dump = open_saved();
	struct ps_error err = PS_ERROR_INIT;
	struct space *space = NULL;
	struct translation at;
	struct holes holes;
	struct hole hole;
	uint8_t got[0x100];

	(void)state;
	memset(got, 0xee, sizeof(got));
	assert_int_equal(space_create_ranges(dump, PAGING_X64, &space, &err), PS_OK);
	/* over the end of a page, and over two blocks that meet */
	assert_int_equal(space_read(space, m.base + 0x1ff0, got, 0x30, &err), PS_OK);
	for (unsigned i = 0; i < 0x30; i++)
		assert_int_equal(got[i], i * 7 & 0xff);
	assert_int_equal(space_read(space, m.base + 0x1ff0, got, 0x31, &err), PS_ABSENT);
	assert_string_equal(err.text, "address 0xfffff80011202020: not in this minidump");
	assert_false(space_translate(space, m.base + 0x2000, &at, &hole));

	holes_init(&holes);
	memset(got, 0xee, sizeof(got));
	assert_int_equal(space_read_partial(space, m.base + 0x8fc0, got, 0x100, &holes), 0x80);
	assert_int_equal(holes.count, 2);
	assert_int_equal(holes.items[0].length, 0x40);
	assert_int_equal(holes.items[1].va, m.base + 0x9080);
	assert_int_equal(holes.items[1].length, 0x40);
	assert_int_equal(got[0x3f], 0xee);
	assert_int_equal(got[0x40], (0x100 * 7) & 0xff);
	assert_int_equal(got[0xc0], 0xee);
	holes_fini(&holes);
	space_prefetch(space, m.base, 0x10000);
	space_destroy(space);
	dump_close(dump);
}

static void test_minidump_without_kdbg(void **state)
{
	struct mini m = write_minidump(64);
	struct ps_error err = PS_ERROR_INIT;
	struct progress progress;
	struct kernel *k = NULL;
	struct dump *dump;

	(void)state;
	progress_init(&progress, false);
	put_head(&m, 0x70, 0x58, 0);
	dump = open_saved();
	assert_int_equal(kernel_open(dump, NULL, &progress, &k, &err), PS_OK);
	assert_int_equal(k->base, m.base);
	assert_string_equal(k->kdbg_found_by, "not found");
	kernel_close(k);
	dump_close(dump);

	put_head(&m, 0x34, 0x34, 0);
	dump = open_saved();
	assert_int_equal(kernel_open(dump, NULL, &progress, &k, &err), PS_NOT_FOUND);
	assert_string_equal(err.text, "the minidump has neither a copy of the kernel's debugger "
				      "data block (KDBG) nor a list of drivers");
	dump_close(dump);
}

static void test_minidump_blocks_overlap(void **state)
{
	struct mini m = write_minidump(64);
	struct dump *dump;
	uint8_t got[0x20];

	(void)state;
	put_block(&m, 1, m.base + 0x2000, m.head + DATA + 0x200, 0x20); /* 0x10 bytes twice */
	dump = open_saved();
	assert_true(dump->complete);
	expect_note(dump, "16 bytes of memory are in more than one data block; of each the block "
			  "that begins first is used");
	assert_int_equal(dump_read_range(dump, m.base + 0x1ff0, got, 0x20), PAGE_PRESENT);
	assert_int_equal(got[0x1f], 0x1f * 7 & 0xff);
	assert_int_equal(dump_read_range(dump, m.base + 0x2010, got, 0x10), PAGE_PRESENT);
	assert_int_equal(got[0], 0x210 * 7 & 0xff);
	dump_close(dump);
}

static void test_minidump_impossible_blocks(void **state)
{
	struct mini m = write_minidump(64);
	struct dump *dump;

	(void)state;
	put_block(&m, 1, UINT64_MAX - 3, m.head + DATA, 5);
	dump = open_saved();
	assert_false(dump->complete);
	expect_note(dump, "1 data block cannot be: beyond the end of the address space");
	dump_close(dump);

	m = write_minidump(32);
	put_block(&m, 0, 0xfffffff0, m.head + DATA, 0x20);
	put_block(&m, 1, 0xffffffff, m.head + DATA, 2);
	dump = open_saved();
	expect_note(dump, "2 data blocks cannot be: beyond the end of the address space");
	dump_close(dump);
}

static void test_minidump_counts_too_large(void **state)
{
	struct mini m = write_minidump(64);
	struct dump *dump;

	(void)state;
	put_head(&m, 0x34, 0x34, 1000000);
	writer_put(&writer, m.head + UNLOADED, 51, 8);
	put_head(&m, 0x7c, 0x64, 0x80000000);
	dump = open_saved();
	assert_false(dump->complete);
	expect_note(dump, "drivers: 14 of the 1,000,000 that the minidump states are in the file");
	expect_note(dump,
		    "unloaded drivers: 50 of the 51 that the minidump states are in the file");
	expect_note(dump, "entries of the list of data blocks: 80 of the 2,147,483,648 that the "
			  "minidump states are in the file");
	dump_close(dump);
}

static void test_minidump_damage(void **state)
{
	struct mini m = write_minidump(64);
	struct dump *dump;

	(void)state;
	writer_put_bytes(&writer, m.head + END_MARK, "XXXX", 4);
	writer_put(&writer, m.head + MM, 2, 4);
	put_driver(&m, 1, 0x7fffffff, m.base + 0x1000000, 0x7000);
	dump = open_saved();
	assert_false(dump->complete);
	expect_note(dump,
		    "the end mark of the minidump is not there: Windows may not have finished "
		    "it");
	expect_note(dump, "the memory manager's totals (DUMP_MM_STORAGE) are of version 2 with 80 "
			  "bytes, which is not known; they are left out");
	expect_note(dump, "names of drivers: 1 of the 2 that the minidump states are in the file");
	assert_false(dump->triage->mm.present);
	dump_close(dump);

	writer_put_bytes(&writer, m.head + 4, "PAGE", 4);
	expect_refusal(writer.size, PS_CORRUPT, ": the header of the minidump was never written");
	expect_refusal(m.head + 0x7f, PS_ABSENT,
		       ": the file ends inside the header of its minidump (127 of 128 bytes are "
		       "there)");
}

static void test_minidump_cut(void **state)
{
	struct mini m = write_minidump(64);
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	for (size_t size = m.head + 0x80; size < writer.size; size += 5) {
		writer_save_part(&writer, size);
		assert_int_equal(dump_open(writer.path, NULL, &dump, &err), PS_OK);
		assert_false(dump->complete);
		dump_close(dump);
	}
	writer_save_part(&writer, m.head + DATA + 0x118);
	assert_int_equal(dump_open(writer.path, NULL, &dump, &err), PS_OK);
	expect_note(dump, "the file ends 748 bytes before the end of its minidump");
	expect_note(dump, "104 of the 304 bytes of memory that the minidump lists lie beyond the "
			  "end of the file; the first at 0xfffff80011209018");
	dump_close(dump);
}

static void test_secondary_data_damaged(void **state)
{
	static const char cut[] =
		"the secondary data cannot be followed to the end of the file: item 1, at file "
		"offset 0x2f14, is cut off or damaged";
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	write_minidump(64);
	add_secondary(0x11);
	writer_save_part(&writer, writer.size - 1);
	assert_int_equal(dump_open(writer.path, NULL, &dump, &err), PS_OK);
	assert_false(dump->complete);
	expect_note(dump, cut);
	dump_close(dump);

	writer_put(&writer, 0x2f14, 0x1f, 4);
	dump = open_saved();
	expect_note(dump, cut);
	dump_close(dump);

	writer_put_bytes(&writer, 0x2f04, "DumpBlab", 8);
	dump = open_saved();
	assert_true(dump->complete);
	expect_note(dump, "73 bytes follow the minidump that are no secondary data");
	dump_close(dump);
}

static void test_minidump_attributes(void **state)
{
	struct dump *dump;

	(void)state;
	write_minidump(64);
	writer_put(&writer, 0x1050, 0xc, 4);
	dump = open_saved();
	assert_true(dump->complete);
	assert_int_equal(dump->note_count, 2);
	expect_note(dump, "Windows says: the page file had no room for the dump that is set, so "
			  "this minidump was written instead");
	expect_note(dump, "Windows says: the kernel itself wrote this as a minidump");
	dump_close(dump);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_that_end_at_page_0),
		cmocka_unit_test(test_ranges_that_end_by_count),
		cmocka_unit_test(test_range_of_page_0),
		cmocka_unit_test(test_range_counts_differ),
		cmocka_unit_test(test_bad_ranges),
		cmocka_unit_test(test_cut_ranges),
		cmocka_unit_test(test_automatic),
		cmocka_unit_test(test_header_only),
		cmocka_unit_test(test_minidump_facts),
		cmocka_unit_test(test_minidump_kernel),
		cmocka_unit_test(test_minidump_memory),
		cmocka_unit_test(test_minidump_without_kdbg),
		cmocka_unit_test(test_minidump_blocks_overlap),
		cmocka_unit_test(test_minidump_impossible_blocks),
		cmocka_unit_test(test_minidump_counts_too_large),
		cmocka_unit_test(test_minidump_damage),
		cmocka_unit_test(test_minidump_cut),
		cmocka_unit_test(test_secondary_data_damaged),
		cmocka_unit_test(test_minidump_attributes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
