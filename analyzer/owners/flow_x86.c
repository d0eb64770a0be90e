/*
 * Back end for x86 and x64: lifts instructions as capstone describes them (flow_x86_decode.h) into
 * the operations of flow_arch.h.
 *
 * Exact: moves, address arithmetic, integer arithmetic, stack, cmov/setcc, 16-byte moves of xmm0-7.
 * Every other instruction forgets what it writes. Not supported: x87 and AVX contents (forgotten),
 * addresses through fs, gs or 16-bit addressing (unknown). Encodings: Intel SDM volume 2.
 * Capstone 4.0.2: `test al, n` is said to write al, so tests and compares are listed here.
 */
#include "analyzer/owners/flow_x86.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/flow_arch.h"
#include "analyzer/owners/flow_x86_callee.h"
#include "analyzer/owners/flow_x86_decode.h"

struct decoder {
	csh handle;
	cs_insn *insn;
	bool wide; /* x64 */
};

/* The instruction at work. */
struct lift {
	const struct decoder *decoder;
	const cs_insn *insn;
	const cs_x86 *x86;
	struct flow_insn *ret;
	unsigned pointer;
};

enum { T0 = X86_REGISTERS, T1, T2, T3 };

/* Where a capstone register lives: number, width in bytes, and whether it is ah, bh, ch, dh. */
struct place {
	uint8_t number, width;
	bool high;
};

/* ---- registers ---- */

/* By capstone's number. */
static const struct place places[X86_REG_ENDING] = {
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

static struct place place_of(unsigned reg)
{
	if (reg >= X86_REG_ENDING || !places[reg].width)
		return (struct place){FLOW_NO_REG, 0, false};
	return places[reg];
}

/* ---- building operations ---- */

static struct flow_op *add(struct lift *l, enum flow_op_kind kind, unsigned width, uint8_t dst)
{
	static struct flow_op *const none = NULL;
	struct flow_op *op;

	if (l->ret->op_count == FLOW_OPS)
		return none;
	op = &l->ret->ops[l->ret->op_count++];
	*op = (struct flow_op){.kind = (uint8_t)kind,
			       .width = (uint8_t)width,
			       .dst = dst,
			       .a = FLOW_NO_REG,
			       .b = FLOW_NO_REG,
			       .base = FLOW_NO_REG,
			       .index = FLOW_NO_REG,
			       .scale = 1};
	return op;
}

static void set(struct lift *l, unsigned width, uint8_t dst, int64_t imm)
{
	struct flow_op *op = add(l, FLOW_OP_SET, width, dst);

	if (op)
		op->imm = imm;
}

static void move(struct lift *l, unsigned width, uint8_t dst, uint8_t a)
{
	struct flow_op *op = add(l, FLOW_OP_MOVE, width, dst);

	if (op)
		op->a = a;
}

static void alu(struct lift *l, enum flow_alu kind, unsigned width, uint8_t dst, uint8_t a,
		uint8_t b, int64_t imm)
{
	struct flow_op *op = add(l, FLOW_OP_ALU, width, dst);

	if (!op)
		return;
	op->alu = (uint8_t)kind;
	op->a = a;
	op->b = b;
	op->imm = imm;
}

static void forget(struct lift *l, unsigned reg)
{
	struct place place = place_of(reg);

	if (place.number == FLOW_NO_REG)
		return;
	add(l, FLOW_OP_FORGET, l->pointer, place.number);
	if (place.width >= 16)
		add(l, FLOW_OP_FORGET, l->pointer, (uint8_t)(place.number + 1));
}

/* ---- memory ---- */

/* Part of an address; false when it is a register that is not followed at full width. */
static bool address_part(const struct lift *l, unsigned reg, uint8_t *ret)
{
	struct place place = place_of(reg);

	*ret = FLOW_NO_REG;
	if (reg == X86_REG_INVALID || reg == X86_REG_RIZ || reg == X86_REG_EIZ)
		return true;
	*ret = place.number;
	return place.width == l->pointer;
}

/* `plus` bytes behind the operand. False when its address cannot be said. */
static bool address(const struct lift *l, const cs_x86_op *operand, int64_t plus,
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

static void load_at(struct lift *l, const cs_x86_op *operand, int64_t plus, unsigned width,
		    uint8_t dst)
{
	struct flow_op *op = add(l, FLOW_OP_LOAD, width, dst);

	if (op && (width > 8 || !address(l, operand, plus, op)))
		op->kind = FLOW_OP_FORGET;
}

/* The instruction is without effect on the frame where the address is unknown. */
static void store_at(struct lift *l, const cs_x86_op *operand, int64_t plus, unsigned width,
		     uint8_t a)
{
	struct flow_op *op = add(l, FLOW_OP_STORE, width, FLOW_NO_REG);

	if (!op)
		return;
	op->a = a;
	if (!address(l, operand, plus, op))
		l->ret->op_count--;
}

static void store_unknown(struct lift *l, const cs_x86_op *operand)
{
	unsigned size = operand->size ? operand->size : l->pointer;

	for (unsigned done = 0; done < size && done < 64; done += 8)
		store_at(l, operand, done, size - done < 8 ? size - done : 8, FLOW_NO_REG);
}

/* ---- operands ---- */

/* Puts operand `index` into a register: its own when it can be used as it is, else `temporary`. */
static uint8_t operand(struct lift *l, unsigned index, uint8_t temporary)
{
	const cs_x86_op *o = &l->x86->operands[index];
	struct place place;

	switch (o->type) {
	case X86_OP_REG:
		place = place_of(o->reg);
		if (place.number == FLOW_NO_REG || place.high || place.width > 8) {
			add(l, FLOW_OP_FORGET, l->pointer, temporary);
			return temporary;
		}
		if (place.width >= l->pointer || place.width == 4)
			return place.number;
		alu(l, FLOW_ZEXT, l->pointer, temporary, place.number, FLOW_NO_REG, place.width);
		return temporary;
	case X86_OP_IMM: set(l, o->size < 4 ? 4 : o->size, temporary, o->imm); return temporary;
	case X86_OP_MEM: load_at(l, o, 0, o->size, temporary); return temporary;
	default: add(l, FLOW_OP_FORGET, l->pointer, temporary); return temporary;
	}
}

/* Writes `value` to operand `index`; registers narrower than 32 bits keep their upper part. */
static void assign(struct lift *l, unsigned index, uint8_t value)
{
	const cs_x86_op *o = &l->x86->operands[index];
	struct place place;

	if (o->type == X86_OP_MEM) {
		if (o->size <= 8)
			store_at(l, o, 0, o->size, value);
		else
			store_unknown(l, o);
		return;
	}
	if (o->type != X86_OP_REG)
		return;
	place = place_of(o->reg);
	if (place.number == FLOW_NO_REG || place.high || place.width > 8)
		forget(l, o->reg);
	else if (place.width >= 4)
		move(l, place.width, place.number, value);
	else
		alu(l, FLOW_INSERT, place.width, place.number, place.number, value, 0);
}

/* Width of arithmetic on operand 0; narrow ones are done in 32 bits and cut by assign(). */
static unsigned width_of(const struct lift *l)
{
	return l->x86->operands[0].size == 8 ? 8 : 4;
}

/* ---- instructions ---- */

/* Capstone 4.0.2 calls stores such as fnstcw and vmovups reads, so the first operand always counts
 * as written. */
static void lift_generic(struct lift *l)
{
	const cs_detail *detail = l->insn->detail;

	for (unsigned i = 0; i < l->x86->op_count; i++) {
		const cs_x86_op *o = &l->x86->operands[i];
		bool writes = i == 0 || (o->access & CS_AC_WRITE);

		if (writes && o->type == X86_OP_REG)
			forget(l, o->reg);
		else if (writes && o->type == X86_OP_MEM)
			store_unknown(l, o);
	}
	for (unsigned i = 0; i < detail->regs_write_count; i++)
		forget(l, detail->regs_write[i]);
}

static void lift_mov(struct lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct place place = place_of(to->reg);

	if (to->type == X86_OP_REG && place.number != FLOW_NO_REG && place.width >= 4 &&
	    place.width <= 8 && from->type != X86_OP_REG) {
		if (from->type == X86_OP_IMM)
			set(l, place.width, place.number, from->imm);
		else
			load_at(l, from, 0, place.width, place.number);
		return;
	}
	assign(l, 0, operand(l, 1, T0));
}

static void lift_extend(struct lift *l, bool is_signed)
{
	const cs_x86_op *from = &l->x86->operands[1];
	uint8_t value = operand(l, 1, T0);

	if (is_signed)
		alu(l, FLOW_SEXT, width_of(l), T0, value, FLOW_NO_REG, from->size);
	else
		alu(l, FLOW_ZEXT, width_of(l), T0, value, FLOW_NO_REG, from->size);
	assign(l, 0, T0);
}

static void lift_lea(struct lift *l)
{
	struct flow_op *op = add(l, FLOW_OP_LEA, width_of(l), T0);
	const x86_op_mem *mem = &l->x86->operands[1].mem;

	if (op && !address(l, &l->x86->operands[1], 0, op))
		op->kind = FLOW_OP_FORGET;
	if (op && mem->base == X86_REG_RIP)
		op->kind = FLOW_OP_ADDRESS;
	assign(l, 0, T0);
}

/* Two-operand arithmetic: op0 = op0 alu op1. */
static void lift_alu(struct lift *l, enum flow_alu kind)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	uint8_t a = operand(l, 0, T0), b = FLOW_NO_REG;
	struct place place = place_of(to->reg);
	int64_t imm = 0;

	if (from->type == X86_OP_IMM)
		imm = from->imm;
	else if (from->type == X86_OP_REG && to->type == X86_OP_REG && from->reg == to->reg)
		b = a;
	else
		b = operand(l, 1, T1);
	if (to->type == X86_OP_REG && place.number != FLOW_NO_REG && place.width >= 4 &&
	    place.width <= 8) {
		alu(l, kind, width_of(l), place.number, a, b, imm);
		return;
	}
	alu(l, kind, width_of(l), T2, a, b, imm);
	assign(l, 0, T2);
}

/* Narrow shifts to the right and rotations depend on the width: not computed. */
static void lift_shift(struct lift *l, enum flow_alu kind)
{
	const cs_x86_op *from = &l->x86->operands[1];

	if (l->x86->op_count != 2 || from->type != X86_OP_IMM ||
	    (l->x86->operands[0].size < 4 && kind != FLOW_SHL)) {
		add(l, FLOW_OP_FORGET, l->pointer, T0);
		assign(l, 0, T0);
		return;
	}
	lift_alu(l, kind);
}

static void lift_one(struct lift *l, enum flow_alu kind, int64_t imm)
{
	uint8_t a = operand(l, 0, T0);

	alu(l, kind, width_of(l), T1, a, FLOW_NO_REG, imm);
	assign(l, 0, T1);
}

static void lift_neg(struct lift *l)
{
	uint8_t a = operand(l, 0, T0);

	set(l, width_of(l), T1, 0);
	alu(l, FLOW_SUB, width_of(l), T1, T1, a, 0);
	assign(l, 0, T1);
}

static void lift_imul(struct lift *l)
{
	uint8_t a, b = FLOW_NO_REG;
	int64_t imm = 0;

	if (l->x86->op_count == 1) {
		lift_generic(l);
		return;
	}
	if (l->x86->op_count == 2) {
		lift_alu(l, FLOW_MUL);
		return;
	}
	a = operand(l, 1, T0);
	if (l->x86->operands[2].type == X86_OP_IMM)
		imm = l->x86->operands[2].imm;
	else
		b = operand(l, 2, T1);
	alu(l, FLOW_MUL, width_of(l), T2, a, b, imm);
	assign(l, 0, T2);
}

/* sbb r, r is 0 or -1; any other depends on a flag. */
static void lift_sbb(struct lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct flow_op *op;

	if (to->type != X86_OP_REG || from->type != X86_OP_REG || to->reg != from->reg) {
		lift_generic(l);
		return;
	}
	op = add(l, FLOW_OP_CHOICE, width_of(l), T0);
	if (op)
		op->imm2 = -1;
	assign(l, 0, T0);
}

static void lift_setcc(struct lift *l)
{
	struct flow_op *op = add(l, FLOW_OP_CHOICE, 4, T0);

	if (op)
		op->imm2 = 1;
	assign(l, 0, T0);
}

static void lift_cmov(struct lift *l)
{
	uint8_t old = operand(l, 0, T0), value = operand(l, 1, T1);
	struct flow_op *op = add(l, FLOW_OP_EITHER, width_of(l), T2);

	if (op) {
		op->a = old;
		op->b = value;
	}
	assign(l, 0, T2);
}

static void lift_xchg(struct lift *l)
{
	uint8_t a = operand(l, 0, T0), b = operand(l, 1, T1);

	move(l, 8, T2, a);
	move(l, 8, T3, b);
	assign(l, 0, T3);
	assign(l, 1, T2);
}

static void move_sp(struct lift *l, int64_t by)
{
	alu(l, by < 0 ? FLOW_SUB : FLOW_ADD, l->pointer, X86_SP, X86_SP, FLOW_NO_REG,
	    by < 0 ? -by : by);
}

static void store_top(struct lift *l, unsigned width, uint8_t a)
{
	struct flow_op *op = add(l, FLOW_OP_STORE, width, FLOW_NO_REG);

	if (op) {
		op->a = a;
		op->base = X86_SP;
	}
}

static void load_top(struct lift *l, unsigned width, uint8_t dst)
{
	struct flow_op *op = add(l, FLOW_OP_LOAD, width, dst);

	if (op)
		op->base = X86_SP;
}

static void lift_push(struct lift *l)
{
	const cs_x86_op *o = &l->x86->operands[0];
	bool narrow = l->x86->prefix[2] == 0x66;
	unsigned size = narrow ? 2 : l->pointer;
	uint8_t value = T0;

	if (o->type == X86_OP_IMM)
		set(l, l->pointer, T0, o->imm);
	else
		value = operand(l, 0, T0);
	if (value == X86_SP) {
		move(l, l->pointer, T0, X86_SP);
		value = T0;
	}
	move_sp(l, -(int64_t)size);
	store_top(l, size, value);
}

static void lift_pop(struct lift *l)
{
	bool narrow = l->x86->prefix[2] == 0x66;
	unsigned size = narrow ? 2 : l->pointer;

	load_top(l, size, T0);
	move_sp(l, size);
	assign(l, 0, T0);
}

static void lift_leave(struct lift *l)
{
	move(l, l->pointer, X86_SP, X86_BP);
	load_top(l, l->pointer, T0);
	move_sp(l, l->pointer);
	move(l, l->pointer, X86_BP, T0);
}

static void lift_pushed_flags(struct lift *l, unsigned words)
{
	move_sp(l, -(int64_t)(words * l->pointer));
	store_top(l, l->pointer, FLOW_NO_REG);
}

static void lift_popad(struct lift *l)
{
	static const uint8_t all[] = {X86_AX, X86_CX, X86_DX, X86_BX, X86_BP, X86_SI, X86_DI};

	for (size_t i = 0; i < sizeof(all); i++)
		add(l, FLOW_OP_FORGET, l->pointer, all[i]);
	move_sp(l, 32);
}

/* String stores: an unknown number of bytes from edi on. */
static void lift_string(struct lift *l)
{
	struct flow_op *op;

	add(l, FLOW_OP_FORGET, l->pointer, X86_CX);
	op = add(l, FLOW_OP_STORE, 8, FLOW_NO_REG);
	if (op) {
		op->base = X86_DI;
		op->index = X86_CX;
	}
	add(l, FLOW_OP_FORGET, l->pointer, X86_DI);
	add(l, FLOW_OP_FORGET, l->pointer, X86_SI);
}

/* 16 bytes between xmm registers and memory. */
static void lift_movups(struct lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct place target = place_of(to->reg), source = place_of(from->reg);
	bool to_xmm = to->type == X86_OP_REG && target.width == 16;
	bool from_xmm = from->type == X86_OP_REG && source.width == 16;

	if (to_xmm && from->type == X86_OP_MEM && from->size == 16) {
		load_at(l, from, 0, 8, target.number);
		load_at(l, from, 8, 8, (uint8_t)(target.number + 1));
	} else if (to->type == X86_OP_MEM && from_xmm && to->size == 16) {
		store_at(l, to, 0, 8, source.number);
		store_at(l, to, 8, 8, (uint8_t)(source.number + 1));
	} else if (to_xmm && from_xmm) {
		move(l, 8, target.number, source.number);
		move(l, 8, (uint8_t)(target.number + 1), (uint8_t)(source.number + 1));
	} else {
		lift_generic(l);
	}
}

/* movd, movq: the lower half; the rest of a target register becomes zero. */
static void lift_movq(struct lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct place target = place_of(to->reg), source = place_of(from->reg);
	unsigned width = l->insn->id == X86_INS_MOVD ? 4 : 8;

	if (to->type == X86_OP_REG && target.width == 16) {
		if (from->type == X86_OP_MEM)
			load_at(l, from, 0, width, T0);
		else if (source.number != FLOW_NO_REG)
			move(l, width, T0, source.number);
		move(l, 8, target.number, T0);
		set(l, 8, (uint8_t)(target.number + 1), 0);
	} else if (from->type == X86_OP_REG && source.width == 16) {
		if (to->type == X86_OP_MEM)
			store_at(l, to, 0, width, source.number);
		else
			move(l, width, target.number, source.number);
	} else {
		lift_generic(l);
	}
}

static void lift_xorps(struct lift *l)
{
	const cs_x86_op *to = &l->x86->operands[0], *from = &l->x86->operands[1];
	struct place target = place_of(to->reg);

	if (from->type != X86_OP_REG || from->reg != to->reg || target.width != 16) {
		lift_generic(l);
		return;
	}
	set(l, 8, target.number, 0);
	set(l, 8, (uint8_t)(target.number + 1), 0);
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

/* ---- control ---- */

static void lift_target(struct lift *l, enum flow_control control)
{
	const cs_x86_op *o = &l->x86->operands[0];

	l->ret->control = (uint8_t)control;
	if (o->type == X86_OP_IMM) {
		l->ret->va = l->pointer == 4 ? (uint32_t)o->imm : (uint64_t)o->imm;
		return;
	}
	l->ret->target = operand(l, 0, T0);
}

static bool lift_control(struct lift *l)
{
	switch (l->insn->id) {
	case X86_INS_CALL: lift_target(l, FLOW_CALL); return true;
	case X86_INS_JMP: lift_target(l, FLOW_JUMP); return true;
	case X86_INS_RET:
	case X86_INS_RETF:
	case X86_INS_RETFQ:
	case X86_INS_IRET:
	case X86_INS_IRETD:
	case X86_INS_IRETQ:
		l->ret->control = FLOW_RETURN;
		if (l->x86->op_count)
			l->ret->popped = (uint16_t)l->x86->operands[0].imm;
		return true;
	case X86_INS_LOOP:
	case X86_INS_LOOPE:
	case X86_INS_LOOPNE:
		add(l, FLOW_OP_FORGET, l->pointer, X86_CX);
		lift_target(l, FLOW_BRANCH);
		return true;
	case X86_INS_JCXZ:
	case X86_INS_JECXZ:
	case X86_INS_JRCXZ: lift_target(l, FLOW_BRANCH); return true;
	case X86_INS_INT3:
	case X86_INS_UD0:
	case X86_INS_UD2B:
	case X86_INS_UD2:
	case X86_INS_HLT:
	case X86_INS_LJMP: l->ret->control = FLOW_STOP; return true;
	case X86_INS_INT: /* 29h: fail-fast */
		if (l->x86->operands[0].imm == 0x29)
			l->ret->control = FLOW_STOP;
		else
			lift_generic(l);
		return true;
	default: break;
	}
	if (l->insn->id >= X86_INS_JAE && l->insn->id <= X86_INS_JS) {
		lift_target(l, FLOW_BRANCH);
		return true;
	}
	return false;
}

static bool lift_stack(struct lift *l)
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

static bool lift_arithmetic(struct lift *l)
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

static bool lift_data(struct lift *l)
{
	switch (l->insn->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS: lift_mov(l); return true;
	case X86_INS_MOVZX: lift_extend(l, false); return true;
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD: lift_extend(l, true); return true;
	case X86_INS_CDQE: alu(l, FLOW_SEXT, 8, X86_AX, X86_AX, FLOW_NO_REG, 4); return true;
	case X86_INS_CWDE: alu(l, FLOW_SEXT, 4, X86_AX, X86_AX, FLOW_NO_REG, 2); return true;
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
			lift_generic(l);
		return true;
	default: return false;
	}
}

/* Reads only, whatever capstone says. */
static bool changes_nothing(const struct lift *l)
{
	switch (l->insn->id) {
	case X86_INS_CMP:
	case X86_INS_TEST:
	case X86_INS_BT:
	case X86_INS_NOP: return true;
	default: return false;
	}
}

/* cmp with a number: how jump tables are bounded. */
static void note_comparison(struct lift *l)
{
	const cs_x86_op *to = &l->x86->operands[1];

	if (l->insn->id != X86_INS_CMP || to->type != X86_OP_IMM)
		return;
	l->ret->compares = true;
	l->ret->compared = to->imm < 0 || to->imm > UINT32_MAX ? UINT32_MAX : (uint32_t)to->imm;
}

/* Instructions with a second result, which capstone does not name. */
static bool lift_two_results(struct lift *l)
{
	const cs_x86_op *second = &l->x86->operands[1];

	switch (l->insn->id) {
	case X86_INS_XADD:
	case X86_INS_MULX:
		lift_generic(l);
		forget(l, second->reg);
		return true;
	case X86_INS_CMPXCHG:
		lift_generic(l);
		add(l, FLOW_OP_FORGET, l->pointer, X86_AX);
		return true;
	case X86_INS_CMPXCHG8B:
	case X86_INS_CMPXCHG16B:
		lift_generic(l);
		add(l, FLOW_OP_FORGET, l->pointer, X86_AX);
		add(l, FLOW_OP_FORGET, l->pointer, X86_DX);
		return true;
	default: return false;
	}
}

static void lift_insn(struct lift *l)
{
	note_comparison(l);
	if (changes_nothing(l) || lift_control(l) || lift_data(l) || lift_arithmetic(l) ||
	    lift_stack(l) || lift_two_results(l))
		return;
	if (is_setcc(l->insn->id))
		lift_setcc(l);
	else if (is_cmov(l->insn->id))
		lift_cmov(l);
	else
		lift_generic(l);
}

/* Hints that capstone 4.0.2 does not know: 0F 1E /r (endbr, rdssp), 0F 0D /r (prefetch). */
static unsigned unknown_hint(const uint8_t *code, size_t size)
{
	size_t at = size && (code[0] == 0xf3 || code[0] == 0xf2 || code[0] == 0x66) ? 1 : 0;

	if (at < size && (code[at] & 0xf0) == 0x40)
		at++;
	if (at + 3 > size || code[at] != 0x0f || (code[at + 1] != 0x1e && code[at + 1] != 0x0d))
		return 0;
	return code[at + 2] >> 6 == 3 ? (unsigned)at + 3 : 0;
}

static bool x86_lift(void *context, const uint8_t *code, size_t size, uint64_t va,
		     struct flow_insn *ret)
{
	struct decoder *decoder = context;
	const uint8_t *at = code;
	struct lift l = {.decoder = decoder,
			 .insn = decoder->insn,
			 .ret = ret,
			 .pointer = decoder->wide ? 8 : 4};
	size_t left = size;
	uint64_t address_now = va;

	if (!flow_x86_decode(decoder->wide, code, size, va, decoder->insn) &&
	    !cs_disasm_iter(decoder->handle, &at, &left, &address_now, decoder->insn)) {
		ret->length = (uint8_t)unknown_hint(code, size);
		return ret->length != 0;
	}
	ret->length = (uint8_t)decoder->insn->size;
	ret->control = FLOW_NEXT;
	l.x86 = &decoder->insn->detail->x86;
	lift_insn(&l);
	return true;
}

static struct decoder *open_decoder(cs_mode mode)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return NULL;
	decoder->wide = mode == CS_MODE_64;
	if (cs_open(CS_ARCH_X86, mode, &decoder->handle) != CS_ERR_OK) {
		free(decoder);
		return NULL;
	}
	if (cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		decoder->insn = cs_malloc(decoder->handle);
	if (!decoder->insn) {
		cs_close(&decoder->handle);
		free(decoder);
		return NULL;
	}
	return decoder;
}

static void *x86_create(void)
{
	return open_decoder(CS_MODE_32);
}

static void *x64_create(void)
{
	return open_decoder(CS_MODE_64);
}

static void x86_destroy(void *context)
{
	struct decoder *decoder = context;

	cs_free(decoder->insn, 1);
	cs_close(&decoder->handle);
	free(decoder);
}

static const uint8_t x64_parameters[] = {X86_CX, X86_DX, X86_R8, X86_R9};

#define BIT(reg) (1ull << (reg))
#define XMM(n)   (BIT(X86_XMM0 + 2 * (n)) | BIT(X86_XMM0 + 2 * (n) + 1))

const struct flow_arch flow_arch_x86 = {
	.pointer = 4,
	.registers = X86_REGISTERS,
	.sp = X86_SP,
	.result = X86_AX,
	.stack_offset = 4,
	.return_bytes = 4,
	.kept = BIT(X86_BX) | BIT(X86_SP) | BIT(X86_BP) | BIT(X86_SI) | BIT(X86_DI),
	.callee_pops = true,
	.dispatch = FLOW_NO_REG,
	.create = x86_create,
	.destroy = x86_destroy,
	.lift = x86_lift,
	.callee = flow_x86_callee,
};

const struct flow_arch flow_arch_x64 = {
	.pointer = 8,
	.registers = X86_REGISTERS,
	.sp = X86_SP,
	.result = X86_AX,
	.parameters = x64_parameters,
	.parameter_count = 4,
	.stack_index = 4,
	.stack_offset = 0x28,
	.return_bytes = 8,
	.kept = BIT(X86_BX) | BIT(X86_SP) | BIT(X86_BP) | BIT(X86_SI) | BIT(X86_DI) | BIT(X86_R12) |
		BIT(X86_R13) | BIT(X86_R14) | BIT(X86_R15) | XMM(6) | XMM(7),
	.dispatch = X86_AX,
	.retpolines = BIT(X86_R10),
	.create = x64_create,
	.destroy = x86_destroy,
	.lift = x86_lift,
	.callee = flow_x64_callee,
};
