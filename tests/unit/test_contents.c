/*
 * Pool pages cut by their headers, what blocks point to, and how the candidates of a tag are joined
 * and judged: over memory that the test lays out itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/owners/claims.h"
#include "analyzer/owners/contents.h"
#include "analyzer/pool/blocks.h"
#include "base/signals.h"
#include "tests/unit/memory_image.h"

enum {
	PAGE = 4096,
	ROOT_PFN = 1,
	FIRST_PFN = 0x1000,
	PAGES = 32,
	DRIVER_PAGE = 2, /* of the driver's image: header, .text, .rdata, .data */
	OBJECTS_PAGE = 8,
	BLOCKS_PAGE = 16,
	BUILD = 17763,
};

static const uint64_t BASE_VA = 0xffff800000000000;
static const uint64_t NT_VA = 0xfffff80000000000;
static const uint64_t GONE_VA = 0xfffff88000000000;

struct world {
	struct image image;
	uint64_t next_pfn;
	struct dump *dump;
	struct kernel kernel;
	struct module loaded[3], unloaded[2];
};

static uint64_t va_of(unsigned page, unsigned offset)
{
	return BASE_VA + (uint64_t)page * PAGE + offset;
}

static void put(struct world *w, unsigned page, unsigned offset, uint64_t value, unsigned width)
{
	uint8_t *bytes = image_page(&w->image, FIRST_PFN + page) + offset;

	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

static void put_section(struct world *w, unsigned index, const char *name, uint32_t rva,
			uint32_t characteristics)
{
	unsigned at = 0x80 + 24 + 0xf0 + index * 40;

	for (unsigned i = 0; name[i] != '\0'; i++)
		put(w, DRIVER_PAGE, at + i, (uint8_t)name[i], 1);
	put(w, DRIVER_PAGE, at + 8, PAGE, 4);
	put(w, DRIVER_PAGE, at + 12, rva, 4);
	put(w, DRIVER_PAGE, at + 16, PAGE, 4);
	put(w, DRIVER_PAGE, at + 20, rva, 4);
	put(w, DRIVER_PAGE, at + 36, characteristics, 4);
}

/* Fields of the PE/COFF specification. */
static void put_driver(struct world *w)
{
	put(w, DRIVER_PAGE, 0, 0x5a4d, 2);
	put(w, DRIVER_PAGE, 0x3c, 0x80, 4);
	put(w, DRIVER_PAGE, 0x80, 0x4550, 4);
	put(w, DRIVER_PAGE, 0x84, 0x8664, 2);
	put(w, DRIVER_PAGE, 0x86, 3, 2);      /* sections */
	put(w, DRIVER_PAGE, 0x94, 0xf0, 2);   /* optional header */
	put(w, DRIVER_PAGE, 0x98, 0x20b, 2);  /* PE32+ */
	put(w, DRIVER_PAGE, 0xb8, 0x1000, 4); /* SectionAlignment */
	put(w, DRIVER_PAGE, 0xbc, 0x200, 4);
	put(w, DRIVER_PAGE, 0xd0, 4 * PAGE, 4); /* SizeOfImage */
	put(w, DRIVER_PAGE, 0xd4, PAGE, 4);     /* SizeOfHeaders */
	put(w, DRIVER_PAGE, 0x104, 16, 4);      /* directories */
	put_section(w, 0, ".text", 0x1000, 0x60000020);
	put_section(w, 1, ".rdata", 0x2000, 0x40000040);
	put_section(w, 2, ".data", 0x3000, 0xc0000040);
}

static int world_init(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	image_init(&w->image);
	image_page(&w->image, ROOT_PFN);
	w->next_pfn = ROOT_PFN + 1;
	for (unsigned page = 0; page < PAGES; page++) {
		image_page(&w->image, FIRST_PFN + page);
		image_map_x64(&w->image, ROOT_PFN * PAGE, va_of(page, 0),
			      (uint64_t)(FIRST_PFN + page) * PAGE | 1, &w->next_pfn);
	}
	put_driver(w);
	w->loaded[0] =
		(struct module){.base = NT_VA, .size = 0x800000, .name = (char *)"ntoskrnl.exe"};
	w->loaded[1] = (struct module){
		.base = NT_VA + 0x1000000, .size = 0x80000, .name = (char *)"hal.dll"};
	w->loaded[2] = (struct module){
		.base = va_of(DRIVER_PAGE, 0), .size = 4 * PAGE, .name = (char *)"Filter.sys"};
	w->unloaded[0] =
		(struct module){.base = GONE_VA, .size = 0x8000, .name = (char *)"gone.sys"};
	/* the same range, used again later */
	w->unloaded[1] =
		(struct module){.base = GONE_VA, .size = 0x4000, .name = (char *)"later.sys"};
	w->kernel.pointer_size = 8;
	w->kernel.build = (struct fact){true, BUILD};
	w->kernel.modules = (struct module_list){.items = w->loaded, .count = 3};
	w->kernel.unloaded = (struct module_list){.items = w->unloaded, .count = 2};
	*state = w;
	return 0;
}

static int world_fini(void **state)
{
	struct world *w = *state;

	space_destroy(w->kernel.space);
	dump_close(w->dump);
	image_fini(&w->image);
	free(w);
	return 0;
}

static void weigh(struct world *w, unsigned blocks, struct contents *ret)
{
	struct contents_block items[16];
	struct ps_error err = PS_ERROR_INIT;

	image_write_crash(&w->image, 64, ROOT_PFN * PAGE, 0);
	assert_int_equal(dump_open(w->image.path, NULL, &w->dump, &err), PS_OK);
	assert_int_equal(space_create(w->dump, PAGING_X64, ROOT_PFN * PAGE, &w->kernel.space, &err),
			 PS_OK);
	assert_true(blocks <= 16);
	for (unsigned i = 0; i < blocks; i++)
		items[i] = (struct contents_block){va_of(BLOCKS_PAGE, i * 0x80), 0x80};
	assert_int_equal(contents_weigh(&w->kernel, items, blocks, ret, &err), PS_OK);
}

static void callbacks_are_strong(void **state)
{
	struct world *w = *state;
	struct contents c;

	for (unsigned i = 0; i < 8; i++)
		put(w, BLOCKS_PAGE, i * 0x80 + 0x18, va_of(DRIVER_PAGE, 0x2010), 8);
	put(w, BLOCKS_PAGE, 0x20, NT_VA + 0x1234, 8);
	put(w, BLOCKS_PAGE, 0x28, NT_VA + 0x1000010, 8);
	weigh(w, 8, &c);
	assert_int_equal(c.sampled, 8);
	assert_int_equal(c.kernel, 1);
	assert_int_equal(c.hit_count, 1);
	assert_int_equal(c.hits[0].where, OWNER_LOADED);
	assert_int_equal(c.hits[0].module, 2);
	assert_int_equal(c.hits[0].blocks, 8);
	assert_int_equal(c.hits[0].at_offset, 8);
	assert_int_equal(c.hits[0].offset, 0x18);
	assert_true(c.hits[0].fixed);
	assert_true(c.hits[0].strong);
	contents_fini(&c);
}

static void pointers_to_data_are_weak(void **state)
{
	struct world *w = *state;
	struct contents c;

	for (unsigned i = 0; i < 8; i++)
		put(w, BLOCKS_PAGE, i * 0x80 + 0x18, va_of(DRIVER_PAGE, 0x3010), 8);
	weigh(w, 8, &c);
	assert_int_equal(c.hit_count, 1);
	assert_int_equal(c.hits[0].at_offset, 8);
	assert_false(c.hits[0].fixed);
	assert_false(c.hits[0].strong);
	contents_fini(&c);
}

static void scattered_pointers_are_weak(void **state)
{
	struct world *w = *state;
	struct contents c;

	for (unsigned i = 0; i < 3; i++)
		put(w, BLOCKS_PAGE, i * 0x80 + 8 * i, va_of(DRIVER_PAGE, 0x2010), 8);
	weigh(w, 8, &c);
	assert_int_equal(c.hit_count, 1);
	assert_int_equal(c.hits[0].blocks, 3);
	assert_int_equal(c.hits[0].at_offset, 1);
	assert_false(c.hits[0].strong);
	contents_fini(&c);
}

static void rare_and_odd_pointers_are_left_out(void **state)
{
	struct world *w = *state;
	struct contents c;

	/* one block of eight; and one in every block that is not aligned */
	put(w, BLOCKS_PAGE, 0x18, va_of(DRIVER_PAGE, 0x2010), 8);
	for (unsigned i = 0; i < 8; i++)
		put(w, BLOCKS_PAGE, i * 0x80 + 0x44, va_of(DRIVER_PAGE, 0x2010), 8);
	weigh(w, 8, &c);
	assert_int_equal(c.sampled, 8);
	assert_int_equal(c.hit_count, 0);
	contents_fini(&c);
}

static void unloaded_ranges(void **state)
{
	struct world *w = *state;
	struct contents c;

	for (unsigned i = 0; i < 4; i++) {
		put(w, BLOCKS_PAGE, i * 0x80, GONE_VA + 0x100, 8);
		put(w, BLOCKS_PAGE, i * 0x80 + 8, GONE_VA + 0x5000, 8);
	}
	weigh(w, 4, &c);
	assert_int_equal(c.hit_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(c.hits[i].where, OWNER_UNLOADED);
		assert_int_equal(c.hits[i].blocks, 4);
		/* nothing says what lay there: no proof of code */
		assert_false(c.hits[i].strong);
	}
	assert_int_equal(c.hits[0].module, 0);
	assert_int_equal(c.hits[0].offset, 8);
	assert_int_equal(c.hits[1].module, 1);
	assert_int_equal(c.hits[1].offset, 0);
	contents_fini(&c);
}

static void objects_lead_to_their_driver(void **state)
{
	struct world *w = *state;
	struct contents c;

	put(w, OBJECTS_PAGE, 0, 4 | 0x150 << 16, 4); /* DRIVER_OBJECT */
	put(w, OBJECTS_PAGE, 0x18, va_of(DRIVER_PAGE, 0), 8);
	put(w, OBJECTS_PAGE, 0x800, 3 | 0x1b0 << 16, 4); /* DEVICE_OBJECT */
	put(w, OBJECTS_PAGE, 0x808, va_of(OBJECTS_PAGE, 0), 8);
	put(w, OBJECTS_PAGE, 0xc00, 5, 4);
	put(w, OBJECTS_PAGE, 0xc08, va_of(OBJECTS_PAGE, 0), 8);
	for (unsigned i = 0; i < 3; i++)
		put(w, BLOCKS_PAGE, i * 0x80 + 0x10, va_of(OBJECTS_PAGE, i ? 0x800 : 0), 8);
	put(w, BLOCKS_PAGE, 3 * 0x80, va_of(OBJECTS_PAGE, 0xc00), 8);
	weigh(w, 4, &c);
	assert_int_equal(c.hit_count, 1);
	assert_int_equal(c.hits[0].objects, 3);
	assert_int_equal(c.hits[0].blocks, 3);
	assert_int_equal(c.hits[0].pointers, 0);
	assert_false(c.hits[0].strong);
	contents_fini(&c);
}

static void absent_blocks_are_counted(void **state)
{
	struct world *w = *state;
	struct contents c;

	free(w->image.pages[FIRST_PFN + BLOCKS_PAGE]);
	w->image.pages[FIRST_PFN + BLOCKS_PAGE] = NULL;
	weigh(w, 5, &c);
	assert_int_equal(c.sampled, 0);
	assert_int_equal(c.absent, 5);
	assert_int_equal(c.hit_count, 0);
	contents_fini(&c);
}

/* Headers of x64: PreviousSize, PoolIndex, BlockSize, PoolType, tag. */
static void put_header(uint8_t *page, unsigned at, unsigned previous, unsigned size, unsigned type,
		       const char *tag)
{
	page[at] = (uint8_t)previous;
	page[at + 1] = 0;
	page[at + 2] = (uint8_t)size;
	page[at + 3] = (uint8_t)type;
	memcpy(page + at + 4, tag, 4);
}

static uint32_t tag_of(const char *text)
{
	uint32_t tag;

	memcpy(&tag, text, sizeof(tag));
	return tag;
}

static void page_is_cut(void **state)
{
	struct pool_page_block cut[POOL_PAGE_BLOCKS];
	uint8_t page[PAGE] = {0};

	(void)state;
	put_header(page, 0, 0, 0x10, 2, "Leak");
	put_header(page, 0x100, 0x10, 0x40, 0, "Free");
	put_header(page, 0x500, 0x40, 0xb0, 2, "Lea\xeb"); /* protected: bit 31 */
	assert_int_equal(pool_page_cut(page, &header_layout_x64, BUILD, cut), 3);
	assert_int_equal(cut[0].tag, tag_of("Leak"));
	assert_int_equal(cut[0].bytes, 0x100);
	assert_true(cut[0].in_use);
	assert_false(cut[1].in_use);
	assert_int_equal(cut[2].offset, 0x500);
	assert_int_equal(cut[2].tag, tag_of("Leak"));
	/* the bit of 2003 is another one */
	assert_int_equal(pool_page_cut(page, &header_layout_x64, 3790, cut), 3);
	assert_false(cut[0].in_use);
}

static void broken_chains_are_none(void **state)
{
	struct pool_page_block cut[POOL_PAGE_BLOCKS];
	uint8_t page[PAGE] = {0};

	(void)state;
	assert_int_equal(pool_page_cut(page, &header_layout_x64, BUILD, cut), 0);
	put_header(page, 0, 0, 0x80, 2, "Leak");
	put_header(page, 0x800, 0x7f, 0x80, 2, "Leak");
	assert_int_equal(pool_page_cut(page, &header_layout_x64, BUILD, cut), 0);
	put_header(page, 0x800, 0x80, 0x81, 2, "Leak");
	assert_int_equal(pool_page_cut(page, &header_layout_x64, BUILD, cut), 0);
	put_header(page, 0x800, 0x80, 0x80, 2, "Leak");
	assert_int_equal(pool_page_cut(page, &header_layout_x64, BUILD, cut), 2);
	memset(page, 0xff, sizeof(page));
	assert_int_equal(pool_page_cut(page, &header_layout_x64, BUILD, cut), 0);
}

static void x86_pages(void **state)
{
	struct pool_page_block cut[POOL_PAGE_BLOCKS];
	/* PreviousSize:9 PoolIndex:7 BlockSize:9 PoolType:7, granules of 8 bytes */
	uint32_t first = 0x100u << 16 | 5u << 25, second = 0x100u | 0x100u << 16;
	uint8_t page[PAGE] = {0};

	(void)state;
	memcpy(page, &first, 4);
	memcpy(page + 4, "SavF", 4);
	memcpy(page + 0x800, &second, 4);
	assert_int_equal(pool_page_cut(page, &header_layout_x86, 3790, cut), 2);
	assert_int_equal(cut[0].bytes, 0x800);
	assert_int_equal(cut[0].tag, tag_of("SavF"));
	assert_true(cut[0].in_use);
	assert_false(cut[1].in_use);
}

static void headers_without_a_chain(void **state)
{
	struct pool_page_block cut[4];
	uint8_t page[PAGE] = {0};

	(void)state;
	put_header(page, 0x40, 0, 8, 2, "Leak");
	put_header(page, 0x100, 0, 8, 0, "Leak");    /* free */
	put_header(page, 0x208, 0, 8, 2, "Leak");    /* not where headers lie */
	put_header(page, 0x300, 0, 8, 0x72, "Leak"); /* no type of a header */
	put_header(page, 0x400, 0, 1, 2, "Leak");    /* no room behind the header */
	put_header(page, 0xf00, 0, 0x20, 2, "Leak"); /* beyond the page */
	put_header(page, 0x600, 0, 8, 10, "Leak");
	assert_int_equal(pool_page_find(page, &header_layout_x64, tag_of("Leak"), cut, 4), 2);
	assert_int_equal(cut[0].offset, 0x40);
	assert_int_equal(cut[0].bytes, 0x80);
	assert_int_equal(cut[1].offset, 0x600);
	assert_int_equal(pool_page_find(page, &header_layout_x64, tag_of("Leak"), cut, 1), 1);
	assert_int_equal(pool_page_find(page, &header_layout_x64, tag_of("Lost"), cut, 4), 0);
}

static struct owner_candidate candidates[] = {
	{.module = 2, .grade = OWNER_CALL_SITE, .counts = {[OWNER_CALL_SITE] = 2}},
	{.module = 1, .grade = OWNER_CALL_SITE, .counts = {[OWNER_CALL_SITE] = 1}},
	{.module = 0, .grade = OWNER_BYTES, .counts = {[OWNER_BYTES] = 1}},
};

static enum ownership judged(size_t first, size_t count, bool for_others)
{
	struct owner_tag tag = {
		.candidates = candidates + first,
		.candidate_count = count,
		.for_others = for_others,
	};

	return ownership_of(&tag);
}

static void judgement(void **state)
{
	static const enum owner_grade weak[] = {OWNER_LIBRARY, OWNER_BYTES, OWNER_TAG_LIST,
						OWNER_CONTENTS};

	(void)state;
	assert_int_equal(ownership_of(NULL), OWNERSHIP_NONE);
	assert_int_equal(judged(0, 0, false), OWNERSHIP_NONE);
	assert_int_equal(judged(0, 1, false), OWNERSHIP_ONE);
	assert_int_equal(judged(0, 3, false), OWNERSHIP_SEVERAL);
	assert_int_equal(judged(1, 2, false), OWNERSHIP_ONE);
	assert_int_equal(judged(2, 1, false), OWNERSHIP_PERHAPS);
	assert_int_equal(judged(0, 3, true), OWNERSHIP_FOR_OTHERS);
	for (unsigned i = 0; i < 4; i++)
		assert_false(owner_grade_proves(weak[i]));
	assert_true(owner_grade_proves(OWNER_FREE_SITE));
}

static void lists_name_drivers(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	struct claims c;

	assert_int_equal(claims_init(&c, tag_of("Leak"), NULL, &err), PS_OK);
	assert_int_equal(claims_add_list(&c, &w->kernel, "various drivers", &err), PS_OK);
	assert_int_equal(c.tag.candidate_count, 0);
	assert_int_equal(claims_add_list(&c, &w->kernel, "FILTER.SYS", &err), PS_OK);
	assert_int_equal(claims_add_list(&c, &w->kernel, "nt (io)", &err), PS_OK);
	assert_int_equal(claims_add_list(&c, &w->kernel, "other.sys, gone.sys", &err), PS_OK);
	assert_int_equal(c.tag.candidate_count, 3);
	assert_int_equal(c.tag.candidates[0].module, 0);
	assert_int_equal(c.tag.candidates[1].module, 2);
	assert_int_equal(c.tag.candidates[2].where, OWNER_UNLOADED);
	assert_int_equal(c.tag.candidates[2].module, 0);
	assert_int_equal(ownership_of(&c.tag), OWNERSHIP_PERHAPS);
	claims_fini(&c);
}

static void kinds_are_joined_in_order(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	struct owner_tag found = {.candidates = candidates, .candidate_count = 1};
	struct contents_hit hits[] = {
		{.where = OWNER_UNLOADED, .module = 1, .blocks = 5},
		{.where = OWNER_LOADED, .module = 2, .blocks = 7},
	};
	struct contents contents = {.hits = hits, .hit_count = 2, .sampled = 9};
	struct claims c;

	assert_int_equal(claims_init(&c, tag_of("Leak"), &found, &err), PS_OK);
	assert_int_equal(claims_add_contents(&c, &contents, &err), PS_OK);
	assert_int_equal(claims_add_list(&c, &w->kernel, "hal.dll", &err), PS_OK);
	assert_int_equal(c.tag.candidate_count, 3);
	/* what code says stays the best; the same driver's contents stand beside it */
	assert_int_equal(c.tag.candidates[0].grade, OWNER_CALL_SITE);
	assert_int_equal(c.tag.candidates[0].counts[OWNER_CONTENTS], 7);
	assert_int_equal(c.tag.candidates[0].sampled, 9);
	assert_int_equal(c.tag.candidates[1].grade, OWNER_TAG_LIST);
	assert_int_equal(c.tag.candidates[2].grade, OWNER_CONTENTS);
	assert_int_equal(c.tag.candidates[2].where, OWNER_UNLOADED);
	assert_int_equal(ownership_of(&c.tag), OWNERSHIP_ONE);
	claims_fini(&c);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, world_init, world_fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(callbacks_are_strong),
		with_world(pointers_to_data_are_weak),
		with_world(scattered_pointers_are_weak),
		with_world(rare_and_odd_pointers_are_left_out),
		with_world(unloaded_ranges),
		with_world(objects_lead_to_their_driver),
		with_world(absent_blocks_are_counted),
		cmocka_unit_test(page_is_cut),
		cmocka_unit_test(broken_chains_are_none),
		cmocka_unit_test(x86_pages),
		cmocka_unit_test(headers_without_a_chain),
		cmocka_unit_test(judgement),
		with_world(lists_name_drivers),
		with_world(kinds_are_joined_in_order),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
