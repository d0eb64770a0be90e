/*
 * See unpack.h. The packed bytes come through file_read(), so a file that shrinks is an error.
 */
#include "analyzer/kernel/unpack.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/signals.h"
#include "formats/file.h"

enum { PIECE = 64 << 10, GZIP_WINDOW = 15 + 16 };

struct unpacking {
	struct file file;
	uint64_t offset; /* of the next byte of the file */
	uint64_t given;  /* bytes handed over */
	unpack_take take;
	void *context;
	bool stop;
	uint8_t in[PIECE], out[PIECE];
};

static enum ps_status corrupt(struct unpacking *u, const char *what, struct ps_error *err)
{
	return ps_fail(err, PS_CORRUPT, "%s: %s", file_words(&u->file), what);
}

/* The next piece of the file; *ret_size is 0 at its end. */
static enum ps_status next_piece(struct unpacking *u, size_t *ret_size, struct ps_error *err)
{
	uint64_t left = u->file.size - u->offset;

	*ret_size = left < PIECE ? (size_t)left : PIECE;
	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	if (*ret_size > 0 && file_read(&u->file, u->offset, u->in, *ret_size, err) != PS_OK)
		return err->status;
	u->offset += *ret_size;
	return PS_OK;
}

static enum ps_status give(struct unpacking *u, const uint8_t *data, size_t size,
			   struct ps_error *err)
{
	if (size == 0)
		return PS_OK;
	u->given += size;
	if (u->given > UNPACK_MOST)
		return ps_fail(err, PS_UNSUPPORTED, "%s unpacks to more than %d MB",
			       file_words(&u->file), UNPACK_MOST >> 20);
	return u->take(u->context, data, size, &u->stop, err);
}

static enum ps_status plain(struct unpacking *u, struct ps_error *err)
{
	size_t size = 1;
	enum ps_status status = PS_OK;

	while (status == PS_OK && size > 0 && !u->stop) {
		status = next_piece(u, &size, err);
		if (status == PS_OK)
			status = give(u, u->in, size, err);
	}
	return status;
}

static const char *lzma_words(lzma_ret result)
{
	switch (result) {
	case LZMA_MEMLIMIT_ERROR: return "unpacking it would take too much memory";
	case LZMA_BUF_ERROR: return "the packed data end too early";
	default: return "the packed data are damaged";
	}
}

static enum ps_status run_lzma(struct unpacking *u, lzma_stream *stream, struct ps_error *err)
{
	lzma_action action = LZMA_RUN;

	while (!u->stop) {
		lzma_ret result;

		if (stream->avail_in == 0 && action == LZMA_RUN) {
			size_t size;

			if (next_piece(u, &size, err) != PS_OK)
				return err->status;
			stream->next_in = u->in;
			stream->avail_in = size;
			if (size == 0)
				action = LZMA_FINISH;
		}
		stream->next_out = u->out;
		stream->avail_out = PIECE;
		result = lzma_code(stream, action);
		if (result == LZMA_MEM_ERROR)
			return ps_fail_memory(err, "unpacking");
		if (result != LZMA_OK && result != LZMA_STREAM_END)
			return corrupt(u, lzma_words(result), err);
		if (give(u, u->out, PIECE - stream->avail_out, err) != PS_OK)
			return err->status;
		if (result == LZMA_STREAM_END)
			return PS_OK;
	}
	return PS_OK;
}

static enum ps_status unpack_xz(struct unpacking *u, struct ps_error *err)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	enum ps_status status;

	if (lzma_stream_decoder(&stream, UNPACK_MEMORY, 0) != LZMA_OK)
		return ps_fail_memory(err, "unpacking");
	status = run_lzma(u, &stream, err);
	lzma_end(&stream);
	return status;
}

static enum ps_status run_zlib(struct unpacking *u, z_stream *stream, struct ps_error *err)
{
	while (!u->stop) {
		int result;

		if (stream->avail_in == 0) {
			size_t size;

			if (next_piece(u, &size, err) != PS_OK)
				return err->status;
			if (size == 0)
				return corrupt(u, "the packed data end too early", err);
			stream->next_in = u->in;
			stream->avail_in = (uInt)size;
		}
		stream->next_out = u->out;
		stream->avail_out = PIECE;
		result = inflate(stream, Z_NO_FLUSH);
		if (result == Z_MEM_ERROR)
			return ps_fail_memory(err, "unpacking");
		if (result != Z_OK && result != Z_STREAM_END)
			return corrupt(u, "the packed data are damaged", err);
		if (give(u, u->out, PIECE - stream->avail_out, err) != PS_OK)
			return err->status;
		if (result == Z_STREAM_END)
			return PS_OK;
	}
	return PS_OK;
}

static enum ps_status unpack_gz(struct unpacking *u, struct ps_error *err)
{
	z_stream stream;
	enum ps_status status;

	memset(&stream, 0, sizeof(stream));
	if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
		return ps_fail_memory(err, "unpacking");
	status = run_zlib(u, &stream, err);
	inflateEnd(&stream);
	return status;
}

static enum ps_status unpack_any(struct unpacking *u, struct ps_error *err)
{
	static const uint8_t xz[] = {0xfd, '7', 'z', 'X', 'Z', 0}, gz[] = {0x1f, 0x8b};
	uint8_t head[sizeof(xz)] = {0};
	size_t size = u->file.size < sizeof(head) ? (size_t)u->file.size : sizeof(head);

	if (file_read(&u->file, 0, head, size, err) != PS_OK)
		return err->status;
	if (memcmp(head, xz, sizeof(xz)) == 0)
		return unpack_xz(u, err);
	if (memcmp(head, gz, sizeof(gz)) == 0)
		return unpack_gz(u, err);
	return plain(u, err);
}

enum ps_status unpack_file(const char *path, unpack_take take, void *context, struct ps_error *err)
{
	struct unpacking *u = malloc(sizeof(*u));
	enum ps_status status;

	if (!u)
		return ps_fail_memory(err, "unpacking");
	*u = (struct unpacking){.file = {.fd = -1}, .take = take, .context = context};
	status = file_open(&u->file, path, err);
	if (status == PS_OK) {
		status = unpack_any(u, err);
		file_close(&u->file);
	}
	free(u);
	return status;
}
