/*
 * The decoder of common x86 and x64 instructions against capstone: whatever it takes, it must
 * describe as capstone does. All opcodes of one and two bytes with all ModRM bytes, behind the
 * prefixes that it takes, with random bytes after them; also cut off; and random bytes from every
 * place on. tests/owners/decoding.c does the same with the code of drivers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "analyzer/owners/flow_x86_decode.h"
#include "two_decoders.h"

enum { LONGEST = 16, SIBS = 2, RANDOM_BYTES = 1 << 20 };

static const uint64_t place = 0xfffff80012345000;

struct pair {
	bool wide;
	struct two_decoders decoders;
	uint32_t random;
};

static void pair_init(struct pair *pair, bool wide)
{
	memset(pair, 0, sizeof(*pair));
	pair->wide = wide;
	pair->random = 1;
	assert_true(two_decoders_init(&pair->decoders, wide));
}

static void fail_on(const struct pair *pair, const uint8_t *code, size_t size, const char *words)
{
	char text[LONGEST * 3 + 1] = "";

	for (size_t i = 0; i < size; i++)
		snprintf(text + i * 3, sizeof(text) - i * 3, "%02x ", code[i]);
	fail_msg("%s %s: %s", pair->wide ? "x64" : "x86", text, words);
}

static void compare_at(struct pair *pair, const uint8_t *code, size_t size, uint64_t va)
{
	const char *words = two_decoders_differ(&pair->decoders, code, size, va);

	if (words)
		fail_on(pair, code, size < LONGEST ? size : LONGEST, words);
}

static void compare(struct pair *pair, const uint8_t *code, size_t size)
{
	compare_at(pair, code, size, place);
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
	print_message("%u instructions taken\n", (unsigned)pair.decoders.taken);
	assert_true(pair.decoders.taken > 1000000);
	two_decoders_fini(&pair.decoders);
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

/* Random bytes from every place on, where images of each mode lie and at the ends of what they
 * address. */
static void test_random(bool wide)
{
	static const uint64_t wide_places[] = {0, 0x140001000, 0xfffff80012345000, UINT64_MAX - 8};
	static const uint64_t narrow_places[] = {0, 0x11000, 0x80501000, UINT32_MAX - 8};
	uint8_t code[256 + LONGEST];
	struct pair pair;

	pair_init(&pair, wide);
	for (unsigned done = 0; done < RANDOM_BYTES; done += 256) {
		for (size_t i = 0; i < sizeof(code); i++)
			code[i] = next_byte(&pair);
		for (unsigned i = 0; i < 256; i++)
			compare_at(&pair, code + i, sizeof(code) - i,
				   (wide ? wide_places : narrow_places)[i % 4]);
	}
	print_message("%u of %u taken\n", (unsigned)pair.decoders.taken, RANDOM_BYTES);
	assert_true(pair.decoders.taken > RANDOM_BYTES / 4);
	two_decoders_fini(&pair.decoders);
}

static void test_random_x64(void **state)
{
	(void)state;
	test_random(true);
}

static void test_random_x86(void **state)
{
	(void)state;
	test_random(false);
}

/* More than 15 bytes are no instruction, whatever they mean. */
static void test_length(void **state)
{
	static const uint8_t tails[][8] = {{0x90},
					   {0x8b, 0x84, 0x24, 1, 2, 3, 4},
					   {0x2e, 0x0f, 0x1f, 0x84, 0, 1, 2, 3},
					   {0x48, 0x81, 0xc0, 1, 2, 3, 4}};
	uint8_t code[32];
	struct pair pair;

	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		pair_init(&pair, wide);
		for (unsigned tail = 0; tail < 4; tail++) {
			for (unsigned prefixes = 0; prefixes < 18; prefixes++) {
				memset(code, 0x66, sizeof(code));
				memcpy(code + prefixes, tails[tail], sizeof(tails[tail]));
				compare(&pair, code, sizeof(code));
			}
		}
		assert_true(pair.decoders.taken > 10);
		two_decoders_fini(&pair.decoders);
	}
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
	cs_detail detail;
	cs_insn insn = {.detail = &detail};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(flow_x86_decode(true, rows[i].code, LONGEST, place, &insn),
				 rows[i].taken);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x64),        cmocka_unit_test(test_x86),
		cmocka_unit_test(test_random_x64), cmocka_unit_test(test_random_x86),
		cmocka_unit_test(test_length),     cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
