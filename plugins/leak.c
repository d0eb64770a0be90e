/*
 * Tags whose counters look like a leak, alone or as a group that grows together, and groups of tags
 * in lock step. Signs, worded as signs: a cache that fills once looks the same in one dump.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/pool/signature.h"
#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"

enum { SUSPECTS = LOCKSTEP_MEMBERS, SIZES_WORDS = 400 };

/* All that is judged of one dump. */
struct leaks {
	const struct plugin_input *input;
	struct report *report;
	struct tag_uses uses;
	struct lockstep groups[LOCKSTEP_GROUPS];
	size_t group_count;
	bool group_is_suspect[LOCKSTEP_GROUPS];
	uint64_t maximum[2];         /* of nonpaged and paged pool; 0: not known */
	size_t suspects[SUSPECTS];   /* indices into uses, most bytes first */
	size_t suspect_count, total; /* kept; found */
};

/* What a leak is measured by: the limit, or RAM where the limit by rule is far beyond it. */
static uint64_t maximum_of(const struct report *report, bool paged)
{
	const struct report_totals *t = &report->totals;
	const struct report_total *limit = paged ? &t->paged.maximum : &t->nonpaged.maximum;
	uint64_t ram = t->available && t->physical_bytes.has_value ? t->physical_bytes.value : 0;

	if (!t->available || !limit->number.has_value || limit->basis == BASIS_DOUBTFUL)
		return ram;
	return ram != 0 && ram < limit->number.value ? ram : limit->number.value;
}

static uint32_t tag_of(const struct leaks *l, const struct tag_use *use)
{
	return l->input->pools->tracker.rows[use->row].tag;
}

/* The group that use `index` belongs to, counted from 1; 0: none. */
static unsigned group_of(const struct leaks *l, size_t index)
{
	for (size_t g = 0; g < l->group_count; g++) {
		for (size_t i = 0; i < l->groups[g].count; i++) {
			if (l->groups[g].members[i] == index)
				return (unsigned)g + 1;
		}
	}
	return 0;
}

static void choose_suspects(struct leaks *l)
{
	for (size_t i = 0; i < l->uses.count; i++) {
		const struct tag_use *use = &l->uses.items[i];
		unsigned group = group_of(l, i);

		if (!leak_is_suspect(leak_signs(use, l->maximum[use->paged])) &&
		    (group == 0 || !l->group_is_suspect[group - 1] || !leak_has_few_frees(use)))
			continue;
		if (l->suspect_count < SUSPECTS)
			l->suspects[l->suspect_count++] = i;
		l->total++;
	}
}

static const char *use_words(const struct leaks *l, const struct tag_use *use)
{
	char tag[TAG_TEXT], size[SIZE_TEXT], each[48] = "of several sizes";

	if (use->constant_bytes != 0)
		snprintf(each, sizeof(each), "%" PRIu64 " bytes each", use->constant_bytes);
	return report_text(l->report,
			   "%s %s: %s (%u.%u %% of the pool), %" PRIu64 " outstanding of %" PRIu64
			   " ever allocated, %s",
			   tag_text(tag_of(l, use), tag), use->paged ? "paged" : "nonpaged",
			   format_size_unsigned(use->bytes, size), use->share_permille / 10,
			   use->share_permille % 10, use->outstanding, use->allocs, each);
}

/* Its allocations of a page and more by size; true when there is nothing to say. */
static bool add_sizes(const struct leaks *l, const struct tag_use *use, struct report_finding *f)
{
	const struct pools *pools = l->input->pools;
	const struct big_sum *sum =
		pools->big_available ? big_pages_sum(&pools->big, tag_of(l, use)) : NULL;
	uint64_t count = sum ? (use->paged ? sum->paged_count : sum->nonpaged_count) : 0;
	char line[SIZES_WORDS], name[TAG_TEXT];
	const char *between = "; ";
	size_t used;

	if (count == 0)
		return true;
	used = (size_t)snprintf(
		line, sizeof(line), "%s %s, allocations of a page and more: %" PRIu64,
		tag_text(tag_of(l, use), name), use->paged ? "paged" : "nonpaged", count);
	for (unsigned i = 0; i < BIG_SIZES; i++) {
		char from[SIZE_TEXT], to[SIZE_TEXT];

		if (sum->sizes[use->paged][i] == 0 || used + 80 > sizeof(line))
			continue;
		used += (size_t)snprintf(
			line + used, sizeof(line) - used, "%s%" PRIu32 " of %s to under %s",
			between, sum->sizes[use->paged][i],
			format_size_unsigned(UINT64_C(1) << (i + BIG_SIZE_FIRST), from),
			format_size_unsigned(UINT64_C(2) << (i + BIG_SIZE_FIRST), to));
		between = ", ";
	}
	return finding_evidence(f, report_text(l->report, "%s", line));
}

static void remember(const struct leaks *l, size_t index)
{
	const struct tag_use *use = &l->uses.items[index];
	const unsigned group = group_of(l, index);
	struct report_suspect *s = &l->report->suspects[l->report->suspect_count++];

	*s = (struct report_suspect){.tag = tag_of(l, use),
				     .paged = use->paged,
				     .bytes = use->bytes,
				     .share_permille = use->share_permille,
				     .kept_permille = use->kept_permille,
				     .group = group};
	if (group == 0)
		return;
	s->lockstep = l->groups[group - 1].count + l->groups[group - 1].left_out;
	s->lockstep_bytes = l->groups[group - 1].bytes;
}

static bool word_suspects(const struct leaks *l)
{
	struct report_finding *f;

	if (l->total == 0)
		return true;
	f = finding_begin(l->report, FINDING_LEAK_SIGNATURE, SEVERITY_WARNING,
			  l->total == 1 ? "A tag looks like a leak" : "Tags look like a leak");
	l->report->suspects =
		report_array(l->report, l->suspect_count, sizeof(*l->report->suspects));
	if (!f || !l->report->suspects)
		return false;
	for (size_t i = 0; i < l->suspect_count; i++) {
		const struct tag_use *use = &l->uses.items[l->suspects[i]];

		remember(l, l->suspects[i]);
		if (!finding_evidence(f, use_words(l, use)))
			return false;
	}
	for (size_t i = 0; i < l->suspect_count; i++) {
		if (!add_sizes(l, &l->uses.items[l->suspects[i]], f))
			return false;
	}
	f->detail = report_text(
		l->report,
		"%zu tag%s, alone or as a group that grows together: a large share of the pool, "
		"and most of what was ever allocated is still there. A cache that filled once "
		"looks the same; a second dump, or poolmon on the running machine, tells growth "
		"from a cache.",
		l->total, l->total == 1 ? "" : "s");
	f->next_step = "the owner and the evidence for it: poolscope owners FILE --tag TAG";
	return f->detail != NULL;
}

static bool word_group(const struct leaks *l, const struct lockstep *group)
{
	struct report_finding *f = finding_begin(l->report, FINDING_LOCK_STEP, SEVERITY_INFO,
						 "Tags with the same number of allocations");
	char size[SIZE_TEXT];

	if (!f)
		return false;
	f->detail = report_text(
		l->report,
		"%zu tags have about %" PRIu64 " allocations outstanding (or twice that), %s in "
		"all, as when one object is kept with all that hangs on it. By chance a healthy "
		"machine has such a group in 1 to 2 of 100 cases.",
		group->count + group->left_out, group->outstanding,
		format_size_unsigned(group->bytes, size));
	f->next_step = "the owners of these tags; one that is no part of Windows comes first";
	for (size_t i = 0; i < group->count; i++) {
		const struct tag_use *use = &l->uses.items[group->members[i]];
		char tag[TAG_TEXT];

		if (!finding_evidence(
			    f, report_text(l->report, "%s %s: %" PRIu64 " outstanding%s, %s",
					   tag_text(tag_of(l, use), tag),
					   use->paged ? "paged" : "nonpaged", use->outstanding,
					   group->twice >> i & 1 ? " (two for each other)" : "",
					   format_size_unsigned(use->bytes, size))))
			return false;
	}
	return f->detail != NULL;
}

static enum ps_status judge(struct leaks *l, struct ps_error *err)
{
	enum ps_status status = lockstep_find(&l->uses, l->groups, &l->group_count, err);

	if (status != PS_OK)
		return status;
	for (size_t i = 0; i < l->group_count; i++)
		l->group_is_suspect[i] = lockstep_is_suspect(&l->uses, &l->groups[i], l->maximum);
	choose_suspects(l);
	if (!word_suspects(l))
		return ps_fail_memory(err, "the findings of the report");
	for (size_t i = 0; i < l->group_count; i++) {
		if (!word_group(l, &l->groups[i]))
			return ps_fail_memory(err, "the findings of the report");
	}
	return PS_OK;
}

enum ps_status plugin_leak(const struct plugin_input *input, struct report *report,
			   struct ps_error *err)
{
	struct leaks l = {.input = input, .report = report};
	enum ps_status status;

	if (!input->pools)
		return PS_OK;
	l.maximum[0] = maximum_of(report, false);
	l.maximum[1] = maximum_of(report, true);
	status = tag_uses_read(&input->pools->tracker, &l.uses, err);
	if (status == PS_OK)
		status = judge(&l, err);
	tag_uses_fini(&l.uses);
	return status;
}
