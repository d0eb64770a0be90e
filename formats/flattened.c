/*
 * Rearranges a flattened makedumpfile stream: a header of 4,096 bytes, then records of {offset,
 * size, bytes} with big-endian numbers, and a last record of -1, -1. A later record overwrites an
 * earlier one.
 *
 * The file is made without a name, so that it is gone whatever happens; stretches that no record
 * fills stay holes. Two passes: the first checks all records and adds up the room that is needed.
 *
 * Source: makedumpfile's description of its flattened format (makedumpfile(8), option -F, and
 * makedumpfile_data_header).
 */
#include "formats/flattened.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"
#include "formats/formats.h"
#include "formats/scratch.h"

enum {
	STREAM_HEADER = 4096,
	RECORD_HEADER = 16,
	COPY_BYTES = 1 << 20,
	STRETCHES_MOST = 1 << 20,
	RECENT = 4,           /* stretches that a record may continue: QEMU writes two in turns */
	SPARSE_FACTOR = 4,    /* how much larger than the stream its file may be ... */
	SPARSE_MORE = 1 << 30 /* ... and more */
};

static const char magic[16] = "makedumpfile";

struct record {
	uint64_t from;         /* of the bytes, in the stream */
	uint64_t offset, size; /* in the rearranged file; size as far as the stream goes */
	bool last;             /* the end mark */
	bool cut;              /* the stream ends inside it */
};

struct survey {
	uint64_t bytes, end; /* of all records; of the rearranged file */
	bool whole;
};

bool flattened_is(struct file *file)
{
	struct ps_error ignored = PS_ERROR_INIT;
	char start[sizeof(magic)];

	return file->size >= sizeof(magic) &&
	       file_read(file, 0, start, sizeof(start), &ignored) == PS_OK &&
	       memcmp(start, magic, sizeof(magic)) == 0;
}

/* ---- coverage ---- */

static bool add_stretch(struct coverage *c, uint64_t start, uint64_t end)
{
	void *items = c->items;

	for (size_t i = 0; i < RECENT && i < c->count; i++) {
		struct stretch *recent = &c->items[c->count - 1 - i];

		if (recent->end == start) {
			recent->end = end;
			return true;
		}
	}
	if (c->count == STRETCHES_MOST ||
	    !mem_grow(&items, c->count, &c->capacity, sizeof(*c->items)))
		return false;
	c->items = items;
	c->items[c->count++] = (struct stretch){start, end};
	return true;
}

static int compare_stretches(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void merge_stretches(struct coverage *c)
{
	size_t used = 0;

	if (c->count == 0)
		return;
	qsort(c->items, c->count, sizeof(*c->items), compare_stretches);
	for (size_t i = 1; i < c->count; i++) {
		struct stretch *last = &c->items[used];

		if (c->items[i].start > last->end)
			c->items[++used] = c->items[i];
		else if (c->items[i].end > last->end)
			last->end = c->items[i].end;
	}
	c->count = used + 1;
}

bool coverage_has(const struct coverage *c, uint64_t offset, uint64_t length)
{
	size_t low = 0, high = c->count;

	if (c->whole)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->items[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->count && c->items[low].start <= offset &&
	       c->items[low].end - offset >= length;
}

void coverage_fini(struct coverage *coverage)
{
	free(coverage->items);
	*coverage = (struct coverage){.items = NULL};
}

/* ---- records ---- */

static uint64_t big_endian(struct bytes *bytes, size_t offset)
{
	return __builtin_bswap64(bytes_u64(bytes, offset));
}

/* The record at `at`. PS_ABSENT: the stream ends before it. */
static enum ps_status read_record(struct file *stream, uint64_t at, struct record *ret,
				  struct ps_error *err)
{
	uint8_t raw[RECORD_HEADER];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	uint64_t most = stream->size * SPARSE_FACTOR + SPARSE_MORE, room;

	if (file_read(stream, at, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	*ret = (struct record){.from = at + RECORD_HEADER,
			       .offset = big_endian(&bytes, 0),
			       .size = big_endian(&bytes, 8)};
	ret->last = ret->offset == UINT64_MAX && ret->size == UINT64_MAX;
	if (ret->last)
		return PS_OK;
	if (ret->size == 0 || ret->offset > most || ret->size > most - ret->offset)
		return ps_fail_at(err, PS_CORRUPT, at,
				  "the record at file offset 0x%" PRIx64 " wants 0x%" PRIx64
				  " bytes at 0x%" PRIx64 ", which cannot be",
				  at, ret->size, ret->offset);
	room = stream->size - ret->from;
	ret->cut = ret->size > room;
	if (ret->cut)
		ret->size = room;
	return PS_OK;
}

static enum ps_status look_through(struct file *stream, struct survey *survey,
				   struct coverage *coverage, struct ps_error *err)
{
	uint64_t at = STREAM_HEADER;

	for (;;) {
		struct record record;
		enum ps_status status = read_record(stream, at, &record, err);

		if (status == PS_ABSENT) {
			ps_error_clear(err);
			return PS_OK;
		}
		if (status != PS_OK)
			return status;
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		survey->whole = record.last;
		if (record.last || record.size == 0)
			return PS_OK;
		if (!add_stretch(coverage, record.offset, record.offset + record.size))
			return ps_fail(err, PS_CORRUPT, "its pieces are too many to be kept");
		survey->bytes += record.size;
		if (record.offset + record.size > survey->end)
			survey->end = record.offset + record.size;
		if (record.cut)
			return PS_OK;
		at = record.from + record.size;
	}
}

static enum ps_status copy_record(struct file *stream, const struct record *record,
				  const struct scratch *scratch, uint8_t *buffer,
				  struct progress *progress, struct ps_error *err)
{
	for (uint64_t done = 0; done < record->size;) {
		uint64_t left = record->size - done;
		size_t part = left < COPY_BYTES ? (size_t)left : COPY_BYTES;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (file_read(stream, record->from + done, buffer, part, err) != PS_OK ||
		    scratch_write(scratch, buffer, part, record->offset + done, err) != PS_OK)
			return err->status;
		file_prefetch(stream, record->from + done + part, COPY_BYTES);
		if (progress)
			progress_advance(progress, part);
		done += part;
	}
	return PS_OK;
}

/* All records that the survey found sound. */
static enum ps_status copy_records(struct file *stream, uint64_t bytes,
				   const struct scratch *scratch, struct progress *progress,
				   struct ps_error *err)
{
	uint8_t *buffer = malloc(COPY_BYTES);
	uint64_t at = STREAM_HEADER;
	enum ps_status status = PS_OK;

	if (!buffer)
		return ps_fail_memory(err, "the rearranging of a stream");
	while (status == PS_OK && bytes > 0) {
		struct record record = {.from = at};

		status = read_record(stream, at, &record, err);
		if (status == PS_OK)
			status = copy_record(stream, &record, scratch, buffer, progress, err);
		at = record.from + record.size;
		bytes -= record.size < bytes ? record.size : bytes;
	}
	free(buffer);
	return status;
}

/* ---- the file ---- */

static enum ps_status fill_scratch(struct file *stream, const struct survey *survey,
				   const struct scratch *scratch, struct progress *progress,
				   struct ps_error *err)
{
	enum ps_status status = scratch_check_room(scratch, "rearranging it", survey->bytes, err);

	if (status != PS_OK)
		return status;
	if (progress)
		progress_begin(progress, "rearranging the flattened stream", survey->bytes);
	status = copy_records(stream, survey->bytes, scratch, progress, err);
	if (progress)
		progress_end(progress);
	return status;
}

static enum ps_status make_scratch(struct file *stream, const struct survey *survey,
				   struct progress *progress, struct file *ret,
				   struct ps_error *err)
{
	struct scratch scratch;

	if (scratch_open(&scratch, "the rearranged file", "rearrange it with makedumpfile -R",
			 err) != PS_OK)
		return err->status;
	if (fill_scratch(stream, survey, &scratch, progress, err) != PS_OK) {
		scratch_close(&scratch);
		return err->status;
	}
	return file_adopt(ret, scratch_release(&scratch), stream->path, err);
}

enum ps_status flattened_unpack(struct file *stream, struct progress *progress, struct file *ret,
				struct coverage *ret_coverage, struct ps_error *err)
{
	struct survey survey = {.bytes = 0};
	struct coverage coverage = {.items = NULL};

	if (look_through(stream, &survey, &coverage, err) != PS_OK)
		goto fail;
	if (survey.bytes == 0) {
		ps_fail_at(err, PS_ABSENT, stream->size, "the file ends before its first piece");
		goto fail;
	}
	if (make_scratch(stream, &survey, progress, ret, err) != PS_OK)
		goto fail;
	merge_stretches(&coverage);
	coverage.whole = survey.whole;
	*ret_coverage = coverage;
	return PS_OK;
fail:
	coverage_fini(&coverage);
	return err->status;
}
