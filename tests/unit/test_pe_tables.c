/* Exports, imports, function bodies and the version resource of PE images, true and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "pe_scene.h"

enum {
	X64 = 0x8664,
	X86 = 0x14c,
	ARM64 = 0xaa64,
	RDATA_PAGES = 1 << 2 | 1 << 3,
	INIT_PAGE = 1 << 8,
};

/* What a visitor was told, a word an item. */
struct told {
	char text[1024];
	unsigned count, most;
};

static bool tell(struct told *told, const char *words)
{
	size_t used = strlen(told->text);

	snprintf(told->text + used, sizeof(told->text) - used, "%s ", words);
	return ++told->count != told->most;
}

/* ---- exports ---- */

static bool tell_export(void *context, const struct pe_export *export)
{
	char words[256];

	snprintf(words, sizeof(words), "%s#%u@%x%s%s", export->name ? export->name : "",
		 export->ordinal, export->rva, export->forward ? "->" : "",
		 export->forward ? export->forward : "");
	return tell(context, words);
}

enum { EXPORTS = MADE_RDATA, FUNCTIONS = EXPORTS + 0x40, NAMES = EXPORTS + 0x80 };
enum { ORDINALS = EXPORTS + 0xc0, STRINGS = EXPORTS + 0x100 };

/* Ordinals 5 to 9: second named Alpha, unused, forwarder named Beta, third, first named Zeta. */
static void put_exports(struct made_pe *pe)
{
	static const uint32_t functions[] = {0x1100, 0, STRINGS + 0x40, 0x1300, 0x1000};
	static const uint16_t ordinals[] = {0, 2, 4};

	made_pe_directory(pe, PE_EXPORT, EXPORTS, 0x200);
	made_pe_put(pe, EXPORTS + 0x10, 5, 4);
	made_pe_put(pe, EXPORTS + 0x14, 5, 4);
	made_pe_put(pe, EXPORTS + 0x18, 3, 4);
	made_pe_put(pe, EXPORTS + 0x1c, FUNCTIONS, 4);
	made_pe_put(pe, EXPORTS + 0x20, NAMES, 4);
	made_pe_put(pe, EXPORTS + 0x24, ORDINALS, 4);
	for (unsigned i = 0; i < 5; i++)
		made_pe_put(pe, FUNCTIONS + i * 4, functions[i], 4);
	for (unsigned i = 0; i < 3; i++) {
		made_pe_put(pe, NAMES + i * 4, STRINGS + i * 0x10, 4);
		made_pe_put(pe, ORDINALS + i * 2, ordinals[i], 2);
	}
	made_pe_text(pe, STRINGS, "Alpha");
	made_pe_text(pe, STRINGS + 0x10, "Beta");
	made_pe_text(pe, STRINGS + 0x20, "Zeta");
	made_pe_text(pe, STRINGS + 0x40, "HAL.Beta");
}

static void assert_exports(struct pe_image *image, bool want, const char *words)
{
	struct told told = {.most = 1000};

	assert_int_equal(pe_exports(image, tell_export, &told), want);
	assert_string_equal(told.text, words);
}

static void test_exports(void **state)
{
	static const char all[] = "Alpha#5@1100 Beta#7@0->HAL.Beta Zeta#9@1000 #8@1300 ";
	struct scene *s = scene_new(X64);
	struct told told = {.most = 2};

	(void)state;
	assert_exports(scene_must_file(s), false, "");
	assert_int_equal(s->image->note_count, 0);
	put_exports(&s->pe);
	assert_exports(scene_must_file(s), true, all);
	assert_int_equal(s->image->note_count, 0);
	assert_true(pe_exports(s->image, tell_export, &told));
	assert_string_equal(told.text, "Alpha#5@1100 Beta#7@0->HAL.Beta ");
	assert_exports(scene_must_memory(s, 0, 0), true, all);
	assert_exports(scene_must_memory(s, RDATA_PAGES, 0), false, "");
	scene_assert_note(s->image, "the export directory is not there");
	scene_free(s);
}

static void test_bad_exports(void **state)
{
	struct scene *s = scene_new(X64);

	(void)state;
	put_exports(&s->pe);
	made_pe_put(&s->pe, NAMES, 0xfffffff0, 4);      /* name outside */
	made_pe_put(&s->pe, ORDINALS + 2, 5, 2);        /* no such function */
	made_pe_put(&s->pe, FUNCTIONS + 12, 0x9000, 4); /* behind the image */
	assert_exports(scene_must_file(s), true, "#5@1100 Zeta#9@1000 #7@0->HAL.Beta ");
	scene_assert_note(s->image, "1 export: not there, or cannot be right");
	made_pe_put(&s->pe, EXPORTS + 0x14, 0xffffffff, 4);
	made_pe_put(&s->pe, EXPORTS + 0x18, 0xffffffff, 4);
	made_pe_put(&s->pe, EXPORTS + 0x20, EXPORTS, 4); /* names are the directory itself */
	pe_exports(scene_must_file(s), tell_export, &(struct told){.most = 1000000});
	scene_assert_note(s->image,
			  "the export directory names 4294967295 functions and 4294967295");
	made_pe_put(&s->pe, EXPORTS + 0x1c, 0xffffffff, 4);
	made_pe_put(&s->pe, EXPORTS + 0x24, 0x8fff, 4);
	assert_exports(scene_must_file(s), true, "");
	scene_free(s);
}

/* Names run into a page that is not in the dump, and one has no end. */
static void test_cut_exports(void **state)
{
	struct scene *s = scene_new(X64);

	(void)state;
	put_exports(&s->pe);
	made_pe_put(&s->pe, NAMES, 0x2ffc, 4);
	made_pe_text(&s->pe, 0x2ffc, "Crossing");
	assert_exports(scene_must_memory(s, 1 << 3, 0), true,
		       "#5@1100 Beta#7@0->HAL.Beta Zeta#9@1000 #8@1300 ");
	memset(s->pe.bytes + MADE_RSRC, 'x', 0x3000);
	made_pe_put(&s->pe, NAMES, MADE_RSRC, 4);
	assert_exports(scene_must_memory(s, 0, 0), true,
		       "#5@1100 Beta#7@0->HAL.Beta Zeta#9@1000 #8@1300 ");
	scene_free(s);
}

/* ---- imports ---- */

static bool tell_import(void *context, const struct pe_import *import)
{
	char words[256];

	snprintf(words, sizeof(words), "%s!%s#%u@%x", import->dll, import->name ? import->name : "",
		 import->ordinal, import->slot);
	return tell(context, words);
}

enum { IMPORTS = MADE_INIT, LOOKUP = MADE_INIT + 0x100, HINTS = MADE_INIT + 0x200 };
enum { SLOTS = MADE_RDATA + 0x800 };

/* Two of ntoskrnl, the second by ordinal 9; one of HAL, whose slots come first. */
static void put_imports(struct made_pe *pe)
{
	unsigned w = pe->pointer;
	uint64_t by_ordinal = (uint64_t)1 << (w * 8 - 1);

	made_pe_directory(pe, PE_IMPORT, IMPORTS, 0x3c);
	made_pe_put(pe, IMPORTS, LOOKUP, 4);
	made_pe_put(pe, IMPORTS + 0x0c, HINTS + 0x80, 4);
	made_pe_put(pe, IMPORTS + 0x10, SLOTS + 2 * w, 4);
	made_pe_put(pe, IMPORTS + 0x14, LOOKUP + 0x40, 4);
	made_pe_put(pe, IMPORTS + 0x20, HINTS + 0x90, 4);
	made_pe_put(pe, IMPORTS + 0x24, SLOTS, 4);
	made_pe_put(pe, LOOKUP, HINTS, w);
	made_pe_put(pe, LOOKUP + w, by_ordinal | 9, w);
	made_pe_put(pe, LOOKUP + 0x40, HINTS + 0x40, w);
	made_pe_text(pe, HINTS + 2, "ExFreePool");
	made_pe_text(pe, HINTS + 0x42, "KfRaiseIrql");
	made_pe_text(pe, HINTS + 0x80, "ntoskrnl.exe");
	made_pe_text(pe, HINTS + 0x90, "HAL.dll");
}

static void assert_imports(struct pe_image *image, bool want, const char *words)
{
	struct told told = {.most = 0};

	assert_int_equal(pe_imports(image, tell_import, &told), want);
	assert_string_equal(told.text, words);
}

static void test_imports(void **state)
{
	static const char wide[] = "ntoskrnl.exe!ExFreePool#0@2810 ntoskrnl.exe!#9@2818 "
				   "HAL.dll!KfRaiseIrql#0@2800 ";
	static const char narrow[] = "ntoskrnl.exe!ExFreePool#0@2808 ntoskrnl.exe!#9@280c "
				     "HAL.dll!KfRaiseIrql#0@2800 ";
	struct scene *s = scene_new(X64), *t = scene_new(X86);
	struct pe_range iat;

	(void)state;
	assert_imports(scene_must_file(s), false, "");
	put_imports(&s->pe);
	assert_imports(scene_must_file(s), true, wide);
	iat = pe_iat(s->image);
	assert_int_equal(iat.rva, SLOTS);
	assert_int_equal(iat.size, 0x20);
	/* Slots in memory have addresses; the lookup tables still have names. */
	made_pe_put(&s->pe, SLOTS, 0xfffff80011112222, 8);
	assert_imports(scene_must_memory(s, 0, 0), true, wide);
	assert_int_equal(s->image->note_count, 0);
	put_imports(&t->pe);
	assert_imports(scene_must_file(t), true, narrow);
	iat = pe_iat(t->image);
	assert_int_equal(iat.rva, SLOTS);
	assert_int_equal(iat.size, 0x10);
	scene_free(s);
	scene_free(t);
}

static void test_discarded_imports(void **state)
{
	struct scene *s = scene_new(X64);
	struct pe_range iat;

	(void)state;
	put_imports(&s->pe);
	assert_imports(scene_must_memory(s, INIT_PAGE, 0), false, "");
	assert_string_equal(s->image->notes[0], "the import tables are not all there");
	assert_int_equal(s->image->note_count, 1);
	assert_int_equal(pe_iat(s->image).size, 0);
	made_pe_directory(&s->pe, PE_IAT, SLOTS, 0x20);
	iat = pe_iat(scene_must_memory(s, INIT_PAGE, 0));
	assert_int_equal(iat.rva, SLOTS);
	assert_int_equal(iat.size, 0x20);
	scene_free(s);
}

static void test_bad_imports(void **state)
{
	struct scene *s = scene_new(X64);

	(void)state;
	put_imports(&s->pe);
	made_pe_put(&s->pe, LOOKUP, 0x100000000 | HINTS, 8); /* neither name nor ordinal */
	made_pe_put(&s->pe, IMPORTS + 0x20, 0x20000, 4);     /* the second library's name */
	assert_imports(scene_must_file(s), false, "ntoskrnl.exe!#9@2818 ");
	assert_string_equal(s->image->notes[0], "the import tables cannot all be right");
	assert_int_equal(s->image->note_count, 1);
	put_imports(&s->pe);
	made_pe_put(&s->pe, IMPORTS, 0x8ff8, 4); /* no end before the end of the image */
	made_pe_put(&s->pe, 0x8ff8, HINTS, 8);
	assert_imports(scene_must_memory(s, 0, 0), false,
		       "ntoskrnl.exe!ExFreePool#0@2810 HAL.dll!KfRaiseIrql#0@2800 ");
	put_imports(&s->pe);
	made_pe_put(&s->pe, IMPORTS, 0, 4); /* no lookup table: the slots of a file have names */
	made_pe_put(&s->pe, SLOTS + 16, HINTS, 8);
	assert_imports(scene_must_file(s), true,
		       "ntoskrnl.exe!ExFreePool#0@2810 HAL.dll!KfRaiseIrql#0@2800 ");
	assert_imports(scene_must_memory(s, 0, 0), false, "HAL.dll!KfRaiseIrql#0@2800 ");
	memset(s->pe.bytes + MADE_INIT, 0x20, 0x1000); /* RVAs of 0x20202020 without end */
	assert_imports(scene_must_file(s), false, "");
	memset(s->pe.bytes + MADE_INIT, 0, 0x1000);
	for (uint32_t at = MADE_INIT; at < MADE_INIT + 0x1000; at += 4)
		made_pe_put(&s->pe, at, MADE_INIT, 4); /* everything points to itself */
	assert_imports(scene_must_file(s), false, "");
	scene_free(s);
}

/* ---- functions ---- */

static void assert_functions(struct pe_image *image, const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_functions functions;
	struct told told = {.most = 0};

	assert_int_equal(pe_functions_read(image, &functions, &err), PS_OK);
	for (size_t i = 0; i < functions.count; i++) {
		const struct pe_function *f = &functions.items[i];
		char text[64];

		snprintf(text, sizeof(text), "%x-%x:%x", f->begin, f->end, f->root);
		tell(&told, text);
		assert_ptr_equal(pe_function_at(&functions, f->begin), f);
		assert_ptr_equal(pe_function_at(&functions, f->end - 1), f);
		assert_ptr_not_equal(pe_function_at(&functions, f->end), f);
	}
	assert_null(pe_function_at(&functions, 0));
	assert_string_equal(told.text, words);
	pe_functions_fini(&functions);
}

enum { PDATA = MADE_RDATA, UNWIND = MADE_RDATA + 0x1000 };

static void put_record(struct made_pe *pe, unsigned index, uint32_t begin, uint32_t end,
		       uint32_t unwind)
{
	made_pe_put(pe, PDATA + index * 12, begin, 4);
	made_pe_put(pe, PDATA + index * 12 + 4, end, 4);
	made_pe_put(pe, PDATA + index * 12 + 8, unwind, 4);
	made_pe_directory(pe, PE_EXCEPTION, PDATA, (index + 1) * 12);
}

/* Unwind information with `codes` codes that is chained to a record; begin 0: not chained. */
static void put_unwind(struct made_pe *pe, uint32_t rva, unsigned codes, uint32_t begin,
		       uint32_t end, uint32_t unwind)
{
	uint32_t after = rva + 4 + (codes + 1) / 2 * 4;

	made_pe_put(pe, rva, begin ? 0x21 : 0x01, 1);
	made_pe_put(pe, rva + 2, codes, 1);
	if (begin == 0)
		return;
	made_pe_put(pe, after, begin, 4);
	made_pe_put(pe, after + 4, end, 4);
	made_pe_put(pe, after + 8, unwind, 4);
}

static void test_x64_functions(void **state)
{
	struct scene *s = scene_new(X64);

	(void)state;
	assert_functions(scene_must_file(s), "");
	put_unwind(&s->pe, UNWIND, 3, 0, 0, 0);
	put_unwind(&s->pe, UNWIND + 0x20, 0, 0x1000, 0x1040, UNWIND);
	put_unwind(&s->pe, UNWIND + 0x40, 5, 0x1080, 0x1090, UNWIND + 0x20);
	put_record(&s->pe, 0, 0x1100, 0x1180, UNWIND); /* not sorted */
	put_record(&s->pe, 1, 0x1000, 0x1040, UNWIND);
	put_record(&s->pe, 2, 0x1080, 0x1090, UNWIND + 0x20);
	put_record(&s->pe, 3, 0x10a0, 0x10b0, UNWIND + 0x40); /* over two links */
	put_record(&s->pe, 4, 0x1200, 0x1210, (PDATA + 2 * 12) | 1);
	put_record(&s->pe, 5, 0, 0, 0);
	assert_functions(scene_must_file(s), "1000-1040:1000 1080-1090:1000 10a0-10b0:1000 "
					     "1100-1180:1100 1200-1210:1000 ");
	assert_int_equal(s->image->note_count, 0);
	made_pe_put(&s->pe, MADE_PE_NT + 4, X86, 2);
	assert_functions(scene_must_file(s), "");
	scene_free(s);
}

static void test_bad_x64_functions(void **state)
{
	struct scene *s = scene_new(X64);

	(void)state;
	put_unwind(&s->pe, UNWIND, 0, 0, 0, 0);
	put_unwind(&s->pe, UNWIND + 0x20, 1, 0x1020, 0x1030, UNWIND + 0x20); /* to itself */
	put_record(&s->pe, 0, 0x1000, 0x1020, UNWIND);
	put_record(&s->pe, 1, 0x1010, 0x1018, UNWIND); /* inside the first */
	put_record(&s->pe, 2, 0x1020, 0x1030, UNWIND + 0x20);
	put_record(&s->pe, 3, 0x1040, 0x1040, UNWIND);     /* empty */
	put_record(&s->pe, 4, 0x1050, 0x9001, UNWIND);     /* leaves the image */
	put_record(&s->pe, 5, 0x1060, 0x1070, 0xfffffff0); /* unwind information outside */
	put_record(&s->pe, 6, 0x1080, 0x1090, (PDATA + 6 * 12) | 1); /* this very record */
	assert_functions(scene_must_file(s),
			 "1000-1020:1000 1020-1030:1020 1060-1070:1060 1080-1090:1080 ");
	scene_assert_note(s->image, "3 function records: cannot be right");
	scene_assert_note(s->image,
			  "3 function records: whether they are parts of another one is not known");
	scene_free(s);
}

static void test_absent_functions(void **state)
{
	struct scene *s = scene_new(X64);

	(void)state;
	put_unwind(&s->pe, MADE_RSRC, 0, 0, 0, 0);
	for (unsigned i = 0; i < 0x300; i++)
		put_record(&s->pe, i, 0x1000 + i * 4, 0x1004 + i * 4, MADE_RSRC);
	made_pe_directory(&s->pe, PE_EXCEPTION, PDATA + 0xfe8, 4 * 12); /* 2 in each page */
	made_pe_put(&s->pe, PDATA + 0xfe8, 0x1100, 4);
	made_pe_put(&s->pe, PDATA + 0xfe8 + 4, 0x1104, 4);
	made_pe_put(&s->pe, PDATA + 0xfe8 + 8, MADE_RSRC, 4);
	made_pe_put(&s->pe, PDATA + 0xff4, 0x1104, 4);
	made_pe_put(&s->pe, PDATA + 0xff8, 0x1108, 4);
	made_pe_put(&s->pe, PDATA + 0xffc, MADE_RSRC, 4);
	assert_functions(scene_must_memory(s, 1 << 3, 0), "1100-1104:1100 1104-1108:1104 ");
	scene_assert_note(s->image, "2 function records: not there");
	assert_functions(scene_must_memory(s, RDATA_PAGES, 0), "");
	scene_assert_note(s->image, "4 function records: not there");
	scene_free(s);
}

static void put_arm64(struct made_pe *pe, unsigned index, uint32_t begin, uint32_t unwind)
{
	made_pe_put(pe, PDATA + index * 8, begin, 4);
	made_pe_put(pe, PDATA + index * 8 + 4, unwind, 4);
	made_pe_directory(pe, PE_EXCEPTION, PDATA, (index + 1) * 8);
}

static void test_arm64_functions(void **state)
{
	struct scene *s = scene_new(ARM64);

	(void)state;
	/* 16 instructions, one epilog scope, one word of codes: an ordinary one */
	made_pe_put(&s->pe, UNWIND, 0x10 | 1 << 22 | 1u << 27, 4);
	made_pe_put(&s->pe, UNWIND + 8, 0xe4e3e1, 4);
	/* 8 instructions, E (so 22-26 are no count), codes that begin with end_c: a fragment */
	made_pe_put(&s->pe, UNWIND + 0x20, 8 | 1 << 21 | 1 << 22 | 1u << 27, 4);
	made_pe_put(&s->pe, UNWIND + 0x24, 0xe4e5, 4);
	/* both counts 0: in the second word, 2 scopes and one word of codes, end_c first */
	made_pe_put(&s->pe, UNWIND + 0x40, 4, 4);
	made_pe_put(&s->pe, UNWIND + 0x44, 2 | 1 << 16, 4);
	made_pe_put(&s->pe, UNWIND + 0x50, 0xe4e5, 4);
	put_arm64(&s->pe, 0, 0x1000, 32 << 2 | 1);   /* packed: 32 instructions */
	put_arm64(&s->pe, 1, 0x1080, 16 << 2 | 2);   /* a fragment that adjoins it */
	put_arm64(&s->pe, 2, 0x10c0, UNWIND + 0x20); /* and another */
	put_arm64(&s->pe, 3, 0x1100, UNWIND + 0x40); /* apart: nobody's */
	put_arm64(&s->pe, 4, 0x1110, UNWIND + 0x40);
	put_arm64(&s->pe, 5, 0x1200, UNWIND);
	put_arm64(&s->pe, 6, 0, 0);
	assert_functions(scene_must_file(s), "1000-1080:1000 1080-10c0:1000 10c0-10e0:1000 "
					     "1100-1110:1100 1110-1120:1100 1200-1240:1200 ");
	assert_int_equal(s->image->note_count, 0);
	scene_free(s);
}

static void test_bad_arm64_functions(void **state)
{
	struct scene *s = scene_new(ARM64);

	(void)state;
	put_arm64(&s->pe, 0, 0x1000, 32 << 2 | 3); /* reserved */
	put_arm64(&s->pe, 1, 0x1000, 0 << 2 | 1);  /* no length */
	put_arm64(&s->pe, 2, 0x8ffc, 2 << 2 | 1);  /* leaves the image */
	put_arm64(&s->pe, 3, 0xffffff00, 0x7ff << 2 | 1);
	put_arm64(&s->pe, 4, 0x1000, 0x9000); /* unwind record outside */
	put_arm64(&s->pe, 5, 0x1000, 4 << 2 | 2);
	assert_functions(scene_must_file(s), "1000-1010:1000 ");
	scene_assert_note(s->image, "4 function records: cannot be right");
	scene_assert_note(s->image, "1 function record: not there");
	scene_free(s);
}

/* ---- version ---- */

enum { TREE = MADE_RSRC, DATA = MADE_RSRC + 0x400 };

static void put_directory(struct made_pe *pe, uint32_t offset, uint16_t ids)
{
	made_pe_put(pe, TREE + offset + 14, ids, 2);
}

static void put_entry(struct made_pe *pe, uint32_t offset, unsigned index, uint32_t id, uint32_t to)
{
	made_pe_put(pe, TREE + offset + 16 + index * 8, id, 4);
	made_pe_put(pe, TREE + offset + 20 + index * 8, to, 4);
}

/* Type 3, then 16; name 1; languages 0x407, 0x409 and, with other data, 0x409 again. */
static void put_tree(struct made_pe *pe, uint32_t size)
{
	static const uint32_t languages[] = {0x407, 0x409, 0x409};

	made_pe_directory(pe, PE_RESOURCE, TREE, 0x1200);
	put_directory(pe, 0, 2);
	put_entry(pe, 0, 0, 3, 0x80000200);
	put_entry(pe, 0, 1, 16, 0x80000040);
	put_directory(pe, 0x40, 1);
	put_entry(pe, 0x40, 0, 1, 0x80000080);
	put_directory(pe, 0x80, 3);
	for (unsigned i = 0; i < 3; i++) {
		put_entry(pe, 0x80, i, languages[i], 0x100 + i * 16);
		made_pe_put(pe, TREE + 0x100 + i * 16, i == 1 ? DATA : DATA + 0x800, 4);
		made_pe_put(pe, TREE + 0x104 + i * 16, size, 4);
	}
}

/* A block at *at: its place is returned and its length still to be set by end_block(). */
static uint32_t begin_block(struct made_pe *pe, uint32_t *at, const char *key, uint16_t value,
			    uint16_t type)
{
	uint32_t start = *at;

	made_pe_put(pe, start + 2, value, 2);
	made_pe_put(pe, start + 4, type, 2);
	made_pe_wide(pe, start + 6, key);
	*at = (start + 6 + (uint32_t)strlen(key) * 2 + 2 + 3) & ~3u;
	return start;
}

static void end_block(struct made_pe *pe, uint32_t start, uint32_t *at)
{
	made_pe_put(pe, start, *at - start, 2);
	*at = (*at + 3) & ~3u;
}

static void put_string(struct made_pe *pe, uint32_t *at, const char *key, const char *value)
{
	uint32_t start = begin_block(pe, at, key, (uint16_t)(strlen(value) + 1), 1);

	made_pe_wide(pe, *at, value);
	*at += (uint32_t)strlen(value) * 2 + 2;
	end_block(pe, start, at);
}

/* Two tables: a German one first, which has more. */
static uint32_t put_version(struct made_pe *pe, const char *product)
{
	uint32_t at = DATA, root = begin_block(pe, &at, "VS_VERSION_INFO", 52, 0), info, table;

	made_pe_put(pe, at, 0xfeef04bd, 4);
	made_pe_put(pe, at + 8, 0x00060003, 4);
	made_pe_put(pe, at + 12, 0x258004d2, 4);
	made_pe_put(pe, at + 16, 0x00070001, 4);
	made_pe_put(pe, at + 20, 0x00020003, 4);
	at += 52;
	info = begin_block(pe, &at, "VarFileInfo", 0, 1);
	put_string(pe, &at, "CompanyName", "not here");
	end_block(pe, info, &at);
	info = begin_block(pe, &at, "StringFileInfo", 0, 1);
	table = begin_block(pe, &at, "040704b0", 0, 1);
	put_string(pe, &at, "CompanyName", "Firma");
	put_string(pe, &at, "LegalCopyright", "Niemand");
	end_block(pe, table, &at);
	table = begin_block(pe, &at, "040904e4", 0, 1);
	put_string(pe, &at, "CompanyName", "Made Up Inc.");
	put_string(pe, &at, "FileDescription", "A driver\x01");
	put_string(pe, &at, "FileVersion", "6.3.9600.1234");
	put_string(pe, &at, "InternalName", "nobody asks");
	put_string(pe, &at, "OriginalFilename", "made.sys");
	put_string(pe, &at, "ProductName", product);
	end_block(pe, table, &at);
	end_block(pe, info, &at);
	end_block(pe, root, &at);
	return at - DATA;
}

static struct pe_version read_version(struct pe_image *image)
{
	struct pe_version version;

	memset(&version, 0xff, sizeof(version));
	pe_version_read(image, &version);
	assert_int_equal(version.present, version.why_not[0] == '\0');
	return version;
}

static void test_version(void **state)
{
	static const uint16_t file[] = {6, 3, 9600, 1234}, product[] = {7, 1, 2, 3};
	struct scene *s = scene_new(X64);
	struct pe_version v;

	(void)state;
	put_tree(&s->pe, put_version(&s->pe, "Product"));
	for (unsigned i = 0; i < 2; i++) {
		v = read_version(i == 0 ? scene_must_file(s) : scene_must_memory(s, 0, 0));
		assert_string_equal(v.why_not, "");
		assert_memory_equal(v.file, file, sizeof(file));
		assert_memory_equal(v.product_number, product, sizeof(product));
		assert_string_equal(v.company, "Made Up Inc.");
		assert_string_equal(v.product, "Product");
		assert_string_equal(v.description, "A driver\xef\xbf\xbd");
		assert_string_equal(v.file_version, "6.3.9600.1234");
		assert_string_equal(v.original_name, "made.sys");
		assert_string_equal(v.copyright, "Niemand");
		assert_int_equal(s->image->note_count, 0);
	}
	scene_free(s);
}

/* 200 characters of three bytes, behind one of one byte: cut before the 43rd. */
static void test_long_version(void **state)
{
	struct scene *s = scene_new(X64);
	char text[202], want[128] = "x";
	struct pe_version v;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[201] = '\0';
	put_tree(&s->pe, put_version(&s->pe, text));
	for (uint32_t at = DATA; at < DATA + 0x600; at += 2) {
		/* the text is the only run of so many x */
		if (made_pe_get(&s->pe, at - 2, 2) == 'x' && made_pe_get(&s->pe, at, 2) == 'x')
			break;
		if (made_pe_get(&s->pe, at, 2) == 'x' && made_pe_get(&s->pe, at + 2, 2) == 'x') {
			for (uint32_t i = 1; i < 201; i++)
				made_pe_put(&s->pe, at + i * 2, 0x20ac, 2);
			break;
		}
	}
	for (size_t i = 0; i < 42; i++)
		memcpy(want + 1 + i * 3, "\xe2\x82\xac", 4);
	v = read_version(scene_must_file(s));
	assert_string_equal(v.product, want);
	scene_free(s);
}

static void assert_no_version(struct pe_image *image, const char *words)
{
	struct pe_version v = read_version(image);

	assert_false(v.present);
	assert_string_equal(v.why_not, words);
	assert_string_equal(v.company, "");
}

static void test_no_version(void **state)
{
	struct scene *s = scene_new(X64);
	uint32_t size;

	(void)state;
	assert_no_version(scene_must_file(s), "no resources");
	size = put_version(&s->pe, "Product");
	put_tree(&s->pe, size);
	assert_no_version(scene_must_memory(s, 1 << 6, 0), "its pages are not in the dump");
	s->pe.file_bytes = 0x3700;
	assert_no_version(scene_must_file(s), "the file ends before it");
	s->pe.file_bytes = 0;
	put_entry(&s->pe, 0, 1, 17, 0x80000040);
	assert_no_version(scene_must_file(s), "no version resource");
	put_entry(&s->pe, 0, 1, 16, 0x80000000); /* the root again, which has no data below it */
	assert_no_version(scene_must_file(s), "no version resource");
	put_entry(&s->pe, 0, 1, 16, 0x100); /* data where a folder should be */
	assert_no_version(scene_must_file(s), "no version resource");
	put_tree(&s->pe, size);
	made_pe_put(&s->pe, TREE + 0x110, 0x8ff0, 4);
	assert_no_version(scene_must_file(s), "its version resource lies outside the image");
	put_tree(&s->pe, 0xffffffff);
	assert_no_version(scene_must_file(s), "its version resource lies outside the image");
	put_tree(&s->pe, 5);
	assert_no_version(scene_must_file(s), "its version resource cannot be right");
	put_tree(&s->pe, size);
	made_pe_wide(&s->pe, DATA + 6, "XS");
	assert_no_version(scene_must_file(s), "its version resource cannot be right");
	scene_free(s);
}

/* Any byte of tree and resource turned round: the reader must come to an end with something. */
static void test_flipped_version(void **state)
{
	struct scene *s = scene_new(X64);
	uint32_t size = put_version(&s->pe, "Product");
	struct pe_image *image;
	unsigned present = 0;

	(void)state;
	put_tree(&s->pe, size);
	image = scene_must_file(s);
	for (uint32_t rva = TREE; rva < DATA + size; rva++) {
		image->bytes[rva] ^= 0xff;
		present += read_version(image).present;
		image->bytes[rva] ^= 0xff;
	}
	assert_true(present > size / 2 && present < DATA - TREE + size);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exports),
		cmocka_unit_test(test_bad_exports),
		cmocka_unit_test(test_cut_exports),
		cmocka_unit_test(test_imports),
		cmocka_unit_test(test_discarded_imports),
		cmocka_unit_test(test_bad_imports),
		cmocka_unit_test(test_x64_functions),
		cmocka_unit_test(test_bad_x64_functions),
		cmocka_unit_test(test_absent_functions),
		cmocka_unit_test(test_arm64_functions),
		cmocka_unit_test(test_bad_arm64_functions),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_long_version),
		cmocka_unit_test(test_no_version),
		cmocka_unit_test(test_flipped_version),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
