/*
 * An archive or compressed file read from front to back: its members, and their bytes. Runs in the
 * process of unpacker.c and nowhere else: what it reads may crash it. Private to this room.
 *
 * Ownership: reader_open() creates, reader_close() frees; the file is borrowed.
 */
#ifndef PS_FORMATS_PACK_READER_H
#define PS_FORMATS_PACK_READER_H

#include "formats/file.h"
#include "formats/pack/kinds.h"

enum { MEMBER_NAME = 1024, MEMBER_PACKING = 32 };

enum member_type { MEMBER_FILE, MEMBER_DIRECTORY, MEMBER_LINK, MEMBER_OTHER };

struct member {
	uint32_t type;       /* enum member_type */
	uint32_t size_known; /* 0 or 1, as the next three */
	uint32_t encrypted;
	uint32_t sparse; /* the archive knows holes of it: they are no bytes of the file */
	uint32_t alone;  /* a compressed stream, which has no other member */
	uint64_t size;
	char name[MEMBER_NAME];       /* as stored, cut; empty: the archive has none */
	char packing[MEMBER_PACKING]; /* "zip", "zip, Deflate64", "tar.gz" */
};

/** Why an encrypted member cannot be read. */
enum reader_trouble {
	TROUBLE_OTHER,
	TROUBLE_CIPHER, /* libarchive cannot decrypt this */
	TROUBLE_NO_PASSWORD,
	TROUBLE_WRONG_PASSWORD
};

struct reader; /* opaque */

/** `password` may be NULL. */
enum ps_status reader_open(struct file *file, enum pack_kind kind, const char *password,
			   struct reader **ret, struct ps_error *err);
void reader_close(struct reader *r);

/** The next member; *ret_end true and no member behind the last one. */
enum ps_status reader_next(struct reader *r, struct member *ret, bool *ret_end,
			   struct ps_error *err);

/**
 * The next bytes of this member, valid until the next call, and where they belong; *ret_length is 0
 * at its end. After an error the next member may still be read, unless reader_is_lost().
 */
enum ps_status reader_block(struct reader *r, const void **ret, size_t *ret_length,
			    uint64_t *ret_offset, struct ps_error *err);

/** True when the bytes of a member can be passed over without unpacking them. */
bool reader_can_skip(const struct reader *r);

/** The error was the archive's, not only the member's. */
bool reader_is_lost(const struct reader *r);

enum reader_trouble reader_trouble(const struct reader *r);

/** Bytes of the file that were used so far, about. */
uint64_t reader_consumed(struct reader *r);

#endif
