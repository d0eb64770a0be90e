/*
 * libFuzzer: any bytes as a PE file, and the same bytes as an image in the memory of a raw dump,
 * where words of the DOS header say which pages are absent and what size the list of modules has.
 * Aborts when a reader says something that lies outside the image.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/kernel/driver_files.h"

enum {
	TABLES = 4,      /* PFNs 1 to 4: page tables of four levels */
	FIRST_PAGE = 16, /* PFN of the first page of the image */
	MOST_PAGES = 512,
	ABSENT_AT = 2, /* in the DOS header: a bit of 16 for each page */
	LIST_AT = 4,   /* pages that the list of modules has */
};
static const uint64_t image_va = 0xfffff80000000000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(holds) must_at(holds, __LINE__)

static void must_at(bool holds, int line)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_pe.c:%d does not hold\n", line);
	abort();
}

static bool check_export(void *context, const struct pe_export *export)
{
	const struct pe_image *image = context;

	must(export->rva < image->size && (export->rva == 0) == (export->forward != NULL));
	must(!export->name || memchr(export->name, 0, 4096));
	return true;
}

static bool check_import(void *context, const struct pe_import *import)
{
	const struct pe_image *image = context;

	must(import->slot <= image->size - image->pointer_size);
	must(memchr(import->dll, 0, 4096) && (!import->name || memchr(import->name, 0, 4096)));
	return true;
}

static void check_sections(const struct pe_image *image)
{
	uint32_t end = 0;

	for (unsigned i = 0; i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];

		must(section->rva >= end && section->size > 0 && section->rva < image->size &&
		     section->size <= image->size - section->rva);
		must(section->pages_present <= section->pages);
		must(pe_section_at(image, section->rva) == section);
		end = section->rva + section->size;
	}
}

static void check_functions(struct pe_image *image)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_functions functions;
	uint32_t end = 0;

	must(pe_functions_read(image, &functions, &err) == PS_OK);
	for (size_t i = 0; i < functions.count; i++) {
		const struct pe_function *f = &functions.items[i];

		must(f->begin >= end && f->end > f->begin && f->end <= image->size);
		must(f->root < image->size && pe_function_at(&functions, f->begin) == f);
		end = f->end;
	}
	pe_functions_fini(&functions);
}

static void check_image(struct pe_image *image)
{
	struct pe_version version;
	struct pe_range iat;

	must(image->size <= PE_IMAGE_LIMIT && image->size % PE_PAGE == 0 &&
	     image->pages_present <= image->pages);
	check_sections(image);
	pe_exports(image, check_export, image);
	pe_imports(image, check_import, image);
	iat = pe_iat(image);
	must(iat.size == 0 || (iat.rva < image->size && iat.size <= image->size - iat.rva));
	check_functions(image);
	pe_version_read(image, &version);
	must(version.present == (version.why_not[0] == '\0'));
	pe_image_close(image);
}

static int make_file(char path[32])
{
	int fd = memfd_create("pe", MFD_CLOEXEC);

	must(fd >= 0);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

static void as_file(const uint8_t *data, size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files = NULL;
	const struct driver_file *found;
	struct pe_image *image = NULL;
	char path[32];
	const char *const paths[] = {path};
	int fd = make_file(path);

	must(write(fd, data, size) == (ssize_t)size);
	if (pe_image_open_file(path, &image, &err) == PS_OK)
		check_image(image);
	else
		must(err.text[0] != '\0');
	if (driver_files_create(paths, 1, &files, &err) == PS_OK && files->count == 1)
		driver_files_find(files, files->items[0].name, &files->items[0].identity, 0, 0,
				  &found);
	driver_files_destroy(files);
	close(fd);
}

static void put(int fd, uint64_t at, uint64_t value)
{
	must(pwrite(fd, &value, sizeof(value), (off_t)at) == (ssize_t)sizeof(value));
}

/*
 * Writes tables that map the pages of `data`, apart from those that `absent` names. A page of zeros
 * comes last, lest the bytes make the footer of a disk image.
 */
static void write_memory(int fd, const uint8_t *data, size_t size, unsigned absent)
{
	size_t pages = (size + PE_PAGE - 1) / PE_PAGE;

	must(ftruncate(fd, (off_t)((FIRST_PAGE + pages + 1) * PE_PAGE)) == 0);
	for (unsigned level = 1; level < TABLES; level++) {
		unsigned shift = 48 - 9 * level;

		put(fd, (uint64_t)level * PE_PAGE + (image_va >> shift & 0x1ff) * 8,
		    (uint64_t)(level + 1) * PE_PAGE | 0x63);
	}
	for (size_t i = 0; i < pages; i++) {
		if (!(absent >> i % 16 & 1))
			put(fd, (uint64_t)TABLES * PE_PAGE + i * 8,
			    (FIRST_PAGE + i) * PE_PAGE | 0x63);
	}
	must(pwrite(fd, data, size, (off_t)FIRST_PAGE * PE_PAGE) == (ssize_t)size);
}

static void as_memory(const uint8_t *data, size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_image *image = NULL;
	struct space *space = NULL;
	struct dump *dump = NULL;
	char path[32];
	int fd = make_file(path);
	unsigned absent = (unsigned)(data[ABSENT_AT] | data[ABSENT_AT + 1] << 8) & 0xfffe;
	uint64_t list = (uint64_t)(data[LIST_AT] | data[LIST_AT + 1] << 8) * PE_PAGE;

	write_memory(fd, data, size, absent);
	must(dump_open(path, NULL, &dump, &err) == PS_OK);
	must(space_create(dump, PAGING_X64, PE_PAGE, &space, &err) == PS_OK);
	if (pe_image_open_memory(space, image_va, list, &image, &err) == PS_OK)
		check_image(image);
	else
		must(err.text[0] != '\0');
	space_destroy(space);
	dump_close(dump);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 64 || size > MOST_PAGES * PE_PAGE)
		return 0;
	as_file(data, size);
	as_memory(data, size);
	return 0;
}
