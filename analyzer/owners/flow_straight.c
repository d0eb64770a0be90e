/*
 * Calls that are decided where they stand.
 *
 * Most code sets the tag and calls the allocator a few instructions later, with no way in between.
 * Then what is known at the call does not depend on anything before, and the rest of the function
 * need not come to rest. So the function is only decoded, as flow.c decodes it; each call is traced
 * back to where all that its target and its arguments are made of is set anew, or to the entry, and
 * only that piece is run. The results are those of the whole analysis, since it runs the same
 * instructions with nothing known from before that they use.
 *
 * Not decided here, so that the function is analysed as a whole: values that come from before the
 * block or from the frame, indirect jumps other than jump tables whose address is set beside them,
 * and all of x86, where arguments are pushed.
 */
#include "analyzer/owners/flow_engine.h"

enum { REACH = 64 /* instructions that are traced back */ };

static uint64_t bit(uint8_t reg)
{
	return reg == FLOW_NO_REG ? 0 : UINT64_C(1) << reg;
}

/* Registers that the result of an operation is made of. */
static uint64_t sources(const struct flow_op *op)
{
	switch ((enum flow_op_kind)op->kind) {
	case FLOW_OP_MOVE: return bit(op->a);
	case FLOW_OP_ALU:
		/* x ^ x and x - x are zero whatever x is. */
		if (op->a == op->b && (op->alu == FLOW_XOR || op->alu == FLOW_SUB))
			return 0;
		return bit(op->a) | bit(op->b);
	case FLOW_OP_EITHER: return bit(op->a) | bit(op->b);
	case FLOW_OP_LEA:
	case FLOW_OP_LOAD: return bit(op->base) | bit(op->index);
	default: return 0;
	}
}

/* What must be known before the instruction for `wanted` to be known behind it. */
static uint64_t wanted_before(const struct flow *flow, uint32_t insn, uint64_t wanted)
{
	const struct code_insn *at = &flow->insns[insn];

	for (unsigned i = at->op_count; i > 0; i--) {
		const struct flow_op *op = &flow->ops[at->ops + i - 1];

		if (op->kind != FLOW_OP_STORE && wanted & bit(op->dst))
			wanted = (wanted & ~bit(op->dst)) | sources(op);
	}
	return wanted & (bit((uint8_t)flow->arch->registers) - 1);
}

/* Whether control comes to the instruction from the one before it only. */
static bool follows(const struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];

	return at->leader == FLOW_NONE && insn > 0 && at[-1].rva + at[-1].length == at->rva;
}

static bool is_clean_entry(const struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];

	return at->rva == flow->entry && at->leader != FLOW_NONE &&
	       !flow->leaders[at->leader].joined;
}

/* Traces `wanted` back from where `last` transfers control. False when it comes from elsewhere. */
static bool trace(struct flow *flow, uint32_t last, uint64_t wanted, struct code_piece *ret)
{
	uint32_t insn = last;
	bool across_call = false;

	for (unsigned i = 0; i < REACH; i++, insn--) {
		flow->work++;
		across_call |= insn != last && flow->insns[insn].control == FLOW_CALL;
		if (!across_call)
			wanted = wanted_before(flow, insn, wanted);
		*ret = (struct code_piece){insn, last, is_clean_entry(flow, insn)};
		if (!wanted || ret->entry)
			return true;
		if (!follows(flow, insn))
			return false;
	}
	return false;
}

/* flow->state becomes that at the end of the piece. */
static void run(struct flow *flow, const struct code_piece *piece)
{
	if (piece->entry)
		flow_enter(flow);
	else
		state_forget(&flow->state, flow->arch,
			     values_atom(&flow->values, FLOW_FRAME, 0, flow->entry));
	for (uint32_t insn = piece->first;; insn++) {
		flow->work++;
		step_ops(flow, insn);
		if (insn == piece->last)
			return;
		if (flow->insns[insn].control == FLOW_CALL)
			call_effect(flow, insn, call_target(flow, insn));
	}
}

/* ---- jump tables ---- */

/* As far back as nothing is called: the index is what it may be. */
static struct code_piece before(const struct flow *flow, uint32_t last)
{
	uint32_t first = last;

	while (last - first < REACH && follows(flow, first) &&
	       flow->insns[first - 1].control != FLOW_CALL)
		first--;
	return (struct code_piece){first, last, false};
}

static void take_table(struct flow *flow, uint32_t insn)
{
	struct code_piece piece = before(flow, insn);
	const struct code_insn *at = &flow->insns[insn];

	run(flow, &piece);
	code_read_table(flow, insn, flow->state.registers[at->target]);
	for (uint32_t i = 0; i < at->edge_count; i++) {
		uint32_t rva = flow->edges[at->edges + i];

		if (code_inside(flow, rva))
			code_leader_at(flow, rva);
	}
}

/* Instructions from *done on, which there may be more of then. */
static void take_tables(struct flow *flow, uint32_t *done)
{
	for (; *done < flow->insn_count; (*done)++) {
		const struct code_insn *at = &flow->insns[*done];

		if (at->control == FLOW_JUMP && at->target != FLOW_NO_REG)
			take_table(flow, *done);
	}
}

static bool take_gap(struct flow *flow, uint32_t rva)
{
	uint32_t done = flow->insn_count;

	if (code_inside(flow, rva))
		code_leader_at(flow, rva);
	take_tables(flow, &done);
	return flow->complete;
}

/* All code that the whole analysis would come to. */
static bool decode(struct flow *flow)
{
	uint32_t done = 0;

	if (code_inside(flow, flow->entry))
		code_leader_at(flow, flow->entry);
	take_tables(flow, &done);
	return gaps_fill(flow, take_gap) && flow->complete;
}

/* ---- calls ---- */

static bool is_call(const struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];
	uint32_t rva;

	switch ((enum flow_control)at->control) {
	case FLOW_CALL: return true;
	case FLOW_BRANCH:
	case FLOW_JUMP:
		if (at->target != FLOW_NO_REG)
			return at->edge_count == 0;
		rva = code_target(flow, at->va);
		return rva == FLOW_NONE || !code_inside(flow, rva);
	default: return false;
	}
}

/* Registers that the target of the call is in; false when they are not set nearby. */
static bool find_target(struct flow *flow, uint32_t insn, uint64_t *ret_registers, value_id *ret)
{
	struct code_piece piece;
	uint8_t dispatch;

	*ret_registers = bit(flow->insns[insn].target);
	if (!trace(flow, insn, *ret_registers, &piece))
		return false;
	if (*ret_registers)
		run(flow, &piece);
	dispatch = call_dispatch(flow, insn);
	if (dispatch != FLOW_NO_REG) {
		*ret_registers |= bit(dispatch);
		if (!trace(flow, insn, *ret_registers, &piece))
			return false;
		run(flow, &piece);
	}
	*ret = call_target(flow, insn);
	return true;
}

/* Registers that the visitor looks at. False when it looks elsewhere. */
static bool find_arguments(const struct flow *flow, const struct flow_needs *needs, uint64_t *ret)
{
	for (unsigned i = 0; i < needs->count; i++) {
		unsigned index = needs->arguments[i];

		if (index & FLOW_REGISTER && (index & 0xff) < flow->arch->registers)
			*ret |= bit(index & 0xff);
		else if (index < flow->arch->parameter_count)
			*ret |= bit(flow->arch->parameters[index]);
		else
			return false;
	}
	return !needs->all;
}

/* Notes the call when it is wanted; false when it cannot be decided here. */
static bool take_call(struct flow *flow, uint32_t insn)
{
	struct flow_needs needs = {0};
	struct flow_value target;
	uint64_t registers;
	bool wanted = false;
	value_id id;

	if (!find_target(flow, insn, &registers, &id))
		return false;
	target = values_get(&flow->values, id);
	for (unsigned i = 0; i < target.count; i++)
		wanted |= flow->interest(flow->context, &target.atoms[i], &needs);
	if (!wanted)
		return true;
	if (!find_arguments(flow, &needs, &registers) || flow->piece_count == CODE_PIECES ||
	    !trace(flow, insn, registers, &flow->pieces[flow->piece_count]))
		return false;
	flow->piece_count++;
	return true;
}

/* From a leader to the next one. */
static bool take_calls(struct flow *flow, uint32_t leader)
{
	uint32_t insn = flow->leaders[leader].insn;

	for (;;) {
		const struct code_insn *at = &flow->insns[insn];

		if (is_call(flow, insn) && !take_call(flow, insn))
			return false;
		if (at->control != FLOW_NEXT && at->control != FLOW_CALL &&
		    at->control != FLOW_BRANCH)
			return true;
		if (insn + 1 == flow->insn_count || !follows(flow, insn + 1))
			return true;
		insn++;
	}
}

bool straight_function(struct flow *flow)
{
	if (!decode(flow))
		return false;
	flow->piece_count = 0;
	for (uint32_t i = 0; i < flow->leader_count; i++)
		if (!take_calls(flow, i))
			return false;
	for (uint32_t i = 0; i < flow->piece_count; i++) {
		const struct code_piece *piece = &flow->pieces[i];

		run(flow, piece);
		call_visit(flow, piece->last, call_target(flow, piece->last),
			   flow->insns[piece->last].control != FLOW_CALL);
	}
	return true;
}
