/*
 * What a worker left: judged, and written to results, database and, on demand, a file a case.
 *
 * outcome_init() reads it, outcome_fini() frees what it took.
 */
#ifndef PS_ANALYZER_DESK_OUTCOME_H
#define PS_ANALYZER_DESK_OUTCOME_H

#include "analyzer/desk/batch.h"
#include "analyzer/desk/results.h"

struct outcome {
	const struct found_file *file; /* borrowed */
	const struct worker *worker;   /* borrowed */
	struct file_stamp stamp;       /* of the file as it was before */
	enum case_result result;
	void *summary;    /* owned; what the worker said of it, see summary.h; NULL: nothing */
	struct rows rows; /* in it, of a report; empty: there is none */
	const char *code; /* of an error; borrowed from the summary or static; NULL: none */
	char *error;      /* owned; its words; NULL: none */
	int error_fd;     /* owned; a report made here, of a case that left none; -1 */
};

enum ps_status outcome_init(struct outcome *outcome, const struct found_file *file,
			    const struct worker *worker, struct ps_error *err);
void outcome_fini(struct outcome *outcome);

/** Line first, then database: what is in between when everything ends is done again. */
enum ps_status outcome_keep(struct outcome *outcome, const struct batch_options *options,
			    struct results *results, struct store *store, struct ps_error *err);

/** A row for each of the files that the database has, and the counts of their results. */
enum ps_status outcome_rows(struct store *store, const struct found *found,
			    struct batch_report *report, struct ps_error *err);

#endif
