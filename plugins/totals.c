/*
 * Totals of either pool: the sums over tags, what the kernel itself counts, and the limits, read or
 * derived; of a minidump, what Windows put into its DUMP_MM_STORAGE. A variable that is zero is not
 * in use on that build and counts as unknown.
 */
#include "analyzer/pool/totals.h"
#include "plugins/plugin.h"

#include <string.h>

static void used(struct report_pool_total *total)
{
	uint64_t bytes = total->allocated.number.has_value ? total->allocated.number.value
			 : total->tag_bytes > 0            ? (uint64_t)total->tag_bytes
							   : 0;
	double share;

	if (total->allocated.number.has_value && total->allocated.basis == BASIS_DOUBTFUL)
		bytes = total->tag_bytes > 0 ? (uint64_t)total->tag_bytes : 0;
	if (!total->maximum.number.has_value || total->maximum.basis == BASIS_DOUBTFUL ||
	    bytes == 0 || total->maximum.number.value == 0)
		return;
	share = 1000.0 * (double)bytes / (double)total->maximum.number.value;
	/* Far more than the maximum: one of the two is not what it seems. */
	total->has_used = share < 10000.0;
	total->used_permille = total->has_used ? (unsigned)(share + 0.5) : 0;
}

static const char mm_storage[] = "DUMP_MM_STORAGE, which the kernel filled in pages";
static const char mm_empty[] =
	"the memory manager's totals in the minidump (DUMP_MM_STORAGE) are all zero: it was cut from "
	"MEMORY.DMP when Windows started again, and they were not filled in";
static const char mm_absent[] = "the minidump has no totals of the memory manager";

/* Some Windows write 0 where they do not know a maximum. */
static struct report_total pages(uint64_t count)
{
	struct report_total total = {.basis = BASIS_READ, .source = mm_storage};

	if (count == 0)
		total.number.note = "the minidump says 0";
	else if (__builtin_mul_overflow(count, (uint64_t)PAGE_SIZE, &total.number.value))
		total.number.note = "the minidump states no possible size";
	else
		total.number.has_value = true;
	return total;
}

static void from_minidump(const struct triage_mm *mm, struct report_totals *t)
{
	if (!mm->filled) {
		t->note = mm->present ? mm_empty : mm_absent;
		return;
	}
	t->available = true;
	t->sums_note = "a minidump holds no tag tables to sum over";
	t->nonpaged.space.number.note = t->paged.space.number.note =
		"a minidump does not tell it from the maximum";
	t->nonpaged.allocated = pages(mm->nonpaged_allocated);
	t->nonpaged.maximum = pages(mm->nonpaged_maximum);
	t->paged.allocated = pages(mm->paged_allocated);
	t->paged.maximum = pages(mm->paged_maximum);
	t->committed = pages(mm->committed);
	t->committed_peak = pages(mm->committed_peak);
	t->commit_limit = pages(mm->commit_limit);
	used(&t->nonpaged);
	used(&t->paged);
}

static bool convert(struct report *report, const struct total *from, struct report_total *to)
{
	const char *words = from->words[0] ? report_text(report, "%s", from->words) : NULL;

	if (from->words[0] && !words)
		return false;
	*to = (struct report_total){.source = from->source, .remark = words};
	to->number.has_value = from->grade != TOTAL_UNKNOWN;
	to->number.value = from->bytes;
	to->number.note = words ? words : "not known";
	to->basis = from->grade == TOTAL_DOUBTFUL  ? BASIS_DOUBTFUL
		    : from->grade == TOTAL_DERIVED ? BASIS_DERIVED
						   : BASIS_READ;
	return true;
}

_Static_assert((int)REPORT_REJECTED == (int)TOTAL_SOURCES, "every source can be rejected");

static bool convert_side(struct report *report, const struct pool_side_totals *from,
			 struct report_pool_total *to)
{
	struct report_total other;

	if (!convert(report, &from->used, &to->allocated) ||
	    !convert(report, &from->maximum, &to->maximum) ||
	    !convert(report, &from->space, &to->space) ||
	    !convert(report, &from->other_maximum, &other))
		return false;
	for (unsigned i = 0; i < from->rejected_count; i++) {
		if (!convert(report, &from->rejected[i], &to->rejected[i]))
			return false;
	}
	to->rejected_count = from->rejected_count;
	to->other_maximum = other.number;
	to->has_untracked = from->has_untracked;
	to->untracked = from->untracked;
	used(to);
	return true;
}

static const char *user_space_words(struct report *report, const struct pool_totals *totals)
{
	if (totals->user_space == USER_SPACE_UNKNOWN)
		return NULL;
	return report_text(report, "%s, by %s",
			   totals->user_space == USER_SPACE_3GB ? "3 GB (started with /3GB)"
								: "2 GB",
			   totals->user_space_source);
}

static bool from_kernel(const struct plugin_input *input, struct report *report)
{
	struct report_totals *t = &report->totals;
	struct pool_totals totals;

	pool_totals_read(input->kernel, input->pools, &totals);
	t->user_space = user_space_words(report, &totals);
	t->user_3gb = totals.user_space == USER_SPACE_3GB;
	t->special_pool_tag = totals.special_pool_tag;
	t->verifier_flags = totals.verifier_flags;
	t->physical_bytes = (struct report_number){totals.physical_bytes != 0,
						   totals.physical_bytes, "the dump does not say"};
	return convert_side(report, &totals.nonpaged, &t->nonpaged) &&
	       convert_side(report, &totals.paged, &t->paged) &&
	       convert(report, &totals.committed, &t->committed) &&
	       convert(report, &totals.committed_peak, &t->committed_peak) &&
	       convert(report, &totals.commit_limit, &t->commit_limit) &&
	       (t->user_space || totals.user_space == USER_SPACE_UNKNOWN);
}

enum ps_status plugin_totals(const struct plugin_input *input, struct report *report,
			     struct ps_error *err)
{
	struct report_totals *t = &report->totals;
	const struct tracker *tracker;

	if (input->dump->triage) {
		from_minidump(&input->dump->triage->mm, t);
		return PS_OK;
	}
	if (!input->pools) {
		t->note = report->tracker.note;
		return PS_OK;
	}
	tracker = &input->pools->tracker;
	t->available = true;
	t->trust = tracker->complete ? FIGURE_EXACT : FIGURE_ABOUT;
	t->nonpaged.tag_bytes = tracker->nonpaged_bytes;
	t->paged.tag_bytes = tracker->paged_bytes;
	if (!from_kernel(input, report))
		return ps_fail_memory(err, "the totals of the pools");
	if (!tracker->complete)
		report->incomplete = true;
	return PS_OK;
}
