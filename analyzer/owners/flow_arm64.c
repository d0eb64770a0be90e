/*
 * The ARM64 back end of data flow: calling convention, jumps and calls, and which part lifts which
 * instruction. Capstone decodes; dispatch is by its instruction ids. Source: Arm Architecture
 * Reference Manual, A64; Microsoft's "Overview of ARM64 ABI conventions" (x18 is the processor
 * block, x15 the target of a CFG check and the size at __chkstk). Not supported: ARM64EC, SVE.
 */
#include "analyzer/owners/flow_arm64.h"

#include <stdlib.h>

#include "base/bytes.h"

enum {
	WORD = 4,
	DISPATCH_TARGET = 9, /* x9 at __guard_dispatch_icall */
	HELPER_INSNS = 16,   /* of a compiler's helper up to its return, at most */
};

static const uint8_t parameters[] = {0, 1, 2, 3, 4, 5, 6, 7};

/* Capstone makes a text of each instruction: 0.6 microseconds, as twelve steps take. */
enum { LIFT_WORK = 12 };

struct decoder {
	csh handle;
	cs_insn *insn;
};

static void nothing(struct a64 *a64, int how)
{
	(void)a64;
	(void)how;
}

/* CMP: no register changes. */
static void compare(struct a64 *a64, int how)
{
	const cs_arm64_op *op = &a64->detail->operands[1];

	(void)how;
	if (a64->detail->op_count != 2 || op->type != ARM64_OP_IMM ||
	    op->shift.type != ARM64_SFT_INVALID)
		return;
	a64->out->compares = true;
	a64->out->compared = op->imm < 0 || op->imm > UINT32_MAX ? UINT32_MAX : (uint32_t)op->imm;
}

/* Hints that authenticate x17 in place. */
static void hint(struct a64 *a64, int how)
{
	const cs_arm64_op *op = &a64->detail->operands[0];

	(void)how;
	if (a64->detail->op_count == 1 && op->type == ARM64_OP_IMM &&
	    (op->imm == 8 || op->imm == 10 || op->imm == 12 || op->imm == 14))
		a64_forget(a64, 17);
}

static void direct(struct a64 *a64, int control)
{
	const cs_arm64_op *op = &a64->detail->operands[a64->detail->op_count - 1];

	if (a64->detail->op_count == 0 || op->type != ARM64_OP_IMM) {
		a64->out->control = FLOW_STOP;
		return;
	}
	a64->out->control = (uint8_t)control;
	a64->out->target = FLOW_NO_REG;
	a64->out->va = (uint64_t)op->imm;
	if (control == FLOW_JUMP && a64->detail->cc != ARM64_CC_INVALID)
		a64->out->control = FLOW_BRANCH;
}

static void indirect(struct a64 *a64, int control)
{
	a64->out->control = (uint8_t)control;
	a64->out->target = a64_read(a64, a64->detail->operands[0].reg);
}

/* BRK: only what asserts and prints for a debugger goes on (0xf001, 0xf002). */
static void stop(struct a64 *a64, int how)
{
	int64_t code = a64->detail->op_count > 0 ? a64->detail->operands[0].imm : 0;

	if (how == ARM64_INS_BRK && (code == 0xf001 || code == 0xf002))
		a64_forget(a64, 0);
	else
		a64->out->control = FLOW_STOP;
}

static void leave(struct a64 *a64, int how)
{
	(void)how;
	a64->out->control = FLOW_RETURN;
}

/* SVC, HVC, SMC: somebody else's code, as a call to an unknown address. */
static void elsewhere(struct a64 *a64, int how)
{
	(void)how;
	a64_forget(a64, A64_OTHER);
	a64->out->control = FLOW_CALL;
	a64->out->target = A64_OTHER;
}

struct row {
	a64_lifter lift;
	int how;
};

static const struct row rows[ARM64_INS_ENDING] = {
	[ARM64_INS_MOVZ] = {a64_move_wide, ARM64_INS_MOVZ},
	[ARM64_INS_MOVN] = {a64_move_wide, ARM64_INS_MOVN},
	[ARM64_INS_MOVK] = {a64_move_wide, ARM64_INS_MOVK},
	[ARM64_INS_MOV] = {a64_move_register, ARM64_INS_MOV},
	[ARM64_INS_FMOV] = {a64_move_register, ARM64_INS_FMOV},
	[ARM64_INS_ADR] = {a64_address, 0},
	[ARM64_INS_ADRP] = {a64_address, 0},
	[ARM64_INS_ADD] = {a64_arithmetic, FLOW_ADD},
	[ARM64_INS_SUB] = {a64_arithmetic, FLOW_SUB},
	[ARM64_INS_AND] = {a64_arithmetic, FLOW_AND},
	[ARM64_INS_ORR] = {a64_arithmetic, FLOW_OR},
	[ARM64_INS_EOR] = {a64_arithmetic, FLOW_XOR},
	[ARM64_INS_BIC] = {a64_inverted, FLOW_AND},
	[ARM64_INS_ORN] = {a64_inverted, FLOW_OR},
	[ARM64_INS_EON] = {a64_inverted, FLOW_XOR},
	[ARM64_INS_MVN] = {a64_inverted, FLOW_OR},
	[ARM64_INS_NEG] = {a64_negate, 0},
	[ARM64_INS_NEGS] = {a64_negate, 0},
	[ARM64_INS_LSL] = {a64_shift, FLOW_SHL},
	[ARM64_INS_LSR] = {a64_shift, FLOW_SHR},
	[ARM64_INS_ASR] = {a64_shift, FLOW_SAR},
	[ARM64_INS_ROR] = {a64_shift, FLOW_ROR},
	[ARM64_INS_UBFM] = {a64_bit_field, 0},
	[ARM64_INS_UBFX] = {a64_bit_field, 0},
	[ARM64_INS_UBFIZ] = {a64_bit_field, 0},
	[ARM64_INS_SBFM] = {a64_bit_field, 0},
	[ARM64_INS_SBFX] = {a64_bit_field, 0},
	[ARM64_INS_SBFIZ] = {a64_bit_field, 0},
	[ARM64_INS_BFM] = {a64_bit_field, 0},
	[ARM64_INS_BFI] = {a64_bit_field, 0},
	[ARM64_INS_BFXIL] = {a64_bit_field, 0},
	[ARM64_INS_UXTB] = {a64_bit_field, 0},
	[ARM64_INS_UXTH] = {a64_bit_field, 0},
	[ARM64_INS_UXTW] = {a64_bit_field, 0},
	[ARM64_INS_SXTB] = {a64_bit_field, 0},
	[ARM64_INS_SXTH] = {a64_bit_field, 0},
	[ARM64_INS_SXTW] = {a64_bit_field, 0},
	[ARM64_INS_REV] = {a64_swap_bytes, 0},
	[ARM64_INS_MUL] = {a64_multiply, ARM64_INS_MUL},
	[ARM64_INS_MADD] = {a64_multiply, ARM64_INS_MADD},
	[ARM64_INS_CSEL] = {a64_select, ARM64_INS_CSEL},
	[ARM64_INS_CSINC] = {a64_select, ARM64_INS_CSINC},
	[ARM64_INS_CSINV] = {a64_select, ARM64_INS_CSINV},
	[ARM64_INS_CSNEG] = {a64_select, ARM64_INS_CSNEG},
	[ARM64_INS_CINC] = {a64_select, ARM64_INS_CSINC},
	[ARM64_INS_CINV] = {a64_select, ARM64_INS_CSINV},
	[ARM64_INS_CNEG] = {a64_select, ARM64_INS_CSNEG},
	[ARM64_INS_CSET] = {a64_choose, 1},
	[ARM64_INS_CSETM] = {a64_choose, -1},
	[ARM64_INS_MOVI] = {a64_vector_zero, 0},

	[ARM64_INS_LDR] = {a64_load, 0},
	[ARM64_INS_LDRB] = {a64_load, 1},
	[ARM64_INS_LDRH] = {a64_load, 2},
	[ARM64_INS_LDRSB] = {a64_load, -1},
	[ARM64_INS_LDRSH] = {a64_load, -2},
	[ARM64_INS_LDRSW] = {a64_load, -4},
	[ARM64_INS_LDUR] = {a64_load, 0},
	[ARM64_INS_LDURB] = {a64_load, 1},
	[ARM64_INS_LDURH] = {a64_load, 2},
	[ARM64_INS_LDURSB] = {a64_load, -1},
	[ARM64_INS_LDURSH] = {a64_load, -2},
	[ARM64_INS_LDURSW] = {a64_load, -4},
	[ARM64_INS_LDTR] = {a64_load, 0},
	[ARM64_INS_LDTRB] = {a64_load, 1},
	[ARM64_INS_LDTRH] = {a64_load, 2},
	[ARM64_INS_LDTRSB] = {a64_load, -1},
	[ARM64_INS_LDTRSH] = {a64_load, -2},
	[ARM64_INS_LDTRSW] = {a64_load, -4},
	[ARM64_INS_LDXR] = {a64_load, 0},
	[ARM64_INS_LDXRB] = {a64_load, 1},
	[ARM64_INS_LDXRH] = {a64_load, 2},
	[ARM64_INS_LDAXR] = {a64_load, 0},
	[ARM64_INS_LDAXRB] = {a64_load, 1},
	[ARM64_INS_LDAXRH] = {a64_load, 2},
	[ARM64_INS_LDAR] = {a64_load, 0},
	[ARM64_INS_LDARB] = {a64_load, 1},
	[ARM64_INS_LDARH] = {a64_load, 2},
	[ARM64_INS_LDP] = {a64_load_pair, 0},
	[ARM64_INS_LDNP] = {a64_load_pair, 0},
	[ARM64_INS_LDPSW] = {a64_load_pair, -4},
	[ARM64_INS_STR] = {a64_store, 0},
	[ARM64_INS_STRB] = {a64_store, 1},
	[ARM64_INS_STRH] = {a64_store, 2},
	[ARM64_INS_STUR] = {a64_store, 0},
	[ARM64_INS_STURB] = {a64_store, 1},
	[ARM64_INS_STURH] = {a64_store, 2},
	[ARM64_INS_STTR] = {a64_store, 0},
	[ARM64_INS_STTRB] = {a64_store, 1},
	[ARM64_INS_STTRH] = {a64_store, 2},
	[ARM64_INS_STLR] = {a64_store, 0},
	[ARM64_INS_STLRB] = {a64_store, 1},
	[ARM64_INS_STLRH] = {a64_store, 2},
	[ARM64_INS_STP] = {a64_store_pair, 0},
	[ARM64_INS_STNP] = {a64_store_pair, 0},
	[ARM64_INS_STXR] = {a64_store_exclusive, 0},
	[ARM64_INS_STXRB] = {a64_store_exclusive, 1},
	[ARM64_INS_STXRH] = {a64_store_exclusive, 2},
	[ARM64_INS_STLXR] = {a64_store_exclusive, 0},
	[ARM64_INS_STLXRB] = {a64_store_exclusive, 1},
	[ARM64_INS_STLXRH] = {a64_store_exclusive, 2},
	[ARM64_INS_ST1] = {a64_store_structures, 0},
	[ARM64_INS_ST2] = {a64_store_structures, 0},
	[ARM64_INS_ST3] = {a64_store_structures, 0},
	[ARM64_INS_ST4] = {a64_store_structures, 0},

	[ARM64_INS_CMP] = {compare, 0},
	[ARM64_INS_CMN] = {nothing, 0},
	[ARM64_INS_TST] = {nothing, 0},
	[ARM64_INS_CCMP] = {nothing, 0},
	[ARM64_INS_CCMN] = {nothing, 0},
	[ARM64_INS_FCMP] = {nothing, 0},
	[ARM64_INS_FCMPE] = {nothing, 0},
	[ARM64_INS_FCCMP] = {nothing, 0},
	[ARM64_INS_FCCMPE] = {nothing, 0},
	[ARM64_INS_PRFM] = {nothing, 0},
	[ARM64_INS_PRFUM] = {nothing, 0},
	[ARM64_INS_NOP] = {nothing, 0},
	[ARM64_INS_MSR] = {nothing, 0},
	[ARM64_INS_DMB] = {nothing, 0},
	[ARM64_INS_DSB] = {nothing, 0},
	[ARM64_INS_ISB] = {nothing, 0},
	[ARM64_INS_HINT] = {hint, 0},

	[ARM64_INS_B] = {direct, FLOW_JUMP},
	[ARM64_INS_BL] = {direct, FLOW_CALL},
	[ARM64_INS_CBZ] = {direct, FLOW_BRANCH},
	[ARM64_INS_CBNZ] = {direct, FLOW_BRANCH},
	[ARM64_INS_TBZ] = {direct, FLOW_BRANCH},
	[ARM64_INS_TBNZ] = {direct, FLOW_BRANCH},
	[ARM64_INS_BR] = {indirect, FLOW_JUMP},
	[ARM64_INS_BLR] = {indirect, FLOW_CALL},
	[ARM64_INS_RET] = {leave, 0},
	[ARM64_INS_BRK] = {stop, ARM64_INS_BRK},
	[ARM64_INS_HLT] = {stop, ARM64_INS_HLT},
	[ARM64_INS_ERET] = {stop, ARM64_INS_ERET},
	[ARM64_INS_DRPS] = {stop, ARM64_INS_DRPS},
	[ARM64_INS_SVC] = {elsewhere, 0},
	[ARM64_INS_HVC] = {elsewhere, 0},
	[ARM64_INS_SMC] = {elsewhere, 0},
};

static bool lift(void *state, const uint8_t *code, size_t size, uint64_t va, struct flow_insn *ret)
{
	struct decoder *decoder = state;
	struct bytes bytes = bytes_of(code, size);
	struct a64 a64 = {.va = va, .out = ret, .word = bytes_u32(&bytes, 0)};
	uint64_t at = va;

	if (bytes.overrun)
		return false;
	size = WORD;
	ret->length = WORD;
	ret->control = FLOW_NEXT;
	ret->target = FLOW_NO_REG;
	if (!cs_disasm_iter(decoder->handle, &code, &size, &at, decoder->insn))
		return a64_undecoded(&a64) && !a64.full;
	a64.insn = decoder->insn;
	a64.detail = &decoder->insn->detail->arm64;
	if (decoder->insn->id < ARM64_INS_ENDING && rows[decoder->insn->id].lift != NULL)
		rows[decoder->insn->id].lift(&a64, rows[decoder->insn->id].how);
	else
		a64_unknown(&a64);
	return !a64.full;
}

/* The number that an operation adds to the stack pointer, for those that add one. */
static bool moves_stack(const struct flow_op *op, int64_t *moved)
{
	if (op->kind != FLOW_OP_ALU || op->dst != A64_SP || op->a != A64_SP || op->b != FLOW_NO_REG)
		return false;
	if (op->alu == FLOW_ADD)
		*moved += op->imm;
	else if (op->alu == FLOW_SUB)
		*moved -= op->imm;
	return op->alu == FLOW_ADD || op->alu == FLOW_SUB;
}

/* Whether an instruction is of the kind that the compiler's helpers are made of. */
static bool helps(const struct flow_insn *insn, int64_t *moved)
{
	if (insn->control != FLOW_NEXT && insn->control != FLOW_BRANCH &&
	    insn->control != FLOW_RETURN)
		return false;
	for (unsigned i = 0; i < insn->op_count; i++) {
		const struct flow_op *op = &insn->ops[i];

		if (op->kind == FLOW_OP_STORE || op->dst == 16 || op->dst == 17 ||
		    op->dst >= A64_REGISTERS || moves_stack(op, moved))
			continue;
		return false;
	}
	return true;
}

/* SUB or SUBS of 16 * x15 from the stack pointer into x16 or x17: how __chkstk begins. */
static bool probes(uint32_t word)
{
	return (word & 0xdffffffe) == 0xcb2f73f0;
}

/*
 * The compiler's helpers, by what they do up to their first return. The CFG check of an image
 * without CFG is a RET, its dispatch a BR. __chkstk probes the stack and leaves its pointer alone.
 * __security_push_cookie and __security_pop_cookie move it, which no other function may; all of
 * these write only x16 and x17.
 */
static void callee(void *decoder, const struct pe_image *image, uint32_t rva,
		   struct flow_callee *ret)
{
	bool probe = false;
	int64_t moved = 0;

	for (uint32_t i = 0; i < HELPER_INSNS; i++) {
		uint32_t at = rva + i * WORD;
		const uint8_t *code = pe_at(image, at, WORD);
		struct flow_insn insn;

		flow_insn_init(&insn);
		if (code == NULL || !lift(decoder, code, WORD, image->base + at, &insn))
			return;
		if (i == 0 && insn.control == FLOW_JUMP && insn.target != FLOW_NO_REG) {
			ret->kind = FLOW_CALLEE_DISPATCH;
			ret->reg = insn.target;
			return;
		}
		struct bytes bytes = bytes_of(code, WORD);

		probe |= probes(bytes_u32(&bytes, 0));
		if (!helps(&insn, &moved))
			return;
		if (insn.control != FLOW_RETURN)
			continue;
		if (i > 0 && !probe && moved == 0)
			return;
		ret->kind = FLOW_CALLEE_KEEPS;
		ret->popped = (int16_t)moved;
		return;
	}
}

static void destroy(void *state)
{
	struct decoder *decoder = state;

	if (decoder == NULL)
		return;
	if (decoder->insn != NULL)
		cs_free(decoder->insn, 1);
	if (decoder->handle != 0)
		cs_close(&decoder->handle);
	free(decoder);
}

static void *create(void)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (decoder == NULL)
		return NULL;
	if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &decoder->handle) != CS_ERR_OK) {
		decoder->handle = 0;
		goto fail;
	}
	if (cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
		goto fail;
	decoder->insn = cs_malloc(decoder->handle);
	if (decoder->insn == NULL)
		goto fail;
	return decoder;
fail:
	destroy(decoder);
	return NULL;
}

const struct flow_arch flow_arch_arm64 = {
	.pointer = 8,
	.registers = A64_REGISTERS,
	.sp = A64_SP,
	.result = 0,
	.parameters = parameters,
	.parameter_count = sizeof(parameters),
	.stack_index = sizeof(parameters),
	.stack_offset = 0,
	.return_bytes = 0,
	/* x18 is the processor block; x19 to x29 and the stack pointer are the caller's */
	.kept = UINT64_C(0x3ffc0000) | UINT64_C(1) << A64_SP,
	.lift_work = LIFT_WORK,
	.callee_pops = false,
	.dispatch = DISPATCH_TARGET,
	.create = create,
	.destroy = destroy,
	.lift = lift,
	.callee = callee,
};
