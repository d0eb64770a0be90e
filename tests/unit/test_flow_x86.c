/*
 * Data flow over x86 and x64 code: every encoding of a call site and of a tag that is known from
 * real drivers, calls that change what is known, stacks whose callees pop, and hostile bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/flow.h"
#include "analyzer/owners/flow_x86.h"
#include "flow_scene.h"
#include "flow_x86_scenes.h"

enum { HUGE_SIZE = 0x20000 };

static void expect(const struct scene *scene, const struct report *report)
{
	if (strcmp(report->text, scene->want) != 0)
		fail_msg("%s: got \"%s\", want \"%s\"", scene->name, report->text, scene->want);
}

static void play(bool wide, const struct scene *scene)
{
	struct flow *flow = new_flow(wide);
	struct report report;

	scene_play(flow, wide, scene, &report);
	expect(scene, &report);
	flow_destroy(flow);
}

static void test_x64(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(x64_scenes) / sizeof(x64_scenes[0]); i++)
		play(true, &x64_scenes[i]);
}

static void test_x86(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(x86_scenes) / sizeof(x86_scenes[0]); i++)
		play(false, &x86_scenes[i]);
}

/* ---- structures handed over ---- */

static void visit_pointed(void *context, const struct flow_call *call)
{
	struct report *report = context;
	struct flow_value pointer = flow_argument(call, 0);
	struct flow_value first = flow_pointed(call, &pointer, 0, 4);
	struct flow_value second = flow_pointed(call, &pointer, 4, 2);

	report_value(report, &first, false);
	report_say(report, ", ");
	report_value(report, &second, false);
}

static void test_pointed(void **state)
{
	static const uint8_t frame[] = {
		0x48, 0x83, 0xec, 0x48,                         /* sub rsp, 0x48 */
		0xc7, 0x44, 0x24, 0x30, 0x54, 0x61, 0x67, 0x31, /* mov dword [rsp+30h], 31676154h */
		0x66, 0xc7, 0x44, 0x24, 0x34, 0x10, 0x00,       /* mov word [rsp+34h], 10h */
		0x48, 0x8d, 0x4c, 0x24, 0x30,                   /* lea rcx, [rsp+30h] */
		0xff, 0x15, 0xe2, 0x0f, 0x00, 0x00,             /* call [2000h] */
		0xc3,                                           /* ret */
	};
	static const uint8_t constants[] = {
		0x48, 0x8d, 0x0d, 0x79, 0x10, 0x00, 0x00, /* lea rcx, [2080h] */
		0xff, 0x15, 0xf3, 0x0f, 0x00, 0x00,       /* call [2000h] */
		0xc3,                                     /* ret */
	};
	struct pe_functions none = {0};
	struct flow *flow = new_flow(true);
	struct report report = {0};
	struct fake fake;

	(void)state;
	fake_init(&fake, true, 0);
	memcpy(fake.bytes + CODE, frame, sizeof(frame));
	assert_true(flow_function(flow, &fake.image, &none, CODE, visit_pointed, &report));
	assert_string_equal(report.text, "31676154, 10");
	memcpy(fake.bytes + CODE, constants, sizeof(constants));
	report.length = 0;
	assert_true(flow_function(flow, &fake.image, &none, CODE, visit_pointed, &report));
	assert_string_equal(report.text, "33676154, 6154");
	free(fake.bytes);
	flow_destroy(flow);
}

/* ---- hostile code ---- */

static void look_at_all(void *context, const struct flow_call *call)
{
	unsigned *calls = context;

	for (unsigned i = 0; i < 12; i++) {
		struct flow_value value = flow_argument(call, i);

		flow_pointed(call, &value, 4, 8);
		assert_true(value.count <= FLOW_ATOMS);
	}
	flow_argument(call, FLOW_REGISTER | 0xff);
	flow_argument(call, FLOW_REGISTER | X86_SP);
	(*calls)++;
}

static void random_code(bool wide, unsigned rounds)
{
	struct pe_function record = {CODE, CODE + 0x1000, CODE};
	struct pe_functions functions = {.items = &record, .count = 1}, none = {0};
	struct flow *flow = new_flow(wide);
	uint64_t random = 88172645463325252u;
	unsigned calls = 0;
	struct fake fake;

	fake_init(&fake, wide, 0);
	for (unsigned round = 0; round < rounds; round++) {
		for (uint32_t i = CODE; i < CODE + 0x1000; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			fake.bytes[i] = (uint8_t)random;
		}
		flow_function(flow, &fake.image, round % 2 ? &functions : &none,
			      CODE + (uint32_t)(random % 0x1000), look_at_all, &calls);
	}
	assert_true(calls > rounds / 8);
	free(fake.bytes);
	flow_destroy(flow);
}

static void test_random_code(void **state)
{
	(void)state;
	random_code(true, 200);
	random_code(false, 200);
}

/* The entry itself is outside, absent, or leads into itself. */
static void test_bad_entries(void **state)
{
	static const uint8_t itself[] = {0xeb, 0xff, 0xc0, 0xeb, 0xfb}; /* jmp $+1; inc; jmp */
	static const uint32_t entries[] = {CODE, SIZE - 1, SIZE, UINT32_MAX, 0};
	struct pe_functions none = {0};
	struct flow *flow = new_flow(true);
	struct fake fake;
	unsigned calls = 0;

	(void)state;
	fake_init(&fake, true, 0);
	memcpy(fake.bytes + CODE, itself, sizeof(itself));
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		assert_true(
			flow_function(flow, &fake.image, &none, entries[i], look_at_all, &calls));
	fake.present[0] = 0;
	assert_true(flow_function(flow, &fake.image, &none, CODE, look_at_all, &calls));
	assert_int_equal(calls, 0);
	free(fake.bytes);
	flow_destroy(flow);
}

static void fill_huge(struct fake *fake, const uint8_t *unit, size_t size)
{
	for (uint32_t at = SIZE; at + size <= SIZE + HUGE_SIZE; at += (uint32_t)size)
		memcpy(fake->bytes + at, unit, size);
}

/* More instructions than the budget: the answer is "not all", and nothing in it is wrong. */
static void test_budget(void **state)
{
	static const uint8_t forward[] = {
		0xb9, 0x54, 0x61, 0x67, 0x31, /* mov ecx, 31676154h */
		0x75, 0x02,                   /* jne $+4 */
		0x33, 0xc9,                   /* xor ecx, ecx */
		0xe8, 0x00, 0x00, 0x00, 0x00, /* call $+5 */
	};
	struct pe_functions none = {0};
	struct flow *flow = new_flow(true);
	unsigned calls = 0;
	uint64_t before;
	struct fake fake;

	(void)state;
	fake_init(&fake, true, HUGE_SIZE);
	fake.present[0] = UINT64_MAX;
	memset(fake.bytes + SIZE, 0x90, HUGE_SIZE);
	before = flow_work(flow);
	assert_false(flow_function(flow, &fake.image, &none, SIZE, look_at_all, &calls));
	assert_true(flow_work(flow) - before < 1000000);
	fill_huge(&fake, forward, sizeof(forward));
	before = flow_work(flow);
	assert_false(flow_function(flow, &fake.image, &none, SIZE, look_at_all, &calls));
	assert_true(calls > 0);
	assert_true(flow_work(flow) - before < 1000000);
	free(fake.bytes);
	flow_destroy(flow);
}

static void test_popped_by(void **state)
{
	static const uint8_t callee[] = {
		0x85, 0xc0,       /* test eax, eax */
		0x74, 0x03,       /* je $+5 */
		0xc2, 0x0c, 0x00, /* ret 12 */
		0xc2, 0x0c, 0x00, /* ret 12 */
	};
	struct flow *flow = new_flow(false);
	struct fake fake;

	(void)state;
	fake_init(&fake, false, 0);
	memcpy(fake.bytes + CODE, callee, sizeof(callee));
	assert_int_equal(flow_popped_by(flow, &fake.image, CODE), 12);
	assert_int_equal(flow_popped_by(flow, &fake.image, CODE + 0x800), -1);
	assert_int_equal(flow_popped_by(flow, &fake.image, SIZE + 5), -1);
	free(fake.bytes);
	flow_destroy(flow);
}

static void test_machines(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct flow *flow = NULL;

	(void)state;
	assert_int_equal(flow_create(0x1c0, &flow, &err), PS_UNSUPPORTED);
	assert_string_equal(err.text, "code of machine type 0x01c0 is not analysed");
	flow_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x64),         cmocka_unit_test(test_x86),
		cmocka_unit_test(test_pointed),     cmocka_unit_test(test_random_code),
		cmocka_unit_test(test_bad_entries), cmocka_unit_test(test_budget),
		cmocka_unit_test(test_popped_by),   cmocka_unit_test(test_machines),
	};

	return cmocka_run_group_tests_name("flow-x86", tests, NULL, NULL);
}
