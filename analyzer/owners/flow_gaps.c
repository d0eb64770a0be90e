/*
 * All parts of one function: its record and those split off, and in them the code that nothing
 * known leads to, because a jump table was not understood or only tables of handlers lead there.
 */
#include <stdlib.h>

#include "analyzer/owners/flow_engine.h"
#include "base/memory.h"
#include "base/search.h"

enum {
	GAPS = 64,       /* extra entries of one body */
	HANDLER = 0x200, /* bytes of an exception handler in the middle of x86 code */
	BODY_PASSES = 16,
};

static int compare_roots(const void *a, const void *b)
{
	const struct pe_function *x = a, *y = b;

	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

void gaps_index(struct flow *flow, const struct pe_functions *functions)
{
	void *items;

	flow->functions = functions;
	flow->fragment_count = 0;
	for (size_t i = 0; i < functions->count; i++) {
		if (functions->items[i].root == functions->items[i].begin)
			continue;
		items = flow->fragments;
		if (!mem_grow(&items, flow->fragment_count, &flow->fragment_capacity,
			      sizeof(*flow->fragments)))
			return;
		flow->fragments = items;
		flow->fragments[flow->fragment_count++] = functions->items[i];
	}
	if (flow->fragment_count)
		qsort(flow->fragments, flow->fragment_count, sizeof(*flow->fragments),
		      compare_roots);
}

static uint64_t root_of(const void *item)
{
	return ((const struct pe_function *)item)->root;
}

/* Code of the body that nothing known leads to: unresolved jump tables, handlers. */
static bool fill(struct flow *flow, unsigned *gaps, const struct pe_function *body,
		 gap_visitor enter)
{
	uint32_t rva = body->begin;

	while (*gaps < GAPS && code_next_gap(flow, body->end, &rva)) {
		if (flow->root == FLOW_NONE && !code_inside(flow, rva))
			return true;
		(*gaps)++;
		if (!enter(flow, rva))
			return false;
		if (code_find(flow, rva) == FLOW_NONE)
			rva++;
	}
	return true;
}

/*
 * x86 has no records: the body reaches from the entry to the end of what was reached without a hole
 * of a function's size. In between lie handlers, which only tables lead to.
 */
static struct pe_function unrecorded_body(const struct flow *flow)
{
	struct pe_function body = {.begin = flow->entry, .end = flow->entry, .root = flow->entry};
	bool grown = true;

	for (unsigned pass = 0; grown && pass < BODY_PASSES; pass++) {
		grown = false;
		for (uint32_t i = 0; i < flow->insn_count; i++) {
			uint32_t rva = flow->insns[i].rva;

			if (rva >= body.end && rva - body.end < HANDLER) {
				body.end = rva + flow->insns[i].length;
				grown = true;
			}
		}
	}
	return body;
}

bool gaps_fill(struct flow *flow, gap_visitor enter)
{
	const struct pe_function *record;
	struct pe_function body;
	unsigned gaps = 0;
	size_t i;

	if (flow->root == FLOW_NONE && !flow->arch->callee_pops)
		return true;
	if (flow->root == FLOW_NONE) {
		body = unrecorded_body(flow);
		return fill(flow, &gaps, &body, enter);
	}
	record = pe_function_at(flow->functions, flow->root);
	if (record && !fill(flow, &gaps, record, enter))
		return false;
	i = search_first(flow->fragments, flow->fragment_count, sizeof(*flow->fragments), root_of,
			 flow->root);
	for (; i < flow->fragment_count; i++) {
		if (flow->fragments[i].root != flow->root)
			break;
		if (!fill(flow, &gaps, &flow->fragments[i], enter))
			return false;
	}
	return true;
}
