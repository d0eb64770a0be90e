/*
 * Calls: the real target behind CFG and retpoline dispatch, what a call leaves of the state, and
 * what the visitor may ask about it.
 *
 * A callee may change registers that it does not keep, and the objects in the frame whose address
 * it is given or was given before. How large such an object is cannot be seen; STATE_OBJECT bytes
 * are taken, but never the return address.
 */
#include "analyzer/owners/flow_engine.h"

enum {
	STACK_ARGUMENTS = 8, /* looked at for addresses of the frame */
	HOME = 0x20,         /* bytes of the caller's frame that belong to an x64 callee */
};

static value_id strip_tables(struct flow *flow, value_id id)
{
	struct flow_value set = values_get(&flow->values, id);
	struct flow_atom atoms[FLOW_ATOMS];
	unsigned count = 0;

	for (unsigned i = 0; i < set.count; i++)
		if ((int)set.atoms[i].kind != VALUE_TABLE)
			atoms[count++] = set.atoms[i];
	if (count == set.count)
		return id;
	return values_make(&flow->values, atoms, count, true);
}

static bool in_slots(const uint32_t slots[2], uint64_t rva)
{
	return rva && (rva == slots[0] || rva == slots[1]);
}

/* The register that holds the real target when `atom` only dispatches. */
static uint8_t dispatch_register(struct flow *flow, const struct flow_atom *atom)
{
	const struct flow_callee *callee;

	if (atom->kind == FLOW_LOAD && in_slots(flow->dispatch_slots, atom->value))
		return flow->arch->dispatch;
	if (atom->kind != FLOW_RVA)
		return FLOW_NO_REG;
	callee = code_callee(flow, (uint32_t)atom->value);
	return callee->kind == FLOW_CALLEE_DISPATCH ? callee->reg : FLOW_NO_REG;
}

/* `mov r10, [import]; call stub outside the image`, as the loader rewrites import calls. */
static uint8_t retpoline_register(const struct flow *flow, uint32_t insn,
				  const struct flow_atom *atom)
{
	const struct code_insn *before = insn ? &flow->insns[insn - 1] : NULL;
	const struct flow_op *op;

	if (atom->kind != FLOW_CONST || !before || before->op_count != 1 ||
	    before->rva + before->length != flow->insns[insn].rva)
		return FLOW_NO_REG;
	op = &flow->ops[before->ops];
	if (op->kind != FLOW_OP_LOAD || !(flow->arch->retpolines >> op->dst & 1))
		return FLOW_NO_REG;
	return op->dst;
}

/* What the instruction names as its target. */
static value_id named_target(struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];
	uint32_t rva;

	if (at->target != FLOW_NO_REG)
		return flow->state.registers[at->target];
	rva = code_target(flow, at->va);
	return rva == FLOW_NONE ? values_atom(&flow->values, FLOW_CONST, at->va, at->rva)
				: values_atom(&flow->values, FLOW_RVA, rva, at->rva);
}

uint8_t call_dispatch(struct flow *flow, uint32_t insn)
{
	const struct flow_atom *atom = values_single(&flow->values, named_target(flow, insn));
	uint8_t reg = atom ? dispatch_register(flow, atom) : FLOW_NO_REG;

	return atom && reg == FLOW_NO_REG ? retpoline_register(flow, insn, atom) : reg;
}

value_id call_target(struct flow *flow, uint32_t insn)
{
	value_id value = named_target(flow, insn);
	const struct flow_atom *atom = values_single(&flow->values, value), *real;
	uint8_t reg;

	if (!atom)
		return value;
	reg = dispatch_register(flow, atom);
	if (reg != FLOW_NO_REG)
		return flow->state.registers[reg];
	reg = retpoline_register(flow, insn, atom);
	if (reg == FLOW_NO_REG)
		return value;
	real = values_single(&flow->values, flow->state.registers[reg]);
	return real && real->kind == FLOW_LOAD ? flow->state.registers[reg] : value;
}

static const struct flow_atom *stack_pointer(const struct flow *flow)
{
	return values_single(&flow->values, flow->state.registers[flow->arch->sp]);
}

/* The object at `offset`, and what it points to in turn. */
static void open_object(struct flow *flow, int64_t offset, unsigned depth)
{
	struct flow_state *state = &flow->state;
	int64_t end = offset + STATE_OBJECT, inner[4];
	unsigned inner_count = 0;

	if (offset < 0 && end > 0)
		end = 0;
	for (unsigned i = 0; i < state->slot_count && depth; i++) {
		const struct slot *slot = &state->slots[i];
		const struct flow_atom *atom = values_single(&flow->values, slot->value);

		if (slot->offset >= offset && slot->offset < end && atom &&
		    atom->kind == FLOW_FRAME && inner_count < 4)
			inner[inner_count++] = (int64_t)atom->value;
	}
	state_open(state, flow->arch, offset, end - offset);
	for (unsigned i = 0; i < inner_count; i++)
		open_object(flow, inner[i], depth - 1);
}

static void open_pointed(struct flow *flow, value_id value)
{
	struct flow_value set = values_get(&flow->values, value);

	for (unsigned i = 0; i < set.count; i++)
		if (set.atoms[i].kind == FLOW_FRAME)
			open_object(flow, (int64_t)set.atoms[i].value, 2);
}

static void open_handed_over(struct flow *flow)
{
	const struct flow_arch *arch = flow->arch;
	struct flow_state *state = &flow->state;
	const struct flow_atom *sp = stack_pointer(flow);
	int64_t first =
		sp ? (int64_t)sp->value + arch->stack_offset - (int64_t)arch->return_bytes : 0;
	value_id handed[FLOW_REGISTERS + STACK_ARGUMENTS];
	unsigned count = 0;

	for (unsigned i = 0; i < arch->registers; i++)
		if (i != arch->sp && !(arch->kept >> i & 1))
			handed[count++] = state->registers[i];
	for (unsigned i = 0; sp && i < STACK_ARGUMENTS; i++)
		handed[count++] = state_load(state, &flow->values, arch,
					     first + (int64_t)(i * arch->pointer), arch->pointer);
	for (unsigned i = 0; i < state->escape_count; i++)
		open_object(flow, state->escapes[i], 1);
	for (unsigned i = 0; i < count; i++)
		open_pointed(flow, handed[i]);
	if (sp && arch->stack_index && arch->return_bytes)
		state_open(state, arch, (int64_t)sp->value, HOME);
}

/* `call probe; sub sp, reg`: the probe hands the register back as it was. */
static bool is_probe(const struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];
	uint32_t next = code_find(flow, at->rva + at->length);
	const struct flow_op *op;

	if (next == FLOW_NONE || !flow->insns[next].op_count)
		return false;
	for (unsigned i = 0; i < flow->insns[next].op_count; i++) {
		op = &flow->ops[flow->insns[next].ops + i];
		if (op->kind == FLOW_OP_ALU && op->alu == FLOW_SUB && op->dst == flow->arch->sp &&
		    op->b != FLOW_NO_REG)
			return true;
	}
	return false;
}

/* x86: `add esp, n` or `pop ecx` behind the call means that the caller removes the arguments. */
static bool caller_cleans(const struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];
	uint32_t next = code_find(flow, at->rva + at->length);
	const struct flow_op *op;

	if (next == FLOW_NONE || !flow->insns[next].op_count)
		return false;
	op = &flow->ops[flow->insns[next].ops];
	if (op->kind == FLOW_OP_ALU && op->alu == FLOW_ADD && op->dst == flow->arch->sp &&
	    op->b == FLOW_NO_REG && op->imm > 0)
		return true;
	op = &flow->ops[flow->insns[next].ops + flow->insns[next].op_count - 1u];
	return op->kind == FLOW_OP_MOVE && op->a >= flow->arch->registers &&
	       op->dst < flow->arch->registers && !(flow->arch->kept >> op->dst & 1);
}

/* Bytes that the callee removes, or -1. */
static int popped_bytes(struct flow *flow, uint32_t insn, value_id target)
{
	const struct flow_atom *atom = values_single(&flow->values, target);
	struct flow_atom slot = {.kind = FLOW_LOAD};
	int popped = -1;

	if (atom && atom->kind == FLOW_RVA) {
		const struct flow_callee *callee = code_callee(flow, (uint32_t)atom->value);

		if (callee->popped >= 0)
			return callee->popped;
		slot.value = callee->slot;
		atom = callee->slot ? &slot : NULL;
	}
	if (atom && flow->popped)
		popped = flow->popped(flow->popped_context, atom);
	if (popped < 0 && caller_cleans(flow, insn))
		popped = 0;
	return popped;
}

static void set_sp(struct flow *flow, int64_t offset, uint32_t from)
{
	flow->state.registers[flow->arch->sp] =
		values_atom(&flow->values, FLOW_FRAME, (uint64_t)offset, from);
}

/* A region of its own for what is pushed next; what earlier ones hold cannot be found any more. */
static void lose_sp(struct flow *flow, uint32_t insn)
{
	int64_t region = -(int64_t)(STATE_FRAME_LIMIT / 2) - (int64_t)(insn % 8192) * 0x8000;

	state_drop_below(&flow->state, STATE_FRESH);
	set_sp(flow, region, flow->insns[insn].rva);
}

/*
 * Unknown callees are taken to remove all that was pushed since the stack pointer stood where it
 * stands between calls. flow.c asks afterwards whether saved registers and the return address were
 * found where that leads, and if not runs the function again with the stack pointer unknown.
 */
static void remove_arguments(struct flow *flow, uint32_t insn, value_id target)
{
	const struct flow_atom *sp = stack_pointer(flow);
	uint32_t rva = flow->insns[insn].rva;
	int popped = popped_bytes(flow, insn, target);
	int64_t at = sp ? (int64_t)sp->value : 0;

	if (!sp)
		return;
	if (popped >= 0) {
		set_sp(flow, at + popped, rva);
	} else if (flow->distrust) {
		lose_sp(flow, insn);
		return;
	} else {
		flow->guessed = true;
		if (flow->baseline < 0 && at < flow->baseline)
			set_sp(flow, flow->baseline, rva);
	}
	sp = stack_pointer(flow);
	if (sp)
		state_drop_below(&flow->state, (int64_t)sp->value);
}

/* A helper that keeps all registers may still push or pop (the stack cookie of ARM64). */
static void move_back(struct flow *flow, int popped, uint32_t from)
{
	const struct flow_atom *sp = stack_pointer(flow);

	if (sp && popped != -1 && popped != 0)
		set_sp(flow, (int64_t)sp->value + popped, from);
}

static void lower_sp(struct flow *flow, uint32_t insn, uint8_t reg)
{
	const struct flow_atom *sp = stack_pointer(flow);
	const struct flow_atom *by = values_single(&flow->values, flow->state.registers[reg]);

	if (sp && by && by->kind == FLOW_CONST && by->value < STATE_FRAME_LIMIT / 8)
		set_sp(flow, (int64_t)sp->value - (int64_t)by->value, flow->insns[insn].rva);
	else
		lose_sp(flow, insn);
	sp = stack_pointer(flow);
	if (sp && flow->arch->callee_pops && (int64_t)sp->value < flow->baseline)
		flow->baseline = (int64_t)sp->value;
}

void call_effect(struct flow *flow, uint32_t insn, value_id target)
{
	const struct flow_arch *arch = flow->arch;
	const struct flow_atom *atom = values_single(&flow->values, target);
	const struct flow_callee *callee;
	uint32_t rva = flow->insns[insn].rva;

	if (is_probe(flow, insn) ||
	    (atom && atom->kind == FLOW_LOAD && in_slots(flow->check_slots, atom->value)))
		return;
	if (atom && atom->kind == FLOW_RVA) {
		callee = code_callee(flow, (uint32_t)atom->value);
		if (callee->kind == FLOW_CALLEE_KEEPS) {
			move_back(flow, callee->popped, rva);
			return;
		}
		if (callee->kind == FLOW_CALLEE_ALLOCA) {
			lower_sp(flow, insn, callee->reg);
			return;
		}
	}
	open_handed_over(flow);
	for (unsigned i = 0; i < arch->registers; i++)
		if (i != arch->sp && !(arch->kept >> i & 1))
			flow->state.registers[i] = VALUE_UNKNOWN;
	flow->state.registers[arch->result] = values_atom(&flow->values, FLOW_RESULT, rva, rva);
	if (arch->callee_pops)
		remove_arguments(flow, insn, target);
}

void call_visit(struct flow *flow, uint32_t insn, value_id target, bool tail)
{
	struct flow_call call = {.rva = flow->insns[insn].rva,
				 .function = flow->entry,
				 .tail = tail,
				 .state = &flow->state};

	if (!flow->visit)
		return;
	call.target = values_get(&flow->values, strip_tables(flow, target));
	flow->visit(flow->context, &call);
}

/* On the stack: what lies where the callee looks for it; a jump has the return address there. */
static value_id stack_argument(const struct flow_call *call, unsigned index)
{
	struct flow *flow = call->state->flow;
	const struct flow_arch *arch = flow->arch;
	const struct flow_atom *sp = values_single(&flow->values, call->state->registers[arch->sp]);
	int64_t at;
	value_id value;

	if (!sp || sp->kind != FLOW_FRAME || index - arch->stack_index >= FLOW_STACK_WORDS)
		return VALUE_UNKNOWN;
	at = (int64_t)sp->value + arch->stack_offset +
	     (int64_t)(index - arch->stack_index) * arch->pointer;
	if (!call->tail)
		at -= (int64_t)arch->return_bytes;
	value = state_load(call->state, &flow->values, arch, at, arch->pointer);
	if (value == VALUE_UNKNOWN && arch->pointer == 8)
		value = state_load(call->state, &flow->values, arch, at, 4);
	return value;
}

struct flow_value flow_argument(const struct flow_call *call, unsigned index)
{
	struct flow *flow = call->state->flow;
	const struct flow_arch *arch = flow->arch;
	value_id value = VALUE_UNKNOWN;

	if (index & FLOW_REGISTER) {
		if ((index & 0xff) < arch->registers)
			value = call->state->registers[index & 0xff];
	} else if (index < arch->parameter_count) {
		value = call->state->registers[arch->parameters[index]];
	} else if (index >= arch->stack_index) {
		value = stack_argument(call, index);
	}
	return values_get(&flow->values, strip_tables(flow, value));
}

/* Sets of their own may come from another pool, so the atoms are gone through one by one. */
struct flow_value flow_pointed(const struct flow_call *call, const struct flow_value *pointer,
			       int64_t offset, unsigned width)
{
	struct flow *flow = call->state->flow;
	value_id sum = VALUE_UNKNOWN, one, address;

	for (unsigned i = 0; i < pointer->count; i++) {
		const struct flow_atom *atom = &pointer->atoms[i];

		address = VALUE_UNKNOWN;
		if (atom->kind == FLOW_FRAME || atom->kind == FLOW_RVA)
			address = values_atom(&flow->values, atom->kind,
					      atom->value + (uint64_t)offset, atom->from);
		one = step_load(flow, call->state, address, width, atom->from);
		sum = i ? values_join(&flow->values, sum, one) : one;
	}
	if (pointer->open)
		sum = values_join(&flow->values, sum, VALUE_UNKNOWN);
	return values_get(&flow->values, strip_tables(flow, sum));
}
