/*
 * The result model of `poolscope batch --merge`: what each folder gave, and what is there now.
 *
 * merge_report_fini() frees it; its texts are its own, but for the names of the folders.
 */
#ifndef PS_ANALYZER_REPORT_MERGE_REPORT_H
#define PS_ANALYZER_REPORT_MERGE_REPORT_H

#include "analyzer/report/batch_report.h"

struct merge_source {
	const char *folder; /* borrowed */
	size_t cases;       /* in its database */
	size_t taken;       /* of them, new here or in the place of an older one */
	size_t lost; /* of them, without a line in results.jsonl: its batch does them again */
	char *error; /* owned; why nothing was taken; NULL: it was read */
};

struct merge_report {
	const char *out;              /* borrowed */
	struct merge_source *sources; /* owned */
	size_t source_count;
	size_t cases;                 /* that are there now */
	size_t results[CASE_RESULTS]; /* of these */
};

void merge_report_fini(struct merge_report *report);

/** False: a folder was left out, or cases of one. */
bool merge_is_whole(const struct merge_report *report);

enum ps_status merge_text(const struct merge_report *report, FILE *out, struct ps_error *err);
/** One object, keys as poolscope-merge-1.schema.json says. */
enum ps_status merge_json(const struct merge_report *report, FILE *out, struct ps_error *err);
enum ps_status merge_csv(const struct merge_report *report, FILE *out, struct ps_error *err);

#endif
