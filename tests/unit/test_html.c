/*
 * The HTML page over reports made by hand: foreign text never becomes markup, script or control
 * characters; marks and unknowns; evidence that stays bounded; Ctrl-C.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/html.h"
#include "analyzer/report/render.h"
#include "base/signals.h"

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

/* Foreign text with everything that means something to a browser or a terminal. */
#define HOSTILE                                                                                    \
	"<b>&\"'</script><script>alert(1)</script>\x1b[31m\xe2\x80\xae"                            \
	"gnp\xff\xed\xa0\x80\xc2\x85 \xc3\xa9"

/* The same as it may stand on the page. */
#define HARMLESS                                                                                   \
	"&lt;b&gt;&amp;&quot;&#39;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m"   \
	"\\xe2\\x80\\xaegnp\\xff\\xed\\xa0\\x80\\xc2\\x85 \xc3\xa9"

enum { TAGS = 40, EVIDENCE = 9, CANDIDATES = 7 };

static struct report_candidate *make_candidates(struct report *r)
{
	struct report_candidate *all = report_array(r, CANDIDATES, sizeof(*all));
	struct report_evidence *evidence = report_array(r, EVIDENCE, sizeof(*evidence));
	const char **listing = report_array(r, 2, sizeof(*listing));
	struct report_version *version = report_array(r, 1, sizeof(*version));

	assert_true(all && evidence && listing && version);
	listing[0] = "> call " HOSTILE;
	listing[1] = "  ret";
	*version = (struct report_version){.available = true, .company = {HOSTILE, NULL}};
	for (size_t i = 0; i < EVIDENCE; i++)
		evidence[i] = (struct report_evidence){.kind = "call site",
						       .address = {true, 0x1000 + i, NULL},
						       .source = HOSTILE,
						       .text = HOSTILE,
						       .listing = listing,
						       .listing_count = 2};
	for (size_t i = 0; i < CANDIDATES; i++)
		all[i] = (struct report_candidate){.module = HOSTILE,
						   .grade = "call site",
						   .proof = true,
						   .version = version,
						   .evidence = evidence,
						   .evidence_count = EVIDENCE,
						   .evidence_left_out = 100};
	return all;
}

static void add_tags(struct report *r)
{
	struct report_candidate *candidates = make_candidates(r);

	r->has_tags = r->has_owners = true;
	r->tags = report_array(r, TAGS, sizeof(*r->tags));
	r->owners = report_array(r, TAGS, sizeof(*r->owners));
	r->lines.items = report_array(r, TAGS, sizeof(*r->lines.items));
	assert_true(r->tags && r->owners && r->lines.items);
	r->tag_count = r->owner_count = r->lines.count = TAGS;
	for (unsigned i = 0; i < TAGS; i++) {
		uint32_t tag = tag_of("<i>0") + (i << 24);

		r->tags[i] = (struct report_tag){.tag = tag,
						 .nonpaged = {9, 2, 7, 4096},
						 .complete = i % 2 == 0,
						 .image = HOSTILE,
						 .description = {HOSTILE, NULL},
						 .description_source = HOSTILE,
						 .owner = i + 1};
		r->owners[i] = (struct report_owner){.tag = tag,
						     .ownership = OWNED_BY_SEVERAL,
						     .words = HOSTILE,
						     .candidates = candidates,
						     .candidate_count = CANDIDATES};
		r->lines.items[i] = (struct report_line){
			.tag = i, .has_per_alloc = true, .per_alloc = 585, .has_share = true};
	}
	r->top_nonpaged = r->lines;
}

static void add_modules(struct report *r)
{
	struct report_module *m = report_array(r, 1, sizeof(*m));

	assert_non_null(m);
	*m = (struct report_module){.base = 0xfffff80000000000,
				    .size = 69632,
				    .name = {HOSTILE, NULL},
				    .pdb_name = {HOSTILE, NULL},
				    .version = {.available = true, .company = {HOSTILE, NULL}},
				    .unloaded_at = {HOSTILE, NULL}};
	r->modules = (struct report_modules){true, m, 1, true, NULL};
	r->unloaded = (struct report_modules){true, m, 1, false, HOSTILE};
}

static void add_words(struct report *r)
{
	static const char *const ids[] = {"first"};
	static const char *const options[] = {"--html=" HOSTILE};
	struct report_finding *f = report_add_finding(r);
	const char **notes = report_array(r, 1, sizeof(*notes));

	assert_true(f && notes);
	notes[0] = HOSTILE;
	*f = (struct report_finding){.id = "first",
				     .severity = SEVERITY_PROBLEM,
				     .title = HOSTILE,
				     .detail = HOSTILE,
				     .next_step = HOSTILE,
				     .evidence = {notes, 1}};
	r->verdict = (struct report_verdict){HOSTILE, NULL, (const char **)ids, 1};
	r->file.notes = r->system.notes = r->pool_notes = r->owner_notes =
		(struct report_notes){notes, 1};
	r->options = (const char **)options;
	r->option_count = 1;
}

static struct report *make_report(void)
{
	struct report *r = report_create();

	assert_non_null(r);
	r->view = VIEW_ANALYZE;
	r->sections = SECTION_FINDINGS;
	r->file.path = r->file.label = "dumps/" HOSTILE;
	r->file.title = HOSTILE;
	r->system.product = (struct report_string){HOSTILE, NULL};
	r->system.located_by = (struct report_string){HOSTILE, NULL};
	r->system.bugcheck.note = HOSTILE;
	r->tracker.note = r->big.note = r->totals.note = HOSTILE;
	return r;
}

static char *render(const struct report *r, enum ps_status want)
{
	struct ps_error err = PS_ERROR_INIT;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(render_html(r, out, &err), want);
	fclose(out);
	return text;
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		found++;
	return found;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not found: %s", part);
}

/* Everywhere that text of a dump or of the command line can stand. */
static void foreign_text_is_harmless(void **state)
{
	struct report *r = make_report();
	char *text;

	(void)state;
	add_tags(r);
	add_modules(r);
	add_words(r);
	text = render(r, PS_OK);
	assert_null(strstr(text, "<b>&"));
	assert_null(strstr(text, "<script>alert"));
	assert_null(strchr(text, '\x1b'));
	assert_null(strchr(text, '\xff'));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strstr(text, "\xed\xa0"));
	assert_null(strstr(text, "\xc2\x85"));
	assert_int_equal(count(text, "<script>"), 1);
	assert_int_equal(count(text, "</script>"), 1);
	expect(text, "<p>" HARMLESS "</p>");
	expect(text, "<td>" HARMLESS);
	expect(text, "&lt;i&gt;0");
	expect(text, "&gt; call " HARMLESS "\n  ret</pre>");
	/* base_name() cuts at the slash of the end tag, which is all that it may do */
	expect(text, "<dt>File</dt><dd>dumps/" HARMLESS "</dd>");
	expect(text, " --html=" HARMLESS);
	free(text);
	report_destroy(r);
}

static void evidence_is_bounded(void **state)
{
	struct report *r = make_report();
	char *text;

	(void)state;
	add_tags(r);
	text = render(r, PS_OK);
	assert_int_equal(count(text, "<g data-v="), HTML_BARS);
	assert_int_equal(count(text, "<details class=\"owner\""), HTML_BARS);
	assert_int_equal(count(text, "<pre "), HTML_BARS * HTML_CANDIDATES * HTML_EVIDENCE);
	assert_int_equal(count(text, "and 3 more drivers with evidence"), HTML_BARS);
	assert_int_equal(count(text, "and 106 more pieces of evidence"),
			 HTML_BARS * HTML_CANDIDATES);
	assert_int_equal(count(text, "<tr><th scope=row>&lt;i&gt;"), TAGS);
	free(text);
	report_destroy(r);
}

static void figures_have_their_marks(void **state)
{
	struct report *r = make_report();
	char *text;

	(void)state;
	add_tags(r);
	text = render(r, PS_OK);
	expect(text,
	       "<tr><th scope=row>&lt;i&gt;0<td>Nonp<td>9<td>2<td>7<td>4096<td>4.0 KB<td>585<td>"
	       "0.0%<td>");
	expect(text, "<tr><th scope=row>&lt;i&gt;1<td>Nonp<td>&gt;=9<td>&gt;=2<td>~7<td>~4096<td>"
		     "~4.0 KB<td>~585<td>~0.0%<td>");
	free(text);
	report_destroy(r);
}

static void totals_have_their_sources(void **state)
{
	struct report *r = make_report();
	char *text;

	(void)state;
	r->totals = (struct report_totals){
		.available = true,
		.trust = FIGURE_ABOUT,
		.nonpaged = {.tag_bytes = 1024,
			     .allocated = {{true, 3072, NULL}, BASIS_DOUBTFUL, "X & Y", "a < b"},
			     .maximum = {{true, 2048, NULL}, BASIS_DERIVED, NULL, "a rule"},
			     .has_used = true,
			     .used_permille = 1500,
			     .has_untracked = true,
			     .untracked = -2048},
		.paged = {.tag_bytes = -5, .maximum = {.number = {false, 0, "no <source>"}}},
	};
	text = render(r, PS_OK);
	expect(text, "<tr><th scope=row>Nonpaged<td>~1024<td data-v=\"1024\" title=\"~1024 bytes\">"
		     "~1.0 KB<td data-v=\"3072\" title=\"3072 bytes, doubtful: X &amp; Y\">3.0 KB?"
		     "<td data-v=\"2048\" title=\"2048 bytes, derived: source unknown\">2.0 KB*<td>"
		     "150.0%<td data-v=\"-2048\" title=\"-2048 bytes\">-2.0 KB\n");
	expect(text, "<tr><th scope=row>Paged<td>~-5<td data-v=\"-5\" title=\"~-5 bytes\">~-5 B<td>"
		     "unknown<td>unknown<td>-<td>-\n");
	/* the drawing ends at its frame, the words do not */
	expect(text, "aria-label=\"150.0% used\"");
	expect(text, "height=\"100%\" width=\"100.0%\"/>");
	expect(text, "? nonpaged allocated: a &lt; b.");
	expect(text, "* nonpaged maximum: a rule.");
	expect(text, "The limit is unknown: no &lt;source&gt;.");
	free(text);
	report_destroy(r);
}

static void parts_that_are_absent_are_said(void **state)
{
	struct report *r = make_report();
	char *text = render(r, PS_OK);

	(void)state;
	expect(text, "<p>None: not asked for.</p>");
	expect(text, "<p>Unknown: " HARMLESS ".</p>");
	expect(text, "<td>not available<td>" HARMLESS);
	expect(text, "<p>None.</p>");
	assert_null(strstr(text, "id=\"t-tags\""));
	assert_null(strstr(text, "href=\"#tags\""));
	free(text);
	report_destroy(r);
}

static void other_reports_have_no_page(void **state)
{
	struct report *r = make_report();

	(void)state;
	r->view = VIEW_TAGS;
	free(render(r, PS_USAGE));
	report_destroy(r);
}

/* Last: the flag stays set. */
static void ctrl_c_ends_it(void **state)
{
	struct report *r = make_report();

	(void)state;
	add_tags(r);
	signals_init();
	raise(SIGINT);
	free(render(r, PS_INTERRUPTED));
	report_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_text_is_harmless),
		cmocka_unit_test(evidence_is_bounded),
		cmocka_unit_test(figures_have_their_marks),
		cmocka_unit_test(totals_have_their_sources),
		cmocka_unit_test(parts_that_are_absent_are_said),
		cmocka_unit_test(other_reports_have_no_page),
		cmocka_unit_test(ctrl_c_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
