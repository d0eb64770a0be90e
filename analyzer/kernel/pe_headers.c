/*
 * See pe_headers.h: the NT headers and the section table.
 */
#include "analyzer/kernel/pe_headers.h"

#include <stdlib.h>

#include "base/bytes.h"

enum {
	DOS_HEADER_BYTES = 0x40,
	DOS_LFANEW = 0x3c,
	LFANEW_LIMIT = 0x1000, /* kernel images have theirs at 0x80..0x200 */

	/* from "PE\0\0" */
	NT_MACHINE = 0x04,
	NT_SECTION_COUNT = 0x06,
	NT_TIMESTAMP = 0x08,
	NT_OPTIONAL_SIZE = 0x14,
	NT_OPTIONAL = 0x18,
	NT_HEADER_BYTES = NT_OPTIONAL + 0xf0, /* PE32+ with all 16 directories */

	/* from the optional header; the same in PE32 and PE32+ where nothing else is said */
	OPTIONAL_MAGIC = 0x00,
	OPTIONAL_ENTRY = 0x10,
	OPTIONAL_BASE_PLUS = 0x18, /* PE32+ */
	OPTIONAL_BASE = 0x1c,      /* PE32 */
	OPTIONAL_ALIGNMENT = 0x20,
	OPTIONAL_IMAGE_SIZE = 0x38,
	OPTIONAL_HEADERS_SIZE = 0x3c,
	OPTIONAL_CHECKSUM = 0x40,
	OPTIONAL_SUBSYSTEM = 0x44,
	OPTIONAL_DIRECTORIES = 0x5c, /* PE32: their count; PE32+ has it 0x10 further */
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,

	SECTION_BYTES = 0x28,
	SECTION_VIRTUAL_SIZE = 0x08,
	SECTION_RVA = 0x0c,
	SECTION_RAW_SIZE = 0x10,
	SECTION_RAW_AT = 0x14,
	SECTION_CHARACTERISTICS = 0x24,
};

static enum ps_status no_image(const struct pe_reader *reader, const char *why,
			       struct ps_error *err)
{
	return ps_fail(err, PS_CORRUPT, "no PE image %s: %s", reader->place, why);
}

/* Directory 4, the certificates, has an offset in the file for an RVA and is left out. */
static void parse_directories(struct bytes *nt, struct pe_headers *headers)
{
	size_t plus = headers->pointer_size == 8 ? 0x10 : 0;
	size_t count_at = NT_OPTIONAL + OPTIONAL_DIRECTORIES + plus;
	size_t end = (size_t)NT_OPTIONAL + bytes_u16(nt, NT_OPTIONAL_SIZE);
	uint32_t count = bytes_u32(nt, count_at);

	for (unsigned i = 0; i < PE_DIRECTORIES && i < count; i++) {
		size_t at = count_at + 4 + (size_t)i * 8;

		if (at + 8 <= end && i != PE_SECURITY)
			headers->directories[i] =
				(struct pe_range){bytes_u32(nt, at), bytes_u32(nt, at + 4)};
	}
}

static enum ps_status parse_nt_headers(const struct pe_reader *reader, struct bytes *nt,
				       struct pe_headers *headers, struct ps_error *err)
{
	uint16_t magic = bytes_u16(nt, NT_OPTIONAL + OPTIONAL_MAGIC);

	if (!bytes_equal(nt, 0, "PE\0\0", 4))
		return no_image(reader, "MZ without PE", err);
	if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
		return no_image(reader, "unknown kind of optional header", err);
	headers->pointer_size = magic == MAGIC_PE32_PLUS ? 8 : 4;
	headers->machine = bytes_u16(nt, NT_MACHINE);
	headers->section_count = bytes_u16(nt, NT_SECTION_COUNT);
	headers->timestamp = bytes_u32(nt, NT_TIMESTAMP);
	headers->entry = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_ENTRY);
	headers->image_base = magic == MAGIC_PE32_PLUS
				      ? bytes_u64(nt, NT_OPTIONAL + OPTIONAL_BASE_PLUS)
				      : bytes_u32(nt, NT_OPTIONAL + OPTIONAL_BASE);
	headers->alignment = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_ALIGNMENT);
	headers->size = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_IMAGE_SIZE);
	headers->headers_size = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_HEADERS_SIZE);
	headers->checksum = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_CHECKSUM);
	headers->subsystem = bytes_u16(nt, NT_OPTIONAL + OPTIONAL_SUBSYSTEM);
	headers->sections_at =
		headers->end + NT_OPTIONAL + bytes_u16(nt, NT_OPTIONAL_SIZE); /* from "PE" */
	headers->end += NT_HEADER_BYTES;
	parse_directories(nt, headers);
	return PS_OK;
}

enum ps_status pe_headers_read(const struct pe_reader *reader, struct pe_headers *ret,
			       struct ps_error *err)
{
	uint8_t dos[DOS_HEADER_BYTES], raw[NT_HEADER_BYTES];
	struct bytes bytes = bytes_of(dos, sizeof(dos)), nt = bytes_of(raw, sizeof(raw));
	struct pe_headers headers = {.size = 0};

	if (reader->read(reader->context, 0, dos, sizeof(dos), err) != PS_OK)
		return ps_wrap(err, "cannot read the PE header of the image %s", reader->place);
	if (!bytes_equal(&bytes, 0, "MZ", 2))
		return no_image(reader, "no MZ", err);
	headers.end = bytes_u32(&bytes, DOS_LFANEW);
	if (headers.end > LFANEW_LIMIT)
		return no_image(reader, "its PE header is said to lie far away", err);
	if (reader->read(reader->context, headers.end, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the PE header of the image %s", reader->place);
	if (parse_nt_headers(reader, &nt, &headers, err) != PS_OK)
		return err->status;
	*ret = headers;
	return PS_OK;
}

struct pe_range pe_headers_directory(const struct pe_headers *headers, enum pe_directory which,
				     uint32_t size)
{
	struct pe_range range = headers->directories[which];

	if (range.rva == 0 || range.rva >= size || range.size > size - range.rva)
		return (struct pe_range){.size = 0};
	return range;
}

static void parse_section(struct bytes *raw, struct pe_raw_section *section)
{
	uint32_t size = bytes_u32(raw, SECTION_VIRTUAL_SIZE);

	for (size_t i = 0; i < 8; i++) {
		uint8_t c = bytes_u8(raw, i);

		if (c == 0)
			break;
		section->name[i] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	section->rva = bytes_u32(raw, SECTION_RVA);
	section->raw_size = bytes_u32(raw, SECTION_RAW_SIZE);
	section->raw_at = bytes_u32(raw, SECTION_RAW_AT);
	section->size = size ? size : section->raw_size;
	section->characteristics = bytes_u32(raw, SECTION_CHARACTERISTICS);
}

unsigned pe_sections_read(const struct pe_reader *reader, const struct pe_headers *headers,
			  struct pe_raw_section *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	unsigned count = headers->section_count;

	if (count > PE_SECTION_LIMIT)
		count = PE_SECTION_LIMIT;
	for (unsigned i = 0; i < count; i++) {
		uint8_t raw[SECTION_BYTES];
		struct bytes bytes = bytes_of(raw, sizeof(raw));

		if (reader->read(reader->context, headers->sections_at + i * SECTION_BYTES, raw,
				 sizeof(raw), &ignored) != PS_OK)
			return i;
		ret[i] = (struct pe_raw_section){.size = 0};
		parse_section(&bytes, &ret[i]);
	}
	return count;
}

static int compare_sections(const void *a, const void *b)
{
	const struct pe_raw_section *x = a, *y = b;

	if (x->rva != y->rva)
		return x->rva < y->rva ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

unsigned pe_sections_arrange(struct pe_raw_section *sections, unsigned count, uint32_t size,
			     unsigned *ret_wrong)
{
	unsigned kept = 0, wrong = 0;

	qsort(sections, count, sizeof(*sections), compare_sections);
	for (unsigned i = 0; i < count; i++) {
		uint32_t rva = sections[i].rva, end = size;

		if (i + 1 < count && sections[i + 1].rva < end)
			end = sections[i + 1].rva;
		if (rva < end && sections[i].size > end - rva) {
			sections[i].size = end - rva;
			wrong++;
		}
		if (rva < end && sections[i].size > 0)
			sections[kept++] = sections[i];
		else
			wrong++;
	}
	*ret_wrong = wrong;
	return kept;
}
