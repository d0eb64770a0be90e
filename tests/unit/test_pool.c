/*
 * The pool room piece by piece, over small tables that the test lays out itself: hashes, the vote
 * on a table's geometry, the merge of processors and its completeness, big-page kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyzer/pool/big_pages.h"
#include "analyzer/pool/big_vote.h"
#include "analyzer/pool/tag_hash.h"
#include "analyzer/pool/tracker.h"
#include "analyzer/pool/vote.h"
#include "base/signals.h"
#include "tests/unit/memory_image.h"

static const uint64_t TABLES_VA = 0xffff800000000000;
enum { ROOT_PFN = 1, TABLES_PFN = 0x1000, ENTRY = 0x38 };

struct world {
	struct image image;
	uint64_t next_pfn;
	struct dump *dump;
	struct space *space;
};

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

static int world_init(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	image_init(&w->image);
	image_page(&w->image, ROOT_PFN);
	w->next_pfn = ROOT_PFN + 1;
	*state = w;
	return 0;
}

static int world_fini(void **state)
{
	struct world *w = *state;

	space_destroy(w->space);
	dump_close(w->dump);
	image_fini(&w->image);
	free(w);
	return 0;
}

/* Page `page` of the tables; mapped whether or not the test leaves the page out. */
static void map_page(struct world *w, uint64_t page)
{
	image_map_x64(&w->image, ROOT_PFN * PAGE_SIZE, TABLES_VA + page * PAGE_SIZE,
		      (TABLES_PFN + page) * PAGE_SIZE | 1, &w->next_pfn);
}

static void put32(struct world *w, uint64_t offset, uint32_t value)
{
	image_put32(&w->image, TABLES_PFN * PAGE_SIZE + offset, value);
}

static void put64(struct world *w, uint64_t offset, uint64_t value)
{
	/* An entry of 0x38 bytes may straddle a page, and a field of it never does. */
	image_put64(&w->image, TABLES_PFN * PAGE_SIZE + offset, value);
}

static void drop_page(struct world *w, uint64_t page)
{
	free(w->image.pages[TABLES_PFN + page]);
	w->image.pages[TABLES_PFN + page] = NULL;
}

static void open_world(struct world *w)
{
	struct ps_error err = PS_ERROR_INIT;

	image_write_crash(&w->image, 64, ROOT_PFN * PAGE_SIZE, 0);
	assert_int_equal(dump_open(w->image.path, NULL, &w->dump, &err), PS_OK);
	assert_int_equal(space_create(w->dump, PAGING_X64, ROOT_PFN * PAGE_SIZE, &w->space, &err),
			 PS_OK);
}

/* Puts `tag` where Hash A and linear probing put it; returns its slot. */
static uint64_t insert_tag(struct world *w, uint64_t table, unsigned shift, uint32_t tag)
{
	uint64_t mask = (1u << shift) - 1, slot = tag_hash('A', tag) & mask;

	for (;; slot = (slot + 1) & mask) {
		uint64_t pa = TABLES_PFN * PAGE_SIZE + table + slot * ENTRY;
		uint8_t *bytes = image_page(&w->image, pa / PAGE_SIZE) + pa % PAGE_SIZE;
		uint32_t key;

		memcpy(&key, bytes, sizeof(key));
		if (key == 0 || key == tag)
			break;
	}
	put32(w, table + slot * ENTRY, tag);
	return slot;
}

static void fill_tags(struct world *w, unsigned shift, unsigned count)
{
	uint64_t seed = 7;
	uint64_t pages = (((1u << shift) + 1) * (uint64_t)ENTRY + PAGE_SIZE - 1) / PAGE_SIZE;

	for (uint64_t page = 0; page < pages; page++) {
		image_page(&w->image, TABLES_PFN + page);
		map_page(w, page);
	}
	for (unsigned i = 0; i < count; i++) {
		uint64_t r = image_random(&seed);
		uint32_t tag = 0;

		for (unsigned c = 0; c < 4; c++)
			tag |= (uint32_t)('A' + (r >> (8 * c)) % 26) << (8 * c);
		insert_tag(w, 0, shift, tag);
	}
}

static void hashes_of_known_tags(void **state)
{
	static const struct {
		const char *tag;
		uint32_t a, a_small, b, b_small;
	} known[] = {
		{"Pool", 3493, 1445, 1592, 1592}, {"MmSt", 613, 613, 1686, 1686},
		{"Thre", 494, 494, 300, 300},     {"Proc", 1587, 1587, 2984, 936},
		{"File", 2628, 580, 582, 582},    {"Irp ", 774, 774, 1760, 1760},
		{"Leak", 3417, 1369, 1336, 1336}, {"Key ", 1219, 1219, 139, 139},
		{"NtFC", 1388, 1388, 2977, 929},  {"Vad ", 1763, 1763, 3704, 1656},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint32_t tag = tag_of(known[i].tag);

		assert_int_equal(tag_hash('A', tag) & 0xfff, known[i].a);
		assert_int_equal(tag_hash('A', tag) & 0x7ff, known[i].a_small);
		assert_int_equal(tag_hash('B', tag) & 0xfff, known[i].b);
		assert_int_equal(tag_hash('B', tag) & 0x7ff, known[i].b_small);
	}
}

static void expect_geometry(struct world *w, unsigned shift)
{
	struct ps_error err = PS_ERROR_INIT;
	struct geometry_hints hints = {.pointer_size = 8};
	struct geometry g;
	struct view view;

	open_world(w);
	view_init(&view, w->space, TABLES_VA);
	assert_int_equal(geometry_vote(&view, &hints, &g, &err), PS_OK);
	assert_int_equal(g.layout->entry_size, ENTRY);
	assert_int_equal(g.hash, 'A');
	assert_int_equal(g.shift, shift);
	assert_true(geometry_proved(&g, false));
	view_fini(&view);
}

static void vote_finds_a_sparse_table(void **state)
{
	fill_tags(*state, 11, 300);
	expect_geometry(*state, 11);
}

static void vote_finds_a_full_table(void **state)
{
	fill_tags(*state, 10, 1024);
	expect_geometry(*state, 10);
}

static void vote_finds_a_table_with_its_first_pages_missing(void **state)
{
	struct world *w = *state;

	fill_tags(w, 12, 1500);
	for (uint64_t page = 0; page < 40; page++)
		drop_page(w, page);
	expect_geometry(w, 12);
}

static void vote_refuses_random_bytes(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	uint64_t seed = 3;
	struct geometry_hints hints = {.pointer_size = 8};
	struct geometry g = {0};
	struct view view;
	enum ps_status status;

	for (uint64_t page = 0; page < 64; page++) {
		map_page(w, page);
		for (uint64_t i = 0; i < PAGE_SIZE; i += 8)
			put64(w, page * PAGE_SIZE + i, image_random(&seed));
	}
	open_world(w);
	view_init(&view, w->space, TABLES_VA);
	status = geometry_vote(&view, &hints, &g, &err);
	assert_true(status == PS_NOT_FOUND || !geometry_proved(&g, false));
	view_fini(&view);
}

/* Two processors' tables of 2^6 + 1 entries, one page each. */
struct pair {
	struct pool_globals globals;
	uint64_t tables[2];
	int numbers[2];
};

static void pair_init(struct pair *p)
{
	*p = (struct pair){.tables = {TABLES_VA, TABLES_VA + PAGE_SIZE}, .numbers = {0, 1}};
	p->globals = (struct pool_globals){
		.tracker = {.found = true, .value = TABLES_VA},
		.tracker_size = {.found = true, .value = 65},
		.tracker_mask = {.found = true, .value = 63},
		.layout = &tracker_layouts[3],
		.hash = 'A',
		.processor_tables = p->tables,
		.processor_numbers = p->numbers,
		.processor_table_count = 2,
		.processors_known = true,
	};
	assert_int_equal(p->globals.layout->entry_size, ENTRY);
}

static void put_counts(struct world *w, uint64_t table, uint32_t tag, int64_t bytes, int64_t allocs,
		       int64_t frees)
{
	uint64_t entry = table + insert_tag(w, table, 6, tag) * ENTRY;

	put64(w, entry + 8, (uint64_t)bytes);
	put64(w, entry + 16, (uint64_t)allocs);
	put64(w, entry + 24, (uint64_t)frees);
}

static void two_processors(struct world *w)
{
	for (uint64_t page = 0; page < 2; page++) {
		image_page(&w->image, TABLES_PFN + page);
		map_page(w, page);
	}
	put_counts(w, 0, tag_of("Leak"), 1000, 20, 0);
	put_counts(w, PAGE_SIZE, tag_of("Leak"), -400, 0, 8);
	put_counts(w, 0, tag_of("Irp "), 512, 2, 0);
}

static void one_processor_may_be_negative(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	struct tracker t;
	struct pair p;

	two_processors(w);
	open_world(w);
	pair_init(&p);
	assert_int_equal(tracker_read(w->space, &p.globals, &t, &err), PS_OK);
	assert_true(t.complete);
	assert_int_equal(t.row_count, 2);
	assert_int_equal(t.rows[0].nonpaged.bytes + t.rows[1].nonpaged.bytes, 600 + 512);
	for (size_t i = 0; i < t.row_count; i++) {
		assert_true(t.rows[i].complete);
		if (t.rows[i].tag == tag_of("Leak"))
			assert_int_equal(t.rows[i].nonpaged.diff, 12);
	}
	assert_int_equal(t.nonpaged_bytes, 1112);
	tracker_fini(&t);
}

static void a_missing_processor_makes_its_tags_incomplete(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	struct tracker t;
	struct pair p;

	two_processors(w);
	drop_page(w, 1);
	open_world(w);
	pair_init(&p);
	assert_int_equal(tracker_read(w->space, &p.globals, &t, &err), PS_OK);
	assert_false(t.complete);
	assert_string_equal(t.incomplete_reason,
			    "not in the dump: 1 of 1 pages of processor 1's table");
	for (size_t i = 0; i < t.row_count; i++)
		assert_false(t.rows[i].complete);
	assert_int_equal(t.pages_expected, 2);
	assert_int_equal(t.pages_present, 1);
	tracker_fini(&t);
}

/* The file shrinks under the last page of the tables: the page is listed, and the words say so. */
static void an_unreadable_page_is_not_called_absent(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	struct tracker t;
	struct pair p;

	signals_init(); /* cmocka has put its own SIGBUS handler in place */
	two_processors(w);
	open_world(w);
	pair_init(&p);
	assert_int_equal(truncate(w->image.path, (off_t)(w->dump->file.size - PAGE_SIZE)), 0);
	assert_int_equal(tracker_read(w->space, &p.globals, &t, &err), PS_OK);
	assert_false(t.complete);
	assert_string_equal(t.incomplete_reason,
			    "unreadable on the disk: 1 of 1 pages of processor 1's table");
	tracker_fini(&t);
}

static void a_last_entry_without_a_key_is_overflow(void **state)
{
	struct world *w = *state;
	struct ps_error err = PS_ERROR_INIT;
	struct tracker t;
	struct pair p;

	two_processors(w);
	put64(w, PAGE_SIZE + 64 * ENTRY + 8, 4096);
	put64(w, PAGE_SIZE + 64 * ENTRY + 16, 1);
	open_world(w);
	pair_init(&p);
	assert_int_equal(tracker_read(w->space, &p.globals, &t, &err), PS_OK);
	assert_int_equal(t.row_count, 3);
	assert_true(t.rows[2].overflow);
	assert_int_equal(t.rows[2].tag, tag_of("Ovfl"));
	assert_int_equal(t.rows[2].nonpaged.bytes, 4096);
	tracker_fini(&t);
}

static struct big_flags_vote count_types(const uint32_t *types, size_t count)
{
	struct big_flags_vote vote = {0};

	for (size_t i = 0; i < count; i++)
		big_flags_count(&vote, types[i]);
	return vote;
}

static void flags_and_types_are_told_apart(void **state)
{
	static const uint32_t types[] = {0x200, 0x201, 0, 1, 0x204, 0x5, 0x600, 0x21};
	static const uint32_t flags[] = {0x40, 0x41, 0x80, 0x100, 0x101, 0x42, 0x102, 0x40};
	const struct fact none = {.known = false};
	struct big_flags_vote vote;
	bool known;

	(void)state;
	vote = count_types(types, 8);
	assert_true(big_flags_decided(&vote));
	assert_false(big_flags_result(&vote, &none, &known));
	assert_true(known);
	vote = count_types(flags, 8);
	assert_true(big_flags_decided(&vote));
	assert_true(big_flags_result(&vote, &none, &known));
	assert_true(known);
}

static void few_types_need_the_build(void **state)
{
	static const uint32_t paged_flag[] = {0x100};
	const struct fact build_26100 = {true, 26100}, build_17763 = {true, 17763};
	struct big_flags_vote vote = count_types(paged_flag, 1);
	bool known;

	(void)state;
	assert_false(big_flags_decided(&vote));
	assert_true(big_flags_result(&vote, &build_26100, &known));
	assert_true(known);
	assert_true(big_flags_result(&vote, &build_17763, &known));
	assert_false(known);
	vote = (struct big_flags_vote){0};
	assert_true(big_flags_result(&vote, &build_26100, &known));
	assert_true(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_known_tags),
		cmocka_unit_test_setup_teardown(vote_finds_a_sparse_table, world_init, world_fini),
		cmocka_unit_test_setup_teardown(vote_finds_a_full_table, world_init, world_fini),
		cmocka_unit_test_setup_teardown(vote_finds_a_table_with_its_first_pages_missing,
						world_init, world_fini),
		cmocka_unit_test_setup_teardown(vote_refuses_random_bytes, world_init, world_fini),
		cmocka_unit_test_setup_teardown(one_processor_may_be_negative, world_init,
						world_fini),
		cmocka_unit_test_setup_teardown(an_unreadable_page_is_not_called_absent, world_init,
						world_fini),
		cmocka_unit_test_setup_teardown(a_missing_processor_makes_its_tags_incomplete,
						world_init, world_fini),
		cmocka_unit_test_setup_teardown(a_last_entry_without_a_key_is_overflow, world_init,
						world_fini),
		cmocka_unit_test(flags_and_types_are_told_apart),
		cmocka_unit_test(few_types_need_the_build),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
