/*
 * See code_refs.h. Sources: Intel SDM volume 2 and Arm Architecture Reference Manual (A64), through
 * capstone 4 or 5, of whose ARM64 results only instruction ids and operands are used.
 */
#include "analyzer/kernel/code_refs.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

enum {
	PADDING = 0xcc,     /* int3 between functions */
	STARTS = 16,        /* offsets tried as the first instruction: none is longer */
	REGISTERS = 31,     /* x0 to x30 */
	LONGEST_CODE = 512, /* bytes of code looked at */
};

struct code_reader {
	csh handle;
	cs_insn *insn;
	uint16_t machine;
};

/* A stretch of code while it is read. */
struct stretch {
	const struct pe_image *image;
	struct code_refs *refs;
	uint64_t pages[REGISTERS]; /* ARM64: what ADRP left in a register; 0 = not known */
};

enum ps_status code_reader_create(uint16_t machine, struct code_reader **ret, struct ps_error *err)
{
	struct code_reader *reader = mem_array(1, sizeof(*reader));
	cs_arch arch = machine == PE_ARM64 ? CS_ARCH_ARM64 : CS_ARCH_X86;
	cs_mode mode = machine == PE_X64   ? CS_MODE_64
		       : machine == PE_X86 ? CS_MODE_32
					   : CS_MODE_LITTLE_ENDIAN;

	if (!reader)
		return ps_fail_memory(err, "the disassembler");
	reader->machine = machine;
	if ((machine != PE_X86 && machine != PE_X64 && machine != PE_ARM64) ||
	    cs_open(arch, mode, &reader->handle) != CS_ERR_OK) {
		free(reader);
		return ps_fail(err, PS_UNSUPPORTED, "no disassembler for the machine 0x%x",
			       machine);
	}
	cs_option(reader->handle, CS_OPT_DETAIL, CS_OPT_ON);
	reader->insn = cs_malloc(reader->handle);
	if (!reader->insn) {
		code_reader_destroy(reader);
		return ps_fail_memory(err, "the disassembler");
	}
	*ret = reader;
	return PS_OK;
}

void code_reader_destroy(struct code_reader *reader)
{
	if (!reader)
		return;
	if (reader->insn)
		cs_free(reader->insn, 1);
	cs_close(&reader->handle);
	free(reader);
}

static void add_ref(struct stretch *s, uint64_t va, enum code_ref_kind kind)
{
	struct code_refs *refs = s->refs;

	if (va < s->image->base || va - s->image->base >= s->image->size)
		return;
	for (unsigned i = 0; i < refs->count; i++)
		if (refs->items[i].rva == va - s->image->base && refs->items[i].kind == kind)
			return;
	if (refs->count < CODE_REFS_MAX)
		refs->items[refs->count++] =
			(struct code_ref){(uint32_t)(va - s->image->base), kind};
}

static void add_width(struct stretch *s, uint64_t va, unsigned width)
{
	if (width == s->image->pointer_size)
		add_ref(s, va, CODE_REF_POINTER);
	else if (width == 1)
		add_ref(s, va, CODE_REF_BYTE);
}

static void take_x86(struct stretch *s, const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;

	for (unsigned i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];
		bool relative = op->mem.base == X86_REG_RIP;
		uint64_t va;

		if (op->type == X86_OP_IMM && s->image->pointer_size == 4)
			add_ref(s, (uint32_t)op->imm, CODE_REF_ADDRESS);
		if (op->type != X86_OP_MEM || op->mem.segment != X86_REG_INVALID)
			continue;
		if (s->image->pointer_size == 4) {
			/* With an index it is an array. */
			if (op->mem.base == X86_REG_INVALID && op->mem.index == X86_REG_INVALID)
				add_width(s, (uint32_t)op->mem.disp, op->size);
			continue;
		}
		if (!relative)
			continue;
		va = insn->address + insn->size + (uint64_t)op->mem.disp;
		if (insn->id == X86_INS_LEA)
			add_ref(s, va, CODE_REF_ADDRESS);
		else
			add_width(s, va, op->size);
	}
}

/* Number of an X register, REGISTERS when it is none that is tracked. */
static unsigned register_number(unsigned reg)
{
	if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28)
		return reg - ARM64_REG_X0;
	if (reg == ARM64_REG_X29 || reg == ARM64_REG_X30)
		return reg == ARM64_REG_X29 ? 29 : 30;
	return REGISTERS;
}

static void take_arm64_memory(struct stretch *s, const cs_insn *insn)
{
	const cs_arm64 *arm = &insn->detail->arm64;
	const cs_arm64_op *to = &arm->operands[0], *from = &arm->operands[1];
	unsigned base, width;

	if (arm->op_count < 2 || to->type != ARM64_OP_REG || from->type != ARM64_OP_MEM)
		return;
	base = register_number(from->mem.base);
	if (base == REGISTERS || s->pages[base] == 0)
		return;
	width = insn->id == ARM64_INS_LDRB || insn->id == ARM64_INS_STRB ? 1
		: register_number(to->reg) < REGISTERS                   ? 8
									 : 4;
	if (from->mem.index == ARM64_REG_INVALID)
		add_width(s, s->pages[base] + (uint64_t)(int64_t)from->mem.disp, width);
}

static void take_arm64(struct stretch *s, const cs_insn *insn)
{
	const cs_arm64 *arm = &insn->detail->arm64;
	const cs_arm64_op *ops = arm->operands;
	unsigned to = arm->op_count > 0 && ops[0].type == ARM64_OP_REG ? register_number(ops[0].reg)
								       : REGISTERS;
	unsigned from = arm->op_count > 1 && ops[1].type == ARM64_OP_REG
				? register_number(ops[1].reg)
				: REGISTERS;
	uint64_t value = 0;

	switch (insn->id) {
	case ARM64_INS_STR:
	case ARM64_INS_STRB: take_arm64_memory(s, insn); return;
	case ARM64_INS_LDR:
	case ARM64_INS_LDRB: take_arm64_memory(s, insn); break;
	case ARM64_INS_ADRP: value = (uint64_t)ops[1].imm; break;
	case ARM64_INS_ADR: add_ref(s, (uint64_t)ops[1].imm, CODE_REF_ADDRESS); break;
	case ARM64_INS_ADD:
		if (arm->op_count == 3 && ops[2].type == ARM64_OP_IMM && from < REGISTERS &&
		    s->pages[from] != 0) {
			value = s->pages[from] + (uint64_t)ops[2].imm;
			add_ref(s, value, CODE_REF_ADDRESS);
		}
		break;
	case ARM64_INS_CMP:
	case ARM64_INS_TST: return;
	default: break;
	}
	if (to < REGISTERS)
		s->pages[to] = value;
}

/* Reads on to `end`; false when no instruction begins at `at`, unless `ret` is there to fill. */
static bool read_code(struct code_reader *reader, const struct pe_image *image, uint32_t begin,
		      uint32_t at, uint32_t end, struct code_refs *ret)
{
	const uint8_t *code = pe_at(image, begin, end - begin);
	struct stretch s = {.image = image, .refs = ret};
	size_t left = end - begin;
	uint64_t va = image->base + begin;
	bool met = false;

	while (code && left > 0 && (ret || va <= image->base + at)) {
		met |= va == image->base + at;
		if (!cs_disasm_iter(reader->handle, &code, &left, &va, reader->insn)) {
			/* Words that capstone does not know change no register looked at here. */
			if (reader->machine != PE_ARM64 || left < 4)
				break;
			code += 4;
			left -= 4;
			va += 4;
			continue;
		}
		if (ret && reader->machine == PE_ARM64)
			take_arm64(&s, reader->insn);
		else if (ret)
			take_x86(&s, reader->insn);
	}
	return met;
}

/* Behind the padding before the function, so far as `begin`. */
static uint32_t skip_padding(const struct pe_image *image, uint32_t begin, uint32_t at)
{
	const uint8_t *code = pe_at(image, begin, at - begin);

	for (uint32_t i = at - begin; code && i >= 2; i--)
		if (code[i - 1] == PADDING && code[i - 2] == PADDING)
			return begin + i;
	return begin;
}

/* Cuts [begin, end) to the present pages around `at`. */
static void cut_to_present(const struct pe_image *image, uint32_t at, uint32_t *begin,
			   uint32_t *end)
{
	uint32_t page = at & ~(uint32_t)(PE_PAGE - 1);

	while (*begin < page && !pe_at(image, *begin, page - *begin))
		*begin = (*begin & ~(uint32_t)(PE_PAGE - 1)) + PE_PAGE;
	while (*end > page + PE_PAGE && !pe_at(image, page, *end - page))
		*end = (*end - 1) & ~(uint32_t)(PE_PAGE - 1);
}

void code_refs_read(struct code_reader *reader, const struct pe_image *image, uint32_t rva,
		    uint32_t before, uint32_t after, struct code_refs *ret)
{
	uint32_t begin, end;

	ret->count = 0;
	if (!pe_at(image, rva, 1))
		return;
	before = before < LONGEST_CODE ? before : LONGEST_CODE;
	after = after < LONGEST_CODE ? after : LONGEST_CODE;
	begin = rva > before ? rva - before : 0;
	end = image->size - rva > after ? rva + after : image->size;
	cut_to_present(image, rva, &begin, &end);
	if (reader->machine == PE_ARM64) {
		read_code(reader, image, begin & ~3u, rva, end, ret);
		return;
	}
	begin = skip_padding(image, begin, rva);
	for (unsigned i = 0; i < STARTS && begin + i <= rva; i++) {
		if (read_code(reader, image, begin + i, rva, end, NULL)) {
			read_code(reader, image, begin + i, rva, end, ret);
			return;
		}
	}
}
