/*
 * What finds a hidden KDBG and the pool's variables in code: the cipher against the published
 * steps, and the references of a stretch of code, on images of a few bytes made here.
 */
#include <byteswap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/kernel/code_refs.h"
#include "analyzer/kernel/kdbg_cipher.h"

enum { PAGES = 4, BYTES = PAGES * PE_PAGE, AT = 0x200 };

static const uint64_t image_base_64 = 0xfffff80001200000, image_base_32 = 0x80400000;

/* An image without sections, all of whose pages are there and hold int3. */
struct bare {
	struct pe_image image;
	uint8_t bytes[BYTES];
	uint64_t present[1];
};

static struct bare *new_bare(uint16_t machine)
{
	struct bare *bare = calloc(1, sizeof(*bare));

	assert_non_null(bare);
	memset(bare->bytes, 0xcc, sizeof(bare->bytes));
	bare->present[0] = (1u << PAGES) - 1;
	bare->image = (struct pe_image){.bytes = bare->bytes,
					.size = BYTES,
					.base = machine == PE_X86 ? image_base_32 : image_base_64,
					.machine = machine,
					.pointer_size = machine == PE_X86 ? 4 : 8,
					.present = bare->present,
					.pages = PAGES,
					.pages_present = PAGES};
	return bare;
}

static void read_refs(struct bare *bare, uint32_t rva, uint32_t before, uint32_t after,
		      struct code_refs *ret)
{
	struct code_reader *reader;
	struct ps_error err = PS_ERROR_INIT;

	assert_int_equal(code_reader_create(bare->image.machine, &reader, &err), PS_OK);
	code_refs_read(reader, &bare->image, rva, before, after, ret);
	code_reader_destroy(reader);
}

static void assert_ref(const struct code_refs *refs, unsigned index, uint32_t rva,
		       enum code_ref_kind kind)
{
	assert_true(index < refs->count);
	assert_int_equal(refs->items[index].rva, rva);
	assert_int_equal(refs->items[index].kind, kind);
}

/* What KdDecodeDataBlock undoes, step by step as published. */
static uint64_t encode(uint64_t plain, uint64_t never, uint64_t always, uint64_t flag)
{
	uint64_t q = bswap_64(plain ^ always) ^ flag;
	unsigned turn = (unsigned)never & 63;

	if (turn != 0)
		q = q >> turn | q << (64 - turn);
	return q ^ never;
}

static void test_cipher(void **state)
{
	static const uint64_t nevers[] = {
		0, 0x3f, 0x40, 0x123456789abcdef1, 0xffffffffffffffff, 0x8000000000000020};
	const uint64_t always = 0xfedcba9876543210, flag = 0xfffff8000143d978;

	(void)state;
	for (size_t i = 0; i < sizeof(nevers) / sizeof(nevers[0]); i++) {
		struct kdbg_cipher keys = kdbg_cipher_of_keys(nevers[i], always, flag);
		uint64_t base = encode(image_base_64, nevers[i], always, flag);
		/* The same without keys: one encoded value whose plain text is known. */
		struct kdbg_cipher known = {
			.before = base, .after = image_base_64, .turn = nevers[i] & 63};

		for (uint64_t plain = 1; plain; plain <<= 1) {
			uint64_t encoded = encode(plain, nevers[i], always, flag);

			assert_true(kdbg_decode(&keys, encoded) == plain);
			assert_true(kdbg_decode(&known, encoded) == plain);
		}
	}
}

static void test_refs_x64(void **state)
{
	static const uint8_t code[] = {
		0x80, 0x3d, 0xf9, 0x0d, 0x00, 0x00, 0x00, /* cmp byte [rip+0xdf9], 0 */
		0x48, 0x8b, 0x05, 0xf2, 0x0d, 0x00, 0x00, /* mov rax, [rip+0xdf2] */
		0x48, 0x8d, 0x0d, 0xeb, 0x1d, 0x00, 0x00, /* lea rcx, [rip+0x1deb] */
		0x8b, 0x15, 0xe5, 0x1d, 0x00, 0x00,       /* mov edx, [rip+0x1de5]: four bytes */
		0x48, 0x8b, 0x05, 0x00, 0x00, 0x00, 0x7f, /* far outside the image */
		0x48, 0x0f, 0xc8, 0xc3,                   /* bswap rax; ret */
	};
	struct bare *bare = new_bare(PE_X64);
	struct code_refs refs;

	(void)state;
	memcpy(bare->bytes + AT, code, sizeof(code));
	/* An immediate before the function that looks like the beginning of an instruction. */
	bare->bytes[AT - 3] = 0x48;
	read_refs(bare, AT + sizeof(code) - 4, 0x100, 0x40, &refs);
	assert_int_equal(refs.count, 3);
	assert_ref(&refs, 0, 0x1000, CODE_REF_BYTE);
	assert_ref(&refs, 1, 0x1000, CODE_REF_POINTER);
	assert_ref(&refs, 2, 0x2000, CODE_REF_ADDRESS);
	/* A page that is absent ends the stretch; one with the instruction itself, the search. */
	bare->present[0] = ~1u;
	read_refs(bare, AT + sizeof(code) - 4, 0x100, 0x40, &refs);
	assert_int_equal(refs.count, 0);
	free(bare);
}

static void test_refs_x86(void **state)
{
	static const uint8_t code[] = {
		0x69, 0xc0, 0x5f, 0x9e, 0x00, 0x00,       /* imul eax, eax, 0x9e5f */
		0x23, 0x05, 0x10, 0x10, 0x40, 0x80,       /* and eax, [base+0x1010] */
		0x8b, 0x34, 0xb5, 0x40, 0x10, 0x40, 0x80, /* mov esi, [esi*4+base+0x1040] */
		0xbf, 0x00, 0x20, 0x40, 0x80,             /* mov edi, base+0x2000 */
		0xc3,
	};
	struct bare *bare = new_bare(PE_X86);
	struct code_refs refs;

	(void)state;
	memcpy(bare->bytes + AT, code, sizeof(code));
	read_refs(bare, AT, 0x100, 0x40, &refs);
	assert_int_equal(refs.count, 2);
	assert_ref(&refs, 0, 0x1010, CODE_REF_POINTER);
	assert_ref(&refs, 1, 0x2000, CODE_REF_ADDRESS);
	free(bare);
}

static void put_word(struct bare *bare, uint32_t rva, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++)
		bare->bytes[rva + i] = (uint8_t)(word >> (8 * i));
}

static void test_refs_arm64(void **state)
{
	static const uint32_t code[] = {
		0xb0000008, /* adrp x8, +0x1000 */
		0x39400109, /* ldrb w9, [x8] */
		0xd0000008, /* adrp x8, +0x2000 */
		0xf940090a, /* ldr x10, [x8, 0x10] */
		0x9100810b, /* add x11, x8, 0x20 */
		0xb9403108, /* ldr w8, [x8, 0x30]: four bytes */
		0xdac00d4a, /* rev x10, x10 */
		0xd65f03c0, /* ret */
	};
	struct bare *bare = new_bare(PE_ARM64);
	struct code_refs refs;

	(void)state;
	memset(bare->bytes, 0, AT); /* words that are no instruction change nothing */
	for (uint32_t i = 0; i < sizeof(code) / sizeof(code[0]); i++)
		put_word(bare, AT + 4 * i, code[i]);
	read_refs(bare, AT + 24, 0x100, 0x10, &refs);
	assert_int_equal(refs.count, 3);
	assert_ref(&refs, 0, 0x1000, CODE_REF_BYTE);
	assert_ref(&refs, 1, 0x2010, CODE_REF_POINTER);
	assert_ref(&refs, 2, 0x2020, CODE_REF_ADDRESS);
	free(bare);
}

/* At either end of the image nothing beyond it is touched. */
static void test_refs_at_the_ends(void **state)
{
	static const uint16_t machines[] = {PE_X86, PE_X64, PE_ARM64};

	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bare *bare = new_bare(machines[i]);
		struct code_refs refs;

		for (uint32_t at = 0; at < 8; at++) {
			read_refs(bare, at, 0x400, 0x400, &refs);
			read_refs(bare, BYTES - 1 - at, 0x400, 0x400, &refs);
		}
		read_refs(bare, BYTES, 0x400, 0x400, &refs);
		assert_int_equal(refs.count, 0);
		free(bare);
	}
}

static void test_other_machines(void **state)
{
	struct code_reader *reader;
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	assert_int_equal(code_reader_create(0x200, &reader, &err), PS_UNSUPPORTED);
	assert_string_equal(err.text, "no disassembler for the machine 0x200");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cipher),           cmocka_unit_test(test_refs_x64),
		cmocka_unit_test(test_refs_x86),         cmocka_unit_test(test_refs_arm64),
		cmocka_unit_test(test_refs_at_the_ends), cmocka_unit_test(test_other_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
