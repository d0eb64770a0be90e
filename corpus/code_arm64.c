/*
 * ARM64 machine code for a scan to find: what code.h describes, as words of instructions.
 *
 * Does not: make code that could run, or pointer authentication.
 * Encodings: Arm Architecture Reference Manual, A64.
 */
#include "corpus/code_arm64.h"

#include "corpus/util.h"

enum { X8 = 8, X9, X10 };

static const uint32_t return_word = 0xD65F03C0;

static void word(struct arm64_code *code, uint32_t instruction)
{
	if (code->used + 4 > ARM64_CODE_ROOM)
		die("a piece of code does not fit");
	put32(code->bytes + code->used, instruction);
	code->used += 4;
}

static uint64_t here(const struct arm64_code *code)
{
	return code->va + code->used;
}

static void move(struct arm64_code *code, unsigned to, uint32_t value)
{
	word(code, 0x52800000 | (value & 0xFFFF) << 5 | to); /* movz w */
	if (value >> 16)
		word(code, 0x72A00000 | (value >> 16) << 5 | to); /* movk w, lsl 16 */
}

/* adrp and ldr: eight bytes at `va`, which is aligned to eight. */
static void load(struct arm64_code *code, unsigned to, uint64_t va)
{
	uint32_t pages = (uint32_t)((va >> 12) - (here(code) >> 12));
	word(code, 0x90000000 | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 | to);
	word(code, 0xF9400000 | (uint32_t)(va & 0xFFF) / 8 << 10 | to << 5 | to);
}

static void enter(struct arm64_code *code)
{
	word(code, 0xA9BF7BFD); /* stp x29, x30, [sp, -16]! */
	word(code, 0x910003FD); /* mov x29, sp */
}

static void leave(struct arm64_code *code)
{
	word(code, 0xA8C17BFD); /* ldp x29, x30, [sp], 16 */
	word(code, return_word);
}

static void emit_call(struct arm64_code *code, const struct arm64_call *call)
{
	if (call->direct) {
		uint32_t words = (uint32_t)((call->target - here(code)) / 4);
		word(code, 0x94000000 | (words & 0x3FFFFFF)); /* bl */
		return;
	}
	load(code, X8, call->target);
	word(code, 0xD63F0000 | X8 << 5); /* blr x8 */
}

void arm64_stub(struct arm64_code *code)
{
	move(code, 0, 0);
	word(code, return_word);
}

void arm64_tracker_insert(struct arm64_code *code, uint64_t table, uint64_t size, uint64_t mask)
{
	move(code, X8, 0x9E5F);
	word(code, 0x9BA87C48); /* umull x8, w2, w8 */
	word(code, 0xCA488108); /* eor x8, x8, x8, lsr 32 */
	load(code, X9, mask);
	word(code, 0x0A090108); /* and w8, w8, w9 */
	load(code, X9, table);
	load(code, X10, size);
	word(code, return_word);
}

void arm64_allocation(struct arm64_code *code, uint32_t pool_type, uint32_t size, uint32_t tag,
		      const struct arm64_call *call)
{
	enter(code);
	move(code, 2, tag);
	move(code, 1, size);
	move(code, 0, pool_type);
	emit_call(code, call);
	leave(code);
}

void arm64_free(struct arm64_code *code, uint32_t tag, const struct arm64_call *call)
{
	enter(code);
	move(code, 1, tag);
	emit_call(code, call);
	leave(code);
}

void arm64_pad(struct arm64_code *code, size_t room)
{
	while (code->used + 4 <= room && code->used + 4 <= ARM64_CODE_ROOM)
		word(code, 0xD43E0000); /* brk 0xF000 */
}
