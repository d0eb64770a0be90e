/*
 * The real drivers of ../shared/data/drivers, laid out in a machine's memory as they are when
 * loaded, say the same as their files do. Skipped where they are absent. Their code never runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "pe_scene.h"

enum { ROOT = 0x100000, FIRST_PFN = 0x101, PAGE = 4096, MOST_BYTES = 2 << 20 };

static uint32_t get32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static size_t read_file(const char *path, uint8_t *to)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	assert_non_null(file);
	size = fread(to, 1, MOST_BYTES, file);
	fclose(file);
	assert_true(size < MOST_BYTES);
	return size;
}

/* The test's own loader: headers, sections, slots. */
static uint32_t lay_out(const uint8_t *file, uint8_t *to)
{
	const uint8_t *nt = file + get32(file + 0x3c);
	uint32_t count = get32(nt + 6) & 0xffff, optional = get32(nt + 0x14) & 0xffff;
	const uint8_t *section = nt + 0x18 + optional;
	bool wide = (get32(nt + 0x18) & 0xffff) == 0x20b;
	const uint8_t *iat = nt + 0x18 + (wide ? 0x70 : 0x60) + 12 * 8;

	memcpy(to, file, get32(nt + 0x18 + 0x3c));
	for (uint32_t i = 0; i < count; i++, section += 0x28) {
		uint32_t size = get32(section + 8), raw = get32(section + 16);

		memcpy(to + get32(section + 12), file + get32(section + 20),
		       raw < size ? raw : size);
	}
	/* Resolved: the slots have addresses, not names. */
	memset(to + get32(iat), 0xf8, get32(iat + 4));
	return get32(nt + 0x18 + 0x38);
}

/* ---- what an image says, as text ---- */

static bool print_export(void *to, const struct pe_export *e)
{
	fprintf(to, "export %s %u %x %s\n", e->name ? e->name : "", e->ordinal, e->rva,
		e->forward ? e->forward : "");
	return true;
}

static bool print_import(void *to, const struct pe_import *i)
{
	fprintf(to, "import %s %s %u %x\n", i->dll, i->name ? i->name : "", i->ordinal, i->slot);
	return true;
}

static void print_functions(FILE *to, struct pe_image *image)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_functions functions;

	assert_int_equal(pe_functions_read(image, &functions, &err), PS_OK);
	for (size_t i = 0; i < functions.count; i++)
		fprintf(to, "function %x %x %x\n", functions.items[i].begin, functions.items[i].end,
			functions.items[i].root);
	pe_functions_fini(&functions);
}

static void print_version(FILE *to, struct pe_image *image)
{
	struct pe_version v;

	pe_version_read(image, &v);
	fprintf(to, "version %d %u.%u.%u.%u %s|%s|%s|%s|%s|%s|%s\n", v.present, v.file[0],
		v.file[1], v.file[2], v.file[3], v.company, v.product, v.description,
		v.file_version, v.original_name, v.copyright, v.why_not);
}

static char *words_of(struct pe_image *image)
{
	const struct pe_identity *id = &image->identity;
	char *words = NULL;
	size_t size;
	FILE *to = open_memstream(&words, &size);

	assert_non_null(to);
	fprintf(to, "%x %u %x %x %x %x %s %s\n", image->size, image->pointer_size, image->entry,
		id->timestamp, id->checksum, id->machine, id->pdb_name, id->guid_age);
	for (unsigned i = 0; i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];

		fprintf(to, "section %s %x %x %x %u %u\n", section->name, section->rva,
			section->size, section->characteristics, section->pages,
			section->pages_present);
	}
	for (unsigned i = 0; i < PE_DIRECTORIES; i++)
		fprintf(to, "directory %x %x\n", image->directories[i].rva,
			image->directories[i].size);
	fprintf(to, "imports %d\n", pe_imports(image, print_import, to));
	fprintf(to, "exports %d\n", pe_exports(image, print_export, to));
	print_functions(to, image);
	print_version(to, image);
	for (unsigned i = 0; i < image->note_count; i++)
		fprintf(to, "note %s\n", image->notes[i]);
	assert_int_equal(fclose(to), 0);
	return words;
}

static void load(struct scene *s, const uint8_t *bytes, uint32_t size)
{
	uint64_t next = FIRST_PFN;

	image_page(&s->memory, ROOT / PAGE);
	for (uint32_t rva = 0; rva < size; rva += PAGE) {
		uint64_t pfn = next++;

		memcpy(image_page(&s->memory, pfn), bytes + rva, PAGE);
		image_map_x64(&s->memory, ROOT, scene_loaded_at + rva, pfn * PAGE | 0x63, &next);
	}
	image_write_crash(&s->memory, 64, ROOT, 0);
	if (dump_open(s->memory.path, NULL, &s->dump, &s->error) != PS_OK ||
	    space_create(s->dump, PAGING_X64, ROOT, &s->space, &s->error) != PS_OK)
		fail_msg("%s", s->error.text);
}

static void compare(const char *path)
{
	uint8_t *file = calloc(2, MOST_BYTES), *loaded = file + MOST_BYTES;
	struct scene *s = scene_new(0x8664);
	struct pe_image *from_file = NULL;
	char *want, *got;
	uint32_t size;

	assert_non_null(file);
	read_file(path, file);
	size = lay_out(file, loaded);
	load(s, loaded, size);
	if (pe_image_open_file(path, &from_file, &s->error) != PS_OK ||
	    pe_image_open_memory(s->space, scene_loaded_at, size, &s->image, &s->error) != PS_OK)
		fail_msg("%s", s->error.text);
	want = words_of(from_file);
	got = words_of(s->image);
	assert_string_equal(got, want);
	assert_true(strlen(want) > 1000);
	pe_image_close(from_file);
	free(want);
	free(got);
	free(file);
	scene_free(s);
}

static void test_real_drivers(void **state)
{
	glob_t found;

	(void)state;
	if (glob("../shared/data/drivers/*.sys", 0, NULL, &found) != 0) {
		print_message("  skipped: ../shared/data/drivers is absent\n");
		skip();
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		compare(found.gl_pathv[i]);
	print_message("  %zu drivers\n", found.gl_pathc);
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_drivers),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
