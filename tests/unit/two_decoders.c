/*
 * The table beside capstone against capstone: the fields that flow_x86_decode.h promises, and the
 * lifted instruction, which is all that the data flow sees. Shares with the back end only the
 * lifting, not the choice of a decoder.
 */
#include "two_decoders.h"

#include <string.h>

#include "analyzer/owners/flow_x86_decode.h"
#include "analyzer/owners/flow_x86_lift.h"

enum { LEFT_LIFTED = 8 }; /* one in so many */

bool two_decoders_init(struct two_decoders *decoders, bool wide)
{
	const struct flow_arch *arch = wide ? &flow_arch_x64 : &flow_arch_x86;

	memset(decoders, 0, sizeof(*decoders));
	decoders->wide = wide;
	if (cs_open(CS_ARCH_X86, wide ? CS_MODE_64 : CS_MODE_32, &decoders->handle) != CS_ERR_OK)
		return false;
	cs_option(decoders->handle, CS_OPT_DETAIL, CS_OPT_ON);
	decoders->insn = cs_malloc(decoders->handle);
	decoders->machine = arch->create();
	return decoders->insn && decoders->machine;
}

void two_decoders_fini(struct two_decoders *decoders)
{
	if (decoders->machine)
		flow_arch_x64.destroy(decoders->machine);
	if (decoders->insn)
		cs_free(decoders->insn, 1);
	if (decoders->handle)
		cs_close(&decoders->handle);
}

/* ---- fields ---- */

static const char *operand_differs(const cs_x86_op *a, const cs_x86_op *b)
{
	if (a->type != b->type || a->size != b->size)
		return "type or size of an operand";
	switch (a->type) {
	case X86_OP_REG: return a->reg == b->reg ? NULL : "register";
	case X86_OP_IMM: return a->imm == b->imm ? NULL : "number";
	default: break;
	}
	if (a->mem.segment != b->mem.segment || a->mem.base != b->mem.base ||
	    a->mem.index != b->mem.index || a->mem.scale != b->mem.scale ||
	    a->mem.disp != b->mem.disp)
		return "address";
	return NULL;
}

/* Flags and the stack pointer are nobody's business here. */
static const char *writes_differ(const cs_detail *ours, const cs_detail *theirs)
{
	unsigned at = 0;

	for (unsigned i = 0; i < theirs->regs_write_count; i++) {
		unsigned reg = theirs->regs_write[i];

		if (reg == X86_REG_EFLAGS || reg == X86_REG_ESP || reg == X86_REG_RSP)
			continue;
		if (at == ours->regs_write_count || ours->regs_write[at] != reg)
			return "registers written";
		at++;
	}
	return at == ours->regs_write_count ? NULL : "registers written";
}

/* What the header promises; the operand of a no-operation and what `leave` writes go unused. */
static const char *fields_differ(const cs_insn *ours, const cs_insn *theirs)
{
	const cs_x86 *a = &ours->detail->x86, *b = &theirs->detail->x86;
	const char *words = NULL;

	if (ours->id != theirs->id || ours->size != theirs->size ||
	    ours->address != theirs->address)
		return "id, size or address";
	if (a->op_count != b->op_count || a->prefix[2] != b->prefix[2])
		return "prefix or number of operands";
	if (ours->id == X86_INS_NOP || ours->id == X86_INS_LEAVE)
		return NULL;
	for (unsigned i = 0; i < a->op_count && !words; i++)
		words = operand_differs(&a->operands[i], &b->operands[i]);
	return words ? words : writes_differ(ours->detail, theirs->detail);
}

/* ---- what the data flow sees ---- */

static bool ops_equal(const struct flow_op *a, const struct flow_op *b)
{
	return a->kind == b->kind && a->alu == b->alu && a->width == b->width && a->dst == b->dst &&
	       a->a == b->a && a->b == b->b && a->base == b->base && a->index == b->index &&
	       a->scale == b->scale && a->is_signed == b->is_signed && a->imm == b->imm &&
	       a->imm2 == b->imm2;
}

static const char *lifted_differ(const struct flow_insn *a, const struct flow_insn *b)
{
	if (a->length != b->length || a->control != b->control || a->target != b->target ||
	    a->popped != b->popped || a->va != b->va)
		return "lifted: length or control";
	if (a->compares != b->compares || a->compared != b->compared)
		return "lifted: comparison";
	if (a->op_count != b->op_count)
		return "lifted: number of operations";
	for (unsigned i = 0; i < a->op_count; i++) {
		if (!ops_equal(&a->ops[i], &b->ops[i]))
			return "lifted: an operation";
	}
	return NULL;
}

static const char *lifts_differ(struct two_decoders *decoders, const uint8_t *code, size_t size,
				uint64_t va)
{
	const struct flow_arch *arch = decoders->wide ? &flow_arch_x64 : &flow_arch_x86;
	struct flow_insn ours, theirs;
	struct x86_lift lift = {.insn = decoders->insn,
				.x86 = &decoders->insn->detail->x86,
				.ret = &theirs,
				.pointer = arch->pointer};

	/* Different bytes below: what is not written shows. */
	memset(&ours, 0x55, sizeof(ours));
	memset(&theirs, 0xaa, sizeof(theirs));
	flow_insn_init(&ours);
	flow_insn_init(&theirs);
	theirs.length = (uint8_t)decoders->insn->size;
	theirs.control = FLOW_NEXT;
	x86_lift_insn(&lift);
	if (!arch->lift(decoders->machine, code, size, va, &ours))
		return "the back end knows no such instruction";
	return lifted_differ(&ours, &theirs);
}

const char *two_decoders_differ(struct two_decoders *decoders, const uint8_t *code, size_t size,
				uint64_t va)
{
	const uint8_t *at = code;
	size_t left = size;
	uint64_t address = va;
	const char *words = NULL;
	cs_insn insn;
	cs_detail detail;
	bool taken, known;

	memset(&insn, 0x55, sizeof(insn));
	memset(&detail, 0x55, sizeof(detail));
	insn.detail = &detail;
	taken = flow_x86_decode(decoders->wide, code, size, va, &insn);
	known = cs_disasm_iter(decoders->handle, &at, &left, &address, decoders->insn);
	decoders->taken += taken;
	decoders->left += known && !taken;
	if (taken && !known)
		return "no instruction for capstone";
	if (taken)
		words = fields_differ(&insn, decoders->insn);
	/* What is left to capstone is its own; some of it, so that its leftovers are there. */
	if (words || !known || (!taken && decoders->left % LEFT_LIFTED != 0))
		return words;
	return lifts_differ(decoders, code, size, va);
}
