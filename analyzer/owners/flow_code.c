/*
 * The code of one function: instructions lifted once, found by recursive descent, jump tables, what
 * callees do. Code that absent pages hold does not exist here: a path ends before them.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/flow_engine.h"
#include "base/memory.h"
#include "base/search.h"

enum {
	PLACES = CODE_INSNS * 2,
	LONGEST = 16,               /* bytes that a back end may want to see */
	UNRECORDED_REACH = 1 << 16, /* bytes between an entry and a jump target without .pdata */
};

/* Neighbours in the code are neighbours in the table, so that a run touches few cache lines. */
static uint32_t place_of(uint32_t rva)
{
	return (rva + (rva / PLACES) * 2654435761u) % PLACES;
}

void code_reset(struct flow *flow)
{
	for (uint32_t i = 0; i < flow->insn_count; i++) {
		uint32_t place = place_of(flow->insns[i].rva);

		while (flow->places[place]) {
			flow->places[place] = 0;
			place = (place + 1) % PLACES;
		}
	}
	flow->insn_count = flow->op_count = flow->leader_count = flow->edge_count = 0;
	flow->table_count = flow->padding = 0;
	flow->queue_first = flow->queue_count = flow->pending_count = 0;
	flow->steps = 0;
	flow->complete = true;
}

uint32_t code_find(const struct flow *flow, uint32_t rva)
{
	uint32_t place = place_of(rva), index;

	while ((index = flow->places[place]) != 0) {
		if (flow->insns[index - 1].rva == rva)
			return index - 1;
		place = (place + 1) % PLACES;
	}
	return FLOW_NONE;
}

static void remember(struct flow *flow, uint32_t rva, uint32_t index)
{
	uint32_t place = place_of(rva);

	while (flow->places[place])
		place = (place + 1) % PLACES;
	flow->places[place] = index + 1;
}

/* Without records a body ends where something that looks like a function of its own begins. */
static bool looks_like_entry(const struct pe_image *image, uint32_t rva)
{
	static const uint8_t hot_patch[] = {0x8b, 0xff, 0x55, 0x8b, 0xec};
	const uint8_t *code = pe_at(image, rva, sizeof(hot_patch));
	const uint8_t *before = rva >= 2 ? pe_at(image, rva - 2, 2) : NULL;

	if (!code || image->machine != PE_X86)
		return false;
	if (memcmp(code, hot_patch, sizeof(hot_patch)) == 0)
		return true;
	if (memcmp(code, hot_patch + 2, sizeof(hot_patch) - 2) == 0)
		return !before || memcmp(before, hot_patch, 2) != 0;
	return before && before[0] == 0xcc && before[1] == 0xcc;
}

/* Where straight code goes on: the record bounds it, else the section. */
static bool goes_on(const struct flow *flow, uint32_t rva)
{
	const struct pe_function *body;
	const struct pe_section *section;

	if (flow->body && rva >= flow->body->begin && rva < flow->body->end)
		return true; /* asked of every instruction, nearly always so */
	if (rva >= flow->image->size)
		return false;
	body = flow->functions->count ? pe_function_at(flow->functions, rva) : NULL;
	if (flow->root != FLOW_NONE)
		return body && body->root == flow->root;
	if (body)
		return false;
	section = pe_section_at(flow->image, rva);
	return section && pe_section_is_code(section);
}

static uint64_t begin_of(const void *item)
{
	return ((const struct pe_function *)item)->begin;
}

/* No recorded function lies between: a jump over one leads out of a function without a record. */
static bool same_gap(const struct pe_functions *functions, uint32_t a, uint32_t b)
{
	uint32_t from = a < b ? a : b, to = a < b ? b : a;
	size_t next = search_first(functions->items, functions->count, sizeof(*functions->items),
				   begin_of, from);

	return next == functions->count || functions->items[next].begin > to;
}

bool code_inside(const struct flow *flow, uint32_t rva)
{
	if (!goes_on(flow, rva))
		return false;
	if (flow->root != FLOW_NONE || rva == flow->entry)
		return true;
	if (rva < flow->entry ? flow->entry - rva > UNRECORDED_REACH
			      : rva - flow->entry > UNRECORDED_REACH)
		return false;
	if (flow->begins && flow->begins(flow->begins_context, rva))
		return false;
	return same_gap(flow->functions, flow->entry, rva) && !looks_like_entry(flow->image, rva);
}

uint32_t code_target(const struct flow *flow, uint64_t va)
{
	uint64_t mask = flow->arch->pointer == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t rva = (va - flow->image->base) & mask;

	return rva < flow->image->size ? (uint32_t)rva : FLOW_NONE;
}

/* As many of the next LONGEST bytes as are there. */
static const uint8_t *bytes_at(const struct pe_image *image, uint32_t rva, size_t *ret_size)
{
	uint32_t to_page_end = PE_PAGE - rva % PE_PAGE;
	const uint8_t *code = pe_at(image, rva, LONGEST);

	*ret_size = LONGEST;
	if (code)
		return code;
	*ret_size = to_page_end < LONGEST ? to_page_end : LONGEST;
	return pe_at(image, rva, *ret_size);
}

/* Whether `cmp reg, n` can be the check before a table of n + 1 entries. */
static bool bounds_table(const struct flow_insn *insn)
{
	return insn->compares && insn->compared >= 2 && insn->compared < CODE_TABLE_ENTRIES;
}

static uint32_t lift(struct flow *flow, uint32_t rva)
{
	struct flow_insn insn;
	struct code_insn *kept = &flow->insns[flow->insn_count];
	size_t size;
	const uint8_t *code = bytes_at(flow->image, rva, &size);

	if (flow->insn_count == CODE_INSNS || flow->op_count + FLOW_OPS > CODE_OPS) {
		flow->complete = false;
		return FLOW_NONE;
	}
	flow->work += flow->arch->lift_work;
	flow_insn_init(&insn);
	if (!code || !flow->arch->lift(flow->machine, code, size, flow->image->base + rva, &insn) ||
	    !insn.length || insn.op_count > FLOW_OPS)
		return FLOW_NONE;
	*kept = (struct code_insn){.rva = rva,
				   .ops = flow->op_count,
				   .leader = FLOW_NONE,
				   .run = FLOW_NONE,
				   .edges = FLOW_NONE,
				   .va = insn.va,
				   .popped = insn.popped,
				   .entries = bounds_table(&insn) ? insn.compared + 1 : 0,
				   .length = insn.length,
				   .control = insn.control,
				   .target = insn.target,
				   .op_count = insn.op_count};
	memcpy(flow->ops + flow->op_count, insn.ops, insn.op_count * sizeof(insn.ops[0]));
	flow->op_count += insn.op_count;
	remember(flow, rva, flow->insn_count);
	return flow->insn_count++;
}

/* A run that was stepped through this place must be stepped again to end here. */
static uint32_t make_leader(struct flow *flow, uint32_t insn)
{
	struct code_insn *at = &flow->insns[insn];
	struct code_leader *leader = &flow->leaders[flow->leader_count];
	uint32_t run = at->run;

	if (at->leader != FLOW_NONE)
		return at->leader;
	if (flow->leader_count == CODE_LEADERS) {
		flow->complete = false;
		return FLOW_NONE;
	}
	if (!leader->state)
		leader->state = malloc(sizeof(*leader->state));
	if (!leader->state) {
		flow->complete = false;
		return FLOW_NONE;
	}
	leader->insn = insn;
	leader->visits = 0;
	leader->reached = leader->queued = leader->joined = false;
	if (run != FLOW_NONE && !flow->leaders[run].queued) {
		flow->leaders[run].queued = true;
		flow->queue[(flow->queue_first + flow->queue_count++) % CODE_LEADERS] = run;
	}
	at->leader = flow->leader_count;
	return flow->leader_count++;
}

/* Known code that control comes to from one more place. */
static uint32_t join_leader(struct flow *flow, uint32_t insn)
{
	uint32_t leader = make_leader(flow, insn);

	if (leader != FLOW_NONE)
		flow->leaders[leader].joined = true;
	return leader;
}

static void want(struct flow *flow, uint64_t va)
{
	uint32_t rva = code_target(flow, va);

	if (rva == FLOW_NONE || !code_inside(flow, rva))
		return;
	if (flow->pending_count == CODE_LEADERS)
		flow->complete = false;
	else
		flow->pending[flow->pending_count++] = rva;
}

/* Straight on from `rva` until the code ends or meets code that is known. */
static void decode_run(struct flow *flow, uint32_t rva)
{
	bool first = true;

	for (;;) {
		uint32_t index = code_find(flow, rva);
		const struct code_insn *insn;

		if (index != FLOW_NONE) {
			join_leader(flow, index);
			return;
		}
		if (!first && !goes_on(flow, rva))
			return;
		index = lift(flow, rva);
		if (index == FLOW_NONE)
			return;
		if (first)
			make_leader(flow, index);
		first = false;
		insn = &flow->insns[index];
		if (insn->control == FLOW_BRANCH ||
		    (insn->control == FLOW_JUMP && insn->target == FLOW_NO_REG))
			want(flow, insn->va);
		if (insn->control == FLOW_JUMP || insn->control == FLOW_RETURN ||
		    insn->control == FLOW_STOP)
			return;
		rva += insn->length;
	}
}

uint32_t code_leader_at(struct flow *flow, uint32_t rva)
{
	uint32_t index = code_find(flow, rva);

	if (index != FLOW_NONE)
		return join_leader(flow, index);
	decode_run(flow, rva);
	while (flow->pending_count)
		decode_run(flow, flow->pending[--flow->pending_count]);
	index = code_find(flow, rva);
	return index == FLOW_NONE ? FLOW_NONE : flow->insns[index].leader;
}

const struct flow_callee *code_callee(struct flow *flow, uint32_t rva)
{
	static const struct flow_callee plain = {.kind = FLOW_CALLEE_PLAIN, .popped = -1};
	void *items = flow->callee_items;
	struct flow_callee callee = plain;
	uint32_t index;

	if (hash_find(&flow->callees, rva, &index))
		return &flow->callee_items[index];
	flow->arch->callee(flow->machine, flow->image, rva, &callee);
	flow->work += 1 + (uint64_t)callee.looked_at * flow->arch->lift_work;
	if (!mem_grow(&items, flow->callees.count, &flow->callee_capacity, sizeof(callee)))
		return &plain;
	flow->callee_items = items;
	index = (uint32_t)flow->callees.count;
	flow->callee_items[index] = callee;
	if (!hash_add(&flow->callees, rva, index))
		return &plain;
	return &flow->callee_items[index];
}

static bool is_padding(const struct flow *flow, uint32_t rva, uint32_t *ret_length)
{
	struct flow_insn insn;
	size_t size;
	const uint8_t *code = bytes_at(flow->image, rva, &size);

	*ret_length = 1;
	flow_insn_init(&insn);
	if (!code)
		return true;
	if (!flow->arch->lift(flow->machine, code, size, flow->image->base + rva, &insn) ||
	    !insn.length) {
		*ret_length = flow->arch->return_bytes ? 1 : 4;
		return true;
	}
	*ret_length = insn.length;
	return insn.control == FLOW_STOP || (insn.control == FLOW_NEXT && !insn.op_count);
}

bool code_next_gap(struct flow *flow, uint32_t end, uint32_t *rva)
{
	while (*rva < end) {
		uint32_t index = code_find(flow, *rva), length;
		bool in_table = false;

		for (unsigned i = 0; i < flow->table_count && !in_table; i++)
			if (*rva >= flow->tables[i].begin && *rva < flow->tables[i].end) {
				*rva = flow->tables[i].end;
				in_table = true;
			}
		if (in_table)
			continue;
		if (index != FLOW_NONE) {
			*rva += flow->insns[index].length;
			continue;
		}
		flow->work += flow->arch->lift_work;
		if (!is_padding(flow, *rva, &length))
			return true;
		/* A record over a whole section of nothing: more than a function can have. */
		if (++flow->padding > CODE_INSNS) {
			flow->complete = false;
			return false;
		}
		*rva += length;
	}
	return false;
}
