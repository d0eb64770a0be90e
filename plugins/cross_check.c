/*
 * Findings on figures that contradict each other or say that the kernel's own bookkeeping ran full.
 * Only rows marked complete are judged: the others may be off without any fault in the dump.
 */
#include "plugins/plugin.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "plugins/finding.h"

enum { EVIDENCE_MAX = 8 };

/* Counters of running processors are not read at one instant: a few pages below zero are noise. */
static const int64_t NEGATIVE_NOISE = 64 * 1024;

/* `BIG `, its bytes in memory order as a little-endian number. */
static const uint32_t TAG_BIG = 0x20474942;

static bool violations(const struct plugin_input *input, struct report *report)
{
	const struct pools *pools = input->pools;
	struct report_finding *f;
	char tag[TAG_TEXT];

	if (pools->violation_count == 0)
		return true;
	f = finding_begin(report, FINDING_BELOW_BIG_PAGES, SEVERITY_WARNING,
			  "Tags hold less than their own big allocations");
	if (!f)
		return false;
	f->detail =
		report_text(report,
			    "%zu tag%s: the tag table counts fewer bytes than the big-page table "
			    "lists for the tag. One of the two was damaged or changed meanwhile.",
			    pools->violation_count, pools->violation_count == 1 ? "" : "s");
	for (size_t i = 0; i < pools->violation_count && i < EVIDENCE_MAX; i++) {
		const struct pool_violation *v = &pools->violations[i];

		if (!finding_evidence(f, report_text(report,
						     "%s %s: tag table %" PRId64
						     " bytes, big pages %" PRIu64 " bytes",
						     tag_text(v->tag, tag),
						     v->paged ? "paged" : "nonpaged",
						     v->tracker_bytes, v->big_bytes)))
			return false;
	}
	return f->detail != NULL;
}

static bool is_negative(const struct tag_side *side)
{
	return side->bytes < -NEGATIVE_NOISE || side->diff < -NEGATIVE_NOISE;
}

/* Allocs equal frees, yet bytes are left: the counts were damaged or wrapped. */
static bool is_leftover(const struct tag_side *side)
{
	return side->diff == 0 && side->bytes > 0;
}

/* One finding for all complete rows that a test holds for; none when it holds for none. */
static bool rows(const struct plugin_input *input, struct report *report, enum finding_id id,
		 const char *title, const char *detail, bool (*test)(const struct tag_side *))
{
	const struct tracker *t = &input->pools->tracker;
	struct report_finding *f = NULL;
	size_t count = 0;
	char tag[TAG_TEXT];

	for (size_t i = 0; i < t->row_count * 2; i++) {
		const struct tag_row *row = &t->rows[i / 2];
		const struct tag_side *side = i % 2 ? &row->paged : &row->nonpaged;

		if (!row->complete || !test(side))
			continue;
		if (!f)
			f = finding_begin(report, id, SEVERITY_INFO, title);
		if (!f)
			return false;
		if (count++ < EVIDENCE_MAX &&
		    !finding_evidence(
			    f, report_text(report, "%s %s: diff %" PRId64 ", bytes %" PRId64,
					   tag_text(row->tag, tag), i % 2 ? "paged" : "nonpaged",
					   side->diff, side->bytes)))
			return false;
	}
	if (f)
		f->detail =
			report_text(report, "%zu row%s. %s", count, count == 1 ? "" : "s", detail);
	return !f || f->detail;
}

static bool big_fallback(const struct plugin_input *input, struct report *report)
{
	const struct tag_row *row = pools_row(input->pools, TAG_BIG);
	struct report_finding *f;
	char nonpaged[SIZE_TEXT], paged[SIZE_TEXT];

	if (!row || (row->nonpaged.bytes <= 0 && row->paged.bytes <= 0))
		return true;
	f = finding_begin(report, FINDING_BIG_TABLE_FULL, SEVERITY_WARNING,
			  "Big allocations are charged to the tag `BIG `");
	if (!f)
		return false;
	f->detail = report_text(
		report,
		"The kernel uses it when its big-page table has no room: %s nonpaged "
		"and %s paged belong to other tags, whose figures are too low by it.",
		format_size(row->nonpaged.bytes, nonpaged), format_size(row->paged.bytes, paged));
	f->next_step = "look for a tag with many big allocations: poolscope big FILE";
	return f->detail != NULL;
}

static bool damaged_big_table(const struct plugin_input *input, struct report *report)
{
	const struct big_pages *big = &input->pools->big;
	struct report_finding *f;

	if (!input->pools->big_available || big->invalid == 0)
		return true;
	f = finding_begin(report, FINDING_BIG_TABLE_DAMAGED, SEVERITY_WARNING,
			  "The big-page table holds entries that cannot be right");
	if (!f)
		return false;
	f->detail =
		report_text(report,
			    "%" PRIu64 " entries have an address that no pool has; they are left "
			    "out of its sums.",
			    big->invalid);
	return f->detail != NULL;
}

static bool overflow(const struct plugin_input *input, struct report *report)
{
	const struct tracker *t = &input->pools->tracker;
	struct report_finding *f;
	char nonpaged[SIZE_TEXT], paged[SIZE_TEXT];

	for (size_t i = 0; i < t->row_count; i++) {
		const struct tag_row *row = &t->rows[i];

		if (!row->overflow || (row->nonpaged.allocs == 0 && row->paged.allocs == 0))
			continue;
		f = finding_begin(report, FINDING_TAG_TABLE_FULL, SEVERITY_WARNING,
				  "The tag table ran full");
		if (!f)
			return false;
		f->detail =
			report_text(report,
				    "Tags that came later share the row `Ovfl`: %s nonpaged, %s "
				    "paged.",
				    format_size(row->nonpaged.bytes, nonpaged),
				    format_size(row->paged.bytes, paged));
		f->next_step = "raise PoolTagBigTableSize under Session Manager\\Memory Management "
			       "before the next dump";
		return f->detail != NULL;
	}
	return true;
}

enum ps_status plugin_cross_check(const struct plugin_input *input, struct report *report,
				  struct ps_error *err)
{
	if (!input->pools)
		return PS_OK;
	if (!violations(input, report) || !big_fallback(input, report) ||
	    !damaged_big_table(input, report) || !overflow(input, report) ||
	    !rows(input, report, FINDING_NEGATIVE_USAGE, "Tags with more freed than allocated",
		  "Their counters were damaged, or wrapped around.", is_negative) ||
	    !rows(input, report, FINDING_BYTES_WITHOUT_ALLOCATIONS,
		  "Tags with bytes left although every allocation was freed",
		  "Their counters were damaged, or blocks were freed under another size.",
		  is_leftover))
		return ps_fail_memory(err, "the findings of the report");
	return PS_OK;
}
