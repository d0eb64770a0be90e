/*
 * Windows crash dumps and other files, written by a test from the documented layouts, and what
 * tests expect of the dump opened from them. The writing shares no code and no layout with
 * formats/.
 */
#ifndef PS_TESTS_UNIT_DUMP_WRITER_H
#define PS_TESTS_UNIT_DUMP_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "formats/dump.h"

struct writer {
	uint8_t *data; /* owned; the file so far */
	size_t size;
	int bits; /* 32 or 64 */
	char directory[200];
	char path[208]; /* of the file, in the directory */
};

struct written_run {
	uint64_t pfn, count;
};

/** Makes a fresh directory; the file is empty. */
void writer_init(struct writer *w);

/** Removes the file and the directory. */
void writer_fini(struct writer *w);

/** Forgets the bytes, for the next file at the same path. */
void writer_clear(struct writer *w);

/** `width` little-endian bytes at `offset`; the file grows, with zeros, as far as needed. */
void writer_put(struct writer *w, size_t offset, uint64_t value, unsigned width);
void writer_put_bytes(struct writer *w, size_t offset, const void *bytes, size_t length);

/** A header full of PAGE filler but for magic, DumpType and machine (x86 or x64). */
void writer_header(struct writer *w, int bits, uint32_t type);

/** Field of a pointer's size. */
void writer_put_pointer(struct writer *w, size_t offset, uint64_t value);

/** PhysicalMemoryBlock; NumberOfPages is the sum. Runs beyond the room for them are left out. */
void writer_runs(struct writer *w, const struct written_run *runs, uint32_t count);

/** Appends the page: words made of its page frame number. */
void writer_page(struct writer *w, uint64_t pfn);

/** The words that writer_page() writes. */
void writer_pattern(uint64_t pfn, uint8_t page[4096]);

/**
 * Appends a page bitmap of layout 'A' or 'B' with the pages of `pfns` (ascending) set, and the
 * pages.
 */
void writer_bitmap(struct writer *w, char layout, const char *signature, uint64_t bit_count,
		   const uint64_t *pfns, size_t count);

/** Writes the first `size` bytes to w->path. */
void writer_save_part(struct writer *w, size_t size);
void writer_save(struct writer *w);

/** Opens the file at w->path, which was saved; the test fails when that is refused. */
struct dump *writer_open(const struct writer *w);

/** The page is present, with the words of `pattern` that writer_page() would write. */
void expect_pattern(struct dump *dump, uint64_t pfn, uint64_t pattern);

/** As expect_pattern(), with the words of its own number. */
void expect_page(struct dump *dump, uint64_t pfn);

/** The page's first byte, and a whole page, are in this state. */
void expect_state(struct dump *dump, uint64_t pfn, enum page_state state);

/** One of the dump's notes is this text, to the letter. */
void expect_note(const struct dump *dump, const char *text);

#endif
