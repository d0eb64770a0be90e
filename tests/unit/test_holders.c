/*
 * Who holds the objects of a tag, over reports made by hand: the findings at their boundaries, and
 * their words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/hash.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"

enum { MOST = 4 };

struct scene {
	struct kernel kernel;
	struct dump dump;
	struct pools pools;
	struct tag_row row;
	struct selection selection;
	struct plugin_input input;
	struct report *report;
	struct report_process items[MOST];
	struct report_ended ended;
	struct report_suspect suspect;
};

static uint32_t tag_of(const char *text)
{
	uint32_t tag;

	memcpy(&tag, text, sizeof(tag));
	return tag;
}

static struct report_process process(const char *name, uint64_t pid, uint64_t handles)
{
	return (struct report_process){.pid = pid,
				       .name = {name, NULL},
				       .state = "running",
				       .handles = {true, handles, NULL}};
}

/* Three processes, the largest handle table first; `exited` more have ended. */
static void begin(struct scene *s, size_t exited)
{
	struct report_processes *p;

	*s = (struct scene){.report = report_create()};
	assert_non_null(s->report);
	s->selection.sections = SECTION_FINDINGS;
	s->input = (struct plugin_input){.dump = &s->dump,
					 .kernel = &s->kernel,
					 .pools = &s->pools,
					 .selection = &s->selection};
	s->pools.kernel = &s->kernel;
	s->pools.tracker.rows = &s->row;
	s->pools.tracker.row_count = 1;
	hash_init(&s->pools.tracker.index);
	s->items[0] = process("watch.exe", 400, 5000);
	s->items[1] = process("System", 4, 3000);
	s->items[2] = process("svchost.exe", 800, 10);
	p = &s->report->processes;
	*p = (struct report_processes){.available = true,
				       .complete = true,
				       .running = 3,
				       .exited = exited,
				       .handles = 8010,
				       .items = s->items,
				       .count = 3,
				       .shown = 3};
	s->ended = (struct report_ended){.name = "sh.exe",
					 .parent = {true, 400, NULL},
					 .parent_name = {"watch.exe", NULL},
					 .count = exited};
	p->ended = &s->ended;
	p->ended_count = exited > 0;
}

static void end(struct scene *s)
{
	hash_fini(&s->pools.tracker.index);
	report_destroy(s->report);
}

/* The tag looks like a leak, with so many outstanding. */
static void suspect(struct scene *s, const char *tag, int64_t outstanding)
{
	s->row = (struct tag_row){.tag = tag_of(tag), .complete = true};
	s->row.nonpaged.diff = outstanding;
	assert_true(hash_add(&s->pools.tracker.index, s->row.tag, 0));
	s->suspect = (struct report_suspect){.tag = s->row.tag};
	s->report->suspects = &s->suspect;
	s->report->suspect_count = 1;
}

static const struct report_finding *run(struct scene *s, enum finding_id id)
{
	struct ps_error err = PS_ERROR_INIT;

	assert_int_equal(plugin_holders(&s->input, s->report, &err), PS_OK);
	return finding_find(s->report, id);
}

static void ended_boundaries(void **state)
{
	static const struct {
		size_t exited, running;
		int severity; /* -1: no finding */
	} cases[] = {
		{0, 3, -1},
		{199, 3, -1},
		{200, 3, SEVERITY_INFO},
		{999, 3, SEVERITY_INFO},
		{1000, 3, SEVERITY_WARNING},
		{1000, 999, SEVERITY_WARNING},
		{1000, 1000, SEVERITY_INFO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct report_finding *f;
		struct scene s;

		begin(&s, cases[i].exited);
		s.report->processes.running = cases[i].running;
		f = run(&s, FINDING_EXITED_PROCESSES);
		assert_int_equal(f ? (int)f->severity : -1, cases[i].severity);
		end(&s);
	}
}

static void ended_in_words(void **state)
{
	const struct report_finding *f;
	struct scene s;

	(void)state;
	begin(&s, 1500);
	suspect(&s, "Proc", 1503);
	s.items[0].holds = (struct report_number){true, 1499, NULL};
	s.ended.without_handle = 1;
	f = run(&s, FINDING_EXITED_PROCESSES);
	assert_non_null(f);
	assert_string_equal(
		f->detail,
		"1503 Proc objects are outstanding: 3 processes run, and 1500 have ended and are "
		"still referenced; watch.exe (pid 400) has 1499 handles to them; the largest handle "
		"tables are watch.exe (pid 400, 5000 handles), System (pid 4, 3000 handles), "
		"svchost.exe (pid 800, 10 handles).");
	assert_int_equal(f->evidence.count, 3);
	assert_string_equal(f->evidence.items[0],
			    "1500 named sh.exe, started by watch.exe (pid 400)");
	assert_string_equal(f->evidence.items[1],
			    "watch.exe (pid 400) has 1499 handles to processes that have ended");
	assert_string_equal(f->evidence.items[2], "to 1 of them nobody has a handle: the kernel or "
						  "a driver refers to them");
	end(&s);
}

/* No handle explains them, and the list is not whole. */
static void ended_by_references(void **state)
{
	const struct report_finding *f;
	struct scene s;

	(void)state;
	begin(&s, 1500);
	s.report->processes.complete = false;
	s.ended.without_handle = 1500;
	f = run(&s, FINDING_EXITED_PROCESSES);
	assert_non_null(f);
	assert_string_equal(
		f->detail,
		"at least 3 processes run, and at least 1500 have ended and are still referenced; "
		"to 1500 of them nobody has a handle, so the kernel or a driver refers to them; the "
		"largest handle tables are watch.exe (pid 400, 5000 handles), System (pid 4, 3000 "
		"handles), svchost.exe (pid 800, 10 handles).");
	end(&s);
}

static void many_handles_boundaries(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	s.items[0].handles.value = 99999;
	assert_null(run(&s, FINDING_MANY_HANDLES));
	end(&s);
	begin(&s, 0);
	s.items[0].handles.value = 100000;
	s.report->processes.handles = 103010;
	assert_string_equal(run(&s, FINDING_MANY_HANDLES)->detail,
			    "watch.exe (pid 400) has 100000 of the 103010 handles that are open.");
	end(&s);
	begin(&s, 0);
	s.items[0].handles = (struct report_number){false, 0, "not in the dump"};
	assert_null(run(&s, FINDING_MANY_HANDLES));
	end(&s);
}

static void expect_objects(struct scene *s, const char *words)
{
	const struct report_finding *f = run(s, FINDING_OBJECT_HOLDERS);

	assert_non_null(f);
	assert_string_equal(f->detail, words);
	end(s);
}

static void objects(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	suspect(&s, "Even", 10000);
	expect_objects(&s, "10000 events are outstanding, and watch.exe (pid 400) has 5000 handles "
			   "open, enough for most of them: look there first.");
	begin(&s, 0);
	suspect(&s, "Even", 10002);
	expect_objects(&s,
		       "10002 events are outstanding, but only 8010 handles are open in all: at "
		       "least 1992 are kept by references of the kernel or of a driver.");
	begin(&s, 0);
	suspect(&s, "File", 8010);
	s.items[0].handles.value = 4004;
	expect_objects(
		&s, "8010 file objects are outstanding; the largest handle tables are watch.exe "
		    "(pid 400, 4004 handles), System (pid 4, 3000 handles), svchost.exe (pid 800, "
		    "10 handles).");
	/* what is not known is not deduced from */
	begin(&s, 0);
	suspect(&s, "File", 20000);
	s.report->processes.handles_unknown = 1;
	expect_objects(
		&s, "20000 file objects are outstanding; the largest handle tables, of those that "
		    "could be read, are watch.exe (pid 400, 5000 handles), System (pid 4, 3000 "
		    "handles), svchost.exe (pid 800, 10 handles).");
}

static void not_available(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	suspect(&s, "Toke", 10000);
	s.report->processes = (struct report_processes){.note = "the list is empty"};
	assert_string_equal(run(&s, FINDING_OBJECT_HOLDERS)->next_step,
			    "the handle counts of all processes on the running machine");
	assert_int_equal(s.report->holder_count, 1);
	assert_string_equal(s.report->holders[0].text,
			    "Who holds them cannot be said: the list is empty");
	end(&s);
}

/* A tag of a driver: nobody holds its allocations. */
static void other_tags(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	suspect(&s, "Leak", 10000);
	assert_null(run(&s, FINDING_OBJECT_HOLDERS));
	assert_int_equal(s.report->finding_count, 0);
	end(&s);
}

static struct process of_list(const char *name, uint64_t pid, uint64_t handles,
			      enum process_state state)
{
	struct process p = {.va = 0xffff800000000000 + pid, .pid = pid, .state = state};

	memcpy(p.name, name, strlen(name));
	p.handles = (struct fact){state == PROCESS_RUNS, handles};
	p.parent = (struct fact){true, 8};
	return p;
}

/* Those that have ended come last, whatever the order; a name is no text of a known code page. */
static void processes_in_order(void **state)
{
	static const struct {
		enum process_sort sort;
		uint64_t pids[MOST];
	} cases[] = {
		{BY_HANDLES, {8, 4, 12, 16}},
		{BY_PID, {4, 8, 12, 16}},
		{BY_NAME, {12, 8, 4, 16}},
		{BY_HOLDS, {12, 8, 4, 16}},
	};
	struct process items[MOST] = {
		of_list("caf\xe9.exe", 8, 90, PROCESS_RUNS),
		of_list("gone.exe", 16, 0, PROCESS_EXITED),
		of_list("System", 4, 80, PROCESS_RUNS),
		of_list("a.exe", 12, 1, PROCESS_RUNS),
	};
	static char source[] = "a table";
	struct process_list list = {.items = items,
				    .count = MOST,
				    .running = 3,
				    .exited = 1,
				    .complete = true,
				    .offsets_source = source};

	(void)state;
	items[3].holds = (struct fact){true, 1};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ps_error err = PS_ERROR_INIT;
		struct report_processes *p;
		struct scene s;

		begin(&s, 0);
		s.input.processes = &list;
		s.selection.process_sort = cases[i].sort;
		s.selection.processes = 2;
		assert_int_equal(plugin_processes(&s.input, s.report, &err), PS_OK);
		p = &s.report->processes;
		for (size_t k = 0; k < MOST; k++) {
			assert_int_equal(p->items[k].pid, cases[i].pids[k]);
			if (p->items[k].pid == 8)
				assert_string_equal(p->items[k].name.value, "caf\\xe9.exe");
		}
		assert_int_equal(p->shown, 2);
		assert_int_equal(p->ended_count, 1);
		assert_string_equal(p->ended[0].parent_name.value, "caf\\xe9.exe");
		end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ended_boundaries),
		cmocka_unit_test(ended_in_words),
		cmocka_unit_test(ended_by_references),
		cmocka_unit_test(many_handles_boundaries),
		cmocka_unit_test(objects),
		cmocka_unit_test(not_available),
		cmocka_unit_test(other_tags),
		cmocka_unit_test(processes_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
