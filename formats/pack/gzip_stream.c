/*
 * Unpacks a gzip file with zlib, which checks size and CRC-32 of each of its members;
 * libarchive 3.6 checks neither. Members that follow each other are one stream, as gzip(1) has it,
 * and zeros behind the last one are padding. Anything else there is an error: it may be a member
 * with a damaged head.
 */
#include "formats/pack/gzip_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/memory.h"

enum { PIECE = 1 << 18, GZIP_ONLY = 16 + MAX_WBITS };

struct gzip_stream {
	struct file *file;
	uint64_t at; /* of the bytes that were not handed to zlib */
	bool begun;  /* a member */
	z_stream zlib;
	uint8_t packed[PIECE], piece[PIECE];
};

struct gzip_stream *gzip_stream_create(struct file *file)
{
	struct gzip_stream *g = mem_array(1, sizeof(*g));

	if (!g)
		return NULL;
	g->file = file;
	if (inflateInit2(&g->zlib, GZIP_ONLY) == Z_OK)
		return g;
	free(g);
	return NULL;
}

void gzip_stream_destroy(struct gzip_stream *g)
{
	if (!g)
		return;
	inflateEnd(&g->zlib);
	free(g);
}

uint64_t gzip_stream_consumed(const struct gzip_stream *g)
{
	return g->at - g->zlib.avail_in;
}

/* Nothing is there at the end of the file. */
static enum ps_status fill(struct gzip_stream *g, struct ps_error *err)
{
	uint64_t left = g->file->size - g->at;
	size_t length = left < PIECE ? (size_t)left : PIECE;

	if (g->zlib.avail_in > 0 || length == 0)
		return PS_OK;
	if (file_read(g->file, g->at, g->packed, length, err) != PS_OK)
		return err->status;
	g->at += length;
	g->zlib.next_in = g->packed;
	g->zlib.avail_in = (uInt)length;
	return PS_OK;
}

/* Passes over the zeros between members and behind them; *ret_end at the end of the file. */
static enum ps_status find_member(struct gzip_stream *g, bool *ret_end, struct ps_error *err)
{
	for (;;) {
		if (fill(g, err) != PS_OK)
			return err->status;
		if (g->zlib.avail_in == 0) {
			*ret_end = true;
			return PS_OK;
		}
		if (*g->zlib.next_in != 0)
			break;
		g->zlib.next_in++;
		g->zlib.avail_in--;
	}
	*ret_end = false;
	g->begun = true;
	inflateReset(&g->zlib);
	return PS_OK;
}

static enum ps_status fail(struct gzip_stream *g, int result, struct ps_error *err)
{
	uint64_t at = gzip_stream_consumed(g);

	if (result == Z_MEM_ERROR)
		return ps_fail_memory(err, "unpacking gzip");
	if (result == Z_BUF_ERROR)
		return ps_fail_at(err, PS_ABSENT, at, "the gzip data ends before its own end");
	return ps_fail_at(err, PS_CORRUPT, at,
			  "the gzip data is damaged before its byte %" PRIu64 ": %s", at,
			  g->zlib.msg ? g->zlib.msg : "zlib does not say why");
}

enum ps_status gzip_stream_next(struct gzip_stream *g, const uint8_t **ret, size_t *ret_length,
				struct ps_error *err)
{
	g->zlib.next_out = g->piece;
	g->zlib.avail_out = PIECE;
	while (g->zlib.avail_out > 0) {
		bool end = false;
		int result;

		if (!g->begun && find_member(g, &end, err) != PS_OK)
			return err->status;
		if (end)
			break;
		if (fill(g, err) != PS_OK)
			return err->status;
		result = inflate(&g->zlib, Z_NO_FLUSH);
		if (result == Z_STREAM_END)
			g->begun = false;
		else if (result != Z_OK)
			return fail(g, result, err);
	}
	*ret = g->piece;
	*ret_length = PIECE - g->zlib.avail_out;
	return PS_OK;
}
