/*
 * kdump-compressed dumps (KDUMP, DISKDUMP) as makedumpfile and QEMU write them, plain or flattened.
 * The header, the maps of pages and the notes are read here; the pages come through libkdumpfile
 * (zlib, lzo, snappy, zstd, as the library was built).
 *
 * libkdumpfile reads zeros behind the end of a file. So the descriptor of a page is looked at here
 * before the page is asked for.
 *
 * The pages of the file can be larger than those of the machine: QEMU makes them 64 KiB on ARM64.
 *
 * Refused: dumps of Linux kernels, big-endian files. Not supported: sets of split files (one of
 * them opens, with the pages that it has, and says so).
 *
 * Source: the description of the format in makedumpfile (diskdump_mod.h) and its IMPLEMENTATION.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/elf.h"
#include "formats/flattened.h"
#include "formats/formats.h"
#include "formats/kdumpfile.h"

enum {
	HEADER_SIZE = 464,
	SUB_HEADER_SIZE = 104,
	AT_VERSION = 8,
	AT_SYSTEM_NAME = 12,
	AT_RELEASE = 142, /* behind the names of system and node, 65 bytes each */
	NAME_SIZE = 65,

	DESCRIPTOR_SIZE = 24,
	DESCRIPTOR_COMPRESSED = 0x1 | 0x2 | 0x4 | 0x20, /* zlib, lzo, snappy, zstd */
	UNPACKED_MOST = 1 << 16,                        /* the library's limit for a packed page */

	VERSION_DUMP_LEVEL = 1,
	VERSION_SPLIT = 2,
	VERSION_NOTES = 4,
	VERSION_WIDE = 6, /* 64-bit count of pages */

	SCAN_MOST = 1 << 20, /* descriptors that are all looked at when a file is opened */
	SCAN_TAIL = 4096,
	BITS_AT_ONCE = 1 << 16, /* bytes */
};

/* Offsets of the main header from the block size on, and of the sub header, by width of a long. */
struct kdump_layout {
	uint16_t block_size, sub_blocks, bitmap_blocks, pages; /* 4 bytes each */
	uint16_t dump_level, note_at, note_size, note_size_width, wide_pages;
	uint16_t split, split_first; /* 4 bytes; two of 8, from version 6 on */
};

static const struct kdump_layout layouts[] = {
	{416, 420, 424, 428, 4, 32, 40, 4, 72, 8, 56},
	{428, 432, 436, 440, 8, 48, 56, 8, 96, 12, 80},
};

struct kdump_header {
	const struct kdump_layout *layout;
	uint32_t version;
	uint32_t block_size;             /* of the file's pages */
	unsigned share;                  /* pages of 4 KiB in one of them */
	uint64_t bitmap_at, bitmap_size; /* bytes; of both maps together */
	uint64_t pages;                  /* the maps' bits, one a page of the file */
	bool two_maps;                   /* of the machine, and of the file */
	uint64_t descriptors_at;
	uint32_t dump_level;
	bool split;                         /* one file of a set ... */
	uint64_t split_first, split_behind; /* ... PFNs; equal: not stated */
	uint64_t note_at, note_size;
};

/* The source of pages of such a dump. */
struct kdump_pages {
	struct page_source base;
	struct kdumpfile *reader; /* owned */
	struct file *content;     /* borrowed: the dump's file, or `scratch` */
	struct file scratch;      /* owned; the rearranged file */
	struct coverage coverage; /* of it */
	struct kdump_header header;
};

/* ---- pages ---- */

/* Looks whether the file has the bytes of the page whose descriptor is the `rank`-th. */
static enum page_state check_page(struct kdump_pages *k, uint64_t rank)
{
	uint64_t at = k->header.descriptors_at + rank * DESCRIPTOR_SIZE, offset, size;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[DESCRIPTOR_SIZE];
	struct bytes bytes = bytes_of(raw, sizeof(raw));

	if (at > k->content->size || k->content->size - at < sizeof(raw) ||
	    !coverage_has(&k->coverage, at, sizeof(raw)))
		return PAGE_BEYOND_EOF;
	if (file_read(k->content, at, raw, sizeof(raw), &ignored) != PS_OK)
		return PAGE_IO_ERROR;
	offset = bytes_u64(&bytes, 0);
	size = bytes_u32(&bytes, 8);
	if (size == 0 || size > UNPACKED_MOST ||
	    (!(bytes_u32(&bytes, 12) & DESCRIPTOR_COMPRESSED) && size != k->header.block_size))
		return PAGE_DAMAGED;
	if (offset > k->content->size || k->content->size - offset < size ||
	    !coverage_has(&k->coverage, offset, size))
		return PAGE_BEYOND_EOF;
	return PAGE_PRESENT;
}

static struct kdump_pages *of_source(const struct page_source *source)
{
	return (struct kdump_pages *)(uintptr_t)source;
}

/* The map counts pages from 0 on: an offset in it is a rank. */
static enum page_state pages_read(struct page_source *source, const struct extent *page,
				  size_t skip, void *to, size_t length)
{
	struct kdump_pages *k = of_source(source);
	enum page_state state = check_page(k, (page->offset >> PAGE_SHIFT) / k->header.share);

	if (state != PAGE_PRESENT)
		return state;
	state = kdumpfile_read(k->reader, page->pfn, skip, to, length);
	/* The library's map is ours: what it cannot find there is not absent but damaged. */
	return state == PAGE_NOT_IN_DUMP ? PAGE_DAMAGED : state;
}

static void pages_prefetch(struct page_source *source, uint64_t pfn, uint64_t count)
{
	kdumpfile_prefetch(of_source(source)->reader, pfn, count);
}

static bool pages_lost(const struct page_source *source, struct ps_error *err)
{
	return kdumpfile_lost(of_source(source)->reader, err);
}

static unsigned pages_bad(const struct page_source *source, struct ps_error *err)
{
	return kdumpfile_bad(of_source(source)->reader, err);
}

static void pages_close(struct page_source *source)
{
	struct kdump_pages *k = of_source(source);

	kdumpfile_close(k->reader);
	file_close(&k->scratch);
	coverage_fini(&k->coverage);
	free(k);
}

/* ---- header ---- */

/* The layout whose numbers fit together; the library tries them in the same order. */
static const struct kdump_layout *find_layout(struct bytes *b)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct kdump_layout *l = &layouts[i];
		uint64_t block = bytes_u32(b, l->block_size);

		if (block >= 4096 && block <= 65536 && (block & (block - 1)) == 0 &&
		    bytes_u32(b, l->bitmap_blocks) * block * 8 >= bytes_u32(b, l->pages) &&
		    bytes_u32(b, l->bitmap_blocks) != 0)
			return l;
	}
	return NULL;
}

static enum ps_status refuse_linux(struct bytes *b, struct ps_error *err)
{
	char release[NAME_SIZE + 1] = "";

	if (!bytes_equal(b, AT_SYSTEM_NAME, "Linux", 6))
		return PS_OK;
	for (size_t i = 0; i < NAME_SIZE; i++) {
		uint8_t c = bytes_u8(b, AT_RELEASE + i);

		if (c <= ' ' || c >= 0x7f)
			break;
		release[i] = (char)c;
	}
	ps_fail(err, PS_UNSUPPORTED, "it is a dump of a Linux kernel (%s)", release);
	ps_hint(err, HINT_WINDOWS);
	return err->status;
}

static enum ps_status read_sub_header(struct kdump_pages *k, struct ps_error *err)
{
	struct kdump_header *h = &k->header;
	const struct kdump_layout *l = h->layout;
	uint8_t raw[SUB_HEADER_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (h->version < VERSION_DUMP_LEVEL)
		return PS_OK;
	if (file_read(k->content, h->block_size, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read its second header");
	h->dump_level = bytes_u32(&b, l->dump_level);
	h->split = h->version >= VERSION_SPLIT && bytes_u32(&b, l->split) != 0;
	if (h->split && h->version >= VERSION_WIDE) {
		h->split_first = bytes_u64(&b, l->split_first);
		h->split_behind = bytes_u64(&b, l->split_first + 8u);
	}
	if (h->version >= VERSION_NOTES) {
		h->note_at = bytes_u64(&b, l->note_at);
		h->note_size = bytes_uint(&b, l->note_size, l->note_size_width);
	}
	if (h->version >= VERSION_WIDE && bytes_u64(&b, l->wide_pages) != 0)
		h->pages = bytes_u64(&b, l->wide_pages);
	return PS_OK;
}

/* Places of the maps and of the descriptors, all inside the file. */
static enum ps_status place_maps(struct kdump_pages *k, struct bytes *b, struct ps_error *err)
{
	struct kdump_header *h = &k->header;
	uint64_t sub_blocks = bytes_u32(b, h->layout->sub_blocks);

	h->bitmap_at = (1 + sub_blocks) * h->block_size;
	h->bitmap_size = (uint64_t)bytes_u32(b, h->layout->bitmap_blocks) * h->block_size;
	h->descriptors_at = h->bitmap_at + h->bitmap_size;
	if (h->descriptors_at > k->content->size ||
	    !coverage_has(&k->coverage, h->bitmap_at, h->bitmap_size))
		return ps_fail_at(err, PS_ABSENT, k->content->size,
				  "the file ends inside its map of pages");
	if (h->pages > h->bitmap_size * 8)
		return ps_fail_at(err, PS_CORRUPT, h->bitmap_at,
				  "it states %" PRIu64 " pages, but its map has only %" PRIu64
				  " bits",
				  h->pages, h->bitmap_size * 8);
	h->two_maps = h->pages <= h->bitmap_size * 4;
	return PS_OK;
}

static enum ps_status read_header(struct kdump_pages *k, struct ps_error *err)
{
	uint8_t raw[HEADER_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));
	struct kdump_header *h = &k->header;

	if (k->content->size < HEADER_SIZE)
		return ps_fail_at(err, PS_ABSENT, k->content->size,
				  "the file ends inside its headers");
	if (file_read(k->content, 0, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read its header");
	if (refuse_linux(&b, err) != PS_OK)
		return err->status;
	h->layout = find_layout(&b);
	if (!h->layout)
		return ps_fail_at(err, PS_CORRUPT, layouts[1].block_size,
				  "its header is damaged, or of a big-endian machine");
	h->block_size = bytes_u32(&b, h->layout->block_size);
	h->share = h->block_size / PAGE_SIZE;
	h->version = bytes_u32(&b, AT_VERSION);
	h->pages = bytes_u32(&b, h->layout->pages);
	if (read_sub_header(k, err) != PS_OK)
		return err->status;
	return place_maps(k, &b, err);
}

static enum ps_status check_magic(struct file *content, bool *ret_is, struct ps_error *err)
{
	char magic[8];

	*ret_is = false;
	if (content->size < sizeof(magic))
		return PS_OK;
	if (file_read(content, 0, magic, sizeof(magic), err) != PS_OK)
		return err->status;
	*ret_is = memcmp(magic, "KDUMP   ", 8) == 0 || memcmp(magic, "DISKDUMP", 8) == 0;
	return PS_OK;
}

/* ---- what is missing ---- */

/* Looks at every `step`-th descriptor from `first` on. */
static uint64_t count_lost(struct kdump_pages *k, uint64_t first, uint64_t pages, uint64_t step)
{
	uint64_t lost = 0;

	for (uint64_t rank = first; rank < pages; rank += step)
		lost += check_page(k, rank) == PAGE_BEYOND_EOF;
	return lost;
}

/*
 * Counts the pages that the file has lost. Of a large dump only some descriptors are looked at, and
 * the last ones, since they fill hundreds of MiB; all of them when one of those is lost.
 */
static void find_lost(struct dump *dump, struct kdump_pages *k)
{
	uint64_t pages = dump->map.pages / k->header.share, step = pages / SCAN_MOST + 1;
	uint64_t tail = pages > SCAN_TAIL ? pages - SCAN_TAIL : 0;
	char words[WORDS_SIZE];
	uint64_t lost;

	if (step == 1)
		file_prefetch(k->content, k->header.descriptors_at, pages * DESCRIPTOR_SIZE);
	lost = count_lost(k, 0, pages, step);
	if (step > 1 && lost + count_lost(k, tail, pages, 1) > 0)
		lost = count_lost(k, 0, pages, 1);
	if (lost == 0)
		return;
	dump->pages_cut = lost * k->header.share;
	dump->complete = false;
	dump_note(dump, "the file is cut: it lacks the bytes of %s of its pages",
		  count_words(dump->pages_cut, words));
}

static uint64_t count_bits(struct kdump_pages *k, uint64_t at, uint64_t size)
{
	uint8_t *part = malloc(BITS_AT_ONCE);
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t bits = 0;

	for (uint64_t done = 0; part && done < size; done += BITS_AT_ONCE) {
		size_t now = size - done < BITS_AT_ONCE ? (size_t)(size - done) : BITS_AT_ONCE;

		if (file_read(k->content, at + done, part, now, &ignored) != PS_OK)
			break;
		for (size_t i = 0; i < now; i++)
			bits += (uint64_t)__builtin_popcount(part[i]);
	}
	free(part);
	return bits;
}

/* The machine's map says which pages there were, the file's which were written. */
static void note_left_out(struct dump *dump, struct kdump_pages *k)
{
	const struct kdump_header *h = &k->header;
	uint64_t there, left_out;
	char words[WORDS_SIZE];

	if (!h->two_maps || h->split)
		return;
	there = count_bits(k, h->bitmap_at, h->bitmap_size / 2) * h->share;
	left_out = there > dump->map.pages ? there - dump->map.pages : 0;
	if (left_out > 0)
		dump_note(dump,
			  "%s of the machine's pages were left out when it was written (dump level "
			  "%u: %s) and count as absent",
			  count_words(left_out, words), h->dump_level,
			  h->dump_level == 1 ? "pages of zeros" : "pages of zeros and others");
}

/* makedumpfile --split: each file has the whole maps, and the pages of one stretch. */
static void note_split(struct dump *dump, const struct kdump_header *h)
{
	char first[40] = "";

	if (!h->split)
		return;
	if (h->split_first < h->split_behind)
		snprintf(first, sizeof(first), "0x%" PRIx64 " to 0x%" PRIx64,
			 h->split_first * h->block_size, h->split_behind * h->block_size - 1);
	dump->complete = false;
	dump->advice = "put its files together with makedumpfile --reassemble FILE1 FILE2 ... "
		       "WHOLE, and open WHOLE";
	dump_note(dump,
		  "it is one file of a set that makedumpfile --split wrote: it has the pages of "
		  "physical %s only; %s",
		  first[0] ? first : "addresses unknown", dump->advice);
}

/* ---- opening ---- */

/* One bit for each 4 KiB of the file's pages; frees `bits`. */
static uint8_t *spread_bits(uint8_t *bits, uint64_t count, unsigned share)
{
	uint8_t *spread = share == 1 ? bits : mem_array((size_t)(count * share / 8 + 1), 1);

	if (spread == bits)
		return bits;
	for (uint64_t i = 0; spread && i < count * share; i++) {
		uint64_t from = i / share;

		if (bits[from / 8] >> from % 8 & 1)
			spread[i / 8] = (uint8_t)(spread[i / 8] | 1u << i % 8);
	}
	free(bits);
	return spread;
}

static enum ps_status read_map(struct dump *dump, struct kdump_pages *k, struct ps_error *err)
{
	const struct kdump_header *h = &k->header;
	uint8_t *map;

	if (kdumpfile_open(k->content, &k->reader, err) != PS_OK)
		return err->status;
	map = malloc((size_t)(h->pages / 8 + 1));
	if (!map)
		return ps_fail_memory(err, "the map of pages");
	if (kdumpfile_pagemap(k->reader, h->pages, map, err) != PS_OK) {
		free(map);
		return err->status;
	}
	map = spread_bits(map, h->pages, h->share);
	if (!map)
		return ps_fail_memory(err, "the map of pages");
	/* No file offsets: check_page() knows where the file ends. */
	page_map_init(&dump->map, UINT64_MAX);
	return page_map_set_bitmap(&dump->map, map, h->pages * h->share, 0, err);
}

static void read_notes(struct dump *dump, struct kdump_pages *k)
{
	struct core_notes notes = {.writer = CORE_WRITER_UNKNOWN};
	bool flattened = k->content == &k->scratch;

	if (k->header.note_size > 0)
		core_notes_read(dump, k->content, k->header.note_at, k->header.note_size, &notes);
	if (!notes.windows_header && notes.paging && !notes.pae) {
		dump->facts.machine = MACHINE_X86; /* x64 has no paging without PAE */
		dump->facts.pae = TRI_NO;
	}
	snprintf(dump->title_text, sizeof(dump->title_text), "kdump-compressed dump%s%s%s",
		 flattened ? ", flattened" : "",
		 notes.writer == CORE_WRITER_QEMU ? ", by QEMU" : "",
		 notes.windows_header ? ", with a Windows header" : "");
	dump->title = dump->title_text;
	if (notes.damaged)
		dump_note(dump, "its notes are damaged: not all of them could be read");
}

static enum ps_status unpack(struct dump *dump, struct kdump_pages *k, struct ps_error *err)
{
	bool is_kdump;

	if (flattened_unpack(&dump->file, dump->progress, &k->scratch, &k->coverage, err) != PS_OK)
		return ps_wrap(err, "cannot rearrange the flattened makedumpfile stream");
	k->content = &k->scratch;
	if (!k->coverage.whole) {
		dump->complete = false;
		dump_note(dump, "the flattened stream ends before its end mark: the file is cut");
	}
	if (check_magic(k->content, &is_kdump, err) != PS_OK)
		return err->status;
	if (!is_kdump) {
		ps_fail(err, PS_UNSUPPORTED,
			"the flattened makedumpfile stream holds no "
			"kdump-compressed dump");
		ps_hint(err, "rearrange it with makedumpfile -R and open what comes out");
		return err->status;
	}
	return PS_OK;
}

static enum ps_status open_pages(struct dump *dump, struct kdump_pages *k, struct ps_error *err)
{
	if (k->content != &dump->file && unpack(dump, k, err) != PS_OK)
		return err->status;
	if (read_header(k, err) != PS_OK || read_map(dump, k, err) != PS_OK)
		return ps_wrap(err, "cannot use this kdump-compressed dump");
	read_notes(dump, k);
	find_lost(dump, k);
	note_left_out(dump, k);
	note_split(dump, &k->header);
	dump_note(dump, "read through %s", kdumpfile_version());
	dump->kind = "kdump";
	return PS_OK;
}

enum probe kdump_open(struct dump *dump, struct ps_error *err)
{
	static const struct page_source_ops ops = {pages_read, pages_prefetch, pages_lost,
						   pages_bad,  pages_close,    true};
	bool is_kdump, flattened = flattened_is(&dump->file);
	struct kdump_pages *k;

	if (check_magic(&dump->file, &is_kdump, err) != PS_OK)
		return PROBE_ERROR;
	if (!is_kdump && !flattened)
		return PROBE_NOT_MINE;
	k = mem_array(1, sizeof(*k));
	if (!k) {
		ps_fail_memory(err, "a dump");
		return PROBE_ERROR;
	}
	k->base.ops = &ops;
	k->scratch.fd = -1;
	k->coverage.whole = true;
	k->content = flattened ? NULL : &dump->file;
	dump->source = &k->base; /* from now on the dump closes it */
	if (open_pages(dump, k, err) == PS_OK)
		return PROBE_MINE;
	ps_wrap(err, "%s", file_words(&dump->file));
	hint_damaged(err);
	return PROBE_ERROR;
}
