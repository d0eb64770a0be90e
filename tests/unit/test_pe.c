/* PE images by RVA: from a file and from memory, whole, with pages missing, and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/signals.h"
#include "pe_scene.h"

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the image ---- */

static void assert_made_image(struct pe_image *image)
{
	static const struct {
		const char *name;
		uint32_t rva, size, pages;
		bool code, writable, discardable;
	} want[] = {
		{".text", 0x1000, 0xf00, 1, true, false, false},
		{".rdata", 0x2000, 0x1f80, 2, false, false, false},
		{".data", 0x4000, 0x1800, 2, false, true, false},
		{".rsrc", 0x6000, 0x1200, 2, false, false, true},
		{"INIT", 0x8000, 0xa00, 1, true, false, true},
	};

	assert_int_equal(image->size, 0x9000);
	assert_int_equal(image->entry, 0x1010);
	assert_int_equal(image->section_count, 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct pe_section *section = &image->sections[i];

		assert_string_equal(section->name, want[i].name);
		assert_int_equal(section->rva, want[i].rva);
		assert_int_equal(section->size, want[i].size);
		assert_int_equal(section->pages, want[i].pages);
		assert_int_equal(section->pages_present, want[i].pages);
		assert_int_equal(pe_section_is_code(section), want[i].code);
		assert_int_equal(pe_section_is_writable(section), want[i].writable);
		assert_int_equal(pe_section_is_discardable(section), want[i].discardable);
	}
	assert_int_equal(image->identity.timestamp, 0x5e0f1234);
	assert_int_equal(image->identity.size, 0x9000);
	assert_int_equal(image->identity.checksum, 0xc0ffee);
	assert_true(image->identity.pdb_present);
	assert_string_equal(image->identity.pdb_name, "made.pdb");
	assert_string_equal(image->identity.guid_age, "0403020106050807090A0B0C0D0E0F10-2A");
	assert_int_equal(image->pages, 9);
	assert_int_equal(image->note_count, 0);
}

static void put_marks(struct scene *s)
{
	made_pe_debug(&s->pe, MADE_RDATA + 0x1000, "c:\\build/x\\made.pdb");
	made_pe_put(&s->pe, MADE_TEXT, 0x1122334455667788, 8);
	made_pe_put(&s->pe, MADE_DATA + 0x1fc, 0xdeadbeef, 4);
}

static void test_file(void **state)
{
	static const uint16_t machines[] = {0x14c, 0x8664, 0xaa64};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct scene *s = scene_new(machines[i]);
		struct pe_image *image;
		uint64_t value;

		put_marks(s);
		image = scene_must_file(s);
		assert_made_image(image);
		assert_int_equal(image->origin, PE_FROM_FILE);
		assert_int_equal(image->machine, machines[i]);
		assert_int_equal(image->pointer_size, i == 0 ? 4 : 8);
		assert_int_equal(image->base, i == 0 ? 0x10000 : 0x140000000);
		assert_int_equal(image->pages_present, 9);
		assert_true(pe_uint(image, MADE_TEXT, 8, &value));
		assert_int_equal(value, 0x1122334455667788);
		/* The last raw byte of .data, and the zeros that the loader fills it up with. */
		assert_true(pe_uint(image, MADE_DATA + 0x1fc, 8, &value));
		assert_int_equal(value, 0xdeadbeef);
		assert_true(pe_uint(image, MADE_DATA + 0x17fc, 4, &value));
		assert_int_equal(value, 0);
		scene_free(s);
	}
}

static void test_memory(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image;
	uint64_t value;

	(void)state;
	put_marks(s);
	image = scene_must_memory(s, 0, 0x9000);
	assert_made_image(image);
	assert_int_equal(image->origin, PE_FROM_MEMORY);
	assert_int_equal(image->base, scene_loaded_at);
	assert_int_equal(image->pages_present, 9);
	assert_true(pe_uint(image, MADE_DATA + 0x1fc, 4, &value));
	assert_int_equal(value, 0xdeadbeef);
	scene_free(s);
}

static void test_bounds(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image;
	uint64_t value;
	uint32_t rva;

	(void)state;
	image = scene_must_memory(s, 1 << 2 | 1 << 5, 0);
	assert_non_null(pe_at(image, 0, 0x2000));
	assert_null(pe_at(image, 0, 0x2001));
	assert_null(pe_at(image, 0x2fff, 1));
	assert_null(pe_at(image, 0x2fff, 2));
	assert_non_null(pe_at(image, 0x3000, 0x2000));
	assert_non_null(pe_at(image, 0x8fff, 1));
	assert_non_null(pe_at(image, 0x8fff, 0));
	assert_null(pe_at(image, 0x8fff, 2));
	assert_null(pe_at(image, 0x9000, 0));
	assert_null(pe_at(image, 0xffffffff, SIZE_MAX));
	assert_true(pe_uint(image, 0x1ff8, 8, &value));
	assert_false(pe_uint(image, 0x1ff9, 8, &value));
	assert_true(pe_rva_of(image, scene_loaded_at + 0x8fff, &rva));
	assert_int_equal(rva, 0x8fff);
	assert_false(pe_rva_of(image, scene_loaded_at + 0x9000, &rva));
	assert_false(pe_rva_of(image, scene_loaded_at - 1, &rva));
	assert_string_equal(pe_section_at(image, 0x57ff)->name, ".data");
	assert_null(pe_section_at(image, 0x5800));
	assert_null(pe_section_at(image, 0x3ff));
	assert_int_equal(image->sections[1].pages_present, 1);
	assert_int_equal(image->sections[2].pages_present, 1);
	assert_int_equal(image->pages_present, 7);
	scene_free(s);
}

static void test_sizes(void **state)
{
	struct scene *s = scene_new(0x8664);
	uint32_t at = s->pe.optional + 0x38;

	(void)state;
	made_pe_put(&s->pe, at, 0x80000000, 4);
	assert_int_equal(scene_must_memory(s, 0, 0x8000)->size, 0x8000);
	scene_assert_note(s->image,
			  "SizeOfImage is 0x80000000 in the header and 0x8000 in the list");
	scene_assert_note(s->image, "1 section: overlapping, empty or outside the image");
	assert_int_equal(s->image->section_count, 4);
	assert_int_equal(scene_must_memory(s, 0, 0xffffffffffff0000)->size, PE_IMAGE_LIMIT);
	scene_assert_note(s->image, "only the first 0x10000000 bytes of 0x80000000 are looked at");
	assert_int_equal(s->image->pages_present, 9);
	assert_int_equal(scene_must_memory(s, 0, 0)->size, PE_IMAGE_LIMIT);
	made_pe_put(&s->pe, at, 0, 4);
	assert_int_equal(scene_must_memory(s, 0, 0x8123)->size, 0x9000);
	assert_int_equal(scene_memory(s, 0, 0), PS_CORRUPT);
	scene_assert_text(s->error.text,
			  "no PE image at 0xfffff80012340000: its SizeOfImage cannot be");
	assert_int_equal(scene_file(s), PS_CORRUPT);
	made_pe_put(&s->pe, at, 0xffffffff, 4);
	assert_int_equal(scene_must_file(s)->size, PE_IMAGE_LIMIT);
	scene_assert_note(s->image, "only the first 0x10000000 bytes");
	made_pe_put(&s->pe, at, 0x8fff, 4);
	assert_int_equal(scene_must_file(s)->size, 0x9000);
	assert_int_equal(s->image->note_count, 0);
	scene_free(s);
}

static void test_no_image(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image = NULL;

	(void)state;
	assert_int_equal(scene_memory(s, 1, 0), PS_ABSENT);
	scene_assert_text(s->error.text,
			  "cannot read the PE header of the image at 0xfffff80012340000: ");
	assert_int_equal(scene_memory(s, 0, 0), PS_OK);
	assert_int_equal(pe_image_open_memory(s->space, scene_loaded_at + 8, 0, &image, &s->error),
			 PS_CORRUPT);
	scene_assert_text(s->error.text, "images begin with a page");
	s->pe.bytes[0] = 'X';
	assert_int_equal(scene_memory(s, 0, 0), PS_CORRUPT);
	scene_assert_text(s->error.text, "no PE image at 0xfffff80012340000: no MZ");
	assert_int_equal(scene_file(s), PS_CORRUPT);
	scene_assert_text(s->error.text, "file.sys: no MZ");
	scene_free(s);
}

static void assert_stretch(const struct pe_stretch *stretch, uint32_t at, uint32_t end)
{
	assert_int_equal(stretch->at, at);
	assert_int_equal(stretch->end, end);
}

/* Pages 2 and 5 of the image are absent. */
static void test_stretches(void **state)
{
	static const struct pe_section odd = {.rva = 0x1ffe, .size = 0x4003};
	static const struct pe_section absent = {.rva = 0x2000, .size = 0x800};
	struct scene *s = scene_new(0x8664);
	const struct pe_image *image = scene_must_memory(s, 1 << 2 | 1 << 5, 0);
	struct pe_stretch stretch = {0};

	(void)state;
	assert_true(pe_section_next(image, &odd, 4, &stretch));
	assert_stretch(&stretch, 0, 2);
	assert_true(pe_section_next(image, &odd, 4, &stretch));
	assert_stretch(&stretch, 0x1004, 0x3002);
	assert_false(pe_section_next(image, &odd, 4, &stretch)); /* the last byte is in page 6 */
	stretch = (struct pe_stretch){0, 0x3002};
	assert_true(pe_section_next(image, &odd, 1, &stretch));
	assert_stretch(&stretch, 0x4002, 0x4003);
	assert_false(pe_section_next(image, &odd, 1, &stretch));
	stretch = (struct pe_stretch){0};
	assert_false(pe_section_next(image, &absent, 1, &stretch));
	scene_free(s);
}

static void test_bad_files(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image = NULL;

	(void)state;
	s->pe.file_bytes = 0x40;
	assert_int_equal(scene_file(s), PS_CORRUPT);
	scene_assert_text(s->error.text, "cannot read the PE header of the image in ");
	scene_assert_text(s->error.text, "the file ends at 0x40");
	s->pe.file_bytes = 0;
	made_pe_put(&s->pe, MADE_PE_NT + 4, 0x1c4, 2);
	assert_int_equal(scene_file(s), PS_UNSUPPORTED);
	scene_assert_text(s->error.text,
			  "is a PE image for machine 0x1c4; x86, x64 and ARM64 are supported");
	unlink(s->path);
	assert_int_equal(pe_image_open_file(s->path, &image, &s->error), PS_SYSTEM);
	scene_assert_text(s->error.text, "cannot open /");
	scene_assert_text(s->error.text, "file.sys: No such file or directory");
	assert_int_equal(pe_image_open_file(s->memory.directory, &image, &s->error),
			 PS_UNSUPPORTED);
	scene_assert_text(s->error.text, "is no regular file");
	assert_int_equal(mkfifo(s->path, 0600), 0);
	assert_int_equal(pe_image_open_file(s->path, &image, &s->error), PS_UNSUPPORTED);
	scene_free(s);
}

/* Headers 0x400, .text to 0x1400, .rdata to 0x3400, .data to 0x3600, .rsrc to 0x4800. */
static void test_short_file(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image;

	(void)state;
	s->pe.file_bytes = 0x2500; /* of .rdata 0x1100 bytes */
	image = scene_must_file(s);
	scene_assert_note(image, "the file ends inside the bytes for RVA 0x2000");
	assert_non_null(pe_at(image, MADE_RDATA, 0x1000));
	assert_null(pe_at(image, MADE_RDATA + 0x1000, 1));
	assert_null(pe_at(image, MADE_DATA, 1));
	assert_non_null(pe_at(image, MADE_DATA + 0x1000, 0x800)); /* zeros whatever the file has */
	assert_int_equal(image->sections[1].pages_present, 1);
	assert_int_equal(image->sections[2].pages_present, 1);
	assert_int_equal(image->sections[4].pages_present, 0);
	scene_free(s);
}

static void set_section(struct scene *s, unsigned index, uint32_t rva, uint32_t size)
{
	made_pe_put(&s->pe, made_pe_section(&s->pe, index) + 0x0c, rva, 4);
	made_pe_put(&s->pe, made_pe_section(&s->pe, index) + 0x08, size, 4);
}

static void test_bad_sections(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image;

	(void)state;
	s->pe.bytes[made_pe_section(&s->pe, 0)] = 0x1b;
	set_section(s, 0, 0x7000, 0xffffffff); /* over .rsrc's second page and INIT */
	set_section(s, 1, 0xfffff000, 0x2000);
	set_section(s, 2, MADE_DATA, 0); /* SizeOfRawData counts */
	set_section(s, 3, MADE_RSRC, 0x1200);
	set_section(s, 4, MADE_RSRC, 0x100);
	image = scene_must_file(s);
	scene_assert_note(image, "4 sections: overlapping, empty or outside the image");
	assert_int_equal(image->section_count, 3);
	assert_string_equal(image->sections[0].name, ".data");
	assert_int_equal(image->sections[0].size, 0x200);
	assert_string_equal(image->sections[1].name, ".rsrc");
	assert_int_equal(image->sections[1].size, 0x1000);
	assert_string_equal(image->sections[2].name, "?text");
	assert_int_equal(image->sections[2].size, 0x2000);
	made_pe_put(&s->pe, MADE_PE_NT + 6, 0xffff, 2);
	image = scene_must_memory(s, 0, 0);
	scene_assert_note(image, "96 of 65535 section headers could be read");
	made_pe_put(&s->pe, MADE_PE_NT + 0x14, 0xf000, 2);
	image = scene_must_memory(s, 0, 0);
	scene_assert_note(image, "0 of 65535 section headers could be read");
	assert_int_equal(image->section_count, 0);
	scene_free(s);
}

/* The loader begins with the sector that PointerToRawData lies in, where sections are apart by
 * pages; what the raw data has beyond VirtualSize is in the last page too. */
static void test_raw_data(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image;
	uint64_t value;

	(void)state;
	made_pe_put(&s->pe, MADE_TEXT, 0x11223344, 4);
	made_pe_put(&s->pe, MADE_TEXT + 0xffc, 0x55667788, 4);
	made_pe_put(&s->pe, made_pe_section(&s->pe, 0) + 0x14, 0x410, 4);
	image = scene_must_file(s);
	assert_true(pe_uint(image, MADE_TEXT, 4, &value));
	assert_int_equal(value, 0x11223344);
	assert_true(pe_uint(image, MADE_TEXT + 0xffc, 4, &value));
	assert_int_equal(value, 0x55667788);
	made_pe_put(&s->pe, made_pe_section(&s->pe, 0) + 0x14, 0, 4); /* no raw data at all */
	image = scene_must_file(s);
	assert_true(pe_uint(image, MADE_TEXT, 4, &value));
	assert_int_equal(value, 0);
	made_pe_put(&s->pe, made_pe_section(&s->pe, 0) + 0x14, 0xfffffe00,
		    4); /* far behind the end */
	image = scene_must_file(s);
	assert_false(pe_uint(image, MADE_TEXT, 4, &value));
	scene_assert_note(image, "the file ends inside the bytes for RVA 0x1000");
	scene_free(s);
}

/* Sections closer than a page: raw data lies at the RVA, and pages are shared. */
static void test_low_alignment(void **state)
{
	struct scene *s = scene_new(0x14c);
	struct pe_image *image;
	uint64_t value;

	(void)state;
	made_pe_put(&s->pe, s->pe.optional + 0x20, 0x80, 4);
	made_pe_put(&s->pe, s->pe.optional + 0x38, 0xb80, 4);
	made_pe_put(&s->pe, MADE_PE_NT + 6, 2, 2);
	for (unsigned i = 0; i < 2; i++) {
		set_section(s, i, 0x300 + 0x380 * i, 0x380);
		made_pe_put(&s->pe, made_pe_section(&s->pe, i) + 0x10, 0x380, 4);
		made_pe_put(&s->pe, made_pe_section(&s->pe, i) + 0x14, 0x300 + 0x380 * i, 4);
	}
	made_pe_put(&s->pe, s->pe.optional + 0x3c, 0x300, 4);
	made_pe_put(&s->pe, 0x3f8, 0x12345678, 4); /* the last bytes of the headers written */
	image = scene_must_file(s);
	assert_int_equal(image->size, 0x1000);
	assert_int_equal(image->pages_present, 1);
	assert_int_equal(image->note_count, 0);
	assert_true(pe_uint(image, 0x3f8, 4, &value));
	assert_int_equal(value, 0x12345678);
	s->pe.file_bytes = 0x9ff; /* one byte short: the page that both share is not whole */
	assert_null(pe_at(scene_must_file(s), 0x300, 1));
	scene_free(s);
}

static void test_directories(void **state)
{
	struct scene *s = scene_new(0x8664);
	struct pe_image *image;

	(void)state;
	made_pe_directory(&s->pe, PE_IMPORT, MADE_INIT, 0x1001);
	made_pe_directory(&s->pe, PE_EXPORT, 0xfffffff0, 0x40);
	made_pe_directory(&s->pe, PE_SECURITY, 0x100, 0x40);
	made_pe_directory(&s->pe, PE_IAT, MADE_RDATA, 0x40);
	image = scene_must_file(s);
	assert_int_equal(image->directories[PE_IMPORT].rva, 0);
	assert_int_equal(image->directories[PE_EXPORT].size, 0);
	assert_int_equal(image->directories[PE_SECURITY].rva, 0);
	assert_int_equal(image->directories[PE_IAT].rva, MADE_RDATA);
	assert_int_equal(image->note_count, 2);
	scene_assert_note(image, "data directory 1 lies outside the image");
	made_pe_put(&s->pe, s->pe.optional + 0x6c, 12, 4);
	assert_int_equal(scene_must_file(s)->directories[PE_IAT].rva, 0);
	scene_free(s);
}

/* ---- time ---- */

static void put32(struct pe_image *image, uint32_t rva, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		image->bytes[rva + i] = (uint8_t)(value >> 8 * i);
}

/* As many records as are read, each chained to a circle. */
static void put_circles(struct pe_image *image, uint32_t at, uint32_t count)
{
	image->directories[PE_EXCEPTION] = (struct pe_range){at, count * 12};
	put32(image, 0x10000, 0x21);
	put32(image, 0x10004, 0x1000);
	put32(image, 0x10008, 0x1004);
	put32(image, 0x1000c, 0x10000);
	for (uint32_t i = 0; i < count; i++) {
		put32(image, at + i * 12, 0x20000 + (count - i) * 4);
		put32(image, at + i * 12 + 4, 0x20004 + (count - i) * 4);
		put32(image, at + i * 12 + 8, 0x10000);
	}
}

/* As many exports and imports as are read, all with the same name of the greatest length. */
static void put_long_names(struct pe_image *image, uint32_t name, uint32_t tables)
{
	memset(image->bytes + name, 'x', 4094);
	image->directories[PE_EXPORT] = (struct pe_range){tables, 0x40};
	put32(image, tables + 0x14, 0xffffffff);
	put32(image, tables + 0x18, 0xffffffff);
	put32(image, tables + 0x1c, tables + 0x100000);
	put32(image, tables + 0x20, tables + 0x200000);
	put32(image, tables + 0x24, tables + 0x300000);
	image->directories[PE_IMPORT] = (struct pe_range){tables + 0x40, 0x40};
	put32(image, tables + 0x40, tables + 0x400000);
	put32(image, tables + 0x4c, name);
	put32(image, tables + 0x50, tables + 0x500000);
	for (uint32_t i = 0; i < 0x10000; i++) {
		put32(image, tables + 0x100000 + i * 4, 0x1000);
		put32(image, tables + 0x200000 + i * 4, name);
		put32(image, tables + 0x400000 + i * 8, name);
	}
}

static bool count_export(void *count, const struct pe_export *export)
{
	*(unsigned *)count += export->name != NULL;
	return true;
}

static bool count_import(void *count, const struct pe_import *import)
{
	*(unsigned *)count += import->name != NULL;
	return true;
}

/* Everything at its largest at once: 256 MiB, a million records, the longest names. */
static void test_time(void **state)
{
	struct scene *s = scene_new(0x8664);
	unsigned exports = 0, imports = 0;
	struct pe_functions functions;
	struct pe_image *image;
	double start;

	(void)state;
	made_pe_put(&s->pe, s->pe.optional + 0x38, 0xffffffff, 4);
	set_section(s, 2, MADE_DATA, 0xffffffff);
	made_pe_put(&s->pe, MADE_PE_NT + 6, 3, 2);
	start = seconds();
	image = scene_must_file(s);
	assert_int_equal(image->sections[2].size, PE_IMAGE_LIMIT - MADE_DATA);
	put_circles(image, 0x1000000, 1100000);
	put_long_names(image, 0x5000000, 0x6000000);
	assert_int_equal(pe_functions_read(image, &functions, &s->error), PS_OK);
	assert_int_equal(functions.count, 1 << 20);
	pe_functions_fini(&functions);
	assert_true(pe_exports(image, count_export, &exports));
	assert_int_equal(exports, 0x10000);
	assert_false(pe_imports(image, count_import, &imports));
	assert_int_equal(imports, 0x10000);
	scene_must_memory(s, 0xfff0, UINT64_MAX);
	print_message("  everything at its largest: %.2f s\n", seconds() - start);
	assert_true(seconds() - start < 10); /* with sanitizers, which take several times as long */
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),         cmocka_unit_test(test_memory),
		cmocka_unit_test(test_bounds),       cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_image),     cmocka_unit_test(test_stretches),
		cmocka_unit_test(test_bad_files),    cmocka_unit_test(test_short_file),
		cmocka_unit_test(test_bad_sections), cmocka_unit_test(test_low_alignment),
		cmocka_unit_test(test_directories),  cmocka_unit_test(test_raw_data),
		cmocka_unit_test(test_time),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
