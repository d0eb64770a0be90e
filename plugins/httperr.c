/*
 * HTTPERR logs beside the dump: how often connections were refused and when, the other reasons, and
 * whether the logs and the dump agree.
 *
 * The times of the logs are UTC, as the crash time is; a machine whose clock was set meanwhile
 * cannot be told from that.
 */
#include "analyzer/texts/httperr.h"

#include <inttypes.h>
#include <time.h>

#include "plugins/finding.h"
#include "plugins/plugin.h"

enum { REASONS_SHOWN = 8 };

static const char *time_text(struct report *report, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[40];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return report_text(report, "second %" PRId64, seconds);
	return report_text(report, "%s", text);
}

static const char *reason_words(struct report *report, const struct httperr_reason *r)
{
	const char *first = time_text(report, r->first), *last = time_text(report, r->last);

	if (!first || !last)
		return NULL;
	return report_text(report, "%s: %" PRIu64 " on %" PRIu64 " line%s, %s to %s", r->name,
			   r->events, r->lines, r->lines == 1 ? "" : "s", first, last);
}

/* What of them this boot of the machine can have caused. */
static uint64_t of_this_boot(const struct httperr_reason *refused)
{
	return refused ? refused->events - refused->before_boot - refused->after_crash : 0;
}

static bool dump_refuses(const struct report *report)
{
	return finding_by_id(report, "connections-refused") != NULL;
}

static bool has_times(const struct report *report)
{
	return report->system.crash_time.value != NULL;
}

static void judge(struct report *report, const struct httperr *log, struct report_finding *f)
{
	const struct httperr_reason *refused = httperr_find(log, "Connections_Refused");
	const uint64_t count = of_this_boot(refused);

	f->severity = SEVERITY_INFO;
	if (count > 0 && dump_refuses(report)) {
		f->title = "The HTTPERR logs agree: connections were refused";
		f->severity = SEVERITY_PROBLEM;
	} else if (count > 0) {
		f->title = "The HTTPERR logs say that connections were refused; the dump does not "
			   "show why";
		f->severity = SEVERITY_WARNING;
	} else if (dump_refuses(report)) {
		f->title = "The HTTPERR logs do not show refused connections";
	} else {
		f->title = "The HTTPERR logs agree: no connection was refused";
	}
}

static const char *refused_words(struct report *report, const struct httperr *log)
{
	const struct httperr_reason *refused = httperr_find(log, "Connections_Refused");
	const char *first, *last;

	if (!refused) {
		first = time_text(report, log->first);
		last = time_text(report, log->last);
		return first && last ? report_text(report,
						   "No Connections_Refused in %" PRIu64
						   " lines from %s to %s.",
						   log->lines, first, last)
				     : NULL;
	}
	if (!has_times(report))
		return report_text(report,
				   "Connections_Refused: %" PRIu64
				   ". The dump has no crash time to lay them beside.",
				   refused->events);
	return report_text(report,
			   "Connections_Refused: %" PRIu64 " between this start of the machine and "
			   "the crash, %" PRIu64 " of them in the last hour; %" PRIu64
			   " before that start, %" PRIu64 " after the crash.",
			   of_this_boot(refused), refused->last_hour, refused->before_boot,
			   refused->after_crash);
}

/* The logs may end long before the crash, or begin after it: then they prove nothing. */
static bool add_span(struct report *report, const struct httperr *log, struct report_finding *f)
{
	const char *first = time_text(report, log->first), *last = time_text(report, log->last);

	if (!first || !last)
		return false;
	return finding_evidence(
		f, report_text(report, "%" PRIu64 " log file%s, %" PRIu64 " lines, %s to %s (UTC)",
			       log->files, log->files == 1 ? "" : "s", log->lines, first, last));
}

static bool add_trouble(struct report *report, const struct httperr *log, struct report_finding *f)
{
	if (log->broken_lines > 0 &&
	    !finding_evidence(f, report_text(report,
					     "%" PRIu64 " lines cannot be read; the first is line "
					     "%" PRIu64 " of %s",
					     log->broken_lines, log->first_broken,
					     log->first_broken_file)))
		return false;
	if (log->cut_files > 0 &&
	    !finding_evidence(f,
			      report_text(report,
					  "%" PRIu64 " files end early or are damaged; the first "
					  "is %s",
					  log->cut_files, log->first_cut)))
		return false;
	if (log->foreign_files > 0 &&
	    !finding_evidence(f, report_text(report,
					     "%" PRIu64 " files are no HTTPERR logs; the first is "
					     "%s",
					     log->foreign_files, log->first_foreign)))
		return false;
	return log->unreadable_files == 0 ||
	       finding_evidence(
		       f, report_text(report, "%" PRIu64 " files cannot be opened; the first is %s",
				      log->unreadable_files, log->first_unreadable));
}

enum ps_status plugin_httperr(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	const struct httperr *log = input->httperr;
	struct report_finding *f;
	bool fits;

	if (!log)
		return PS_OK;
	f = finding_begin(report, "httperr", SEVERITY_INFO, "");
	if (!f)
		return ps_fail_memory(err, "the findings of the report");
	judge(report, log, f);
	f->detail = refused_words(report, log);
	fits = f->detail && add_span(report, log, f);
	for (size_t i = 0; i < log->reason_count && i < REASONS_SHOWN && fits; i++)
		fits = finding_evidence(f, reason_words(report, &log->reasons[i]));
	fits = fits && add_trouble(report, log, f);
	return fits ? PS_OK : ps_fail_memory(err, "the findings of the report");
}
