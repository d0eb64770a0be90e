/* Address spaces: software PTEs class by class, holes and their words, reads, the root search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/memory/find_dtb.h"
#include "analyzer/memory/pte.h"
#include "base/signals.h"
#include "memory_image.h"
#include "opened.h"

static const char real_files[] = "../shared/data/win10-17763-x64/";

/* ---- software PTEs ---- */

static const char *class_of(const struct pte_rules *rules, uint64_t entry, uint64_t *ret_pfn)
{
	enum hole_reason reason = HOLE_TABLE_MISSING;

	*ret_pfn = 0;
	if (pte_transition(rules, entry, ret_pfn, &reason))
		return "page";
	switch (reason) {
	case HOLE_NOT_PRESENT: return "not present";
	case HOLE_PAGEFILE: return "page file";
	case HOLE_PROTOTYPE: return "prototype";
	case HOLE_TRANSITION: return "outside";
	default: return "?";
	}
}

struct pte_case {
	enum paging paging;
	uint64_t entry;
	const char *class;
	uint64_t pfn;
};

/* Memory ends below PFN 0x23e600, as in a machine of 9 GiB with a hole below 4 GiB. */
static const struct pte_case pte_cases[] = {
	{PAGING_X64, 0, "not present", 0},
	/* demand zero: plain, and swizzled by a mask of bit 45 */
	{PAGING_X64, 0x0000000000000080, "not present", 0},
	{PAGING_X64, 0x0000200000000080, "not present", 0},
	/* free system PTEs, chained */
	{PAGING_X64, 0x00007c8400000010, "not present", 0},
	{PAGING_X64, 0x000074c400000000, "not present", 0},
	{PAGING_X64, 0x0001234500000084, "page file", 0},
	{PAGING_X64, 0x0000200000000094, "page file", 0},
	{PAGING_X64, 0x0000212300000084, "page file", 0},
	{PAGING_X64, 0x800fe08020500400, "prototype", 0},
	/* bit 10 wins over bit 11 */
	{PAGING_X64, 0x0000000012345c80, "prototype", 0},
	/* file-backed, with bit 11 set inside its address */
	{PAGING_X64, 0xffff900012345860, "prototype", 0},
	/* transition: as stored, swizzled, swizzle bit set but outside, mask bit inside memory */
	{PAGING_X64, 0x0000000138811820, "page", 0x138811},
	{PAGING_X64, 0x0000000138811830, "page", 0x138811},
	{PAGING_X64, 0x0000200138811820, "page", 0x138811},
	{PAGING_X64, 0x0000a00138811820, "page", 0x138811},
	{PAGING_X64, 0x0000200138811830, "outside", 0x200138811},
	{PAGING_X64, 0x000020023e5ff820, "page", 0x23e5ff},
	{PAGING_X64, 0x000020023e600820, "outside", 0x20023e600},
	{PAGING_X64, 0x000000023e600820, "outside", 0x23e600},
	{PAGING_X64, 0x0000000538811820, "outside", 0x538811},
	{PAGING_PAE, 0x0000000138811820, "page", 0x138811},
	{PAGING_PAE, 0x0000002038811820, "page", 0x38811},
	{PAGING_PAE, 0x0000002038811830, "outside", 0x2038811},
	{PAGING_PAE, 0x0012340000000080, "page file", 0},
	{PAGING_PAE, 0x0000000000000080, "not present", 0},
	{PAGING_X86, 0x38811820, "page", 0x38811},
	{PAGING_X86, 0x38811420, "prototype", 0},
	{PAGING_X86, 0x38811080, "page file", 0},
	{PAGING_X86, 0x00000080, "not present", 0},
	{PAGING_X86, 0x00200800, "page", 0x200},
	{PAGING_X64_LA57, 0x0000200138811820, "page", 0x138811},
	{PAGING_X64_LA57, 0xffff900012345860, "prototype", 0},
	{PAGING_X64_LA57, 0x0001234500000084, "page file", 0},
	/* ARM64: Protection is bits 1..5, so bit 4 says nothing of a mask and none is taken away.
	 */
	{PAGING_ARM64, 0, "not present", 0},
	{PAGING_ARM64, 0x0000000000000008, "not present", 0}, /* demand zero */
	{PAGING_ARM64, 0x0001234500000048, "page file", 0},
	{PAGING_ARM64, 0x0001234500000080, "not present", 0}, /* bits 6..9 are no protection */
	{PAGING_ARM64, 0x00007c8402000000, "not present", 0}, /* free, chained */
	{PAGING_ARM64, 0x0000200000000008, "page file", 0},   /* the mask's bit on x64 */
	{PAGING_ARM64, 0x0000000138811808, "page", 0x138811},
	{PAGING_ARM64, 0x000000013881180a, "page", 0x138811},
	{PAGING_ARM64, 0x000000013881183e, "page", 0x138811},
	{PAGING_ARM64, 0x0000000138811b08, "page", 0x138811}, /* OnStandbyLookaside, IoTracker */
	{PAGING_ARM64, 0xfff0000138811808, "page", 0x138811}, /* above the PFN: unused */
	{PAGING_ARM64, 0x0000200138811808, "outside", 0x200138811},
	{PAGING_ARM64, 0x0001000138811808, "outside", 0x1000138811},
	{PAGING_ARM64, 0x000000023e600808, "outside", 0x23e600},
	{PAGING_ARM64, 0x0000000138811c08, "prototype", 0},
	{PAGING_ARM64, 0xffffe08020500408, "prototype", 0},
};

static void test_pte_classes(void **state)
{
	struct dump dump = {.map.kind = PAGE_MAP_RUNS, .map.highest_pfn = 0x23e5ff};

	(void)state;
	for (size_t i = 0; i < sizeof(pte_cases) / sizeof(pte_cases[0]); i++) {
		const struct pte_case *at = &pte_cases[i];
		struct pte_rules rules;
		const char *class;
		uint64_t pfn;

		pte_rules_init(&rules, at->paging, &dump);
		class = class_of(&rules, at->entry, &pfn);

		if (strcmp(class, at->class) != 0 || pfn != at->pfn)
			fail_msg("entry 0x%llx: %s 0x%llx", (unsigned long long)at->entry, class,
				 (unsigned long long)pfn);
	}
}

/* A bitmap spans all memory, though its highest pages are not in the dump. */
static void test_pte_memory_of_bitmap(void **state)
{
	struct dump dump = {
		.map.kind = PAGE_MAP_BITMAP, .map.highest_pfn = 0x1ffff, .map.bit_count = 0x40000};
	struct pte_rules rules;
	uint64_t pfn;

	(void)state;
	pte_rules_init(&rules, PAGING_X64, &dump);
	assert_string_equal(class_of(&rules, 0x3ffff820, &pfn), "page");
	assert_int_equal(pfn, 0x3ffff);
	assert_string_equal(class_of(&rules, 0x40000820, &pfn), "outside");
	dump.map.kind = PAGE_MAP_RUNS;
	pte_rules_init(&rules, PAGING_X64, &dump);
	assert_string_equal(class_of(&rules, 0x3ffff820, &pfn), "outside");
}

/* ---- holes ---- */

struct words_case {
	struct hole hole;
	const char *words;
};

static const struct words_case words_cases[] = {
	{{.reason = HOLE_NOT_CANONICAL, .va = 0x800000000123, .length = 8},
	 "address 0x800000000123: no such address on this machine"},
	{{.reason = HOLE_NOT_PRESENT, .level = 2, .va = 0xffffe38f36402008, .length = 8},
	 "page 0xffffe38f36402000: no page table entry (PD level)"},
	{{.reason = HOLE_NOT_PRESENT, .level = 4, .va = 0xffffe38f36402000, .length = 4096},
	 "page 0xffffe38f36402000: no page table entry (PML4 level)"},
	{{.reason = HOLE_NOT_PRESENT, .level = 1, .va = 0x80545000, .length = 1, .entry = 0x80},
	 "page 0x80545000: demand zero or free (PTE 0x80)"},
	{{.reason = HOLE_PAGEFILE, .level = 1, .va = 0x80545000, .length = 1, .entry = 0x38811080},
	 "page 0x80545000: in the page file (PTE 0x38811080)"},
	{{.reason = HOLE_PROTOTYPE, .level = 1, .va = 0x80545000, .length = 1, .entry = 0x38811420},
	 "page 0x80545000: mapped through a prototype PTE (PTE 0x38811420)"},
	{{.reason = HOLE_TRANSITION,
	  .level = 2,
	  .va = 0xffffe38f36402000,
	  .length = 1,
	  .entry = 0x200138811830,
	  .pfn = 0x200138811},
	 "page 0xffffe38f36402000: in transition at a PFN outside the machine's memory "
	 "(PDE 0x200138811830)"},
	{{.reason = HOLE_TABLE_MISSING,
	  .level = 1,
	  .page = PAGE_NOT_IN_DUMP,
	  .va = 0xffffe38f36402000,
	  .length = 1,
	  .entry = 0x1f3402863,
	  .pfn = 0x1f3402},
	 "page 0xffffe38f36402000: its page table is not in the dump (PT level, PFN 0x1f3402)"},
	{{.reason = HOLE_TABLE_MISSING,
	  .level = 3,
	  .page = PAGE_BEYOND_EOF,
	  .va = 0xffffe38f36402000,
	  .length = 1,
	  .pfn = 0x1f3402},
	 "page 0xffffe38f36402000: its page table is beyond the end of the file "
	 "(PDPT level, PFN 0x1f3402)"},
	{{.reason = HOLE_PAGE_MISSING,
	  .level = 1,
	  .page = PAGE_NOT_IN_DUMP,
	  .va = 0xffffe38f36402000,
	  .length = 4096,
	  .entry = 0x1f3402863,
	  .pfn = 0x1f3402},
	 "page 0xffffe38f36402000: not in the dump (PTE present, PFN 0x1f3402)"},
	{{.reason = HOLE_PAGE_MISSING,
	  .level = 1,
	  .page = PAGE_FILE_HOLE,
	  .va = 0xffffe38f36402000,
	  .length = 4096,
	  .entry = 0x1f3402820,
	  .pfn = 0x1f3402},
	 "page 0xffffe38f36402000: in a hole of the sparse file (PTE in transition, PFN 0x1f3402)"},
	{{.reason = HOLE_PAGE_MISSING,
	  .level = 2,
	  .page = PAGE_NOT_IN_DUMP,
	  .va = 0xffffe38f36402ff8,
	  .length = 0x1010,
	  .entry = 0x1f34008e3,
	  .pfn = 0x1f3402},
	 "3 pages from 0xffffe38f36402000: not in the dump (PDE present, first PFN 0x1f3402)"},
	{{.reason = HOLE_PAGEFILE, .level = 1, .va = 0x80545000, .length = 8192, .entry = 0x1080},
	 "2 pages from 0x80545000: in the page file (first PTE 0x1080)"},
	{{.reason = HOLE_NOT_PRESENT, .level = 5, .va = 0xff50000000000000, .length = 1},
	 "page 0xff50000000000000: no page table entry (PML5 level)"},
	{{.reason = HOLE_USER_HALF, .va = 0x7ff612345678, .length = 8},
	 "address 0x7ff612345678: a user address, and only the kernel's page tables are known"},
	{{.reason = HOLE_RESERVED,
	  .level = 1,
	  .va = 0xffffe00e0e4bc4a0,
	  .length = 8,
	  .entry = 0x138811701},
	 "page 0xffffe00e0e4bc000: mapped by nothing (reserved PTE 0x138811701)"},
};

static void test_hole_words(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(words_cases) / sizeof(words_cases[0]); i++)
		assert_string_equal(hole_describe(&words_cases[i].hole, text, sizeof(text)),
				    words_cases[i].words);
	hole_describe(&words_cases[0].hole, text, 9);
	assert_string_equal(text, "address ");
}

static void test_holes_merge(void **state)
{
	struct hole hole = {.reason = HOLE_NOT_PRESENT, .level = 1, .va = 0x1000, .length = 0x1000};
	struct holes holes;

	(void)state;
	holes_init(&holes);
	holes_add(&holes, &hole);
	hole.va = 0x2000;
	holes_add(&holes, &hole);
	assert_int_equal(holes.count, 1);
	assert_int_equal(holes.items[0].length, 0x2000);
	hole.va = 0x4000; /* not adjacent */
	holes_add(&holes, &hole);
	hole.va = 0x5000; /* another level */
	hole.level = 2;
	holes_add(&holes, &hole);
	hole.va = 0x6000; /* another reason */
	hole.reason = HOLE_PAGEFILE;
	holes_add(&holes, &hole);
	hole.length = 0;
	holes_add(&holes, &hole);
	assert_int_equal(holes.count, 4);
	assert_int_equal(holes.bytes, 0x5000);
	assert_false(holes.overflow);
	holes_fini(&holes);
}

/* ---- reads ---- */

enum {
	ROOT = 0x1000,
	DATA_PFN = 0x200,
	FIRST_TABLE = 0x10,
};

static const uint64_t base = 0xffffe38f36400000;

/* Ten pages from `base`, each with a fate of its own; page 9 lies under another page table. */
static void make_ten_pages(struct image *image)
{
	static const uint64_t ptes[10] = {
		0x8000000000200863, /* present */
		0x0000000000201820, /* transition */
		0x0000000000300863, /* present, page absent */
		0x0000000000301863, /* the same: merges with page 2 */
		0x0000000000000000, /* zero */
		0x0001234500000084, /* page file */
		0xffff800012345400, /* prototype */
		0x0000200000202820, /* transition, swizzled */
		0x0000000012345830, /* transition, outside */
		0x0000000000203863, /* present */
	};
	uint64_t next = FIRST_TABLE;

	image_page(image, ROOT / PAGE_SIZE);
	for (size_t i = 0; i < 10; i++)
		image_map_x64(image, ROOT, base + i * PAGE_SIZE, ptes[i], &next);
	for (uint64_t i = 0; i < 4; i++)
		memset(image_page(image, DATA_PFN + i), (int)('A' + i), PAGE_SIZE);
	image_page(image, 0x3ff); /* memory reaches behind PFN 0x301 */
}

struct fixture {
	struct image image;
	struct dump *dump;
	struct space *space;
};

static int setup_ten(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	image_init(&f->image);
	make_ten_pages(&f->image);
	image_write_crash(&f->image, 64, ROOT, 0);
	f->dump = opened_dump(f->image.path);
	f->space = opened_space(f->dump, PAGING_X64, ROOT | 2);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	space_destroy(f->space);
	dump_close(f->dump);
	image_fini(&f->image);
	free(f);
	return 0;
}

static void test_space_facts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(space_dtb(f->space), ROOT);
	assert_int_equal(space_paging(f->space), PAGING_X64);
	assert_int_equal(space_pointer_size(f->space), 8);
	assert_ptr_equal(space_dump(f->space), f->dump);
	assert_true(space_is_kernel_address(f->space, 0xffff800000000000));
	assert_false(space_is_kernel_address(f->space, 0x00007fffffffffff));
	assert_false(space_is_kernel_address(f->space, 0x0000800000000000));
	assert_int_equal(space_normalize(f->space, 0xffffffff80000000), 0xffffffff80000000);
}

static void test_translate(void **state)
{
	struct fixture *f = *state;
	struct translation at;
	struct hole hole;

	for (int again = 0; again < 2; again++) {
		assert_true(space_translate(f->space, base + 0x123, &at, &hole));
		assert_int_equal(at.pa, 0x200123);
		assert_int_equal(at.page_size, 4096);
		assert_false(at.transition);
		assert_true(space_translate(f->space, base + 0x1fff, &at, &hole));
		assert_int_equal(at.pa, 0x201fff);
		assert_true(at.transition);
		assert_true(space_translate(f->space, base + 0x7001, &at, &hole));
		assert_int_equal(at.pa, 0x202001);
		assert_true(at.transition);
		/* mapped, though its page is not in the dump */
		assert_true(space_translate(f->space, base + 0x2000, &at, &hole));
		assert_int_equal(at.pa, 0x300000);
		assert_false(space_translate(f->space, base + 0x4010, &at, &hole));
		assert_int_equal(hole.reason, HOLE_NOT_PRESENT);
		assert_int_equal(hole.level, 1);
		assert_int_equal(hole.va, base + 0x4010);
		assert_int_equal(hole.length, 0xff0);
	}
	assert_false(space_translate(f->space, 0xfffff00000000000, &at, &hole));
	assert_int_equal(hole.level, 4);
	assert_false(space_translate(f->space, base + 0x40000000, &at, &hole));
	assert_int_equal(hole.level, 3);
	assert_false(space_translate(f->space, base + 0x200000, &at, &hole));
	assert_int_equal(hole.level, 2);
	assert_false(space_translate(f->space, 0x0000800000000000, &at, &hole));
	assert_int_equal(hole.reason, HOLE_NOT_CANONICAL);
}

static void expect_absent(struct space *space, uint64_t va, size_t length, const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	uint8_t bytes[64];

	assert_int_equal(space_read(space, va, bytes, length, &err), PS_ABSENT);
	assert_string_equal(err.text, words);
	assert_true(err.has_at);
}

static void test_read_exact(void **state)
{
	struct fixture *f = *state;
	struct ps_error err = PS_ERROR_INIT;
	uint8_t bytes[32];
	uint64_t value;
	uint32_t word;

	assert_int_equal(space_read(f->space, base + 0xff0, bytes, 32, &err), PS_OK);
	assert_memory_equal(bytes, "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBB", 32);
	assert_int_equal(space_read(f->space, base + 0x4000, bytes, 0, &err), PS_OK);
	assert_int_equal(space_read_u32(f->space, base + 0xffe, &word, &err), PS_OK);
	assert_int_equal(word, 0x42424141);
	assert_int_equal(space_read_u64(f->space, base + 0x7000, &value, &err), PS_OK);
	assert_int_equal(value, 0x4343434343434343);
	assert_int_equal(space_read_pointer(f->space, base + 0x7000, &value, &err), PS_OK);
	assert_int_equal(value, 0x4343434343434343);

	expect_absent(f->space, base + 0x1ff8, 16,
		      "page 0xffffe38f36402000: not in the dump (PTE present, PFN 0x300)");
	expect_absent(f->space, base + 0x4000, 1,
		      "page 0xffffe38f36404000: no page table entry (PT level)");
	expect_absent(f->space, base + 0x5008, 8,
		      "page 0xffffe38f36405000: in the page file (PTE 0x1234500000084)");
	expect_absent(f->space, base + 0x6000, 8,
		      "page 0xffffe38f36406000: mapped through a prototype PTE "
		      "(PTE 0xffff800012345400)");
	expect_absent(f->space, base + 0x8000, 8,
		      "page 0xffffe38f36408000: in transition at a PFN outside the machine's "
		      "memory (PTE 0x12345830)");
	expect_absent(f->space, 0x1000000000000, 8,
		      "address 0x1000000000000: no such address on this machine");
	expect_absent(f->space, 0x7ffffffffffc, 8,
		      "page 0x7ffffffff000: no page table entry (PML4 level)");
	expect_absent(f->space, UINT64_MAX - 3, 8,
		      "address 0xfffffffffffffffc: 8 bytes reach beyond the end of the address "
		      "space");
}

static void test_read_partial(void **state)
{
	static const uint8_t want[10] = {'A', 'B', '.', '.', '.', '.', '.', 'C', '.', 'D'};
	static const enum hole_reason reasons[] = {HOLE_PAGE_MISSING, HOLE_NOT_PRESENT,
						   HOLE_PAGEFILE, HOLE_PROTOTYPE, HOLE_TRANSITION};
	struct fixture *f = *state;
	uint8_t *bytes = test_malloc(10 * PAGE_SIZE);
	struct holes holes;

	memset(bytes, '.', 10 * PAGE_SIZE);
	holes_init(&holes);
	assert_int_equal(
		space_read_partial(f->space, base + 15, bytes, 10 * PAGE_SIZE - 30, &holes),
		4 * PAGE_SIZE - 30);
	for (size_t i = 0; i < 10 * PAGE_SIZE - 30; i++)
		if (bytes[i] != want[(i + 15) / PAGE_SIZE])
			fail_msg("byte %zu is 0x%x", i, bytes[i]);
	assert_int_equal(holes.count, 5);
	assert_int_equal(holes.bytes, 6 * PAGE_SIZE);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(holes.items[i].reason, reasons[i]);
	assert_int_equal(holes.items[0].va, base + 0x2000);
	assert_int_equal(holes.items[0].length, 2 * PAGE_SIZE);
	assert_int_equal(holes.items[0].pfn, 0x300);
	holes_fini(&holes);

	assert_int_equal(space_read_partial(f->space, base + 0x2000, bytes, 16, NULL), 0);
	assert_int_equal(space_read_partial(f->space, base, bytes, 0, NULL), 0);
	test_free(bytes);
}

/* The end of the address space is a hole, not a way round to 0. */
static void test_read_wraps(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[4096];
	struct holes holes;

	holes_init(&holes);
	assert_int_equal(space_read_partial(f->space, UINT64_MAX - 15, bytes, 64, &holes), 0);
	assert_int_equal(holes.count, 2);
	assert_int_equal(holes.items[0].reason, HOLE_NOT_PRESENT);
	assert_int_equal(holes.items[0].length, 16);
	assert_int_equal(holes.items[1].reason, HOLE_NOT_CANONICAL);
	assert_int_equal(holes.items[1].length, 48);
	holes_fini(&holes);
	space_prefetch(f->space, UINT64_MAX - 15, UINT64_MAX);
	space_prefetch(f->space, base, 10 * PAGE_SIZE);
	space_prefetch(f->space, base, 0);
}

static void test_tables_missing(void **state)
{
	struct fixture *f = *state;
	uint64_t at = ROOT;

	/* Each entry in turn leads to a page that is not there. */
	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t entry = image_get64(&f->image, at + (base >> shift & 0x1ff) * 8);
		static const char *const names[] = {"PT", "PD", "PDPT"};
		char words[128];

		image_put64(&f->image, at + (base >> shift & 0x1ff) * 8, 0x345063);
		space_destroy(f->space);
		dump_close(f->dump);
		image_write_crash(&f->image, 64, ROOT, 0);
		f->dump = opened_dump(f->image.path);
		f->space = opened_space(f->dump, PAGING_X64, ROOT);
		snprintf(words, sizeof(words),
			 "page 0xffffe38f36400000: its page table is not in the dump "
			 "(%s level, PFN 0x345)",
			 names[(shift - 12) / 9 - 1]);
		expect_absent(f->space, base, 8, words);
		image_put64(&f->image, at + (base >> shift & 0x1ff) * 8, entry);
		at = entry & 0x000ffffffffff000;
	}
	space_destroy(f->space);
	f->space = opened_space(f->dump, PAGING_X64, 0x346000);
	expect_absent(f->space, base, 8,
		      "page 0xffffe38f36400000: its page table is not in the dump "
		      "(PML4 level, PFN 0x346)");
}

/* The file shrinks under its mapping: an error of the system, and no byte of the caller changes. */
static void test_disk_fails(void **state)
{
	struct fixture *f = *state;
	struct ps_error err = PS_ERROR_INIT;
	uint8_t bytes[8] = "untouch";
	struct translation at;
	struct holes holes;
	struct hole hole;

	signals_init(); /* cmocka has put its own SIGBUS handler in place */
	assert_true(space_translate(f->space, base, &at, &hole));
	assert_int_equal(truncate(f->image.path, 0x3000), 0);
	assert_int_equal(space_read(f->space, base + 8, bytes, 8, &err), PS_SYSTEM);
	assert_string_equal(err.text, "page 0xffffe38f36400000: unreadable (the disk failed, or "
				      "the file shrank) (PTE present, PFN 0x200)");
	memcpy(bytes, "untouch", 8);
	holes_init(&holes);
	assert_int_equal(space_read_partial(f->space, base, bytes, 8, &holes), 0);
	assert_int_equal(holes.count, 1);
	assert_int_equal(holes.items[0].page, PAGE_IO_ERROR);
	assert_string_equal((char *)bytes, "untouch");
	holes_fini(&holes);
}

/* A transition PDE: bit 7 is Protection, the page table behind it still counts. */
static void test_transition_table(void **state)
{
	struct fixture *f = *state;
	uint64_t next = 0x30;
	struct translation at;
	struct hole hole;

	image_map_x64(&f->image, ROOT, base, 0x8000000000200863, &next);
	for (uint64_t table = ROOT, shift = 39; shift > 12; shift -= 9) {
		uint64_t slot = table + (base >> shift & 0x1ff) * 8;

		table = image_get64(&f->image, slot) & 0x000ffffffffff000;
		if (shift == 21)
			image_put64(&f->image, slot, table | 0x880);
	}
	space_destroy(f->space);
	dump_close(f->dump);
	image_write_crash(&f->image, 64, ROOT, 0);
	f->dump = opened_dump(f->image.path);
	f->space = opened_space(f->dump, PAGING_X64, ROOT);
	assert_true(space_translate(f->space, base + 5, &at, &hole));
	assert_int_equal(at.pa, 0x200005);
	assert_int_equal(at.page_size, 4096);
	assert_true(at.transition);
}

static void test_bad_roots(void **state)
{
	static const struct {
		enum paging paging;
		uint64_t dtb;
		bool good;
	} cases[] = {
		{PAGING_X64, 0, false},
		{PAGING_X64, 0xfff, false},
		{PAGING_X64, 0x8000000000001002, true},
		{PAGING_X64, 0xfffff80000001000, false},
		{PAGING_PAE, 0x1020, true},
		{PAGING_PAE, 0x1f, false},
		{PAGING_PAE, 0x100001020, false},
		{PAGING_X86, 0x1fff, true},
		{PAGING_X86, 0x100001000, false},
		{PAGING_X64_LA57, 0x8000000000001002, true},
		{PAGING_X64_LA57, 0xff50000000001000, false},
		{PAGING_ARM64, 0x946aa000, true},
		{PAGING_ARM64, 0x00710000946aa001, true}, /* with ASID and CnP */
		{PAGING_ARM64, 0xffff000000000fff, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ps_error err = PS_ERROR_INIT;
		struct space *space = NULL;
		enum ps_status status =
			space_create(f->dump, cases[i].paging, cases[i].dtb, &space, &err);

		assert_int_equal(status, cases[i].good ? PS_OK : PS_CORRUPT);
		space_destroy(space);
	}
}

/* ---- 32-bit ---- */

static void test_x86(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct image *image = test_malloc(sizeof(*image));
	struct dump *dump;
	struct space *space;
	struct translation at;
	struct hole hole;
	uint64_t value;

	(void)state;
	image_init(image);
	image_put32(image, 0x1000 + 0x201 * 4, 0x2063);     /* 0x80400000: page table */
	image_put32(image, 0x1000 + 0x202 * 4, 0x0fc041e3); /* large, PSE-36: 0x2'0fc00000 */
	image_put32(image, 0x2000 + 0x145 * 4, 0x3063);     /* 0x80545000 */
	image_put32(image, 0x1000 + 0x3ff * 4, 0x2063);
	image_put32(image, 0x2000 + 0x3ff * 4, 0x3063); /* the last page of all */
	image_put32(image, 0x3010, 0x80545678);
	image_put32(image, 0x3ffc, 0x11223344);
	image_write_crash(image, 32, 0x1000, 0);
	dump = opened_dump(image->path);
	space = opened_space(dump, PAGING_X86, 0x1000);
	assert_int_equal(space_pointer_size(space), 4);
	assert_int_equal(space_normalize(space, 0xffffffff80545010), 0x80545010);
	assert_int_equal(space_normalize(space, 0xffffffff00545010), 0xffffffff00545010);
	assert_true(space_is_kernel_address(space, 0xffffffff80545010));
	assert_false(space_is_kernel_address(space, 0x7fffffff));
	assert_false(space_is_kernel_address(space, 0x180000000));
	assert_int_equal(space_read_pointer(space, 0xffffffff80545010, &value, &err), PS_OK);
	assert_int_equal(value, 0x80545678);
	assert_true(space_translate(space, 0x80812345, &at, &hole));
	assert_int_equal(at.pa, 0x20fc12345);
	assert_int_equal(at.page_size, 0x400000);
	assert_int_equal(space_read_u64(space, 0xfffffffc, &value, &err), PS_ABSENT);
	assert_string_equal(err.text, "address 0xfffffffc: 8 bytes reach beyond the end of the "
				      "address space");
	expect_absent(space, 0x100000000, 4,
		      "address 0x100000000: no such address on this machine");
	expect_absent(space, 0x80546000, 4, "page 0x80546000: no page table entry (PT level)");
	space_destroy(space);
	dump_close(dump);
	image_fini(image);
	test_free(image);
}

/* ---- five levels ---- */

static void test_la57(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct dump *dump;
	struct space *space;
	struct translation at;
	struct hole hole;

	(void)state;
	image_init(image);
	image_put64(image, 0x1000 + 0x1a3 * 8, 0x2063); /* 0xffa3...: PML4 */
	image_put64(image, 0x1000 + 0x1a4 * 8, 0x99063);
	image_put64(image, 0x2000 + 0x012 * 8, 0x3063); /* PDPT */
	image_put64(image, 0x3000 + 0x001 * 8, 0x4063); /* PD */
	image_put64(image, 0x3000 + 0x002 * 8, 0x400001e3);
	image_put64(image, 0x4000 + 0x003 * 8, 0x5063);
	image_put64(image, 0x5000 + 0x004 * 8, 0x8000000000006863);
	image_put64(image, 0x6008, 0x1122334455667788);
	image_write_crash(image, 64, 0x1000, 0);
	dump = opened_dump(image->path);
	space = opened_space(dump, PAGING_X64_LA57, 0x1002);
	assert_int_equal(space_pointer_size(space), 8);
	assert_true(space_is_kernel_address(space, 0xff00000000000000));
	assert_false(space_is_kernel_address(space, 0xfeffffffffffffff));
	assert_false(space_is_kernel_address(space, 0x00ffffffffffffff));
	assert_true(space_translate(space, 0xffa3090040604008, &at, &hole));
	assert_int_equal(at.pa, 0x6008);
	assert_true(space_translate(space, 0xffa3090080123456, &at, &hole));
	assert_int_equal(at.pa, 0x40123456);
	assert_int_equal(at.page_size, 1 << 30);
	expect_absent(space, 0x0100000000000000, 8,
		      "address 0x100000000000000: no such address on this machine");
	expect_absent(space, 0x00ff000000000000, 8,
		      "page 0xff000000000000: no page table entry (PML5 level)");
	expect_absent(space, 0xffa4000000000000, 8,
		      "page 0xffa4000000000000: its page table is not in the dump (PML4 level, "
		      "PFN 0x99)");
	space_destroy(space);
	dump_close(dump);
	image_fini(image);
	test_free(image);
}

/* ---- ARM64 ---- */

enum {
	ARM_TABLE = 0x703,
	ARM_BLOCK = 0x701,
};

/* 0xffffe00000000000 and what lies behind it, by way of the tables in pages 2, 3 and 4. */
static struct space *make_arm64(struct image *image, struct dump **ret_dump)
{
	image_init(image);
	image_put64(image, 0x1000 + 0x1c0 * 8, 0x2000 | ARM_TABLE | UINT64_C(0x9f) << 56);
	image_put64(image, 0x1000 + 0x1c1 * 8, 0x2000 | ARM_BLOCK); /* reserved at level 0 */
	image_put64(image, 0x2000 + 0 * 8, 0x3000 | ARM_TABLE | 0x80);
	image_put64(image, 0x2000 + 1 * 8, 0x40000000 | ARM_BLOCK);
	image_put64(image, 0x2000 + 2 * 8, 0x77000 | ARM_TABLE);
	image_put64(image, 0x3000 + 0 * 8, 0x4000 | ARM_TABLE);
	image_put64(image, 0x3000 + 1 * 8, 0x00e0000000a00000 | ARM_BLOCK | 0x80);
	image_put64(image, 0x3000 + 2 * 8, 0x4808); /* a page table in transition */
	image_put64(image, 0x4000 + 0 * 8, 0x0060000000005000 | ARM_TABLE | 0x80);
	image_put64(image, 0x4000 + 1 * 8, 0x6808);             /* in transition */
	image_put64(image, 0x4000 + 2 * 8, 0x5000 | ARM_BLOCK); /* reserved at level 3 */
	image_put64(image, 0x4000 + 3 * 8, 0x0001234500000048); /* page file */
	image_put64(image, 0x4000 + 4 * 8, 0x78000 | ARM_TABLE);
	memset(image_page(image, 5), 'A', PAGE_SIZE);
	memset(image_page(image, 6), 'B', PAGE_SIZE);
	image_page(image, 0x80);
	image_write_crash(image, 64, 0x1000, 0);
	*ret_dump = opened_dump(image->path);
	return opened_space(*ret_dump, PAGING_ARM64, UINT64_C(0x42) << 48 | 0x1001);
}

static void check_arm64_pages(struct space *space)
{
	static const struct {
		uint64_t va, pa, size;
		bool transition;
	} pages[] = {
		{0xffffe00000000123, 0x5123, 0x1000, false},
		{0xffffe00000001123, 0x6123, 0x1000, true},
		{0xffffe00000212345, 0xa12345, 0x200000, false},
		{0xffffe00040123456, 0x40123456, 0x40000000, false},
		{0xffffe00000400ff8, 0x5ff8, 0x1000, true},
		{0xffffe00000404000, 0x78000, 0x1000, true}, /* page 4 below the same table */
	};
	struct translation at;
	struct hole hole;

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		assert_true(space_translate(space, pages[i].va, &at, &hole));
		assert_int_equal(at.pa, pages[i].pa);
		assert_int_equal(at.page_size, pages[i].size);
		assert_int_equal(at.transition, pages[i].transition);
	}
}

static void test_arm64(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;
	struct space *space = make_arm64(image, &dump);
	uint8_t bytes[16];

	(void)state;
	assert_int_equal(space_pointer_size(space), 8);
	assert_int_equal(space_dtb(space), 0x1000);
	assert_true(space_is_kernel_address(space, 0xffff000000000000));
	assert_false(space_is_kernel_address(space, 0xfffeffffffffffff));
	assert_false(space_is_kernel_address(space, 0x0000ffffffffffff));
	check_arm64_pages(space);
	assert_int_equal(space_read(space, 0xffffe00000000ff8, bytes, 16, &err), PS_OK);
	assert_memory_equal(bytes, "AAAAAAAABBBBBBBB", 16);
	expect_absent(space, 0xffffe00000002000, 8,
		      "page 0xffffe00000002000: mapped by nothing (reserved PTE 0x5701)");
	expect_absent(space, 0xffffe08000000000, 8,
		      "page 0xffffe08000000000: mapped by nothing (reserved PML4E 0x2701)");
	expect_absent(space, 0xffffe00000003000, 8,
		      "page 0xffffe00000003000: in the page file (PTE 0x1234500000048)");
	expect_absent(space, 0xffffe00000004000, 8,
		      "page 0xffffe00000004000: not in the dump (PTE present, PFN 0x78)");
	expect_absent(space, 0xffffe00080000000, 8,
		      "page 0xffffe00080000000: its page table is not in the dump (PD level, "
		      "PFN 0x77)");
	expect_absent(space, 0x00007ff612345678, 8,
		      "address 0x7ff612345678: a user address, and only the kernel's page tables "
		      "are known");
	expect_absent(space, 0x0001000000000000, 8,
		      "address 0x1000000000000: no such address on this machine");
	space_destroy(space);
	dump_close(dump);
	image_fini(image);
	test_free(image);
}

/* ---- search for the root ---- */

struct proof {
	uint64_t want;      /* accept only this root; 0 = none */
	enum paging paging; /* accept it as this */
	unsigned offered;
	struct dtb_candidate last;
};

static bool accept_root(void *context, const struct dtb_candidate *candidate)
{
	struct proof *proof = context;

	proof->offered++;
	proof->last = *candidate;
	return candidate->dtb == proof->want && candidate->paging == proof->paging;
}

static enum ps_status search(struct image *image, struct proof *proof, struct dtb_candidate *found)
{
	struct ps_error err = PS_ERROR_INIT;
	struct progress progress;
	struct dump *dump = opened_dump(image->path);
	enum ps_status status;

	progress_init(&progress, false);
	status = find_dtb(dump, accept_root, proof, &progress, found, &err);
	dump_close(dump);
	return status;
}

static void put_pml4(struct image *image, uint64_t pfn, unsigned self)
{
	image_put64(image, pfn * PAGE_SIZE + self * 8, pfn * PAGE_SIZE | 0x63);
	for (unsigned i = 0x1f0; i < 0x1f4; i++)
		image_put64(image, pfn * PAGE_SIZE + i * 8, 0x0a00000000005863);
}

static void test_find_x64(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct dtb_candidate found = {.dtb = 0};
	struct proof proof = {.want = 0x123000, .paging = PAGING_X64};

	(void)state;
	image_init(image);
	put_pml4(image, 0x123, 0x1ed);
	put_pml4(image, 0x120, 0x110);
	/* no roots: a lone self-map, a reserved bit, a frame outside memory, a lower-half map */
	image_put64(image, 0x110ff0, 0x110063);
	put_pml4(image, 0x111, 0x1ed);
	image_put64(image, 0x111ff8, 0x50e3);
	put_pml4(image, 0x112, 0x1ed);
	image_put64(image, 0x112ff8, 0x7ffffff063);
	put_pml4(image, 0x113, 0x0ed);
	image_write_raw(image, IMAGE_PAGES);
	assert_int_equal(search(image, &proof, &found), PS_OK);
	/* 0x120 as each of three kinds first; what bit 7 means for x64, it does not for ARM64. */
	assert_int_equal(proof.offered, 5);
	assert_int_equal(found.dtb, 0x123000);
	assert_int_equal(found.paging, PAGING_X64);
	assert_int_equal(found.kernel_hint, 0);
	assert_string_equal(found.found_by, "self-map search");

	/* The low stub comes first. */
	image_put64(image, 0x13000, 0x00000001000612e9);
	image_put64(image, 0x13070, 0xfffff80312345678);
	image_put64(image, 0x130a0, 0x5000);
	image_write_raw(image, IMAGE_PAGES);
	proof = (struct proof){.want = 0x5000, .paging = PAGING_X64};
	assert_int_equal(search(image, &proof, &found), PS_OK);
	assert_int_equal(proof.offered, 1);
	assert_int_equal(found.kernel_hint, 0xfffff80312345678);
	assert_string_equal(found.found_by, "low stub");

	/* The stub with four and with five levels, two tables as each of three kinds, 0x111. */
	proof = (struct proof){.want = 1, .paging = PAGING_X64};
	assert_int_equal(search(image, &proof, &found), PS_NOT_FOUND);
	assert_int_equal(proof.offered, 9);
	image_fini(image);
	test_free(image);
}

/* A PML5 has few entries: one of them maps all that four levels reach. */
static void test_find_la57(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct dtb_candidate found = {.dtb = 0};
	struct proof proof = {.want = 0x123000, .paging = PAGING_X64_LA57};

	(void)state;
	image_init(image);
	image_put64(image, 0x123000 + 0x1c3 * 8, 0x123063);
	image_put64(image, 0x123000 + 0x1ff * 8, 0x5063);
	image_put64(image, 0x110ff0, 0x110063); /* a self-map alone */
	image_write_crash(image, 64, 0x110000, 0);
	assert_int_equal(search(image, &proof, &found), PS_OK);
	assert_int_equal(proof.offered, 1);
	assert_int_equal(found.paging, PAGING_X64_LA57);
	image_put64(image, 0x13000, 0x00000001000612e9);
	image_put64(image, 0x13070, 0xfffff80312345678);
	image_put64(image, 0x130a0, 0x123000);
	image_write_raw(image, IMAGE_PAGES);
	proof.offered = 0;
	assert_int_equal(search(image, &proof, &found), PS_OK);
	assert_int_equal(proof.offered, 2);
	assert_string_equal(found.found_by, "low stub");
	image_fini(image);
	test_free(image);
}

static void put_arm64_root(struct image *image, uint64_t pfn, unsigned self)
{
	image_put64(image, pfn * PAGE_SIZE + self * 8,
		    pfn * PAGE_SIZE | ARM_TABLE | UINT64_C(0xe0) << 48);
	for (unsigned i = 0x1f0; i < 0x1f4; i++)
		image_put64(image, pfn * PAGE_SIZE + i * 8, 0x9f60000000005000 | ARM_TABLE | 0x80);
}

static void test_find_arm64(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct dtb_candidate found = {.dtb = 0};
	struct proof proof = {.want = 0x123000, .paging = PAGING_ARM64};

	(void)state;
	image_init(image);
	put_arm64_root(image, 0x123, 0x151);
	/* no roots: a block at the top level, a frame outside memory, a lower-half map */
	put_arm64_root(image, 0x111, 0x151);
	image_put64(image, 0x111ff8, 0x5000 | ARM_BLOCK);
	put_arm64_root(image, 0x112, 0x151);
	image_put64(image, 0x112ff8, UINT64_C(0x7ffffff000) | ARM_TABLE);
	put_arm64_root(image, 0x113, 0x051);
	image_write_raw(image, IMAGE_PAGES);
	assert_int_equal(search(image, &proof, &found), PS_OK);
	assert_int_equal(proof.offered, 1); /* bit 7 is set: no x64 root */
	assert_int_equal(found.kernel_hint, 0);
	assert_string_equal(found.found_by, "self-map search");
	image_fini(image);
	test_free(image);
}

static void test_find_x86(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct dtb_candidate found = {.dtb = 0};
	struct proof proof = {.want = 0x39000, .paging = PAGING_X86};

	(void)state;
	image_init(image);
	image_put32(image, 0x39c00, 0x39063);
	for (unsigned i = 0x200; i < 0x204; i++)
		image_put32(image, 0x39000 + i * 4, 0x1e3);
	image_put32(image, 0x40c00, 0x40063); /* nothing else in it */
	image_write_raw(image, 256);
	assert_int_equal(search(image, &proof, &found), PS_OK);
	assert_int_equal(proof.offered, 1);
	assert_int_equal(found.paging, PAGING_X86);
	image_fini(image);
	test_free(image);
}

static void test_find_pae(void **state)
{
	struct image *image = test_malloc(sizeof(*image));
	struct dtb_candidate found = {.dtb = 0};
	struct proof proof = {.want = 0x30020, .paging = PAGING_PAE};

	(void)state;
	image_init(image);
	for (uint64_t i = 0; i < 4; i++) {
		image_put64(image, 0x53000 + i * 8, (0x50 + i) * PAGE_SIZE | 0x63);
		image_put64(image, 0x30020 + i * 8, (0x50 + i) * PAGE_SIZE | 1);
		/* alike, but with a reserved bit or another directory 0 */
		image_put64(image, 0x28000 + i * 8, (0x50 + i) * PAGE_SIZE | 0x63);
		image_put64(image, 0x29000 + i * 8, (i ? 0x50 + i : 7) * PAGE_SIZE | 1);
	}
	image_write_crash(image, 32, 0x30020, 'P');
	assert_int_equal(search(image, &proof, &found), PS_OK);
	assert_int_equal(proof.offered, 1);
	assert_int_equal(found.dtb, 0x30020);
	assert_int_equal(found.paging, PAGING_PAE);
	image_fini(image);
	test_free(image);
}

/* ---- the real kernel ---- */

static bool proves_real(void *context, const struct dtb_candidate *candidate)
{
	struct ps_error err = PS_ERROR_INIT;
	struct space *space;
	struct translation at;
	struct hole hole;
	bool ok;

	print_message("  candidate 0x%llx (%s)\n", (unsigned long long)candidate->dtb,
		      candidate->found_by);
	if (space_create(context, candidate->paging, candidate->dtb, &space, &err) != PS_OK)
		return false;
	ok = space_translate(space, 0xfffff8051a09f000, &at, &hole) && at.pa == 0x229f000;
	space_destroy(space);
	return ok;
}

/* Shows the words that an analyst would read of the tracker table. */
static void print_missing(struct space *space, uint64_t va)
{
	static uint8_t table[57 * PAGE_SIZE];
	struct holes holes;
	char text[256];

	holes_init(&holes);
	space_read_partial(space, va, table, sizeof(table), &holes);
	assert_int_equal(holes.bytes, 52 * PAGE_SIZE);
	for (size_t i = 0; i < holes.count; i++)
		print_message("  %s\n", hole_describe(&holes.items[i], text, sizeof(text)));
	holes_fini(&holes);
}

static void check_real(struct dump *dump)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dtb_candidate found = {.dtb = 0};
	struct progress progress;
	uint8_t *table = test_malloc(57 * PAGE_SIZE);
	struct space *space;
	uint64_t pointer;

	progress_init(&progress, false);
	assert_int_equal(find_dtb(dump, proves_real, dump, &progress, &found, &err), PS_OK);
	assert_int_equal(found.paging, PAGING_X64);
	space = opened_space(dump, PAGING_X64, 0x235500002);
	assert_int_equal(space_read_pointer(space, 0xfffff8051a09f000 + 0x40a778, &pointer, &err),
			 PS_OK);
	assert_int_equal(pointer, 0xffffe38f36402000);
	assert_int_equal(space_read_partial(space, pointer, table, 57 * PAGE_SIZE, NULL),
			 5 * PAGE_SIZE);
	print_missing(space, pointer);
	space_destroy(space);
	test_free(table);
}

static void check_packed(const char *name, bool tar)
{
	struct image *image = test_malloc(sizeof(*image));
	char path[128], command[1024];
	struct dump *dump;

	snprintf(path, sizeof(path), "%s%s", real_files, name);
	if (access(path, R_OK) != 0) {
		print_message("  skipped: %s is not here\n", path);
		test_free(image);
		skip();
	}
	image_init(image);
	if (tar) /* makes the holes of the file again */
		snprintf(command, sizeof(command),
			 "zstd -dc %s | tar -xSf - -C %s && mv %s/*.raw %s", path, image->directory,
			 image->directory, image->path);
	else
		snprintf(command, sizeof(command), "zstd -dc %s >%s", path, image->path);
	assert_int_equal(system(command), 0);
	dump = opened_dump(image->path);
	check_real(dump);
	dump_close(dump);
	image_fini(image);
	test_free(image);
}

static void test_real_raw(void **state)
{
	(void)state;
	check_packed("snapshot.raw.tar.zst", true);
}

static void test_real_bitmap(void **state)
{
	(void)state;
	check_packed("real-bitmap5.dmp.zst", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pte_classes),
		cmocka_unit_test(test_pte_memory_of_bitmap),
		cmocka_unit_test(test_hole_words),
		cmocka_unit_test(test_holes_merge),
		cmocka_unit_test_setup_teardown(test_space_facts, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_translate, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_read_exact, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_read_partial, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_read_wraps, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_tables_missing, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_disk_fails, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_transition_table, setup_ten, teardown),
		cmocka_unit_test_setup_teardown(test_bad_roots, setup_ten, teardown),
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_la57),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_find_x64),
		cmocka_unit_test(test_find_la57),
		cmocka_unit_test(test_find_arm64),
		cmocka_unit_test(test_find_x86),
		cmocka_unit_test(test_find_pae),
		cmocka_unit_test(test_real_raw),
		cmocka_unit_test(test_real_bitmap),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
