/*
 * libFuzzer: any bytes as a PE file, and as an image in the memory of a dump (pe_memory.h). Aborts
 * when a reader says something that lies outside the image.
 */
#include <string.h>
#include <unistd.h>

#include "analyzer/kernel/driver_files.h"
#include "tests/fuzz/pe_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void as_file(const uint8_t *data, size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files = NULL;
	const struct driver_file *found;
	struct pe_image *image = NULL;
	char path[32];
	const char *const paths[] = {path};
	int fd = pe_memory_file(data, size, path);

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

static void as_memory(const uint8_t *data, size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_image *image = NULL;
	struct pe_memory memory;

	pe_memory_init(&memory, data, size);
	if (pe_image_open_memory(memory.space, memory.va, memory.list_size, &image, &err) == PS_OK)
		check_image(image);
	else
		must(err.text[0] != '\0');
	pe_memory_fini(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!pe_memory_takes(size))
		return 0;
	as_file(data, size);
	as_memory(data, size);
	return 0;
}
