/*
 * Members of zip archives that are packed with Deflate64, which libarchive 3.6 lists but cannot
 * unpack: found in the archive's central directory, unpacked by deflate64.c. Private to this room.
 */
#ifndef PS_FORMATS_PACK_ZIP_DEFLATE64_H
#define PS_FORMATS_PACK_ZIP_DEFLATE64_H

#include "formats/file.h"

/** Where such a member is, as the central directory has it. */
struct zip_place {
	uint64_t header; /* file offset of its local header */
	uint64_t packed, size;
	uint32_t crc;
	bool encrypted;
};

struct zip_places {
	struct zip_place *items; /* owned; ascending by `header`, as libarchive lists members */
	size_t count, capacity;
};

/**
 * All members of the archive that are packed with Deflate64. PS_ABSENT or PS_CORRUPT when the
 * central directory cannot be read. The caller frees ret->items.
 */
enum ps_status zip_places_find(struct file *file, struct zip_places *ret, struct ps_error *err);

struct zip_deflate64; /* opaque: one member being unpacked */

/** The file is borrowed. PS_CORRUPT, PS_ABSENT, PS_UNSUPPORTED (encrypted). */
enum ps_status zip_deflate64_open(struct file *file, const struct zip_place *place,
				  struct zip_deflate64 **ret, struct ps_error *err);
void zip_deflate64_close(struct zip_deflate64 *z);

/**
 * The next piece, valid until the next call; *ret_length is 0 at the end. PS_CORRUPT also when the
 * size or the check sum (CRC-32) at the end is not the one stated.
 */
enum ps_status zip_deflate64_next(struct zip_deflate64 *z, const uint8_t **ret, size_t *ret_length,
				  struct ps_error *err);

#endif
