/*
 * What the parts of the ARM64 back end have in common: micro-operations, registers by capstone's
 * names, shifted and extended operands, and what an instruction may change that is not modelled or
 * that capstone cannot decode. Capstone 4 does not know LSE atomics and branches with pointer
 * authentication; those words are looked at here. Source: Arm Architecture Reference Manual, A64.
 * Not supported: the stores of memory copy instructions (their registers are forgotten).
 */
#include "analyzer/owners/flow_arm64.h"

struct flow_op *a64_emit(struct a64 *a64, enum flow_op_kind kind, unsigned width, uint8_t dst)
{
	struct flow_op *op = &a64->spare;

	if (a64->out->op_count < FLOW_OPS)
		op = &a64->out->ops[a64->out->op_count++];
	else
		a64->full = true;
	*op = flow_op_of(kind, width, dst);
	return op;
}

void a64_alu(struct a64 *a64, enum flow_alu alu, unsigned width, uint8_t dst, uint8_t a, uint8_t b)
{
	struct flow_op *op = a64_emit(a64, FLOW_OP_ALU, width, dst);

	op->alu = (uint8_t)alu;
	op->a = a;
	op->b = b;
}

void a64_alu_imm(struct a64 *a64, enum flow_alu alu, unsigned width, uint8_t dst, uint8_t a,
		 int64_t imm)
{
	struct flow_op *op = a64_emit(a64, FLOW_OP_ALU, width, dst);

	op->alu = (uint8_t)alu;
	op->a = a;
	op->imm = width == 4 ? (int64_t)(uint32_t)imm : imm;
}

void a64_set(struct a64 *a64, unsigned width, uint8_t dst, int64_t imm)
{
	a64_emit(a64, FLOW_OP_SET, width, dst)->imm = width == 4 ? (int64_t)(uint32_t)imm : imm;
}

void a64_move(struct a64 *a64, unsigned width, uint8_t dst, uint8_t a)
{
	a64_emit(a64, FLOW_OP_MOVE, width, dst)->a = a;
}

void a64_forget(struct a64 *a64, uint8_t reg)
{
	a64_emit(a64, FLOW_OP_FORGET, 8, reg);
}

unsigned a64_width(arm64_reg reg)
{
	if ((reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28) || reg == ARM64_REG_X29 ||
	    reg == ARM64_REG_X30 || reg == ARM64_REG_SP || reg == ARM64_REG_XZR)
		return 8;
	if ((reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30) || reg == ARM64_REG_WSP ||
	    reg == ARM64_REG_WZR)
		return 4;
	return 0;
}

uint8_t a64_written(arm64_reg reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return (uint8_t)(reg - ARM64_REG_X0);
	if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30)
		return (uint8_t)(reg - ARM64_REG_W0);
	switch ((int)reg) {
	case ARM64_REG_X29: return 29;
	case ARM64_REG_X30: return 30;
	case ARM64_REG_SP:
	case ARM64_REG_WSP: return A64_SP;
	default: return A64_SINK;
	}
}

uint8_t a64_read(struct a64 *a64, arm64_reg reg)
{
	uint8_t number = a64_written(reg);

	if (number != A64_SINK)
		return number;
	a64_set(a64, 8, A64_ZERO, 0);
	return A64_ZERO;
}

/* Number of a vector register, and the bytes that its name means. */
static unsigned vector_number(arm64_reg reg, unsigned *width)
{
	static const struct {
		arm64_reg first;
		unsigned width;
	} names[] = {{ARM64_REG_V0, 16}, {ARM64_REG_Q0, 16}, {ARM64_REG_D0, 8},
		     {ARM64_REG_S0, 4},  {ARM64_REG_H0, 2},  {ARM64_REG_B0, 1}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (reg >= names[i].first && reg < names[i].first + 32) {
			*width = names[i].width;
			return (unsigned)(reg - names[i].first);
		}
	}
	*width = 0;
	return 0;
}

unsigned a64_vector_width(arm64_reg reg)
{
	unsigned width;

	vector_number(reg, &width);
	return width;
}

/* v0 to v3 carry structures in clang's code, v16 to v19 in Microsoft's. */
static uint8_t followed_vector(unsigned number)
{
	if (number <= 3)
		return (uint8_t)(A64_VECTORS + 2 * number);
	if (number >= 16 && number <= 19)
		return (uint8_t)(A64_VECTORS + 8 + 2 * (number - 16));
	return FLOW_NO_REG;
}

uint8_t a64_vector(arm64_reg reg)
{
	unsigned width, number = vector_number(reg, &width);

	return width == 0 ? FLOW_NO_REG : followed_vector(number);
}

static void forget_halves(struct a64 *a64, uint8_t low)
{
	if (low == FLOW_NO_REG)
		return;
	a64_forget(a64, low);
	a64_forget(a64, (uint8_t)(low + 1));
}

void a64_forget_vector(struct a64 *a64, arm64_reg reg)
{
	forget_halves(a64, a64_vector(reg));
}

uint8_t a64_extended(struct a64 *a64, uint8_t reg, arm64_extender ext)
{
	switch ((int)ext) {
	case ARM64_EXT_UXTB: a64_alu_imm(a64, FLOW_ZEXT, 8, A64_INDEX, reg, 1); break;
	case ARM64_EXT_UXTH: a64_alu_imm(a64, FLOW_ZEXT, 8, A64_INDEX, reg, 2); break;
	case ARM64_EXT_UXTW: a64_alu_imm(a64, FLOW_ZEXT, 8, A64_INDEX, reg, 4); break;
	case ARM64_EXT_SXTB: a64_alu_imm(a64, FLOW_SEXT, 8, A64_INDEX, reg, 1); break;
	case ARM64_EXT_SXTH: a64_alu_imm(a64, FLOW_SEXT, 8, A64_INDEX, reg, 2); break;
	case ARM64_EXT_SXTW: a64_alu_imm(a64, FLOW_SEXT, 8, A64_INDEX, reg, 4); break;
	default: return reg;
	}
	return A64_INDEX;
}

uint8_t a64_operand(struct a64 *a64, unsigned index, unsigned width)
{
	const cs_arm64_op *op = &a64->detail->operands[index];
	uint8_t reg = a64_read(a64, op->reg);
	enum flow_alu alu;

	if (op->ext != ARM64_EXT_INVALID)
		reg = a64_extended(a64, reg, op->ext);
	switch ((int)op->shift.type) {
	case ARM64_SFT_LSL: alu = FLOW_SHL; break;
	case ARM64_SFT_LSR: alu = FLOW_SHR; break;
	case ARM64_SFT_ASR: alu = FLOW_SAR; break;
	case ARM64_SFT_ROR: alu = FLOW_ROR; break;
	default: return reg;
	}
	if (op->shift.value == 0)
		return reg;
	a64_alu_imm(a64, alu, width, A64_INDEX, reg, op->shift.value & 63);
	return A64_INDEX;
}

static void forget_operand(struct a64 *a64, const cs_arm64_op *op)
{
	if (op->type != ARM64_OP_REG)
		return;
	if (a64_width(op->reg) != 0 && a64_written(op->reg) != A64_SINK)
		a64_forget(a64, a64_written(op->reg));
	a64_forget_vector(a64, op->reg);
}

/* Loads and stores have bit 27 set and bit 25 clear; they may write any register they name. */
static bool is_access(uint32_t word)
{
	return (word & 0x0a000000) == 0x08000000;
}

void a64_unknown(struct a64 *a64)
{
	unsigned count = is_access(a64->word) ? a64->detail->op_count : 1;

	for (unsigned i = 0; i < count && i < a64->detail->op_count; i++) {
		const cs_arm64_op *op = &a64->detail->operands[i];

		forget_operand(a64, op);
		if (op->type != ARM64_OP_MEM || a64_width(op->mem.base) != 8)
			continue;
		for (unsigned part = 0; part < 2; part++) {
			struct flow_op *store = a64_emit(a64, FLOW_OP_STORE, 8, FLOW_NO_REG);

			store->base = a64_written(op->mem.base);
			store->imm = op->mem.disp + (int64_t)part * 8;
		}
		if (a64->detail->writeback)
			a64_forget(a64, a64_written(op->mem.base));
	}
}

static void forget_number(struct a64 *a64, unsigned number)
{
	if (number < 31)
		a64_forget(a64, (uint8_t)number);
}

/*
 * An access that capstone does not know, most likely an LSE atomic (CAS, LDADD, SWP), LDAPR or
 * LDRAA. CASP writes two registers from Rs on.
 */
static void undecoded_access(struct a64 *a64)
{
	uint32_t word = a64->word;
	unsigned compared = word >> 16 & 31;

	forget_number(a64, word & 31);
	forget_number(a64, compared);
	if ((word & 0x3f000000) == 0x08000000)
		forget_number(a64, compared + 1);
	if ((word & 0xff200400) == 0xf8200400) {
		forget_number(a64, word >> 5 & 31);
		return;
	}
	if ((word & 0x3ffffc00) == 0x38bfc000)
		return;
	for (int part = 0; part < 2; part++) {
		struct flow_op *store = a64_emit(a64, FLOW_OP_STORE, 8, FLOW_NO_REG);

		store->base = (uint8_t)(word >> 5 & 31);
		store->imm = part * 8;
	}
}

/* Branches with pointer authentication: BRAA to BLRABZ, RETAA, RETAB. */
static bool authenticated_branch(struct a64 *a64)
{
	uint32_t word = a64->word;

	if ((word & 0xfefff800) == 0xd61f0800 || (word & 0xfefff800) == 0xd63f0800) {
		a64->out->control = (word & 0x00200000) != 0 ? FLOW_CALL : FLOW_JUMP;
		a64->out->target = (uint8_t)(word >> 5 & 31);
		return a64->out->target != 31;
	}
	if ((word & 0xfffffbff) == 0xd65f0bff) {
		a64->out->control = FLOW_RETURN;
		return true;
	}
	return false;
}

bool a64_undecoded(struct a64 *a64)
{
	switch (a64->word >> 25 & 15) {
	case 0:
	case 1:
	case 3: return false; /* UDF and what is not allocated */
	case 10:
	case 11: return authenticated_branch(a64);
	case 4:
	case 6:
	case 12:
	case 14: undecoded_access(a64); return true;
	default:
		forget_number(a64, a64->word & 31);
		forget_halves(a64, followed_vector(a64->word & 31));
		return true;
	}
}
