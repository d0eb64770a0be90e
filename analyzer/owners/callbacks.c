/*
 * Registered wrappers.
 */
#include "analyzer/owners/callbacks.h"

enum {
	ARGUMENTS = 6, /* of a call that are looked at */
	WORDS = 8,     /* of a structure of callbacks */
};

bool callbacks_wanted(const struct view *view, size_t from)
{
	for (size_t i = from; i < view->first_new; i++) {
		if (view->callees.items[i].by_field)
			return true;
	}
	return false;
}

static bool is_frame(const struct flow_value *value)
{
	return value->count == 1 && !value->open && value->atoms[0].kind == FLOW_FRAME;
}

static bool holds(const struct flow_value *value, enum flow_kind kind, uint64_t what)
{
	for (unsigned i = 0; i < value->count; i++) {
		if (value->atoms[i].kind == kind && value->atoms[i].value == what)
			return true;
	}
	return false;
}

/* A structure on the frame with the address of the routine among its first words. */
static bool hands_routine(const struct view *view, const struct flow_call *call, uint64_t rva)
{
	unsigned width = view->image->pointer_size;

	for (unsigned i = 0; i < ARGUMENTS; i++) {
		struct flow_value pointer = flow_argument(call, i);

		for (unsigned word = 0; is_frame(&pointer) && word < WORDS; word++) {
			struct flow_value value =
				flow_pointed(call, &pointer, (int64_t)word * width, width);

			if (holds(&value, FLOW_RVA, rva))
				return true;
		}
	}
	return false;
}

/* Variables whose address the registering call gets. */
static void add_variables(struct view *view, const struct flow_call *call,
			  const struct callee *wrapper)
{
	for (unsigned i = 0; i < ARGUMENTS; i++) {
		struct flow_value value = flow_argument(call, i);
		const struct pe_section *section;
		struct callee callee = *wrapper;

		if (value.count != 1 || value.open || value.atoms[0].kind != FLOW_RVA)
			continue;
		section = pe_section_at(view->image, (uint32_t)value.atoms[0].value);
		if (!section || pe_section_is_code(section) || !pe_section_is_writable(section))
			continue;
		callee.va = view->image->base + value.atoms[0].value;
		callee.by_variable = true;
		callee.called = false;
		if (!callees_add(&view->callees, &callee, NULL))
			view->no_memory = true;
	}
}

/* The value of the variable goes to the call, and a structure with it. */
static bool hands_variable(const struct flow_call *call, uint64_t rva)
{
	for (unsigned i = 0; i < ARGUMENTS; i++) {
		struct flow_value value = flow_argument(call, i);

		if (value.count == 1 && holds(&value, FLOW_LOAD, rva))
			return true;
	}
	return false;
}

/* Whether the place of the tag in the structure has something that can be one. */
static bool has_tag(const struct flow_call *call, const struct flow_value *pointer, uint32_t offset)
{
	struct flow_value tag = flow_pointed(call, pointer, offset, 4);

	for (unsigned i = 0; i < tag.count; i++) {
		const struct flow_atom *atom = &tag.atoms[i];
		bool printable = atom->kind == FLOW_CONST;

		for (unsigned j = 0; j < 4 && printable; j++) {
			uint8_t c = (uint8_t)(atom->value >> 8 * j);

			printable = c >= 0x20 && c <= 0x7e;
		}
		if (printable || atom->kind == FLOW_PARAM)
			return true;
	}
	return false;
}

static void hand_structures(struct view *view, const struct flow_call *call,
			    const struct callee *callee)
{
	for (unsigned i = 0; i < ARGUMENTS; i++) {
		struct flow_value pointer = flow_argument(call, i);

		if (is_frame(&pointer) && has_tag(call, &pointer, callee->offset))
			site_handed_structure(view, call, callee, i);
	}
}

void callbacks_visit(struct view *view, const struct flow_call *call, size_t from)
{
	for (size_t i = from; i < view->first_new; i++) {
		struct callee callee = view->callees.items[i]; /* adding may move the rows */
		uint64_t rva = callee.va - view->image->base;

		if (!callee.by_field || callee.api->kind == API_FREE)
			continue;
		if (!callee.by_variable && hands_routine(view, call, rva))
			add_variables(view, call, &callee);
		if (!callee.by_variable || !hands_variable(call, rva))
			continue;
		view->callees.items[i].called = true;
		hand_structures(view, call, &callee);
	}
}
