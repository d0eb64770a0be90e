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

#include "analyzer/owners/flow_x86_callee.h"
#include "analyzer/owners/flow_x86_decode.h"
#include "analyzer/owners/flow_x86_lift.h"

/* Of ordinary code; what only capstone decodes takes three times as long. */
enum { LIFT_WORK = 4 };

struct decoder {
	csh handle;
	cs_insn *insn;
	bool wide; /* x64 */
};

/* ---- control ---- */

static void lift_target(struct x86_lift *l, enum flow_control control)
{
	const cs_x86_op *o = &l->x86->operands[0];

	l->ret->control = (uint8_t)control;
	if (o->type == X86_OP_IMM) {
		l->ret->va = l->pointer == 4 ? (uint32_t)o->imm : (uint64_t)o->imm;
		return;
	}
	l->ret->target = x86_operand(l, 0, X86_T0);
}

static bool lift_control(struct x86_lift *l)
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
		x86_emit(l, FLOW_OP_FORGET, l->pointer, X86_CX);
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
			x86_generic(l);
		return true;
	default: break;
	}
	if (l->insn->id >= X86_INS_JAE && l->insn->id <= X86_INS_JS) {
		lift_target(l, FLOW_BRANCH);
		return true;
	}
	return false;
}

/* Reads only, whatever capstone says. */
static bool changes_nothing(const struct x86_lift *l)
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
static void note_comparison(struct x86_lift *l)
{
	const cs_x86_op *to = &l->x86->operands[1];

	if (l->insn->id != X86_INS_CMP || to->type != X86_OP_IMM)
		return;
	l->ret->compares = true;
	l->ret->compared = to->imm < 0 || to->imm > UINT32_MAX ? UINT32_MAX : (uint32_t)to->imm;
}

void x86_lift_insn(struct x86_lift *l)
{
	note_comparison(l);
	if (changes_nothing(l) || lift_control(l) || x86_lift_data(l) || x86_lift_arithmetic(l) ||
	    x86_lift_stack(l) || x86_lift_two_results(l) || x86_lift_choice(l))
		return;
	x86_generic(l);
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

static bool lift(void *context, const uint8_t *code, size_t size, uint64_t va,
		 struct flow_insn *ret)
{
	struct decoder *decoder = context;
	const uint8_t *at = code;
	struct x86_lift l = {.insn = decoder->insn, .ret = ret, .pointer = decoder->wide ? 8 : 4};
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
	x86_lift_insn(&l);
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
	.lift_work = LIFT_WORK,
	.callee_pops = true,
	.dispatch = FLOW_NO_REG,
	.create = x86_create,
	.destroy = x86_destroy,
	.lift = lift,
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
	.lift_work = LIFT_WORK,
	.return_bytes = 8,
	.kept = BIT(X86_BX) | BIT(X86_SP) | BIT(X86_BP) | BIT(X86_SI) | BIT(X86_DI) | BIT(X86_R12) |
		BIT(X86_R13) | BIT(X86_R14) | BIT(X86_R15) | XMM(6) | XMM(7),
	.dispatch = X86_AX,
	.retpolines = BIT(X86_R10),
	.create = x64_create,
	.destroy = x86_destroy,
	.lift = lift,
	.callee = flow_x64_callee,
};
