/*
 * Calls that the data flow decides from the code right before them (flow_straight.c), on x64: what
 * it says must be what the analysis of the whole function says, and it must leave to that what it
 * cannot know. The assembly stands beside the bytes; the GNU assembler wrote them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/flow_engine.h"
#include "flow_scene.h"
#include "flow_x86_scenes.h"

static const uint8_t behind_loop[] = {
	0x31, 0xc0,                         /* xor eax,eax */
	0x8d, 0x40, 0x03,                   /* lea eax,[rax+0x3] */
	0x01, 0xc1,                         /* add ecx,eax */
	0x31, 0xca,                         /* xor edx,ecx */
	0x83, 0xf8, 0x64,                   /* cmp eax,0x64 */
	0x72, 0xf4,                         /* jb 1002 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xe6, 0x0f, 0x00, 0x00, /* call [rip+0xfe6] */
	0xc3,                               /* ret */
};

static const uint8_t joined[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x85, 0xc9,                         /* test ecx,ecx */
	0x74, 0x06,                         /* je 1010 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x32, /* mov r8d,0x32676154 */
	0xff, 0x15, 0xea, 0x0f, 0x00, 0x00, /* call [rip+0xfea] */
	0xc3,                               /* ret */
};

/* clang-format off */
static const uint8_t by_table[] = {
	0x48, 0x8d, 0x15, 0xf9, 0xef, 0xff, 0xff, /* lea rdx,[0] */
	0x83, 0xf9, 0x01,                         /* cmp ecx,0x1 */
	0x8b, 0x8c, 0x8a, 0x40, 0x20, 0x00, 0x00, /* mov ecx,[rdx+rcx*4+0x2040] */
	0x48, 0x01, 0xd1,                         /* add rcx,rdx */
	0xff, 0xe1,                               /* jmp rcx */
	[0x16 ... 0x3f] = 0xcc,
	0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00,       /* 1040: nop word [rax+rax+0] */
	0x0f, 0x1f, 0x00,                         /* nop [rax] */
	0x90,                                     /* nop */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0xff, 0x15, 0xaa, 0x0f, 0x00, 0x00,       /* 1050: call [rip+0xfaa] */
	0xc3,                                     /* ret */
};
/* clang-format on */

static const uint8_t from_nowhere[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xf4, 0x0f, 0x00, 0x00, /* call [rip+0xff4] */
	0xc3,                               /* ret */
	0x41, 0x89, 0xd0,                   /* mov r8d,edx */
	0xeb, 0xf4,                         /* jmp 1006 */
};

static const uint8_t parameter[] = {
	0xba, 0x40, 0x00, 0x00, 0x00,       /* mov edx,0x40 */
	0xff, 0x15, 0xf5, 0x0f, 0x00, 0x00, /* call [rip+0xff5] */
	0xc3,                               /* ret */
};

static const uint8_t parameter_again[] = {
	0xba, 0x40, 0x00, 0x00, 0x00,       /* mov edx,0x40 */
	0xff, 0x15, 0xf5, 0x0f, 0x00, 0x00, /* call [rip+0xff5] */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xeb, 0xed,                         /* jmp 1000 */
};

static const uint8_t behind_call[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0xff, 0x15, 0xfc, 0x0f, 0x00, 0x00, /* call [rip+0xffc] */
	0xff, 0x15, 0xee, 0x0f, 0x00, 0x00, /* call [rip+0xfee] */
	0xc3,                               /* ret */
};

static const uint8_t part_of_register[] = {
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31, /* mov r8d,0x31676154 */
	0x41, 0x88, 0xc8,                   /* mov r8b,cl */
	0xff, 0x15, 0xf1, 0x0f, 0x00, 0x00, /* call [rip+0xff1] */
	0xc3,                               /* ret */
};

static const uint8_t dispatched[] = {
	0x48, 0x8b, 0x05, 0xf9, 0x0f, 0x00, 0x00, /* mov rax,[rip+0xff9] */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0xff, 0x15, 0x05, 0x10, 0x00, 0x00,       /* call [rip+0x1005] */
	0xc3,                                     /* ret */
};

static const uint8_t on_the_stack[] = {
	0x48, 0x83, 0xec, 0x38,                         /* sub rsp,0x38 */
	0xc7, 0x44, 0x24, 0x20, 0x54, 0x61, 0x67, 0x31, /* mov [rsp+0x20],0x31676154 */
	0xff, 0x15, 0xee, 0x0f, 0x00, 0x00,             /* call [rip+0xfee] */
	0x48, 0x83, 0xc4, 0x38,                         /* add rsp,0x38 */
	0xc3,                                           /* ret */
};

static const uint8_t zeroed[] = {
	0x85, 0xc9,                         /* test ecx,ecx */
	0x74, 0x00,                         /* je 1004 */
	0x45, 0x31, 0xc0,                   /* xor r8d,r8d */
	0xff, 0x25, 0xf3, 0x0f, 0x00, 0x00, /* jmp [rip+0xff3] */
};

static const uint8_t kept_import[] = {
	0x48, 0x8b, 0x35, 0xf9, 0x0f, 0x00, 0x00, /* mov rsi,[rip+0xff9] */
	0x85, 0xc9,                               /* test ecx,ecx */
	0x74, 0x01,                               /* je 100c */
	0x90,                                     /* nop */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0xff, 0xd6,                               /* call rsi */
	0xc3,                                     /* ret */
};

static const uint8_t not_taken[] = {
	0x48, 0x8b, 0x35, 0xf9, 0x0f, 0x00, 0x00, /* mov rsi,[rip+0xff9] */
	0x85, 0xc9,                               /* test ecx,ecx */
	0x74, 0x08,                               /* je 1013 */
	0x41, 0xb8, 0x54, 0x61, 0x67, 0x31,       /* mov r8d,0x31676154 */
	0xff, 0xd6,                               /* call rsi */
	0xc3,                                     /* ret */
};

struct row {
	struct scene scene;
	bool straight;
};

/* Named after their codes; why they are there stands beside them. */
static const struct row rows[] = {
	/* a loop before it is never run */
	{{"behind_loop", behind_loop, sizeof(behind_loop), {2}, 1, "load 2000: 31676154", {}, 0},
	 true},
	/* two ways meet between tag and call */
	{{"joined", joined, sizeof(joined), {2}, 1, "load 2000: 31676154 32676154", {}, 0}, false},
	/* one of them out of a jump table */
	{{"by_table", by_table, sizeof(by_table), {2}, 1, "load 2000: 31676154 p2", {}, 0}, false},
	/* one of them from code that nothing leads to */
	{{"from_nowhere",
	  from_nowhere,
	  sizeof(from_nowhere),
	  {2},
	  1,
	  "load 2000: 31676154 open",
	  {{0x1000, 0x1012, 0x1000}},
	  1},
	 false},
	/* from the entry: a parameter */
	{{"parameter", parameter, sizeof(parameter), {2}, 1, "load 2000: p2", {}, 0}, true},
	/* the entry is jumped to */
	{{"parameter_again",
	  parameter_again,
	  sizeof(parameter_again),
	  {2},
	  1,
	  "load 2000: 31676154 p2",
	  {},
	  0},
	 false},
	/* a call takes the register */
	{{"behind_call",
	  behind_call,
	  sizeof(behind_call),
	  {2},
	  1,
	  "load 2008: 31676154; load 2000: open",
	  {},
	  0},
	 true},
	/* only a part of the register is set */
	{{"part_of_register",
	  part_of_register,
	  sizeof(part_of_register),
	  {2},
	  1,
	  "load 2000: open",
	  {},
	  0},
	 true},
	/* the real target is in a register */
	{{"dispatched", dispatched, sizeof(dispatched), {2}, 1, "load 2000: 31676154", {}, 0},
	 true},
	/* an argument on the stack */
	{{"on_the_stack",
	  on_the_stack,
	  sizeof(on_the_stack),
	  {2, 4},
	  2,
	  "load 2000: p2, 31676154",
	  {},
	  0},
	 false},
	/* zero, whatever it was */
	{{"zeroed", zeroed, sizeof(zeroed), {2}, 1, "load 2000 tail: 0", {}, 0}, true},
	/* the target comes from an earlier block */
	{{"kept_import", kept_import, sizeof(kept_import), {2}, 1, "load 2000: 31676154", {}, 0},
	 false},
	/* behind a branch that is not taken there is only one way */
	{{"not_taken", not_taken, sizeof(not_taken), {2}, 1, "load 2000: 31676154", {}, 0}, true},
};

/* Everything is of interest. */
static bool interest(void *context, const struct flow_atom *target, struct flow_needs *needs)
{
	const struct report *report = context;

	(void)target;
	for (unsigned i = 0; i < report->scene->argument_count && !needs->all; i++) {
		if (needs->count == FLOW_NEEDS)
			needs->all = true;
		else
			needs->arguments[needs->count++] = report->scene->arguments[i];
	}
	return true;
}

static void expect(const struct scene *scene, const struct report *report, const char *how)
{
	if (strcmp(report->text, scene->want) != 0)
		fail_msg("%s, %s: got \"%s\", want \"%s\"", scene->name, how, report->text,
			 scene->want);
}

static void play(const struct row *row)
{
	struct flow *flow = new_flow(true);
	struct report report;

	scene_play(flow, true, &row->scene, &report);
	expect(&row->scene, &report, "as a whole");
	flow_set_interest(flow, interest);
	scene_play(flow, true, &row->scene, &report);
	expect(&row->scene, &report, "with interest");
	if ((flow->steps == 0) != row->straight)
		fail_msg("%s: %s", row->scene.name,
			 row->straight ? "analysed as a whole" : "decided where it stands");
	flow_destroy(flow);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		play(&rows[i]);
}

/* The scenes of the whole analysis; calls whose target is not known at all may go unvisited. */
static void test_scenes(void **state)
{
	size_t count = sizeof(x64_scenes) / sizeof(x64_scenes[0]), straight = 0;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct flow *flow = new_flow(true);
		struct report report;

		flow_set_interest(flow, interest);
		scene_play(flow, true, &x64_scenes[i], &report);
		if (!strstr(x64_scenes[i].want, "open: ") || flow->steps)
			expect(&x64_scenes[i], &report, "with interest");
		straight += flow->steps == 0;
		flow_destroy(flow);
	}
	print_message("%zu of %zu scenes are decided where they stand\n", straight, count);
	assert_true(straight > count / 3);
}

/* Nobody asks: nothing is run, and nothing is visited. */
static bool no_interest(void *context, const struct flow_atom *target, struct flow_needs *needs)
{
	(void)context;
	(void)target;
	(void)needs;
	return false;
}

static void test_no_interest(void **state)
{
	struct flow *flow = new_flow(true);
	struct report report;

	(void)state;
	flow_set_interest(flow, no_interest);
	scene_play(flow, true, &rows[0].scene, &report);
	assert_string_equal(report.text, "");
	assert_int_equal(flow->steps, 0);
	flow_destroy(flow);
}

/* What is needed beyond the registers is not decided here. */
static bool all_interest(void *context, const struct flow_atom *target, struct flow_needs *needs)
{
	needs->all = true;
	return interest(context, target, needs);
}

static void test_all_needed(void **state)
{
	struct flow *flow = new_flow(true);
	struct report report;

	(void)state;
	flow_set_interest(flow, all_interest);
	scene_play(flow, true, &rows[0].scene, &report);
	expect(&rows[0].scene, &report, "with all needed");
	assert_true(flow->steps > 0);
	flow_destroy(flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_no_interest),
		cmocka_unit_test(test_all_needed),
	};

	return cmocka_run_group_tests_name("flow-straight", tests, NULL, NULL);
}
