/*
 * LiME images (lime format), and AVML images, which are the same with other magic and with their
 * ranges packed (avml --compress); without, AVML writes LiME. The headers are walked from one to
 * the next: what the ranges hold is not read.
 *
 * LiME's formats "raw" and "padded" have no header and come in as raw images; of "raw", which
 * squeezes the gaps out, nobody can tell where they were. Refused: LiME's compress=1, which packs
 * the whole file. AVML leaves out stretches of zeros, which then count as absent; LiME writes zeros
 * for a page that it fails to read, and nothing tells them from others.
 *
 * Sources: LiME (main.c, lime.h, deflate.c), AVML (image.rs).
 */
#include "formats/lime.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/signals.h"
#include "formats/formats.h"

enum {
	MAGIC_LIME = 0x4c694d45, /* "EMiL" */
	MAGIC_AVML = 0x4c4d5641, /* "AVML" */
	VERSION_LIME = 1,
	VERSION_AVML = 2,
	AVML_BLOCK = 1 << 24, /* bytes of memory, at most, behind a header of AVML */
};

/* Physical addresses have at most 52 bits. */
static const uint64_t address_limit = UINT64_C(1) << 52;

struct image {
	struct dump *dump;
	uint32_t magic; /* of all headers */
	struct page_runs runs;
	struct packed_memory *packed; /* owned, until it is the dump's source; NULL: not packed */
	uint64_t parts;               /* pages of which a range has a part only */
	uint64_t broken_at;           /* file offset from which on nothing can be found; 0: none */
	bool cut;                     /* the file ends inside a header or a packed range */
	bool left_out;                /* blocks between ranges that AVML may have left out */
	uint64_t end;                 /* of the range before */
	char why[160];                /* at broken_at */
};

/* PS_NOT_FOUND, without words: no header is there. */
static enum ps_status read_header(const struct image *image, uint64_t at, struct lime_range *ret,
				  struct ps_error *err)
{
	uint32_t version = image->packed ? VERSION_AVML : VERSION_LIME;
	uint8_t raw[LIME_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t start, last;

	if (file_read(&image->dump->file, at, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	if (bytes_u32(&b, 0) != image->magic)
		return PS_NOT_FOUND;
	if (bytes_u32(&b, 4) != version)
		return at == 0 ? ps_fail_at(err, PS_UNSUPPORTED, 4,
					    "its version is %" PRIu32 ", and only version %" PRIu32
					    " is known",
					    bytes_u32(&b, 4), version)
			       : PS_NOT_FOUND;
	start = bytes_u64(&b, 8);
	last = bytes_u64(&b, 16);
	if (last < start || last >= address_limit)
		return PS_NOT_FOUND;
	*ret = (struct lime_range){start, last + 1};
	return PS_OK;
}

/* The whole pages of a range; `at`: of its bytes in the file, or their address when packed. */
static enum ps_status add_pages(struct image *image, const struct lime_range *range, uint64_t at,
				struct ps_error *err)
{
	uint64_t first = (range->start + PAGE_SIZE - 1) >> PAGE_SHIFT;
	uint64_t end = range->end >> PAGE_SHIFT;
	struct page_run run = {.pfn = first, .offset = at + ((first << PAGE_SHIFT) - range->start)};

	image->parts += range->start % PAGE_SIZE != 0;
	image->parts += range->end % PAGE_SIZE != 0 && end >= first;
	image->left_out |= image->runs.count > 0 && range->start > image->end &&
			   (range->start - image->end) % AVML_BLOCK == 0;
	image->end = range->end;
	if (end <= first)
		return PS_OK;
	run.count = end - first;
	if (!page_runs_add(&image->runs, run))
		return ps_fail_memory(err, "the list of memory ranges");
	return PS_OK;
}

/* What is behind a place where nothing can be understood is lost, and no error. */
static enum ps_status break_off(struct image *image, uint64_t at, const char *why)
{
	image->broken_at = at;
	snprintf(image->why, sizeof(image->why), "%.150s", why);
	return PS_OK;
}

/* *ret_next: 0 when nothing more can be found. */
static enum ps_status add_range(struct image *image, const struct lime_range *range, uint64_t at,
				uint64_t *ret_next, struct ps_error *err)
{
	uint64_t body = at + LIME_HEADER, next = 0;
	enum ps_status status;

	*ret_next = 0;
	if (!image->packed) {
		if (add_pages(image, range, body, err) != PS_OK)
			return err->status;
		*ret_next = body + (range->end - range->start);
		return PS_OK;
	}
	status = avml_add_range(image->packed, range, body, &next, err);
	if (status != PS_OK && status != PS_ABSENT && status != PS_CORRUPT)
		return status;
	if (status != PS_OK) {
		struct ps_error why = *err;

		ps_error_clear(err);
		image->cut |= status == PS_ABSENT;
		if (status == PS_CORRUPT)
			break_off(image, why.at, why.text);
	}
	*ret_next = next;
	return add_pages(image, range, range->start, err);
}

static enum ps_status walk(struct image *image, struct ps_error *err)
{
	uint64_t size = image->dump->file.size, at = 0, next;

	while (at < size) {
		struct lime_range range;
		enum ps_status status;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (size - at < LIME_HEADER) {
			image->cut = true;
			break;
		}
		status = read_header(image, at, &range, err);
		if (status == PS_NOT_FOUND && at > 0)
			return break_off(image, at, "there is no header of a range");
		if (status == PS_NOT_FOUND)
			return ps_fail_at(err, PS_CORRUPT, 0,
					  "its first header states a range that cannot be");
		if (status != PS_OK || add_range(image, &range, at, &next, err) != PS_OK)
			return err->status;
		if (image->dump->progress)
			progress_advance(image->dump->progress, next > at ? next - at : 0);
		if (next == 0)
			break;
		at = next;
	}
	return PS_OK;
}

static void note_losses(struct image *image)
{
	struct dump *dump = image->dump;
	uint64_t there = image->packed ? avml_bytes(image->packed) / PAGE_SIZE : 0;
	char count[WORDS_SIZE];

	dump_note_truncation(dump);
	if (image->packed && there < dump->map.pages)
		dump->pages_cut = dump->map.pages - there;
	if (image->cut || image->broken_at)
		dump->complete = false;
	if (image->cut)
		dump_note(dump, "the file is cut: it ends inside %s",
			  image->packed ? "a packed range or a header" : "a header");
	if (image->broken_at)
		dump_note(dump,
			  "the file is damaged at offset 0x%" PRIx64
			  " (%s): the memory behind it cannot be found",
			  image->broken_at, image->why);
	if (image->parts)
		dump_note(dump, "its ranges end inside pages: %s of them are left out",
			  count_words(image->parts, count));
	if (image->packed && image->left_out)
		dump_note(dump, "AVML leaves out blocks of 16 MiB that are all zeros: what is not "
				"in the file counts as absent");
}

static enum ps_status finish(struct image *image, struct ps_error *err)
{
	struct dump *dump = image->dump;

	if (image->runs.count == 0)
		return ps_fail(err, PS_CORRUPT, "it has no whole page of memory");
	if (image->packed)
		page_map_init(&dump->map, UINT64_MAX); /* places are addresses */
	if (page_map_set_runs(&dump->map, image->runs.items, image->runs.count, err) != PS_OK)
		return err->status;
	note_losses(image);
	if (!image->packed) {
		dump->kind = "lime";
		dump->title = "LiME image";
		return PS_OK;
	}
	if (avml_source(image->packed, image->cut, &dump->source, err) != PS_OK)
		return err->status;
	image->packed = NULL;
	dump->kind = "avml";
	dump->title = "AVML image, compressed";
	return PS_OK;
}

static enum ps_status open_image(struct image *image, struct ps_error *err)
{
	struct dump *dump = image->dump;
	enum ps_status status;

	if (dump->file.size < LIME_HEADER)
		return ps_fail_at(err, PS_ABSENT, dump->file.size,
				  "the file ends inside its first header");
	if (image->magic == MAGIC_AVML) {
		image->packed = avml_create(&dump->file);
		if (!image->packed)
			return ps_fail_memory(err, "the index of the packed memory");
	}
	if (dump->progress)
		progress_begin(dump->progress, "looking for the ranges of memory", dump->file.size);
	status = walk(image, err);
	if (dump->progress)
		progress_end(dump->progress);
	return status == PS_OK ? finish(image, err) : status;
}

/* What a zlib stream at the start of the file begins with; 0: there is none. */
static uint32_t first_word_packed(struct file *file)
{
	enum { PACKED = 512 };
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t packed[PACKED], raw[4] = {0};
	struct bytes b = bytes_of(raw, sizeof(raw));
	z_stream z = {.next_in = packed, .next_out = raw, .avail_out = sizeof(raw)};

	z.avail_in = file->size < PACKED ? (uInt)file->size : PACKED;
	if (file_read(file, 0, packed, z.avail_in, &ignored) != PS_OK ||
	    (packed[0] & 0xf) != Z_DEFLATED || (packed[0] << 8 | packed[1]) % 31 != 0 ||
	    inflateInit(&z) != Z_OK)
		return 0;
	inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return z.avail_out == 0 ? bytes_u32(&b, 0) : 0;
}

static enum probe refuse_packed(const struct dump *dump, struct ps_error *err)
{
	ps_fail(err, PS_UNSUPPORTED,
		"%s is a LiME image that is packed as a whole (compress=1), which cannot be read",
		file_words(&dump->file));
	ps_hint(err, "unpack it first, for example with pigz -d -z < FILE > IMAGE");
	return PROBE_ERROR;
}

enum probe lime_open(struct dump *dump, struct ps_error *err)
{
	struct image image = {.dump = dump};
	uint8_t raw[4];
	struct bytes b = bytes_of(raw, sizeof(raw));
	enum ps_status status;

	if (dump->file.size < sizeof(raw))
		return PROBE_NOT_MINE;
	if (file_read(&dump->file, 0, raw, sizeof(raw), err) != PS_OK)
		return PROBE_ERROR;
	image.magic = bytes_u32(&b, 0);
	if (image.magic != MAGIC_LIME && image.magic != MAGIC_AVML)
		return first_word_packed(&dump->file) == MAGIC_LIME ? refuse_packed(dump, err)
								    : PROBE_NOT_MINE;
	status = open_image(&image, err);
	avml_destroy(image.packed);
	free(image.runs.items);
	if (status == PS_OK)
		return PROBE_MINE;
	ps_wrap(err, "%s: cannot use this %s image", file_words(&dump->file),
		image.magic == MAGIC_LIME ? "LiME" : "AVML");
	hint_damaged(err);
	return PROBE_ERROR;
}
