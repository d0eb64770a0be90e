/*
 * Writer of crash dumps for tests, and what is expected of them. Layouts: the public DUMP_HEADER32
 * / DUMP_HEADER64 and SUMMARY_DUMP; every offset is spelled out again here, so that a wrong one in
 * formats/ shows.
 */
#include "dump_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opened.h"

static void need(int good, const char *what)
{
	if (!good) {
		perror(what);
		abort();
	}
}

void writer_init(struct writer *w)
{
	const char *parent = getenv("TMPDIR");

	*w = (struct writer){.bits = 64};
	snprintf(w->directory, sizeof(w->directory), "%s/poolscope-formats-XXXXXX",
		 parent ? parent : P_tmpdir);
	need(mkdtemp(w->directory) != NULL, "mkdtemp");
	snprintf(w->path, sizeof(w->path), "%s/file", w->directory);
}

void writer_clear(struct writer *w)
{
	free(w->data);
	w->data = NULL;
	w->size = 0;
}

void writer_fini(struct writer *w)
{
	writer_clear(w);
	unlink(w->path);
	need(rmdir(w->directory) == 0, w->directory);
}

static void grow_to(struct writer *w, size_t size)
{
	if (size <= w->size)
		return;
	w->data = realloc(w->data, size);
	need(w->data != NULL, "realloc");
	memset(w->data + w->size, 0, size - w->size);
	w->size = size;
}

void writer_put_bytes(struct writer *w, size_t offset, const void *bytes, size_t length)
{
	grow_to(w, offset + length);
	memcpy(w->data + offset, bytes, length);
}

void writer_put(struct writer *w, size_t offset, uint64_t value, unsigned width)
{
	grow_to(w, offset + width);
	for (unsigned i = 0; i < width; i++)
		w->data[offset + i] = (uint8_t)(value >> 8 * i);
}

void writer_put_pointer(struct writer *w, size_t offset, uint64_t value)
{
	writer_put(w, offset, value, w->bits == 64 ? 8 : 4);
}

void writer_header(struct writer *w, int bits, uint32_t type)
{
	size_t size = bits == 64 ? 0x2000 : 0x1000;

	writer_clear(w);
	w->bits = bits;
	for (size_t i = 0; i < size; i += 4)
		writer_put_bytes(w, i, "PAGE", 4);
	writer_put_bytes(w, 4, bits == 64 ? "DU64" : "DUMP", 4);
	writer_put(w, bits == 64 ? 0x30 : 0x20, bits == 64 ? 0x8664 : 0x14c, 4);
	writer_put(w, bits == 64 ? 0xf98 : 0xf88, type, 4);
}

void writer_runs(struct writer *w, const struct written_run *runs, uint32_t count)
{
	size_t block = w->bits == 64 ? 0x88 : 0x64, pointer = w->bits == 64 ? 8 : 4;
	size_t end = block + 700;
	uint64_t pages = 0;

	writer_put(w, block, count, 4);
	for (uint32_t i = 0; i < count; i++) {
		size_t at = block + 2 * pointer + i * 2 * pointer;

		pages += runs[i].count;
		if (at + 2 * pointer > end)
			continue;
		writer_put_pointer(w, at, runs[i].pfn);
		writer_put_pointer(w, at + pointer, runs[i].count);
	}
	writer_put_pointer(w, block + pointer, pages);
}

void writer_pattern(uint64_t pfn, uint8_t page[4096])
{
	for (unsigned i = 0; i < 4096; i++)
		page[i] = (uint8_t)((pfn + 1) * 2654435761u >> i % 4 * 8) ^ (uint8_t)(i / 16);
}

void writer_page(struct writer *w, uint64_t pfn)
{
	uint8_t page[4096];

	writer_pattern(pfn, page);
	writer_put_bytes(w, w->size, page, sizeof(page));
}

void writer_bitmap(struct writer *w, char layout, const char *signature, uint64_t bit_count,
		   const uint64_t *pfns, size_t count)
{
	size_t body = w->bits == 64 ? 0x2000 : 0x1000;
	size_t bits = body + (layout == 'A' ? 0x38 : w->bits == 64 ? 0x28 : 0x20);
	size_t first = (bits + (size_t)(bit_count + 7) / 8 + 0xfff) / 0x1000 * 0x1000;

	writer_put_bytes(w, body, signature, 4);
	writer_put_bytes(w, body + 4, "DUMP", 4);
	if (layout == 'A') {
		writer_put(w, body + 0x20, first, 8);
		writer_put(w, body + 0x28, count, 8);
		writer_put(w, body + 0x30, bit_count, 8);
	} else {
		writer_put(w, body + 0x0c, first, 4);
		writer_put(w, body + 0x10, bit_count, 4);
		writer_put(w, body + 0x14, count, 4);
		writer_put(w, body + 0x18, bit_count, 4);
		/* the buffer of the RTL_BITMAP: a stale address */
		writer_put_pointer(w, body + (w->bits == 64 ? 0x20 : 0x1c), 0xfffffa8001234028);
	}
	grow_to(w, first);
	for (size_t i = 0; i < count; i++)
		w->data[bits + pfns[i] / 8] |= (uint8_t)(1u << pfns[i] % 8);
	for (size_t i = 0; i < count; i++)
		writer_page(w, pfns[i]);
}

void writer_save_part(struct writer *w, size_t size)
{
	FILE *file = fopen(w->path, "wb");

	need(file != NULL, w->path);
	need(size == 0 || fwrite(w->data, 1, size, file) == size, w->path);
	need(fclose(file) == 0, w->path);
}

void writer_save(struct writer *w)
{
	writer_save_part(w, w->size);
}

struct dump *writer_open(const struct writer *w)
{
	return opened_dump(w->path);
}

void expect_pattern(struct dump *dump, uint64_t pfn, uint64_t pattern)
{
	uint8_t want[4096], got[4096];

	writer_pattern(pattern, want);
	assert_int_equal(dump_read(dump, pfn << 12, got, sizeof(got)), PAGE_PRESENT);
	assert_memory_equal(got, want, sizeof(got));
}

void expect_page(struct dump *dump, uint64_t pfn)
{
	expect_pattern(dump, pfn, pfn);
}

void expect_state(struct dump *dump, uint64_t pfn, enum page_state state)
{
	uint8_t page[4096];

	assert_int_equal(dump_read(dump, pfn << 12, page, 1), state);
	assert_int_equal(dump_read(dump, pfn << 12, page, sizeof(page)), state);
}

void expect_note(const struct dump *dump, const char *text)
{
	for (unsigned i = 0; i < dump->note_count; i++) {
		if (strcmp(dump->notes[i], text) == 0)
			return;
	}
	fail_msg("no note \"%s\"; first: \"%s\"", text, dump->note_count ? dump->notes[0] : "");
}
