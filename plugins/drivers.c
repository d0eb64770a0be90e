/*
 * Pool bytes per driver: the roll-up of all tags over their owners.
 *
 * A tag's bytes go to a driver only when it is the only candidate of the best grade and that grade
 * is a call site, registration data or a free site. Tags of several such drivers are counted as
 * shared, all others as without an owner, so that the sums are those of the pool. What is allocated
 * on behalf of others is the kernel's, or the one driver's that is shown to do it, with a mark.
 * The tags of allocations without one of their own are nobody's: all drivers share them.
 */
#include "plugins/plugin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/owners/claims.h"
#include "analyzer/owners/origin.h"
#include "base/memory.h"

/* A tag in use with the part of the roll-up that it belongs to. */
struct share {
	const struct tag_row *row;
	size_t place; /* index of an image; or one of the two below */
	bool for_others;
};

enum { SHARED = -1, UNOWNED = -2 };

static bool in_use(const struct tag_row *row)
{
	const struct tag_side *np = &row->nonpaged, *p = &row->paged;

	return !row->complete || np->allocs || np->frees || np->bytes || p->allocs || p->frees ||
	       p->bytes;
}

/* The kernel's own image; the first one when none says that it is. */
static size_t kernel_image(const struct owners *owners)
{
	for (size_t i = 0; i < owners->image_count; i++) {
		if (owners->images[i].kernel_itself)
			return i;
	}
	return 0;
}

/* A tag list that names another image than nt speaks against the kernel. */
static bool list_names_another(const struct plugin_input *input, uint32_t tag)
{
	struct tag_name name = {NULL, NULL, NULL};

	return input->names && tag_names_find(input->names, tag, &name) && name.image &&
	       strncasecmp(name.image, "nt", 2) != 0;
}

static bool kernel_is_best(const struct owners *owners, const struct owner_tag *tag)
{
	size_t best = ownership_best(tag);

	for (size_t i = 0; i < best; i++) {
		if (tag->candidates[i].where == OWNER_LOADED &&
		    owners->images[tag->candidates[i].module].kernel_itself)
			return true;
	}
	return false;
}

/* Where a tag goes that is allocated on behalf of others. */
static size_t place_for_others(const struct plugin_input *input, uint32_t tag_value,
			       const struct owner_tag *tag)
{
	const struct owners *owners = input->owners;

	if (tag && ownership_is_proved(tag) && tag->candidates[0].where == OWNER_LOADED)
		return tag->candidates[0].module;
	if (owners->image_count == 0)
		return (size_t)UNOWNED;
	if (tag && tag->candidate_count > 0 && owner_grade_proves(tag->candidates[0].grade))
		return kernel_is_best(owners, tag) ? kernel_image(owners) : (size_t)SHARED;
	return list_names_another(input, tag_value) ? (size_t)UNOWNED : kernel_image(owners);
}

static struct share share_of(const struct plugin_input *input, const struct tag_row *row)
{
	const struct owner_tag *tag = owners_find(input->owners, row->tag);
	struct share s = {.row = row, .place = (size_t)UNOWNED};

	if (origin_default_tag(row->tag))
		return s;
	if (tag ? tag->for_others : origin_for_others(row->tag)) {
		s.for_others = true;
		s.place = place_for_others(input, row->tag, tag);
		return s;
	}
	switch (ownership_of(tag)) {
	case OWNERSHIP_NONE:
	case OWNERSHIP_PERHAPS:
	case OWNERSHIP_FOR_OTHERS: break;
	case OWNERSHIP_SEVERAL: s.place = (size_t)SHARED; break;
	case OWNERSHIP_ONE:
		if (tag->candidates[0].where == OWNER_LOADED)
			s.place = tag->candidates[0].module;
		break;
	}
	return s;
}

/* Counters come from the dump: sums wrap, as the tables' own do. */
static int64_t sum(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t bytes_of_row(const struct tag_row *row)
{
	return sum(row->nonpaged.bytes, row->paged.bytes);
}

/* By place, then biggest first, then by the tag's bytes. */
static int compare_shares(const void *left, const void *right)
{
	const struct share *a = left, *b = right;
	int64_t bytes_a = bytes_of_row(a->row), bytes_b = bytes_of_row(b->row);
	uint32_t tag_a = __builtin_bswap32(a->row->tag), tag_b = __builtin_bswap32(b->row->tag);

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (bytes_a != bytes_b)
		return bytes_a > bytes_b ? -1 : 1;
	return tag_a < tag_b ? -1 : tag_a > tag_b;
}

static bool driver(const struct plugin_input *input, struct report *report,
		   const struct share *shares, size_t count, struct report_driver *to)
{
	size_t place = shares[0].place;
	const struct owner_image *image = &input->owners->images[place];
	const struct report_version *version = image_version(input, report, place);

	*to = (struct report_driver){
		.module = report_text(report, "%s", image_name(input, OWNER_LOADED, place)),
		.kernel_itself = image->kernel_itself,
		.microsoft = image->microsoft == MICROSOFT_UNKNOWN
				     ? -1
				     : image->microsoft == MICROSOFT_YES,
		.tags = report_array(report, count, sizeof(*to->tags)),
	};
	if (!to->module || !to->tags || !version)
		return false;
	to->version = *version;
	for (size_t i = 0; i < count; i++) {
		const struct tag_row *row = shares[i].row;

		to->tags[to->tag_count++] = row->tag;
		to->nonpaged = sum(to->nonpaged, row->nonpaged.bytes);
		to->paged = sum(to->paged, row->paged.bytes);
		if (!shares[i].for_others)
			continue;
		to->others_count++;
		to->others_nonpaged = sum(to->others_nonpaged, row->nonpaged.bytes);
		to->others_paged = sum(to->others_paged, row->paged.bytes);
	}
	return true;
}

/* "a.sys, b.sys, c.sys" of the best grade; at most a few. */
static const char *rival_names(const struct plugin_input *input, struct report *report,
			       uint32_t tag)
{
	enum { NAMES = 6 };
	const struct owner_tag *found = owners_find(input->owners, tag);
	size_t best = ownership_best(found);
	const char *names = NULL;

	for (size_t i = 0; i < best && i < NAMES; i++) {
		const char *name =
			image_name(input, found->candidates[i].where, found->candidates[i].module);

		names = names ? report_text(report, "%s, %s", names, name)
			      : report_text(report, "%s", name);
		if (!names)
			return NULL;
	}
	if (best > NAMES)
		names = report_text(report, "%s and %zu more", names, best - NAMES);
	return names;
}

static bool remainder_of(const struct plugin_input *input, struct report *report,
			 const struct share *shares, size_t count, bool named,
			 struct report_remainder *to)
{
	to->tags = report_array(report, count, sizeof(*to->tags));
	to->names = report_array(report, count, sizeof(*to->names));
	if (!to->tags || !to->names)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct tag_row *row = shares[i].row;

		if (named) {
			to->names[to->tag_count] = rival_names(input, report, row->tag);
			if (!to->names[to->tag_count])
				return false;
		}
		to->tags[to->tag_count++] = row->tag;
		to->nonpaged = sum(to->nonpaged, row->nonpaged.bytes);
		to->paged = sum(to->paged, row->paged.bytes);
	}
	return true;
}

static int compare_drivers(const void *left, const void *right)
{
	const struct report_driver *a = left, *b = right;
	int64_t bytes_a = sum(a->nonpaged, a->paged), bytes_b = sum(b->nonpaged, b->paged);

	if (bytes_a != bytes_b)
		return bytes_a > bytes_b ? -1 : 1;
	return strcmp(a->module, b->module);
}

static bool count_up(const struct plugin_input *input, struct report *report,
		     const struct share *shares, size_t count)
{
	struct report_drivers *d = &report->drivers;
	bool fits = true;

	for (size_t i = 0, next; i < count && fits; i = next) {
		size_t place = shares[i].place;

		for (next = i + 1; next < count && shares[next].place == place;)
			next++;
		if (place == (size_t)SHARED)
			fits = remainder_of(input, report, shares + i, next - i, true, &d->shared);
		else if (place == (size_t)UNOWNED)
			fits = remainder_of(input, report, shares + i, next - i, false,
					    &d->unowned);
		else
			fits = driver(input, report, shares + i, next - i, &d->items[d->count++]);
		/* the list of modules leads to its drivers, which get their order below */
		if (fits && place < report->modules.count)
			report->modules.items[place].driver = d->count;
	}
	return fits;
}

/* Biggest first; modules keep pointing to their drivers. */
static bool order(struct report *report)
{
	struct report_drivers *d = &report->drivers;
	struct report_driver *sorted = report_array(report, d->count, sizeof(*sorted));

	if (!sorted)
		return false;
	memcpy(sorted, d->items, d->count * sizeof(*sorted));
	qsort(sorted, d->count, sizeof(*sorted), compare_drivers);
	for (size_t i = 0; i < report->modules.count; i++) {
		struct report_module *m = &report->modules.items[i];

		for (size_t j = 0; m->driver && j < d->count; j++) {
			if (sorted[j].tags == d->items[m->driver - 1].tags) {
				m->driver = j + 1;
				break;
			}
		}
	}
	d->items = sorted;
	return true;
}

static enum ps_status roll_up(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	const struct tracker *tracker = &input->pools->tracker;
	struct share *shares = mem_array(tracker->row_count, sizeof(*shares));
	size_t count = 0;
	bool fits;

	report->drivers.items = report_array(report, input->owners->image_count + 1,
					     sizeof(*report->drivers.items));
	fits = shares && report->drivers.items;
	for (size_t i = 0; fits && i < tracker->row_count; i++) {
		if (in_use(&tracker->rows[i]))
			shares[count++] = share_of(input, &tracker->rows[i]);
	}
	if (fits) {
		qsort(shares, count, sizeof(*shares), compare_shares);
		fits = count_up(input, report, shares, count) && order(report);
	}
	free(shares);
	return fits ? PS_OK : ps_fail_memory(err, "the drivers of the report");
}

enum ps_status plugin_drivers(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	struct report_drivers *d = &report->drivers;
	enum ps_status status;

	if (!input->owners || !input->pools) {
		d->note =
			error_text(report, input->pools ? input->owners_error : input->pools_error);
		return d->note ? PS_OK : ps_fail_memory(err, "the report");
	}
	status = roll_up(input, report, err);
	if (status != PS_OK)
		return status;
	d->available = true;
	d->shown = input->selection->drivers;
	d->trust = input->pools->tracker.complete ? FIGURE_EXACT : FIGURE_ABOUT;
	for (size_t i = 0; i < input->owners->image_count; i++) {
		const struct owner_image *image = &input->owners->images[i];

		d->modules_read += image->scanned;
		d->modules_in_part += image->scanned && (image->code_present < image->code_bytes ||
							 image->unexamined);
		d->modules_unexamined += image->unexamined;
	}
	if (!input->pools->tracker.complete)
		report->incomplete = true;
	return PS_OK;
}
