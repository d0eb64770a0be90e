/*
 * See pe.h: identity and export name of an image in kernel memory, of which only the bytes
 * concerned are read.
 */
#include "analyzer/kernel/pe.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/kernel/pe_headers.h"
#include "base/bytes.h"

enum {
	IMAGE_SIZE_LIMIT = 1 << 30, /* the largest drivers have some 100 MiB */
	EXPORT_NAME = 0x0c,
	EXPORT_BYTES = 0x28,
};

/* Images with sections closer than a page, as Windows XP has them, may be smaller than one. */
static enum ps_status read_headers(const struct pe_reader *reader, struct pe_headers *headers,
				   struct ps_error *err)
{
	if (pe_headers_read(reader, headers, err) != PS_OK)
		return err->status;
	if (headers->size < headers->end || headers->size > IMAGE_SIZE_LIMIT)
		return ps_fail(err, PS_CORRUPT, "no PE image %s: its SizeOfImage cannot be right",
			       reader->place);
	return PS_OK;
}

enum ps_status pe_identify(struct space *space, uint64_t base, struct pe_identity *ret,
			   struct ps_error *err)
{
	struct pe_space keep;
	struct pe_reader reader = pe_space_reader(space, space_normalize(space, base), &keep);
	struct pe_headers headers;

	if (read_headers(&reader, &headers, err) != PS_OK)
		return err->status;
	pe_identity_read(&reader, &headers, ret);
	return PS_OK;
}

enum ps_status pe_export_module_name(struct space *space, uint64_t base, char *name, size_t size,
				     struct ps_error *err)
{
	struct pe_space keep;
	struct pe_reader reader = pe_space_reader(space, space_normalize(space, base), &keep);
	uint8_t raw[EXPORT_BYTES];
	struct bytes exports = bytes_of(raw, sizeof(raw));
	struct pe_headers headers;
	struct pe_range range;
	char text[PDB_NAME_LENGTH];

	if (read_headers(&reader, &headers, err) != PS_OK)
		return err->status;
	range = pe_headers_directory(&headers, PE_EXPORT, headers.size);
	if (range.size < sizeof(raw) ||
	    reader.read(reader.context, range.rva, raw, sizeof(raw), err) != PS_OK)
		return ps_fail_at(err, PS_NOT_FOUND, base,
				  "the image at 0x%" PRIx64 " has no export directory in the dump",
				  base);
	if (!pe_string_read(&reader, bytes_u32(&exports, EXPORT_NAME), headers.size, text,
			    sizeof(text)) ||
	    strlen(text) >= size)
		return ps_fail_at(err, PS_NOT_FOUND, base,
				  "the image at 0x%" PRIx64 " has no readable export name", base);
	memcpy(name, text, strlen(text) + 1);
	return PS_OK;
}
