/*
 * The plugins over pools made by hand: selection, order, what counts as incomplete, findings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "plugins/plugin.h"

enum { ROWS = 5 };

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

static const struct tag_row table[ROWS] = {
	{.complete = true, .nonpaged = {100, 40, 60, 6000}, .paged = {7, 7, 0, 0}},
	{.complete = true, .nonpaged = {5, 1, 4, 40960}},
	{.complete = true, .paged = {900, 100, 800, 8000}},
	{.complete = false, .nonpaged = {3, 9, -6, -600}},
	{.complete = true},
};
static const char *const names[ROWS] = {"Aaaa", "Bbbb", "Cccc", "Dddd", "Zero"};

/* Everything a plugin looks at, without a dump. */
struct fixture {
	struct kernel kernel;
	struct pools pools;
	struct tag_row rows[ROWS + 2];
	struct selection selection;
	struct ps_error error;
	struct dump dump;
	struct plugin_input input;
	struct report *report;
};

static void add_row(struct fixture *f, const char *tag, const struct tag_row *row)
{
	struct tracker *t = &f->pools.tracker;

	f->rows[t->row_count] = *row;
	f->rows[t->row_count].tag = tag_of(tag);
	assert_true(hash_add(&t->index, tag_of(tag), (uint32_t)t->row_count));
	t->row_count++;
}

static void begin(struct fixture *f, bool complete)
{
	*f = (struct fixture){.selection = {.sections = SECTION_TAGS}};
	f->pools.kernel = &f->kernel;
	f->kernel.dump = &f->dump;
	f->pools.tracker.rows = f->rows;
	f->pools.tracker.complete = complete;
	f->pools.tracker.nonpaged_bytes = 100000;
	f->pools.tracker.paged_bytes = 8000;
	strcpy(f->pools.tracker.incomplete_reason, complete ? "" : "page 3 is missing");
	hash_init(&f->pools.tracker.index);
	for (unsigned i = 0; i < ROWS; i++)
		add_row(f, names[i], &table[i]);
	f->input = (struct plugin_input){.dump = &f->dump,
					 .kernel = &f->kernel,
					 .kernel_error = &f->error,
					 .pools = &f->pools,
					 .pools_error = &f->error,
					 .selection = &f->selection};
	f->report = report_create();
	assert_non_null(f->report);
}

static void run(struct fixture *f, enum ps_status (*plugin)(const struct plugin_input *,
							    struct report *, struct ps_error *))
{
	struct ps_error err = PS_ERROR_INIT;

	assert_int_equal(plugin(&f->input, f->report, &err), PS_OK);
}

static void end(struct fixture *f)
{
	report_destroy(f->report);
	hash_fini(&f->pools.tracker.index);
}

/* Order of the lines as "A B" for nonpaged and "a b" for paged. */
static void expect_lines(struct fixture *f, const char *want)
{
	const struct report_lines *lines = &f->report->lines;
	char got[64] = "";

	for (size_t i = 0; i < lines->count; i++) {
		char name = (char)(f->report->tags[lines->items[i].tag].tag & 0xff);

		got[i] = lines->items[i].paged ? (char)(name - 'A' + 'a') : name;
		got[i + 1] = '\0';
	}
	assert_string_equal(got, want);
}

static void order(void **state)
{
	static const struct {
		enum tag_sort sort;
		const char *lines;
	} orders[] = {
		{SORT_BYTES, "BcAadD"}, {SORT_DIFF, "cABadD"}, {SORT_ALLOCS, "cAaBDd"},
		{SORT_FREES, "cADaBd"}, {SORT_TAG, "AaBcDd"},  {SORT_PER_ALLOC, "BAcaDd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct fixture f;

		begin(&f, true);
		f.selection.sort = orders[i].sort;
		run(&f, plugin_tags);
		expect_lines(&f, orders[i].lines);
		end(&f);
	}
}

static void filters(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	f.selection.filter = FILTER_PAGED;
	run(&f, plugin_tags);
	expect_lines(&f, "cad");
	/* both pools of a tag are in the model, whatever rows are printed */
	assert_int_equal(f.report->tags[1].nonpaged.bytes, 6000);
	end(&f);

	begin(&f, true);
	f.selection.filter = FILTER_NONPAGED;
	f.selection.top = 2;
	run(&f, plugin_tags);
	expect_lines(&f, "BA");
	assert_int_equal(f.report->lines.left_out, 1);
	assert_int_equal(f.report->tag_count, 2);
	end(&f);

	begin(&f, true);
	f.selection.with_empty = true;
	run(&f, plugin_tags);
	assert_int_equal(f.report->lines.count, 2 * ROWS);
	assert_int_equal(f.report->tag_count, ROWS);
	end(&f);
}

/* Zeros of a row that was not wholly read are bounds: the row is printed, and the answer is not
 * complete. */
static void unread_row_is_shown(void **state)
{
	static const struct tag_row unread = {.complete = false};
	struct fixture f;

	(void)state;
	begin(&f, false);
	add_row(&f, "Eeee", &unread);
	f.selection.tags[0] = (struct tag_pattern){.bytes = {'E', 'e', 'e', 'e'}};
	f.selection.tag_count = 1;
	run(&f, plugin_tags);
	expect_lines(&f, "Ee");
	assert_true(f.report->incomplete);
	end(&f);
}

static void per_alloc_and_share(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	run(&f, plugin_tags);
	assert_true(f.report->lines.items[0].has_per_alloc);
	assert_int_equal(f.report->lines.items[0].per_alloc, 10240);
	assert_int_equal(f.report->lines.items[0].share_permille, 410);
	/* nothing outstanding, and less than nothing */
	assert_false(f.report->lines.items[3].has_per_alloc);
	assert_false(f.report->lines.items[4].has_per_alloc);
	assert_false(f.report->lines.items[5].has_per_alloc);
	assert_false(f.report->lines.items[5].has_share);
	end(&f);
}

static struct tag_pattern pattern(const char *text)
{
	struct tag_pattern p = {.any = {0}};

	for (unsigned i = 0; i < 4; i++) {
		p.bytes[i] = (uint8_t)text[i];
		p.any[i] = text[i] == '?';
	}
	return p;
}

static bool is_incomplete(bool complete, size_t top, const char *tag)
{
	struct fixture f;
	bool result;

	begin(&f, complete);
	f.selection.top = top;
	if (tag) {
		f.selection.tags[0] = pattern(tag);
		f.selection.tag_count = 1;
	}
	run(&f, plugin_tags);
	result = f.report->incomplete;
	end(&f);
	return result;
}

static void what_is_incomplete(void **state)
{
	(void)state;
	/* Dddd's own row is not complete */
	assert_true(is_incomplete(true, 0, NULL));
	assert_true(is_incomplete(true, 0, "Dddd"));
	assert_false(is_incomplete(true, 2, NULL));
	assert_false(is_incomplete(true, 0, "Aaaa"));
	assert_false(is_incomplete(true, 0, "None"));
	/* pages are missing: rows may be missing too, unless the ones asked for are there */
	assert_true(is_incomplete(false, 0, NULL));
	assert_false(is_incomplete(false, 0, "Aaaa"));
	/* a tag that was not read may belong among the first two */
	assert_true(is_incomplete(false, 2, NULL));
	assert_false(is_incomplete(false, 2, "Aaaa"));
	assert_true(is_incomplete(false, 0, "None"));
	assert_true(is_incomplete(false, 0, "A???"));
	assert_false(is_incomplete(true, 0, "A???"));
}

static void protected_bit(void **state)
{
	struct tag_pattern p = pattern("Aaaa");

	(void)state;
	assert_true(tag_pattern_matches(&p, tag_of("Aaaa")));
	p.bytes[3] |= 0x80;
	assert_true(tag_pattern_matches(&p, tag_of("Aaaa")));
	assert_false(tag_pattern_matches(&p, tag_of("Aaab")));
}

static void no_pools(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	ps_fail(&f.error, PS_ABSENT, "cannot read PoolTrackTable");
	f.input.pools = NULL;
	f.selection.sections = SECTION_TAGS | SECTION_TOTALS | SECTION_BIG | SECTION_FINDINGS;
	run(&f, plugin_tracker);
	run(&f, plugin_totals);
	run(&f, plugin_tags);
	run(&f, plugin_big_pages);
	run(&f, plugin_cross_check);
	assert_false(f.report->tracker.available);
	assert_string_equal(f.report->tracker.note, "cannot read PoolTrackTable");
	assert_false(f.report->has_tags);
	assert_false(f.report->totals.available);
	assert_string_equal(f.report->totals.note, "cannot read PoolTrackTable");
	assert_string_equal(f.report->big.note, "cannot read PoolTrackTable");
	end(&f);
}

/* What the kernel wrote into a minidump, in pages; zero is no figure. */
static void totals_of_minidump(void **state)
{
	struct triage triage = {.mm = {.present = true}};
	struct fixture f;

	(void)state;
	begin(&f, true);
	f.input.pools = NULL;
	f.dump.triage = &triage;
	run(&f, plugin_totals);
	assert_false(f.report->totals.available);
	assert_non_null(strstr(f.report->totals.note, "all zero"));

	triage.mm.filled = true;
	triage.mm.nonpaged_maximum = 0x1000;
	triage.mm.nonpaged_allocated = 0x400;
	triage.mm.committed = UINT64_MAX / 4;
	run(&f, plugin_totals);
	assert_true(f.report->totals.available);
	assert_non_null(f.report->totals.sums_note);
	assert_int_equal(f.report->totals.nonpaged.maximum.number.value, 0x1000000);
	assert_int_equal(f.report->totals.nonpaged.allocated.number.value, 0x400000);
	assert_int_equal(f.report->totals.nonpaged.used_permille, 250);
	assert_false(f.report->totals.paged.allocated.number.has_value);
	assert_string_equal(f.report->totals.paged.allocated.number.note, "the minidump says 0");
	assert_string_equal(f.report->totals.committed.number.note,
			    "the minidump states no possible size");
	end(&f);
}

static void totals(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	run(&f, plugin_totals);
	assert_int_equal(f.report->totals.trust, FIGURE_ABOUT);
	assert_true(f.report->incomplete);
	assert_int_equal(f.report->totals.nonpaged.tag_bytes, 100000);
	assert_false(f.report->totals.nonpaged.maximum.number.has_value);
	assert_string_equal(f.report->totals.nonpaged.maximum.number.note,
			    "there is no KDBG, and no symbols name MmMaximumNonPagedPoolInBytes");
	end(&f);
}

/* A variable that symbols name is not called KDBG's. */
static void totals_by_symbols(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	f.kernel.kdbg.size = KDBG_MIN_SIZE;
	f.kernel.kdbg.from_symbols = 1u << KDBG_MM_SIZE_OF_PAGED_POOL;
	run(&f, plugin_totals);
	assert_string_equal(f.report->totals.paged.maximum.source,
			    "MmSizeOfPagedPoolInBytes (symbols)");
	assert_string_equal(f.report->totals.commit_limit.source, "MmTotalCommitLimit (KDBG)");
	end(&f);
}

static const struct report_finding *find(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->finding_count; i++) {
		if (strcmp(r->findings[i].id, id) == 0)
			return &r->findings[i];
	}
	return NULL;
}

static void no_findings(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	run(&f, plugin_cross_check);
	assert_int_equal(f.report->finding_count, 0);
	end(&f);
}

static void cross_checks(void **state)
{
	static const struct tag_row overflow = {
		.complete = true, .overflow = true, .nonpaged = {4, 1, 3, 4096}};
	static const struct tag_row big = {.complete = true, .paged = {4, 4, 0, 1048576}};
	struct pool_violation violation = {tag_of("Bbbb"), false, 40960, 81920};
	struct fixture f;

	(void)state;
	begin(&f, true);
	add_row(&f, "Ovfl", &overflow);
	add_row(&f, "BIG ", &big);
	f.rows[0].nonpaged.bytes = -1000000;
	f.pools.violations = &violation;
	f.pools.violation_count = 1;
	run(&f, plugin_cross_check);
	assert_non_null(find(f.report, "tag-table-full"));
	assert_non_null(find(f.report, "big-table-full"));
	assert_non_null(find(f.report, "bytes-without-allocations"));
	assert_non_null(find(f.report, "negative-usage"));
	assert_string_equal(find(f.report, "negative-usage")->evidence.items[0],
			    "Aaaa nonpaged: diff 60, bytes -1000000");
	assert_string_equal(find(f.report, "tracker-below-big-pages")->evidence.items[0],
			    "Bbbb nonpaged: tag table 40960 bytes, big pages 81920 bytes");
	end(&f);
}

/* What an incomplete row says is no proof of anything. */
static void incomplete_rows_are_not_judged(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, false);
	f.rows[3].nonpaged.bytes = -1000000000;
	run(&f, plugin_cross_check);
	assert_int_equal(f.report->finding_count, 0);
	end(&f);
}

static void big_sums(void **state)
{
	struct big_sum sums[] = {
		{.tag = tag_of("Aaaa"),
		 .nonpaged_count = 2,
		 .nonpaged_bytes = 8192,
		 .paged_count = 1,
		 .paged_bytes = 65536},
		{.tag = tag_of("Bbbb"), .nonpaged_count = 1, .nonpaged_bytes = 16384},
		{.tag = tag_of("Cccc"), .unknown_count = 1, .unknown_bytes = 4096},
	};
	struct fixture f;

	(void)state;
	begin(&f, true);
	f.pools.big_available = true;
	f.pools.big.sums = sums;
	f.pools.big.sum_count = 3;
	f.pools.big.pages_expected = 2;
	f.pools.big.pages_present = 1;
	f.selection.sections = SECTION_BIG | SECTION_BIG_TAGS;
	f.selection.filter = FILTER_NONPAGED;
	run(&f, plugin_big_pages);
	assert_true(f.report->incomplete);
	assert_int_equal(f.report->big.line_count, 3);
	assert_int_equal(f.report->big.lines[0].bytes, 16384);
	assert_int_equal(f.report->big.lines[1].bytes, 8192);
	assert_int_equal(f.report->big.lines[1].per_alloc, 4096);
	/* may be nonpaged: no filter can rule it out */
	assert_int_equal(f.report->big.lines[2].paged, -1);
	assert_int_equal(f.report->big.tags[1].paged_bytes, 65536);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(filters),
		cmocka_unit_test(unread_row_is_shown),
		cmocka_unit_test(per_alloc_and_share),
		cmocka_unit_test(what_is_incomplete),
		cmocka_unit_test(protected_bit),
		cmocka_unit_test(no_pools),
		cmocka_unit_test(totals),
		cmocka_unit_test(totals_by_symbols),
		cmocka_unit_test(totals_of_minidump),
		cmocka_unit_test(no_findings),
		cmocka_unit_test(cross_checks),
		cmocka_unit_test(incomplete_rows_are_not_judged),
		cmocka_unit_test(big_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
