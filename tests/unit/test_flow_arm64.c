/*
 * The ARM64 back end of data flow: what every encoding is lifted to, by running the
 * micro-operations on numbers and comparing with what the processor would have computed; jumps and
 * calls; words that capstone does not know; random words; the compiler's helpers; and whole
 * functions through the engine. The assembly stands beside each word; llvm-mc wrote the words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/flow_arm64.h"
#include "analyzer/owners/refs.h"

enum {
	CODE_VA = 0x140001000,
	MEMORY = 0x20000, /* where the test's memory is; byte i of it is i */
	MEMORY_SIZE = 0x400,
};

/* ---- micro-operations on numbers ---- */

struct toy {
	uint64_t regs[A64_REGISTERS + FLOW_TEMPORARIES];
	bool known[A64_REGISTERS + FLOW_TEMPORARIES];
	uint8_t memory[MEMORY_SIZE];
	bool memory_known[MEMORY_SIZE];
	int pick; /* of a choice */
};

static void toy_init(struct toy *toy, int pick)
{
	memset(toy, 0, sizeof(*toy));
	toy->pick = pick;
	for (unsigned i = 0; i < MEMORY_SIZE; i++) {
		toy->memory[i] = (uint8_t)i;
		toy->memory_known[i] = true;
	}
	for (unsigned i = 0; i < A64_REGISTERS; i++) {
		toy->known[i] = true;
		toy->regs[i] = 0x1001ull * i;
	}
	for (unsigned i = 0; i < 8; i++) {
		toy->regs[A64_VECTORS + 2 * i] = 0x1200 + (i < 4 ? i : i + 12);
		toy->regs[A64_VECTORS + 2 * i + 1] = 0x1100 + (i < 4 ? i : i + 12);
	}
	toy->regs[1] = MEMORY + 0x100;
	toy->regs[2] = 2;
	toy->regs[3] = 3;
	toy->regs[4] = 0xfedcba9876543210;
	toy->regs[5] = 0x80;
	toy->regs[6] = UINT64_MAX;
	toy->regs[7] = 0x7fff8001;
	toy->regs[19] = 0x1122334455667788;
	toy->regs[29] = MEMORY + 0x200;
	toy->regs[A64_SP] = MEMORY + 0x180;
}

static uint64_t cut(uint64_t value, unsigned width)
{
	return width >= 8 ? value : value & ((UINT64_C(1) << width * 8) - 1);
}

static uint64_t extended(uint64_t value, unsigned bytes)
{
	return bytes >= 8 ? value
			  : (uint64_t)((int64_t)(value << (64 - bytes * 8)) >> (64 - bytes * 8));
}

static uint64_t compute(const struct flow_op *op, uint64_t a, uint64_t b)
{
	unsigned bits = op->width * 8, by = (unsigned)b & (bits - 1);

	switch ((enum flow_alu)op->alu) {
	case FLOW_ADD: return a + b;
	case FLOW_SUB: return a - b;
	case FLOW_AND: return a & b;
	case FLOW_OR: return a | b;
	case FLOW_XOR: return a ^ b;
	case FLOW_SHL: return a << by;
	case FLOW_SHR: return cut(a, op->width) >> by;
	case FLOW_SAR: return (uint64_t)((int64_t)extended(a, op->width) >> by);
	case FLOW_ROR:
		return by == 0 ? a : cut(a, op->width) >> by | cut(a, op->width) << (bits - by);
	case FLOW_MUL: return a * b;
	case FLOW_ZEXT: return cut(a, (unsigned)b);
	case FLOW_SEXT: return extended(a, (unsigned)b);
	case FLOW_BSWAP:
		return op->width == 8 ? __builtin_bswap64(a) : __builtin_bswap32((uint32_t)a);
	case FLOW_INSERT: break;
	}
	fail_msg("ALU operation %u is none that ARM64 has", op->alu);
	return 0;
}

/* Reads of registers that are out of range or unknown are checked here, for all operations. */
static uint64_t get(const struct toy *toy, uint8_t reg, bool *known)
{
	if (reg == FLOW_NO_REG)
		return 0;
	assert_in_range(reg, 0, A64_REGISTERS + FLOW_TEMPORARIES - 1);
	*known &= toy->known[reg];
	return toy->regs[reg];
}

static void toy_store(struct toy *toy, const struct flow_op *op, uint64_t address, bool known)
{
	uint64_t at = address - MEMORY, value;

	assert_in_range(op->width, 1, 8);
	if (!known || at >= MEMORY_SIZE - 8)
		return;
	known = op->a != FLOW_NO_REG;
	value = get(toy, op->a, &known);
	for (unsigned i = 0; i < op->width; i++) {
		toy->memory[at + i] = (uint8_t)(value >> i * 8);
		toy->memory_known[at + i] = known;
	}
}

static uint64_t toy_load(const struct toy *toy, const struct flow_op *op, uint64_t address,
			 bool *known)
{
	uint64_t at = address - MEMORY, value = 0;

	assert_in_range(op->width, 1, 8);
	if (!*known || at >= MEMORY_SIZE - 8) {
		*known = false;
		return 0;
	}
	for (unsigned i = 0; i < op->width; i++) {
		value |= (uint64_t)toy->memory[at + i] << i * 8;
		*known &= toy->memory_known[at + i];
	}
	return op->is_signed ? extended(value, op->width) : value;
}

static void toy_run(struct toy *toy, const struct flow_op *op)
{
	bool known = true;
	uint64_t base = get(toy, op->base, &known), index = get(toy, op->index, &known);
	uint64_t address = base + index * op->scale + (uint64_t)op->imm, value = 0;
	unsigned width = op->width;

	switch ((enum flow_op_kind)op->kind) {
	case FLOW_OP_SET:
	case FLOW_OP_ADDRESS: value = (uint64_t)op->imm; break;
	case FLOW_OP_MOVE: value = get(toy, op->a, &known); break;
	case FLOW_OP_ALU:
		value = compute(op, get(toy, op->a, &known),
				op->b == FLOW_NO_REG ? (uint64_t)op->imm : get(toy, op->b, &known));
		break;
	case FLOW_OP_EITHER: value = get(toy, toy->pick == 0 ? op->a : op->b, &known); break;
	case FLOW_OP_CHOICE: value = (uint64_t)(toy->pick == 0 ? op->imm : op->imm2); break;
	case FLOW_OP_LEA: value = address; break;
	case FLOW_OP_LOAD:
		value = toy_load(toy, op, address, &known);
		width = 8;
		break;
	case FLOW_OP_STORE: toy_store(toy, op, address, known); return;
	case FLOW_OP_FORGET: known = false; break;
	}
	assert_in_range(op->dst, 0, A64_REGISTERS + FLOW_TEMPORARIES - 1);
	toy->regs[op->dst] = cut(value, width);
	toy->known[op->dst] = known;
}

static bool lift(void *machine, uint32_t word, struct flow_insn *insn)
{
	uint8_t code[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
			   (uint8_t)(word >> 24)};

	memset(insn, 0, sizeof(*insn));
	return flow_arch_arm64.lift(machine, code, sizeof(code), CODE_VA, insn);
}

static void run_word(void *machine, uint32_t word, const char *text, struct toy *toy)
{
	struct flow_insn insn;

	if (!lift(machine, word, &insn))
		fail_msg("%s: not lifted", text);
	assert_int_equal(insn.length, 4);
	for (unsigned i = 0; i < insn.op_count; i++)
		toy_run(toy, &insn.ops[i]);
}

static int create(void **state)
{
	*state = flow_arch_arm64.create();
	return *state == NULL;
}

static int destroy(void **state)
{
	flow_arch_arm64.destroy(*state);
	return 0;
}

/* ---- one instruction ---- */

static const struct {
	uint32_t word;
	const char *text;
	unsigned reg;
	uint64_t want;
	int pick;   /* which way a choice goes */
	bool known; /* false: must not be taken for known */
} values[] = {
	{0x528c2a82, "movz w2, #0x6154", 2, 0x6154, 0, true},
	{0xd2c000a2, "movz x2, #5, lsl #32", 2, 0x500000000, 0, true},
	{0x128000a2, "movn w2, #5", 2, 0xfffffffa, 0, true},
	{0x92a000a2, "movn x2, #5, lsl #16", 2, 0xfffffffffffaffff, 0, true},
	{0x72a62cf3, "movk w19, #0x3167, lsl #16", 19, 0x31677788, 0, true},
	{0xf2a62cf3, "movk x19, #0x3167, lsl #16", 19, 0x1122334431677788, 0, true},
	{0xf2e00033, "movk x19, #1, lsl #48", 19, 0x1334455667788, 0, true},
	{0xaa1303e8, "mov x8, x19", 8, 0x1122334455667788, 0, true},
	{0x2a1303e8, "mov w8, w19", 8, 0x55667788, 0, true},
	{0xaa1f03e8, "mov x8, xzr", 8, 0x0, 0, true},
	{0x2a1f03f3, "mov w19, wzr", 19, 0x0, 0, true},
	{0x910003bf, "mov sp, x29", A64_SP, 0x20200, 0, true},
	{0x910003fd, "mov x29, sp", 29, 0x20180, 0, true},
	{0x3200f3e2, "orr w2, wzr, #0x55555555", 2, 0x55555555, 0, true},
	{0xb2089fe2, "orr x2, xzr, #0xff00ff00ff00ff00", 2, 0xff00ff00ff00ff00, 0, true},
	{0x32160048, "orr w8, w2, #0x400", 8, 0x402, 0, true},
	{0xaa021268, "orr x8, x19, x2, lsl #4", 8, 0x11223344556677a8, 0, true},
	{0x2a477c48, "orr w8, w2, w7, lsr #31", 8, 0x2, 0, true},
	{0x92401e68, "and x8, x19, #0xff", 8, 0x88, 0, true},
	{0x12144cc8, "and w8, w6, #0xfffff000", 8, 0xfffff000, 0, true},
	{0xf27c0e68, "ands x8, x19, #0xf0", 8, 0x80, 0, true},
	{0x52000048, "eor w8, w2, #1", 8, 0x3, 0, true},
	{0x8a250268, "bic x8, x19, x5", 8, 0x1122334455667708, 0, true},
	{0x2a2203e8, "orn w8, wzr, w2", 8, 0xfffffffd, 0, true},
	{0xaa2203e8, "mvn x8, x2", 8, 0xfffffffffffffffd, 0, true},
	{0x2a2213e8, "mvn w8, w2, lsl #4", 8, 0xffffffdf, 0, true},
	{0xca230048, "eon x8, x2, x3", 8, 0xfffffffffffffffe, 0, true},
	{0x4b0203e8, "neg w8, w2", 8, 0xfffffffe, 0, true},
	{0xcb0207e8, "neg x8, x2, lsl #1", 8, 0xfffffffffffffffc, 0, true},
	{0x90000028, "adrp x8, #0x4000", 8, 0x140005000, 0, true},
	{0x90ffffe8, "adrp x8, #-0x4000", 8, 0x13fffd000, 0, true},
	{0x10000088, "adr x8, #0x10", 8, 0x140001010, 0, true},
	{0x30ffffe8, "adr x8, #-3", 8, 0x140000ffd, 0, true},
	{0x91008268, "add x8, x19, #0x20", 8, 0x11223344556677a8, 0, true},
	{0x91400848, "add x8, x2, #2, lsl #12", 8, 0x2002, 0, true},
	{0x110004c8, "add w8, w6, #1", 8, 0x0, 0, true},
	{0x8b020268, "add x8, x19, x2", 8, 0x112233445566778a, 0, true},
	{0x8b030a68, "add x8, x19, x3, lsl #2", 8, 0x1122334455667794, 0, true},
	{0x8b26c848, "add x8, x2, w6, sxtw #2", 8, 0xfffffffffffffffe, 0, true},
	{0x8b272048, "add x8, x2, w7, uxth", 8, 0x8003, 0, true},
	{0x8b27a048, "add x8, x2, w7, sxth", 8, 0xffffffffffff8003, 0, true},
	{0x0b330048, "add w8, w2, w19, uxtb", 8, 0x8a, 0, true},
	{0x910083ff, "add sp, sp, #0x20", A64_SP, 0x201a0, 0, true},
	{0x910083e8, "add x8, sp, #0x20", 8, 0x201a0, 0, true},
	{0x8b2563ff, "add sp, sp, x5", A64_SP, 0x20200, 0, true},
	{0xcb020e68, "sub x8, x19, x2, lsl #3", 8, 0x1122334455667778, 0, true},
	{0xd10103ff, "sub sp, sp, #0x40", A64_SP, 0x20140, 0, true},
	{0xf1000c48, "subs x8, x2, #3", 8, 0xffffffffffffffff, 0, true},
	{0x71000c48, "subs w8, w2, #3", 8, 0xffffffff, 0, true},
	{0xb1000448, "adds x8, x2, #1", 8, 0x3, 0, true},
	{0xcb2273ff, "sub sp, sp, x2, lsl #4", A64_SP, 0x20160, 0, true},
	{0xeb02027f, "cmp x19, x2", 19, 0x1122334455667788, 0, true},
	{0x3100067f, "cmn w19, #1", 19, 0x1122334455667788, 0, true},
	{0x7200027f, "tst w19, #1", 19, 0x1122334455667788, 0, true},
	{0x7a420264, "ccmp w19, w2, #4, eq", 19, 0x1122334455667788, 0, true},
	{0x531d7268, "lsl w8, w19, #3", 8, 0xab33bc40, 0, true},
	{0xd344fe68, "lsr x8, x19, #4", 8, 0x112233445566778, 0, true},
	{0x937cfc88, "asr x8, x4, #60", 8, 0xffffffffffffffff, 0, true},
	{0x13047c88, "asr w8, w4, #4", 8, 0x7654321, 0, true},
	{0x9ac22268, "lsl x8, x19, x2", 8, 0x4488cd115599de20, 0, true},
	{0x13932268, "ror w8, w19, #8", 8, 0x88556677, 0, true},
	{0x9ac52e68, "ror x8, x19, x5", 8, 0x1122334455667788, 0, true},
	{0x1ac22488, "lsr w8, w4, w2", 8, 0x1d950c84, 0, true},
	{0x53042e68, "ubfx w8, w19, #4, #8", 8, 0x78, 0, true},
	{0xd3780e68, "ubfiz x8, x19, #8, #4", 8, 0x800, 0, true},
	{0x937cfc88, "sbfx x8, x4, #60, #4", 8, 0xffffffffffffffff, 0, true},
	{0x937c0e68, "sbfiz x8, x19, #4, #4", 8, 0xffffffffffffff80, 0, true},
	{0xb37c1e68, "bfi x8, x19, #4, #8", 8, 0x8888, 0, true},
	{0x33042cb3, "bfxil w19, w5, #4, #8", 19, 0x55667708, 0, true},
	{0x53001e68, "uxtb w8, w19", 8, 0x88, 0, true},
	{0x53003e68, "uxth w8, w19", 8, 0x7788, 0, true},
	{0x13001e68, "sxtb w8, w19", 8, 0xffffff88, 0, true},
	{0x93403ce8, "sxth x8, w7", 8, 0xffffffffffff8001, 0, true},
	{0x93407c88, "sxtw x8, w4", 8, 0x76543210, 0, true},
	{0x93407cc8, "sxtw x8, w6", 8, 0xffffffffffffffff, 0, true},
	{0x5ac00a68, "rev w8, w19", 8, 0x88776655, 0, true},
	{0xdac00e68, "rev x8, x19", 8, 0x8877665544332211, 0, true},
	{0x1b037c48, "mul w8, w2, w3", 8, 0x6, 0, true},
	{0x9b031448, "madd x8, x2, x3, x5", 8, 0x86, 0, true},
	{0x93c21268, "extr x8, x19, x2, #4", 8, 0, 0, false},
	{0x9ac20e68, "sdiv x8, x19, x2", 8, 0, 0, false},
	{0xdac01268, "clz x8, x19", 8, 0, 0, false},
	{0x9ba37c48, "umull x8, w2, w3", 8, 0, 0, false},
	{0x9b039448, "msub x8, x2, x3, x5", 8, 0, 0, false},
	{0x9a030048, "adc x8, x2, x3", 8, 0, 0, false},
	{0x1ac24028, "crc32b w8, w1, w2", 8, 0, 0, false},
	{0x5ac00668, "rev16 w8, w19", 8, 0, 0, false},
	{0x1a9f9268, "csel w8, w19, wzr, ls", 8, 0x55667788, 0, true},
	{0x1a9f9268, "csel w8, w19, wzr, ls", 8, 0x0, 1, true},
	{0x9a9f1668, "csinc x8, x19, xzr, ne", 8, 0x1122334455667788, 0, true},
	{0x9a9f1668, "csinc x8, x19, xzr, ne", 8, 0x1, 1, true},
	{0x5a830048, "csinv w8, w2, w3, eq", 8, 0xfffffffc, 1, true},
	{0x5a830448, "csneg w8, w2, w3, eq", 8, 0xfffffffd, 1, true},
	{0xda830448, "csneg x8, x2, x3, eq", 8, 0x2, 0, true},
	{0x1a9f17e8, "cset w8, eq", 8, 0x0, 0, true},
	{0x1a9f17e8, "cset w8, eq", 8, 0x1, 1, true},
	{0xda9f13e8, "csetm x8, eq", 8, 0xffffffffffffffff, 1, true},
	{0x5a9f13e8, "csetm w8, eq", 8, 0xffffffff, 1, true},
	{0x1a931668, "cinc w8, w19, eq", 8, 0x55667788, 0, true},
	{0x1a931668, "cinc w8, w19, eq", 8, 0x55667789, 1, true},
	{0xda821048, "cinv x8, x2, eq", 8, 0xfffffffffffffffd, 1, true},
	{0xda821448, "cneg x8, x2, eq", 8, 0xfffffffffffffffe, 1, true},
	{0xf9400828, "ldr x8, [x1, #0x10]", 8, 0x1716151413121110, 0, true},
	{0xb9401028, "ldr w8, [x1, #0x10]", 8, 0x13121110, 0, true},
	{0xf9400021, "ldr x1, [x1]", 1, 0x706050403020100, 0, true},
	{0x39400428, "ldrb w8, [x1, #1]", 8, 0x1, 0, true},
	{0x79400428, "ldrh w8, [x1, #2]", 8, 0x302, 0, true},
	{0x398003e8, "ldrsb x8, [sp]", 8, 0xffffffffffffff80, 0, true},
	{0x39c003e8, "ldrsb w8, [sp]", 8, 0xffffff80, 0, true},
	{0x798003e8, "ldrsh x8, [sp]", 8, 0xffffffffffff8180, 0, true},
	{0x79c003e8, "ldrsh w8, [sp]", 8, 0xffff8180, 0, true},
	{0xb98003e8, "ldrsw x8, [sp]", 8, 0xffffffff83828180, 0, true},
	{0xf8410428, "ldr x8, [x1], #16", 8, 0x706050403020100, 0, true},
	{0xf8410428, "ldr x8, [x1], #16", 1, 0x20110, 0, true},
	{0xf8410c28, "ldr x8, [x1, #16]!", 8, 0x1716151413121110, 0, true},
	{0xf8410c28, "ldr x8, [x1, #16]!", 1, 0x20110, 0, true},
	{0xf8656828, "ldr x8, [x1, x5]", 8, 0x8786858483828180, 0, true},
	{0xf8627828, "ldr x8, [x1, x2, lsl #3]", 8, 0x1716151413121110, 0, true},
	{0xb8635828, "ldr w8, [x1, w3, uxtw #2]", 8, 0xf0e0d0c, 0, true},
	{0xb8a6dba8, "ldrsw x8, [x29, w6, sxtw #2]", 8, 0xfffffffffffefdfc, 0, true},
	{0x38624828, "ldrb w8, [x1, w2, uxtw]", 8, 0x2, 0, true},
	{0x78637828, "ldrh w8, [x1, x3, lsl #1]", 8, 0x706, 0, true},
	{0xf85f83a8, "ldur x8, [x29, #-8]", 8, 0xfffefdfcfbfaf9f8, 0, true},
	{0x385ff3a8, "ldurb w8, [x29, #-1]", 8, 0xff, 0, true},
	{0xf8408828, "ldtr x8, [x1, #8]", 8, 0xf0e0d0c0b0a0908, 0, true},
	{0xa9412428, "ldp x8, x9, [x1, #16]", 8, 0x1716151413121110, 0, true},
	{0xa9412428, "ldp x8, x9, [x1, #16]", 9, 0x1f1e1d1c1b1a1918, 0, true},
	{0xa9402421, "ldp x1, x9, [x1]", 1, 0x706050403020100, 0, true},
	{0xa9402421, "ldp x1, x9, [x1]", 9, 0xf0e0d0c0b0a0908, 0, true},
	{0xa9400429, "ldp x9, x1, [x1]", 1, 0xf0e0d0c0b0a0908, 0, true},
	{0xa9400429, "ldp x9, x1, [x1]", 9, 0x706050403020100, 0, true},
	{0x2940a428, "ldp w8, w9, [x1, #4]", 9, 0xb0a0908, 0, true},
	{0x694027e8, "ldpsw x8, x9, [sp]", 9, 0xffffffff87868584, 0, true},
	{0xa8c227e8, "ldp x8, x9, [sp], #32", A64_SP, 0x201a0, 0, true},
	{0xa8c227e8, "ldp x8, x9, [sp], #32", 9, 0x8f8e8d8c8b8a8988, 0, true},
	{0xa9ff27e8, "ldp x8, x9, [sp, #-16]!", 8, 0x7776757473727170, 0, true},
	{0xa9ff27e8, "ldp x8, x9, [sp, #-16]!", A64_SP, 0x20170, 0, true},
	{0xa8402428, "ldnp x8, x9, [x1]", 9, 0xf0e0d0c0b0a0908, 0, true},
	{0x3dc00030, "ldr q16, [x1]", A64_VECTORS + 8, 0x706050403020100, 0, true},
	{0x3dc00030, "ldr q16, [x1]", A64_VECTORS + 9, 0xf0e0d0c0b0a0908, 0, true},
	{0xfd400020, "ldr d0, [x1]", A64_VECTORS + 1, 0x0, 0, true},
	{0xbd400420, "ldr s0, [x1, #4]", A64_VECTORS + 0, 0x7060504, 0, true},
	{0xad400420, "ldp q0, q1, [x1]", A64_VECTORS + 3, 0x1f1e1d1c1b1a1918, 0, true},
	{0x3ce27821, "ldr q1, [x1, x2, lsl #4]", A64_VECTORS + 2, 0x2726252423222120, 0, true},
	{0x3d400020, "ldr b0, [x1]", A64_VECTORS + 0, 0x0, 0, true},
	{0x885ffc28, "ldaxr w8, [x1]", 8, 0x3020100, 0, true},
	{0xc8dffc28, "ldar x8, [x1]", 8, 0x706050403020100, 0, true},
	{0x085f7fa8, "ldxrb w8, [x29]", 8, 0x0, 0, true},
	{0xc87f2428, "ldxp x8, x9, [x1]", 9, 0, 0, false},
	{0xc87fa428, "ldaxp x8, x9, [x1]", 8, 0, 0, false},
	{0x8808fc29, "stlxr w8, w9, [x1]", 8, 0x0, 0, true},
	{0x8808fc29, "stlxr w8, w9, [x1]", 8, 0x1, 1, true},
	{0x4f00e410, "movi v16.16b, #0", A64_VECTORS + 8, 0x0, 0, true},
	{0x6f00e410, "movi v16.2d, #0", A64_VECTORS + 9, 0x0, 0, true},
	{0x2f00e400, "movi d0, #0", A64_VECTORS + 1, 0x0, 0, true},
	{0x4f00e430, "movi v16.16b, #1", A64_VECTORS + 8, 0, 0, false},
	{0x4eb31e63, "mov v3.16b, v19.16b", A64_VECTORS + 7, 0x1113, 0, true},
	{0x9e660048, "fmov x8, d2", 8, 0x1202, 0, true},
	{0x1e260048, "fmov w8, s2", 8, 0x1202, 0, true},
	{0x9e670262, "fmov d2, x19", A64_VECTORS + 4, 0x1122334455667788, 0, true},
	{0x9e670262, "fmov d2, x19", A64_VECTORS + 5, 0x0, 0, true},
	{0x1e6e1002, "fmov d2, #1.0", A64_VECTORS + 4, 0, 0, false},
	{0x4e040c53, "dup v19.4s, w2", A64_VECTORS + 14, 0, 0, false},
	{0x4e0c1c50, "mov v16.s[1], w2", A64_VECTORS + 8, 0, 0, false},
	{0x0e0c3c48, "umov w8, v2.s[1]", 8, 0, 0, false},
	{0x4e183c48, "mov x8, v2.d[1]", 8, 0, 0, false},
	{0x1e602822, "fadd d2, d1, d0", A64_VECTORS + 4, 0, 0, false},
	{0x1e602822, "fadd d2, d1, d0", 2, 0x2, 0, true},
	{0x4cdf7022, "ld1 {v2.16b}, [x1], #16", A64_VECTORS + 4, 0, 0, false},
	{0x4cdf7022, "ld1 {v2.16b}, [x1], #16", 1, 0, 0, false},
	{0x4c400020, "ld4 {v0.16b, v1.16b, v2.16b, v3.16b}, [x1]", A64_VECTORS + 7, 0, 0, false},
	{0xd538d088, "mrs x8, tpidr_el1", 8, 0, 0, false},
	{0xd518d093, "msr tpidr_el1, x19", 19, 0x1122334455667788, 0, true},
	{0xf9800020, "prfm pldl1keep, [x1]", 1, 0x20100, 0, true},
	{0xd5033bbf, "dmb ish", 0, 0x0, 0, true},
	{0xd503201f, "nop", 0, 0x0, 0, true},
	{0xd503237f, "hint #27", 30, 0x1e01e, 0, true},
	{0xd50323ff, "hint #31", 30, 0x1e01e, 0, true},
	{0xd503211f, "hint #8", 17, 0, 0, false},
	{0xd50b7e33, "dc civac, x19", 19, 0x1122334455667788, 0, true},
	{0xc8a87c29, "cas x8, x9, [x1]", 8, 0, 0, false},
	{0xf8290028, "ldadd x9, x8, [x1]", 8, 0, 0, false},
	{0xf8e98028, "swpal x9, x8, [x1]", 8, 0, 0, false},
	{0x48287c22, "casp x8, x9, x2, x3, [x1]", 8, 0, 0, false},
	{0x48287c22, "casp x8, x9, x2, x3, [x1]", 9, 0, 0, false},
	{0xf8bfc028, "ldapr x8, [x1]", 8, 0, 0, false},
	{0xf8201c28, "ldraa x8, [x1, #8]!", 8, 0, 0, false},
	{0xf8201c28, "ldraa x8, [x1, #8]!", 1, 0, 0, false},
	{0xdac143e8, "xpaci x8", 8, 0, 0, false},
	{0xdac10128, "pacia x8, x9", 8, 0, 0, false},
	{0xd9408028, "ldapur x8, [x1, #8]", 8, 0, 0, false},
	{0xd9600028, "ldg x8, [x1]", 8, 0, 0, false},
	{0x9adf1028, "irg x8, x1", 8, 0, 0, false},
};

static void registers(void **state)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct toy toy;

		toy_init(&toy, values[i].pick);
		run_word(*state, values[i].word, values[i].text, &toy);
		if (toy.known[values[i].reg] != values[i].known)
			fail_msg("%s: register %u is %sknown", values[i].text, values[i].reg,
				 values[i].known ? "un" : "");
		if (values[i].known && toy.regs[values[i].reg] != values[i].want)
			fail_msg("%s: register %u is 0x%016jx, not 0x%016jx", values[i].text,
				 values[i].reg, (uintmax_t)toy.regs[values[i].reg],
				 (uintmax_t)values[i].want);
	}
}

static const struct {
	uint32_t word;
	const char *text;
	unsigned at, width; /* of the memory looked at afterwards */
	uint64_t want;
	bool known;
} stores[] = {
	{0xf9000433, "str x19, [x1, #8]", 0x108, 8, 0x1122334455667788, true},
	{0xb9000833, "str w19, [x1, #8]", 0x108, 8, 0xf0e0d0c55667788, true},
	{0x39000033, "strb w19, [x1]", 0x100, 2, 0x188, true},
	{0x79000433, "strh w19, [x1, #2]", 0x102, 4, 0x5047788, true},
	{0xf90007ff, "str xzr, [sp, #8]", 0x188, 8, 0x0, true},
	{0xb90003ff, "str wzr, [sp]", 0x180, 4, 0x0, true},
	{0xb81f83b3, "stur w19, [x29, #-8]", 0x1f8, 4, 0x55667788, true},
	{0xf8000833, "sttr x19, [x1]", 0x100, 8, 0x1122334455667788, true},
	{0xf81f0ff3, "str x19, [sp, #-16]!", 0x170, 8, 0x1122334455667788, true},
	{0xf80107f3, "str x19, [sp], #16", 0x180, 8, 0x1122334455667788, true},
	{0xa9be0fe2, "stp x2, x3, [sp, #-32]!", 0x160, 8, 0x2, true},
	{0xa9be0fe2, "stp x2, x3, [sp, #-32]!", 0x168, 8, 0x3, true},
	{0xa9017bfd, "stp x29, x30, [sp, #16]", 0x190, 8, 0x20200, true},
	{0x29000c22, "stp w2, w3, [x1]", 0x104, 4, 0x3, true},
	{0xa9007c3f, "stp xzr, xzr, [x1]", 0x108, 8, 0x0, true},
	{0xa8814c3f, "stp xzr, x19, [x1], #16", 0x108, 8, 0x1122334455667788, true},
	{0xa8000c22, "stnp x2, x3, [x1]", 0x108, 8, 0x3, true},
	{0xf8227833, "str x19, [x1, x2, lsl #3]", 0x110, 8, 0x1122334455667788, true},
	{0xb8235833, "str w19, [x1, w3, uxtw #2]", 0x10c, 4, 0x55667788, true},
	{0xf826dbb3, "str x19, [x29, w6, sxtw #3]", 0x1f8, 8, 0x1122334455667788, true},
	{0x3d800030, "str q16, [x1]", 0x108, 8, 0x1110, true},
	{0x3d800028, "str q8, [x1]", 0x100, 8, 0, false},
	{0xfd000022, "str d2, [x1]", 0x100, 8, 0x1202, true},
	{0xbd000022, "str s2, [x1]", 0x100, 4, 0x1202, true},
	{0xad004420, "stp q0, q17, [x1]", 0x118, 8, 0x1111, true},
	{0xadbf43f0, "stp q16, q16, [sp, #-32]!", 0x178, 8, 0x1110, true},
	{0x3c9f03b0, "stur q16, [x29, #-16]", 0x1f8, 8, 0x1110, true},
	{0x3ca27830, "str q16, [x1, x2, lsl #4]", 0x128, 8, 0x1110, true},
	{0xc89ffc33, "stlr x19, [x1]", 0x100, 8, 0x1122334455667788, true},
	{0x089ffc33, "stlrb w19, [x1]", 0x100, 2, 0x188, true},
	{0xc808fc33, "stlxr w8, x19, [x1]", 0x100, 8, 0x1122334455667788, true},
	{0x48087c33, "stxrh w8, w19, [x1]", 0x100, 4, 0x3027788, true},
	{0xc8280c22, "stxp w8, x2, x3, [x1]", 0x108, 8, 0, false},
	{0x4c007020, "st1 {v0.16b}, [x1]", 0x108, 8, 0, false},
	{0x4c000020, "st4 {v0.16b, v1.16b, v2.16b, v3.16b}, [x1]", 0x138, 8, 0, false},
	{0xc8a87c29, "cas x8, x9, [x1]", 0x100, 8, 0, false},
	{0xf82903e8, "ldadd x9, x8, [sp]", 0x180, 8, 0, false},
	{0x48287c22, "casp x8, x9, x2, x3, [x1]", 0x108, 8, 0, false},
	{0xf829003f, "stadd x9, [x1]", 0x100, 8, 0, false},
};

static void memory(void **state)
{
	for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
		struct toy toy;
		bool known = true;
		struct flow_op look = {.width = (uint8_t)stores[i].width};
		uint64_t value;

		toy_init(&toy, 0);
		run_word(*state, stores[i].word, stores[i].text, &toy);
		value = toy_load(&toy, &look, MEMORY + stores[i].at, &known);
		if (known != stores[i].known)
			fail_msg("%s: memory is %sknown", stores[i].text,
				 stores[i].known ? "un" : "");
		if (known && value != stores[i].want)
			fail_msg("%s: memory has 0x%jx, not 0x%jx", stores[i].text,
				 (uintmax_t)value, (uintmax_t)stores[i].want);
	}
}

static const struct {
	uint32_t word;
	const char *text;
	enum flow_control control;
	uint8_t target;
	uint64_t va;
} controls[] = {
	{0x14000040, "b #0x100", FLOW_JUMP, FLOW_NO_REG, 0x140001100},
	{0x17ffffc0, "b #-0x100", FLOW_JUMP, FLOW_NO_REG, 0x140000f00},
	{0x94000040, "bl #0x100", FLOW_CALL, FLOW_NO_REG, 0x140001100},
	{0x54fff800, "b.eq #-0x100", FLOW_BRANCH, FLOW_NO_REG, 0x140000f00},
	{0x54000803, "b.lo #0x100", FLOW_BRANCH, FLOW_NO_REG, 0x140001100},
	{0xb4000801, "cbz x1, #0x100", FLOW_BRANCH, FLOW_NO_REG, 0x140001100},
	{0x35ffffc1, "cbnz w1, #-8", FLOW_BRANCH, FLOW_NO_REG, 0x140000ff8},
	{0x36f80801, "tbz w1, #31, #0x100", FLOW_BRANCH, FLOW_NO_REG, 0x140001100},
	{0xb7080801, "tbnz x1, #33, #0x100", FLOW_BRANCH, FLOW_NO_REG, 0x140001100},
	{0xd63f0100, "blr x8", FLOW_CALL, 8, 0},
	{0xd61f0060, "br x3", FLOW_JUMP, 3, 0},
	{0xd63f03c0, "blr x30", FLOW_CALL, 30, 0},
	{0xd65f03c0, "ret", FLOW_RETURN, FLOW_NO_REG, 0},
	{0xd65f0060, "ret x3", FLOW_RETURN, FLOW_NO_REG, 0},
	{0xd65f0bff, "retaa", FLOW_RETURN, FLOW_NO_REG, 0},
	{0xd65f0fff, "retab", FLOW_RETURN, FLOW_NO_REG, 0},
	{0xd73f0901, "blraa x8, x1", FLOW_CALL, 8, 0},
	{0xd63f0d1f, "blrabz x8", FLOW_CALL, 8, 0},
	{0xd71f0a11, "braa x16, x17", FLOW_JUMP, 16, 0},
	{0xd61f0d3f, "brabz x9", FLOW_JUMP, 9, 0},
	{0xd43e0060, "brk #0xf003", FLOW_STOP, FLOW_NO_REG, 0},
	{0xd43e0000, "brk #0xf000", FLOW_STOP, FLOW_NO_REG, 0},
	{0xd43e0020, "brk #0xf001", FLOW_NEXT, FLOW_NO_REG, 0},
	{0xd4200020, "brk #1", FLOW_STOP, FLOW_NO_REG, 0},
	{0xd4400020, "hlt #1", FLOW_STOP, FLOW_NO_REG, 0},
	{0xd69f03e0, "eret", FLOW_STOP, FLOW_NO_REG, 0},
	{0xd503201f, "nop", FLOW_NEXT, FLOW_NO_REG, 0},
	{0x91000400, "add x0, x0, #1", FLOW_NEXT, FLOW_NO_REG, 0},
};

static void jumps(void **state)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		struct flow_insn insn;

		if (!lift(*state, controls[i].word, &insn) || insn.control != controls[i].control ||
		    insn.target != controls[i].target || insn.va != controls[i].va)
			fail_msg("%s: control %u, target %u, va 0x%jx", controls[i].text,
				 insn.control, insn.target, (uintmax_t)insn.va);
	}
}

/* A call to where nobody can say must not keep what a callee may change. */
static void service_calls(void **state)
{
	static const uint32_t words[] = {0xd4000001, 0xd4000002, 0xd4000003}; /* svc, hvc, smc #0 */
	struct flow_insn insn;

	for (size_t i = 0; i < 3; i++) {
		assert_true(lift(*state, words[i], &insn));
		assert_int_equal(insn.control, FLOW_CALL);
		assert_int_equal(insn.op_count, 1);
		assert_int_equal(insn.ops[0].kind, FLOW_OP_FORGET);
		assert_int_equal(insn.ops[0].dst, insn.target);
	}
}

/* ---- hostile words ---- */

static void not_instructions(void **state)
{
	static const uint32_t words[] = {
		0x00000000, /* udf #0: padding */
		0x0000ffff, /* udf #65535 */
		0x02000000, /* not allocated */
		0x06000000, /* not allocated */
		0xd61f0be0, /* braaz with register 31: none to jump to */
	};
	struct flow_insn insn;
	uint8_t code[4] = {0x1f, 0x20, 0x03, 0xd5}; /* nop */

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_false(lift(*state, words[i], &insn));
	for (size_t size = 1; size < 4; size++) {
		memset(&insn, 0, sizeof(insn));
		assert_false(flow_arch_arm64.lift(*state, code, size, CODE_VA, &insn));
	}
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 32);
}

/* Whatever the word, what comes back is within the bounds that the engine relies on. */
static void random_words(void **state)
{
	uint64_t seed = 20;
	struct flow_insn insn;

	for (unsigned i = 0; i < 300000; i++) {
		uint32_t word = next_random(&seed);
		struct toy toy;

		if (!lift(*state, word, &insn))
			continue;
		assert_int_equal(insn.length, 4);
		assert_in_range(insn.op_count, 0, FLOW_OPS);
		assert_in_range(insn.control, FLOW_NEXT, FLOW_STOP);
		if (insn.target != FLOW_NO_REG)
			assert_in_range(insn.target, 0, A64_REGISTERS + FLOW_TEMPORARIES - 1);
		if (i % 16 != 0)
			continue;
		toy_init(&toy, 0);
		for (unsigned op = 0; op < insn.op_count; op++)
			toy_run(&toy, &insn.ops[op]);
	}
}

/* What an atomic writes, for every size, order and register: Rt, and Rs of a CAS. */
static void atomics(void **state)
{
	uint64_t seed = 7;

	for (unsigned i = 0; i < 2000; i++) {
		uint32_t random = next_random(&seed);
		uint32_t cas = 0x08a07c00 | (random & 0xc05f83ff); /* cas{a}{l}{b,h} */
		uint32_t ldadd = 0x38200000 | (random & 0xc0df73ff);
		unsigned compared = cas >> 16 & 31, loaded = ldadd & 31;
		struct toy toy;

		toy_init(&toy, 0);
		run_word(*state, cas, "cas", &toy);
		if (compared != 31)
			assert_false(toy.known[compared]);
		toy_init(&toy, 0);
		run_word(*state, ldadd, "ldadd and its kin", &toy);
		if (loaded != 31)
			assert_false(toy.known[loaded]);
		assert_true(toy.known[A64_SP]);
	}
}

/* ---- the compiler's helpers ---- */

static struct pe_image *image_of(const uint32_t *words, size_t count)
{
	static struct pe_section section = {
		.name = ".text", .size = PE_PAGE, .characteristics = 0x60000020, .pages = 1};
	struct pe_image *image = calloc(1, sizeof(*image));

	assert_non_null(image);
	image->size = PE_PAGE;
	image->bytes = calloc(1, PE_PAGE);
	image->present = calloc(1, sizeof(*image->present));
	assert_non_null(image->bytes);
	assert_non_null(image->present);
	image->present[0] = 1;
	image->pages = image->pages_present = 1;
	image->base = 0x140000000;
	image->machine = PE_ARM64;
	image->pointer_size = 8;
	section.pages_present = 1;
	image->sections = &section;
	image->section_count = 1;
	for (size_t i = 0; i < count; i++)
		for (unsigned byte = 0; byte < 4; byte++)
			image->bytes[i * 4 + byte] = (uint8_t)(words[i] >> byte * 8);
	return image;
}

static void image_free(struct pe_image *image)
{
	free(image->bytes);
	free(image->present);
	free(image);
}

static struct flow_callee callee_of(void *machine, const uint32_t *words, size_t count)
{
	struct flow_callee callee = {.kind = FLOW_CALLEE_PLAIN, .popped = -1};
	struct pe_image *image = image_of(words, count);

	flow_arch_arm64.callee(machine, image, 0, &callee);
	image_free(image);
	return callee;
}

#define CALLEE(state, words) callee_of(*(state), words, sizeof(words) / sizeof((words)[0]))

static const uint32_t push_cookie[] = {
	0xd10043ff, /* sub sp, sp, #16 */
	0x90000031, /* adrp x17, 0x4000 */
	0xf9400231, /* ldr x17, [x17] */
	0xcb3163f1, /* sub x17, sp, x17 */
	0xf90007f1, /* str x17, [sp, #8] */
	0xd65f03c0, /* ret */
};

static const uint32_t pop_cookie[] = {
	0x90000031, /* adrp x17, 0x4000 */
	0xf94007f0, /* ldr x16, [sp, #8] */
	0xf9400231, /* ldr x17, [x17] */
	0xcb3063f0, /* sub x16, sp, x16 */
	0xeb11021f, /* cmp x16, x17 */
	0x54000061, /* b.ne 0xc */
	0x910043ff, /* add sp, sp, #16 */
	0xd65f03c0, /* ret */
	0xaa1003e0, /* mov x0, x16 */
	0x14000002, /* b 0x8 */
};

static void helpers(void **state)
{
	static const uint32_t check[] = {0xd65f03c0};    /* ret */
	static const uint32_t dispatch[] = {0xd61f0120}; /* br x9 */
	static const uint32_t probe[] = {
		0xeb2f73f0, /* subs x16, sp, x15, lsl #4 */
		0x9a9033f0, /* csel x16, xzr, x16, lo */
		0x910003f1, /* mov x17, sp */
		0x9274ce31, /* and x17, x17, #0xfffffffffffff000 */
		0xeb11021f, /* cmp x16, x17 */
		0x540000a0, /* b.eq 0x14 */
		0xd1400631, /* sub x17, x17, #1, lsl #12 */
		0xf940023f, /* ldr xzr, [x17] */
		0xeb10023f, /* cmp x17, x16 */
		0x54ffffa1, /* b.ne -0xc */
		0xd65f03c0, /* ret */
	};
	struct flow_callee callee = CALLEE(state, check);

	assert_int_equal(callee.kind, FLOW_CALLEE_KEEPS);
	callee = CALLEE(state, dispatch);
	assert_int_equal(callee.kind, FLOW_CALLEE_DISPATCH);
	assert_int_equal(callee.reg, 9);
	callee = CALLEE(state, push_cookie);
	assert_int_equal(callee.kind, FLOW_CALLEE_KEEPS);
	assert_int_equal(callee.popped, -16);
	callee = CALLEE(state, pop_cookie);
	assert_int_equal(callee.kind, FLOW_CALLEE_KEEPS);
	assert_int_equal(callee.popped, 16);
	callee = CALLEE(state, probe);
	assert_int_equal(callee.kind, FLOW_CALLEE_KEEPS);
	assert_int_equal(callee.popped, 0);
}

static void not_helpers(void **state)
{
	static const uint32_t early[] = {
		0xb4000060, /* cbz x0, 0xc */
		0xd65f03c0, /* ret */
		0xd503201f, /* nop */
		0xd2800001, /* mov x1, #0 */
		0xd65f03c0, /* ret */
	};
	static const uint32_t writes[] = {
		0xd10043ff, /* sub sp, sp, #16 */
		0xd2800000, /* mov x0, #0 */
		0xd65f03c0, /* ret */
	};
	static const uint32_t calls[] = {
		0xd10043ff, /* sub sp, sp, #16 */
		0x94000002, /* bl 0x8 */
		0xd65f03c0, /* ret */
	};
	static const uint32_t thunk[] = {
		0x90000030, /* adrp x16, 0x4000 */
		0xf9400210, /* ldr x16, [x16] */
		0xd61f0200, /* br x16 */
	};
	static const uint32_t padding[] = {0};

	assert_int_equal(CALLEE(state, early).kind, FLOW_CALLEE_PLAIN);
	assert_int_equal(CALLEE(state, writes).kind, FLOW_CALLEE_PLAIN);
	assert_int_equal(CALLEE(state, calls).kind, FLOW_CALLEE_PLAIN);
	assert_int_equal(CALLEE(state, thunk).kind, FLOW_CALLEE_PLAIN);
	assert_int_equal(CALLEE(state, padding).kind, FLOW_CALLEE_PLAIN);
}

/* ---- whole functions ---- */

enum {
	SLOT = 0x900,      /* the allocator's import slot */
	FUNCTIONS = 0x908, /* pointer to the framework's table */
	CHECK = 0x910,     /* CFG check and dispatch */
	DISPATCH = 0x918,
	CONFIG = 0xa00, /* load configuration */
	TAG = 0x31676154,
};

/* Tag from movz and movk with others between, slot through adrp. */
static const uint32_t wide[] = {
	0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
	0x910003fd, /* mov x29, sp */
	0x528c2a82, /* movz w2, #0x6154 */
	0x90000008, /* adrp x8, #0 */
	0xf9000bf3, /* str x19, [sp, #16] */
	0xaa0003e1, /* mov x1, x0 */
	0x72a62ce2, /* movk w2, #0x3167, lsl #16 */
	0xf9448108, /* ldr x8, [x8, #0x900] */
	0x52804000, /* mov w0, #0x200 */
	0xd63f0100, /* blr x8 */
	0xf9400bf3, /* ldr x19, [sp, #16] */
	0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
	0xd65f03c0, /* ret */
};

/* Tag held in a kept register over another call, slot hoisted. */
static const uint32_t held[] = {
	0xa9be53f3, /* stp x19, x20, [sp, #-32]! */
	0xa9017bfd, /* stp x29, x30, [sp, #16] */
	0x528c2a93, /* movz w19, #0x6154 */
	0x72a62cf3, /* movk w19, #0x3167, lsl #16 */
	0x90000014, /* adrp x20, #0 */
	0xf9448294, /* ldr x20, [x20, #0x900] */
	0x94000400, /* bl #0x1000 */
	0x2a1303e2, /* mov w2, w19 */
	0xd63f0280, /* blr x20 */
	0x2a1303e1, /* mov w1, w19 */
	0xa9417bfd, /* ldp x29, x30, [sp, #16] */
	0xa8c253f3, /* ldp x19, x20, [sp], #32 */
	0xd65f03c0, /* ret */
};

/* Literal tag, jump through the slot. */
static const uint32_t tail[] = {
	0x90000003, /* adrp x3, #0 */
	0xf9448063, /* ldr x3, [x3, #0x900] */
	0x18000082, /* ldr w2, #0x10 */
	0xaa0003e1, /* mov x1, x0 */
	0xd61f0060, /* br x3 */
	0x00000000, /* udf #0 */
	0x31676154, /* .word 0x31676154 */
};

/* Parameters: registers, the ninth on the stack, above a frame and a stack cookie. */
static const uint32_t params[] = {
	0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
	0x910003fd, /* mov x29, sp */
	0x940001fe, /* bl #0x7f8 */
	0xd10083ff, /* sub sp, sp, #0x20 */
	0xb94043e2, /* ldr w2, [sp, #0x40] */
	0x2a0303e1, /* mov w1, w3 */
	0x90000008, /* adrp x8, #0 */
	0xf9448108, /* ldr x8, [x8, #0x900] */
	0xd63f0100, /* blr x8 */
	0x910083ff, /* add sp, sp, #0x20 */
	0x940001fe, /* bl #0x7f8 */
	0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
	0xd65f03c0, /* ret */
};

/* Ninth and tenth argument. */
static const uint32_t stacked[] = {
	0xd100c3ff, /* sub sp, sp, #0x30 */
	0xf90013fe, /* str x30, [sp, #0x20] */
	0x528c2a88, /* movz w8, #0x6154 */
	0x72a62ce8, /* movk w8, #0x3167, lsl #16 */
	0x528000e9, /* mov w9, #7 */
	0xa90027e8, /* stp x8, x9, [sp] */
	0x90000008, /* adrp x8, #0 */
	0xf9448108, /* ldr x8, [x8, #0x900] */
	0xd63f0100, /* blr x8 */
	0xf94013fe, /* ldr x30, [sp, #0x20] */
	0x9100c3ff, /* add sp, sp, #0x30 */
	0xd65f03c0, /* ret */
};

/* A cleared structure with a tag in it. */
static const uint32_t structure[] = {
	0xa9bc7bfd, /* stp x29, x30, [sp, #-0x40]! */
	0x4f00e410, /* movi v16.16b, #0 */
	0x528c2a88, /* movz w8, #0x6154 */
	0x72a62ce8, /* movk w8, #0x3167, lsl #16 */
	0xad0143f0, /* stp q16, q16, [sp, #0x20] */
	0xb9002be8, /* str w8, [sp, #0x28] */
	0x910083e1, /* add x1, sp, #0x20 */
	0x90000008, /* adrp x8, #0 */
	0xf9448108, /* ldr x8, [x8, #0x900] */
	0xd63f0100, /* blr x8 */
	0xa8c47bfd, /* ldp x29, x30, [sp], #0x40 */
	0xd65f03c0, /* ret */
};

/* One of two tags. */
static const uint32_t choice[] = {
	0x528c2a88, /* movz w8, #0x6154 */
	0x72a62ce8, /* movk w8, #0x3167, lsl #16 */
	0x528c2a89, /* movz w9, #0x6154 */
	0x72a64ce9, /* movk w9, #0x3267, lsl #16 */
	0x7100001f, /* cmp w0, #0 */
	0x1a890102, /* csel w2, w8, w9, eq */
	0x90000003, /* adrp x3, #0 */
	0xf9448063, /* ldr x3, [x3, #0x900] */
	0xd61f0060, /* br x3 */
};

/* A switch through signed bytes, with the index made safe for speculation. */
static const uint32_t table[] = {
	0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
	0x7100081f, /* cmp w0, #2 */
	0x54000208, /* b.hi #0x40 */
	0x7100081f, /* cmp w0, #2 */
	0x1a9f900a, /* csel w10, w0, wzr, ls */
	0x10000269, /* adr x9, #0x4c */
	0x38aa4928, /* ldrsb x8, [x9, w10, uxtw] */
	0x8b080928, /* add x8, x9, x8, lsl #2 */
	0xd61f0100, /* br x8 */
	0x52800022, /* mov w2, #1 */
	0x14000005, /* b #0x14 */
	0x52800042, /* mov w2, #2 */
	0x14000003, /* b #0xc */
	0x52800062, /* mov w2, #3 */
	0x14000001, /* b #4 */
	0x90000008, /* adrp x8, #0 */
	0xf9448108, /* ldr x8, [x8, #0x900] */
	0xd63f0100, /* blr x8 */
	0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
	0xd65f03c0, /* ret */
	0xd503201f, /* nop */
	0xd503201f, /* nop */
	0xd503201f, /* nop */
	0xd503201f, /* nop */
	0x00f5f3f1, /* .word 0x00f5f3f1 */
};

/* A call that CFG checks, of a table of functions: the framework's. */
static const uint32_t guarded[] = {
	0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
	0x528c2a83, /* movz w3, #0x6154 */
	0x72a62ce3, /* movk w3, #0x3167, lsl #16 */
	0x90000008, /* adrp x8, #0 */
	0xf9448508, /* ldr x8, [x8, #0x908] */
	0xf943010f, /* ldr x15, [x8, #0x600] */
	0x90000011, /* adrp x17, #0 */
	0xf9448a31, /* ldr x17, [x17, #0x910] */
	0xd63f0220, /* blr x17 */
	0xd63f01e0, /* blr x15 */
	0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
	0xd65f03c0, /* ret */
};

/* The same through the dispatch function. */
static const uint32_t dispatched[] = {
	0xa9bf7bfd, /* stp x29, x30, [sp, #-16]! */
	0x90000008, /* adrp x8, #0 */
	0xf9448109, /* ldr x9, [x8, #0x900] */
	0x528000a2, /* mov w2, #5 */
	0xf9448d10, /* ldr x16, [x8, #0x918] */
	0xd63f0200, /* blr x16 */
	0xa8c17bfd, /* ldp x29, x30, [sp], #16 */
	0xd65f03c0, /* ret */
};

/* What an atomic that capstone does not know writes is not kept. */
static const uint32_t atomic[] = {
	0x528c2a82, /* movz w2, #0x6154 */
	0x72a62ce2, /* movk w2, #0x3167, lsl #16 */
	0xf8210002, /* ldadd x1, x2, [x0] */
	0x90000003, /* adrp x3, #0 */
	0xf9448063, /* ldr x3, [x3, #0x900] */
	0xd61f0060, /* br x3 */
};

struct expectation {
	enum flow_kind kind; /* of the target of the call that matters */
	uint64_t at;
	unsigned argument;
	bool pointed; /* what argument + offset points to */
	int64_t offset;
	unsigned seen;
	struct flow_value value;
	struct flow_atom atoms[FLOW_ATOMS];
};

static void look(void *context, const struct flow_call *call)
{
	struct expectation *want = context;

	if (call->target.count != 1 || call->target.open ||
	    call->target.atoms[0].kind != want->kind || call->target.atoms[0].value != want->at)
		return;
	want->seen++;
	want->value = flow_argument(call, want->argument);
	if (want->pointed)
		want->value = flow_pointed(call, &want->value, want->offset, 4);
	memcpy(want->atoms, want->value.atoms, want->value.count * sizeof(want->atoms[0]));
}

static void put(struct pe_image *image, uint32_t at, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		image->bytes[at + i] = (uint8_t)(value >> i * 8);
}

/* The function at 0, the cookie helpers at 0x800 and 0x820, the CFG slots. */
static struct pe_image *driver_of(const uint32_t *words, size_t count)
{
	struct pe_image *image = image_of(words, count);

	memcpy(image->bytes + 0x800, push_cookie, sizeof(push_cookie));
	memcpy(image->bytes + 0x820, pop_cookie, sizeof(pop_cookie));
	put(image, CONFIG, 0x100);
	put(image, CONFIG + 0x70, image->base + CHECK);
	put(image, CONFIG + 0x78, image->base + DISPATCH);
	image->directories[PE_LOAD_CONFIG] = (struct pe_range){CONFIG, 0x100};
	return image;
}

static void follow(const uint32_t *words, size_t size, struct expectation *want)
{
	const struct pe_functions none = {0};
	struct pe_image *image = driver_of(words, size / sizeof(words[0]));
	struct ps_error err = {0};
	struct flow *flow;

	assert_int_equal(flow_create(PE_ARM64, &flow, &err), PS_OK);
	assert_true(flow_function(flow, image, &none, 0, look, want));
	flow_destroy(flow);
	image_free(image);
	assert_int_equal(want->seen, 1);
}

static void expect_atoms(const struct expectation *want, enum flow_kind kind,
			 const uint64_t *numbers, unsigned count)
{
	assert_false(want->value.open);
	assert_int_equal(want->value.count, count);
	for (unsigned i = 0; i < count; i++) {
		bool found = false;

		for (unsigned atom = 0; atom < count; atom++)
			found |= want->atoms[atom].kind == kind &&
				 want->atoms[atom].value == numbers[i];
		assert_true(found);
	}
}

static void expect_one(const uint32_t *words, size_t size, struct expectation want,
		       enum flow_kind kind, uint64_t number)
{
	follow(words, size, &want);
	expect_atoms(&want, kind, &number, 1);
}

static void tags(void **state)
{
	const struct expectation third = {.kind = FLOW_LOAD, .at = SLOT, .argument = 2};
	static const uint64_t either[] = {TAG, 0x32676154}, cases[] = {1, 2, 3};
	struct expectation want = third;

	(void)state;
	expect_one(wide, sizeof(wide), third, FLOW_CONST, TAG);
	expect_one(held, sizeof(held), third, FLOW_CONST, TAG);
	expect_one(tail, sizeof(tail), third, FLOW_CONST, TAG);
	expect_one(dispatched, sizeof(dispatched), third, FLOW_CONST, 5);
	follow(choice, sizeof(choice), &want);
	expect_atoms(&want, FLOW_CONST, either, 2);
	want = third;
	follow(table, sizeof(table), &want);
	expect_atoms(&want, FLOW_CONST, cases, 3);
}

static void parameters(void **state)
{
	struct expectation want = {.kind = FLOW_LOAD, .at = SLOT, .argument = 2};

	(void)state;
	expect_one(params, sizeof(params), want, FLOW_PARAM, 8);
	want.argument = 1;
	expect_one(params, sizeof(params), want, FLOW_PARAM, 3);
	want.argument = 8;
	expect_one(stacked, sizeof(stacked), want, FLOW_CONST, TAG);
	want.argument = 9;
	expect_one(stacked, sizeof(stacked), want, FLOW_CONST, 7);
}

static void structures(void **state)
{
	struct expectation want = {
		.kind = FLOW_LOAD, .at = SLOT, .argument = 1, .pointed = true, .offset = 8};

	(void)state;
	expect_one(structure, sizeof(structure), want, FLOW_CONST, TAG);
	want.offset = 4;
	expect_one(structure, sizeof(structure), want, FLOW_CONST, 0);
	want.offset = 0x1c;
	expect_one(structure, sizeof(structure), want, FLOW_CONST, 0);
}

static void framework(void **state)
{
	struct expectation want = {.kind = FLOW_FIELD, .at = FUNCTIONS, .argument = 3};

	(void)state;
	expect_one(guarded, sizeof(guarded), want, FLOW_CONST, TAG);
}

static void unknown_stays_open(void **state)
{
	struct expectation want = {.kind = FLOW_LOAD, .at = SLOT, .argument = 2};

	(void)state;
	follow(atomic, sizeof(atomic), &want);
	assert_true(want.value.open);
	assert_int_equal(want.value.count, 0);
}

/* ---- the byte scan ---- */

struct found {
	unsigned count, most;
	struct {
		uint32_t rva;
		uint64_t target;
	} items[32];
};

static bool note(void *context, uint32_t rva, uint64_t target)
{
	struct found *found = context;

	assert_in_range(found->count, 0, 31);
	found->items[found->count].rva = rva;
	found->items[found->count++].target = target - 0x140000000;
	return found->count < found->most;
}

static void references(void **state)
{
	static const uint32_t words[] = {
		0x94000200, /* 0x00: bl #0x800 */
		0x140001ff, /* 0x04: b #0x7fc */
		0x90000008, /* 0x08: adrp x8, #0 */
		0xd503201f, /* 0x0c: nop */
		0x91240100, /* 0x10: add x0, x8, #0x900 */
		0xf9448509, /* 0x14: ldr x9, [x8, #0x908] */
		0x10004741, /* 0x18: adr x1, #0x8e8 */
		0x18004762, /* 0x1c: ldr w2, #0x8ec */
		0xd0000008, /* 0x20: adrp x8, #0x2000 */
		0xf9448509, /* 0x24: ldr x9, [x8, #0x908] */
		0x91040114, /* 0x28: add x20, x8, #0x100 */
		0xf9400a89, /* 0x2c: ldr x9, [x20, #0x10] */
		0xa941aa89, /* 0x30: ldp x9, x10, [x20, #0x18] */
		0x39444509, /* 0x34: ldrb w9, [x8, #0x111] */
		0xa8c1aa89, /* 0x38: ldp x9, x10, [x20], #0x18 */
		0xb1044100, /* 0x3c: adds x0, x8, #0x110 */
		0xf94487e9, /* 0x40: ldr x9, [sp, #0x908] */
		0xa901aa89, /* 0x44: stp x9, x10, [x20, #0x18] */
	};
	static const struct {
		uint32_t rva, target;
	} want[] = {
		{0x00, 0x800},  {0x04, 0x800},  {0x10, 0x900},  {0x14, 0x908},
		{0x18, 0x900},  {0x1c, 0x908},  {0x24, 0x908}, /* by the page before the last one */
		{0x2c, 0x2110}, {0x30, 0x2118}, {0x30, 0x2120}, {0x34, 0x2111}};
	static const uint32_t targets[] = {0x800, 0x900, 0x908, 0x2110, 0x2111, 0x2118, 0x2120};
	struct pe_image *image = image_of(words, sizeof(words) / sizeof(words[0]));
	struct refs *refs = refs_create(image);
	struct found found = {.most = 32};

	(void)state;
	assert_non_null(refs);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		assert_true(refs_add_rva(refs, targets[i]));
	refs_scan(refs, note, &found);
	assert_int_equal(found.count, sizeof(want) / sizeof(want[0]));
	for (unsigned i = 0; i < found.count; i++) {
		assert_int_equal(found.items[i].rva, want[i].rva);
		assert_int_equal(found.items[i].target, want[i].target);
	}
	found = (struct found){.most = 2};
	refs_scan(refs, note, &found);
	assert_int_equal(found.count, 2);
	refs_destroy(refs);
	image_free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(registers, create, destroy),
		cmocka_unit_test_setup_teardown(memory, create, destroy),
		cmocka_unit_test_setup_teardown(jumps, create, destroy),
		cmocka_unit_test_setup_teardown(service_calls, create, destroy),
		cmocka_unit_test_setup_teardown(not_instructions, create, destroy),
		cmocka_unit_test_setup_teardown(random_words, create, destroy),
		cmocka_unit_test_setup_teardown(atomics, create, destroy),
		cmocka_unit_test_setup_teardown(helpers, create, destroy),
		cmocka_unit_test_setup_teardown(not_helpers, create, destroy),
		cmocka_unit_test(tags),
		cmocka_unit_test(parameters),
		cmocka_unit_test(structures),
		cmocka_unit_test(framework),
		cmocka_unit_test(unknown_stays_open),
		cmocka_unit_test(references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
