/*
 * What instructions of x86 and x64 are lifted with: registers, addresses, operands, and what an
 * instruction does that is not modelled.
 *
 * Not supported: contents of x87 and AVX registers (forgotten), addresses through fs, gs or 16-bit
 * addressing (unknown).
 */
#include "analyzer/owners/flow_x86_lift.h"

/* ---- registers ---- */

/* By capstone's number. */
static const struct x86_place places[X86_REG_ENDING] = {
	[X86_REG_AL] = {X86_AX, 1, false},
	[X86_REG_AH] = {X86_AX, 1, true},
	[X86_REG_AX] = {X86_AX, 2, false},
	[X86_REG_EAX] = {X86_AX, 4, false},
	[X86_REG_RAX] = {X86_AX, 8, false},
	[X86_REG_CL] = {X86_CX, 1, false},
	[X86_REG_CH] = {X86_CX, 1, true},
	[X86_REG_CX] = {X86_CX, 2, false},
	[X86_REG_ECX] = {X86_CX, 4, false},
	[X86_REG_RCX] = {X86_CX, 8, false},
	[X86_REG_DL] = {X86_DX, 1, false},
	[X86_REG_DH] = {X86_DX, 1, true},
	[X86_REG_DX] = {X86_DX, 2, false},
	[X86_REG_EDX] = {X86_DX, 4, false},
	[X86_REG_RDX] = {X86_DX, 8, false},
	[X86_REG_BL] = {X86_BX, 1, false},
	[X86_REG_BH] = {X86_BX, 1, true},
	[X86_REG_BX] = {X86_BX, 2, false},
	[X86_REG_EBX] = {X86_BX, 4, false},
	[X86_REG_RBX] = {X86_BX, 8, false},
	[X86_REG_SPL] = {X86_SP, 1, false},
	[X86_REG_SP] = {X86_SP, 2, false},
	[X86_REG_ESP] = {X86_SP, 4, false},
	[X86_REG_RSP] = {X86_SP, 8, false},
	[X86_REG_BPL] = {X86_BP, 1, false},
	[X86_REG_BP] = {X86_BP, 2, false},
	[X86_REG_EBP] = {X86_BP, 4, false},
	[X86_REG_RBP] = {X86_BP, 8, false},
	[X86_REG_SIL] = {X86_SI, 1, false},
	[X86_REG_SI] = {X86_SI, 2, false},
	[X86_REG_ESI] = {X86_SI, 4, false},
	[X86_REG_RSI] = {X86_SI, 8, false},
	[X86_REG_DIL] = {X86_DI, 1, false},
	[X86_REG_DI] = {X86_DI, 2, false},
	[X86_REG_EDI] = {X86_DI, 4, false},
	[X86_REG_RDI] = {X86_DI, 8, false},
	[X86_REG_R8B] = {X86_R8, 1, false},
	[X86_REG_R8W] = {X86_R8, 2, false},
	[X86_REG_R8D] = {X86_R8, 4, false},
	[X86_REG_R8] = {X86_R8, 8, false},
	[X86_REG_R9B] = {X86_R9, 1, false},
	[X86_REG_R9W] = {X86_R9, 2, false},
	[X86_REG_R9D] = {X86_R9, 4, false},
	[X86_REG_R9] = {X86_R9, 8, false},
	[X86_REG_R10B] = {X86_R10, 1, false},
	[X86_REG_R10W] = {X86_R10, 2, false},
	[X86_REG_R10D] = {X86_R10, 4, false},
	[X86_REG_R10] = {X86_R10, 8, false},
	[X86_REG_R11B] = {X86_R11, 1, false},
	[X86_REG_R11W] = {X86_R11, 2, false},
	[X86_REG_R11D] = {X86_R11, 4, false},
	[X86_REG_R11] = {X86_R11, 8, false},
	[X86_REG_R12B] = {X86_R12, 1, false},
	[X86_REG_R12W] = {X86_R12, 2, false},
	[X86_REG_R12D] = {X86_R12, 4, false},
	[X86_REG_R12] = {X86_R12, 8, false},
	[X86_REG_R13B] = {X86_R13, 1, false},
	[X86_REG_R13W] = {X86_R13, 2, false},
	[X86_REG_R13D] = {X86_R13, 4, false},
	[X86_REG_R13] = {X86_R13, 8, false},
	[X86_REG_R14B] = {X86_R14, 1, false},
	[X86_REG_R14W] = {X86_R14, 2, false},
	[X86_REG_R14D] = {X86_R14, 4, false},
	[X86_REG_R14] = {X86_R14, 8, false},
	[X86_REG_R15B] = {X86_R15, 1, false},
	[X86_REG_R15W] = {X86_R15, 2, false},
	[X86_REG_R15D] = {X86_R15, 4, false},
	[X86_REG_R15] = {X86_R15, 8, false},
#define XMM(n)                                                                                     \
	[X86_REG_XMM##n] = {X86_XMM0 + 2 * (n), 16, false},                                        \
	[X86_REG_YMM##n] = {X86_XMM0 + 2 * (n), 32, false},                                        \
	[X86_REG_ZMM##n] = {X86_XMM0 + 2 * (n), 64, false}
	XMM(0),
	XMM(1),
	XMM(2),
	XMM(3),
	XMM(4),
	XMM(5),
	XMM(6),
	XMM(7),
#undef XMM
};

struct x86_place x86_place_of(unsigned reg)
{
	if (reg >= X86_REG_ENDING || !places[reg].width)
		return (struct x86_place){FLOW_NO_REG, 0, false};
	return places[reg];
}

/* ---- building operations ---- */

struct flow_op *x86_emit(struct x86_lift *l, enum flow_op_kind kind, unsigned width, uint8_t dst)
{
	static struct flow_op *const none = NULL;
	struct flow_op *op;

	if (l->ret->op_count == FLOW_OPS)
		return none;
	op = &l->ret->ops[l->ret->op_count++];
	*op = flow_op_of(kind, width, dst);
	return op;
}

void x86_set(struct x86_lift *l, unsigned width, uint8_t dst, int64_t imm)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_SET, width, dst);

	if (op)
		op->imm = imm;
}

void x86_move(struct x86_lift *l, unsigned width, uint8_t dst, uint8_t a)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_MOVE, width, dst);

	if (op)
		op->a = a;
}

void x86_alu(struct x86_lift *l, enum flow_alu kind, unsigned width, uint8_t dst, uint8_t a,
	     uint8_t b, int64_t imm)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_ALU, width, dst);

	if (!op)
		return;
	op->alu = (uint8_t)kind;
	op->a = a;
	op->b = b;
	op->imm = imm;
}

void x86_forget(struct x86_lift *l, unsigned reg)
{
	struct x86_place place = x86_place_of(reg);

	if (place.number == FLOW_NO_REG)
		return;
	x86_emit(l, FLOW_OP_FORGET, l->pointer, place.number);
	if (place.width >= 16)
		x86_emit(l, FLOW_OP_FORGET, l->pointer, (uint8_t)(place.number + 1));
}

/* ---- memory ---- */

/* Part of an address; false when it is a register that is not followed at full width. */
static bool address_part(const struct x86_lift *l, unsigned reg, uint8_t *ret)
{
	struct x86_place place = x86_place_of(reg);

	*ret = FLOW_NO_REG;
	if (reg == X86_REG_INVALID || reg == X86_REG_RIZ || reg == X86_REG_EIZ)
		return true;
	*ret = place.number;
	return place.width == l->pointer;
}

/* `plus` bytes behind the operand. False when its address cannot be said. */
bool x86_address(const struct x86_lift *l, const cs_x86_op *operand, int64_t plus,
		 struct flow_op *op)
{
	const x86_op_mem *mem = &operand->mem;

	if (mem->segment == X86_REG_FS || mem->segment == X86_REG_GS)
		return false;
	op->imm = mem->disp + plus;
	op->scale = (uint8_t)mem->scale;
	if (mem->base == X86_REG_RIP) {
		op->base = op->index = FLOW_NO_REG;
		op->imm += (int64_t)(l->insn->address + l->insn->size);
		return true;
	}
	if (!address_part(l, mem->base, &op->base) || !address_part(l, mem->index, &op->index))
		return false;
	if (op->base == FLOW_NO_REG && l->pointer == 4)
		op->imm &= UINT32_MAX;
	return true;
}

void x86_load(struct x86_lift *l, const cs_x86_op *operand, int64_t plus, unsigned width,
	      uint8_t dst)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_LOAD, width, dst);

	if (op && (width > 8 || !x86_address(l, operand, plus, op)))
		op->kind = FLOW_OP_FORGET;
}

/* The instruction is without effect on the frame where the address is unknown. */
void x86_store(struct x86_lift *l, const cs_x86_op *operand, int64_t plus, unsigned width,
	       uint8_t a)
{
	struct flow_op *op = x86_emit(l, FLOW_OP_STORE, width, FLOW_NO_REG);

	if (!op)
		return;
	op->a = a;
	if (!x86_address(l, operand, plus, op))
		l->ret->op_count--;
}

void x86_store_unknown(struct x86_lift *l, const cs_x86_op *operand)
{
	unsigned size = operand->size ? operand->size : l->pointer;

	for (unsigned done = 0; done < size && done < 64; done += 8)
		x86_store(l, operand, done, size - done < 8 ? size - done : 8, FLOW_NO_REG);
}

/* ---- operands ---- */

/* Puts operand `index` into a register: its own when it can be used as it is, else `temporary`. */
uint8_t x86_operand(struct x86_lift *l, unsigned index, uint8_t temporary)
{
	const cs_x86_op *o = &l->x86->operands[index];
	struct x86_place place;

	switch (o->type) {
	case X86_OP_REG:
		place = x86_place_of(o->reg);
		if (place.number == FLOW_NO_REG || place.high || place.width > 8) {
			x86_emit(l, FLOW_OP_FORGET, l->pointer, temporary);
			return temporary;
		}
		if (place.width >= l->pointer || place.width == 4)
			return place.number;
		x86_alu(l, FLOW_ZEXT, l->pointer, temporary, place.number, FLOW_NO_REG,
			place.width);
		return temporary;
	case X86_OP_IMM: x86_set(l, o->size < 4 ? 4 : o->size, temporary, o->imm); return temporary;
	case X86_OP_MEM: x86_load(l, o, 0, o->size, temporary); return temporary;
	default: x86_emit(l, FLOW_OP_FORGET, l->pointer, temporary); return temporary;
	}
}

/* Writes `value` to operand `index`; registers narrower than 32 bits keep their upper part. */
void x86_assign(struct x86_lift *l, unsigned index, uint8_t value)
{
	const cs_x86_op *o = &l->x86->operands[index];
	struct x86_place place;

	if (o->type == X86_OP_MEM) {
		if (o->size <= 8)
			x86_store(l, o, 0, o->size, value);
		else
			x86_store_unknown(l, o);
		return;
	}
	if (o->type != X86_OP_REG)
		return;
	place = x86_place_of(o->reg);
	if (place.number == FLOW_NO_REG || place.high || place.width > 8)
		x86_forget(l, o->reg);
	else if (place.width >= 4)
		x86_move(l, place.width, place.number, value);
	else
		x86_alu(l, FLOW_INSERT, place.width, place.number, place.number, value, 0);
}

/* Width of arithmetic on operand 0; narrow ones are done in 32 bits and cut by x86_assign(). */
unsigned x86_width(const struct x86_lift *l)
{
	return l->x86->operands[0].size == 8 ? 8 : 4;
}

/* Capstone 4.0.2 calls stores such as fnstcw and vmovups reads, so the first operand always counts
 * as written. */
void x86_generic(struct x86_lift *l)
{
	const cs_detail *detail = l->insn->detail;

	for (unsigned i = 0; i < l->x86->op_count; i++) {
		const cs_x86_op *o = &l->x86->operands[i];
		bool writes = i == 0 || (o->access & CS_AC_WRITE);

		if (writes && o->type == X86_OP_REG)
			x86_forget(l, o->reg);
		else if (writes && o->type == X86_OP_MEM)
			x86_store_unknown(l, o);
	}
	for (unsigned i = 0; i < detail->regs_write_count; i++)
		x86_forget(l, detail->regs_write[i]);
}
