/*
 * The data-flow engine's driver: brings one function's states to rest, then visits its calls.
 *
 * Hostile code is bounded by instructions, jump targets, values and steps (flow_engine.h). When the
 * steps run out before the states are at rest, a state may lack values that are possible; then
 * every place is taken to be reached with nothing known, so that what the visitor gets is still
 * right, if less.
 */
#include "analyzer/owners/flow.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/flow_engine.h"
#include "base/memory.h"

static const struct flow_arch *arch_of(uint16_t machine)
{
	switch (machine) {
	case PE_X86: return &flow_arch_x86;
	case PE_X64: return &flow_arch_x64;
	case PE_ARM64: return &flow_arch_arm64;
	default: return NULL;
	}
}

static bool make_pools(struct flow *flow)
{
	flow->insns = mem_array(CODE_INSNS, sizeof(*flow->insns));
	flow->places = mem_array(CODE_INSNS * 2, sizeof(*flow->places));
	flow->ops = mem_array(CODE_OPS, sizeof(*flow->ops));
	flow->leaders = mem_array(CODE_LEADERS, sizeof(*flow->leaders));
	flow->edges = mem_array(CODE_EDGES, sizeof(*flow->edges));
	flow->queue = mem_array(CODE_LEADERS, sizeof(*flow->queue));
	flow->pending = mem_array(CODE_LEADERS, sizeof(*flow->pending));
	flow->pieces = mem_array(CODE_PIECES, sizeof(*flow->pieces));
	return flow->insns && flow->places && flow->ops && flow->leaders && flow->edges &&
	       flow->queue && flow->pending && flow->pieces && values_init(&flow->values);
}

enum ps_status flow_create(uint16_t machine, struct flow **ret, struct ps_error *err)
{
	const struct flow_arch *arch = arch_of(machine);
	struct flow *flow;

	if (!arch)
		return ps_fail(err, PS_UNSUPPORTED, "code of machine type 0x%04x is not analysed",
			       machine);
	flow = mem_array(1, sizeof(*flow));
	if (!flow)
		return ps_fail_memory(err, "the data flow");
	flow->arch = arch;
	flow->state.flow = flow;
	hash_init(&flow->callees);
	flow->machine = arch->create();
	if (!flow->machine || !make_pools(flow)) {
		flow_destroy(flow);
		return ps_fail_memory(err, "the data flow");
	}
	*ret = flow;
	return PS_OK;
}

void flow_destroy(struct flow *flow)
{
	if (!flow)
		return;
	if (flow->machine)
		flow->arch->destroy(flow->machine);
	for (uint32_t i = 0; flow->leaders && i < CODE_LEADERS; i++)
		free(flow->leaders[i].state);
	values_fini(&flow->values);
	hash_fini(&flow->callees);
	free(flow->callee_items);
	free(flow->fragments);
	free(flow->insns);
	free(flow->places);
	free(flow->ops);
	free(flow->leaders);
	free(flow->edges);
	free(flow->queue);
	free(flow->pending);
	free(flow->pieces);
	free(flow);
}

void flow_set_popped(struct flow *flow, flow_popped popped, void *context)
{
	flow->popped = popped;
	flow->popped_context = context;
}

void flow_set_begins(struct flow *flow, flow_begins begins, void *context)
{
	flow->begins = begins;
	flow->begins_context = context;
}

void flow_set_interest(struct flow *flow, flow_interest interest)
{
	flow->interest = interest;
}

uint64_t flow_work(const struct flow *flow)
{
	return flow->work;
}

/* ---- to rest ---- */

static void enqueue(struct flow *flow, uint32_t leader)
{
	struct code_leader *at = &flow->leaders[leader];

	if (at->queued)
		return;
	at->queued = true;
	flow->queue[(flow->queue_first + flow->queue_count++) % CODE_LEADERS] = leader;
}

/* The state at work arrives at a leader. */
static void arrive(struct flow *flow, uint32_t leader)
{
	struct code_leader *at = &flow->leaders[leader];
	int64_t region = -(int64_t)(STATE_FRAME_LIMIT / 8) * 7 + (int64_t)(leader % 8192) * 0x4000;
	value_id fresh;

	flow->work += 1 + flow->state.slot_count / WORK_SLOTS;
	if (!at->reached) {
		at->reached = true;
		state_copy(at->state, &flow->state);
		enqueue(flow, leader);
		return;
	}
	fresh = values_atom(&flow->values, FLOW_FRAME, (uint64_t)region, 0);
	if (state_join(at->state, &flow->state, &flow->values, flow->arch, fresh,
		       at->visits > FLOW_VISITS))
		enqueue(flow, leader);
}

static void arrive_at(struct flow *flow, uint32_t rva)
{
	uint32_t leader = code_inside(flow, rva) ? code_leader_at(flow, rva) : FLOW_NONE;

	if (leader != FLOW_NONE)
		arrive(flow, leader);
}

/* Jumps: inside along their edges, outside they are calls. */
static void jump(struct flow *flow, uint32_t insn, bool visiting)
{
	struct code_insn *at = &flow->insns[insn];
	value_id target;
	uint32_t rva;

	if (at->target == FLOW_NO_REG) {
		rva = code_target(flow, at->va);
		if (rva != FLOW_NONE && code_inside(flow, rva)) {
			if (!visiting)
				arrive_at(flow, rva);
			return;
		}
	} else {
		code_read_table(flow, insn, flow->state.registers[at->target]);
		for (uint32_t i = 0; i < at->edge_count && !visiting; i++)
			arrive_at(flow, flow->edges[at->edges + i]);
		if (at->edge_count)
			return;
	}
	if (!visiting)
		return;
	target = call_target(flow, insn);
	call_visit(flow, insn, target, true);
}

static void check_return(struct flow *flow)
{
	const struct flow_atom *sp =
		values_single(&flow->values, flow->state.registers[flow->arch->sp]);

	if (!flow->guessed || !flow->arch->callee_pops)
		return;
	if (!sp || sp->value != 0)
		flow->mismatch = true;
}

/* One instruction; false when its run ends there. */
static bool step(struct flow *flow, uint32_t insn, bool visiting)
{
	const struct code_insn *at = &flow->insns[insn];
	value_id target;

	flow->work++;
	step_ops(flow, insn);
	switch ((enum flow_control)at->control) {
	case FLOW_NEXT: return true;
	case FLOW_BRANCH: jump(flow, insn, visiting); return true;
	case FLOW_JUMP: jump(flow, insn, visiting); return false;
	case FLOW_CALL:
		target = call_target(flow, insn);
		if (visiting)
			call_visit(flow, insn, target, false);
		call_effect(flow, insn, target);
		return true;
	case FLOW_RETURN: check_return(flow); return false;
	case FLOW_STOP: break;
	}
	return false;
}

/* From a leader to the next one, or to where the code ends. */
static void run(struct flow *flow, uint32_t leader, bool visiting)
{
	uint32_t insn = flow->leaders[leader].insn;

	state_copy(&flow->state, flow->leaders[leader].state);
	flow->state.flow = flow;
	flow->work += 1 + flow->state.slot_count / WORK_SLOTS;
	for (;;) {
		uint32_t next;

		flow->insns[insn].run = leader;
		flow->steps++;
		if (!step(flow, insn, visiting))
			return;
		next = code_find(flow, flow->insns[insn].rva + flow->insns[insn].length);
		if (next == FLOW_NONE)
			return;
		if (flow->insns[next].leader != FLOW_NONE) {
			if (!visiting)
				arrive(flow, flow->insns[next].leader);
			return;
		}
		insn = next;
	}
}

/* False when the steps ran out. */
static bool settle(struct flow *flow)
{
	while (flow->queue_count) {
		uint32_t leader = flow->queue[flow->queue_first];

		flow->queue_first = (flow->queue_first + 1) % CODE_LEADERS;
		flow->queue_count--;
		flow->leaders[leader].queued = false;
		flow->leaders[leader].visits++;
		if (flow->steps > FLOW_STEPS)
			return false;
		run(flow, leader, false);
	}
	return true;
}

/* ---- entries ---- */

void flow_enter(struct flow *flow)
{
	const struct flow_arch *arch = flow->arch;
	struct flow_state *state = &flow->state;

	memset(state, 0, offsetof(struct flow_state, slots));
	state->flow = flow;
	for (unsigned i = 0; i < arch->registers; i++)
		state->registers[i] =
			values_atom(&flow->values, FLOW_PARAM, FLOW_REGISTER | i, flow->entry);
	for (unsigned i = 0; i < arch->parameter_count; i++)
		state->registers[arch->parameters[i]] =
			values_atom(&flow->values, FLOW_PARAM, i, flow->entry);
	state->registers[arch->sp] = values_atom(&flow->values, FLOW_FRAME, 0, flow->entry);
}

/* Where the stack pointer stands in most of the body: as at the first place that makes a call. */
static value_id usual_sp(struct flow *flow)
{
	const struct flow_arch *arch = flow->arch;
	const struct flow_atom *sp;
	value_id best = values_atom(&flow->values, FLOW_FRAME, 0, flow->entry);

	for (uint32_t i = 0; i < flow->leader_count; i++) {
		if (!flow->leaders[i].reached)
			continue;
		sp = values_single(&flow->values, flow->leaders[i].state->registers[arch->sp]);
		if (sp && sp->kind == FLOW_FRAME && (int64_t)sp->value < 0 &&
		    (int64_t)sp->value > -STATE_FRAME_LIMIT / 8)
			return flow->leaders[i].state->registers[arch->sp];
	}
	return best;
}

/* What a piece of the body begins with that nothing known leads to. */
static bool enter_gap(struct flow *flow, uint32_t rva)
{
	state_forget(&flow->state, flow->arch, usual_sp(flow));
	arrive_at(flow, rva);
	return settle(flow);
}

/* Nothing is known anywhere: what is left when the budget is gone. */
static void give_up(struct flow *flow)
{
	value_id sp = usual_sp(flow);

	flow->complete = false;
	for (uint32_t i = 0; i < flow->leader_count; i++) {
		flow->leaders[i].state->flow = flow;
		state_forget(flow->leaders[i].state, flow->arch, sp);
		flow->leaders[i].reached = true;
	}
}

static void begin(struct flow *flow)
{
	code_reset(flow);
	values_reset(&flow->values, flow->arch->pointer, flow->image->base, flow->image->size);
	flow->guessed = flow->mismatch = flow->proven = false;
	flow->baseline = 1;
}

static void analyse(struct flow *flow)
{
	begin(flow);
	flow_enter(flow);
	arrive_at(flow, flow->entry);
	if (!settle(flow) || !gaps_fill(flow, enter_gap) || !flow->complete)
		give_up(flow);
}

/* All of it, with the joins of all ways to each place. */
static void whole_function(struct flow *flow)
{
	analyse(flow);
	if (flow->guessed && (flow->mismatch || !flow->proven)) {
		flow->distrust = true;
		analyse(flow);
	}
	for (uint32_t i = 0; i < flow->leader_count; i++)
		if (flow->leaders[i].reached)
			run(flow, i, true);
}

/* Where callees may pop the stack, nothing is known without a look at the whole. */
static bool try_straight(struct flow *flow)
{
	if (!flow->interest || flow->arch->callee_pops)
		return false;
	begin(flow);
	return straight_function(flow);
}

bool flow_function(struct flow *flow, const struct pe_image *image,
		   const struct pe_functions *functions, uint32_t entry, flow_visitor visit,
		   void *context)
{
	image_use(flow, image, functions);
	flow->body = functions->count ? pe_function_at(functions, entry) : NULL;
	flow->entry = entry;
	flow->root = flow->body ? flow->body->root : FLOW_NONE;
	flow->distrust = false;
	flow->visit = visit;
	flow->context = context;
	if (!try_straight(flow))
		whole_function(flow);
	flow->visit = NULL;
	return flow->complete;
}
