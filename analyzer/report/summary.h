/*
 * What a database of many cases keeps of one report: numbers and names to search and count by, as
 * rows; see rows.h.
 */
#ifndef PS_ANALYZER_REPORT_SUMMARY_H
#define PS_ANALYZER_REPORT_SUMMARY_H

#include "analyzer/report/report.h"
#include "analyzer/report/rows.h"

/*
 * The values of a row are the columns of its table in analyzer/desk/store_schema.c: those of
 * `cases` from `format` on, of the others all behind case_id. Of an error: its code and words.
 */
enum summary_kind {
	SUMMARY_CASE,
	SUMMARY_TAG,
	SUMMARY_DRIVER,
	SUMMARY_OWNER,
	SUMMARY_FINDING,
	SUMMARY_ERROR,
	SUMMARY_KINDS
};

/** One row of SUMMARY_CASE, then those of the other tables. */
enum ps_status render_summary(const struct report *report, FILE *out, struct ps_error *err);

/** One row of SUMMARY_ERROR: what is kept of a case without a report. */
enum ps_status render_summary_error(const struct ps_error *error, FILE *out, struct ps_error *err);

/** Whether rows are a whole summary: one of a report, or one of an error. */
bool summary_is_whole(struct rows rows);

#endif
