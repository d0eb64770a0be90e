/*
 * Findings on what is missing: file, module lists, tag tables, big-page table. Each names what is
 * missing, why, and what that does to the figures.
 */
#include "plugins/finding.h"
#include "plugins/plugin.h"

#include <inttypes.h>

static bool add(struct report *report, enum finding_id id, enum finding_severity severity,
		const char *title, const char *detail, const char *next_step)
{
	struct report_finding *f = detail ? finding_begin(report, id, severity, title) : NULL;

	if (!f)
		return false;
	f->detail = detail;
	f->next_step = next_step;
	return true;
}

static bool file(struct report *report)
{
	const struct report_file *f = &report->file;

	if (f->complete)
		return true;
	if (f->minidump.available)
		return add(
			report, FINDING_FILE_INCOMPLETE, SEVERITY_WARNING,
			"The minidump is not whole",
			"Parts of it are cut off or do not agree; the notes say which.",
			"compare the file's size with the original; a copy may have been cut short");
	if (f->pages_damaged > 0 && f->pages_in_file == f->pages_listed)
		return add(report, FINDING_FILE_INCOMPLETE, SEVERITY_WARNING, "The file is damaged",
			   report_text(report,
				       "Of the pages that were read, %s%" PRIu64
				       " cannot be unpacked; what nothing needed was not looked "
				       "at.",
				       f->more_damaged ? "at least " : "", f->pages_damaged),
			   "copy the dump again; if that is as damaged, have it written again");
	if (f->pages_in_file == f->pages_listed)
		return add(report, FINDING_FILE_INCOMPLETE, SEVERITY_WARNING,
			   "The file is not whole",
			   "Part of the memory is absent, or its header and its lists of pages do "
			   "not agree; the notes say which.",
			   NULL);
	return add(report, FINDING_FILE_INCOMPLETE, SEVERITY_WARNING, "The file is not whole",
		   report_text(report,
			       "%" PRIu64 " of the %" PRIu64
			       " pages that it lists lie wholly in it.",
			       f->pages_in_file, f->pages_listed),
		   "compare the file's size with the original; a copy may have been cut short");
}

static bool modules(struct report *report, const struct report_modules *m, enum finding_id id,
		    const char *title)
{
	if (!m->available || m->complete)
		return true;
	return add(report, id, SEVERITY_WARNING, title,
		   report_text(report, "%zu were read. %s.", m->count, m->note), NULL);
}

static bool tracker(const struct plugin_input *input, struct report *report)
{
	const struct report_tracker *t = &report->tracker;

	if (!t->available) {
		report->incomplete = true;
		return add(report, FINDING_TABLES_UNAVAILABLE, SEVERITY_PROBLEM,
			   "The tag tables cannot be read",
			   report_text(report, "%s.", error_sentence(report, input->pools_error)),
			   input->pools_error && input->pools_error->hint[0]
				   ? report_text(report, "%s", input->pools_error->hint)
				   : NULL);
	}
	if (t->complete)
		return true;
	return add(
		report, FINDING_TRACKER_INCOMPLETE, SEVERITY_WARNING,
		"The tag tables are not complete",
		report_text(
			report,
			"%" PRIu64 " of the %" PRIu64
			" pages of the tables that were found are in the dump. Why it is not all: "
			"%s. Marked allocs and frees are lower bounds (>=), marked diff and bytes "
			"may be too low or too high (~).",
			t->pages_present, t->pages_expected, t->incomplete_reason),
		"a complete kernel dump of the same machine gives exact figures");
}

static bool big(const struct plugin_input *input, struct report *report)
{
	const struct report_big *b = &report->big;

	if (!b->available && report->tracker.available) {
		report->incomplete = true;
		return add(report, FINDING_BIG_UNAVAILABLE, SEVERITY_WARNING,
			   "The big-page table cannot be read",
			   report_text(report, "%s. The tag figures do not depend on it.",
				       error_sentence(report, &input->pools->big_error)),
			   NULL);
	}
	if (!b->available || b->complete)
		return true;
	return add(report, FINDING_BIG_INCOMPLETE, SEVERITY_WARNING,
		   "The big-page table is not complete",
		   report_text(report,
			       "%" PRIu64 " of %" PRIu64
			       " pages are in the dump; its sums are lower bounds. %s.",
			       b->pages_present, b->pages_expected, b->incomplete_reason),
		   NULL);
}

enum ps_status plugin_coverage(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	if (!file(report) ||
	    !modules(report, &report->modules, FINDING_MODULES_INCOMPLETE,
		     "The list of loaded modules is not complete") ||
	    !modules(report, &report->unloaded, FINDING_UNLOADED_INCOMPLETE,
		     "The list of unloaded drivers is not complete") ||
	    !tracker(input, report) || !big(input, report))
		return ps_fail_memory(err, "the findings of the report");
	return PS_OK;
}
