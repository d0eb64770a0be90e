/*
 * See pdb_msf.h. The directory alone is kept in memory; blocks are copied as they are asked for.
 */
#include "analyzer/kernel/pdb_msf.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/memory.h"

enum {
	SUPER_BLOCK_SIZE = 0x20,
	SUPER_BLOCK_COUNT = 0x28,
	SUPER_DIRECTORY_SIZE = 0x2c,
	SUPER_DIRECTORY_MAP = 0x34,
	SUPER_BYTES = 0x38,

	SMALLEST_BLOCK = 512,
	LARGEST_BLOCK = 65536,
	DIRECTORY_MOST = 64 << 20, /* bytes; a PDB of 4 GB has one of 4 MB */
	STREAMS_MOST = 1 << 20,
};

static const uint32_t deleted_stream = 0xffffffff;

static const char magic[] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
			    "DS\0\0";

static enum ps_status corrupt(const struct msf *msf, const char *what, struct ps_error *err)
{
	return ps_fail(err, PS_CORRUPT, "%s is a damaged PDB: %s", file_words(&msf->file), what);
}

static uint32_t blocks_of(const struct msf *msf, uint32_t size)
{
	return size / msf->block_size + (size % msf->block_size != 0);
}

static enum ps_status read_super(struct msf *msf, uint32_t *ret_map, struct ps_error *err)
{
	uint8_t raw[SUPER_BYTES];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (msf->file.size < sizeof(raw) ||
	    file_read(&msf->file, 0, raw, sizeof(raw), err) != PS_OK ||
	    !bytes_equal(&b, 0, magic, sizeof(magic)))
		return ps_fail(err, PS_UNSUPPORTED, "%s is no PDB (MSF 7.00)",
			       file_words(&msf->file));
	msf->block_size = bytes_u32(&b, SUPER_BLOCK_SIZE);
	msf->block_count = bytes_u32(&b, SUPER_BLOCK_COUNT);
	msf->directory_size = bytes_u32(&b, SUPER_DIRECTORY_SIZE);
	*ret_map = bytes_u32(&b, SUPER_DIRECTORY_MAP);
	if (msf->block_size < SMALLEST_BLOCK || msf->block_size > LARGEST_BLOCK ||
	    (msf->block_size & (msf->block_size - 1)) != 0)
		return corrupt(msf, "its blocks have an impossible size", err);
	if (msf->block_count == 0 ||
	    (uint64_t)(msf->block_count - 1) * msf->block_size >= msf->file.size)
		return corrupt(msf, "it ends before its last block", err);
	if (msf->directory_size < 4 || msf->directory_size > DIRECTORY_MOST ||
	    msf->directory_size > msf->file.size)
		return corrupt(msf, "its directory has an impossible size", err);
	return PS_OK;
}

/* Bytes of one block, which begins `skip` bytes in. */
static enum ps_status read_block(struct msf *msf, uint32_t block, uint32_t skip, uint8_t *to,
				 size_t length, struct ps_error *err)
{
	if (block >= msf->block_count)
		return corrupt(msf, "a list of blocks leads outside the file", err);
	return file_read(&msf->file, (uint64_t)block * msf->block_size + skip, to, length, err);
}

/* The directory's own blocks are listed in blocks that follow each other. */
static enum ps_status read_directory(struct msf *msf, uint32_t map, struct ps_error *err)
{
	uint32_t count = blocks_of(msf, (uint32_t)msf->directory_size);
	uint8_t *list = mem_array(count, 4);
	struct bytes b = bytes_of(list, (size_t)count * 4);
	enum ps_status status = PS_OK;
	size_t done = 0;

	msf->directory = mem_array(msf->directory_size, 1);
	if (!list || !msf->directory) {
		free(list);
		return ps_fail_memory(err, "the directory of a PDB");
	}
	if (map >= msf->block_count)
		status = corrupt(msf, "its directory lies outside the file", err);
	else
		status = file_read(&msf->file, (uint64_t)map * msf->block_size, list,
				   (size_t)count * 4, err);
	for (uint32_t i = 0; i < count && status == PS_OK; i++) {
		size_t left = msf->directory_size - done;
		size_t now = left < msf->block_size ? left : msf->block_size;

		status = read_block(msf, bytes_u32(&b, (size_t)i * 4), 0, msf->directory + done,
				    now, err);
		done += now;
	}
	free(list);
	return status;
}

static enum ps_status read_streams(struct msf *msf, struct ps_error *err)
{
	struct bytes b = bytes_of(msf->directory, msf->directory_size);
	uint32_t count = bytes_u32(&b, 0);
	size_t next = 4 + (size_t)count * 4;

	if (count > STREAMS_MOST || next > msf->directory_size)
		return corrupt(msf, "its directory names more streams than it has room for", err);
	msf->streams = mem_array(count ? count : 1, sizeof(*msf->streams));
	if (!msf->streams)
		return ps_fail_memory(err, "the streams of a PDB");
	msf->stream_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct msf_stream *stream = &msf->streams[i];

		stream->size = bytes_u32(&b, 4 + (size_t)i * 4);
		if (stream->size == deleted_stream)
			stream->size = 0;
		stream->blocks = next;
		if (stream->size > (uint64_t)msf->block_count * msf->block_size)
			return corrupt(msf, "a stream is larger than the file", err);
		next += (size_t)blocks_of(msf, stream->size) * 4;
		if (next > msf->directory_size)
			return corrupt(msf, "its directory ends before its lists of blocks", err);
	}
	return PS_OK;
}

enum ps_status msf_open(struct msf *msf, const char *path, struct ps_error *err)
{
	uint32_t map = 0;
	enum ps_status status;

	*msf = (struct msf){.file = {.fd = -1}};
	status = file_open(&msf->file, path, err);
	if (status == PS_OK)
		status = read_super(msf, &map, err);
	if (status == PS_OK)
		status = read_directory(msf, map, err);
	if (status == PS_OK)
		status = read_streams(msf, err);
	if (status != PS_OK)
		msf_close(msf);
	return status;
}

void msf_close(struct msf *msf)
{
	free(msf->directory);
	free(msf->streams);
	file_close(&msf->file);
	*msf = (struct msf){.file = {.fd = -1}};
}

uint32_t msf_size(const struct msf *msf, uint32_t stream)
{
	return stream < msf->stream_count ? msf->streams[stream].size : 0;
}

/* How many of the blocks from `index` on follow each other in the file, `most` at the most. */
static uint32_t run_length(struct bytes *directory, size_t list, uint32_t index, uint32_t most)
{
	uint32_t first = bytes_u32(directory, list + (size_t)index * 4), length = 1;

	while (length < most && bytes_u32(directory, list + ((size_t)index + length) * 4) ==
					(uint64_t)first + length)
		length++;
	return length;
}

enum ps_status msf_read(struct msf *msf, uint32_t stream, uint32_t offset, void *to, size_t length,
			struct ps_error *err)
{
	struct bytes directory = bytes_of(msf->directory, msf->directory_size);
	uint32_t size = msf_size(msf, stream);
	uint8_t *out = to;

	if (offset > size || length > size - offset)
		return corrupt(msf, "a stream ends before what it should hold", err);
	while (length > 0) {
		uint32_t index = offset / msf->block_size, skip = offset % msf->block_size;
		uint32_t most = (uint32_t)((skip + length - 1) / msf->block_size) + 1;
		size_t list = msf->streams[stream].blocks;
		uint32_t run = run_length(&directory, list, index, most);
		uint64_t room = (uint64_t)run * msf->block_size - skip;
		size_t now = length < room ? length : (size_t)room;
		uint32_t block = bytes_u32(&directory, list + (size_t)index * 4);

		if (run > msf->block_count || block > msf->block_count - run)
			return corrupt(msf, "a list of blocks leads outside the file", err);
		if (read_block(msf, block, skip, out, now, err) != PS_OK)
			return err->status;
		out += now;
		offset += (uint32_t)now;
		length -= now;
	}
	return PS_OK;
}

enum ps_status msf_window_init(struct msf_window *window, struct msf *msf, uint32_t stream,
			       struct ps_error *err)
{
	*window = (struct msf_window){.msf = msf, .stream = stream, .ahead = MSF_WINDOW};
	window->data = malloc(MSF_WINDOW);
	return window->data ? PS_OK : ps_fail_memory(err, "a part of a PDB");
}

void msf_window_fini(struct msf_window *window)
{
	free(window->data);
	window->data = NULL;
}

enum ps_status msf_window_get(struct msf_window *window, uint32_t offset, uint32_t length,
			      const uint8_t **ret, struct ps_error *err)
{
	uint32_t size = msf_size(window->msf, window->stream), now;

	if (offset > size || length > size - offset || length > MSF_WINDOW)
		return corrupt(window->msf, "a stream ends before what it should hold", err);
	if (offset < window->start || offset - window->start > window->size ||
	    length > window->size - (offset - window->start)) {
		now = length > window->ahead ? length : window->ahead;
		if (now > size - offset)
			now = size - offset;
		window->size = 0;
		if (msf_read(window->msf, window->stream, offset, window->data, now, err) != PS_OK)
			return err->status;
		window->start = offset;
		window->size = now;
	}
	*ret = window->data + (offset - window->start);
	return PS_OK;
}
