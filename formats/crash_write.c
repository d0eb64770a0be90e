/*
 * Copies the pages of a container into a crash dump. See crash_write.h.
 *
 * Pages lie in ascending order behind the header, or behind the bitmap. Which ones there are is
 * known for sure only when all were read (a packed page may turn out to be damaged), so header and
 * bitmap are written last. A page of zeros is a hole of the file.
 *
 * Source of the body of type 5: as crash_bitmap.c.
 */
#include "formats/crash_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/signals.h"
#include "formats/crash_survey.h"
#include "formats/formats.h"

enum {
	CHUNK_PAGES = 256,  /* read and written at once: 1 MiB */
	AHEAD_PAGES = 2048, /* asked of the disk ahead of the copy */
};

struct writer {
	struct dump *dump;
	const struct crash_plan *plan;
	int fd;
	struct progress *progress;
	enum crash_body body;
	uint64_t first_page; /* file offset */
	struct crash_written *ret;
	uint8_t *bits;         /* owned; of a bitmap dump */
	struct page_runs runs; /* owned; of a full dump */
	uint8_t *buffer;       /* owned; CHUNK_PAGES pages */
	uint64_t of_memory;    /* pages listed that are the machine's memory */
	uint64_t ahead;        /* announced to the disk up to here */
};

static enum ps_status cannot_write(const struct writer *w, int why, struct ps_error *err)
{
	return ps_fail_errno(err, why, "cannot write %s", w->plan->path);
}

static enum ps_status write_at(const struct writer *w, uint64_t offset, const uint8_t *data,
			       size_t length, struct ps_error *err)
{
	return io_write(w->fd, data, length, offset) ? PS_OK : cannot_write(w, errno, err);
}

/* File offset of the page that is listed next. */
static uint64_t next_place(const struct writer *w)
{
	return w->first_page + (w->ret->pages << PAGE_SHIFT);
}

/* Lists pages that follow, in the file, all that were listed before. */
static enum ps_status list_pages(struct writer *w, uint64_t pfn, uint64_t count,
				 struct ps_error *err)
{
	struct page_run run = {pfn, count, next_place(w)};

	w->ret->pages += count;
	w->of_memory += crash_overlap(&w->plan->memory, pfn, count);
	for (uint64_t i = pfn; w->bits && i < pfn + count; i++)
		w->bits[i / 8] |= (uint8_t)(1U << i % 8);
	if (w->bits)
		return PS_OK;
	if (!page_runs_append(&w->runs, run))
		return ps_fail_memory(err, "the runs of pages");
	return PS_OK;
}

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, PAGE_SIZE - 1) == 0;
}

/* Pages of zeros are holes of the file, or, where their writer stores missing memory so, missing.
 */
static enum ps_status put_zeros(struct writer *w, uint64_t pfn, uint64_t count,
				struct ps_error *err)
{
	if (!w->dump->zeros_suspect)
		return list_pages(w, pfn, count, err);
	w->ret->holes += count;
	return PS_OK;
}

static enum ps_status put_data(struct writer *w, uint64_t pfn, const uint8_t *data, uint64_t count,
			       struct ps_error *err)
{
	if (write_at(w, next_place(w), data, (size_t)count << PAGE_SHIFT, err) != PS_OK)
		return err->status;
	return list_pages(w, pfn, count, err);
}

/* Writes and lists pages that were read. */
static enum ps_status put_pages(struct writer *w, uint64_t pfn, const uint8_t *data, uint64_t count,
				struct ps_error *err)
{
	enum ps_status status = PS_OK;

	while (count > 0 && status == PS_OK) {
		bool zeros = is_zero(data);
		uint64_t alike = 1;

		while (alike < count && is_zero(data + (alike << PAGE_SHIFT)) == zeros)
			alike++;
		status = zeros ? put_zeros(w, pfn, alike, err) : put_data(w, pfn, data, alike, err);
		pfn += alike;
		data += alike << PAGE_SHIFT;
		count -= alike;
	}
	return status;
}

static void patch(struct writer *w, uint64_t pfn, uint64_t count)
{
	uint64_t start = pfn << PAGE_SHIFT, length = count << PAGE_SHIFT;

	for (size_t i = 0; i < w->plan->patch_count; i++) {
		const struct crash_patch *p = &w->plan->patches[i];

		if (p->pa >= start && p->pa - start < length)
			memcpy(w->buffer + (p->pa - start), p->data, p->length);
	}
}

static void lose(struct writer *w, uint64_t pfn, enum page_state why)
{
	if (w->ret->lost++ == 0) {
		w->ret->first_known = true;
		w->ret->lost_first = pfn;
		w->ret->lost_why = why;
	}
}

/* One chunk; where it cannot be read as a whole, each page that can. */
static enum ps_status copy_chunk(struct writer *w, uint64_t pfn, uint64_t count,
				 struct ps_error *err)
{
	if (dump_read(w->dump, pfn << PAGE_SHIFT, w->buffer, (size_t)count << PAGE_SHIFT) ==
	    PAGE_PRESENT) {
		patch(w, pfn, count);
		return put_pages(w, pfn, w->buffer, count, err);
	}
	for (uint64_t i = 0; i < count; i++) {
		enum page_state state =
			dump_read(w->dump, (pfn + i) << PAGE_SHIFT, w->buffer, PAGE_SIZE);

		if (state != PAGE_PRESENT) {
			lose(w, pfn + i, state);
			continue;
		}
		patch(w, pfn + i, 1);
		if (put_pages(w, pfn + i, w->buffer, 1, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

static bool has_too_many_runs(const struct writer *w)
{
	return w->runs.count > crash_layout(w->plan->pointer)->most_runs;
}

static enum ps_status copy_extent(struct writer *w, struct extent extent, struct ps_error *err)
{
	while (extent.count > 0 && !has_too_many_runs(w)) {
		uint64_t until, count = crash_pages_in_hole(w->dump, &extent, &until);

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (count > 0) {
			if (put_zeros(w, extent.pfn, count, err) != PS_OK)
				return err->status;
		} else {
			count = lower(until, CHUNK_PAGES);
			if (extent.pfn >= w->ahead) {
				uint64_t ahead = lower(AHEAD_PAGES, extent.count);

				dump_prefetch(w->dump, extent.pfn, ahead);
				w->ahead = extent.pfn + ahead;
			}
			if (copy_chunk(w, extent.pfn, count, err) != PS_OK)
				return err->status;
		}
		progress_advance(w->progress, count);
		extent.pfn += count;
		extent.offset += count << PAGE_SHIFT;
		extent.count -= count;
	}
	return PS_OK;
}

static enum ps_status copy_pages(struct writer *w, struct ps_error *err)
{
	struct extent extent;
	uint64_t pfn = 0;

	while (!has_too_many_runs(w) && dump_next_present(w->dump, pfn, &extent)) {
		if (copy_extent(w, extent, err) != PS_OK)
			return err->status;
		if (dump_reader_lost(w->dump, err))
			return ps_wrap(err, "cannot read all of %s", file_words(&w->dump->file));
		pfn = extent.pfn + extent.count;
	}
	return PS_OK;
}

/* Of a bitmap dump, the header lists the machine's memory where that is known and fits. */
static void write_runs(const struct writer *w, struct page_runs *ret)
{
	const struct crash_layout *layout = crash_layout(w->plan->pointer);

	*ret = w->runs;
	if (w->body == CRASH_BODY_BITMAP)
		*ret = w->plan->memory;
	if (ret->count > layout->most_runs)
		ret->count = 0;
}

static enum ps_status write_bitmap(const struct writer *w, uint64_t bit_count, struct ps_error *err)
{
	uint64_t at = crash_layout(w->plan->pointer)->size;
	uint8_t head[CRASH_BITMAP_HEADER] = "FDMPDUMP";

	bytes_put(head + 0x20, w->first_page, 8);
	bytes_put(head + 0x28, w->ret->pages, 8);
	bytes_put(head + 0x30, bit_count, 8);
	if (write_at(w, at, head, sizeof(head), err) != PS_OK)
		return err->status;
	return write_at(w, at + sizeof(head), w->bits, (size_t)(bit_count / 8), err);
}

static void count_memory(const struct writer *w, const struct crash_survey *s)
{
	w->ret->memory_known = w->plan->memory.count > 0;
	w->ret->memory_absent = s->memory - lower(w->of_memory, s->memory);
}

static void count_listed(const struct writer *w, const struct crash_survey *s)
{
	const struct dump *dump = w->dump;
	uint64_t beyond = dump->map.pages - dump->map.pages_in_file + dump->pages_lost;

	/* what the survey did not find, though the file reaches so far */
	w->ret->holes += dump->map.pages_in_file - lower(s->pages, dump->map.pages_in_file);
	if (beyond > 0 && w->ret->lost == 0) {
		w->ret->lost_why = PAGE_BEYOND_EOF;
		w->ret->first_known = page_map_first_beyond(&dump->map, &w->ret->lost_first);
	}
	w->ret->lost += beyond;
}

static enum ps_status finish(struct writer *w, const struct crash_survey *s, struct ps_error *err)
{
	struct crash_written *ret = w->ret;
	struct crash_header header;
	struct page_runs runs;

	ret->bytes = w->first_page + (ret->pages << PAGE_SHIFT);
	if (ftruncate(w->fd, (off_t)ret->bytes) != 0)
		return cannot_write(w, errno, err);
	count_memory(w, s);
	count_listed(w, s);
	write_runs(w, &runs);
	crash_header_fill(w->dump, w->plan, &runs, ret, &header);
	if (write_at(w, 0, header.data, header.layout->size, err) != PS_OK)
		return err->status;
	return w->bits ? write_bitmap(w, crash_bits(s->frames), err) : PS_OK;
}

static enum ps_status write_body(struct writer *w, const struct crash_survey *s,
				 struct ps_error *err)
{
	*w->ret = (struct crash_written){.body = w->body};
	w->first_page = crash_first_page(w->plan, w->body, s->frames);
	w->runs.count = 0;
	w->of_memory = w->ahead = 0;
	if (w->body == CRASH_BODY_BITMAP) {
		w->bits = mem_array((size_t)(crash_bits(s->frames) / 8), 1);
		if (!w->bits)
			return ps_fail_memory(err, "the page bitmap");
	}
	progress_begin(w->progress, "writing the crash dump", s->pages);
	if (copy_pages(w, err) == PS_OK && w->ret->pages == 0)
		ps_fail(err, PS_ABSENT, "no page of %s can be read", file_words(&w->dump->file));
	progress_end(w->progress);
	return err->status;
}

/*
 * Pages that turned out to be missing, or too many pieces, make a bitmap dump of what was to be a
 * full one, unless that was asked for.
 */
static enum ps_status write_as(struct writer *w, const struct crash_survey *s, struct ps_error *err)
{
	bool full = w->body == CRASH_BODY_FULL, asked = w->plan->body == CRASH_BODY_FULL;

	if (write_body(w, s, err) != PS_OK)
		return err->status;
	if (asked && has_too_many_runs(w))
		return crash_too_many_runs(crash_layout(w->plan->pointer), w->runs.count, err);
	if (!full || asked || w->ret->pages == s->pages)
		return finish(w, s, err);
	w->body = CRASH_BODY_BITMAP;
	if (crash_check_bitmap(s, err) != PS_OK)
		return err->status;
	if (ftruncate(w->fd, 0) != 0)
		return cannot_write(w, errno, err);
	return write_body(w, s, err) == PS_OK ? finish(w, s, err) : err->status;
}

enum ps_status crash_write(struct dump *dump, const struct crash_plan *plan, int fd,
			   struct progress *progress, struct crash_written *ret,
			   struct ps_error *err)
{
	struct writer w = {.dump = dump, .plan = plan, .fd = fd, .progress = progress, .ret = ret};
	struct crash_written written;
	struct crash_survey s;

	w.ret = &written;
	if (crash_survey(dump, plan, &s, err) != PS_OK ||
	    crash_choose(plan, &s, &w.body, err) != PS_OK)
		return err->status;
	w.buffer = mem_array(CHUNK_PAGES, PAGE_SIZE);
	if (!w.buffer) {
		ps_fail_memory(err, "the pages to copy");
	} else if (write_as(&w, &s, err) == PS_OK) {
		*ret = written;
	}
	free(w.buffer);
	free(w.bits);
	free(w.runs.items);
	return err->status;
}
