/*
 * One member of a zip archive that is packed with Deflate64: its bytes read from the file, decoded,
 * and held against the size and the check sum that the central directory states.
 *
 * Not supported: encrypted members.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3.7 (local header).
 */
#include "formats/pack/zip_deflate64.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/pack/deflate64.h"

enum { LOCAL_HEADER = 30, PACKED_PIECE = 1 << 18 };

static const uint32_t local_magic = 0x04034b50;

struct zip_deflate64 {
	struct file *file;
	struct zip_place place;
	uint64_t at, end; /* of the packed bytes still to be read */
	uint64_t given;   /* unpacked bytes */
	uint32_t crc;     /* of these */
	struct deflate64 *decoder;
	uint8_t packed[PACKED_PIECE];
};

/* Name and extra field lie between the header and the data. */
static enum ps_status find_data(struct zip_deflate64 *z, struct ps_error *err)
{
	uint8_t raw[LOCAL_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (file_read(z->file, z->place.header, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	if (bytes_u32(&b, 0) != local_magic)
		return ps_fail_at(err, PS_CORRUPT, z->place.header,
				  "its header at file offset 0x%" PRIx64 " is none",
				  z->place.header);
	z->at = z->place.header + LOCAL_HEADER + bytes_u16(&b, 26) + bytes_u16(&b, 28);
	if (z->at > z->file->size || z->place.packed > z->file->size - z->at)
		return ps_fail_at(err, PS_ABSENT, z->file->size,
				  "its packed bytes reach beyond the end of the file");
	z->end = z->at + z->place.packed;
	return PS_OK;
}

static enum ps_status read_packed(void *context, const uint8_t **ret, size_t *ret_length,
				  struct ps_error *err)
{
	struct zip_deflate64 *z = context;
	uint64_t left = z->end - z->at;
	size_t length = left < PACKED_PIECE ? (size_t)left : PACKED_PIECE;

	if (length > 0 && file_read(z->file, z->at, z->packed, length, err) != PS_OK)
		return err->status;
	z->at += length;
	*ret = z->packed;
	*ret_length = length;
	return PS_OK;
}

enum ps_status zip_deflate64_open(struct file *file, const struct zip_place *place,
				  struct zip_deflate64 **ret, struct ps_error *err)
{
	struct zip_deflate64 *z;

	if (place->encrypted)
		return ps_fail(err, PS_UNSUPPORTED,
			       "it is packed with Deflate64 and encrypted, which cannot be read");
	z = mem_array(1, sizeof(*z));
	if (!z)
		return ps_fail_memory(err, "the unpacking of a member");
	z->file = file;
	z->place = *place;
	z->crc = (uint32_t)crc32(0, NULL, 0);
	z->decoder = deflate64_create(read_packed, z);
	if (!z->decoder)
		ps_fail_memory(err, "the unpacking of a member");
	else if (find_data(z, err) == PS_OK) {
		*ret = z;
		return PS_OK;
	}
	zip_deflate64_close(z);
	return err->status;
}

void zip_deflate64_close(struct zip_deflate64 *z)
{
	if (!z)
		return;
	deflate64_destroy(z->decoder);
	free(z);
}

static enum ps_status check_end(const struct zip_deflate64 *z, struct ps_error *err)
{
	if (z->given != z->place.size)
		return ps_fail(err, PS_CORRUPT,
			       "it unpacks to %" PRIu64 " bytes; the archive says %" PRIu64,
			       z->given, z->place.size);
	if (z->crc != z->place.crc)
		return ps_fail(err, PS_CORRUPT,
			       "its check sum is %08" PRIx32 "; the archive says %08" PRIx32,
			       z->crc, z->place.crc);
	return PS_OK;
}

enum ps_status zip_deflate64_next(struct zip_deflate64 *z, const uint8_t **ret, size_t *ret_length,
				  struct ps_error *err)
{
	const uint8_t *piece = NULL;
	size_t length = 0;

	if (deflate64_next(z->decoder, &piece, &length, err) != PS_OK)
		return err->status;
	z->crc = (uint32_t)crc32(z->crc, piece, (uInt)length);
	z->given += length;
	if ((length == 0 || z->given > z->place.size) && check_end(z, err) != PS_OK)
		return err->status;
	*ret = piece;
	*ret_length = length;
	return PS_OK;
}
