/*
 * Tags whose counters look like a leak, and groups of tags that grow together. Signs, worded as
 * signs: a cache that fills once looks the same in one dump.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/pool/signature.h"
#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"

enum { SUSPECTS_SHOWN = 8, BUCKETS = 40 };

static uint64_t maximum_of(const struct report *report, bool paged)
{
	const struct report_total *t =
		paged ? &report->totals.paged.maximum : &report->totals.nonpaged.maximum;

	return report->totals.available && t->number.has_value && t->basis != BASIS_DOUBTFUL
		       ? t->number.value
		       : 0;
}

static const char *use_words(struct report *report, const struct pools *pools,
			     const struct tag_use *use)
{
	char tag[TAG_TEXT], size[SIZE_TEXT], each[48] = "of several sizes";

	if (use->constant_bytes != 0)
		snprintf(each, sizeof(each), "%" PRIu64 " bytes each", use->constant_bytes);
	return report_text(report,
			   "%s %s: %s (%u.%u %% of the pool), %" PRIu64 " outstanding of %" PRIu64
			   " ever allocated, %s",
			   tag_text(pools->tracker.rows[use->row].tag, tag),
			   use->paged ? "paged" : "nonpaged",
			   format_size_unsigned(use->bytes, size), use->share_permille / 10,
			   use->share_permille % 10, use->outstanding, use->allocs, each);
}

/* Counts of big allocations by power of two. */
struct histogram {
	uint64_t counts[BUCKETS];
	uint64_t total;
};

static enum ps_status fill_histogram(const struct pools *pools, uint32_t tag, bool paged,
				     struct histogram *ret, struct ps_error *err)
{
	struct big_iterator it;
	struct big_entry entry;
	enum ps_status status = big_iterator_init(&it, &pools->big, err);
	bool found = true;

	memset(ret, 0, sizeof(*ret));
	if (status != PS_OK)
		return status;
	while ((status = big_iterator_next(&it, &entry, &found, err)) == PS_OK && found) {
		if (entry.freed || entry.tag != tag || entry.bytes == 0 ||
		    (entry.kind == POOL_PAGED) != paged)
			continue;
		ret->counts[63 - __builtin_clzll(entry.bytes | 1) < BUCKETS
				    ? 63 - __builtin_clzll(entry.bytes | 1)
				    : BUCKETS - 1]++;
		ret->total++;
	}
	big_iterator_fini(&it);
	return status;
}

static const char *histogram_words(struct report *report, uint32_t tag, const struct histogram *h)
{
	char line[400], name[TAG_TEXT];
	size_t used;

	used = (size_t)snprintf(
		line, sizeof(line),
		"%s: %" PRIu64 " allocations of a page and more:", tag_text(tag, name), h->total);
	for (unsigned i = 0; i < BUCKETS; i++) {
		char from[SIZE_TEXT];

		if (h->counts[i] == 0 || used + 64 > sizeof(line))
			continue;
		used += (size_t)snprintf(line + used, sizeof(line) - used, " %" PRIu64 " from %s;",
					 h->counts[i],
					 format_size_unsigned(UINT64_C(1) << i, from));
	}
	line[used - 1] = '\0';
	return report_text(report, "%s", line);
}

static enum ps_status add_sizes(const struct plugin_input *input, struct report *report,
				struct report_finding *f, const struct tag_use *use,
				struct ps_error *err)
{
	const uint32_t tag = input->pools->tracker.rows[use->row].tag;
	const struct big_sum *sum =
		input->pools->big_available ? big_pages_sum(&input->pools->big, tag) : NULL;
	struct histogram histogram;
	enum ps_status status;

	if (!sum || (use->paged ? sum->paged_count : sum->nonpaged_count) == 0)
		return PS_OK;
	status = fill_histogram(input->pools, tag, use->paged, &histogram, err);
	if (status != PS_OK || histogram.total == 0)
		return status;
	return finding_evidence(f, histogram_words(report, tag, &histogram))
		       ? PS_OK
		       : ps_fail_memory(err, "the findings of the report");
}

static void remember(struct report *report, const struct pools *pools, const struct tag_use *use)
{
	report->suspects[report->suspect_count++] = (struct report_suspect){
		pools->tracker.rows[use->row].tag, use->paged, use->bytes, use->share_permille, 0};
}

static enum ps_status suspects(const struct plugin_input *input, struct report *report,
			       const struct tag_uses *uses, struct ps_error *err)
{
	struct report_finding *f = NULL;
	enum ps_status status = PS_OK;
	size_t count = 0;

	for (size_t i = 0; i < uses->count && status == PS_OK; i++) {
		const struct tag_use *use = &uses->items[i];

		if (!leak_is_suspect(leak_signs(use, maximum_of(report, use->paged))))
			continue;
		if (!f)
			f = finding_begin(report, "leak-signature", SEVERITY_WARNING,
					  "A tag looks like a leak");
		if (!report->suspects)
			report->suspects =
				report_array(report, SUSPECTS_SHOWN, sizeof(*report->suspects));
		if (!f || !report->suspects)
			return ps_fail_memory(err, "the findings of the report");
		if (count++ >= SUSPECTS_SHOWN)
			continue;
		remember(report, input->pools, use);
		if (!finding_evidence(f, use_words(report, input->pools, use)))
			return ps_fail_memory(err, "the findings of the report");
		status = add_sizes(input, report, f, use, err);
	}
	if (!f || status != PS_OK)
		return status;
	if (count > 1)
		f->title = "Tags look like a leak";
	f->detail = report_text(
		report,
		"%zu tag%s: a large share of the pool, and most of what was ever allocated is "
		"still there. A cache that filled once looks the same; a second dump or poolmon on "
		"the running machine tells growth from a cache.",
		count, count == 1 ? "" : "s");
	f->next_step = "who owns the tag: poolscope owners FILE --tag TAG";
	return f->detail ? PS_OK : ps_fail_memory(err, "the findings of the report");
}

static bool member_words(struct report *report, const struct plugin_input *input,
			 const struct tag_uses *uses, const struct lockstep *group,
			 struct report_finding *f)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct tag_use *use = &uses->items[group->members[i]];

		if (!finding_evidence(
			    f, report_text(report, "%s%s", use_words(report, input->pools, use),
					   group->twice >> i & 1 ? " (two for one)" : "")))
			return false;
	}
	return true;
}

static void join_suspect(struct report *report, const struct pools *pools,
			 const struct tag_use *use, size_t members)
{
	for (size_t i = 0; i < report->suspect_count; i++) {
		struct report_suspect *s = &report->suspects[i];

		if (s->tag == pools->tracker.rows[use->row].tag && s->paged == use->paged)
			s->lockstep = members;
	}
}

static bool lockstep(const struct plugin_input *input, struct report *report,
		     const struct tag_uses *uses, const struct lockstep *group)
{
	char size[SIZE_TEXT];
	struct report_finding *f =
		finding_begin(report, "lock-step", SEVERITY_INFO, "Tags grow together");

	if (!f)
		return false;
	f->detail = report_text(report,
				"%zu tags have the same number of allocations outstanding (about "
				"%" PRIu64 "), %s in all: one object with all that hangs on it, so "
				"most likely one owner. In healthy tables such a group is there by "
				"chance in 1 to 2 of 100.",
				group->count + group->left_out, group->outstanding,
				format_size_unsigned(group->bytes, size));
	f->next_step = "the owners of these tags; the one that is no part of Windows comes first";
	for (size_t i = 0; i < group->count; i++)
		join_suspect(report, input->pools, &uses->items[group->members[i]],
			     group->count + group->left_out);
	return f->detail && member_words(report, input, uses, group, f);
}

enum ps_status plugin_leak(const struct plugin_input *input, struct report *report,
			   struct ps_error *err)
{
	struct lockstep groups[LOCKSTEP_GROUPS];
	struct tag_uses uses;
	size_t count = 0;
	enum ps_status status;

	if (!input->pools)
		return PS_OK;
	status = tag_uses_read(&input->pools->tracker, &uses, err);
	if (status != PS_OK)
		return status;
	status = suspects(input, report, &uses, err);
	if (status == PS_OK)
		status = lockstep_find(&uses, groups, &count, err);
	for (size_t i = 0; i < count && status == PS_OK; i++) {
		if (!lockstep(input, report, &uses, &groups[i]))
			status = ps_fail_memory(err, "the findings of the report");
	}
	tag_uses_fini(&uses);
	return status;
}
