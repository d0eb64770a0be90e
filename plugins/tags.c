/*
 * Usage per tag: the rows asked for, sorted, filtered and cut, and the biggest tags of either pool.
 */
#include "plugins/tag_lines.h"

#include <stdlib.h>

/* A row before it has a place in the report. */
struct candidate {
	const struct tag_row *row;
	bool paged;
	int64_t key;
};

struct candidates {
	struct candidate *items; /* owned */
	size_t count;
};

static const struct tag_side *side_of(const struct candidate *c)
{
	return c->paged ? &c->row->paged : &c->row->nonpaged;
}

static int64_t clamp(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static bool per_alloc(const struct tag_side *side, int64_t *ret)
{
	if (side->diff <= 0)
		return false;
	*ret = side->bytes / side->diff;
	return true;
}

static int64_t sort_key(const struct tag_side *side, enum tag_sort sort)
{
	int64_t each;

	switch (sort) {
	case SORT_BYTES: return side->bytes;
	case SORT_DIFF: return side->diff;
	case SORT_ALLOCS: return clamp(side->allocs);
	case SORT_FREES: return clamp(side->frees);
	case SORT_PER_ALLOC: return per_alloc(side, &each) ? each : INT64_MIN;
	case SORT_TAG: return 0;
	}
	return 0;
}

/* Biggest first, then by the tag's bytes, nonpaged before paged: one order for one dump. */
static int compare(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	uint32_t tag_a = __builtin_bswap32(a->row->tag), tag_b = __builtin_bswap32(b->row->tag);

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	if (tag_a != tag_b)
		return tag_a < tag_b ? -1 : 1;
	return (int)a->paged - (int)b->paged;
}

static bool is_empty(const struct tag_side *side)
{
	return side->allocs == 0 && side->frees == 0 && side->bytes == 0;
}

static void consider(struct candidates *c, const struct tag_row *row, bool paged,
		     enum tag_sort sort, bool with_empty)
{
	struct candidate *next = &c->items[c->count];

	*next = (struct candidate){.row = row, .paged = paged};
	/* a zero of an incomplete row is a lower bound, not a tag that was never used */
	if (!with_empty && row->complete && is_empty(side_of(next)))
		return;
	next->key = sort_key(side_of(next), sort);
	c->count++;
}

static bool collect(const struct tracker *tracker, const struct selection *selection,
		    enum pool_filter filter, enum tag_sort sort, bool with_empty,
		    struct candidates *ret)
{
	size_t room = tracker->row_count * 2;

	ret->count = 0;
	ret->items = calloc(room ? room : 1, sizeof(*ret->items));
	if (!ret->items)
		return false;
	for (size_t i = 0; i < tracker->row_count; i++) {
		const struct tag_row *row = &tracker->rows[i];

		if (!selection_has_tag(selection, row->tag))
			continue;
		if (filter != FILTER_PAGED)
			consider(ret, row, false, sort, with_empty);
		if (filter != FILTER_NONPAGED)
			consider(ret, row, true, sort, with_empty);
	}
	qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return true;
}

static struct report_side copy_side(const struct tag_side *side)
{
	return (struct report_side){side->allocs, side->frees, side->diff, side->bytes};
}

static bool add_tag(const struct plugin_input *input, struct report *report,
		    const struct tag_target *target, const struct tag_row *row)
{
	struct report_tag *to = &target->tags[(*target->tag_count)++];

	*to = (struct report_tag){
		.tag = row->tag,
		.nonpaged = copy_side(&row->nonpaged),
		.paged = copy_side(&row->paged),
		.complete = row->complete,
		.overflow = row->overflow,
	};
	return describe_tag(input, report, row->tag, &to->image, &to->description,
			    &to->description_source);
}

static void share(struct report_line *line, const struct tag_side *side, int64_t total)
{
	if (total <= 0 || side->bytes < 0 || side->bytes > total)
		return;
	line->has_share = true;
	line->share_permille = (unsigned)(1000.0 * (double)side->bytes / (double)total + 0.5);
}

/* Turns the first rows of `c` into lines. */
static bool add_lines(const struct plugin_input *input, struct report *report,
		      const struct tag_target *target, const struct candidates *c, size_t top,
		      struct report_lines *ret)
{
	const struct tracker *tracker = target->tracker;
	size_t count = top && top < c->count ? top : c->count;

	ret->items = report_array(report, count, sizeof(*ret->items));
	if (!ret->items)
		return false;
	ret->left_out = c->count - count;
	for (size_t i = 0; i < count; i++) {
		const struct candidate *from = &c->items[i];
		struct report_line *line = &ret->items[ret->count++];
		size_t *place = &target->places[from->row - tracker->rows];

		if (*place == 0) {
			if (!add_tag(input, report, target, from->row))
				return false;
			*place = *target->tag_count;
		}
		line->tag = *place - 1;
		line->paged = from->paged;
		line->has_per_alloc = per_alloc(side_of(from), &line->per_alloc);
		share(line, side_of(from),
		      from->paged ? tracker->paged_bytes : tracker->nonpaged_bytes);
	}
	return true;
}

bool tag_lines_add(const struct plugin_input *input, struct report *report,
		   const struct tag_target *target, const struct tag_choice *choice,
		   struct report_lines *ret)
{
	struct candidates c = {NULL, 0};
	bool fits;

	fits = collect(target->tracker, input->selection, choice->filter, choice->sort,
		       choice->with_empty, &c) &&
	       add_lines(input, report, target, &c, choice->top, ret);
	free(c.items);
	return fits;
}

/* The table of tags, and the biggest of either pool. */
static bool add_all(const struct plugin_input *input, struct report *report, size_t *places)
{
	const struct selection *s = input->selection;
	const struct tag_target target = {&input->pools->tracker, report->tags, &report->tag_count,
					  places};
	const struct tag_choice all = {s->filter, s->sort, s->with_empty, s->top};
	const struct tag_choice nonpaged = {FILTER_NONPAGED, SORT_BYTES, false, s->top_each};
	const struct tag_choice paged = {FILTER_PAGED, SORT_BYTES, false, s->top_each};

	if (s->sections & SECTION_TAGS &&
	    !tag_lines_add(input, report, &target, &all, &report->lines))
		return false;
	return !(s->sections & SECTION_TOP) ||
	       (tag_lines_add(input, report, &target, &nonpaged, &report->top_nonpaged) &&
		tag_lines_add(input, report, &target, &paged, &report->top_paged));
}

static bool pattern_is_exact(const struct tag_pattern *pattern)
{
	return !pattern->any[0] && !pattern->any[1] && !pattern->any[2] && !pattern->any[3];
}

/*
 * True when rows of tags that were not readable at all may be missing from the printed list: one of
 * them may belong among the first N, too.
 */
static bool rows_may_be_missing(const struct plugin_input *input)
{
	const struct selection *s = input->selection;

	if (input->pools->tracker.complete)
		return false;
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct tag_pattern *p = &s->tags[i];
		uint32_t tag = (uint32_t)p->bytes[0] | (uint32_t)p->bytes[1] << 8 |
			       (uint32_t)p->bytes[2] << 16 | (uint32_t)(p->bytes[3] & 0x7f) << 24;

		if (!pattern_is_exact(p) || !pools_row(input->pools, tag))
			return true;
	}
	return s->tag_count == 0;
}

enum ps_status plugin_tags(const struct plugin_input *input, struct report *report,
			   struct ps_error *err)
{
	bool fits;
	size_t *places;

	if (!input->pools)
		return PS_OK;
	places = calloc(input->pools->tracker.row_count + 1, sizeof(*places));
	report->tags = report_array(report, input->pools->tracker.row_count, sizeof(*report->tags));
	if (!places || !report->tags) {
		free(places);
		return ps_fail_memory(err, "the tags of the report");
	}
	fits = add_all(input, report, places);
	free(places);
	if (!fits)
		return ps_fail_memory(err, "the tags of the report");
	report->has_tags = true;
	for (size_t i = 0; i < report->tag_count; i++)
		report->incomplete = report->incomplete || !report->tags[i].complete;
	if (rows_may_be_missing(input))
		report->incomplete = true;
	return PS_OK;
}
