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
#include "flow_x86_scenes.h"

enum {
	CODE = 0x1000,
	CONSTANTS = 0x2000,
	VARIABLES = 0x3000,
	CONFIG = 0x2200,
	SIZE = 0x4000,
	HUGE_SIZE = 0x20000,
	REPORT = 2048,
};

/* An image made by hand; only what the data flow looks at. */
struct fake {
	struct pe_image image;
	struct pe_section sections[3];
	uint64_t present[1];
	uint8_t *bytes;
};

static void put(struct fake *fake, uint32_t rva, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		fake->bytes[rva + i] = (uint8_t)(value >> i * 8);
}

static void fill_constants(struct fake *fake, bool wide)
{
	uint64_t base = fake->image.base;

	put(fake, 0x2040, wide ? 0x1040 : base + 0x1040, 4);
	put(fake, 0x2044, wide ? 0x1050 : base + 0x1050, 4);
	put(fake, 0x2080, 0x33676154, 4);
	put(fake, 0x2084, 0x34676154, 4);
	put(fake, CONFIG, wide ? 0x80 : 0x50, 4);
	put(fake, CONFIG + (wide ? 0x70 : 0x48), base + 0x2010, wide ? 8 : 4);
	put(fake, CONFIG + (wide ? 0x78 : 0x4c), base + 0x2018, wide ? 8 : 4);
}

static void fake_init(struct fake *fake, bool wide, uint32_t code_size)
{
	memset(fake, 0, sizeof(*fake));
	fake->bytes = calloc(1, SIZE + code_size);
	assert_non_null(fake->bytes);
	fake->sections[0] = (struct pe_section){".text", CODE, 0x1000, 0x60000020, 1, 1};
	fake->sections[1] = (struct pe_section){".rdata", CONSTANTS, 0x1000, 0x40000040, 1, 1};
	fake->sections[2] = (struct pe_section){".data", VARIABLES, 0x1000, 0xc0000040, 1, 1};
	fake->present[0] = UINT64_MAX;
	fake->image.bytes = fake->bytes;
	fake->image.size = SIZE;
	fake->image.base = wide ? 0x140000000 : 0x400000;
	fake->image.machine = wide ? PE_X64 : PE_X86;
	fake->image.pointer_size = wide ? 8 : 4;
	fake->image.sections = fake->sections;
	fake->image.section_count = 3;
	fake->image.present = fake->present;
	fake->image.pages = fake->image.pages_present = SIZE / PE_PAGE;
	fake->image.directories[PE_LOAD_CONFIG] = (struct pe_range){CONFIG, 0x100};
	memset(fake->bytes + CODE, 0xcc, 0x1000);
	fill_constants(fake, wide);
	if (code_size) { /* all code, behind the rest */
		fake->sections[2] = (struct pe_section){".big", SIZE, code_size, 0x60000020, 1, 1};
		fake->image.size = SIZE + code_size;
		fake->image.pages = fake->image.pages_present = fake->image.size / PE_PAGE;
	}
}

/* ---- what the visitor is told, as text ---- */

struct report {
	char text[REPORT];
	size_t length;
	const struct scene *scene;
};

static void say(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct report *report, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(report->text + report->length, REPORT - report->length, format, list);
	va_end(list);
	report->length += (size_t)length;
	if (report->length >= REPORT)
		report->length = REPORT - 1;
}

static void say_atom(struct report *report, const struct flow_atom *atom, bool target)
{
	unsigned long long value = atom->value;

	switch (atom->kind) {
	case FLOW_CONST: say(report, target ? "const %llx" : "%llx", value); break;
	case FLOW_RVA: say(report, "rva %llx", value); break;
	case FLOW_LOAD: say(report, "load %llx", value); break;
	case FLOW_FIELD: say(report, "field %llx+%x", value, atom->offset); break;
	case FLOW_PARAM:
		if (value & FLOW_REGISTER)
			say(report, "reg%llu", value & 0xff);
		else
			say(report, "p%llu", value);
		break;
	case FLOW_FRAME: say(report, "frame %lld", (long long)value); break;
	case FLOW_BEHIND: say(report, "behind p%llu+%x", value, atom->offset); break;
	case FLOW_RESULT: say(report, "result %llx", value); break;
	default: fail_msg("atom of kind %d left the engine", (int)atom->kind);
	}
}

static void say_value(struct report *report, const struct flow_value *value, bool target)
{
	for (unsigned i = 0; i < value->count; i++) {
		say(report, i ? " " : "%s", "");
		say_atom(report, &value->atoms[i], target);
	}
	if (value->open)
		say(report, value->count ? " open" : "open");
}

static void visit(void *context, const struct flow_call *call)
{
	struct report *report = context;

	say(report, "%s", report->length ? "; " : "");
	say_value(report, &call->target, true);
	say(report, "%s", call->tail ? " tail: " : ": ");
	for (unsigned i = 0; i < report->scene->argument_count; i++) {
		struct flow_value value = flow_argument(call, report->scene->arguments[i]);

		say(report, "%s", i ? ", " : "");
		say_value(report, &value, false);
	}
}

/* FREE at 0x2008 takes one argument, everything else in the table of imports three. */
static int popped(void *context, const struct flow_atom *target)
{
	(void)context;
	if (target->kind == FLOW_LOAD && target->value == 0x2008)
		return 4;
	if (target->kind == FLOW_LOAD && target->value == 0x2000)
		return 12;
	return -1;
}

static struct flow *new_flow(bool wide)
{
	struct ps_error err = PS_ERROR_INIT;
	struct flow *flow = NULL;

	if (flow_create(wide ? PE_X64 : PE_X86, &flow, &err) != PS_OK)
		fail_msg("%s", err.text);
	flow_set_popped(flow, popped, NULL);
	return flow;
}

static void play(bool wide, const struct scene *scene)
{
	struct flow *flow = new_flow(wide);
	struct report report = {.scene = scene};
	struct pe_function records[SCENE_RECORDS];
	struct pe_functions functions = {.items = records, .count = scene->record_count};
	struct fake fake;

	fake_init(&fake, wide, 0);
	memcpy(fake.bytes + CODE, scene->code, scene->size);
	for (unsigned i = 0; i < scene->record_count; i++)
		records[i] = (struct pe_function){scene->records[i][0], scene->records[i][1],
						  scene->records[i][2]};
	assert_true(flow_function(flow, &fake.image, &functions, CODE, visit, &report));
	if (strcmp(report.text, scene->want) != 0)
		fail_msg("%s: got \"%s\", want \"%s\"", scene->name, report.text, scene->want);
	free(fake.bytes);
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

	say_value(report, &first, false);
	say(report, ", ");
	say_value(report, &second, false);
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
