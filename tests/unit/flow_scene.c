/* An image made by hand, and what the data flow says of its calls. */
#include "flow_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void fake_init(struct fake *fake, bool wide, uint32_t code_size)
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

void report_say(struct report *report, const char *format, ...)
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
	case FLOW_CONST: report_say(report, target ? "const %llx" : "%llx", value); break;
	case FLOW_RVA: report_say(report, "rva %llx", value); break;
	case FLOW_LOAD: report_say(report, "load %llx", value); break;
	case FLOW_FIELD: report_say(report, "field %llx+%x", value, atom->offset); break;
	case FLOW_PARAM:
		if (value & FLOW_REGISTER)
			report_say(report, "reg%llu", value & 0xff);
		else
			report_say(report, "p%llu", value);
		break;
	case FLOW_FRAME: report_say(report, "frame %lld", (long long)value); break;
	case FLOW_BEHIND: report_say(report, "behind p%llu+%x", value, atom->offset); break;
	case FLOW_RESULT: report_say(report, "result %llx", value); break;
	default: fail_msg("atom of kind %d left the engine", (int)atom->kind);
	}
}

void report_value(struct report *report, const struct flow_value *value, bool target)
{
	for (unsigned i = 0; i < value->count; i++) {
		report_say(report, i ? " " : "%s", "");
		say_atom(report, &value->atoms[i], target);
	}
	if (value->open)
		report_say(report, value->count ? " open" : "open");
}

static void visit(void *context, const struct flow_call *call)
{
	struct report *report = context;

	report_say(report, "%s", report->length ? "; " : "");
	report_value(report, &call->target, true);
	report_say(report, "%s", call->tail ? " tail: " : ": ");
	for (unsigned i = 0; i < report->scene->argument_count; i++) {
		struct flow_value value = flow_argument(call, report->scene->arguments[i]);

		report_say(report, "%s", i ? ", " : "");
		report_value(report, &value, false);
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

struct flow *new_flow(bool wide)
{
	struct ps_error err = PS_ERROR_INIT;
	struct flow *flow = NULL;

	if (flow_create(wide ? PE_X64 : PE_X86, &flow, &err) != PS_OK)
		fail_msg("%s", err.text);
	flow_set_popped(flow, popped, NULL);
	return flow;
}

void scene_play(struct flow *flow, bool wide, const struct scene *scene, struct report *ret)
{
	struct pe_function records[SCENE_RECORDS];
	struct pe_functions functions = {.items = records, .count = scene->record_count};
	struct fake fake;

	*ret = (struct report){.scene = scene};
	fake_init(&fake, wide, 0);
	memcpy(fake.bytes + CODE, scene->code, scene->size);
	for (unsigned i = 0; i < scene->record_count; i++)
		records[i] = (struct pe_function){scene->records[i][0], scene->records[i][1],
						  scene->records[i][2]};
	assert_true(flow_function(flow, &fake.image, &functions, CODE, visit, ret));
	free(fake.bytes);
}
