/*
 * See pe_headers.h: what identifies an image, and readers over a space.
 */
#include "analyzer/kernel/pe_headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum {
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

	STRING_PIECE = 64, /* bytes read at once */
};

static enum ps_status read_space(void *context, uint32_t rva, void *to, size_t length,
				 struct ps_error *err)
{
	struct pe_space *from = context;

	return space_read(from->space, from->base + rva, to, length, err);
}

struct pe_reader pe_space_reader(struct space *space, uint64_t base, struct pe_space *keep)
{
	keep->space = space;
	keep->base = base;
	snprintf(keep->place, sizeof(keep->place), "at 0x%" PRIx64, base);
	return (struct pe_reader){.read = read_space, .context = keep, .place = keep->place};
}

/* Piece by piece; bytewise where a piece is not all there, since the NUL may come before. */
bool pe_string_read(const struct pe_reader *reader, uint32_t rva, uint32_t end, char *to,
		    size_t size)
{
	struct ps_error ignored = PS_ERROR_INIT;
	size_t piece = STRING_PIECE, used = 0;

	while (used < size && rva < end) {
		size_t now = piece;

		if (now > size - used)
			now = size - used;
		if (now > end - rva)
			now = end - rva;
		if (reader->read(reader->context, rva, to + used, now, &ignored) == PS_OK) {
			if (memchr(to + used, 0, now))
				return true;
			used += now;
			rva += (uint32_t)now;
		} else if (piece > 1) {
			piece = 1;
		} else {
			return false;
		}
	}
	return false;
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
static bool read_rsds(const struct pe_reader *reader, struct pe_range at, uint32_t image_size,
		      struct pe_identity *identity)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[RSDS_NAME];
	struct bytes rsds = bytes_of(raw, sizeof(raw));
	char path[PDB_PATH_LIMIT];

	if (at.size < sizeof(raw) || at.rva >= image_size || at.size > image_size - at.rva ||
	    reader->read(reader->context, at.rva, raw, sizeof(raw), &ignored) != PS_OK ||
	    !bytes_equal(&rsds, 0, "RSDS", 4))
		return false;
	set_guid_age(identity, &rsds);
	if (pe_string_read(reader, at.rva + RSDS_NAME, at.rva + at.size, path, sizeof(path)))
		set_pdb_name(identity, path);
	return true;
}

static void read_debug_directory(const struct pe_reader *reader, const struct pe_headers *headers,
				 struct pe_identity *identity)
{
	struct pe_range debug = pe_headers_directory(headers, PE_DEBUG, headers->size);
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t count = debug.size / DEBUG_ENTRY_BYTES;

	if (count > DEBUG_ENTRY_LIMIT)
		count = DEBUG_ENTRY_LIMIT;
	for (uint32_t i = 0; i < count && !identity->pdb_present; i++) {
		uint8_t raw[DEBUG_ENTRY_BYTES];
		struct bytes entry = bytes_of(raw, sizeof(raw));
		struct pe_range data;

		if (reader->read(reader->context, debug.rva + i * DEBUG_ENTRY_BYTES, raw,
				 sizeof(raw), &ignored) != PS_OK ||
		    bytes_u32(&entry, DEBUG_TYPE) != DEBUG_TYPE_CODEVIEW)
			continue;
		data.rva = bytes_u32(&entry, DEBUG_DATA_RVA);
		data.size = bytes_u32(&entry, DEBUG_DATA_SIZE);
		identity->pdb_present = read_rsds(reader, data, headers->size, identity);
	}
}

void pe_identity_read(const struct pe_reader *reader, const struct pe_headers *headers,
		      struct pe_identity *ret)
{
	*ret = (struct pe_identity){.headers_present = true,
				    .timestamp = headers->timestamp,
				    .size = headers->size,
				    .checksum = headers->checksum,
				    .machine = headers->machine};
	read_debug_directory(reader, headers, ret);
}
