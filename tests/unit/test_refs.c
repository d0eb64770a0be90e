/* The byte scan: references of x86 and x64 code, what is none, absent pages, and a visitor that
 * stops. ARM64 is in test_flow_arm64.c and tests of real drivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/refs.h"

enum { SIZE = 0x5000, CODE = 0x1000, HITS = 16 };

struct scene {
	struct pe_image image;
	struct pe_section sections[2];
	uint64_t present[1];
	uint8_t bytes[SIZE];
	uint32_t rvas[HITS];
	uint64_t targets[HITS];
	unsigned count, stop_after;
};

static struct scene *scene_new(uint16_t machine, uint64_t base)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->sections[0] = (struct pe_section){".text", CODE, 0x2000, 0x60000020, 2, 2};
	scene->sections[1] = (struct pe_section){".data", 0x3000, 0x2000, 0xc0000040, 2, 2};
	scene->present[0] = UINT64_MAX;
	scene->image = (struct pe_image){.bytes = scene->bytes,
					 .size = SIZE,
					 .base = base,
					 .machine = machine,
					 .pointer_size = machine == PE_X86 ? 4 : 8,
					 .sections = scene->sections,
					 .section_count = 2,
					 .present = scene->present,
					 .pages = SIZE / PE_PAGE,
					 .pages_present = SIZE / PE_PAGE};
	scene->stop_after = HITS;
	memset(scene->bytes + CODE, 0x90, SIZE - CODE);
	return scene;
}

static void put32(struct scene *scene, uint32_t rva, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		scene->bytes[rva + i] = (uint8_t)(value >> i * 8);
}

/* A rip-relative operand whose displacement stands at `rva`. */
static void put_operand(struct scene *scene, uint32_t rva, uint32_t target)
{
	scene->bytes[rva - 2] = 0x8b; /* mov rcx, [target] */
	scene->bytes[rva - 1] = 0x0d;
	put32(scene, rva, target - (rva + 4));
}

static bool note(void *context, uint32_t rva, uint64_t target_va)
{
	struct scene *scene = context;

	assert_true(scene->count < HITS);
	scene->rvas[scene->count] = rva;
	scene->targets[scene->count++] = target_va;
	return scene->count < scene->stop_after;
}

static void expect(const struct scene *scene, unsigned index, uint32_t rva, uint64_t target)
{
	assert_true(index < scene->count);
	assert_int_equal(scene->rvas[index], rva);
	assert_int_equal(scene->targets[index], target);
}

static void test_x64(void **state)
{
	const uint64_t base = 0xfffff80012340000, outside = 0xfffff80010000010;
	struct scene *scene = scene_new(PE_X64, base);
	struct refs *refs = refs_create(&scene->image);

	(void)state;
	assert_true(refs_add_rva(refs, 0x3008) && refs_add_rva(refs, 0x1100) &&
		    refs_add_rva(refs, 0x3008) && refs_add_va(refs, outside));
	scene->bytes[0x1010] = 0xff; /* call [3008h] */
	scene->bytes[0x1011] = 0x15;
	put32(scene, 0x1012, 0x3008 - 0x1016);
	scene->bytes[0x1ffe] = 0xe8; /* call 1100h, across two pages */
	put32(scene, 0x1fff, 0x1100u - 0x2003);
	scene->bytes[0x2010] = 0xe8; /* call out of the image */
	put32(scene, 0x2011, (uint32_t)(outside - (base + 0x2015)));
	put32(scene, 0x2020, (uint32_t)(outside - (base + 0x2024))); /* no call */
	put32(scene, 0x3010, 0x3008u - 0x3014);                      /* no code */
	refs_scan(refs, note, scene);
	assert_int_equal(scene->count, 3);
	expect(scene, 0, 0x1012, base + 0x3008);
	expect(scene, 1, 0x1fff, base + 0x1100);
	expect(scene, 2, 0x2011, outside);
	refs_destroy(refs);
	free(scene);
}

/* Two bytes before a displacement: whether an instruction can have it, and one that leads out. */
static bool can_precede(uint8_t second, uint8_t first, bool outside)
{
	bool branch = first == 0xe8 || first == 0xe9 || (second == 0x0f && first >> 4 == 8);

	return branch || (!outside && first >> 6 == 0 && (first & 7) == 5);
}

static void expect_at(struct scene *scene, struct refs *refs, uint32_t rva, bool found)
{
	scene->count = 0;
	refs_scan(refs, note, scene);
	assert_int_equal(scene->count, found);
	if (found)
		assert_int_equal(scene->rvas[0], rva);
}

/* Whatever stands before the displacement, and wherever in the code it is. */
static void test_x64_opcodes(void **state)
{
	const uint64_t base = 0xfffff80012340000, outside = base - 0x100000;
	struct scene *scene = scene_new(PE_X64, base);
	struct refs *refs = refs_create(&scene->image);

	(void)state;
	assert_true(refs_add_rva(refs, 0x3008) && refs_add_va(refs, outside));
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned i = 0; i < 4; i++) {
			uint32_t rva = 0x1040 + (first * 4 + i) % 67;

			memset(scene->bytes + CODE, 0x90, 0x2000);
			scene->bytes[rva - 2] = i & 1 ? 0x0f : 0x48;
			scene->bytes[rva - 1] = (uint8_t)first;
			put32(scene, rva,
			      i & 2 ? (uint32_t)(outside - (base + rva + 4)) : 0x3008 - (rva + 4));
			expect_at(scene, refs, rva,
				  can_precede(i & 1 ? 0x0f : 0x48, (uint8_t)first, i & 2));
		}
	}
	refs_destroy(refs);
	free(scene);
}

/* The first and the last places of a section. */
static void test_x64_places(void **state)
{
	struct scene *scene = scene_new(PE_X64, 0x140000000);
	struct refs *refs = refs_create(&scene->image);

	(void)state;
	assert_true(refs_add_rva(refs, 0x3008));
	for (uint32_t rva = CODE + 1; rva + 4 <= CODE + 0x2000; rva++) {
		if (rva == CODE + 200)
			rva = CODE + 0x2000 - 200;
		memset(scene->bytes + CODE, 0x90, 0x2000);
		scene->bytes[rva - 1] = 0x0d;
		put32(scene, rva, 0x3008 - (rva + 4));
		expect_at(scene, refs, rva, true);
	}
	refs_destroy(refs);
	free(scene);
}

static void test_x86(void **state)
{
	const uint32_t base = 0x10000, outside = 0x80801000;
	struct scene *scene = scene_new(PE_X86, base);
	struct refs *refs = refs_create(&scene->image);

	(void)state;
	assert_true(refs_add_rva(refs, 0x3008) && refs_add_rva(refs, 0x2100) &&
		    refs_add_va(refs, outside));
	put32(scene, 0x1012, base + 0x3008); /* absolute */
	scene->bytes[0x1020] = 0xe9;         /* jmp 2100h */
	put32(scene, 0x1021, 0x2100 - 0x1025);
	scene->bytes[0x1030] = 0x0f; /* je 2100h */
	scene->bytes[0x1031] = 0x84;
	put32(scene, 0x1032, 0x2100 - 0x1036);
	scene->bytes[0x1040] = 0xe8; /* call out of the image */
	put32(scene, 0x1041, outside - (base + 0x1045));
	put32(scene, 0x1051, 0x2100 - 0x1055); /* neither absolute nor behind a jump */
	refs_scan(refs, note, scene);
	assert_int_equal(scene->count, 4);
	expect(scene, 0, 0x1012, base + 0x3008);
	expect(scene, 1, 0x1021, base + 0x2100);
	expect(scene, 2, 0x1032, base + 0x2100);
	expect(scene, 3, 0x1041, outside);
	refs_destroy(refs);
	free(scene);
}

/* Bytes of absent pages mean nothing, also where an operand reaches into one. */
static void test_absent(void **state)
{
	struct scene *scene = scene_new(PE_X64, 0x140000000);
	struct refs *refs = refs_create(&scene->image);

	(void)state;
	assert_true(refs_add_rva(refs, 0x3008));
	put_operand(scene, 0x1012, 0x3008);
	put_operand(scene, 0x1ffe, 0x3008);
	put_operand(scene, 0x2012, 0x3008);
	scene->present[0] = UINT64_MAX ^ 1 << 1;
	refs_scan(refs, note, scene);
	assert_int_equal(scene->count, 1);
	expect(scene, 0, 0x2012, 0x140003008);
	refs_destroy(refs);
	free(scene);
}

static void test_stops(void **state)
{
	struct scene *scene = scene_new(PE_X64, 0x140000000);
	struct refs *refs = refs_create(&scene->image);

	(void)state;
	refs_scan(refs, note, scene); /* without targets */
	assert_int_equal(scene->count, 0);
	assert_true(refs_add_rva(refs, 0x3008));
	put_operand(scene, 0x1012, 0x3008);
	put_operand(scene, 0x1022, 0x3008);
	put_operand(scene, 0x2022, 0x3008);
	scene->stop_after = 2;
	refs_scan(refs, note, scene);
	assert_int_equal(scene->count, 2);
	refs_destroy(refs);
	refs_destroy(NULL);
	free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x64),        cmocka_unit_test(test_x64_opcodes),
		cmocka_unit_test(test_x64_places), cmocka_unit_test(test_x86),
		cmocka_unit_test(test_absent),     cmocka_unit_test(test_stops),
	};

	return cmocka_run_group_tests_name("refs", tests, NULL, NULL);
}
