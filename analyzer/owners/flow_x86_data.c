/*
 * x86 and x64: moves, also of xmm registers, strings and the stack.
 */
#include "analyzer/owners/flow_x86_lift.h"

static void lift_mov(struct x86_lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct x86_place place = x86_place_of(to->reg);

	if (to->type == X86_OP_REG && place.number != FLOW_NO_REG && place.width >= 4 &&
	    place.width <= 8 && from->type != X86_OP_REG) {
		if (from->type == X86_OP_IMM)
			x86_set(l, place.width, place.number, from->imm);
		else
			x86_load(l, from, 0, place.width, place.number);
		return;
	}
	x86_assign(l, 0, x86_operand(l, 1, X86_T0));
}

static void lift_extend(struct x86_lift *l, bool is_signed)
{
	const cs_x86_op *from = &l->x86->operands[1];
	uint8_t value = x86_operand(l, 1, X86_T0);

	if (is_signed)
		x86_alu(l, FLOW_SEXT, x86_width(l), X86_T0, value, FLOW_NO_REG, from->size);
	else
		x86_alu(l, FLOW_ZEXT, x86_width(l), X86_T0, value, FLOW_NO_REG, from->size);
	x86_assign(l, 0, X86_T0);
}

static void lift_lea(struct x86_lift *l)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_LEA, x86_width(l), X86_T0);
	const x86_op_mem *mem = &l->x86->operands[1].mem;

	if (op && !x86_address(l, &l->x86->operands[1], 0, op))
		op->kind = FLOW_OP_FORGET;
	if (op && mem->base == X86_REG_RIP)
		op->kind = FLOW_OP_ADDRESS;
	x86_assign(l, 0, X86_T0);
}

static void lift_xchg(struct x86_lift *l)
{
	uint8_t a = x86_operand(l, 0, X86_T0), b = x86_operand(l, 1, X86_T1);

	x86_move(l, 8, X86_T2, a);
	x86_move(l, 8, X86_T3, b);
	x86_assign(l, 0, X86_T3);
	x86_assign(l, 1, X86_T2);
}

static void move_sp(struct x86_lift *l, int64_t by)
{
	x86_alu(l, by < 0 ? FLOW_SUB : FLOW_ADD, l->pointer, X86_SP, X86_SP, FLOW_NO_REG,
		by < 0 ? -by : by);
}

static void store_top(struct x86_lift *l, unsigned width, uint8_t a)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_STORE, width, FLOW_NO_REG);

	if (op) {
		op->a = a;
		op->base = X86_SP;
	}
}

static void load_top(struct x86_lift *l, unsigned width, uint8_t dst)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_LOAD, width, dst);

	if (op)
		op->base = X86_SP;
}

static void lift_push(struct x86_lift *l)
{
	const cs_x86_op *o = &l->x86->operands[0];
	bool narrow = l->x86->prefix[2] == 0x66;
	unsigned size = narrow ? 2 : l->pointer;
	uint8_t value = X86_T0;

	if (o->type == X86_OP_IMM)
		x86_set(l, l->pointer, X86_T0, o->imm);
	else
		value = x86_operand(l, 0, X86_T0);
	if (value == X86_SP) {
		x86_move(l, l->pointer, X86_T0, X86_SP);
		value = X86_T0;
	}
	move_sp(l, -(int64_t)size);
	store_top(l, size, value);
}

static void lift_pop(struct x86_lift *l)
{
	bool narrow = l->x86->prefix[2] == 0x66;
	unsigned size = narrow ? 2 : l->pointer;

	load_top(l, size, X86_T0);
	move_sp(l, size);
	x86_assign(l, 0, X86_T0);
}

static void lift_leave(struct x86_lift *l)
{
	x86_move(l, l->pointer, X86_SP, X86_BP);
	load_top(l, l->pointer, X86_T0);
	move_sp(l, l->pointer);
	x86_move(l, l->pointer, X86_BP, X86_T0);
}

static void lift_pushed_flags(struct x86_lift *l, unsigned words)
{
	move_sp(l, -(int64_t)(words * l->pointer));
	store_top(l, l->pointer, FLOW_NO_REG);
}

static void lift_popad(struct x86_lift *l)
{
	static const uint8_t all[] = {X86_AX, X86_CX, X86_DX, X86_BX, X86_BP, X86_SI, X86_DI};

	for (size_t i = 0; i < sizeof(all); i++)
		x86_emit(l, FLOW_OP_FORGET, l->pointer, all[i]);
	move_sp(l, 32);
}

/* String stores: an unknown number of bytes from edi on. */
static void lift_string(struct x86_lift *l)
{
	struct flow_op *op;

	x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_CX);
	op = x86_emit(l, FLOW_OP_STORE, 8, FLOW_NO_REG);
	if (op) {
		op->base = X86_DI;
		op->index = X86_CX;
	}
	x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_DI);
	x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_SI);
}

/* 16 bytes between xmm registers and memory. */
static void lift_movups(struct x86_lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct x86_place target = x86_place_of(to->reg), source = x86_place_of(from->reg);
	bool to_xmm = to->type == X86_OP_REG && target.width == 16;
	bool from_xmm = from->type == X86_OP_REG && source.width == 16;

	if (to_xmm && from->type == X86_OP_MEM && from->size == 16) {
		x86_load(l, from, 0, 8, target.number);
		x86_load(l, from, 8, 8, (uint8_t)(target.number + 1));
	} else if (to->type == X86_OP_MEM && from_xmm && to->size == 16) {
		x86_store(l, to, 0, 8, source.number);
		x86_store(l, to, 8, 8, (uint8_t)(source.number + 1));
	} else if (to_xmm && from_xmm) {
		x86_move(l, 8, target.number, source.number);
		x86_move(l, 8, (uint8_t)(target.number + 1), (uint8_t)(source.number + 1));
	} else {
		x86_generic(l);
	}
}

/* movd, movq: the lower half; the rest of a target register becomes zero. */
static void lift_movq(struct x86_lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct x86_place target = x86_place_of(to->reg), source = x86_place_of(from->reg);
	unsigned width = l->insn->id == X86_INS_MOVD ? 4 : 8;

	if (to->type == X86_OP_REG && target.width == 16) {
		if (from->type == X86_OP_MEM)
			x86_load(l, from, 0, width, X86_T0);
		else if (source.number != FLOW_NO_REG)
			x86_move(l, width, X86_T0, source.number);
		x86_move(l, 8, target.number, X86_T0);
		x86_set(l, 8, (uint8_t)(target.number + 1), 0);
	} else if (from->type == X86_OP_REG && source.width == 16) {
		if (to->type == X86_OP_MEM)
			x86_store(l, to, 0, width, source.number);
		else
			x86_move(l, width, target.number, source.number);
	} else {
		x86_generic(l);
	}
}

static void lift_xorps(struct x86_lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct x86_place target = x86_place_of(to->reg);

	if (from->type != X86_OP_REG || from->reg != to->reg || target.width != 16) {
		x86_generic(l);
		return;
	}
	x86_set(l, 8, target.number, 0);
	x86_set(l, 8, (uint8_t)(target.number + 1), 0);
}

bool x86_lift_stack(struct x86_lift *l)
{
	switch (l->insn->id) {
	case X86_INS_PUSH: lift_push(l); return true;
	case X86_INS_POP: lift_pop(l); return true;
	case X86_INS_LEAVE: lift_leave(l); return true;
	case X86_INS_PUSHF:
	case X86_INS_PUSHFD:
	case X86_INS_PUSHFQ: lift_pushed_flags(l, 1); return true;
	case X86_INS_PUSHAL: lift_pushed_flags(l, 8); return true;
	case X86_INS_POPF:
	case X86_INS_POPFD:
	case X86_INS_POPFQ: move_sp(l, l->pointer); return true;
	case X86_INS_POPAL: lift_popad(l); return true;
	default: return false;
	}
}

bool x86_lift_data(struct x86_lift *l)
{
	switch (l->insn->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS: lift_mov(l); return true;
	case X86_INS_MOVZX: lift_extend(l, false); return true;
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD: lift_extend(l, true); return true;
	case X86_INS_CDQE: x86_alu(l, FLOW_SEXT, 8, X86_AX, X86_AX, FLOW_NO_REG, 4); return true;
	case X86_INS_CWDE: x86_alu(l, FLOW_SEXT, 4, X86_AX, X86_AX, FLOW_NO_REG, 2); return true;
	case X86_INS_LEA: lift_lea(l); return true;
	case X86_INS_XCHG: lift_xchg(l); return true;
	case X86_INS_MOVAPS:
	case X86_INS_MOVUPS:
	case X86_INS_MOVAPD:
	case X86_INS_MOVUPD:
	case X86_INS_MOVDQA:
	case X86_INS_MOVDQU: lift_movups(l); return true;
	case X86_INS_MOVD:
	case X86_INS_MOVQ: lift_movq(l); return true;
	case X86_INS_XORPS:
	case X86_INS_XORPD:
	case X86_INS_PXOR: lift_xorps(l); return true;
	case X86_INS_STOSB:
	case X86_INS_STOSW:
	case X86_INS_STOSD:
	case X86_INS_STOSQ:
	case X86_INS_MOVSB:
	case X86_INS_MOVSW:
	case X86_INS_MOVSQ: lift_string(l); return true;
	case X86_INS_MOVSD:
		if (l->x86->opcode[0] == 0xa5)
			lift_string(l);
		else
			x86_generic(l);
		return true;
	default: return false;
	}
}
