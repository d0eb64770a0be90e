/*
 * HTTPERR logs beside the dump: how often connections were refused and when, the other reasons, and
 * whether the logs and the dump agree.
 *
 * The times of the logs are UTC, as the crash time is; a machine whose clock was set meanwhile
 * cannot be told from that.
 */
#include "analyzer/texts/httperr.h"

#include <inttypes.h>

#include "base/time.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"
#include "plugins/pressure.h"

enum { REASONS_SHOWN = 8 };

static const char *time_text(struct report *report, int64_t seconds)
{
	char text[TIME_ISO];

	if (!time_to_iso(seconds, text))
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

/* What of them this run of the machine can have caused. */
static uint64_t of_this_run(const struct httperr *log)
{
	const struct httperr_reason *refused = httperr_find(log, "Connections_Refused");

	return refused ? refused->events - refused->before_boot - refused->after_crash : 0;
}

/* Logs of another time say nothing of this run, whatever they hold. */
static bool is_of_this_run(const struct httperr *log)
{
	return log->first <= log->times.crash &&
	       (log->times.boot == 0 || log->last >= log->times.boot);
}

static bool is_short(const struct report *report)
{
	return finding_find(report, FINDING_CONNECTIONS_REFUSED_NEAR) ||
	       finding_find(report, FINDING_CONNECTIONS_REFUSED_RULE);
}

struct judgement {
	enum log_judgement judgement;
	enum finding_severity severity;
	const char *title;
};

static struct judgement judge(const struct report *report, const struct httperr *log)
{
	const bool refuses = finding_find(report, FINDING_CONNECTIONS_REFUSED) != NULL;
	const uint64_t count = of_this_run(log);
	struct pressure pressure;
	const bool known = pressure_read(report, false, &pressure);

	if (log->times.crash == 0)
		return (struct judgement){LOG_ALONE, SEVERITY_INFO,
					  "The dump has no time to lay the HTTPERR logs beside"};
	if (!is_of_this_run(log))
		return (struct judgement){LOG_PROVES_NOTHING, SEVERITY_INFO,
					  "The HTTPERR logs are not of the time before this dump"};
	if (count > 0 && refuses)
		return (struct judgement){LOG_AGREES, SEVERITY_PROBLEM,
					  "The HTTPERR logs agree: connections were refused"};
	if (count > 0 && is_short(report))
		return (struct judgement){LOG_AGREES, SEVERITY_WARNING,
					  "The HTTPERR logs say that connections were refused, and "
					  "little nonpaged pool was left"};
	if (count > 0 && known)
		return (struct judgement){
			LOG_CONTRADICTS, SEVERITY_WARNING,
			"The HTTPERR logs say that connections were refused, but at the time of "
			"the dump enough nonpaged pool was left"};
	if (count > 0)
		return (struct judgement){
			LOG_ALONE, SEVERITY_WARNING,
			"The HTTPERR logs say that connections were refused; how much nonpaged "
			"pool was left is not known"};
	if (refuses)
		return (struct judgement){LOG_SHOWS_NONE, SEVERITY_INFO,
					  "The HTTPERR logs do not show refused connections"};
	return known ? (struct judgement){LOG_AGREES, SEVERITY_INFO,
					  "The HTTPERR logs agree: no connection was refused"}
		     : (struct judgement){LOG_ALONE, SEVERITY_INFO,
					  "The HTTPERR logs show no refused connection"};
}

static const char *refused_words(struct report *report, const struct httperr *log)
{
	const struct httperr_reason *refused = httperr_find(log, "Connections_Refused");

	if (!refused)
		return report_text(report, "No Connections_Refused in %" PRIu64 " line%s.",
				   log->lines, log->lines == 1 ? "" : "s");
	if (log->times.crash == 0)
		return report_text(report,
				   "Connections_Refused: %" PRIu64 ", at unknown distance "
				   "from the dump.",
				   refused->events);
	return report_text(report,
			   "Connections_Refused: %" PRIu64 " between the start of the machine and "
			   "the dump%s, %" PRIu64 " of them in its last hour; %" PRIu64
			   " before that start, %" PRIu64 " after the dump.",
			   of_this_run(log),
			   log->times.boot == 0 ? " (when it was started is not known)" : "",
			   refused->last_hour, refused->before_boot, refused->after_crash);
}

/* The logs may end long before the crash, or begin after it: then they prove nothing. */
static bool add_span(struct report *report, const struct httperr *log, struct report_finding *f)
{
	const char *first = time_text(report, log->first), *last = time_text(report, log->last);

	if (!first || !last)
		return false;
	if (log->lines == 0)
		return finding_evidence(f, report_text(report,
						       "%" PRIu64 " log file%s without a "
						       "line that can be read",
						       log->files, log->files == 1 ? "" : "s"));
	return finding_evidence(
		f, report_text(report, "%" PRIu64 " log file%s, %" PRIu64 " line%s, %s to %s (UTC)",
			       log->files, log->files == 1 ? "" : "s", log->lines,
			       log->lines == 1 ? "" : "s", first, last));
}

static bool add_count(struct report *report, struct report_finding *f, uint64_t count,
		      const char *what, const char *first)
{
	return count == 0 ||
	       finding_evidence(f, report_text(report, "%s: %" PRIu64 "; the first is %s", what,
					       count, first));
}

static bool add_trouble(struct report *report, const struct httperr *log, struct report_finding *f)
{
	if (log->broken_lines > 0 &&
	    !finding_evidence(f, report_text(report,
					     "lines that cannot be read: %" PRIu64
					     "; the first is line %" PRIu64 " of %s",
					     log->broken_lines, log->first_broken,
					     log->first_broken_file)))
		return false;
	return add_count(report, f, log->cut_files, "files that end early or are damaged",
			 log->first_cut) &&
	       add_count(report, f, log->foreign_files, "files that are no HTTPERR logs",
			 log->first_foreign) &&
	       add_count(report, f, log->unreadable_files, "files that cannot be opened",
			 log->first_unreadable);
}

enum ps_status plugin_httperr(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	const struct httperr *log = input->httperr;
	struct report_finding *f;
	struct judgement judgement;
	bool fits;

	if (!log)
		return PS_OK;
	f = finding_begin(report, FINDING_HTTPERR, SEVERITY_INFO, "");
	if (!f)
		return ps_fail_memory(err, "the findings of the report");
	judgement = judge(report, log);
	f->title = judgement.title;
	f->severity = judgement.severity;
	report->log_judgement = judgement.judgement;
	f->detail = refused_words(report, log);
	fits = f->detail && add_span(report, log, f);
	for (size_t i = 0; i < log->reason_count && i < REASONS_SHOWN && fits; i++)
		fits = finding_evidence(f, reason_words(report, &log->reasons[i]));
	fits = fits && add_trouble(report, log, f);
	return fits ? PS_OK : ps_fail_memory(err, "the findings of the report");
}
