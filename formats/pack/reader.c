/*
 * Archives through libarchive, with two things of our own: gzip streams are read with zlib, which
 * checks their check sum (libarchive 3.6 does not), and members of zip archives packed with
 * Deflate64 with zip_deflate64.c.
 *
 * Only the formats and filters named here are switched on: no programs are started by libarchive,
 * and what a file is was told by its first bytes before. A compressed stream is a tar archive when
 * it begins as one: libarchive would also take a stream that begins with zeros, as memory does.
 */
#include "formats/pack/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/pack/gzip_stream.h"
#include "formats/pack/zip_deflate64.h"

enum { PIECE = 1 << 18 };

struct reader {
	struct file *file;
	enum pack_kind kind;
	const char *password; /* borrowed; may be NULL */
	struct archive *archive;
	struct archive_entry *entry; /* borrowed from it */
	struct gzip_stream *gzip;    /* NULL: of another kind */
	bool tar;                    /* the stream is a tar archive */
	bool lost;
	enum reader_trouble trouble;
	/* Deflate64: members that libarchive cannot unpack, in its order */
	struct zip_places places;
	bool places_known;
	size_t place;               /* of the next such member */
	bool is_deflate64;          /* this member is one */
	struct zip_deflate64 *open; /* NULL: not begun */
	uint64_t given;
};

/* ---- errors ---- */

static bool mentions(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

/* libarchive has no codes for what went wrong, only words. */
static enum ps_status status_of(const char *text)
{
	if (mentions(text, "truncated") || mentions(text, "unexpected end") ||
	    mentions(text, "end of file") || mentions(text, "EOF"))
		return PS_ABSENT;
	if (mentions(text, "not supported") || mentions(text, "unsupported") ||
	    mentions(text, "passphrase") || mentions(text, "requires too much memory"))
		return PS_UNSUPPORTED;
	return PS_CORRUPT;
}

static enum ps_status archive_failed(struct reader *r, int result, struct ps_error *err)
{
	const char *text = archive_error_string(r->archive);

	if (!text)
		text = "libarchive cannot make sense of it";
	if (result == ARCHIVE_FATAL)
		r->lost = true;
	r->trouble = TROUBLE_OTHER;
	if (mentions(text, "incorrect passphrase"))
		r->trouble = TROUBLE_WRONG_PASSWORD;
	else if (mentions(text, "passphrase"))
		r->trouble = TROUBLE_NO_PASSWORD;
	else if (mentions(text, "encrypt") || mentions(text, "crypto"))
		r->trouble = TROUBLE_CIPHER;
	return ps_fail(err, archive_errno(r->archive) == ENOMEM ? PS_NO_MEMORY : status_of(text),
		       "%.300s", text);
}

/* ---- opening ---- */

static la_ssize_t read_gzip(struct archive *archive, void *context, const void **ret)
{
	struct reader *r = context;
	struct ps_error error = PS_ERROR_INIT;
	const uint8_t *piece = NULL;
	size_t length = 0;

	if (gzip_stream_next(r->gzip, &piece, &length, &error) == PS_OK) {
		*ret = piece;
		return (la_ssize_t)length;
	}
	archive_set_error(archive, error.status == PS_NO_MEMORY ? ENOMEM : EIO, "%s", error.text);
	return ARCHIVE_FATAL;
}

static int support(struct archive *a, enum pack_kind kind)
{
	switch (kind) {
	case PACK_ZIP: return archive_read_support_format_zip(a);
	case PACK_7Z: return archive_read_support_format_7zip(a);
	case PACK_CAB: return archive_read_support_format_cab(a);
	case PACK_XZ: return archive_read_support_filter_xz(a);
	case PACK_ZSTD: return archive_read_support_filter_zstd(a);
	case PACK_BZIP2: return archive_read_support_filter_bzip2(a);
	case PACK_LZ4: return archive_read_support_filter_lz4(a);
	case PACK_NONE:
	case PACK_TAR:
	case PACK_GZIP: break; /* no filter */
	}
	return ARCHIVE_OK;
}

static int support_all(struct reader *r)
{
	int result = support(r->archive, r->kind);

	if (result == ARCHIVE_OK && r->tar)
		result = archive_read_support_format_tar(r->archive);
	else if (result == ARCHIVE_OK && pack_kind_is_stream(r->kind))
		result = archive_read_support_format_raw(r->archive);
	if (result == ARCHIVE_OK && r->password)
		result = archive_read_add_passphrase(r->archive, r->password);
	return result;
}

static void end_archive(struct reader *r)
{
	archive_read_free(r->archive); /* NULL is harmless */
	r->archive = NULL;
	gzip_stream_destroy(r->gzip);
	r->gzip = NULL;
}

static enum ps_status begin_archive(struct reader *r, struct ps_error *err)
{
	int result;

	r->archive = archive_read_new();
	if (r->kind == PACK_GZIP)
		r->gzip = gzip_stream_create(r->file);
	if (!r->archive || (r->kind == PACK_GZIP && !r->gzip))
		return ps_fail_memory(err, "the reading of an archive");
	result = support_all(r);
	/* A warning says that a program would be started for it. */
	if (result != ARCHIVE_OK)
		return ps_fail(err, PS_UNSUPPORTED, "libarchive was built without support for %s",
			       pack_kind_name(r->kind));
	if (lseek(r->file->fd, 0, SEEK_SET) != 0)
		return ps_fail_errno(err, errno, "cannot read it from its start");
	result = r->gzip ? archive_read_open(r->archive, r, NULL, read_gzip, NULL)
			 : archive_read_open_fd(r->archive, r->file->fd, PIECE);
	return result == ARCHIVE_OK ? PS_OK : archive_failed(r, result, err);
}

/* Does the compressed stream begin as a tar archive does? */
static enum ps_status look_for_tar(struct reader *r, struct ps_error *err)
{
	uint8_t head[PACK_HEAD];
	size_t have = 0;
	int result;

	if (begin_archive(r, err) != PS_OK)
		return err->status;
	result = archive_read_next_header(r->archive, &r->entry);
	if (result == ARCHIVE_EOF) {
		end_archive(r);
		return PS_OK;
	}
	while (result >= ARCHIVE_WARN && have < sizeof(head)) {
		la_ssize_t got = archive_read_data(r->archive, head + have, sizeof(head) - have);

		if (got <= 0) {
			result = (int)got;
			break;
		}
		have += (size_t)got;
	}
	if (result < ARCHIVE_WARN)
		return archive_failed(r, result, err);
	r->tar = pack_is_tar(head, have);
	end_archive(r);
	return PS_OK;
}

enum ps_status reader_open(struct file *file, enum pack_kind kind, const char *password,
			   struct reader **ret, struct ps_error *err)
{
	struct reader *r = mem_array(1, sizeof(*r));

	if (!r)
		return ps_fail_memory(err, "the reading of an archive");
	r->file = file;
	r->kind = kind;
	r->password = password;
	r->tar = kind == PACK_TAR;
	if ((!pack_kind_is_stream(kind) || look_for_tar(r, err) == PS_OK) &&
	    begin_archive(r, err) == PS_OK) {
		*ret = r;
		return PS_OK;
	}
	reader_close(r);
	return err->status;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	zip_deflate64_close(r->open);
	free(r->places.items);
	end_archive(r);
	free(r);
}

/* ---- members ---- */

/* The place in the central directory of the member that libarchive is at. */
static enum ps_status find_place(struct reader *r, const struct member *member,
				 struct ps_error *err)
{
	if (!r->places_known && zip_places_find(r->file, &r->places, err) != PS_OK)
		return err->status;
	r->places_known = true;
	if (r->place >= r->places.count ||
	    (member->size_known && r->places.items[r->place].size != member->size))
		return ps_fail(err, PS_CORRUPT,
			       "its list of members does not agree with their headers");
	r->place++;
	return PS_OK;
}

static void name_member(struct reader *r, struct member *m)
{
	const char *name = archive_entry_pathname(r->entry);

	if (!name)
		name = archive_entry_pathname_utf8(r->entry);
	/* "data" is libarchive's own word for a stream that has no name. */
	if (name && (r->tar || !pack_kind_is_stream(r->kind)))
		snprintf(m->name, sizeof(m->name), "%s", name);
}

static void word_packing(struct reader *r, struct member *m)
{
	const char *kind = pack_kind_name(r->kind);

	if (r->is_deflate64)
		snprintf(m->packing, sizeof(m->packing), "%s, Deflate64", kind);
	else if (r->tar && r->kind != PACK_TAR)
		snprintf(m->packing, sizeof(m->packing), "tar.%s", kind);
	else
		snprintf(m->packing, sizeof(m->packing), "%s", kind);
}

static enum member_type type_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
		return MEMBER_LINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG: return MEMBER_FILE;
	case AE_IFDIR: return MEMBER_DIRECTORY;
	case AE_IFLNK: return MEMBER_LINK;
	default: return MEMBER_OTHER;
	}
}

static void describe(struct reader *r, struct member *ret)
{
	*ret = (struct member){.type = (uint32_t)type_of(r->entry)};
	ret->size_known = archive_entry_size_is_set(r->entry) && archive_entry_size(r->entry) >= 0;
	if (ret->size_known)
		ret->size = (uint64_t)archive_entry_size(r->entry);
	ret->encrypted = archive_entry_is_encrypted(r->entry) != 0;
	ret->sparse = archive_entry_sparse_count(r->entry) > 0;
	ret->alone = pack_kind_is_stream(r->kind) && !r->tar;
	name_member(r, ret);
	/* libarchive has the method of a zip member in the name of its format only */
	r->is_deflate64 = r->kind == PACK_ZIP &&
			  mentions(archive_format_name(r->archive), "deflation-64-bit");
	word_packing(r, ret);
}

enum ps_status reader_next(struct reader *r, struct member *ret, bool *ret_end,
			   struct ps_error *err)
{
	int result = archive_read_next_header(r->archive, &r->entry);

	zip_deflate64_close(r->open);
	r->open = NULL;
	r->given = 0;
	*ret_end = result == ARCHIVE_EOF;
	if (*ret_end)
		return PS_OK;
	if (result < ARCHIVE_WARN) {
		r->lost = true;
		return archive_failed(r, result, err);
	}
	describe(r, ret);
	if (r->is_deflate64 && find_place(r, ret, err) != PS_OK) {
		r->lost = true;
		return err->status;
	}
	return PS_OK;
}

static enum ps_status deflate64_block(struct reader *r, const void **ret, size_t *ret_length,
				      uint64_t *ret_offset, struct ps_error *err)
{
	const uint8_t *piece = NULL;

	if (!r->open &&
	    zip_deflate64_open(r->file, &r->places.items[r->place - 1], &r->open, err) != PS_OK)
		return err->status;
	if (zip_deflate64_next(r->open, &piece, ret_length, err) != PS_OK)
		return err->status;
	*ret = piece;
	*ret_offset = r->given;
	r->given += *ret_length;
	return PS_OK;
}

enum ps_status reader_block(struct reader *r, const void **ret, size_t *ret_length,
			    uint64_t *ret_offset, struct ps_error *err)
{
	la_int64_t offset = 0;
	int result;

	if (r->is_deflate64)
		return deflate64_block(r, ret, ret_length, ret_offset, err);
	*ret_length = 0;
	/* a block may be empty before the end */
	do
		result = archive_read_data_block(r->archive, ret, ret_length, &offset);
	while (result == ARCHIVE_OK && *ret_length == 0);
	*ret_offset = (uint64_t)offset;
	if (result == ARCHIVE_EOF) {
		*ret_length = 0;
		return PS_OK;
	}
	/* Warnings are about sizes and check sums that are wrong. */
	return result == ARCHIVE_OK ? PS_OK : archive_failed(r, result, err);
}

bool reader_can_skip(const struct reader *r)
{
	return r->kind == PACK_ZIP || r->kind == PACK_TAR;
}

bool reader_is_lost(const struct reader *r)
{
	return r->lost;
}

enum reader_trouble reader_trouble(const struct reader *r)
{
	return r->trouble;
}

uint64_t reader_consumed(struct reader *r)
{
	if (r->gzip)
		return gzip_stream_consumed(r->gzip);
	return (uint64_t)archive_filter_bytes(r->archive, -1);
}
