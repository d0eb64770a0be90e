/*
 * The plugins about owners over evidence made by hand: what goes to which driver, that the sums
 * stay those of the pool, and the words for a column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/plugin.h"

enum { ROWS = 9, IMAGES = 4, CANDIDATES = 16 };

static uint32_t tag_of(const char *text)
{
	uint32_t tag;

	memcpy(&tag, text, sizeof(tag));
	return tag;
}

/* Tags by their value, as owners have them: the first letter decides. */
static const struct {
	const char *tag;
	int64_t nonpaged, paged;
} usage[ROWS] = {
	{"Aaaa", 1000, 10}, /* one driver */
	{"Baaa", 500, 0},   /* the same, by a free site */
	{"Caaa", 300, 30},  /* two drivers */
	{"Daaa", 200, 0},   /* bytes only */
	{"Eaaa", 100, 0},   /* for others, by nt */
	{"Faaa", 0, 50},    /* for others, by one driver */
	{"Gaaa", 7, 0},     /* nothing known */
	{"Haaa", 0, 0},     /* never used */
	{"Iaaa", 4, 4},     /* in a library's code */
};

struct fixture {
	struct kernel kernel;
	struct pools pools;
	struct tag_row rows[ROWS];
	struct module modules[IMAGES];
	struct owner_image images[IMAGES];
	struct owner_tag tags[ROWS];
	struct owner_candidate candidates[CANDIDATES];
	struct owner_evidence evidence[CANDIDATES];
	size_t candidate_count;
	struct owners owners;
	struct selection selection;
	struct dump dump;
	struct ps_error error;
	struct plugin_input input;
	struct report *report;
};

static void add_candidate(struct fixture *f, size_t module, enum owner_grade grade)
{
	struct owner_tag *tag = &f->tags[f->owners.tag_count - 1];
	struct owner_candidate *c = &f->candidates[f->candidate_count];
	struct owner_evidence *e = &f->evidence[f->candidate_count++];

	*e = (struct owner_evidence){
		.grade = grade, .rva = 0x1034, .api = "ExAllocatePoolWithTag", .section = ".text"};
	*c = (struct owner_candidate){
		.module = module, .grade = grade, .evidence = e, .evidence_count = 1};
	c->counts[grade] = 1;
	if (!tag->candidates)
		tag->candidates = c;
	tag->candidate_count++;
}

static void add_tag(struct fixture *f, const char *tag, bool for_others)
{
	f->tags[f->owners.tag_count++] =
		(struct owner_tag){.tag = tag_of(tag), .for_others = for_others};
}

static void know_owners(struct fixture *f)
{
	add_tag(f, "Aaaa", false);
	add_candidate(f, 1, OWNER_CALL_SITE);
	add_candidate(f, 2, OWNER_FREE_SITE);
	add_tag(f, "Baaa", false);
	add_candidate(f, 1, OWNER_FREE_SITE);
	add_tag(f, "Caaa", false);
	add_candidate(f, 1, OWNER_CALL_SITE);
	add_candidate(f, 2, OWNER_CALL_SITE);
	add_tag(f, "Daaa", false);
	add_candidate(f, 2, OWNER_BYTES);
	add_tag(f, "Eaaa", true);
	add_tag(f, "Faaa", true);
	add_candidate(f, 2, OWNER_CALL_SITE);
	add_tag(f, "Haaa", false);
	add_candidate(f, 3, OWNER_CALL_SITE);
	add_tag(f, "Iaaa", false);
	add_candidate(f, 3, OWNER_LIBRARY);
}

static void begin(struct fixture *f, bool complete)
{
	static const char *const names[IMAGES] = {"ntoskrnl.exe", "a.sys", "b.sys", "c.sys"};

	*f = (struct fixture){.kernel = {.pointer_size = 8}};
	f->pools.kernel = &f->kernel;
	f->pools.tracker.rows = f->rows;
	f->pools.tracker.row_count = ROWS;
	f->pools.tracker.complete = complete;
	for (unsigned i = 0; i < ROWS; i++) {
		f->rows[i] = (struct tag_row){
			.tag = tag_of(usage[i].tag),
			.complete = complete,
			.nonpaged = {1, 0, 1, usage[i].nonpaged},
			.paged = {1, 0, 1, usage[i].paged},
		};
		if (i == 7)
			f->rows[i].nonpaged = f->rows[i].paged = (struct tag_side){0};
		f->pools.tracker.nonpaged_bytes += usage[i].nonpaged;
		f->pools.tracker.paged_bytes += usage[i].paged;
	}
	for (unsigned i = 0; i < IMAGES; i++) {
		f->modules[i] = (struct module){.name = (char *)names[i], .size = 0x1000};
		f->images[i] = (struct owner_image){.name = (char *)names[i],
						    .kernel_itself = i == 0,
						    .microsoft = (enum owner_microsoft)(i % 3)};
	}
	strcpy(f->images[1].version.company, "Fabrikam");
	strcpy(f->images[1].version.file_version, "7.1");
	f->images[1].version.present = true;
	strcpy(f->images[2].version.why_not, "the resources are not in the dump");
	f->kernel.modules =
		(struct module_list){.items = f->modules, .count = IMAGES, .complete = true};
	f->kernel.unloaded.complete = true;
	f->owners = (struct owners){.tags = f->tags, .images = f->images, .image_count = IMAGES};
	know_owners(f);
	f->input = (struct plugin_input){.dump = &f->dump,
					 .kernel = &f->kernel,
					 .kernel_error = &f->error,
					 .pools = &f->pools,
					 .pools_error = &f->error,
					 .owners = &f->owners,
					 .owners_error = &f->error,
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

static const struct report_driver *driver(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->report->drivers.count; i++) {
		if (strcmp(f->report->drivers.items[i].module, name) == 0)
			return &f->report->drivers.items[i];
	}
	return NULL;
}

static void roll_up(void **state)
{
	const struct report_driver *d;
	struct fixture f;

	(void)state;
	begin(&f, true);
	run(&f, plugin_drivers);
	assert_true(f.report->drivers.available);
	assert_int_equal(f.report->drivers.count, 3);
	assert_int_equal(f.report->drivers.trust, FIGURE_EXACT);
	/* the most bytes first */
	d = &f.report->drivers.items[0];
	assert_string_equal(d->module, "a.sys");
	assert_int_equal(d->nonpaged, 1500);
	assert_int_equal(d->paged, 10);
	assert_int_equal(d->tag_count, 2);
	assert_int_equal(d->tags[0], tag_of("Aaaa"));
	assert_int_equal(d->microsoft, 1);
	assert_string_equal(d->version.company.value, "Fabrikam");
	d = driver(&f, "nt");
	assert_int_equal(d->nonpaged, 100);
	assert_int_equal(d->others_nonpaged, 100);
	assert_int_equal(d->others_count, 1);
	/* what one driver is shown to allocate for others is its own, with the mark */
	d = driver(&f, "b.sys");
	assert_int_equal(d->paged, 50);
	assert_int_equal(d->others_paged, 50);
	assert_int_equal(d->nonpaged, 0);
	assert_false(d->version.available);
	assert_string_equal(d->version.note, "the resources are not in the dump");
	assert_null(driver(&f, "c.sys"));
	report_destroy(f.report);
}

static void what_is_no_single_drivers(void **state)
{
	const struct report_remainder *r;
	struct fixture f;

	(void)state;
	begin(&f, true);
	run(&f, plugin_drivers);
	r = &f.report->drivers.shared;
	assert_int_equal(r->tag_count, 1);
	assert_int_equal(r->nonpaged, 300);
	assert_int_equal(r->paged, 30);
	assert_string_equal(r->names[0], "a.sys, b.sys");
	r = &f.report->drivers.unowned;
	assert_int_equal(r->tag_count, 3);
	assert_int_equal(r->tags[0], tag_of("Daaa"));
	assert_int_equal(r->nonpaged, 211);
	report_destroy(f.report);
}

static void sums_are_those_of_the_pool(void **state)
{
	const struct report_drivers *d;
	struct fixture f;

	(void)state;
	for (unsigned complete = 0; complete < 2; complete++) {
		int64_t nonpaged, paged;

		begin(&f, complete);
		f.rows[3].nonpaged.bytes -= 900; /* less than nothing, where pages are missing */
		f.pools.tracker.nonpaged_bytes -= 900;
		run(&f, plugin_drivers);
		d = &f.report->drivers;
		nonpaged = d->shared.nonpaged + d->unowned.nonpaged;
		paged = d->shared.paged + d->unowned.paged;
		for (size_t i = 0; i < d->count; i++) {
			nonpaged += d->items[i].nonpaged;
			paged += d->items[i].paged;
		}
		assert_int_equal(nonpaged, f.pools.tracker.nonpaged_bytes);
		assert_int_equal(paged, f.pools.tracker.paged_bytes);
		assert_int_equal(d->trust, complete ? FIGURE_EXACT : FIGURE_ABOUT);
		assert_int_equal(f.report->incomplete, !complete);
		report_destroy(f.report);
	}
}

static void modules_lead_to_their_bytes(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	run(&f, plugin_modules);
	run(&f, plugin_drivers);
	assert_int_equal(f.report->modules.count, IMAGES);
	for (unsigned i = 0; i < 3; i++) {
		size_t place = f.report->modules.items[i].driver;

		assert_true(place > 0);
		assert_string_equal(f.report->drivers.items[place - 1].module,
				    i == 0 ? "nt" : f.modules[i].name);
	}
	assert_int_equal(f.report->modules.items[3].driver, 0);
	assert_true(f.report->modules.items[1].version.available);
	assert_false(f.report->modules.items[2].version.available);
	report_destroy(f.report);
}

static void without_owners(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	f.input.owners = NULL;
	ps_fail(&f.error, PS_UNSUPPORTED, "a minidump does not hold the code of drivers");
	run(&f, plugin_owners);
	run(&f, plugin_drivers);
	assert_false(f.report->has_owners);
	assert_string_equal(f.report->owners_note, "a minidump does not hold the code of drivers");
	assert_false(f.report->drivers.available);
	assert_string_equal(f.report->drivers.note, "a minidump does not hold the code of drivers");
	/* no printed figure lacks anything */
	assert_false(f.report->incomplete);
	report_destroy(f.report);
}

/* Without a dump the same words are made from files alone. */
static void words_for_a_column(void **state)
{
	static const struct {
		const char *words;
		enum report_ownership ownership;
	} want[] = {
		{"a.sys", OWNED_BY_ONE},
		{"a.sys", OWNED_BY_ONE},
		{"a.sys or b.sys", OWNED_BY_SEVERAL},
		{"b.sys ?", OWNED_PERHAPS},
		{"nt *", OWNED_FOR_OTHERS},
		{"b.sys *", OWNED_FOR_OTHERS},
		{"c.sys", OWNED_BY_ONE},
		{"c.sys ?", OWNED_PERHAPS},
	};
	struct fixture f;

	(void)state;
	begin(&f, true);
	f.input.dump = NULL;
	f.input.kernel = NULL;
	f.input.pools = NULL;
	run(&f, plugin_owners);
	assert_true(f.report->has_owners);
	assert_int_equal(f.report->owner_count, 8);
	for (unsigned i = 0; i < 8; i++) {
		assert_string_equal(f.report->owners[i].words, want[i].words);
		assert_int_equal(f.report->owners[i].ownership, want[i].ownership);
	}
	report_destroy(f.report);
}

static void evidence_in_words(void **state)
{
	const struct report_candidate *c;
	struct fixture f;

	(void)state;
	begin(&f, true);
	f.evidence[0].levels = 1;
	f.evidence[0].wrapper = 0x2000;
	f.evidence[0].wrapper_module = 2;
	f.evidence[0].one_of_several = true;
	f.input.dump = NULL;
	f.input.kernel = NULL;
	f.input.pools = NULL;
	run(&f, plugin_owners);
	c = &f.report->owners[0].candidates[0];
	assert_true(c->proof);
	assert_string_equal(c->grade, "call site");
	assert_string_equal(c->evidence[0].text,
			    "passes the tag to ExAllocatePoolWithTag at a.sys+0x1034 (.text), "
			    "through the wrapper at b.sys+0x2000; the same place can pass other "
			    "tags too");
	assert_false(c->evidence[0].address.has_value);
	c = &f.report->owners[3].candidates[0];
	assert_false(c->proof);
	assert_string_equal(c->evidence[0].text, "has the four bytes at b.sys+0x1034 (.text)");
	report_destroy(f.report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roll_up),
		cmocka_unit_test(what_is_no_single_drivers),
		cmocka_unit_test(sums_are_those_of_the_pool),
		cmocka_unit_test(modules_lead_to_their_bytes),
		cmocka_unit_test(without_owners),
		cmocka_unit_test(words_for_a_column),
		cmocka_unit_test(evidence_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
