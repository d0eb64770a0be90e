/*
 * Points in order of time, what they are to each other, and the rows; see diff.h.
 */
#include "analyzer/desk/diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/desk/diff_rows.h"
#include "base/time.h"

static int time_order(const void *a, const void *b)
{
	const struct usage *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return 0;
}

/* Insertion keeps points of one time in the order given. */
static bool sort_by_time(struct usage_list *list)
{
	bool moved = false;

	for (size_t i = 1; i < list->count; i++) {
		const struct usage point = list->items[i];
		size_t at = i;

		while (at > 0 && time_order(&list->items[at - 1], &point) > 0) {
			list->items[at] = list->items[at - 1];
			at--;
			moved = true;
		}
		list->items[at] = point;
	}
	return moved;
}

static bool put_in_order(struct usage_list *list, struct diff_report *ret)
{
	size_t timed = 0;

	for (size_t i = 0; i < list->count; i++)
		timed += list->items[i].has_time;
	if (timed < list->count)
		return add_note(ret->store, &ret->notes,
				"Not every file says when it was taken: they are compared in the "
				"order given, the oldest first.");
	if (sort_by_time(list))
		return add_note(ret->store, &ret->notes,
				"The files are compared in the order of their times, which is not "
				"the order given.");
	return true;
}

static struct report_string time_string(struct report *store, bool known, int64_t seconds)
{
	char text[TIME_ISO];

	if (!known || !time_to_iso(seconds, text))
		return (struct report_string){NULL, "the file does not say it"};
	return (struct report_string){report_text(store, "%s", text), NULL};
}

static void describe(const struct usage *usage, struct report *store, struct diff_point *ret)
{
	*ret = (struct diff_point){.kind = usage_kind_word(usage->kind),
				   .label = usage->label,
				   .time = time_string(store, usage->has_time, usage->time),
				   .started = time_string(store, usage->has_boot, usage->boot),
				   .product = usage->product,
				   .arch = usage->arch,
				   .complete = usage->complete};
	ret->build = (struct report_number){usage->has_build, usage->build,
					    usage->has_build ? NULL : "the file does not say it"};
	for (unsigned pool = 0; pool < 2; pool++)
		ret->pool[pool] =
			(struct diff_figure){usage->whole, usage->sums[pool],
					     usage->complete ? FIGURE_EXACT : FIGURE_ABOUT};
}

static void set_step(const struct usage *a, const struct usage *b, struct report *store,
		     struct diff_step *ret)
{
	ret->relation = diff_relate(a, b, store, &ret->words);
	if (a->has_time && b->has_time && b->time >= a->time)
		ret->seconds = (struct report_number){true, (uint64_t)(b->time - a->time), NULL};
	else
		ret->seconds.note = "the times are not known";
}

static const char *rate_note(const struct diff_step *whole)
{
	switch (whole->relation) {
	case DIFF_OTHER_MACHINE:
		return "These are two machines: this is a comparison, not growth, and it has no "
		       "rate.";
	case DIFF_OTHER_BOOT:
		return "The machine was not running all the time between the two: bytes are "
		       "compared, and there is no rate; allocs, frees and diff are not subtracted.";
	case DIFF_UNKNOWN:
		if (whole->given)
			break;
		if (!whole->seconds.has_value)
			return "No rate: that takes the times of both, of one machine, without a "
			       "restart in between; --hours gives the time where a file does not "
			       "say it.";
		return "No rate: that takes the times of both, of one machine, without a restart "
		       "in between.";
	case DIFF_SAME_BOOT: break;
	}
	if (!whole->seconds.has_value || whole->seconds.value == 0)
		return "No rate: there is no time between the two.";
	return NULL;
}

static bool take_given(uint64_t seconds, struct diff_report *ret)
{
	ret->whole.given = true;
	ret->whole.seconds = (struct report_number){true, seconds, NULL};
	return add_note(ret->store, &ret->notes,
			"The time from the first to the last is the one given with --hours; the "
			"rates are as good as that.");
}

static void set_whole(const struct usage_list *list, struct diff_report *ret)
{
	const size_t last = list->count - 1;

	ret->rate_note = rate_note(&ret->whole);
	ret->counts = ret->whole.relation == DIFF_SAME_BOOT || ret->whole.relation == DIFF_UNKNOWN;
	for (size_t i = 0; i < last; i++)
		set_step(&list->items[i], &list->items[i + 1], ret->store, &ret->steps[i]);
}

static enum ps_status take_points(struct usage_list *list, uint64_t seconds,
				  struct diff_report *ret, struct ps_error *err)
{
	bool fits = put_in_order(list, ret);

	ret->points = report_array(ret->store, list->count, sizeof(*ret->points));
	ret->steps = report_array(ret->store, list->count, sizeof(*ret->steps));
	if (!fits || !ret->points || !ret->steps)
		return ps_fail_memory(err, "the points to compare");
	ret->point_count = list->count;
	for (size_t i = 0; i < list->count && fits; i++) {
		const struct usage *usage = &list->items[i];

		describe(usage, ret->store, &ret->points[i]);
		/* all snapshots of a log have the same to say */
		if (usage->note && (i == 0 || !list->items[i - 1].note ||
				    strcmp(usage->note, list->items[i - 1].note) != 0))
			fits = add_note(ret->store, &ret->notes, usage->note);
		if (!usage->complete)
			ret->incomplete = true;
	}
	set_step(&list->items[0], &list->items[list->count - 1], ret->store, &ret->whole);
	if (seconds > 0 && ret->whole.seconds.has_value) {
		ps_fail(err, PS_USAGE, "--hours is for files that do not say when they were taken");
		ps_hint(err, "these say it, and they are %" PRIu64 " seconds apart",
			ret->whole.seconds.value);
		return err->status;
	}
	if (seconds > 0 && ret->whole.relation == DIFF_UNKNOWN)
		fits &= take_given(seconds, ret);
	set_whole(list, ret);
	for (size_t i = 0; i + 1 < list->count; i++)
		fits &= ret->steps[i].words != NULL;
	return fits && ret->whole.words ? PS_OK : ps_fail_memory(err, "the points to compare");
}

enum ps_status diff_make(struct usage_list *list, const struct diff_options *options,
			 struct diff_report *ret, struct ps_error *err)
{
	struct report *store = ret->store;

	*ret = (struct diff_report){.store = store};
	if (list->count < 2) {
		ps_fail(err, PS_USAGE, "there is only one point of time in what was given");
		ps_hint(err, "a comparison takes two: dumps, reports or poolmon snapshots");
		return err->status;
	}
	if (list->count > DIFF_POINTS)
		return ps_fail(err, PS_UNSUPPORTED, "%zu points of time: more than %d", list->count,
			       DIFF_POINTS);
	if (take_points(list, options->seconds, ret, err) != PS_OK)
		return err->status;
	diff_pools(&list->items[0], &list->items[list->count - 1], ret);
	return diff_rows(list, options, ret, err);
}
