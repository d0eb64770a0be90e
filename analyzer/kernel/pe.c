/*
 * PE images as the kernel has them in memory: headers, CodeView record, export name.
 *
 * Source of the layouts: Microsoft PE/COFF specification; the RSDS record as public PDB readers
 * have it. Not supported: NB10 records, imports, resources, images as they lie in a file.
 */
#include "analyzer/kernel/pe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/kernel/text.h"
#include "base/bytes.h"

enum {
	DOS_HEADER_BYTES = 0x40,
	DOS_LFANEW = 0x3c,
	LFANEW_LIMIT = 0x1000, /* kernel images have theirs at 0x80..0x200 */

	/* from "PE\0\0" */
	NT_MACHINE = 0x04,
	NT_TIMESTAMP = 0x08,
	NT_OPTIONAL_SIZE = 0x14,
	NT_OPTIONAL = 0x18,
	NT_HEADER_BYTES = NT_OPTIONAL + 0xf0, /* PE32+ with all 16 directories */

	/* from the optional header; the same in PE32 and PE32+ */
	OPTIONAL_MAGIC = 0x00,
	OPTIONAL_IMAGE_SIZE = 0x38,
	OPTIONAL_CHECKSUM = 0x40,
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,

	DIRECTORY_EXPORT = 0,
	DIRECTORY_DEBUG = 6,
	IMAGE_SIZE_LIMIT = 1 << 30, /* the largest drivers have some 100 MiB */

	EXPORT_NAME = 0x0c,
	EXPORT_BYTES = 0x28,

	DEBUG_ENTRY_BYTES = 0x1c,
	DEBUG_ENTRY_LIMIT = 32,
	DEBUG_TYPE = 0x0c,
	DEBUG_DATA_SIZE = 0x10,
	DEBUG_DATA_RVA = 0x14,
	DEBUG_TYPE_CODEVIEW = 2,

	RSDS_GUID = 0x04,
	RSDS_AGE = 0x14,
	RSDS_NAME = 0x18,
	PDB_PATH_LIMIT = 512,
};

struct directory {
	uint32_t rva, size; /* bytes; size 0 = none */
};

struct image {
	struct space *space;
	uint64_t base;
	uint32_t size; /* SizeOfImage */
	uint32_t timestamp, checksum;
	uint16_t machine;
	struct directory exports, debug;
};

static bool inside(const struct image *image, uint32_t rva, uint32_t size)
{
	return rva < image->size && size <= image->size - rva;
}

/* Where the count of directories lies in the optional header; the directories follow it. */
static size_t directory_count_offset(uint16_t magic)
{
	return magic == MAGIC_PE32_PLUS ? 0x6c : 0x5c;
}

static struct directory directory(const struct image *image, struct bytes *nt, unsigned index)
{
	size_t count_at = NT_OPTIONAL + directory_count_offset(bytes_u16(nt, NT_OPTIONAL));
	size_t at = count_at + 4 + (size_t)index * 8;
	struct directory found;

	if (index >= bytes_u32(nt, count_at) ||
	    at + 8 > (size_t)NT_OPTIONAL + bytes_u16(nt, NT_OPTIONAL_SIZE))
		return (struct directory){.size = 0};
	found = (struct directory){.rva = bytes_u32(nt, at), .size = bytes_u32(nt, at + 4)};
	if (found.rva == 0 || !inside(image, found.rva, found.size))
		return (struct directory){.size = 0};
	return found;
}

static enum ps_status no_image(uint64_t base, const char *why, struct ps_error *err)
{
	return ps_fail_at(err, PS_CORRUPT, base, "no PE image at 0x%" PRIx64 ": %s", base, why);
}

static enum ps_status parse_nt_header(struct image *image, struct bytes *nt, struct ps_error *err)
{
	uint16_t magic = bytes_u16(nt, NT_OPTIONAL + OPTIONAL_MAGIC);

	if (!bytes_equal(nt, 0, "PE\0\0", 4))
		return no_image(image->base, "MZ without PE", err);
	if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
		return no_image(image->base, "unknown kind of optional header", err);
	image->machine = bytes_u16(nt, NT_MACHINE);
	image->timestamp = bytes_u32(nt, NT_TIMESTAMP);
	image->size = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_IMAGE_SIZE);
	image->checksum = bytes_u32(nt, NT_OPTIONAL + OPTIONAL_CHECKSUM);
	if (image->size < PAGE_SIZE || image->size > IMAGE_SIZE_LIMIT)
		return no_image(image->base, "its SizeOfImage cannot be right", err);
	image->exports = directory(image, nt, DIRECTORY_EXPORT);
	image->debug = directory(image, nt, DIRECTORY_DEBUG);
	return PS_OK;
}

static enum ps_status open_image(struct space *space, uint64_t base, struct image *image,
				 struct ps_error *err)
{
	uint8_t dos[DOS_HEADER_BYTES], raw[NT_HEADER_BYTES];
	struct bytes bytes = bytes_of(dos, sizeof(dos)), nt = bytes_of(raw, sizeof(raw));
	uint32_t offset;

	*image = (struct image){.space = space, .base = space_normalize(space, base)};
	if (space_read(space, image->base, dos, sizeof(dos), err) != PS_OK)
		return ps_wrap(err, "cannot read the PE header of the image at 0x%" PRIx64,
			       image->base);
	if (!bytes_equal(&bytes, 0, "MZ", 2))
		return no_image(image->base, "no MZ", err);
	offset = bytes_u32(&bytes, DOS_LFANEW);
	if (offset > LFANEW_LIMIT)
		return no_image(image->base, "its PE header is said to lie far away", err);
	if (space_read(space, image->base + offset, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the PE header of the image at 0x%" PRIx64,
			       image->base);
	return parse_nt_header(image, &nt, err);
}

static bool read_rva(const struct image *image, uint32_t rva, void *to, uint32_t size)
{
	struct ps_error ignored = PS_ERROR_INIT;

	return inside(image, rva, size) &&
	       space_read(image->space, image->base + rva, to, size, &ignored) == PS_OK;
}

/* A string that ends before `end`, an offset from the base of at most SizeOfImage. */
static bool read_string(const struct image *image, uint32_t rva, uint32_t end, char *to,
			size_t size)
{
	return rva < end &&
	       text_read_c_string(image->space, image->base + rva, end - rva, to, size);
}

/* File name of a path, with unprintable bytes as '?'. */
static void set_pdb_name(struct pe_identity *identity, const char *path)
{
	size_t used = 0;

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c == '\\' || c == '/')
			used = 0;
		else if (used < sizeof(identity->pdb_name) - 1)
			identity->pdb_name[used++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	identity->pdb_name[used] = '\0';
}

static void set_guid_age(struct pe_identity *identity, struct bytes *rsds)
{
	char *out = identity->guid_age;
	int used =
		snprintf(out, GUID_AGE_LENGTH, "%08" PRIX32 "%04X%04X", bytes_u32(rsds, RSDS_GUID),
			 bytes_u16(rsds, RSDS_GUID + 4), bytes_u16(rsds, RSDS_GUID + 6));

	for (size_t i = 8; i < 16; i++)
		used += snprintf(out + used, GUID_AGE_LENGTH - (size_t)used, "%02X",
				 bytes_u8(rsds, RSDS_GUID + i));
	snprintf(out + used, GUID_AGE_LENGTH - (size_t)used, "-%" PRIX32,
		 bytes_u32(rsds, RSDS_AGE));
}

/* The name may be cut off by an absent page: then it stays empty, GUID and age still identify. */
static bool read_rsds(const struct image *image, uint32_t rva, uint32_t size,
		      struct pe_identity *identity)
{
	uint8_t raw[RSDS_NAME];
	struct bytes rsds = bytes_of(raw, sizeof(raw));
	char path[PDB_PATH_LIMIT];

	if (size < sizeof(raw) || !inside(image, rva, size) ||
	    !read_rva(image, rva, raw, sizeof(raw)) || !bytes_equal(&rsds, 0, "RSDS", 4))
		return false;
	set_guid_age(identity, &rsds);
	if (read_string(image, rva + RSDS_NAME, rva + size, path, sizeof(path)))
		set_pdb_name(identity, path);
	return true;
}

static void read_debug_directory(const struct image *image, struct pe_identity *identity)
{
	uint32_t count = image->debug.size / DEBUG_ENTRY_BYTES;

	if (count > DEBUG_ENTRY_LIMIT)
		count = DEBUG_ENTRY_LIMIT;
	for (uint32_t i = 0; i < count && !identity->pdb_present; i++) {
		uint8_t raw[DEBUG_ENTRY_BYTES];
		struct bytes entry = bytes_of(raw, sizeof(raw));

		if (read_rva(image, image->debug.rva + i * DEBUG_ENTRY_BYTES, raw, sizeof(raw)) &&
		    bytes_u32(&entry, DEBUG_TYPE) == DEBUG_TYPE_CODEVIEW)
			identity->pdb_present =
				read_rsds(image, bytes_u32(&entry, DEBUG_DATA_RVA),
					  bytes_u32(&entry, DEBUG_DATA_SIZE), identity);
	}
}

enum ps_status pe_identify(struct space *space, uint64_t base, struct pe_identity *ret,
			   struct ps_error *err)
{
	struct pe_identity identity = {.headers_present = true};
	struct image image;

	if (open_image(space, base, &image, err) != PS_OK)
		return err->status;
	identity.timestamp = image.timestamp;
	identity.size = image.size;
	identity.checksum = image.checksum;
	identity.machine = image.machine;
	read_debug_directory(&image, &identity);
	*ret = identity;
	return PS_OK;
}

enum ps_status pe_export_module_name(struct space *space, uint64_t base, char *name, size_t size,
				     struct ps_error *err)
{
	uint8_t raw[EXPORT_BYTES];
	struct bytes exports = bytes_of(raw, sizeof(raw));
	struct image image;
	char text[PDB_NAME_LENGTH];
	uint32_t rva;

	if (open_image(space, base, &image, err) != PS_OK)
		return err->status;
	if (image.exports.size < sizeof(raw) ||
	    !read_rva(&image, image.exports.rva, raw, sizeof(raw)))
		return ps_fail_at(err, PS_NOT_FOUND, base,
				  "the image at 0x%" PRIx64 " has no export directory in the dump",
				  base);
	rva = bytes_u32(&exports, EXPORT_NAME);
	if (!read_string(&image, rva, image.size, text, sizeof(text)) || strlen(text) >= size)
		return ps_fail_at(err, PS_NOT_FOUND, base,
				  "the image at 0x%" PRIx64 " has no readable export name", base);
	memcpy(name, text, strlen(text) + 1);
	return PS_OK;
}
