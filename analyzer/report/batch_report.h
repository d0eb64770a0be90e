/*
 * The result model of `poolscope batch`: how many cases ended how, and a row a case.
 *
 * batch_report_fini() frees it; its texts are its own.
 */
#ifndef PS_ANALYZER_REPORT_BATCH_REPORT_H
#define PS_ANALYZER_REPORT_BATCH_REPORT_H

#include "analyzer/report/render.h"

/** How a case ended. */
enum case_result {
	CASE_COMPLETE,
	CASE_INCOMPLETE, /* some figure is a bound */
	CASE_REFUSED,    /* the file cannot be used; error says why */
	CASE_CRASHED,    /* the worker was killed by a signal */
	CASE_TIMED_OUT,
	CASE_FAULT,   /* memory or an internal fault */
	CASE_CHANGED, /* the file changed or vanished meanwhile */
	CASE_RESULTS
};

struct batch_row {
	char *path, *product, *top_tag, *top_owner, *error; /* owned; all but path may be NULL */
	enum case_result result;
	int nonpaged_permille, paged_permille; /* used, of the limit; -1: not known */
};

struct batch_report {
	const char *out; /* borrowed */
	uint64_t looked_at, no_cases, skipped;
	size_t results[CASE_RESULTS]; /* of all cases of this batch, done now or before */
	size_t cases, done_before, done_now, other_shards, failed_before;
	struct batch_row *rows; /* owned; by path; those done now or before */
	size_t row_count, row_capacity;
	char **unreadable; /* owned */
	size_t unreadable_count;
};

void batch_report_fini(struct batch_report *report);

/** "complete", "incomplete", "refused", "crashed", "timed-out", "fault", "changed". Static. */
const char *case_result_word(enum case_result result);

/** The result of such a word; CASE_FAULT of any other. */
enum case_result case_result_named(const char *word);

/** "; 3 complete, 1 refused": how many ended how, without those that none did. */
void case_results_text(const size_t results[CASE_RESULTS], FILE *out);

enum ps_status batch_text(const struct batch_report *report, const struct render_options *options,
			  FILE *out, struct ps_error *err);
/** One object, keys as poolscope-batch-1.schema.json says. */
enum ps_status batch_json(const struct batch_report *report, FILE *out, struct ps_error *err);
enum ps_status batch_csv(const struct batch_report *report, FILE *out, struct ps_error *err);

#endif
