/*
 * Common forms of x86 and x64 instructions: encodings as in Intel SDM volume 2.
 *
 * Supported: moves, integer arithmetic, stack, jumps and calls of one and two opcode bytes, without
 * prefixes but REX and 66, and the long no-operations that pad code. Everything else, and all that
 * capstone describes in a way of its own, is left to capstone.
 */
#include "analyzer/owners/flow_x86_decode.h"

#include <string.h>

#include "analyzer/owners/flow_x86_forms.h"
#include "base/bytes.h"

/* The instruction at work. */
struct decoding {
	const uint8_t *code;
	size_t size, at;   /* bytes there are, and taken */
	bool wide, narrow; /* x64; with 66 */
	uint8_t opcode, rex, modrm;
	unsigned width; /* of the operands, bytes */
	cs_insn *insn;
	cs_x86 *x86;
};

enum { REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1 };

enum { LONGEST = 15 }; /* bytes of an instruction; more are none */

/* Takes a signed number of `width` bytes, 1, 2, 4 or 8. */
static bool take(struct decoding *d, unsigned width, int64_t *ret)
{
	struct bytes code = bytes_of(d->code, d->size);

	if (d->size - d->at < width)
		return false;
	switch (width) {
	case 1: *ret = (int8_t)d->code[d->at]; break;
	case 2: *ret = (int16_t)bytes_u16(&code, d->at); break;
	case 4: *ret = (int32_t)bytes_u32(&code, d->at); break;
	default: *ret = (int64_t)bytes_u64(&code, d->at); break;
	}
	d->at += width;
	return true;
}

/* ---- operands ---- */

static cs_x86_op *add(struct decoding *d, x86_op_type type, unsigned width)
{
	cs_x86_op *operand = &d->x86->operands[d->x86->op_count++];

	operand->type = type;
	operand->size = (uint8_t)width;
	operand->access = CS_AC_INVALID;
	return operand;
}

static void add_register(struct decoding *d, unsigned width, unsigned number)
{
	add(d, X86_OP_REG, width)->reg = x86_register_name(width, number, d->rex != 0);
}

/* The register that the reg field of ModRM names. */
static void add_reg(struct decoding *d, unsigned width)
{
	add_register(d, width, (d->modrm >> 3 & 7u) + (d->rex & REX_R ? 8 : 0));
}

/* Cut to its width, as capstone does. */
static void add_number(struct decoding *d, unsigned width, int64_t number)
{
	uint64_t mask = width < 8 ? (UINT64_C(1) << width * 8) - 1 : UINT64_MAX;

	add(d, X86_OP_IMM, width)->imm = (int64_t)((uint64_t)number & mask);
}

/* The register of base or index: as wide as addresses are. */
static x86_reg address_register(const struct decoding *d, unsigned number)
{
	return x86_register_name(d->wide ? 8 : 4, number, true);
}

static bool add_sib(struct decoding *d, x86_op_mem *mem, bool *ret_displaced)
{
	unsigned index, base;
	int64_t sib;

	if (!take(d, 1, &sib))
		return false;
	index = (sib >> 3 & 7) + (d->rex & REX_X ? 8 : 0);
	base = (unsigned)sib & 7;
	mem->scale = 1 << (sib >> 6 & 3);
	if (index != 4)
		mem->index = address_register(d, index);
	*ret_displaced = base == 5 && d->modrm < 0x40;
	if (!*ret_displaced)
		mem->base = address_register(d, base + (d->rex & REX_B ? 8 : 0));
	return true;
}

static bool add_memory(struct decoding *d, unsigned width)
{
	x86_op_mem *mem = &add(d, X86_OP_MEM, width)->mem;
	unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
	bool displaced = false;

	*mem = (x86_op_mem){.scale = 1};
	if (rm == 4) {
		if (!add_sib(d, mem, &displaced))
			return false;
	} else if (mod == 0 && rm == 5) {
		displaced = true;
		mem->base = d->wide ? X86_REG_RIP : X86_REG_INVALID;
	} else {
		mem->base = address_register(d, rm + (d->rex & REX_B ? 8 : 0));
	}
	if (mod == 1)
		return take(d, 1, &mem->disp);
	return (mod == 0 && !displaced) || take(d, 4, &mem->disp);
}

static bool add_rm(struct decoding *d, unsigned width)
{
	if (d->modrm < 0xc0)
		return add_memory(d, width);
	add_register(d, width, (d->modrm & 7u) + (d->rex & REX_B ? 8 : 0));
	return true;
}

/* A number of the operands' width, of four bytes where that is eight. */
static bool add_full_number(struct decoding *d)
{
	int64_t number;

	if (!take(d, d->width == 8 ? 4 : d->width, &number))
		return false;
	add_number(d, d->width, number);
	return true;
}

/* One byte for more: capstone leaves it extended, but for logical operations. */
static bool add_short_number(struct decoding *d, unsigned width)
{
	int64_t number;
	unsigned id = d->insn->id;

	if (!take(d, 1, &number))
		return false;
	if (width == 1 || id == X86_INS_AND || id == X86_INS_OR || id == X86_INS_XOR)
		add_number(d, width, number);
	else
		add(d, X86_OP_IMM, width)->imm = number;
	return true;
}

/* ---- forms ---- */

/* The instruction that the reg field of ModRM chooses. */
static bool choose(struct decoding *d, enum x86_form form)
{
	d->insn->id = x86_group_member(form, d->modrm >> 3 & 7u);
	return d->insn->id != 0;
}

static bool branch(struct decoding *d, unsigned width)
{
	int64_t by;

	if (d->narrow || d->rex || !take(d, width, &by))
		return false;
	by += (int64_t)(d->insn->address + d->at);
	add_number(d, d->wide ? 8 : 4, d->wide ? by : (int64_t)(uint32_t)by);
	return true;
}

static void also_writes(struct decoding *d, x86_reg reg)
{
	cs_detail *detail = d->insn->detail;

	detail->regs_write[detail->regs_write_count++] = (uint16_t)reg;
}

/* F6, F7: multiplication and division leave their results in ax and dx. */
static bool unary(struct decoding *d)
{
	unsigned which = d->modrm >> 3 & 7;

	if (!choose(d, UNARY) || !add_rm(d, d->width))
		return false;
	if (which == 0)
		return add_full_number(d);
	if (which < 4)
		return true;
	if (d->width < 4)
		return false;
	also_writes(d, x86_register_name(d->width, 0, true));
	also_writes(d, x86_register_name(d->width, 2, true));
	return true;
}

/* FF: calls, jumps and pushes have the width of addresses. */
static bool indirect(struct decoding *d)
{
	unsigned which = d->modrm >> 3 & 7;

	if (!choose(d, INDIRECT))
		return false;
	if (which < 2)
		return add_rm(d, d->width);
	return !d->narrow && add_rm(d, d->wide ? 8 : 4);
}

static bool shift(struct decoding *d, enum x86_form form)
{
	if (!choose(d, form) || !add_rm(d, d->width))
		return false;
	if (form == SHIFT)
		return add_short_number(d, 1);
	if (form == SHIFT1)
		add_number(d, d->width, 1);
	else
		add(d, X86_OP_REG, 1)->reg = X86_REG_CL;
	return true;
}

/* `r` of the opcode's lower bits. */
static void add_opcode_register(struct decoding *d, unsigned width)
{
	add_register(d, width, (d->opcode & 7u) + (d->rex & REX_B ? 8 : 0));
}

static bool load_number(struct decoding *d)
{
	int64_t number;

	add_opcode_register(d, d->width);
	if (!take(d, d->width, &number))
		return false;
	if (d->width == 8)
		d->insn->id = X86_INS_MOVABS;
	add_number(d, d->width, number);
	return true;
}

/* Instructions without a ModRM byte. */
static bool without_modrm(struct decoding *d, const struct x86_row *row)
{
	int64_t number;

	switch ((enum x86_form)row->form) {
	case PLAIN: return !d->rex && !d->narrow;
	case BRANCH8: return branch(d, 1);
	case BRANCH32: return branch(d, 4);
	case A_IMM: add_register(d, d->width, 0); return add_full_number(d);
	case R_IMM: return load_number(d);
	case R: add_opcode_register(d, d->wide ? 8 : 4); return !d->narrow;
	case OLD_INC: add_opcode_register(d, d->width); return !d->wide;
	case PUSH8: return !d->narrow && add_short_number(d, d->wide ? 8 : 4);
	case PUSH32:
		if (d->narrow || !take(d, 4, &number))
			return false;
		add_number(d, d->wide ? 8 : 4, number);
		return true;
	case POPPED:
		if (d->narrow || d->rex || !take(d, 2, &number))
			return false;
		add_number(d, d->wide ? 8 : 4, (uint16_t)number);
		return true;
	case CONVERT:
		d->insn->id = d->width == 8 ? X86_INS_CDQE : X86_INS_CWDE;
		also_writes(d, x86_register_name(d->width, 0, true));
		return !d->narrow;
	case CONVERT_D:
		d->insn->id = d->width == 8 ? X86_INS_CQO : X86_INS_CDQ;
		also_writes(d, x86_register_name(d->width, 0, true));
		also_writes(d, x86_register_name(d->width, 2, true));
		return !d->narrow;
	default: return false;
	}
}

static bool with_modrm(struct decoding *d, const struct x86_row *row)
{
	switch ((enum x86_form)row->form) {
	case RM_R:
		if (!add_rm(d, d->width))
			return false;
		add_reg(d, d->width);
		return true;
	case R_RM: add_reg(d, d->width); return add_rm(d, d->width);
	case LEA: add_reg(d, d->width); return d->modrm < 0xc0 && add_rm(d, d->width);
	case EXTEND: add_reg(d, d->width); return add_rm(d, row->width);
	case MOVSXD: add_reg(d, d->width); return d->width == 8 && add_rm(d, 4);
	case MUL8:
		add_reg(d, d->width);
		return add_rm(d, d->width) && add_short_number(d, d->width);
	case MUL32: add_reg(d, d->width); return add_rm(d, d->width) && add_full_number(d);
	case RM: return add_rm(d, d->width);
	case MOV_IMM: return (d->modrm & 0x38) == 0 && add_rm(d, d->width) && add_full_number(d);
	case ARITHMETIC:
	case ARITHMETIC8:
		if (!choose(d, ARITHMETIC) || !add_rm(d, d->width))
			return false;
		return row->form == ARITHMETIC8 ? add_short_number(d, d->width)
						: add_full_number(d);
	case SHIFT:
	case SHIFT1:
	case SHIFT_CL: return shift(d, (enum x86_form)row->form);
	case UNARY: return unary(d);
	case STEP:
	case INDIRECT: return (row->form == INDIRECT || (d->modrm & 0x30) == 0) && indirect(d);
	case LONG_NOP: return d->modrm < 0xc0 && (d->modrm & 0x38) == 0 && add_rm(d, d->width);
	default: return false;
	}
}

static bool has_modrm(enum x86_form form)
{
	switch (form) {
	case PLAIN:
	case A_IMM:
	case R_IMM:
	case R:
	case OLD_INC:
	case BRANCH8:
	case BRANCH32:
	case PUSH8:
	case PUSH32:
	case POPPED:
	case CONVERT:
	case CONVERT_D: return false;
	default: return true;
	}
}

/* 66 and REX, and CS before a long no-operation. False when there are others. */
static bool take_prefixes(struct decoding *d)
{
	size_t at = 0;

	while (at < d->size && d->code[at] == 0x66)
		at++;
	d->narrow = at > 0;
	if (at < d->size && d->code[at] == 0x2e) {
		at++;
		if (d->size - at < 2 || d->code[at] != 0x0f || d->code[at + 1] != 0x1f)
			return false;
	} else if (d->wide && at < d->size && (d->code[at] & 0xf0) == 0x40) {
		d->rex = d->code[at++];
	}
	d->at = at;
	return at < d->size;
}

static const struct x86_row *take_opcode(struct decoding *d)
{
	bool behind_0f = d->code[d->at] == 0x0f;

	d->at += behind_0f;
	if (d->at == d->size)
		return NULL;
	d->opcode = d->code[d->at++];
	return x86_row_of(d->opcode, behind_0f);
}

bool flow_x86_decode(bool wide, const uint8_t *code, size_t size, uint64_t va, cs_insn *ret)
{
	struct decoding d = {
		.code = code, .size = size, .wide = wide, .insn = ret, .x86 = &ret->detail->x86};
	const struct x86_row *row;
	bool done;

	if (!take_prefixes(&d))
		return false;
	row = take_opcode(&d);
	if (!row)
		return false;
	ret->id = row->id;
	ret->address = va;
	ret->detail->regs_write_count = 0;
	d.x86->op_count = 0;
	d.x86->prefix[2] = d.narrow ? 0x66 : 0;
	d.x86->opcode[0] = code[d.at - 1];
	d.width = row->width == BYTE && row->form != EXTEND ? 1
		  : d.rex & REX_W                           ? 8
		  : d.narrow                                ? 2
							    : 4;
	if (has_modrm((enum x86_form)row->form)) {
		if (d.at == size)
			return false;
		d.modrm = code[d.at++];
		done = with_modrm(&d, row);
	} else {
		done = without_modrm(&d, row);
	}
	ret->size = (uint16_t)d.at;
	return done && d.at <= LONGEST;
}
