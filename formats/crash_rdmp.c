/*
 * Crash dumps with a list of page ranges (RDMP), as debuggers write them with `.dump /k`, `/ka` and
 * `/f` (types 8, 9, 10). Behind a short header stand ranges {first page, number of pages}, and from
 * FirstPageOffset on the pages of all ranges, back to back. The list ends in one of two ways:
 *
 *   types 8, 9   at a range that begins with page 0
 *   type 10      where the ranges have as many pages as the header of the body states
 *
 * Source: the public dump readers kdmp-parser and kdmp-parser-rs. Not supported: 32-bit dumps, of
 * which no layout is known.
 */
#include "formats/crash.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "formats/formats.h"

enum {
	BODY_MARKER = 0x00,
	BODY_SIGNATURE = 0x04, /* "RDMP" */
	BODY_VALID = 0x08,     /* "DUMP" */
	BODY_METADATA_SIZE = 0x10,
	BODY_FIRST_PAGE = 0x18,
	BODY_RANGE_COUNT = 0x20, /* type 10 only, and the next one */
	BODY_PAGE_COUNT = 0x28,
	BODY_RANGES = 0x30,
	MARKER = 0x40,
	/* MetadataSize and FirstPageOffset count the same bytes from different places. */
	METADATA_BEFORE = 0x20,
	PAGES_BEFORE = 0x40, /* behind the crash dump header */
	RANGE_SIZE = 16,
	RANGES_AT_ONCE = 4096,
};

/* The body's header, and the ranges as they are read. */
struct body {
	struct file *file;
	uint64_t at;         /* file offset */
	uint64_t first_page; /* file offset of the first page */
	uint64_t range_count, page_count;
	bool counted; /* the list ends where its pages are page_count */

	struct page_runs runs;
	uint64_t pages;
	uint64_t next_page; /* file offset behind the last page so far */
	bool ended;         /* the list's own end was met */
};

static enum ps_status check_body(struct body *body, struct bytes *raw, struct ps_error *err)
{
	uint64_t metadata = bytes_u64(raw, BODY_METADATA_SIZE);
	uint32_t marker = bytes_u32(raw, BODY_MARKER);

	if (!bytes_equal(raw, BODY_SIGNATURE, "RDMP", 4) ||
	    !bytes_equal(raw, BODY_VALID, "DUMP", 4))
		return ps_fail_at(err, PS_CORRUPT, body->at,
				  "no list of page ranges (RDMP) at file offset 0x%" PRIx64,
				  body->at);
	if (marker != MARKER)
		return ps_fail_at(err, PS_CORRUPT, body->at,
				  "the list of page ranges begins with 0x%" PRIx32
				  " instead of 0x%x",
				  marker, MARKER);
	body->first_page = bytes_u64(raw, BODY_FIRST_PAGE);
	body->range_count = bytes_u32(raw, BODY_RANGE_COUNT);
	body->page_count = bytes_u64(raw, BODY_PAGE_COUNT);
	if (metadata < METADATA_BEFORE || body->first_page < body->at + BODY_RANGES ||
	    metadata - METADATA_BEFORE != body->first_page - body->at - PAGES_BEFORE)
		return ps_fail_at(err, PS_CORRUPT, body->at + BODY_METADATA_SIZE,
				  "the list of page ranges is said to have 0x%" PRIx64
				  " bytes and the first page to be at file offset 0x%" PRIx64
				  ", which do not agree",
				  metadata, body->first_page);
	return PS_OK;
}

static enum ps_status read_body(struct body *body, struct ps_error *err)
{
	uint8_t data[BODY_RANGES];
	struct bytes raw = bytes_of(data, sizeof(data));
	uint64_t room = body->file->size - body->at;

	if (room < sizeof(data))
		return ps_fail_at(err, PS_ABSENT, body->file->size,
				  "the file ends before its list of page ranges");
	if (file_read(body->file, body->at, data, sizeof(data), err) != PS_OK)
		return ps_wrap(err, "cannot read the header of the list of page ranges");
	if (check_body(body, &raw, err) != PS_OK)
		return err->status;
	if (body->file->size < body->first_page)
		return ps_fail_at(err, PS_ABSENT, body->file->size,
				  "the file ends inside its list of page ranges (%" PRIu64
				  " of %" PRIu64 " bytes are there)",
				  room - BODY_RANGES, body->first_page - body->at - BODY_RANGES);
	return PS_OK;
}

static enum ps_status add_range(struct body *body, uint64_t pfn, uint64_t pages,
				struct ps_error *err)
{
	if (pages > (UINT64_MAX - body->next_page) >> PAGE_SHIFT)
		return ps_fail_at(err, PS_CORRUPT, body->at,
				  "page range %zu has 0x%" PRIx64
				  " pages, more than a file can hold",
				  body->runs.count + 1, pages);
	if (!page_runs_add(&body->runs, (struct page_run){pfn, pages, body->next_page}))
		return ps_fail_memory(err, "the list of page ranges");
	body->next_page += pages << PAGE_SHIFT;
	body->pages += pages;
	return PS_OK;
}

static enum ps_status take_ranges(struct body *body, struct bytes *raw, size_t count,
				  struct ps_error *err)
{
	for (size_t i = 0; i < count && !body->ended; i++) {
		uint64_t pfn = bytes_u64(raw, i * RANGE_SIZE);
		uint64_t pages = bytes_u64(raw, i * RANGE_SIZE + 8);

		body->ended = pfn == 0 && (!body->counted || pages == 0);
		if (body->ended)
			break;
		if (add_range(body, pfn, pages, err) != PS_OK)
			return err->status;
		body->ended = body->counted && body->pages >= body->page_count;
	}
	return PS_OK;
}

static enum ps_status read_ranges(struct body *body, struct ps_error *err)
{
	uint64_t at = body->at + BODY_RANGES;
	uint64_t left = (body->first_page - at) / RANGE_SIZE;
	uint8_t *data = mem_array(RANGES_AT_ONCE, RANGE_SIZE);

	if (!data)
		return ps_fail_memory(err, "the list of page ranges");
	while (left > 0 && !body->ended) {
		size_t count = left < RANGES_AT_ONCE ? (size_t)left : RANGES_AT_ONCE;
		struct bytes raw = bytes_of(data, count * RANGE_SIZE);

		if (file_read(body->file, at, data, raw.size, err) != PS_OK)
			ps_wrap(err, "cannot read the list of page ranges");
		else
			take_ranges(body, &raw, count, err);
		if (err->status != PS_OK)
			break;
		at += raw.size;
		left -= count;
	}
	free(data);
	return err->status;
}

static void forget_ranges(struct body *body)
{
	free(body->runs.items);
	body->runs = (struct page_runs){.items = NULL};
	body->pages = 0;
	body->next_page = body->first_page;
	body->ended = false;
}

/* Type 7 does not say how its list ends: counted, when the counts are right. */
static enum ps_status read_either(struct body *body, struct ps_error *err)
{
	body->counted = true;
	if (read_ranges(body, err) == PS_OK && body->pages == body->page_count &&
	    body->runs.count == body->range_count)
		return PS_OK;
	if (err->status == PS_NO_MEMORY || err->status == PS_SYSTEM)
		return err->status;
	ps_error_clear(err);
	forget_ranges(body);
	body->counted = false;
	return read_ranges(body, err);
}

static void note_counts(struct dump *dump, const struct body *body)
{
	char stated[WORDS_SIZE], listed[WORDS_SIZE];

	if (body->pages != body->page_count) {
		dump->complete = false;
		dump_note(dump, "the body states %s pages, but its ranges have %s",
			  count_words(body->page_count, stated), count_words(body->pages, listed));
	} else if (body->runs.count != body->range_count) {
		dump_note(dump,
			  "the body states %s page ranges, but its pages are all in the "
			  "first %s",
			  count_words(body->range_count, stated),
			  count_words(body->runs.count, listed));
	}
}

static enum ps_status fill(struct dump *dump, struct body *body, struct ps_error *err)
{
	uint64_t type = dump->facts.dump_type.value;
	enum ps_status status = read_body(body, err);

	if (status != PS_OK)
		return status;
	body->next_page = body->first_page;
	body->counted = type == 10;
	status = type == 7 ? read_either(body, err) : read_ranges(body, err);
	if (status == PS_OK)
		status = page_map_set_runs(&dump->map, body->runs.items, body->runs.count, err);
	if (status != PS_OK)
		return status;
	if (dump->map.pages == 0)
		return ps_fail_at(err, PS_CORRUPT, body->at + BODY_RANGES,
				  "the list of page ranges has no pages");
	if (body->counted)
		note_counts(dump, body);
	dump->kind = "windows-rdmp";
	return PS_OK;
}

enum ps_status crash_rdmp_open(struct dump *dump, const struct crash_header *header,
			       struct ps_error *err)
{
	struct body body = {.file = &dump->file, .at = header->layout->size};
	enum ps_status status;

	if (header->layout->pointer != 8)
		return ps_fail(err, PS_UNSUPPORTED,
			       "a 32-bit dump of this type; lists of page ranges (RDMP) are known "
			       "of 64-bit dumps only");
	status = fill(dump, &body, err);
	free(body.runs.items);
	return status;
}

enum ps_status crash_any_open(struct dump *dump, const struct crash_header *header,
			      struct ps_error *err)
{
	uint64_t at = header->layout->size;
	uint8_t head[8] = {0};
	struct bytes bytes = bytes_of(head, sizeof(head));

	if (dump->file.size - at >= sizeof(head) &&
	    file_read(&dump->file, at, head, sizeof(head), err) != PS_OK)
		return ps_wrap(err, "cannot read the head of the body");
	if (bytes_equal(&bytes, BODY_SIGNATURE, "RDMP", 4))
		return crash_rdmp_open(dump, header, err);
	return crash_bitmap_open(dump, header, err);
}
