/*
 * ARM64 moves and arithmetic as micro-operations: wide moves, addresses, add to multiply,
 * logic, shifts and bit fields, conditional selects, and the few vector moves that carry zeros and
 * structures. Not modelled (their result is forgotten): division, carries, counting of bits, EXTR,
 * all other vector arithmetic. Source: Arm Architecture Reference Manual, A64.
 */
#include "analyzer/owners/flow_arm64.h"

static const cs_arm64_op *operand(const struct a64 *a64, unsigned index)
{
	return &a64->detail->operands[index];
}

static bool is_general(const struct a64 *a64, unsigned index)
{
	return index < a64->detail->op_count && operand(a64, index)->type == ARM64_OP_REG &&
	       a64_width(operand(a64, index)->reg) != 0;
}

static bool is_number(const struct a64 *a64, unsigned index)
{
	return index < a64->detail->op_count && operand(a64, index)->type == ARM64_OP_IMM;
}

static bool is_vector(const struct a64 *a64, unsigned index)
{
	return index < a64->detail->op_count && operand(a64, index)->type == ARM64_OP_REG &&
	       a64_vector_width(operand(a64, index)->reg) != 0;
}

static bool is_zero(arm64_reg reg)
{
	return reg == ARM64_REG_XZR || reg == ARM64_REG_WZR;
}

/* An immediate with its LSL. */
static int64_t number(const struct a64 *a64, unsigned index)
{
	const cs_arm64_op *op = operand(a64, index);

	if (op->shift.type != ARM64_SFT_LSL)
		return op->imm;
	return (int64_t)((uint64_t)op->imm << (op->shift.value & 63));
}

/* MOVZ, MOVN; MOVK when `how` is ARM64_INS_MOVK. */
void a64_move_wide(struct a64 *a64, int how)
{
	if (!is_general(a64, 0) || !is_number(a64, 1)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg reg = operand(a64, 0)->reg;
	unsigned width = a64_width(reg);
	uint8_t dst = a64_written(reg);
	int64_t imm = number(a64, 1);

	if (how == ARM64_INS_MOVK) {
		unsigned at = operand(a64, 1)->shift.value & 63;

		a64_alu_imm(a64, FLOW_AND, width, dst, dst, (int64_t) ~(UINT64_C(0xffff) << at));
		a64_alu_imm(a64, FLOW_OR, width, dst, dst, imm);
	} else {
		a64_set(a64, width, dst, how == ARM64_INS_MOVN ? ~imm : imm);
	}
}

/* FMOV between a vector register's low end and a general register. */
static bool move_across(struct a64 *a64)
{
	arm64_reg to = operand(a64, 0)->reg, from = operand(a64, 1)->reg;

	if (operand(a64, 0)->vector_index > 0 || operand(a64, 1)->vector_index > 0)
		return false;
	if (is_general(a64, 0) && is_vector(a64, 1) && a64_vector(from) != FLOW_NO_REG) {
		a64_move(a64, a64_width(to), a64_written(to), a64_vector(from));
		return true;
	}
	if (is_vector(a64, 0) && is_general(a64, 1) && a64_vector(to) != FLOW_NO_REG) {
		a64_move(a64, a64_width(from), a64_vector(to), a64_read(a64, from));
		a64_set(a64, 8, (uint8_t)(a64_vector(to) + 1), 0);
		return true;
	}
	return false;
}

/* MOV and FMOV. */
void a64_move_register(struct a64 *a64, int how)
{
	if (is_general(a64, 0) && is_general(a64, 1)) {
		arm64_reg to = operand(a64, 0)->reg;

		a64_move(a64, a64_width(to), a64_written(to), a64_read(a64, operand(a64, 1)->reg));
		return;
	}
	if (is_general(a64, 0) && is_number(a64, 1)) {
		a64_set(a64, a64_width(operand(a64, 0)->reg), a64_written(operand(a64, 0)->reg),
			number(a64, 1));
		return;
	}
	if (how == ARM64_INS_FMOV && a64->detail->op_count == 2 && move_across(a64))
		return;
	if (how == ARM64_INS_MOV && is_vector(a64, 0) && is_vector(a64, 1) &&
	    (a64->word & 0xffe0fc00) == 0x4ea01c00) {
		uint8_t to = a64_vector(operand(a64, 0)->reg);
		uint8_t from = a64_vector(operand(a64, 1)->reg);

		if (to != FLOW_NO_REG && from != FLOW_NO_REG) {
			a64_move(a64, 8, to, from);
			a64_move(a64, 8, (uint8_t)(to + 1), (uint8_t)(from + 1));
			return;
		}
	}
	a64_unknown(a64);
}

/* ADR, ADRP: capstone has added the program counter. */
void a64_address(struct a64 *a64, int how)
{
	(void)how;
	if (!is_general(a64, 0) || !is_number(a64, 1)) {
		a64_unknown(a64);
		return;
	}
	a64_emit(a64, FLOW_OP_ADDRESS, 8, a64_written(operand(a64, 0)->reg))->imm =
		operand(a64, 1)->imm;
}

void a64_arithmetic(struct a64 *a64, int alu)
{
	if (!is_general(a64, 0) || !is_general(a64, 1)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg, first = operand(a64, 1)->reg;
	unsigned width = a64_width(to);

	if (is_number(a64, 2) && is_zero(first) && (alu == FLOW_OR || alu == FLOW_XOR))
		a64_set(a64, width, a64_written(to), number(a64, 2));
	else if (is_number(a64, 2))
		a64_alu_imm(a64, (enum flow_alu)alu, width, a64_written(to), a64_read(a64, first),
			    number(a64, 2));
	else if (is_general(a64, 2))
		a64_alu(a64, (enum flow_alu)alu, width, a64_written(to), a64_read(a64, first),
			a64_operand(a64, 2, width));
	else
		a64_unknown(a64);
}

/* BIC, ORN, EON; MVN is ORN with the zero register left out. */
void a64_inverted(struct a64 *a64, int alu)
{
	unsigned last = a64->detail->op_count - 1U;

	if (a64->detail->op_count < 2 || !is_general(a64, 0) || !is_general(a64, last)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg;
	unsigned width = a64_width(to);
	uint8_t value = a64_operand(a64, last, width);

	a64_alu_imm(a64, FLOW_XOR, width, A64_OTHER, value, -1);
	if (last == 1)
		a64_move(a64, width, a64_written(to), A64_OTHER);
	else
		a64_alu(a64, (enum flow_alu)alu, width, a64_written(to),
			a64_read(a64, operand(a64, 1)->reg), A64_OTHER);
}

void a64_negate(struct a64 *a64, int how)
{
	(void)how;
	if (!is_general(a64, 0) || !is_general(a64, 1)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg;
	unsigned width = a64_width(to);
	uint8_t value = a64_operand(a64, 1, width);

	a64_alu(a64, FLOW_SUB, width, a64_written(to), a64_read(a64, ARM64_REG_XZR), value);
}

static void field_taken(struct a64 *a64, uint8_t dst, uint8_t src, unsigned bits, bool is_signed)
{
	unsigned low = a64->word >> 16 & 63, high = a64->word >> 10 & 63, width = bits / 8;
	unsigned length = high - low + 1;

	if (low == 0 && (length == 8 || length == 16 || length == 32)) {
		a64_alu_imm(a64, is_signed ? FLOW_SEXT : FLOW_ZEXT, width, dst, src, length / 8);
	} else if (high == bits - 1) {
		a64_alu_imm(a64, is_signed ? FLOW_SAR : FLOW_SHR, width, dst, src, low);
	} else {
		a64_alu_imm(a64, FLOW_SHL, width, dst, src, bits - 1 - high);
		a64_alu_imm(a64, is_signed ? FLOW_SAR : FLOW_SHR, width, dst, dst,
			    bits - 1 - high + low);
	}
}

static void field_placed(struct a64 *a64, uint8_t dst, uint8_t src, unsigned bits, bool is_signed)
{
	unsigned low = bits - (a64->word >> 16 & 63), length = (a64->word >> 10 & 63) + 1;
	unsigned width = bits / 8, above = bits - low - length;

	a64_alu_imm(a64, FLOW_SHL, width, dst, src, bits - length);
	if (above > 0)
		a64_alu_imm(a64, is_signed ? FLOW_SAR : FLOW_SHR, width, dst, dst, above);
}

static uint64_t ones(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* BFI, BFXIL: what was there stays around the field. */
static void field_merged(struct a64 *a64, uint8_t dst, uint8_t src, unsigned bits)
{
	unsigned rotate = a64->word >> 16 & 63, last = a64->word >> 10 & 63, width = bits / 8;
	uint64_t kept;

	if (last >= rotate) {
		field_taken(a64, A64_INDEX, src, bits, false);
		kept = ~ones(last - rotate + 1);
	} else {
		field_placed(a64, A64_INDEX, src, bits, false);
		kept = ~(ones(last + 1) << (bits - rotate));
	}
	a64_alu_imm(a64, FLOW_AND, width, dst, dst, (int64_t)kept);
	a64_alu(a64, FLOW_OR, width, dst, dst, A64_INDEX);
}

/*
 * SBFM, BFM, UBFM and their many aliases, from the word itself: it has one form, where capstone
 * prints a dozen.
 */
void a64_bit_field(struct a64 *a64, int how)
{
	unsigned bits = a64->word >> 31 ? 64 : 32;
	unsigned rotate = a64->word >> 16 & 63, last = a64->word >> 10 & 63;
	uint8_t dst, src;

	(void)how;
	if ((a64->word & 0x1f800000) != 0x13000000 || rotate >= bits || last >= bits ||
	    !is_general(a64, 0) || !is_general(a64, 1)) {
		a64_unknown(a64);
		return;
	}
	dst = a64_written(operand(a64, 0)->reg);
	src = a64_read(a64, operand(a64, 1)->reg);
	switch (a64->word >> 29 & 3) {
	case 1: field_merged(a64, dst, src, bits); return;
	case 0:
	case 2:
		if (last >= rotate)
			field_taken(a64, dst, src, bits, (a64->word >> 29 & 3) == 0);
		else
			field_placed(a64, dst, src, bits, (a64->word >> 29 & 3) == 0);
		return;
	default: a64_unknown(a64);
	}
}

/* LSL, LSR, ASR, ROR by a register or, as aliases, by a number. */
void a64_shift(struct a64 *a64, int alu)
{
	if (is_number(a64, 2) && alu != FLOW_ROR)
		a64_bit_field(a64, 0);
	else
		a64_arithmetic(a64, alu);
}

void a64_swap_bytes(struct a64 *a64, int how)
{
	(void)how;
	if (!is_general(a64, 0) || !is_general(a64, 1)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg;

	a64_alu(a64, FLOW_BSWAP, a64_width(to), a64_written(to),
		a64_read(a64, operand(a64, 1)->reg), FLOW_NO_REG);
}

/* MUL, MADD. */
void a64_multiply(struct a64 *a64, int how)
{
	if (!is_general(a64, 0) || !is_general(a64, 1) || !is_general(a64, 2) ||
	    (how == ARM64_INS_MADD && !is_general(a64, 3))) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg;
	unsigned width = a64_width(to);
	uint8_t a = a64_read(a64, operand(a64, 1)->reg);
	uint8_t b = a64_read(a64, operand(a64, 2)->reg);

	a64_alu(a64, FLOW_MUL, width, A64_OTHER, a, b);
	if (how == ARM64_INS_MADD)
		a64_alu(a64, FLOW_ADD, width, a64_written(to), a64_read(a64, operand(a64, 3)->reg),
			A64_OTHER);
	else
		a64_move(a64, width, a64_written(to), A64_OTHER);
}

/* The second value of a select: as it is, plus one, inverted or negated. */
static uint8_t second_choice(struct a64 *a64, int how, unsigned width, arm64_reg reg)
{
	uint8_t value = a64_read(a64, reg);

	switch (how) {
	case ARM64_INS_CSINC: a64_alu_imm(a64, FLOW_ADD, width, A64_OTHER, value, 1); break;
	case ARM64_INS_CSINV: a64_alu_imm(a64, FLOW_XOR, width, A64_OTHER, value, -1); break;
	case ARM64_INS_CSNEG:
		a64_alu_imm(a64, FLOW_XOR, width, A64_OTHER, value, -1);
		a64_alu_imm(a64, FLOW_ADD, width, A64_OTHER, A64_OTHER, 1);
		break;
	default: return value;
	}
	return A64_OTHER;
}

/* CSEL, CSINC, CSINV, CSNEG, and CINC, CINV, CNEG, which name one source once. */
void a64_select(struct a64 *a64, int how)
{
	unsigned second = a64->detail->op_count == 2 ? 1 : 2;

	if (!is_general(a64, 0) || !is_general(a64, 1) || !is_general(a64, second)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg;
	unsigned width = a64_width(to);
	uint8_t other = second_choice(a64, how, width, operand(a64, second)->reg);
	uint8_t first = a64_read(a64, operand(a64, 1)->reg);
	struct flow_op *op = a64_emit(a64, FLOW_OP_EITHER, width, a64_written(to));

	op->a = first;
	op->b = other;
}

/* CSET (1), CSETM (-1): 0 or that. */
void a64_choose(struct a64 *a64, int other)
{
	if (!is_general(a64, 0)) {
		a64_unknown(a64);
		return;
	}
	arm64_reg to = operand(a64, 0)->reg;
	struct flow_op *op = a64_emit(a64, FLOW_OP_CHOICE, a64_width(to), a64_written(to));

	op->imm = 0;
	op->imm2 = a64_width(to) == 4 ? (int64_t)(uint32_t)other : other;
}

/* MOVI of nothing: how structures are cleared. */
void a64_vector_zero(struct a64 *a64, int how)
{
	(void)how;
	if (!is_vector(a64, 0) || !is_number(a64, 1) || operand(a64, 1)->imm != 0 ||
	    operand(a64, 1)->shift.type == ARM64_SFT_MSL ||
	    a64_vector(operand(a64, 0)->reg) == FLOW_NO_REG) {
		a64_unknown(a64);
		return;
	}
	a64_set(a64, 8, a64_vector(operand(a64, 0)->reg), 0);
	a64_set(a64, 8, (uint8_t)(a64_vector(operand(a64, 0)->reg) + 1), 0);
}
