/*
 * See pe_image.h: images in memory, and the look at their bytes. pe_file.c has the images in files.
 */
#include "analyzer/kernel/pe_image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/pe_headers.h"
#include "base/bytes.h"
#include "base/memory.h"

enum { READ_PIECE = 4 << 20 }; /* bytes */

void pe_note(struct pe_image *image, const char *format, ...)
{
	char note[sizeof(image->notes[0])];
	unsigned room = sizeof(image->notes) / sizeof(image->notes[0]);
	va_list args;

	va_start(args, format);
	vsnprintf(note, sizeof(note), format, args);
	va_end(args);
	for (unsigned i = 0; i < image->note_count; i++) {
		if (strcmp(image->notes[i], note) == 0)
			return;
	}
	if (image->note_count < room)
		memcpy(image->notes[image->note_count++], note, sizeof(note));
}

static uint32_t pages_of(uint64_t bytes)
{
	return (uint32_t)((bytes + PE_PAGE - 1) / PE_PAGE);
}

static bool page_is_present(const struct pe_image *image, uint32_t page)
{
	return image->present[page / 64] >> page % 64 & 1;
}

void pe_image_set_present(struct pe_image *image, uint32_t rva, uint32_t size, bool present)
{
	uint32_t end;

	if (size == 0 || rva >= image->size)
		return;
	if (size > image->size - rva)
		size = image->size - rva;
	end = pages_of((uint64_t)rva + size);
	for (uint32_t page = rva / PE_PAGE; page < end; page++) {
		uint64_t bit = (uint64_t)1 << page % 64;

		if (present)
			image->present[page / 64] |= bit;
		else
			image->present[page / 64] &= ~bit;
	}
}

static uint32_t count_present(const struct pe_image *image, uint32_t first, uint32_t end)
{
	uint32_t count = 0;

	for (uint32_t page = first; page < end; page++)
		count += page_is_present(image, page);
	return count;
}

void pe_image_count(struct pe_image *image)
{
	image->pages_present = count_present(image, 0, image->pages);
	for (unsigned i = 0; i < image->section_count; i++) {
		struct pe_section *section = &image->sections[i];
		uint32_t first = section->rva / PE_PAGE;
		uint32_t end = pages_of((uint64_t)section->rva + section->size);

		section->pages = end - first;
		section->pages_present = count_present(image, first, end);
	}
}

static void set_directories(struct pe_image *image, const struct pe_headers *headers)
{
	for (unsigned i = 0; i < PE_DIRECTORIES; i++) {
		image->directories[i] = pe_headers_directory(headers, i, image->size);
		if (headers->directories[i].rva != 0 && image->directories[i].rva == 0)
			pe_note(image, "data directory %u lies outside the image", i);
	}
}

enum ps_status pe_image_create(const struct pe_headers *headers, uint32_t size,
			       struct pe_image **ret, struct ps_error *err)
{
	struct pe_image *image = mem_array(1, sizeof(*image));

	if (!image)
		return ps_fail_memory(err, "a PE image");
	image->pages = pages_of(size);
	image->size = image->pages * PE_PAGE;
	image->machine = headers->machine;
	image->pointer_size = headers->pointer_size;
	image->entry = headers->entry < image->size ? headers->entry : 0;
	/* Fresh pages of the system: those that stay absent cost nothing. */
	image->bytes = mem_array(image->size, 1);
	image->present = mem_array(image->pages / 64 + 1, sizeof(*image->present));
	if (!image->bytes || !image->present) {
		pe_image_close(image);
		return ps_fail_memory(err, "the bytes of a PE image");
	}
	set_directories(image, headers);
	*ret = image;
	return PS_OK;
}

enum ps_status pe_image_set_sections(struct pe_image *image, const struct pe_raw_section *sections,
				     unsigned count, struct ps_error *err)
{
	image->sections = mem_array(count, sizeof(*image->sections));
	if (!image->sections)
		return ps_fail_memory(err, "the sections of a PE image");
	image->section_count = count;
	for (unsigned i = 0; i < count; i++) {
		struct pe_section *section = &image->sections[i];

		memcpy(section->name, sections[i].name, sizeof(section->name));
		section->rva = sections[i].rva;
		section->size = sections[i].size;
		section->characteristics = sections[i].characteristics;
	}
	return PS_OK;
}

void pe_image_close(struct pe_image *image)
{
	if (!image)
		return;
	free(image->bytes);
	free(image->present);
	free(image->sections);
	free(image);
}

/* Bytes to take of an image whose header says `header` and whose list entry says `list`; 0: none.
 */
static uint32_t choose_size(const struct pe_headers *headers, uint64_t list)
{
	uint64_t size = headers->size >= headers->end ? headers->size : 0;

	size = (uint64_t)pages_of(size) * PE_PAGE;
	if (list != 0 && (size == 0 || list < size))
		size = list;
	return size < PE_IMAGE_LIMIT ? (uint32_t)size : PE_IMAGE_LIMIT;
}

static void note_size(struct pe_image *image, uint32_t header, uint64_t list)
{
	if (list != 0 && pages_of(header) != list / PE_PAGE + (list % PE_PAGE != 0))
		pe_note(image,
			"SizeOfImage is 0x%" PRIx32 " in the header and 0x%" PRIx64
			" in the list of modules",
			header, list);
	if (image->size < header && (list == 0 || image->size < list))
		pe_note(image, "only the first 0x%" PRIx32 " bytes of 0x%" PRIx32 " are looked at",
			image->size, header);
}

void pe_note_sections(struct pe_image *image, const struct pe_headers *headers, unsigned read,
		      unsigned wrong)
{
	if (read < headers->section_count)
		pe_note(image, "%u of %u section headers could be read", read,
			headers->section_count);
	if (wrong > 0)
		pe_note(image, "%u section%s: overlapping, empty or outside the image", wrong,
			wrong == 1 ? "" : "s");
}

/* A page of which a minidump holds a part only counts as absent. */
static void read_page(struct pe_image *image, struct space *space, uint32_t rva)
{
	size_t got =
		space_read_partial(space, image->base + rva, image->bytes + rva, PE_PAGE, NULL);

	if (got == PE_PAGE)
		pe_image_set_present(image, rva, PE_PAGE, true);
	else if (got > 0)
		memset(image->bytes + rva, 0, PE_PAGE);
}

/* In pieces whose translations the space still knows when the pages are read. */
static void read_pages(struct pe_image *image, struct space *space)
{
	for (uint32_t rva = 0; rva < image->size; rva += PE_PAGE) {
		if (rva % READ_PIECE == 0)
			space_prefetch(space, image->base + rva,
				       image->size - rva < READ_PIECE ? image->size - rva
								      : READ_PIECE);
		read_page(image, space, rva);
	}
}

static enum ps_status fill_from_memory(struct pe_image *image, const struct pe_reader *reader,
				       const struct pe_headers *headers, struct ps_error *err)
{
	const struct pe_space *from = reader->context;
	struct pe_raw_section sections[PE_SECTION_LIMIT];
	unsigned read = pe_sections_read(reader, headers, sections), wrong;
	unsigned count = pe_sections_arrange(sections, read, image->size, &wrong);

	image->origin = PE_FROM_MEMORY;
	image->base = from->base;
	if (pe_image_set_sections(image, sections, count, err) != PS_OK)
		return err->status;
	pe_note_sections(image, headers, read, wrong);
	pe_identity_read(reader, headers, &image->identity);
	read_pages(image, from->space);
	pe_image_count(image);
	return PS_OK;
}

/* The machine whose page tables the space walks. */
static uint16_t space_machine(const struct space *space)
{
	switch (space_paging(space)) {
	case PAGING_ARM64: return PE_ARM64;
	case PAGING_X64:
	case PAGING_X64_LA57: return PE_X64;
	default: return PE_X86;
	}
}

enum ps_status pe_image_open_bare(struct space *space, uint64_t base, uint64_t size,
				  struct pe_image **ret, struct ps_error *err)
{
	struct pe_headers headers = {.machine = space_machine(space),
				     .pointer_size = space_pointer_size(space)};
	uint32_t length = size < PE_IMAGE_LIMIT ? (uint32_t)size : PE_IMAGE_LIMIT;
	uint64_t va = space_normalize(space, base);

	if (va % PE_PAGE != 0 || length == 0 || va + length < va)
		return ps_fail_at(err, PS_CORRUPT, va, "no PE image can lie at 0x%" PRIx64, va);
	if (pe_image_create(&headers, length, ret, err) != PS_OK)
		return err->status;
	(*ret)->origin = PE_FROM_MEMORY;
	(*ret)->base = va;
	read_pages(*ret, space);
	pe_image_count(*ret);
	return PS_OK;
}

enum ps_status pe_image_open_memory(struct space *space, uint64_t base, uint64_t list_size,
				    struct pe_image **ret, struct ps_error *err)
{
	struct pe_space keep;
	struct pe_reader reader = pe_space_reader(space, space_normalize(space, base), &keep);
	struct pe_headers headers;
	struct pe_image *image;
	uint32_t size;

	if (keep.base % PE_PAGE != 0)
		return ps_fail_at(err, PS_CORRUPT, keep.base,
				  "no PE image %s: images begin with a page", reader.place);
	if (pe_headers_read(&reader, &headers, err) != PS_OK)
		return err->status;
	size = choose_size(&headers, list_size);
	if (size == 0)
		return ps_fail_at(err, PS_CORRUPT, keep.base,
				  "no PE image %s: its SizeOfImage cannot be right", reader.place);
	if (pe_image_create(&headers, size, &image, err) != PS_OK)
		return err->status;
	note_size(image, headers.size, list_size);
	if (fill_from_memory(image, &reader, &headers, err) != PS_OK) {
		pe_image_close(image);
		return err->status;
	}
	*ret = image;
	return PS_OK;
}

const uint8_t *pe_at(const struct pe_image *image, uint32_t rva, size_t length)
{
	uint32_t last;

	if (rva >= image->size || length > image->size - rva)
		return NULL;
	last = length == 0 ? rva : rva + (uint32_t)(length - 1);
	for (uint32_t page = rva / PE_PAGE; page <= last / PE_PAGE; page++) {
		if (!page_is_present(image, page))
			return NULL;
	}
	return image->bytes + rva;
}

/* The first page from that of `rva` to before `end` that is there, or is not; as an RVA. */
static uint32_t next_page(const struct pe_image *image, uint32_t rva, uint32_t end, bool present)
{
	while (rva < end && page_is_present(image, rva / PE_PAGE) != present)
		rva = (rva / PE_PAGE + 1) * PE_PAGE;
	return rva < end ? rva : end;
}

bool pe_section_next(const struct pe_image *image, const struct pe_section *section, unsigned step,
		     struct pe_stretch *stretch)
{
	uint32_t end = section->rva + section->size;
	uint32_t first = next_page(image, section->rva + stretch->end, end, true);

	/* Only the last one can be shorter than a page. */
	stretch->at = (first - section->rva + step - 1) / step * step;
	stretch->end = next_page(image, first, end, false) - section->rva;
	return stretch->at < stretch->end;
}

bool pe_uint(const struct pe_image *image, uint32_t rva, unsigned width, uint64_t *ret)
{
	const uint8_t *at = pe_at(image, rva, width);
	struct bytes bytes;

	if (!at)
		return false;
	bytes = bytes_of(at, width);
	*ret = bytes_uint(&bytes, 0, width);
	return true;
}

/* Most names lie in one page. */
const char *pe_text_at(const struct pe_image *image, uint32_t rva)
{
	uint32_t end = rva;

	while (end - rva < PE_NAME_LIMIT) {
		uint32_t now = PE_PAGE - end % PE_PAGE;
		const uint8_t *at = pe_at(image, end, now);

		if (!at)
			return NULL;
		if (now > PE_NAME_LIMIT - (end - rva))
			now = PE_NAME_LIMIT - (end - rva);
		if (memchr(at, 0, now))
			return (const char *)image->bytes + rva;
		end += now;
	}
	return NULL;
}

bool pe_rva_of(const struct pe_image *image, uint64_t va, uint32_t *ret)
{
	if (va < image->base || va - image->base >= image->size)
		return false;
	*ret = (uint32_t)(va - image->base);
	return true;
}
