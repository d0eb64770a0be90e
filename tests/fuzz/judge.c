/*
 * Runs the whole program over one damaged file, in this process, and judges what it says.
 */
#include "tests/fuzz/judge.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/desk/case.h"
#include "analyzer/report/render.h"

enum { JUDGE_FAILED = 99 };

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "judged wrong: ");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_Exit(JUDGE_FAILED);
}

/* ---- what is expected ---- */

static bool read_numbers(FILE *file, uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fscanf(file, "%" SCNu64, &numbers[i]) != 1)
			return false;
	}
	return true;
}

static bool add_tag(FILE *file, struct expected *e)
{
	uint64_t numbers[7];

	e->tags = reallocarray(e->tags, e->tag_count + 1, sizeof(*e->tags));
	if (!e->tags || !read_numbers(file, numbers, 7))
		return false;
	e->tags[e->tag_count].tag = (uint32_t)numbers[0];
	memcpy(e->tags[e->tag_count++].counts, numbers + 1, 6 * sizeof(*numbers));
	return true;
}

static bool add_big(FILE *file, struct expected *e)
{
	uint64_t numbers[5];

	e->big = reallocarray(e->big, e->big_count + 1, sizeof(*e->big));
	if (!e->big || !read_numbers(file, numbers, 5))
		return false;
	e->big[e->big_count].tag = (uint32_t)numbers[0];
	memcpy(e->big[e->big_count++].counts, numbers + 1, 4 * sizeof(*numbers));
	return true;
}

bool expected_read(const char *path, struct expected *ret)
{
	FILE *file = fopen(path, "r");
	bool good = file != NULL;
	char word[16];
	uint64_t number;

	*ret = (struct expected){0};
	while (good && fscanf(file, "%15s", word) == 1) {
		if (strcmp(word, "tag") == 0) {
			good = add_tag(file, ret);
		} else if (strcmp(word, "big") == 0) {
			good = add_big(file, ret);
		} else {
			good = read_numbers(file, &number, 1);
			*(strcmp(word, "modules") == 0 ? &ret->modules : &ret->unloaded) = number;
		}
	}
	if (file)
		fclose(file);
	return good;
}

void expected_fini(struct expected *expected)
{
	free(expected->tags);
	free(expected->big);
	*expected = (struct expected){0};
}

/* ---- the judgement ---- */

static const struct true_tag *find_tag(const struct expected *e, uint32_t tag)
{
	for (size_t i = 0; i < e->tag_count; i++) {
		if (e->tags[i].tag == tag)
			return &e->tags[i];
	}
	return NULL;
}

static void judge_row(const struct expected *e, const struct tag_row *row)
{
	const struct true_tag *want = find_tag(e, row->tag);
	const uint64_t got[6] = {
		row->nonpaged.allocs, row->nonpaged.frees, (uint64_t)row->nonpaged.bytes,
		row->paged.allocs,    row->paged.frees,    (uint64_t)row->paged.bytes,
	};

	if (!row->complete)
		return;
	if (!want)
		fail("tag %08" PRIx32 " is called complete and does not exist", row->tag);
	for (unsigned i = 0; i < 6; i++) {
		if (got[i] != want->counts[i])
			fail("tag %08" PRIx32 " is called complete, number %u is %" PRIu64
			     " instead of %" PRIu64,
			     row->tag, i, got[i], want->counts[i]);
	}
}

static void judge_tracker(const struct expected *e, const struct tracker *tracker)
{
	for (size_t i = 0; i < tracker->row_count; i++) {
		if (tracker->complete && !tracker->rows[i].complete)
			fail("a row of a complete table is incomplete");
		if (e)
			judge_row(e, &tracker->rows[i]);
	}
	if (tracker->pages_present > tracker->pages_expected)
		fail("more tracker pages than there can be");
	if (tracker->complete && tracker->pages_present != tracker->pages_expected)
		fail("the tracker is called complete with pages missing");
	if (e && tracker->complete && tracker->row_count != e->tag_count)
		fail("%zu rows of %zu, and the tracker is called complete", tracker->row_count,
		     e->tag_count);
}

/* Where XP's and 2003's pool ranges are lost, blocks are of an unknown pool: the sum is exact. */
static bool is_same_sum(const struct big_sum *sum, const uint64_t want[4])
{
	if (sum->unknown_count == 0)
		return sum->nonpaged_count == want[0] && sum->nonpaged_bytes == want[1] &&
		       sum->paged_count == want[2] && sum->paged_bytes == want[3];
	return sum->nonpaged_count <= want[0] && sum->nonpaged_bytes <= want[1] &&
	       sum->paged_count <= want[2] && sum->paged_bytes <= want[3] &&
	       sum->nonpaged_count + sum->paged_count + sum->unknown_count == want[0] + want[2] &&
	       sum->nonpaged_bytes + sum->paged_bytes + sum->unknown_bytes == want[1] + want[3];
}

static void judge_big(const struct expected *e, const struct big_pages *big,
		      const struct report *report)
{
	if (big->complete && big->pages_present != big->pages_expected)
		fail("the big-page table is called complete with pages missing");
	if (!e || !big->complete)
		return;
	if (big->sum_count != e->big_count)
		fail("%zu tags of %zu in a big-page table called complete", big->sum_count,
		     e->big_count);
	for (size_t i = 0; i < e->big_count; i++) {
		const struct big_sum *sum = big_pages_sum(big, e->big[i].tag);

		if (!sum || !is_same_sum(sum, e->big[i].counts))
			fail("big pages of tag %08" PRIx32 " differ in a table called complete",
			     e->big[i].tag);
		if (sum->unknown_count && !report->incomplete)
			fail("blocks of an unknown pool, and the report does not say so");
	}
}

static void judge_modules(const struct expected *e, const struct kernel *kernel)
{
	if (kernel->modules.complete && kernel->modules.count != e->modules)
		fail("%zu modules of %zu, and the list is called complete", kernel->modules.count,
		     e->modules);
	if (kernel->unloaded.complete && kernel->unloaded.count != e->unloaded)
		fail("%zu unloaded modules of %zu, and the list is called complete",
		     kernel->unloaded.count, e->unloaded);
}

static void judge_case(const struct expected *e, const struct case_file *c,
		       const struct report *report)
{
	bool whole = c->pools && c->pools->tracker.complete && c->pools->big_available &&
		     c->pools->big.complete && c->kernel->modules.complete;

	if (e && c->dump->complete)
		fail("the file lost bytes and is called complete");
	if (c->pools)
		judge_tracker(e, &c->pools->tracker);
	if (c->pools && c->pools->big_available)
		judge_big(e, &c->pools->big, report);
	if (e && c->kernel)
		judge_modules(e, c->kernel);
	if (!whole && !report->incomplete)
		fail("a table is incomplete and the report does not say so");
}

/* ---- running it ---- */

/* True when this JSON is new. FNV-1a. */
static bool remember(struct rendered *r, const char *text, size_t size)
{
	const size_t places = sizeof(r->hashes) / sizeof(*r->hashes);
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3;
	if (r->hashes[hash % places] == hash)
		return false;
	r->hashes[hash % places] = hash;
	return true;
}

static void check_json(const char *text, size_t size)
{
	json_error_t error;
	json_t *json = json_loadb(text, size, 0, &error);

	if (!json)
		fail("the JSON is none: %s", error.text);
	json_decref(json);
}

static void render_views(struct report *report, FILE *out)
{
	static const struct render_options options = {.color = true, .width = 100};
	static const enum report_view views[] = {VIEW_ANALYZE, VIEW_TAGS, VIEW_BIG, VIEW_MODULES,
						 VIEW_INFO};
	struct ps_error err = PS_ERROR_INIT;

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		report->view = views[i];
		if (render_text(report, &options, out, &err) != PS_OK)
			fail("no text: %s", err.text);
	}
	report->view = VIEW_ANALYZE;
	if (render_html(report, out, &err) != PS_OK)
		fail("no page: %s", err.text);
}

static void render_all(struct report *report, struct rendered *rendered)
{
	struct ps_error err = PS_ERROR_INIT;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out || render_json(report, out, &err) != PS_OK || fflush(out) != 0)
		fail("no JSON: %s", err.text);
	if (!rendered || remember(rendered, text, size)) {
		check_json(text, size);
		rewind(out);
		render_views(report, out);
	}
	fclose(out);
	free(text);
}

/* Lives as long as the reports made by it: their rows are read while they are rendered. */
static const struct selection everything = {
	.sections = SECTION_SYSTEM | SECTION_MODULES | SECTION_TRACKER | SECTION_TAGS |
		    SECTION_TOP | SECTION_BIG | SECTION_BIG_TAGS | SECTION_BIG_LIST |
		    SECTION_TOTALS | SECTION_FINDINGS | SECTION_OWNERS | SECTION_DRIVERS |
		    SECTION_PROCESSES,
	.with_freed = true,
	.with_empty = true,
};

static bool report_case(struct case_file *c, const struct tag_names *names, struct report **ret)
{
	const struct case_texts texts = {.names = names};
	struct ps_error err = PS_ERROR_INIT;

	if (case_report(c, &everything, &texts, ret, &err) == PS_OK)
		return true;
	if (err.text[0] == '\0')
		fail("refused without a word");
	return false;
}

/* Every refusal says which file and why; a second line, what would help. */
static void judge_refusal(const struct ps_error *err, const char *path)
{
	const char *name = strrchr(path, '/');

	if (err->text[0] == '\0')
		fail("refused without a word");
	if (!strstr(err->text, name ? name : path))
		fail("a refusal that does not name the file: %s", err->text);
}

enum outcome judge(const char *path, enum dump_reader reader, enum judge_depth depth,
		   const struct expected *expected, struct rendered *rendered,
		   struct ps_error *ret_refusal)
{
	struct ps_error err = PS_ERROR_INIT;
	enum outcome outcome = OUTCOME_REFUSED;
	struct report *report = NULL;
	struct tag_names *names = NULL;
	struct progress progress;
	struct case_file c = {0};

	progress_init(&progress, false);
	if (tag_names_create(&names, &err) != PS_OK)
		fail("no tag names: %s", err.text);
	if (case_init(&c, path, CASE_POOLS, reader, NULL, &progress, &err) != PS_OK ||
	    case_read_processes(&c, &err) != PS_OK ||
	    (depth == JUDGE_OWNERS && case_find_owners(&c, &(struct owner_options){.threads = 0},
						       &progress, &err) != PS_OK)) {
		judge_refusal(&err, path);
		*ret_refusal = err;
	} else if (report_case(&c, names, &report)) {
		judge_case(expected, &c, report);
		outcome = !c.pools             ? OUTCOME_REFUSED
			  : report->incomplete ? OUTCOME_INCOMPLETE
					       : OUTCOME_COMPLETE;
		render_all(report, rendered);
		if (!c.pools)
			*ret_refusal = c.pools_error;
	}
	report_destroy(report);
	case_fini(&c);
	tag_names_destroy(names);
	return outcome;
}
