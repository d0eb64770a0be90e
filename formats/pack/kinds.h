/*
 * Kinds of archives and compressed files, told by their first bytes. Private to this room.
 */
#ifndef PS_FORMATS_PACK_KINDS_H
#define PS_FORMATS_PACK_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pack_kind {
	PACK_NONE,
	PACK_ZIP,
	PACK_7Z,
	PACK_CAB,
	PACK_TAR,
	PACK_GZIP, /* these compress one stream, which may be a tar archive */
	PACK_XZ,
	PACK_ZSTD,
	PACK_BZIP2,
	PACK_LZ4,
};

/** Enough bytes of a file to tell. */
enum { PACK_HEAD = 512 };

/** PACK_NONE: something else. */
enum pack_kind pack_kind_of(const uint8_t *head, size_t length);

/** True for a tar archive's first block. */
bool pack_is_tar(const uint8_t *head, size_t length);

/** "zip", "7z", "cab", "tar", "gz", ... as the endings of file names have it. Static. */
const char *pack_kind_name(enum pack_kind kind);

/** True for those that compress one stream. */
bool pack_kind_is_stream(enum pack_kind kind);

#endif
