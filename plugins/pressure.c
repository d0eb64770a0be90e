/*
 * How full the pools are: used against limit, with the sources of both; how much is committed; what
 * the kernel counts that no tag has; totals that cannot be right.
 *
 * Only figures that are trusted are judged. Not supported: peak use, session pool.
 */
#include <inttypes.h>

#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"
#include "plugins/pressure.h"

enum {
	HIGH_PERMILLE = 800,
	FULL_PERMILLE = 950,
	COMMIT_HIGH_PERMILLE = 900,
	COMMIT_FULL_PERMILLE = 980,
	UNTRACKED_PART = 10, /* of what is allocated: less is free parts of pages */
};

static const int64_t UNTRACKED_LEAST = 32 << 20;

bool pressure_read(const struct report *report, bool paged, struct pressure *ret)
{
	const struct report_totals *t = &report->totals;
	const struct report_pool_total *p = paged ? &t->paged : &t->nonpaged;

	*ret = (struct pressure){.known = false};
	if (!t->available || !p->has_used)
		return false;
	ret->known = true;
	ret->maximum = p->maximum.number.value;
	ret->derived = p->maximum.basis == BASIS_DERIVED;
	ret->by_tags = !p->allocated.number.has_value || p->allocated.basis == BASIS_DOUBTFUL;
	ret->used = ret->by_tags ? (uint64_t)p->tag_bytes : p->allocated.number.value;
	ret->available = ret->used < ret->maximum ? ret->maximum - ret->used : 0;
	ret->permille = p->used_permille;
	return true;
}

static bool add_sources(struct report *report, struct report_finding *f,
			const struct report_pool_total *p, const struct pressure *pressure)
{
	const char *allocated =
		pressure->by_tags
			? report_text(report, "used: sum over the tags, %" PRId64 " bytes%s",
				      p->tag_bytes,
				      report->totals.trust == FIGURE_EXACT ? "" : " (not exact)")
			: report_text(report, "used: %s, %" PRIu64 " bytes", p->allocated.source,
				      pressure->used);
	const char *maximum = report_text(
		report, "limit: %s, %" PRIu64 " bytes%s%s", p->maximum.source, pressure->maximum,
		p->maximum.remark ? "; " : "", p->maximum.remark ? p->maximum.remark : "");

	if (!finding_evidence(f, allocated) || !finding_evidence(f, maximum))
		return false;
	if (p->other_maximum.has_value &&
	    !finding_evidence(f, report_text(report,
					     "another public rule says %" PRIu64 " bytes (40 %% of "
					     "RAM)",
					     p->other_maximum.value)))
		return false;
	return !report->totals.user_space ||
	       finding_evidence(
		       f, report_text(report, "user address space: %s", report->totals.user_space));
}

/* Event 2019 is of nonpaged pool, 2020 of paged pool; source Srv. */
static bool fullness(struct report *report, bool paged)
{
	const struct report_pool_total *p =
		paged ? &report->totals.paged : &report->totals.nonpaged;
	const char *pool = paged ? "Paged" : "Nonpaged";
	char used[SIZE_TEXT], maximum[SIZE_TEXT], available[SIZE_TEXT];
	struct report_finding *f;
	struct pressure pressure;

	if (!pressure_read(report, paged, &pressure) || pressure.permille < HIGH_PERMILLE)
		return true;
	f = finding_begin(
		report, paged ? FINDING_PAGED_PRESSURE : FINDING_NONPAGED_PRESSURE,
		pressure.permille >= FULL_PERMILLE ? SEVERITY_PROBLEM : SEVERITY_WARNING,
		pressure.permille >= FULL_PERMILLE
			? (paged ? "Paged pool is full" : "Nonpaged pool is full")
			: (paged ? "Paged pool is nearly full" : "Nonpaged pool is nearly full"));
	if (!f)
		return false;
	f->detail = report_text(report,
				"%s of at most %s%s are in use (%u.%u %%), %s are left. %s pool "
				"that cannot be had makes drivers and services fail in ways that "
				"look like hangs.",
				format_size_unsigned(pressure.used, used),
				format_size_unsigned(pressure.maximum, maximum),
				pressure.derived ? " (by Windows' rules)" : "",
				pressure.permille / 10, pressure.permille % 10,
				format_size_unsigned(pressure.available, available), pool);
	f->next_step = paged ? "the largest paged tags and their owners; in the System event log, "
			       "event 2020 of source Srv"
			     : "the largest nonpaged tags and their owners; in the System event "
			       "log, event 2019 of source Srv";
	return f->detail && add_sources(report, f, p, &pressure);
}

bool commit_pressure_read(const struct report *report, struct pressure *ret)
{
	const struct report_total *now = &report->totals.committed;
	const struct report_total *limit = &report->totals.commit_limit;

	*ret = (struct pressure){.known = false};
	if (!report->totals.available || !now->number.has_value || now->basis != BASIS_READ ||
	    !limit->number.has_value || limit->basis != BASIS_READ || limit->number.value == 0 ||
	    limit->number.value < now->number.value)
		return false;
	ret->known = true;
	ret->used = now->number.value;
	ret->maximum = limit->number.value;
	ret->available = ret->maximum - ret->used;
	ret->permille = (unsigned)(1000.0 * (double)ret->used / (double)ret->maximum + 0.5);
	return true;
}

/* Paged pool and nonpaged pool are committed memory too: without commit neither grows. */
static bool commit_fullness(struct report *report)
{
	const struct report_totals *t = &report->totals;
	char used[SIZE_TEXT], maximum[SIZE_TEXT];
	struct report_finding *f;
	struct pressure p;
	bool is_full;

	if (!commit_pressure_read(report, &p) || p.permille < COMMIT_HIGH_PERMILLE)
		return true;
	is_full = p.permille >= COMMIT_FULL_PERMILLE;
	f = finding_begin(report, FINDING_COMMIT_PRESSURE,
			  is_full ? SEVERITY_PROBLEM : SEVERITY_WARNING,
			  is_full ? "The commit limit is reached" : "The commit limit is near");
	if (!f)
		return false;
	f->detail = report_text(report,
				"%s of %s are committed (%u.%u %%), by processes, pools and "
				"drivers together. At the limit allocations of either pool fail, "
				"however small the pool is.",
				format_size_unsigned(p.used, used),
				format_size_unsigned(p.maximum, maximum), p.permille / 10,
				p.permille % 10);
	f->next_step = "if the pools are a small part of it, look at the processes with the most "
		       "private bytes; the limit is RAM and page files together";
	return f->detail &&
	       finding_evidence(f, report_text(report, "committed: %s, %" PRIu64 " bytes",
					       t->committed.source, p.used)) &&
	       finding_evidence(f, report_text(report, "limit: %s, %" PRIu64 " bytes",
					       t->commit_limit.source, p.maximum));
}

static bool untracked(struct report *report, bool paged)
{
	const struct report_pool_total *p =
		paged ? &report->totals.paged : &report->totals.nonpaged;
	char size[SIZE_TEXT], all[SIZE_TEXT];
	struct report_finding *f;

	if (!p->has_untracked || p->untracked < UNTRACKED_LEAST ||
	    (uint64_t)p->untracked < p->allocated.number.value / UNTRACKED_PART)
		return true;
	f = finding_begin(
		report, paged ? FINDING_PAGED_UNTRACKED : FINDING_NONPAGED_UNTRACKED, SEVERITY_INFO,
		paged ? "Part of paged pool has no tag" : "Part of nonpaged pool has no tag");
	if (!f)
		return false;
	f->detail = report_text(report,
				"The kernel counts %s as allocated; %s of them are under no tag: "
				"free parts of pages, pages that the memory manager took directly, "
				"session pool.",
				format_size_unsigned(p->allocated.number.value, all),
				format_size(p->untracked, size));
	return f->detail &&
	       finding_evidence(f, report_text(report, "%s, less the sum over the tags",
					       p->allocated.source));
}

static bool is_doubtful(const struct report_total *total)
{
	return total->number.has_value && total->basis == BASIS_DOUBTFUL;
}

static bool is_pool_doubtful(const struct report_pool_total *p)
{
	return p->rejected_count > 0 || is_doubtful(&p->allocated) || is_doubtful(&p->maximum) ||
	       is_doubtful(&p->space);
}

static bool is_any_doubtful(const struct report_totals *t)
{
	return is_pool_doubtful(&t->nonpaged) || is_pool_doubtful(&t->paged) ||
	       is_doubtful(&t->committed) || is_doubtful(&t->commit_limit) ||
	       is_doubtful(&t->committed_peak);
}

static bool add_doubt(struct report *report, struct report_finding *f, const char *what,
		      const struct report_total *total)
{
	return !is_doubtful(total) ||
	       finding_evidence(
		       f, !what ? NULL
				: report_text(report, "%s, %s: %s", what, total->source,
					      total->remark ? total->remark : "no reason given"));
}

static bool add_pool_doubts(struct report *report, struct report_finding *f, bool paged)
{
	const struct report_pool_total *p =
		paged ? &report->totals.paged : &report->totals.nonpaged;
	const char *pool = paged ? "paged" : "nonpaged";

	if (p->rejected_count == 0 &&
	    !add_doubt(report, f, report_text(report, "%s pool allocated", pool), &p->allocated))
		return false;
	/* the one that is shown for want of a better one is among them */
	for (size_t i = 0; i < p->rejected_count; i++) {
		if (!add_doubt(report, f, report_text(report, "%s pool allocated", pool),
			       &p->rejected[i]))
			return false;
	}
	return add_doubt(report, f, report_text(report, "%s pool limit", pool), &p->maximum) &&
	       add_doubt(report, f, report_text(report, "address space of %s pool", pool),
			 &p->space);
}

static bool doubtful(struct report *report)
{
	const struct report_totals *t = &report->totals;
	struct report_finding *f;

	if (!is_any_doubtful(t))
		return true;
	f = finding_begin(report, FINDING_TOTALS_DOUBTFUL, SEVERITY_INFO,
			  "Totals of the kernel that cannot be right");
	if (!f)
		return false;
	f->detail =
		"They do not agree with the sums over the tags or with each other, so nothing is "
		"judged by them.";
	return add_pool_doubts(report, f, false) && add_pool_doubts(report, f, true) &&
	       add_doubt(report, f, "commit", &t->committed) &&
	       add_doubt(report, f, "commit limit", &t->commit_limit) &&
	       add_doubt(report, f, "peak of commit", &t->committed_peak);
}

static bool add_unknown(struct report *report, struct report_finding *f, const char *what,
			const struct report_total *total)
{
	return total->number.has_value ||
	       finding_evidence(f,
				report_text(report, "%s: %s", what,
					    total->number.note ? total->number.note : "not known"));
}

/* Without a limit nobody can say how full a pool is. */
static bool unchecked(struct report *report)
{
	const struct report_totals *t = &report->totals;
	struct report_finding *f;

	if (t->nonpaged.maximum.number.has_value && t->paged.maximum.number.has_value)
		return true;
	f = finding_begin(report, FINDING_LIMITS_UNKNOWN, SEVERITY_INFO,
			  "How full a pool is cannot be said");
	if (!f)
		return false;
	f->detail = "Its limit was neither read nor derived.";
	return add_unknown(report, f, "nonpaged pool limit", &t->nonpaged.maximum) &&
	       add_unknown(report, f, "paged pool limit", &t->paged.maximum);
}

enum ps_status plugin_pressure(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	(void)input;
	if (!report->totals.available)
		return PS_OK;
	if (!fullness(report, false) || !fullness(report, true) || !commit_fullness(report) ||
	    !untracked(report, false) || !untracked(report, true) || !doubtful(report) ||
	    !unchecked(report))
		return ps_fail_memory(err, "the findings of the report");
	return PS_OK;
}
