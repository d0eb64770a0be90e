/*
 * The decoder of common x86 and x64 instructions against capstone: whatever it takes, it must
 * describe as capstone does. All opcodes of one and two bytes with all ModRM bytes, behind the
 * prefixes that it takes, with random bytes after them; also cut off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "analyzer/owners/flow_x86_decode.h"

enum { LONGEST = 16, SIBS = 2 };

static const uint64_t place = 0xfffff80012345000;

struct pair {
	bool wide;
	csh handle;
	cs_insn *capstone, ours;
	cs_detail detail;
	uint32_t random;
	unsigned taken;
};

static void pair_init(struct pair *pair, bool wide)
{
	memset(pair, 0, sizeof(*pair));
	pair->wide = wide;
	pair->random = 1;
	assert_int_equal(cs_open(CS_ARCH_X86, wide ? CS_MODE_64 : CS_MODE_32, &pair->handle),
			 CS_ERR_OK);
	cs_option(pair->handle, CS_OPT_DETAIL, CS_OPT_ON);
	pair->capstone = cs_malloc(pair->handle);
	assert_non_null(pair->capstone);
}

static void pair_fini(struct pair *pair)
{
	cs_free(pair->capstone, 1);
	cs_close(&pair->handle);
}

static const char *difference_of_operand(const cs_x86_op *a, const cs_x86_op *b)
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
static const char *difference_of_writes(const cs_detail *ours, const cs_detail *theirs)
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
static const char *difference(const cs_insn *ours, const cs_insn *theirs)
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
		words = difference_of_operand(&a->operands[i], &b->operands[i]);
	return words ? words : difference_of_writes(ours->detail, theirs->detail);
}

static void fail_on(const struct pair *pair, const uint8_t *code, size_t size, const char *words)
{
	char text[LONGEST * 3 + 1] = "";

	for (size_t i = 0; i < size; i++)
		snprintf(text + i * 3, sizeof(text) - i * 3, "%02x ", code[i]);
	fail_msg("%s %s: %s", pair->wide ? "x64" : "x86", text, words);
}

static void compare(struct pair *pair, const uint8_t *code, size_t size)
{
	const uint8_t *at = code;
	const char *words;
	uint64_t va = place;

	memset(&pair->ours, 0x55, sizeof(pair->ours));
	memset(&pair->detail, 0x55, sizeof(pair->detail));
	pair->ours.detail = &pair->detail;
	if (!flow_x86_decode(pair->wide, code, size, va, &pair->ours))
		return;
	pair->taken++;
	if (!cs_disasm_iter(pair->handle, &at, &(size_t){size}, &va, pair->capstone))
		fail_on(pair, code, size, "no instruction for capstone");
	words = difference(&pair->ours, pair->capstone);
	if (words)
		fail_on(pair, code, size, words);
}

static uint8_t next_byte(struct pair *pair)
{
	pair->random = pair->random * 1103515245u + 12345u;
	return (uint8_t)(pair->random >> 16);
}

/* Behind `length` bytes of prefixes: every opcode, every ModRM byte. */
static void compare_all(struct pair *pair, const uint8_t *prefixes, size_t length)
{
	uint8_t code[LONGEST];

	for (unsigned opcode = 0; opcode < 512; opcode++) {
		size_t at = length;

		memcpy(code, prefixes, length);
		if (opcode >= 256)
			code[at++] = 0x0f;
		code[at++] = (uint8_t)opcode;
		for (unsigned modrm = 0; modrm < 256 * SIBS; modrm++) {
			for (size_t i = at; i < LONGEST; i++)
				code[i] = next_byte(pair);
			code[at] = (uint8_t)(modrm / SIBS);
			compare(pair, code, LONGEST);
			compare(pair, code, 1 + next_byte(pair) % 8);
		}
	}
}

static void test_as_capstone(bool wide)
{
	static const struct {
		uint8_t length, bytes[3];
	} prefixes[] = {{0, {0}},          {1, {0x66}},       {1, {0x2e}},
			{2, {0x66, 0x2e}}, {2, {0x66, 0x66}}, {3, {0x66, 0x66, 0x2e}},
			{2, {0x66, 0x48}}, {2, {0x66, 0x41}}, {2, {0x66, 0x4f}}};
	struct pair pair;

	pair_init(&pair, wide);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		compare_all(&pair, prefixes[i].bytes, prefixes[i].length);
	for (unsigned rex = 0x40; wide && rex < 0x50; rex++)
		compare_all(&pair, &(uint8_t){(uint8_t)rex}, 1);
	print_message("%u instructions taken\n", pair.taken);
	assert_true(pair.taken > 1000000);
	pair_fini(&pair);
}

static void test_x64(void **state)
{
	(void)state;
	test_as_capstone(true);
}

static void test_x86(void **state)
{
	(void)state;
	test_as_capstone(false);
}

/* The forms that most code is made of are taken, and those that capstone knows better are not. */
static void test_taken(void **state)
{
	static const struct {
		bool taken;
		uint8_t code[LONGEST];
	} rows[] = {
		{true, {0x48, 0x89, 0x5c, 0x24, 0x08}},              /* mov [rsp+8], rbx */
		{true, {0x41, 0xb8, 0x54, 0x61, 0x67, 0x31}},        /* mov r8d, 31676154h */
		{true, {0xff, 0x15, 0x00, 0x10, 0x00, 0x00}},        /* call [rip+1000h] */
		{true, {0x48, 0x8d, 0x0d, 0x00, 0x10, 0x00, 0x00}},  /* lea rcx, [rip+1000h] */
		{true, {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00}},        /* a long no-operation */
		{false, {0x65, 0x48, 0x8b, 0x04, 0x25, 0x88, 0x01}}, /* mov rax, gs:[188h] */
		{false, {0xf0, 0x0f, 0xc1, 0x01}},                   /* lock xadd [rcx], eax */
		{false, {0xc5, 0xf8, 0x77}},                         /* vzeroupper */
		{false, {0x67, 0x8b, 0x01}},                         /* mov eax, [ecx] */
	};
	struct pair pair;

	(void)state;
	pair_init(&pair, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pair.ours.detail = &pair.detail;
		assert_int_equal(flow_x86_decode(true, rows[i].code, LONGEST, place, &pair.ours),
				 rows[i].taken);
	}
	pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x64),
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
