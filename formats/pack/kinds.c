/*
 * Tells archives and compressed files by their first bytes.
 *
 * Not told: tar archives from before POSIX (no magic), raw LZMA (.lzma, likewise), the parts of
 * split archives but the first.
 */
#include "formats/pack/kinds.h"

#include <string.h>

static const struct {
	enum pack_kind kind;
	const char *name;
	uint8_t offset, length;
	const char *magic;
} kinds[] = {
	{PACK_ZIP, "zip", 0, 4, "PK\3\4"},
	{PACK_7Z, "7z", 0, 6, "7z\xbc\xaf\x27\x1c"},
	{PACK_CAB, "cab", 0, 8, "MSCF\0\0\0"},
	{PACK_GZIP, "gz", 0, 3, "\x1f\x8b\x08"},
	{PACK_XZ, "xz", 0, 6,
	 "\xfd"
	 "7zXZ"},
	{PACK_ZSTD, "zst", 0, 4, "\x28\xb5\x2f\xfd"},
	{PACK_BZIP2, "bz2", 4, 6, "\x31\x41\x59\x26\x53\x59"},
	{PACK_LZ4, "lz4", 0, 4, "\x04\x22\x4d\x18"},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), TAR_MAGIC_AT = 257 };

bool pack_is_tar(const uint8_t *head, size_t length)
{
	static const char magic[] = {'u', 's', 't', 'a', 'r'};

	return length >= TAR_MAGIC_AT + sizeof(magic) &&
	       memcmp(head + TAR_MAGIC_AT, magic, sizeof(magic)) == 0;
}

enum pack_kind pack_kind_of(const uint8_t *head, size_t length)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (length >= (size_t)kinds[i].offset + kinds[i].length &&
		    memcmp(head + kinds[i].offset, kinds[i].magic, kinds[i].length) == 0)
			return kinds[i].kind;
	}
	return pack_is_tar(head, length) ? PACK_TAR : PACK_NONE;
}

const char *pack_kind_name(enum pack_kind kind)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return "tar";
}

bool pack_kind_is_stream(enum pack_kind kind)
{
	return kind >= PACK_GZIP;
}
