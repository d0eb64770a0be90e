/*
 * The big-page table: what it holds in all, and its sums per tag.
 */
#include "plugins/plugin.h"

#include <stdlib.h>

static uint64_t sum_key(const struct report_big_tag *t, enum tag_sort sort)
{
	uint64_t count = t->nonpaged_count + t->paged_count + t->unknown_count;
	uint64_t bytes = t->nonpaged_bytes + t->paged_bytes + t->unknown_bytes;

	switch (sort) {
	case SORT_TAG: return 0;
	case SORT_BYTES: return bytes;
	case SORT_PER_ALLOC: return count ? bytes / count : 0;
	/* the table knows live allocations only: all three are their number */
	case SORT_DIFF:
	case SORT_ALLOCS:
	case SORT_FREES: return count;
	}
	return 0;
}

static int compare(const void *left, const void *right, void *context)
{
	const struct report_big_tag *a = left, *b = right;
	const enum tag_sort *sort = context;
	uint64_t key_a = sum_key(a, *sort), key_b = sum_key(b, *sort);
	uint32_t tag_a = __builtin_bswap32(a->tag), tag_b = __builtin_bswap32(b->tag);

	if (key_a != key_b)
		return key_a > key_b ? -1 : 1;
	return tag_a < tag_b ? -1 : tag_a > tag_b;
}

static struct report_big_tag copy_sum(const struct big_sum *sum, enum pool_filter filter)
{
	struct report_big_tag t = {.tag = sum->tag};

	if (filter != FILTER_PAGED) {
		t.nonpaged_count = sum->nonpaged_count;
		t.nonpaged_bytes = sum->nonpaged_bytes;
	}
	if (filter != FILTER_NONPAGED) {
		t.paged_count = sum->paged_count;
		t.paged_bytes = sum->paged_bytes;
	}
	/* may be either: no filter can rule it out */
	t.unknown_count = sum->unknown_count;
	t.unknown_bytes = sum->unknown_bytes;
	return t;
}

static bool add_sums(const struct plugin_input *input, struct report *report)
{
	const struct selection *s = input->selection;
	const struct big_pages *big = &input->pools->big;
	struct report_big *to = &report->big;
	enum tag_sort sort = s->sort;
	size_t count = 0;

	to->tags = report_array(report, big->sum_count, sizeof(*to->tags));
	if (!to->tags)
		return false;
	for (size_t i = 0; i < big->sum_count; i++) {
		struct report_big_tag t = copy_sum(&big->sums[i], s->filter);

		if (selection_has_tag(s, t.tag) &&
		    t.nonpaged_count + t.paged_count + t.unknown_count)
			to->tags[count++] = t;
	}
	qsort_r(to->tags, count, sizeof(*to->tags), compare, &sort);
	to->tag_count = s->top && s->top < count ? s->top : count;
	to->left_out = count - to->tag_count;
	to->has_tags = true;
	for (size_t i = 0; i < to->tag_count; i++) {
		struct report_big_tag *t = &to->tags[i];
		const char *source;

		if (!describe_tag(input, report, t->tag, &t->image, &t->description, &source))
			return false;
	}
	return true;
}

static const char *missing(const struct big_pages *big, struct report *report)
{
	char text[240];

	if (big->holes.count == 0)
		return report_text(report, "Part of the table could not be read");
	return report_text(report, "First missing: %s",
			   hole_describe(&big->holes.items[0], text, sizeof(text)));
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
	if (!big->complete && input->selection->sections & (SECTION_BIG_TAGS | SECTION_BIG_LIST))
		report->incomplete = true;
	return fits ? PS_OK : ps_fail_memory(err, "the big-page sums of the report");
}
