/*
 * What a crash dump of a container's pages comes to, before they are read: how many there are, in
 * how many runs, and which type of dump can hold them.
 *
 * Source of the body of type 5: as crash_bitmap.c.
 */
#include "formats/crash_survey.h"

#include <inttypes.h>

#include "base/numbers.h"
#include "base/signals.h"
#include "formats/formats.h"

enum { BESIDE_MEMORY = 64 }; /* pages beside the machine's memory: at most one in so many */

/* A GiB of bitmap stands for 32 TiB of memory, twice of what any Windows takes. */
static const uint64_t most_bits = UINT64_C(1) << 33;

uint64_t crash_overlap(const struct page_runs *runs, uint64_t pfn, uint64_t count)
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

uint64_t crash_pages_in_hole(struct dump *dump, const struct extent *extent, uint64_t *ret_until)
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
			  struct crash_survey *s)
{
	if (extent.pfn != s->end || s->pages == 0)
		s->runs++;
	s->pages += extent.count;
	s->end = extent.pfn + extent.count;
	s->of_memory += crash_overlap(&plan->memory, extent.pfn, extent.count);
	while (extent.count > 0) {
		uint64_t until, hole = crash_pages_in_hole(dump, &extent, &until);
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

enum ps_status crash_survey(struct dump *dump, const struct crash_plan *plan,
			    struct crash_survey *ret, struct ps_error *err)
{
	struct extent extent;
	uint64_t pfn = 0;

	*ret = (struct crash_survey){.pages = 0};
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
	ret->all_listed =
		ret->pages == dump->map.pages && dump->pages_lost == 0 && dump->pages_cut == 0;
	return PS_OK;
}

static bool is_whole(const struct crash_survey *s)
{
	if (s->memory == 0)
		return s->all_listed;
	return s->of_memory == s->memory && s->pages - s->memory <= s->memory / BESIDE_MEMORY;
}

enum ps_status crash_too_many_runs(const struct crash_layout *layout, uint64_t runs,
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

static enum ps_status too_high(const struct crash_survey *s, struct ps_error *err)
{
	uint64_t pa = (s->frames - 1) << PAGE_SHIFT;

	ps_fail_at(err, PS_UNSUPPORTED, pa,
		   "its memory reaches up to physical 0x%" PRIx64
		   ", beyond what a crash dump of this kind can name",
		   pa);
	ps_hint(err, "the container is damaged, or is no memory of a Windows machine");
	return err->status;
}

enum ps_status crash_check_bitmap(const struct crash_survey *s, struct ps_error *err)
{
	return s->frames > most_bits ? too_high(s, err) : PS_OK;
}

enum ps_status crash_choose(const struct crash_plan *plan, const struct crash_survey *s,
			    enum crash_body *ret, struct ps_error *err)
{
	const struct crash_layout *layout = crash_layout(plan->pointer);
	bool fits = s->runs <= layout->most_runs && (layout->pointer == 8 || s->end <= UINT32_MAX);

	*ret = plan->body;
	if (plan->body == CRASH_BODY_ANY)
		*ret = fits && is_whole(s) ? CRASH_BODY_FULL : CRASH_BODY_BITMAP;
	if (*ret == CRASH_BODY_BITMAP)
		return crash_check_bitmap(s, err);
	if (!fits)
		return s->runs > layout->most_runs ? crash_too_many_runs(layout, s->runs, err)
						   : too_high(s, err);
	return PS_OK;
}

static uint64_t rounded(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

uint64_t crash_bits(uint64_t frames)
{
	return rounded(frames, 64);
}

uint64_t crash_first_page(const struct crash_plan *plan, enum crash_body body, uint64_t frames)
{
	uint64_t header = crash_layout(plan->pointer)->size;

	if (body == CRASH_BODY_FULL)
		return header;
	return rounded(header + CRASH_BITMAP_HEADER + crash_bits(frames) / 8, PAGE_SIZE);
}

enum ps_status crash_measure(struct dump *dump, const struct crash_plan *plan,
			     struct crash_size *ret, struct ps_error *err)
{
	struct crash_survey s;
	enum crash_body body;

	if (crash_survey(dump, plan, &s, err) != PS_OK ||
	    crash_choose(plan, &s, &body, err) != PS_OK)
		return err->status;
	*ret = (struct crash_size){.body = body, .pages = s.pages};
	ret->bytes = crash_first_page(plan, body, s.frames) + s.data;
	return PS_OK;
}
