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
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/signals.h"
#include "formats/formats.h"

enum {
	CHUNK_PAGES = 256,  /* read and written at once: 1 MiB */
	AHEAD_PAGES = 2048, /* asked of the disk ahead of the copy */
	BESIDE_MEMORY = 64, /* pages beside the machine's memory: at most one in so many */
	BITMAP_HEADER =
		0x38, /* signature, place of the pages, their number, length of the bitmap */
};

/* A GiB of bitmap stands for 32 TiB of memory, twice of what any Windows takes. */
static const uint64_t most_bits = UINT64_C(1) << 33;

/* What is known of the pages before they are read. */
struct survey {
	uint64_t pages, runs, end; /* one behind the highest page */
	uint64_t of_memory;        /* pages that are the machine's memory */
	uint64_t memory;           /* pages of the machine's memory; 0: not known */
	uint64_t listed;           /* pages that the container lists, there or not */
	uint64_t frames;           /* what a bitmap spans: no page of the machine is beyond */
	uint64_t data;             /* bytes that are not in holes of the file */
};

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Pages of [pfn, pfn+count) that are among the runs. */
static uint64_t overlap(const struct page_runs *runs, uint64_t pfn, uint64_t count)
{
	uint64_t sum = 0, end = pfn + count;

	for (size_t i = 0; i < runs->count && runs->items[i].pfn < end; i++) {
		uint64_t from = runs->items[i].pfn, to = from + runs->items[i].count;

		from = from > pfn ? from : pfn;
		to = lower(to, end);
		sum += to > from ? to - from : 0;
	}
	return sum;
}

/*
 * How many of the pages from `extent` on are in one hole of the file, and so zeros that need no
 * reading; *ret_until: how many are to be looked at before asking again.
 */
static uint64_t pages_in_hole(struct dump *dump, const struct extent *extent, uint64_t *ret_until)
{
	uint64_t start, end, pages;
	bool data;

	*ret_until = extent->count;
	if (dump->source || dump->holes_absent)
		return 0;
	data = file_is_data(&dump->file, extent->offset, &start, &end);
	pages = (end - extent->offset) >> PAGE_SHIFT;
	if (data || pages == 0) {
		*ret_until = lower(extent->count, pages + 1);
		return 0;
	}
	return lower(pages, extent->count);
}

static void survey_extent(struct dump *dump, const struct crash_plan *plan, struct extent extent,
			  struct survey *s)
{
	if (extent.pfn != s->end || s->pages == 0)
		s->runs++;
	s->pages += extent.count;
	s->end = extent.pfn + extent.count;
	s->of_memory += overlap(&plan->memory, extent.pfn, extent.count);
	while (extent.count > 0) {
		uint64_t until, hole = pages_in_hole(dump, &extent, &until);
		uint64_t step = hole ? hole : until;

		s->data += hole ? 0 : step << PAGE_SHIFT;
		extent.pfn += step;
		extent.offset += step << PAGE_SHIFT;
		extent.count -= step;
	}
}

/* As Windows does: readers take the length of the bitmap for the end of the machine's memory. */
static uint64_t frames_of(const struct dump *dump, const struct crash_plan *plan, uint64_t end)
{
	const struct page_runs *memory = &plan->memory;

	if (memory->count > 0) {
		const struct page_run *last = &memory->items[memory->count - 1];

		end = higher(end, last->pfn + last->count);
	}
	if (dump->map.kind == PAGE_MAP_BITMAP)
		end = higher(end, dump->map.bit_count);
	return higher(end, dump->map.highest_pfn + 1);
}

static enum ps_status survey(struct dump *dump, const struct crash_plan *plan, struct survey *ret,
			     struct ps_error *err)
{
	struct extent extent;
	uint64_t pfn = 0;

	*ret = (struct survey){.pages = 0};
	for (size_t i = 0; i < plan->memory.count; i++)
		ret->memory += plan->memory.items[i].count;
	while (dump_next_present(dump, pfn, &extent)) {
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		survey_extent(dump, plan, extent, ret);
		pfn = extent.pfn + extent.count;
	}
	if (ret->pages == 0)
		return ps_fail(err, PS_ABSENT, "%s holds no page of memory",
			       file_words(&dump->file));
	ret->frames = frames_of(dump, plan, ret->end);
	ret->listed = dump->map.pages + dump->pages_lost;
	return PS_OK;
}

static bool is_whole(const struct survey *s)
{
	if (s->memory == 0)
		return s->pages == s->listed;
	return s->of_memory == s->memory && s->pages - s->memory <= s->memory / BESIDE_MEMORY;
}

static enum ps_status too_many_runs(const struct crash_layout *layout, uint64_t runs,
				    struct ps_error *err)
{
	char count[WORDS_SIZE];

	ps_fail(err, PS_UNSUPPORTED,
		"a full dump (type 1) is not possible: its pages lie in %s runs, and a %s header "
		"has room for %u",
		count_words(runs, count), layout->width, layout->most_runs);
	ps_hint(err, "--type=bitmap has room for any number");
	return err->status;
}

static enum ps_status too_high(const struct survey *s, struct ps_error *err)
{
	uint64_t pa = (s->frames - 1) << PAGE_SHIFT;

	ps_fail_at(err, PS_UNSUPPORTED, pa,
		   "its memory reaches up to physical 0x%" PRIx64
		   ", beyond what a crash dump of this kind can name",
		   pa);
	ps_hint(err, "the container is damaged, or is no memory of a Windows machine");
	return err->status;
}

static enum ps_status choose(const struct crash_plan *plan, const struct survey *s,
			     enum crash_body *ret, struct ps_error *err)
{
	const struct crash_layout *layout = crash_layout(plan->pointer);
	bool fits = s->runs <= layout->most_runs && (layout->pointer == 8 || s->end <= UINT32_MAX);

	*ret = plan->body;
	if (plan->body == CRASH_BODY_ANY)
		*ret = fits && is_whole(s) ? CRASH_BODY_FULL : CRASH_BODY_BITMAP;
	if (*ret == CRASH_BODY_BITMAP && s->frames > most_bits)
		return too_high(s, err);
	if (*ret == CRASH_BODY_FULL && !fits)
		return s->runs > layout->most_runs ? too_many_runs(layout, s->runs, err)
						   : too_high(s, err);
	return PS_OK;
}

static uint64_t rounded(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

/* Whole 64-bit words. */
static uint64_t bits_for(uint64_t frames)
{
	return rounded(frames, 64);
}

static uint64_t first_page_of(const struct crash_plan *plan, enum crash_body body, uint64_t frames)
{
	uint64_t header = crash_layout(plan->pointer)->size;

	if (body == CRASH_BODY_FULL)
		return header;
	return rounded(header + BITMAP_HEADER + bits_for(frames) / 8, PAGE_SIZE);
}

enum ps_status crash_measure(struct dump *dump, const struct crash_plan *plan,
			     struct crash_size *ret, struct ps_error *err)
{
	struct survey s;
	enum crash_body body;

	if (survey(dump, plan, &s, err) != PS_OK || choose(plan, &s, &body, err) != PS_OK)
		return err->status;
	*ret = (struct crash_size){.body = body, .pages = s.pages};
	ret->bytes = first_page_of(plan, body, s.frames) + s.data;
	return PS_OK;
}

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
	w->of_memory += overlap(&w->plan->memory, pfn, count);
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
		uint64_t until, count = pages_in_hole(w->dump, &extent, &until);

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
	uint8_t head[BITMAP_HEADER] = "FDMPDUMP";

	bytes_put(head + 0x20, w->first_page, 8);
	bytes_put(head + 0x28, w->ret->pages, 8);
	bytes_put(head + 0x30, bit_count, 8);
	if (write_at(w, at, head, sizeof(head), err) != PS_OK)
		return err->status;
	return write_at(w, at + sizeof(head), w->bits, (size_t)(bit_count / 8), err);
}

static void count_memory(const struct writer *w, const struct survey *s)
{
	w->ret->memory_known = w->plan->memory.count > 0;
	w->ret->memory_absent = s->memory - lower(w->of_memory, s->memory);
}

static void count_listed(const struct writer *w, const struct survey *s)
{
	const struct dump *dump = w->dump;
	uint64_t beyond = dump->map.pages - dump->map.pages_in_file + dump->pages_lost;
	uint64_t first;

	/* what the survey did not find, though the file reaches so far */
	w->ret->holes += dump->map.pages_in_file - lower(s->pages, dump->map.pages_in_file);
	if (beyond > 0 && w->ret->lost == 0) {
		w->ret->lost_why = PAGE_BEYOND_EOF;
		w->ret->lost_first = page_map_first_beyond(&dump->map, &first) ? first : 0;
	}
	w->ret->lost += beyond;
}

static enum ps_status finish(struct writer *w, const struct survey *s, struct ps_error *err)
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
	return w->bits ? write_bitmap(w, bits_for(s->frames), err) : PS_OK;
}

static enum ps_status write_body(struct writer *w, const struct survey *s, struct ps_error *err)
{
	*w->ret = (struct crash_written){.body = w->body};
	w->first_page = first_page_of(w->plan, w->body, s->frames);
	w->runs.count = 0;
	w->of_memory = w->ahead = 0;
	if (w->body == CRASH_BODY_BITMAP) {
		w->bits = mem_array((size_t)(bits_for(s->frames) / 8), 1);
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
static enum ps_status write_as(struct writer *w, const struct survey *s, struct ps_error *err)
{
	bool full = w->body == CRASH_BODY_FULL, asked = w->plan->body == CRASH_BODY_FULL;

	if (write_body(w, s, err) != PS_OK)
		return err->status;
	if (asked && has_too_many_runs(w))
		return too_many_runs(crash_layout(w->plan->pointer), w->runs.count, err);
	if (!full || asked || w->ret->pages == s->pages)
		return finish(w, s, err);
	w->body = CRASH_BODY_BITMAP;
	if (s->frames > most_bits)
		return too_high(s, err);
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
	struct survey s;

	w.ret = &written;
	if (survey(dump, plan, &s, err) != PS_OK || choose(plan, &s, &w.body, err) != PS_OK)
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
