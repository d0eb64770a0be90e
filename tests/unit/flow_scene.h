/*
 * An image made by hand and what the data flow says of its calls, as text. For the tests of the
 * data flow over x86 and x64.
 */
#ifndef PS_TESTS_UNIT_FLOW_SCENE_H
#define PS_TESTS_UNIT_FLOW_SCENE_H

#include "analyzer/owners/flow.h"

enum {
	CODE = 0x1000,
	CONSTANTS = 0x2000, /* imports ALLOC 0x2000 and FREE 0x2008, CFG slots, tables */
	VARIABLES = 0x3000,
	CONFIG = 0x2200,
	SIZE = 0x4000,
	REPORT = 2048,
	SCENE_ARGUMENTS = 3,
	SCENE_RECORDS = 2,
};

/* Code, and what shall be said of each call in it. */
struct scene {
	const char *name;
	const uint8_t *code;
	size_t size;
	unsigned arguments[SCENE_ARGUMENTS], argument_count; /* to be told of each call */
	const char *want;
	uint32_t records[SCENE_RECORDS][3]; /* begin, end, root */
	unsigned record_count;
};

/* An image made by hand; only what the data flow looks at. */
struct fake {
	struct pe_image image;
	struct pe_section sections[3];
	uint64_t present[1];
	uint8_t *bytes; /* to be freed */
};

/* `code_size`: bytes of a section of code behind the rest, at SIZE. */
void fake_init(struct fake *fake, bool wide, uint32_t code_size);

/* What the visitor is told. */
struct report {
	char text[REPORT];
	size_t length;
	const struct scene *scene;
};

void report_say(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_value(struct report *report, const struct flow_value *value, bool target);

/* FREE takes one argument, ALLOC three. */
struct flow *new_flow(bool wide);

/* Plays the scene's code; the report is of the arguments that the scene names. */
void scene_play(struct flow *flow, bool wide, const struct scene *scene, struct report *ret);

#endif
