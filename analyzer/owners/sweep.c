/*
 * Linear reading of a short stretch of code.
 */
#include "analyzer/owners/sweep.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

enum { TARGETS = 64 }; /* of jumps over the place that is read, remembered */

struct sweep {
	const struct pe_image *image;
	csh handle;
	cs_insn *insn;
	uint32_t targets[TARGETS]; /* of forward jumps, a ring */
	unsigned target_count;
	uint32_t begins[SWEEP_BEGINS]; /* a ring */
	unsigned begin_count;
};

static bool open_machine(struct sweep *sweep)
{
	uint16_t machine = sweep->image->machine;
	cs_arch arch = machine == PE_ARM64 ? CS_ARCH_ARM64 : CS_ARCH_X86;
	cs_mode mode = machine == PE_X64 ? CS_MODE_64 : machine == PE_X86 ? CS_MODE_32 : 0;

	if (cs_open(arch, mode, &sweep->handle) != CS_ERR_OK)
		return false;
	cs_option(sweep->handle, CS_OPT_DETAIL, CS_OPT_ON);
	sweep->insn = cs_malloc(sweep->handle);
	return sweep->insn != NULL;
}

/* Where a direct jump leads, 0 for other instructions; *ret_ends when nothing falls through. */
static uint64_t jump_of(const struct sweep *sweep, bool *ret_ends)
{
	const cs_insn *insn = sweep->insn;

	if (sweep->image->machine == PE_ARM64) {
		const cs_arm64 *arm = &insn->detail->arm64;

		*ret_ends = insn->id == ARM64_INS_RET || insn->id == ARM64_INS_BR ||
			    (insn->id == ARM64_INS_B && arm->cc == ARM64_CC_INVALID);
		if (insn->id != ARM64_INS_B && insn->id != ARM64_INS_CBZ &&
		    insn->id != ARM64_INS_CBNZ && insn->id != ARM64_INS_TBZ &&
		    insn->id != ARM64_INS_TBNZ)
			return 0;
		for (unsigned i = 0; i < arm->op_count; i++) {
			if (i + 1 == arm->op_count && arm->operands[i].type == ARM64_OP_IMM)
				return (uint64_t)arm->operands[i].imm;
		}
		return 0;
	}
	*ret_ends = insn->id == X86_INS_RET || insn->id == X86_INS_JMP || insn->id == X86_INS_UD2;
	if (!cs_insn_group(sweep->handle, insn, CS_GRP_JUMP) ||
	    insn->detail->x86.operands[0].type != X86_OP_IMM)
		return 0;
	return (uint64_t)insn->detail->x86.operands[0].imm;
}

static bool is_padding(const struct sweep *sweep)
{
	if (sweep->image->machine == PE_ARM64)
		return sweep->insn->id == ARM64_INS_NOP || sweep->insn->id == ARM64_INS_BRK;
	return sweep->insn->id == X86_INS_NOP || sweep->insn->id == X86_INS_INT3;
}

static bool is_jumped_to(const struct sweep *sweep, uint32_t rva)
{
	unsigned count = sweep->target_count < TARGETS ? sweep->target_count : TARGETS;

	for (unsigned i = 0; i < count; i++) {
		if (sweep->targets[i] == rva)
			return true;
	}
	return false;
}

static void read_on(struct sweep *sweep, uint32_t from, uint32_t to)
{
	const uint8_t *code = sweep->image->bytes + from;
	uint64_t address = sweep->image->base + from;
	size_t size = to - from + 1;
	bool ended = false, ends;

	/* The last instruction may be cut off: it is at `to` or holds it, and begins nothing. */
	if (size < sweep->image->size - from - 16)
		size += 16;
	while (address <= sweep->image->base + to &&
	       pe_at(sweep->image, (uint32_t)(address - sweep->image->base), 1) &&
	       cs_disasm_iter(sweep->handle, &code, &size, &address, sweep->insn)) {
		uint32_t rva = (uint32_t)(sweep->insn->address - sweep->image->base), target;
		uint64_t jump;

		if (is_padding(sweep))
			continue;
		if (ended && !is_jumped_to(sweep, rva))
			sweep->begins[sweep->begin_count++ % SWEEP_BEGINS] = rva;
		jump = jump_of(sweep, &ends);
		ended = ends;
		if (pe_rva_of(sweep->image, jump, &target) && target > rva)
			sweep->targets[sweep->target_count++ % TARGETS] = target;
	}
}

unsigned sweep_begins(const struct pe_image *image, uint32_t from, uint32_t to,
		      uint32_t ret[SWEEP_BEGINS])
{
	struct sweep sweep = {.image = image};
	unsigned count;

	if (from > to || to - from > SWEEP_BYTES || to >= image->size)
		return 0;
	if (open_machine(&sweep)) {
		read_on(&sweep, from, to);
		cs_free(sweep.insn, 1);
	}
	if (sweep.handle)
		cs_close(&sweep.handle);
	count = sweep.begin_count < SWEEP_BEGINS ? sweep.begin_count : SWEEP_BEGINS;
	for (unsigned i = 0; i < count; i++)
		ret[i] = sweep.begins[(sweep.begin_count - 1 - i) % SWEEP_BEGINS];
	return count;
}
