/*
 * The plugins that judge, over reports made by hand: every finding at its boundary, and the verdict
 * word for word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/bugcheck_words.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"
#include "plugins/pressure.h"

static const uint64_t MIB = 1 << 20;

enum { TAGS = 8 };

/* A report as the plugins before left it, and tables without a dump behind them. */
struct scene {
	struct kernel kernel;
	struct dump dump;
	struct pools pools;
	struct tag_row rows[TAGS];
	struct selection selection;
	struct plugin_input input;
	struct report *report;
	struct report_module modules[2];
	struct report_tag tags[TAGS];
	struct report_line top[1];
};

static uint32_t tag_of(const char *text)
{
	uint32_t tag;

	memcpy(&tag, text, sizeof(tag));
	return tag;
}

static void set_total(struct report_total *total, uint64_t bytes, enum report_basis basis,
		      const char *source)
{
	*total = (struct report_total){.number = {true, bytes, NULL},
				       .basis = basis,
				       .source = source,
				       .remark = basis == BASIS_READ ? NULL : "a remark"};
}

/* 64 MB of 128 MB in use, of Server 2003 with http.sys loaded. */
static void begin(struct scene *s)
{
	struct report *r = report_create();

	assert_non_null(r);
	*s = (struct scene){.report = r};
	s->input = (struct plugin_input){.dump = &s->dump,
					 .kernel = &s->kernel,
					 .pools = &s->pools,
					 .selection = &s->selection};
	s->pools.kernel = &s->kernel;
	s->pools.tracker.rows = s->rows;
	s->pools.tracker.complete = true;
	s->kernel.dump = &s->dump;
	r->system.build = (struct report_number){true, 3790, NULL};
	r->totals.available = true;
	r->totals.trust = FIGURE_EXACT;
	s->modules[0] = (struct report_module){.base = 0xf628f000, .name = {"HTTP.sys", NULL}};
	r->modules = (struct report_modules){true, s->modules, 1, true, NULL};
	set_total(&r->totals.nonpaged.maximum, 128 * MIB, BASIS_READ, "the limit");
	set_total(&r->totals.paged.maximum, 1024 * MIB, BASIS_READ, "the other limit");
}

static void end(struct scene *s)
{
	report_destroy(s->report);
}

static void use(struct report_pool_total *p, uint64_t bytes)
{
	set_total(&p->allocated, bytes, BASIS_READ, "the count");
	p->tag_bytes = (int64_t)bytes;
	p->has_used = true;
	p->used_permille =
		(unsigned)(1000.0 * (double)bytes / (double)p->maximum.number.value + 0.5);
}

typedef enum ps_status (*plugin_run)(const struct plugin_input *, struct report *,
				     struct ps_error *);

static void run(struct scene *s, plugin_run plugin)
{
	struct ps_error err = PS_ERROR_INIT;

	assert_int_equal(plugin(&s->input, s->report, &err), PS_OK);
}

static void expect(const struct scene *s, enum finding_id id, enum finding_severity severity,
		   const char *title)
{
	const struct report_finding *f = finding_find(s->report, id);

	assert_non_null(f);
	assert_int_equal(f->severity, severity);
	assert_string_equal(f->title, title);
	assert_non_null(f->detail);
}

static void expect_none(const struct scene *s)
{
	assert_int_equal(s->report->finding_count, 0);
}

static const char *evidence(const struct scene *s, enum finding_id id, size_t line)
{
	const struct report_finding *f = finding_find(s->report, id);

	assert_non_null(f);
	assert_true(line < f->evidence.count);
	return f->evidence.items[line];
}

/* 80 % is a warning, 95 % a problem. */
static void pressure_boundaries(void **state)
{
	static const struct {
		uint64_t used; /* of 10000 */
		const char *title;
		enum finding_severity severity;
	} cases[] = {
		{7994, NULL, 0},
		{8000, "Paged pool is nearly full", SEVERITY_WARNING},
		{9494, "Paged pool is nearly full", SEVERITY_WARNING},
		{9500, "Paged pool is full", SEVERITY_PROBLEM},
		{10000, "Paged pool is full", SEVERITY_PROBLEM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;

		begin(&s);
		set_total(&s.report->totals.paged.maximum, 10000 * MIB, BASIS_READ, "the limit");
		use(&s.report->totals.paged, cases[i].used * MIB);
		run(&s, plugin_pressure);
		if (cases[i].title)
			expect(&s, FINDING_PAGED_PRESSURE, cases[i].severity, cases[i].title);
		else
			expect_none(&s);
		end(&s);
	}
}

static void pressure_names_its_sources(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	set_total(&s.report->totals.nonpaged.maximum, 128 * MIB, BASIS_DERIVED, "Windows' rules");
	s.report->totals.nonpaged.other_maximum = (struct report_number){true, 64 * MIB, NULL};
	s.report->totals.user_space = "3 GB";
	use(&s.report->totals.nonpaged, 110 * MIB);
	s.report->totals.nonpaged.allocated.basis = BASIS_DOUBTFUL;
	run(&s, plugin_pressure);
	expect(&s, FINDING_NONPAGED_PRESSURE, SEVERITY_WARNING, "Nonpaged pool is nearly full");
	assert_string_equal(evidence(&s, FINDING_NONPAGED_PRESSURE, 0),
			    "used: sum over the tags, 115343360 bytes");
	assert_string_equal(evidence(&s, FINDING_NONPAGED_PRESSURE, 1),
			    "limit: Windows' rules, 134217728 bytes; a remark");
	assert_string_equal(evidence(&s, FINDING_NONPAGED_PRESSURE, 2),
			    "another public rule says 67108864 bytes (40 % of RAM)");
	assert_string_equal(evidence(&s, FINDING_NONPAGED_PRESSURE, 3), "user address space: 3 GB");
	expect(&s, FINDING_TOTALS_DOUBTFUL, SEVERITY_INFO,
	       "Totals of the kernel that cannot be right");
	assert_string_equal(evidence(&s, FINDING_TOTALS_DOUBTFUL, 0),
			    "nonpaged pool allocated, the count: no reason given");
	end(&s);
}

/* 90 % is a warning, 98 % a problem; a doubtful figure on either side is not judged. */
static void commit_boundaries(void **state)
{
	static const struct {
		uint64_t used; /* of 10000 */
		enum report_basis now, limit;
		const char *title;
		enum finding_severity severity;
	} cases[] = {
		{8994, BASIS_READ, BASIS_READ, NULL, 0},
		{8995, BASIS_READ, BASIS_READ, "The commit limit is near", SEVERITY_WARNING},
		{9794, BASIS_READ, BASIS_READ, "The commit limit is near", SEVERITY_WARNING},
		{9795, BASIS_READ, BASIS_READ, "The commit limit is reached", SEVERITY_PROBLEM},
		{10000, BASIS_READ, BASIS_READ, "The commit limit is reached", SEVERITY_PROBLEM},
		{10001, BASIS_READ, BASIS_READ, NULL, 0},
		{9900, BASIS_DOUBTFUL, BASIS_READ, NULL, 0},
		{9900, BASIS_READ, BASIS_DOUBTFUL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;

		begin(&s);
		set_total(&s.report->totals.committed, cases[i].used * MIB, cases[i].now,
			  "the count");
		set_total(&s.report->totals.commit_limit, 10000 * MIB, cases[i].limit, "the limit");
		run(&s, plugin_pressure);
		if (cases[i].title)
			expect(&s, FINDING_COMMIT_PRESSURE, cases[i].severity, cases[i].title);
		else
			assert_null(finding_find(s.report, FINDING_COMMIT_PRESSURE));
		end(&s);
	}
}

static void untracked_boundaries(void **state)
{
	static const struct {
		uint64_t counted, untracked;
		bool found;
	} cases[] = {{100, 32, true}, {100, 31, false}, {330, 33, true}, {340, 33, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;

		begin(&s);
		set_total(&s.report->totals.nonpaged.maximum, 4096 * MIB, BASIS_READ, "the limit");
		use(&s.report->totals.nonpaged, cases[i].counted * MIB);
		s.report->totals.nonpaged.has_untracked = true;
		s.report->totals.nonpaged.untracked = (int64_t)(cases[i].untracked * MIB);
		run(&s, plugin_pressure);
		assert_true((finding_find(s.report, FINDING_NONPAGED_UNTRACKED) != NULL) ==
			    cases[i].found);
		end(&s);
	}
}

static void unknown_limits(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.report->totals.nonpaged.maximum =
		(struct report_total){.number = {false, 0, "the page is absent"}};
	run(&s, plugin_pressure);
	expect(&s, FINDING_LIMITS_UNKNOWN, SEVERITY_INFO, "How full a pool is cannot be said");
	assert_string_equal(evidence(&s, FINDING_LIMITS_UNKNOWN, 0),
			    "nonpaged pool limit: the page is absent");
	assert_int_equal(finding_find(s.report, FINDING_LIMITS_UNKNOWN)->evidence.count, 1);
	end(&s);

	begin(&s);
	s.report->totals.available = false;
	run(&s, plugin_pressure);
	run(&s, plugin_refused);
	run(&s, plugin_special);
	expect_none(&s);
	end(&s);
}

struct refused_case {
	uint64_t left; /* bytes */
	uint64_t build;
	bool http, modules_complete;
	enum finding_id id;
	enum finding_severity severity;
	const char *title; /* NULL: no finding */
};

static void refused_boundaries(void **state)
{
	static const char sure[] = "HTTP.SYS was refusing connections";
	static const char depends[] =
		"HTTP.SYS was refusing connections, unless EnableAggressiveMemoryUsage was set";
	static const char near_it[] = "HTTP.SYS was near the mark where it refuses connections";
	static const char absent[] = "HTTP.SYS would refuse connections, but it was not loaded";
	static const char later[] =
		"HTTP.SYS may have refused connections; for this Windows no mark is documented";
	const struct refused_case cases[] = {
		{0, 3790, true, true, FINDING_CONNECTIONS_REFUSED, SEVERITY_PROBLEM, sure},
		{8 * MIB - 1, 3790, true, true, FINDING_CONNECTIONS_REFUSED, SEVERITY_PROBLEM,
		 sure},
		{8 * MIB, 3790, true, true, FINDING_CONNECTIONS_REFUSED, SEVERITY_PROBLEM, depends},
		{20 * MIB - 1, 2600, true, true, FINDING_CONNECTIONS_REFUSED, SEVERITY_PROBLEM,
		 depends},
		{20 * MIB, 3790, true, true, FINDING_CONNECTIONS_REFUSED_NEAR, SEVERITY_INFO,
		 near_it},
		{32 * MIB - 1, 3790, true, true, FINDING_CONNECTIONS_REFUSED_NEAR, SEVERITY_INFO,
		 near_it},
		{32 * MIB, 3790, true, true, 0, 0, NULL},
		{25 * MIB, 3790, false, true, 0, 0, NULL},
		{7 * MIB, 3790, false, true, FINDING_CONNECTIONS_REFUSED_NEAR, SEVERITY_INFO,
		 absent},
		{7 * MIB, 3790, false, false, FINDING_CONNECTIONS_REFUSED, SEVERITY_PROBLEM, sure},
		{7 * MIB, 6002, true, true, FINDING_CONNECTIONS_REFUSED_RULE, SEVERITY_INFO, later},
		{20 * MIB, 6002, true, true, 0, 0, NULL},
		{7 * MIB, 6002, false, true, 0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct refused_case *c = &cases[i];
		struct scene s;

		begin(&s);
		s.report->system.build.value = c->build;
		s.report->modules.count = c->http;
		s.report->modules.complete = c->modules_complete;
		use(&s.report->totals.nonpaged, 128 * MIB - c->left);
		run(&s, plugin_refused);
		if (c->title)
			expect(&s, c->id, c->severity, c->title);
		else
			expect_none(&s);
		end(&s);
	}
}

static void refused_shows_the_arithmetic(void **state)
{
	struct report_version version = {.available = true, .file_version = {"5.2.3790.1", NULL}};
	struct scene s;

	(void)state;
	begin(&s);
	s.modules[0].version = version;
	use(&s.report->totals.nonpaged, 109 * MIB);
	run(&s, plugin_refused);
	assert_string_equal(evidence(&s, FINDING_CONNECTIONS_REFUSED, 0),
			    "134217728 bytes at most, less 114294784 in use: 19922944 bytes (19.0 "
			    "MB) available");
	assert_string_equal(evidence(&s, FINDING_CONNECTIONS_REFUSED, 1),
			    "http.sys was loaded at 0x00000000f628f000, version 5.2.3790.1");
	end(&s);

	begin(&s);
	s.report->modules.available = false;
	set_total(&s.report->totals.nonpaged.maximum, 128 * MIB, BASIS_DERIVED, "rules");
	use(&s.report->totals.nonpaged, 127 * MIB);
	s.report->totals.nonpaged.allocated.number.has_value = false;
	run(&s, plugin_refused);
	assert_string_equal(
		evidence(&s, FINDING_CONNECTIONS_REFUSED, 0),
		"134217728 bytes at most (derived), less 133169152 in use (sum over the "
		"tags; the kernel may count more): 1048576 bytes (1.0 MB) available");
	assert_string_equal(evidence(&s, FINDING_CONNECTIONS_REFUSED, 1),
			    "whether http.sys was loaded is not known: the list of modules cannot "
			    "be read");
	end(&s);
}

/* The maximum or the count cannot be right: nothing is judged by it. */
static void doubtful_limit_refuses_nothing(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	set_total(&s.report->totals.nonpaged.maximum, 1 * MIB, BASIS_DOUBTFUL, "the limit");
	s.report->totals.nonpaged.tag_bytes = (int64_t)(127 * MIB);
	run(&s, plugin_refused);
	expect_none(&s);
	end(&s);
}

static void special_settings(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	run(&s, plugin_special);
	expect_none(&s);
	s.report->totals.verifier_flags = 0x5;
	s.report->totals.special_pool_tag = 128;
	run(&s, plugin_special);
	expect(&s, FINDING_DRIVER_VERIFIER, SEVERITY_INFO, "Driver Verifier was on");
	assert_non_null(strstr(finding_find(s.report, FINDING_DRIVER_VERIFIER)->detail,
			       "Allocations were made to fail on purpose."));
	assert_string_equal(evidence(&s, FINDING_DRIVER_VERIFIER, 0),
			    "settings 0x5 (MmVerifierData)");
	assert_string_equal(evidence(&s, FINDING_SPECIAL_POOL, 0),
			    "chosen by size: 128 bytes (MmSpecialPoolTag)");
	end(&s);
}

static void bug_check(struct scene *s, uint32_t code, uint64_t p1, uint64_t p4)
{
	begin(s);
	s->report->system.bugcheck = (struct report_bugcheck){
		.known = true, .code = code, .name = {"NAME", NULL}, .parameters = {p1, 2, 3, p4}};
	run(s, plugin_bugcheck);
}

static void bug_checks(void **state)
{
	static const struct {
		uint32_t code;
		uint64_t first, fourth;
		enum finding_severity severity;
		const char *title, *end;
	} cases[] = {
		{0x19, 0x20, 0, SEVERITY_WARNING, "The machine stopped because pool was damaged",
		 "third: the next one)."},
		{0x10000019, 0x3, 0, SEVERITY_WARNING,
		 "The machine stopped because pool was damaged", "free blocks is damaged."},
		{0x19, 0x77, 0, SEVERITY_WARNING, "The machine stopped because pool was damaged",
		 "the call that noticed it."},
		{0xc1, 0, 0x24, SEVERITY_WARNING, "The machine stopped because pool was damaged",
		 "(second parameter: where)."},
		{0xc2, 0x7, 0, SEVERITY_WARNING, "The machine stopped at a wrong use of pool",
		 "(fourth parameter: its address)."},
		{0xc4, 0x62, 0, SEVERITY_WARNING, "The machine stopped at a wrong use of pool",
		 "fourth: number of allocations)."},
		{0x13a, 0x11, 0, SEVERITY_WARNING, "The machine stopped because pool was damaged",
		 "beyond the end of a block."},
		{0x41, 0, 0, SEVERITY_WARNING, "The machine stopped because memory ran out",
		 "had run out."},
		{0xd1, 0, 0, SEVERITY_INFO, "The machine stopped at a bad address",
		 "that was freed."},
		{0x161, 0, 0, SEVERITY_INFO, "The dump was made on purpose", "did not crash."},
		{0x195, 0, 0, SEVERITY_INFO, "The dump is of a machine that ran on",
		 "did not crash."},
		{0xdeaddead, 0, 0, SEVERITY_INFO, "The dump was made on purpose", "by itself."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *detail;
		struct scene s;

		bug_check(&s, cases[i].code, cases[i].first, cases[i].fourth);
		expect(&s, FINDING_BUG_CHECK, cases[i].severity, cases[i].title);
		detail = finding_find(s.report, FINDING_BUG_CHECK)->detail;
		assert_string_equal(detail + strlen(detail) - strlen(cases[i].end), cases[i].end);
		end(&s);
	}
}

static void bug_checks_that_say_nothing(void **state)
{
	struct scene s;

	(void)state;
	bug_check(&s, 0x7e, 0, 0);
	expect_none(&s);
	end(&s);
	begin(&s);
	run(&s, plugin_bugcheck);
	expect_none(&s);
	end(&s);
	/* may be a bug check as well */
	assert_null(bugcheck_words(0x124));
}

static void bug_checks_of_live_dumps(void **state)
{
	static const uint32_t live[] = {0x161, 0x21c8, 0x117, 0x195, 0x1f5};
	static const uint32_t stopped[] = {0xe2, 0xd1, 0x7e, 0x1000007e, 0x124, 0xdeaddead};

	(void)state;
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		assert_true(bugcheck_is_live(live[i]));
	for (size_t i = 0; i < sizeof(stopped) / sizeof(stopped[0]); i++)
		assert_false(bugcheck_is_live(stopped[i]));
}

/* Logs of one line before the start, some between, one after the crash. */
static void logs(struct scene *s, struct httperr *log, uint64_t refused)
{
	*log = (struct httperr){.times = {1000, 9000}, .files = 1, .lines = 3, .first = 500};
	log->last = 9500;
	log->reasons[0] = (struct httperr_reason){.name = "Connections_Refused",
						  .events = refused + 7,
						  .lines = 3,
						  .first = 500,
						  .last = 9500,
						  .before_boot = 4,
						  .after_crash = 3,
						  .last_hour = refused};
	log->reason_count = 1;
	s->input.httperr = log;
}

static void log_judgements(void **state)
{
	static const struct {
		uint64_t refused, left; /* MB */
		bool known;
		enum log_judgement judgement;
		enum finding_severity severity;
		const char *title;
	} cases[] = {
		{5, 19, true, LOG_AGREES, SEVERITY_PROBLEM,
		 "The HTTPERR logs agree: connections were refused"},
		{5, 25, true, LOG_AGREES, SEVERITY_WARNING,
		 "The HTTPERR logs say that connections were refused, and little nonpaged pool was "
		 "left"},
		{5, 64, true, LOG_CONTRADICTS, SEVERITY_WARNING,
		 "The HTTPERR logs say that connections were refused, but at the time of the dump "
		 "enough nonpaged pool was left"},
		{5, 64, false, LOG_ALONE, SEVERITY_WARNING,
		 "The HTTPERR logs say that connections were refused; how much nonpaged pool was "
		 "left is not known"},
		{0, 19, true, LOG_SHOWS_NONE, SEVERITY_INFO,
		 "The HTTPERR logs do not show refused connections"},
		{0, 64, true, LOG_AGREES, SEVERITY_INFO,
		 "The HTTPERR logs agree: no connection was refused"},
		{0, 64, false, LOG_ALONE, SEVERITY_INFO,
		 "The HTTPERR logs show no refused connection"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct httperr log;
		struct scene s;

		begin(&s);
		use(&s.report->totals.nonpaged, (128 - cases[i].left) * MIB);
		s.report->totals.nonpaged.has_used = cases[i].known;
		logs(&s, &log, cases[i].refused);
		run(&s, plugin_refused);
		run(&s, plugin_httperr);
		expect(&s, FINDING_HTTPERR, cases[i].severity, cases[i].title);
		assert_int_equal(s.report->log_judgement, cases[i].judgement);
		end(&s);
	}
}

static void logs_of_another_time(void **state)
{
	static const char title[] = "The HTTPERR logs are not of the time before this dump";
	struct httperr log;
	struct scene s;

	(void)state;
	begin(&s);
	logs(&s, &log, 0);
	log.last = 999;
	run(&s, plugin_httperr);
	expect(&s, FINDING_HTTPERR, SEVERITY_INFO, title);
	end(&s);

	begin(&s);
	logs(&s, &log, 0);
	log.first = 9001;
	run(&s, plugin_httperr);
	expect(&s, FINDING_HTTPERR, SEVERITY_INFO, title);
	end(&s);

	begin(&s);
	logs(&s, &log, 0);
	log.times = (struct httperr_times){0, 0};
	run(&s, plugin_httperr);
	expect(&s, FINDING_HTTPERR, SEVERITY_INFO,
	       "The dump has no time to lay the HTTPERR logs beside");
	assert_string_equal(finding_find(s.report, FINDING_HTTPERR)->detail,
			    "Connections_Refused: 7, at unknown distance from the dump.");
	end(&s);
}

static void logs_name_what_is_wrong(void **state)
{
	struct httperr log;
	struct scene s;

	(void)state;
	begin(&s);
	logs(&s, &log, 2);
	log.broken_lines = 12;
	log.first_broken = 4;
	strcpy(log.first_broken_file, "httperr1.log");
	log.cut_files = 1;
	strcpy(log.first_cut, "httperr2.log.gz");
	log.foreign_files = 3;
	strcpy(log.first_foreign, "ex01.log");
	log.unreadable_files = 1;
	strcpy(log.first_unreadable, "httperr3.log");
	run(&s, plugin_httperr);
	assert_string_equal(finding_find(s.report, FINDING_HTTPERR)->detail,
			    "Connections_Refused: 2 between the start of the machine and the dump, "
			    "2 of them in its last hour; 4 before that start, 3 after the dump.");
	assert_string_equal(evidence(&s, FINDING_HTTPERR, 0),
			    "1 log file, 3 lines, 1970-01-01T00:08:20Z to 1970-01-01T02:38:20Z "
			    "(UTC)");
	assert_string_equal(evidence(&s, FINDING_HTTPERR, 2),
			    "lines that cannot be read: 12; the first is line 4 of httperr1.log");
	assert_string_equal(evidence(&s, FINDING_HTTPERR, 3),
			    "files that end early or are damaged: 1; the first is httperr2.log.gz");
	assert_string_equal(evidence(&s, FINDING_HTTPERR, 4),
			    "files that are no HTTPERR logs: 3; the first is ex01.log");
	assert_string_equal(evidence(&s, FINDING_HTTPERR, 5),
			    "files that cannot be opened: 1; the first is httperr3.log");
	end(&s);
}

static void put_row(struct scene *s, const char *tag, bool paged, uint64_t allocs, uint64_t frees,
		    uint64_t bytes)
{
	struct tracker *t = &s->pools.tracker;
	struct tag_row *row = &s->rows[t->row_count++];
	struct tag_side side = {allocs, frees, (int64_t)(allocs - frees), (int64_t)bytes};

	*row = (struct tag_row){.tag = tag_of(tag), .complete = true};
	*(paged ? &row->paged : &row->nonpaged) = side;
	*(paged ? &t->paged_bytes : &t->nonpaged_bytes) += (int64_t)bytes;
}

static void a_leak(struct scene *s)
{
	put_row(s, "SavF", false, 481312, 5312, 72352000);
	put_row(s, "File", false, 9151865, 9120334, 40000000);
}

static void leak_found(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	a_leak(&s);
	run(&s, plugin_leak);
	expect(&s, FINDING_LEAK_SIGNATURE, SEVERITY_WARNING, "A tag looks like a leak");
	assert_string_equal(evidence(&s, FINDING_LEAK_SIGNATURE, 0),
			    "SavF nonpaged: 69.0 MB (64.4 % of the pool), 476000 outstanding of "
			    "481312 ever allocated, 152 bytes each");
	assert_int_equal(s.report->suspect_count, 1);
	assert_int_equal(s.report->suspects[0].kept_permille, 988);
	end(&s);
}

/* No one of them is a fifth of the pool; together they are a third. */
static void a_group_is_a_leak(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	put_row(&s, "Aaaa", false, 100000, 0, 12000000);
	put_row(&s, "Bbbb", false, 100010, 0, 12001200);
	put_row(&s, "Cccc", true, 200020, 0, 12001200);
	put_row(&s, "Rest", false, 9000000, 8990000, 50000000);
	run(&s, plugin_leak);
	expect(&s, FINDING_LEAK_SIGNATURE, SEVERITY_WARNING, "Tags look like a leak");
	expect(&s, FINDING_LOCK_STEP, SEVERITY_INFO, "Tags with the same number of allocations");
	assert_int_equal(s.report->suspect_count, 3);
	assert_int_equal(s.report->suspects[0].group, 1);
	assert_int_equal(s.report->suspects[0].lockstep, 3);
	assert_int_equal(s.report->suspects[0].lockstep_bytes, 36002400);
	assert_string_equal(evidence(&s, FINDING_LOCK_STEP, 0),
			    "Bbbb nonpaged: 100010 outstanding, 11.4 MB");
	assert_string_equal(evidence(&s, FINDING_LOCK_STEP, 1),
			    "Cccc paged: 200020 outstanding (two for each other), 11.4 MB");
	end(&s);
}

/* A limit of terabytes by rule does not make 10 GB small on a machine with 64 GB. */
static void measured_by_ram(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	put_row(&s, "Pgd ", true, 1000000, 0, 10000 * MIB);
	set_total(&s.report->totals.paged.maximum, UINT64_C(15872) << 30, BASIS_DERIVED, "rules");
	s.report->totals.physical_bytes = (struct report_number){true, UINT64_C(64) << 30, NULL};
	run(&s, plugin_leak);
	assert_int_equal(s.report->suspect_count, 1);
	end(&s);
	begin(&s);
	put_row(&s, "Pgd ", true, 1000000, 0, 3000 * MIB);
	set_total(&s.report->totals.paged.maximum, UINT64_C(15872) << 30, BASIS_DERIVED, "rules");
	s.report->totals.physical_bytes = (struct report_number){true, UINT64_C(64) << 30, NULL};
	run(&s, plugin_leak);
	assert_int_equal(s.report->suspect_count, 0);
	end(&s);
}

/* One owner of the tag in row 0 of the report. */
static void own(struct scene *s, struct report_owner *owner, struct report_candidate *candidate,
		int64_t bytes)
{
	s->tags[0] = (struct report_tag){
		.tag = owner->tag, .nonpaged = {100, 0, 100, bytes}, .complete = true};
	s->report->tags = s->tags;
	s->report->tag_count = 1;
	owner->candidates = candidate;
	owner->candidate_count = candidate != NULL;
	s->report->owners = owner;
	s->report->owner_count = 1;
	s->report->has_owners = true;
}

static void unloaded_drivers(void **state)
{
	static const struct {
		int64_t bytes;
		bool unloaded, found;
		enum finding_severity severity;
	} cases[] = {
		{65535, true, false, 0},
		{65536, true, true, SEVERITY_INFO},
		{(16 << 20) - 1, true, true, SEVERITY_INFO},
		{16 << 20, true, true, SEVERITY_WARNING},
		{16 << 20, false, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report_evidence why = {.text = "points to it"};
		struct report_candidate candidate = {.module = "gone.sys",
						     .unloaded = cases[i].unloaded,
						     .grade = "contents",
						     .evidence = &why,
						     .evidence_count = 1};
		struct report_owner owner = {.tag = tag_of("Gone")};
		struct scene s;

		begin(&s);
		own(&s, &owner, &candidate, cases[i].bytes);
		run(&s, plugin_unloaded);
		if (cases[i].found)
			expect(&s, FINDING_UNLOADED_DRIVER_POOL, cases[i].severity,
			       i == 1 ? "gone.sys was unloaded and seems to have left 64.0 KB behind"
				      : "gone.sys was unloaded and seems to have left 16.0 MB behind");
		else
			expect_none(&s);
		if (i == 3)
			assert_string_equal(evidence(&s, FINDING_UNLOADED_DRIVER_POOL, 0),
					    "gone.sys: tag Gone, 16.0 MB in 100 allocations; by "
					    "contents: points to it");
		end(&s);
	}
}

static void expect_verdict(struct scene *s, const char *text, const char *ids)
{
	const struct report_verdict *v = &s->report->verdict;
	char got[256] = "";

	run(s, plugin_verdict);
	assert_non_null(v->text);
	assert_string_equal(v->text, text);
	for (size_t i = 0; i < v->finding_count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			 v->finding_ids[i]);
	assert_string_equal(got, ids);
}

static void verdict_of_the_hung_server(void **state)
{
	struct report_version version = {
		.available = true, .company = {"Fabrikam", NULL}, .file_version = {"7.1", NULL}};
	struct report_candidate candidate = {.module = "savflt.sys", .version = &version};
	struct report_owner owner = {.tag = tag_of("SavF"), .ownership = OWNED_BY_ONE};
	struct httperr log;
	struct scene s;

	(void)state;
	begin(&s);
	a_leak(&s);
	use(&s.report->totals.nonpaged, 109 * MIB);
	s.report->totals.user_3gb = true;
	s.report->drivers.available = true;
	s.report->drivers.modules_read = s.report->modules.count;
	own(&s, &owner, &candidate, 72352000);
	logs(&s, &log, 9);
	run(&s, plugin_pressure);
	run(&s, plugin_refused);
	run(&s, plugin_leak);
	run(&s, plugin_httperr);
	expect_verdict(
		&s,
		"Nonpaged pool is nearly full: 109.0 MB of at most 128.0 MB are in use (85.2 %); "
		"the machine was started with /3GB, which halves that limit. With 19.0 MB of it "
		"left, HTTP.SYS was refusing connections, unless EnableAggressiveMemoryUsage was "
		"set; the HTTPERR logs agree. Tag SavF holds 69.0 MB of nonpaged pool (64.4 % of "
		"what all tags hold), and 98 % of all that it ever allocated was never freed, "
		"which looks like a leak. The tag belongs to savflt.sys 7.1 (Fabrikam): its code "
		"passes it to an allocator, and no other driver's code does.",
		"nonpaged-pool-pressure connections-refused httperr leak-signature");
	end(&s);
}

static void verdict_of_owners(void **state)
{
	static const struct {
		enum report_ownership ownership;
		unsigned rank;
		const char *words;
		size_t unexamined; /* drivers */
	} cases[] = {
		{OWNED_BY_ONE, 1, "The tag belongs to a.sys, by its free site.", 0},
		{OWNED_BY_SEVERAL, 0,
		 "Several drivers pass this tag to an allocator (a.sys or b.sys); the dump does not "
		 "say which of them allocated how much.",
		 0},
		{OWNED_PERHAPS, 5,
		 "Whose tag it is is not proven; weak evidence (free site) points to a.sys.", 0},
		{OWNED_FOR_OTHERS, 0,
		 "Windows allocates this tag on behalf of others: who holds these objects is the "
		 "question, not who allocates them.",
		 0},
		{OWNED_BY_NOBODY, 0,
		 "No driver's code that is in the dump passes the tag to an allocator, so its owner "
		 "is not known.",
		 0},
		{OWNED_BY_NOBODY, 0,
		 "No driver's code that was examined passes the tag to an allocator, so its owner is "
		 "not known.",
		 1},
		{OWNED_BY_ONE, 0,
		 "The tag belongs to a.sys: its code passes it to an allocator, and no other "
		 "driver's code that is in the dump does.",
		 0},
		{OWNED_BY_ONE, 0,
		 "The tag belongs to a.sys: its code passes it to an allocator, and no other "
		 "driver's code that was examined does.",
		 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report_candidate candidate = {
			.module = "a.sys", .rank = cases[i].rank, .grade = "free site"};
		struct report_owner owner = {.tag = tag_of("SavF"),
					     .ownership = cases[i].ownership,
					     .words = "a.sys or b.sys"};
		char want[512];
		struct scene s;

		begin(&s);
		a_leak(&s);
		own(&s, &owner, &candidate, 72352000);
		s.report->drivers.modules_unexamined = cases[i].unexamined;
		run(&s, plugin_leak);
		snprintf(
			want, sizeof(want),
			"Tag SavF holds 69.0 MB of nonpaged pool (64.4 %% of what all tags hold), "
			"and 98 %% of all that it ever allocated was never freed, which looks like "
			"a leak. %s",
			cases[i].words);
		expect_verdict(&s, want, "leak-signature");
		end(&s);
	}
}

static void verdict_without_a_leak(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	put_row(&s, "File", false, 900000, 899000, 110 * MIB);
	use(&s.report->totals.nonpaged, 125 * MIB);
	set_total(&s.report->totals.nonpaged.maximum, 128 * MIB, BASIS_DERIVED, "rules");
	s.tags[0] = (struct report_tag){.tag = tag_of("File"), .complete = true};
	s.tags[0].nonpaged.bytes = (int64_t)(110 * MIB);
	s.top[0] = (struct report_line){.has_share = true, .share_permille = 1000};
	s.report->tags = s.tags;
	s.report->tag_count = 1;
	s.report->top_nonpaged = (struct report_lines){s.top, 1, 0};
	run(&s, plugin_pressure);
	run(&s, plugin_leak);
	expect_verdict(&s,
		       "Nonpaged pool is full: 125.0 MB of at most 128.0 MB, a limit by Windows' "
		       "rules, are in use (97.7 %). The largest tag in it is File with 110.0 MB "
		       "(100.0 % of what all tags hold); its counters do not look like a leak.",
		       "nonpaged-pool-pressure");
	end(&s);
}

static void nothing_unusual(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	put_row(&s, "File", false, 900000, 899000, 10 * MIB);
	use(&s.report->totals.nonpaged, 12 * MIB);
	run(&s, plugin_pressure);
	run(&s, plugin_leak);
	expect_verdict(&s,
		       "Nothing unusual in the pools: nonpaged pool is at 9.4 % of its limit, how "
		       "full paged pool is is not known, and no tag looks like a leak. Why the "
		       "machine hung or crashed has to be looked for elsewhere.",
		       "nothing-unusual");
	assert_string_equal(
		evidence(&s, FINDING_NOTHING_UNUSUAL, 1),
		"signs of a leak and tags that grow together: 1 of 1 rows were complete "
		"and were judged");
	assert_string_equal(evidence(&s, FINDING_NOTHING_UNUSUAL, 3),
			    "not checked: HTTPERR logs, none were given");
	end(&s);

	bug_check(&s, 0x19, 0x3, 0);
	use(&s.report->totals.nonpaged, 12 * MIB);
	expect_verdict(&s,
		       "The machine stopped because pool was damaged (bug check 0x19 NAME). No "
		       "shortage of pool was found: nonpaged pool is at 9.4 % of its limit, how "
		       "full paged pool is is not known, and no tag looks like a leak.",
		       "bug-check nothing-unusual");
	end(&s);
}

/* What a minidump says of its own; the tables are not in it. */
static void verdict_of_a_minidump(void **state)
{
	struct ps_error no_tables = PS_ERROR_INIT;
	struct scene s;

	(void)state;
	begin(&s);
	s.input.pools = NULL;
	s.input.pools_error = &no_tables;
	s.report->file.complete = true;
	use(&s.report->totals.nonpaged, 125 * MIB);
	run(&s, plugin_coverage);
	run(&s, plugin_pressure);
	run(&s, plugin_leak);
	expect_verdict(&s,
		       "Nonpaged pool is full: 125.0 MB of at most 128.0 MB are in use (97.7 %). "
		       "There are no tag tables to read in this file, so it cannot be said which "
		       "tag or driver holds the memory.",
		       "nonpaged-pool-pressure tag-tables-unavailable");
	end(&s);
}

/* More than five sentences: the ones that matter least go. */
static void five_sentences(void **state)
{
	struct report_candidate candidate = {.module = "a.sys", .grade = "call site"};
	struct report_owner owner = {.tag = tag_of("SavF"), .ownership = OWNED_BY_ONE};
	unsigned ends = 0;
	struct scene s;

	(void)state;
	bug_check(&s, 0x19, 0x3, 0);
	a_leak(&s);
	use(&s.report->totals.nonpaged, 125 * MIB);
	use(&s.report->totals.paged, 1000 * MIB);
	own(&s, &owner, &candidate, 72352000);
	assert_non_null(finding_begin(s.report, FINDING_TRACKER_INCOMPLETE, SEVERITY_WARNING, ""));
	run(&s, plugin_pressure);
	run(&s, plugin_refused);
	run(&s, plugin_leak);
	run(&s, plugin_verdict);
	for (const char *c = s.report->verdict.text; *c != '\0'; c++)
		ends += *c == '.' && (c[1] == ' ' || c[1] == '\0');
	assert_int_equal(ends, 5);
	assert_null(strstr(s.report->verdict.text, "bug check"));
	assert_null(strstr(s.report->verdict.text, "Paged pool is full"));
	assert_non_null(strstr(s.report->verdict.text, "The tag tables are not complete"));
	end(&s);
}

static void every_row_of_the_list(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FINDING_IDS; i++) {
		const struct finding_info *info = finding_info((enum finding_id)i);

		assert_true(info->id && info->summary && info->meaning && info->evidence &&
			    info->certain && info->action);
		assert_ptr_equal(finding_info_by_name(info->id), info);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(info->id, finding_info((enum finding_id)k)->id);
	}
	assert_null(finding_info_by_name("no-such-finding"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pressure_boundaries),
		cmocka_unit_test(pressure_names_its_sources),
		cmocka_unit_test(commit_boundaries),
		cmocka_unit_test(untracked_boundaries),
		cmocka_unit_test(unknown_limits),
		cmocka_unit_test(refused_boundaries),
		cmocka_unit_test(refused_shows_the_arithmetic),
		cmocka_unit_test(doubtful_limit_refuses_nothing),
		cmocka_unit_test(special_settings),
		cmocka_unit_test(bug_checks),
		cmocka_unit_test(bug_checks_that_say_nothing),
		cmocka_unit_test(bug_checks_of_live_dumps),
		cmocka_unit_test(log_judgements),
		cmocka_unit_test(logs_of_another_time),
		cmocka_unit_test(logs_name_what_is_wrong),
		cmocka_unit_test(leak_found),
		cmocka_unit_test(a_group_is_a_leak),
		cmocka_unit_test(measured_by_ram),
		cmocka_unit_test(unloaded_drivers),
		cmocka_unit_test(verdict_of_the_hung_server),
		cmocka_unit_test(verdict_of_owners),
		cmocka_unit_test(verdict_without_a_leak),
		cmocka_unit_test(nothing_unusual),
		cmocka_unit_test(verdict_of_a_minidump),
		cmocka_unit_test(five_sentences),
		cmocka_unit_test(every_row_of_the_list),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
