/*
 * The big-page table: what it holds in all, and its sums per tag.
 */
#include "plugins/plugin.h"

#include <stdlib.h>

#include "base/memory.h"

/* A line before it has a place in the report. */
struct candidate {
	const struct big_sum *sum;
	int paged; /* as report_big_line */
	uint64_t count, bytes, key;
};

static uint64_t sort_key(const struct candidate *c, enum tag_sort sort)
{
	switch (sort) {
	case SORT_TAG: return 0;
	case SORT_BYTES: return c->bytes;
	case SORT_PER_ALLOC: return c->bytes / c->count;
	/* the table knows live allocations only: all three are their number */
	case SORT_DIFF:
	case SORT_ALLOCS:
	case SORT_FREES: return c->count;
	}
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	uint32_t tag_a = __builtin_bswap32(a->sum->tag), tag_b = __builtin_bswap32(b->sum->tag);

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	if (tag_a != tag_b)
		return tag_a < tag_b ? -1 : 1;
	return a->paged - b->paged;
}

static size_t consider(struct candidate *to, const struct big_sum *sum, int paged,
		       enum tag_sort sort)
{
	*to = (struct candidate){.sum = sum, .paged = paged};
	to->count = paged < 0 ? sum->unknown_count : paged ? sum->paged_count : sum->nonpaged_count;
	to->bytes = paged < 0 ? sum->unknown_bytes : paged ? sum->paged_bytes : sum->nonpaged_bytes;
	if (to->count == 0)
		return 0;
	to->key = sort_key(to, sort);
	return 1;
}

static size_t collect(const struct big_pages *big, const struct selection *s, struct candidate *to)
{
	size_t count = 0;

	for (size_t i = 0; i < big->sum_count; i++) {
		const struct big_sum *sum = &big->sums[i];

		if (!selection_has_tag(s, sum->tag))
			continue;
		if (s->filter != FILTER_PAGED)
			count += consider(&to[count], sum, 0, s->sort);
		if (s->filter != FILTER_NONPAGED)
			count += consider(&to[count], sum, 1, s->sort);
		/* may be either: no filter can rule it out */
		count += consider(&to[count], sum, -1, s->sort);
	}
	qsort(to, count, sizeof(*to), compare);
	return count;
}

static bool add_tag(const struct plugin_input *input, struct report *report,
		    const struct big_sum *sum)
{
	struct report_big_tag *to = &report->big.tags[report->big.tag_count++];
	const char *source;

	*to = (struct report_big_tag){
		.tag = sum->tag,
		.nonpaged_count = sum->nonpaged_count,
		.nonpaged_bytes = sum->nonpaged_bytes,
		.paged_count = sum->paged_count,
		.paged_bytes = sum->paged_bytes,
		.unknown_count = sum->unknown_count,
		.unknown_bytes = sum->unknown_bytes,
	};
	return describe_tag(input, report, sum->tag, &to->image, &to->description, &source);
}

/* `places` maps the table's sums to tags of the report: index + 1, 0 = not there yet. */
static bool add_lines(const struct plugin_input *input, struct report *report,
		      const struct candidate *candidates, size_t count, size_t *places)
{
	struct report_big *to = &report->big;

	for (size_t i = 0; i < count; i++) {
		const struct candidate *c = &candidates[i];
		size_t *place = &places[c->sum - input->pools->big.sums];

		if (*place == 0) {
			if (!add_tag(input, report, c->sum))
				return false;
			*place = to->tag_count;
		}
		to->lines[to->line_count++] = (struct report_big_line){
			.tag = *place - 1,
			.paged = c->paged,
			.count = c->count,
			.bytes = c->bytes,
			.per_alloc = c->bytes / c->count,
		};
	}
	return true;
}

static bool add_sums(const struct plugin_input *input, struct report *report)
{
	const struct big_pages *big = &input->pools->big;
	struct report_big *to = &report->big;
	struct candidate *candidates = mem_array(3 * big->sum_count + 1, sizeof(*candidates));
	size_t *places = mem_array(big->sum_count + 1, sizeof(*places));
	size_t count, top = input->selection->top;
	bool fits = candidates && places;

	if (fits) {
		count = collect(big, input->selection, candidates);
		to->left_out = top && top < count ? count - top : 0;
		count -= to->left_out;
		to->tags = report_array(report, big->sum_count, sizeof(*to->tags));
		to->lines = report_array(report, count, sizeof(*to->lines));
		to->has_tags = true;
		fits = to->tags && to->lines && add_lines(input, report, candidates, count, places);
	}
	free(candidates);
	free(places);
	return fits;
}

/* Why the figures are not complete: what weighs most first. */
static const char *missing(const struct big_pages *big, struct report *report)
{
	char text[240];

	if (big->holes.count)
		return report_text(report, "First missing: %s",
				   hole_describe(&big->holes.items[0], text, sizeof(text)));
	if (!big->globals.size_proved)
		return report_text(report, "%s", big->globals.note);
	if (big->invalid)
		return report_text(report, "%llu of its entries cannot be entries",
				   (unsigned long long)big->invalid);
	return report_text(report,
			   "Whether %llu of its allocations are paged or nonpaged is not known",
			   (unsigned long long)big->unknown);
}

static enum ps_status not_available(const struct plugin_input *input, struct report *report,
				    struct ps_error *err)
{
	const struct ps_error *why = input->pools ? &input->pools->big_error : input->pools_error;

	report->big.note = error_text(report, why);
	return report->big.note ? PS_OK : ps_fail_memory(err, "the report");
}

enum ps_status plugin_big_pages(const struct plugin_input *input, struct report *report,
				struct ps_error *err)
{
	struct report_big *to = &report->big;
	const struct big_pages *big;
	bool fits = true;

	if (!input->pools || !input->pools->big_available)
		return not_available(input, report, err);
	big = &input->pools->big;
	to->available = true;
	to->address = big->globals.table.value;
	to->entry_size = big->globals.layout ? big->globals.layout->entry_size : 0;
	to->entries = big->globals.size.value;
	to->in_use = big->in_use;
	to->freed = big->freed;
	to->pages_expected = big->pages_expected;
	to->pages_present = big->pages_present;
	to->complete = big->complete;
	if (!big->complete) {
		to->incomplete_reason = missing(big, report);
		fits = to->incomplete_reason != NULL;
	}
	if (big->globals.note[0] != '\0') {
		to->remark = report_text(report, "%s", big->globals.note);
		fits = fits && to->remark;
	}
	if (fits && input->selection->sections & SECTION_BIG_TAGS)
		fits = add_sums(input, report);
	/* the number of live entries is printed with all of them but a hex dump */
	if (!big->complete && !(input->selection->sections & SECTION_HEX))
		report->incomplete = true;
	return fits ? PS_OK : ps_fail_memory(err, "the big-page sums of the report");
}
