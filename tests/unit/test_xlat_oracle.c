/*
 * The page-table walk against libaddrxlat, a walker by other people: random tables of each paging
 * kind, and the real kernel. The oracle reads the file by itself. It knows no transition PTE, so it
 * walks twice: over the tables as they are, and over tables in which transition PTEs were made
 * present by a rule of this test's own, with the mask that made them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkdumpfile/addrxlat.h>

#include "analyzer/memory/space.h"
#include "base/signals.h"
#include "memory_image.h"
#include "opened.h"

static const char real_file[] = "../shared/data/win10-17763-x64/snapshot.raw.tar.zst";

struct kind {
	const char *name;
	enum paging paging;
	addrxlat_paging_form_t form;
	unsigned entry_size;
	uint64_t mask; /* plays MiState.Hardware.InvalidPteMask */
	uint64_t root;
};

static const struct kind kinds[] = {
	{"x86", PAGING_X86, {ADDRXLAT_PTE_IA32, 3, {12, 10, 10}}, 4, 0, 0x1000},
	{"PAE", PAGING_PAE, {ADDRXLAT_PTE_IA32_PAE, 4, {12, 9, 9, 2}}, 8, 0x2000000000, 0x1fa0},
	{"x64", PAGING_X64, {ADDRXLAT_PTE_X86_64, 5, {12, 9, 9, 9, 9}}, 8, 0x200000000000, 0x1000},
	{"LA57",
	 PAGING_X64_LA57,
	 {ADDRXLAT_PTE_X86_64, 6, {12, 9, 9, 9, 9, 9}},
	 8,
	 0x200000000000,
	 0x1000},
	{"ARM64", PAGING_ARM64, {ADDRXLAT_PTE_AARCH64, 5, {12, 9, 9, 9, 9}}, 8, 0, 0x1000},
};

static bool is_x64(const struct kind *kind)
{
	return kind->paging == PAGING_X64 || kind->paging == PAGING_X64_LA57;
}

/* What a present entry of a table or a 4 KiB page ends in. */
static uint64_t present_bits(const struct kind *kind)
{
	return kind->paging == PAGING_ARM64 ? 3 : 1;
}

/* ---- the oracle ---- */

struct oracle {
	const struct kind *kind;
	int file;
	uint64_t frames; /* of the machine */
	uint8_t **pages; /* owned; by PFN, filled on demand */
	bool patched;
	addrxlat_ctx_t *context;
	addrxlat_meth_t method;
};

static uint64_t patch_entry(const struct oracle *oracle, uint64_t entry)
{
	bool file_backed =
		is_x64(oracle->kind) && (entry & 0xffff80000000000f) == 0xffff800000000000;
	uint64_t frame_bits = oracle->kind->paging == PAGING_PAE ? 0x3ffffff000 : 0xffffffffff000;

	if ((entry & 0xc01) != 0x800 || file_backed)
		return entry;
	if (!(entry & 0x10))
		entry ^= entry & oracle->kind->mask;
	entry &= frame_bits;
	return entry >> 12 < oracle->frames ? entry | present_bits(oracle->kind) : 0;
}

static void patch_page(const struct oracle *oracle, uint8_t *page)
{
	unsigned size = oracle->kind->entry_size;

	for (size_t i = 0; i < PAGE_SIZE; i += size) {
		uint64_t entry = 0;

		memcpy(&entry, page + i, size);
		entry = patch_entry(oracle, entry);
		memcpy(page + i, &entry, size);
	}
}

static uint8_t *oracle_page(struct oracle *oracle, uint64_t pfn)
{
	off_t offset = (off_t)(pfn * PAGE_SIZE);

	if (pfn >= oracle->frames)
		return NULL;
	if (!oracle->pages[pfn]) {
		if (lseek(oracle->file, offset, SEEK_DATA) != offset)
			return NULL;
		oracle->pages[pfn] = malloc(PAGE_SIZE);
		assert_int_equal(pread(oracle->file, oracle->pages[pfn], PAGE_SIZE, offset),
				 PAGE_SIZE);
		if (oracle->patched)
			patch_page(oracle, oracle->pages[pfn]);
	}
	return oracle->pages[pfn];
}

static void put_page(const addrxlat_buffer_t *buffer)
{
	(void)buffer;
}

static addrxlat_status get_page(const addrxlat_cb_t *cb, addrxlat_buffer_t *buffer)
{
	buffer->addr.addr &= ~(addrxlat_addr_t)(PAGE_SIZE - 1);
	buffer->ptr = oracle_page(cb->priv, buffer->addr.addr / PAGE_SIZE);
	buffer->size = PAGE_SIZE;
	buffer->byte_order = ADDRXLAT_LITTLE_ENDIAN;
	buffer->put_page = put_page;
	return buffer->ptr ? ADDRXLAT_OK : ADDRXLAT_ERR_NODATA;
}

static unsigned long read_caps(const addrxlat_cb_t *cb)
{
	(void)cb;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

static void oracle_open(struct oracle *oracle, const struct kind *kind, const char *path,
			uint64_t root, bool patched)
{
	addrxlat_cb_t *cb;

	memset(oracle, 0, sizeof(*oracle));
	oracle->kind = kind;
	oracle->patched = patched;
	oracle->file = open(path, O_RDONLY);
	assert_true(oracle->file >= 0);
	oracle->frames = (uint64_t)lseek(oracle->file, 0, SEEK_END) / PAGE_SIZE;
	oracle->pages = calloc(oracle->frames, sizeof(*oracle->pages));
	assert_non_null(oracle->pages);
	oracle->context = addrxlat_ctx_new();
	cb = addrxlat_ctx_add_cb(oracle->context);
	cb->priv = oracle;
	cb->get_page = get_page;
	cb->read_caps = read_caps;
	oracle->method.kind = ADDRXLAT_PGT;
	oracle->method.target_as = ADDRXLAT_MACHPHYSADDR;
	oracle->method.param.pgt.root.as = ADDRXLAT_MACHPHYSADDR;
	oracle->method.param.pgt.root.addr = root;
	oracle->method.param.pgt.pf = kind->form;
}

static void oracle_close(struct oracle *oracle)
{
	for (uint64_t i = 0; i < oracle->frames; i++)
		free(oracle->pages[i]);
	free(oracle->pages);
	addrxlat_ctx_decref(oracle->context);
	close(oracle->file);
}

static addrxlat_status oracle_walk(struct oracle *oracle, uint64_t va, uint64_t *ret_pa)
{
	addrxlat_step_t step;
	addrxlat_status status;

	memset(&step, 0, sizeof(step));
	step.ctx = oracle->context;
	step.meth = &oracle->method;
	step.base.addr = va;
	status = addrxlat_walk(&step);
	*ret_pa = step.base.addr;
	return status;
}

/* ---- comparison ---- */

struct tally {
	size_t pages, large, transition, not_present, table_missing, not_canonical;
};

static addrxlat_status expected_status(const struct hole *hole, struct tally *tally)
{
	switch (hole->reason) {
	case HOLE_NOT_CANONICAL: tally->not_canonical++; return ADDRXLAT_ERR_INVALID;
	case HOLE_TABLE_MISSING: tally->table_missing++; return ADDRXLAT_ERR_NODATA;
	default: tally->not_present++; return ADDRXLAT_ERR_NOTPRESENT;
	}
}

static void compare(struct space *space, struct oracle *plain, struct oracle *patched, uint64_t va,
		    struct tally *tally)
{
	struct translation at;
	struct hole hole;
	uint64_t pa, plain_pa;
	addrxlat_status want = ADDRXLAT_OK, got = oracle_walk(patched, va, &pa);
	addrxlat_status hardware = oracle_walk(plain, va, &plain_pa);
	bool found = space_translate(space, va, &at, &hole);

	if (!found)
		want = expected_status(&hole, tally);
	if (got != want || (found && at.pa != pa))
		fail_msg("%s va 0x%llx: here %d 0x%llx, libaddrxlat %d 0x%llx", plain->kind->name,
			 (unsigned long long)va, want, (unsigned long long)(found ? at.pa : 0), got,
			 (unsigned long long)pa);
	if (!found)
		return;
	tally->pages++;
	tally->large += at.page_size > PAGE_SIZE;
	tally->transition += at.transition;
	if ((hardware == ADDRXLAT_OK) == at.transition)
		fail_msg("%s va 0x%llx: transition %d, but the processor says %d",
			 plain->kind->name, (unsigned long long)va, at.transition, hardware);
}

static void print_tally(const char *name, const struct tally *t)
{
	print_message("  %s: %zu mapped (%zu large, %zu through transition), %zu not present, "
		      "%zu table missing, %zu not canonical\n",
		      name, t->pages, t->large, t->transition, t->not_present, t->table_missing,
		      t->not_canonical);
}

/* ---- random tables ---- */

enum {
	TABLES = 96,     /* from PFN 2; the root is in PFN 1 */
	MEMORY = 0x6000, /* pages of the raw image */
	TRANSLATIONS = 300000,
};

/* Bits that may be anything in a present entry: not Valid, not bit 7, no frame. */
static uint64_t random_flags(const struct kind *kind, unsigned level, uint64_t *random)
{
	uint64_t bits = image_random(random);

	if (kind->entry_size == 4)
		return bits & 0xf7e;
	if (kind->paging == PAGING_PAE)
		return level == 3 ? bits & 0xe18 : bits & 0x8000000000000f7e;
	if (kind->paging == PAGING_ARM64) /* all but bits 0 and 1 and the frame */
		return bits & 0xffff000000000ffc;
	return bits & 0xfff0000000000f7e;
}

/* The level of a table in the pool; the root has the level after the last. */
static unsigned level_of(const struct kind *kind, uint64_t table)
{
	unsigned top = kind->form.nfields - 1u;

	return 1 + (unsigned)(table % (top > 2 ? top - 1 : top));
}

/*
 * A table for an entry of `level`. Those of x86 and x64 are met at several levels, or in
 * themselves; on ARM64 the kinds of entry differ between levels, and libaddrxlat takes a reserved
 * one for a page.
 */
static uint64_t random_table(const struct kind *kind, unsigned level, uint64_t *random)
{
	uint64_t pfn = 2 + image_random(random) % TABLES;

	while (kind->paging == PAGING_ARM64 && level > 1 && level_of(kind, pfn - 2) != level - 1)
		pfn = 2 + image_random(random) % TABLES;
	/* One in 32 leads to a page that is not there. */
	return (image_random(random) % 32 ? pfn : MEMORY - 1) * PAGE_SIZE;
}

static uint64_t random_absent(uint64_t *random)
{
	uint64_t entry = image_random(random);

	switch (image_random(random) % 4) {
	case 0: return 0;
	case 1: return entry & ~(uint64_t)0xc01; /* page file or demand zero */
	case 2:
		return (entry & ~(uint64_t)1) | 0x400; /* prototype */
	/* Transition outside memory, by a bit that no mask has. */
	default: return (entry & 0x7ffffffffffff3fe) | 0x80000800;
	}
}

static uint64_t random_transition(const struct kind *kind, uint64_t frame, uint64_t *random)
{
	uint64_t entry = frame | 0x800 | (image_random(random) & 0x3fe);

	return entry & 0x10 ? entry : entry ^ kind->mask;
}

static uint64_t random_frame(const struct kind *kind, uint64_t *random)
{
	uint64_t bits = image_random(random);

	switch (kind->paging) {
	case PAGING_X86: return bits & 0xfffff000;
	case PAGING_PAE: return bits & 0xffffff000; /* 36 bits */
	default: return bits & 0xffffffff000;       /* 44 bits */
	}
}

static uint64_t random_entry(const struct kind *kind, unsigned level, uint64_t *random)
{
	unsigned dice = (unsigned)(image_random(random) % 100);
	bool arm64 = kind->paging == PAGING_ARM64;
	bool can_be_large = level == 2 || (level == 3 && (is_x64(kind) || arm64));
	uint64_t flags;

	if (dice < 15)
		return random_absent(random);
	if (dice < 25)
		return random_transition(kind, random_table(kind, level, random), random);
	flags = random_flags(kind, level, random);
	if (dice < 35 && can_be_large)
		return random_frame(kind, random) | flags | (arm64 ? 1 : 0x81);
	if (level == 1)
		return random_frame(kind, random) | flags | present_bits(kind);
	return random_table(kind, level, random) | flags | present_bits(kind);
}

static void put_entry(struct image *image, const struct kind *kind, uint64_t pa, uint64_t entry)
{
	if (kind->entry_size == 4)
		image_put32(image, pa, (uint32_t)entry);
	else
		image_put64(image, pa, entry);
}

/* Every level's tables come from one pool. */
static void make_tables(struct image *image, const struct kind *kind, uint64_t *random)
{
	unsigned top = kind->form.nfields - 1u;
	unsigned root_entries = 1u << kind->form.fieldsz[top];

	for (unsigned i = 0; i < root_entries; i++)
		put_entry(image, kind, kind->root + i * kind->entry_size,
			  random_entry(kind, top, random));
	for (unsigned table = 0; table < TABLES; table++)
		for (unsigned at = 0; at < PAGE_SIZE; at += kind->entry_size)
			put_entry(image, kind, (2 + table) * PAGE_SIZE + at,
				  random_entry(kind, level_of(kind, table), random));
}

static uint64_t random_address(const struct kind *kind, uint64_t *random)
{
	uint64_t va = image_random(random);

	switch (kind->paging) {
	case PAGING_X64:
	case PAGING_X64_LA57:
		if (image_random(random) % 64 == 0)
			return va;
		break;
	case PAGING_ARM64: return va | 0xffff000000000000; /* the form is that of TTBR1 */
	default: return va & 0xffffffff;
	}
	if (kind->paging == PAGING_X64_LA57)
		return (uint64_t)((int64_t)(va << 7) >> 7);
	return (uint64_t)((int64_t)(va << 16) >> 16);
}

static void check_random(const struct kind *kind)
{
	struct image *image = test_malloc(sizeof(*image));
	struct oracle *plain = test_malloc(sizeof(*plain));
	struct oracle *patched = test_malloc(sizeof(*patched));
	uint64_t random = 20170613;
	struct tally tally = {0};
	struct dump *dump;
	struct space *space;

	image_init(image);
	make_tables(image, kind, &random);
	image_write_raw(image, MEMORY);
	dump = opened_dump(image->path);
	space = opened_space(dump, kind->paging, kind->root);
	oracle_open(plain, kind, image->path, kind->root, false);
	oracle_open(patched, kind, image->path, kind->root, true);
	for (size_t i = 0; i < TRANSLATIONS; i++)
		compare(space, plain, patched, random_address(kind, &random), &tally);
	print_tally(kind->name, &tally);
	assert_true(tally.pages > TRANSLATIONS / 10 && tally.large > TRANSLATIONS / 100);
	assert_true(tally.transition > TRANSLATIONS / 50);
	assert_true(tally.not_present > TRANSLATIONS / 10);
	assert_true(tally.table_missing > TRANSLATIONS / 100);
	oracle_close(plain);
	oracle_close(patched);
	space_destroy(space);
	dump_close(dump);
	image_fini(image);
	test_free(patched);
	test_free(plain);
	test_free(image);
}

static void test_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		check_random(&kinds[i]);
}

/* ---- the real kernel ---- */

static uint64_t frame_of(uint64_t entry)
{
	return entry & 0x000ffffffffff000;
}

/* Mostly goes down through entries whose table is there, so that addresses reach a page table. */
static uint64_t real_address(struct oracle *oracle, uint64_t root, uint64_t *random)
{
	uint64_t table = root, va = 0;

	for (int shift = 39; shift >= 12; shift -= 9) {
		const uint8_t *page = oracle_page(oracle, table / PAGE_SIZE);
		uint64_t index = image_random(random) % 512, entry = 0;

		for (unsigned tries = 0; page && tries < 512; tries++) {
			memcpy(&entry, page + index * 8, 8);
			if (entry != 0 && (shift == 12 || image_random(random) % 64 == 0 ||
					   oracle_page(oracle, frame_of(entry) / PAGE_SIZE)))
				break;
			index = (index + 1) % 512;
		}
		va |= index << shift;
		table = frame_of(entry);
	}
	va |= image_random(random) % PAGE_SIZE;
	return va & 0x800000000000 ? va | 0xffff000000000000 : va;
}

static void check_real(const char *path)
{
	const uint64_t root = 0x235500000;
	struct oracle *plain = test_malloc(sizeof(*plain));
	struct oracle *patched = test_malloc(sizeof(*patched));
	struct dump *dump = opened_dump(path);
	struct space *space = opened_space(dump, PAGING_X64, root | 2);
	struct tally tally = {0};
	uint64_t random = 17763;

	oracle_open(plain, &kinds[PAGING_X64], path, root, false);
	oracle_open(patched, &kinds[PAGING_X64], path, root, true);
	for (size_t i = 0; i < TRANSLATIONS; i++)
		compare(space, plain, patched, real_address(plain, root, &random), &tally);
	print_tally("real x64 kernel", &tally);
	assert_true(tally.transition > 0 && tally.large > 0 && tally.table_missing > 0);
	oracle_close(plain);
	oracle_close(patched);
	space_destroy(space);
	dump_close(dump);
	test_free(patched);
	test_free(plain);
}

static void test_real(void **state)
{
	struct image *image;
	char command[1024];

	(void)state;
	if (access(real_file, R_OK) != 0) {
		print_message("  skipped: %s is not here\n", real_file);
		skip();
	}
	image = test_malloc(sizeof(*image));
	image_init(image);
	snprintf(command, sizeof(command), "zstd -dc %s | tar -xSf - -C %s && mv %s/*.raw %s",
		 real_file, image->directory, image->directory, image->path);
	assert_int_equal(system(command), 0);
	check_real(image->path);
	image_fini(image);
	test_free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_real),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
