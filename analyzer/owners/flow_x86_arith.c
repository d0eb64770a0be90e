/*
 * x86 and x64: integer arithmetic, and results that depend on flags.
 */
#include "analyzer/owners/flow_x86_lift.h"

/* Two-operand arithmetic: op0 = op0 alu op1. */
static void lift_alu(struct x86_lift *l, enum flow_alu kind)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	uint8_t a = x86_operand(l, 0, X86_T0), b = FLOW_NO_REG;
	struct x86_place place = x86_place_of(to->reg);
	int64_t imm = 0;

	if (from->type == X86_OP_IMM)
		imm = from->imm;
	else if (from->type == X86_OP_REG && to->type == X86_OP_REG && from->reg == to->reg)
		b = a;
	else
		b = x86_operand(l, 1, X86_T1);
	if (to->type == X86_OP_REG && place.number != FLOW_NO_REG && place.width >= 4 &&
	    place.width <= 8) {
		x86_alu(l, kind, x86_width(l), place.number, a, b, imm);
		return;
	}
	x86_alu(l, kind, x86_width(l), X86_T2, a, b, imm);
	x86_assign(l, 0, X86_T2);
}

/* Narrow shifts to the right and rotations depend on the width: not computed. */
static void lift_shift(struct x86_lift *l, enum flow_alu kind)
{
	const cs_x86_op *from = &l->x86->operands[1];

	if (l->x86->op_count != 2 || from->type != X86_OP_IMM ||
	    (l->x86->operands[0].size < 4 && kind != FLOW_SHL)) {
		x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_T0);
		x86_assign(l, 0, X86_T0);
		return;
	}
	lift_alu(l, kind);
}

static void lift_one(struct x86_lift *l, enum flow_alu kind, int64_t imm)
{
	uint8_t a = x86_operand(l, 0, X86_T0);

	x86_alu(l, kind, x86_width(l), X86_T1, a, FLOW_NO_REG, imm);
	x86_assign(l, 0, X86_T1);
}

static void lift_neg(struct x86_lift *l)
{
	uint8_t a = x86_operand(l, 0, X86_T0);

	x86_set(l, x86_width(l), X86_T1, 0);
	x86_alu(l, FLOW_SUB, x86_width(l), X86_T1, X86_T1, a, 0);
	x86_assign(l, 0, X86_T1);
}

static void lift_imul(struct x86_lift *l)
{
	uint8_t a, b = FLOW_NO_REG;
	int64_t imm = 0;

	if (l->x86->op_count == 1) {
		x86_generic(l);
		return;
	}
	if (l->x86->op_count == 2) {
		lift_alu(l, FLOW_MUL);
		return;
	}
	a = x86_operand(l, 1, X86_T0);
	if (l->x86->operands[2].type == X86_OP_IMM)
		imm = l->x86->operands[2].imm;
	else
		b = x86_operand(l, 2, X86_T1);
	x86_alu(l, FLOW_MUL, x86_width(l), X86_T2, a, b, imm);
	x86_assign(l, 0, X86_T2);
}

/* sbb r, r is 0 or -1; any other depends on a flag. */
static void lift_sbb(struct x86_lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct flow_op *op;

	if (to->type != X86_OP_REG || from->type != X86_OP_REG || to->reg != from->reg) {
		x86_generic(l);
		return;
	}
	op = x86_emit(l, FLOW_OP_CHOICE, x86_width(l), X86_T0);
	if (op)
		op->imm2 = -1;
	x86_assign(l, 0, X86_T0);
}

static void lift_setcc(struct x86_lift *l)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_CHOICE, 4, X86_T0);

	if (op)
		op->imm2 = 1;
	x86_assign(l, 0, X86_T0);
}

static void lift_cmov(struct x86_lift *l)
{
	uint8_t old = x86_operand(l, 0, X86_T0), value = x86_operand(l, 1, X86_T1);
	struct flow_op *op = x86_emit(l, FLOW_OP_EITHER, x86_width(l), X86_T2);

	if (op) {
		op->a = old;
		op->b = value;
	}
	x86_assign(l, 0, X86_T2);
}

static bool is_setcc(unsigned id)
{
	switch (id) {
	case X86_INS_SETAE:
	case X86_INS_SETA:
	case X86_INS_SETBE:
	case X86_INS_SETB:
	case X86_INS_SETE:
	case X86_INS_SETGE:
	case X86_INS_SETG:
	case X86_INS_SETLE:
	case X86_INS_SETL:
	case X86_INS_SETNE:
	case X86_INS_SETNO:
	case X86_INS_SETNP:
	case X86_INS_SETNS:
	case X86_INS_SETO:
	case X86_INS_SETP:
	case X86_INS_SETS: return true;
	default: return false;
	}
}

static bool is_cmov(unsigned id)
{
	switch (id) {
	case X86_INS_CMOVA:
	case X86_INS_CMOVAE:
	case X86_INS_CMOVB:
	case X86_INS_CMOVBE:
	case X86_INS_CMOVE:
	case X86_INS_CMOVG:
	case X86_INS_CMOVGE:
	case X86_INS_CMOVL:
	case X86_INS_CMOVLE:
	case X86_INS_CMOVNE:
	case X86_INS_CMOVNO:
	case X86_INS_CMOVNP:
	case X86_INS_CMOVNS:
	case X86_INS_CMOVO:
	case X86_INS_CMOVP:
	case X86_INS_CMOVS: return true;
	default: return false;
	}
}

bool x86_lift_choice(struct x86_lift *l)
{
	if (is_setcc(l->insn->id))
		lift_setcc(l);
	else if (is_cmov(l->insn->id))
		lift_cmov(l);
	else
		return false;
	return true;
}

bool x86_lift_arithmetic(struct x86_lift *l)
{
	switch (l->insn->id) {
	case X86_INS_ADD: lift_alu(l, FLOW_ADD); return true;
	case X86_INS_SUB: lift_alu(l, FLOW_SUB); return true;
	case X86_INS_AND: lift_alu(l, FLOW_AND); return true;
	case X86_INS_OR: lift_alu(l, FLOW_OR); return true;
	case X86_INS_XOR: lift_alu(l, FLOW_XOR); return true;
	case X86_INS_SHL:
	case X86_INS_SAL: lift_shift(l, FLOW_SHL); return true;
	case X86_INS_SHR: lift_shift(l, FLOW_SHR); return true;
	case X86_INS_SAR: lift_shift(l, FLOW_SAR); return true;
	case X86_INS_ROR: lift_shift(l, FLOW_ROR); return true;
	case X86_INS_IMUL: lift_imul(l); return true;
	case X86_INS_INC: lift_one(l, FLOW_ADD, 1); return true;
	case X86_INS_DEC: lift_one(l, FLOW_SUB, 1); return true;
	case X86_INS_NOT: lift_one(l, FLOW_XOR, -1); return true;
	case X86_INS_NEG: lift_neg(l); return true;
	case X86_INS_SBB: lift_sbb(l); return true;
	case X86_INS_BSWAP: lift_one(l, FLOW_BSWAP, 0); return true;
	default: return false;
	}
}

/* Instructions with a second result, which capstone does not name. */
bool x86_lift_two_results(struct x86_lift *l)
{
	const cs_x86_op *second = &l->x86->operands[1];

	switch (l->insn->id) {
	case X86_INS_XADD:
	case X86_INS_MULX:
		x86_generic(l);
		x86_forget(l, second->reg);
		return true;
	case X86_INS_CMPXCHG:
		x86_generic(l);
		x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_AX);
		return true;
	case X86_INS_CMPXCHG8B:
	case X86_INS_CMPXCHG16B:
		x86_generic(l);
		x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_AX);
		x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_DX);
		return true;
	default: return false;
	}
}
