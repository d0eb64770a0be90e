/*
 * LKCD dumps: a header, and pages that carry their own small headers. Which pages there are is
 * found here, by going from header to header; the pages come through libkdumpfile.
 *
 * Refused: dumps of Linux kernels, which all known writers make; big-endian files; pages of another
 * size than 4 KiB.
 *
 * Source: the description of the format in libkdumpfile and in LKCD's dump.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/signals.h"
#include "formats/formats.h"
#include "formats/kdumpfile.h"

enum {
	AT_VERSION = 8,
	AT_PAGE_SIZE = 20,
	AT_BUFFER_SIZE = 734, /* of version 9 and later: where the pages begin */
	HEADER_READ = 768,
	PAGES_AT = 65536, /* before version 9 */
	VERSION_MASK = 0xff,
	PAGE_HEADER = 16,
	PAGE_END = 4, /* flag of the header behind the last page */
	PAGE_PACKED_MOST = 1 << 16,
};

static const uint8_t little[8] = {0xed, 0x23, 0x8f, 0x61, 0x73, 0x01, 0x19, 0xa8};
static const uint8_t big[8] = {0xa8, 0x19, 0x01, 0x73, 0x61, 0x8f, 0x23, 0xed};

struct lkcd {
	struct dump *dump;
	struct page_runs runs;
	uint64_t lost; /* pages whose bytes the file does not have */
	bool ended;    /* the end mark was there */
	bool broken;   /* at broken_at there should be the header of a page, and is not */
	uint64_t broken_at;
};

/* The place of the system's name depends on version and architecture. */
static bool is_linux(struct bytes *b)
{
	static const size_t places[] = {316, 324, 328, 336, 340};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (bytes_equal(b, places[i], "Linux", 6))
			return true;
	return false;
}

/* Each header says where the next one is: behind one that is none, no page can be found. */
static enum ps_status break_off(struct lkcd *l, uint64_t at, struct ps_error *err)
{
	l->broken = true;
	l->broken_at = at;
	if (l->runs.count > 0)
		return PS_OK;
	return ps_fail_at(err, PS_CORRUPT, at, "no header of a page at file offset 0x%" PRIx64, at);
}

/* Neither length nor flags, of which each page has one: what a copy leaves that was broken off. */
static bool is_empty(struct bytes *b)
{
	return bytes_u32(b, 8) == 0 && bytes_u32(b, 12) == 0;
}

static enum ps_status go_through(struct lkcd *l, uint64_t at, struct ps_error *err)
{
	struct file *file = &l->dump->file;
	uint8_t raw[PAGE_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));

	while (at <= file->size && file->size - at >= PAGE_HEADER) {
		uint64_t size;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (file_read(file, at, raw, sizeof(raw), err) != PS_OK)
			return ps_wrap(err, "cannot read the header of a page");
		l->ended = (bytes_u32(&b, 12) & PAGE_END) != 0;
		if (l->ended)
			return PS_OK;
		size = bytes_u32(&b, 8);
		if (bytes_u64(&b, 0) % PAGE_SIZE != 0 || size > PAGE_PACKED_MOST || is_empty(&b))
			return break_off(l, at, err);
		at += PAGE_HEADER;
		if (size > file->size - at) {
			l->lost++;
			return PS_OK;
		}
		/* Pages have no fixed place in the file: see set_map(). */
		if (!page_runs_add_page(&l->runs, bytes_u64(&b, 0) >> PAGE_SHIFT, 0))
			return ps_fail_memory(err, "the list of pages");
		at += size;
		if (l->dump->progress)
			progress_advance(l->dump->progress, PAGE_HEADER + size);
	}
	return PS_OK;
}

static enum ps_status find_pages(struct lkcd *l, uint64_t at, struct ps_error *err)
{
	struct progress *progress = l->dump->progress;
	enum ps_status status;

	if (progress)
		progress_begin(progress, "looking for pages", l->dump->file.size);
	status = go_through(l, at, err);
	if (progress)
		progress_end(progress);
	return status;
}

static enum ps_status refuse(const struct dump *dump, struct bytes *b, struct ps_error *err)
{
	if (bytes_equal(b, 0, big, sizeof(big)))
		ps_fail(err, PS_UNSUPPORTED,
			"%s is an LKCD dump of a big-endian machine, which ran no Windows",
			file_words(&dump->file));
	else if (is_linux(b))
		ps_fail(err, PS_UNSUPPORTED, "%s is an LKCD dump of a Linux machine",
			file_words(&dump->file));
	else if (bytes_u32(b, AT_PAGE_SIZE) != PAGE_SIZE)
		ps_fail(err, PS_UNSUPPORTED,
			"%s is an LKCD dump with pages of %u bytes; Windows has pages of "
			"4,096",
			file_words(&dump->file), bytes_u32(b, AT_PAGE_SIZE));
	else
		return PS_OK;
	ps_hint(err, HINT_WINDOWS);
	return err->status;
}

static enum ps_status set_map(struct lkcd *l, struct ps_error *err)
{
	struct dump *dump = l->dump;

	if (l->runs.count == 0)
		return ps_fail(err, PS_ABSENT, "the file ends before its first page");
	page_map_init(&dump->map, UINT64_MAX); /* pages have no fixed place in the file */
	if (page_map_set_runs(&dump->map, l->runs.items, l->runs.count, err) != PS_OK)
		return err->status;
	if (l->ended)
		return PS_OK;
	dump->complete = false;
	if (l->broken) {
		dump_note(dump,
			  "the file is damaged: no header of a page at file offset 0x%" PRIx64
			  ", and the pages behind it cannot be found",
			  l->broken_at);
		return PS_OK;
	}
	dump->pages_lost = l->lost;
	dump_note(dump, "the file is cut: it ends before the mark behind its last page");
	return PS_OK;
}

static enum ps_status open_pages(struct lkcd *l, struct bytes *b, struct ps_error *err)
{
	struct dump *dump = l->dump;
	uint32_t version = bytes_u32(b, AT_VERSION) & VERSION_MASK;

	if (find_pages(l, version >= 9 ? bytes_u64(b, AT_BUFFER_SIZE) : PAGES_AT, err) != PS_OK ||
	    set_map(l, err) != PS_OK || kdumpfile_source(&dump->file, &dump->source, err) != PS_OK)
		return ps_wrap(err, "%s: cannot use this LKCD dump", file_words(&dump->file));
	dump->kind = "lkcd";
	snprintf(dump->title_text, sizeof(dump->title_text), "LKCD dump, version %u", version);
	dump->title = dump->title_text;
	dump_note(dump, "read through %s", kdumpfile_version());
	return PS_OK;
}

enum probe lkcd_open(struct dump *dump, struct ps_error *err)
{
	struct lkcd l = {.dump = dump};
	uint8_t raw[HEADER_READ] = {0};
	struct bytes b = bytes_of(raw, sizeof(raw));
	enum ps_status status;

	if (dump->file.size < sizeof(little))
		return PROBE_NOT_MINE;
	if (file_read(&dump->file, 0, raw,
		      dump->file.size < sizeof(raw) ? (size_t)dump->file.size : sizeof(raw),
		      err) != PS_OK)
		return PROBE_ERROR;
	if (!bytes_equal(&b, 0, little, sizeof(little)) && !bytes_equal(&b, 0, big, sizeof(big)))
		return PROBE_NOT_MINE;
	status = refuse(dump, &b, err);
	if (status == PS_OK)
		status = open_pages(&l, &b, err);
	free(l.runs.items);
	if (status == PS_OK)
		return PROBE_MINE;
	hint_damaged(err);
	return PROBE_ERROR;
}
