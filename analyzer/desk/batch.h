/*
 * Many cases: finds them, runs one worker process a case, and keeps the results in a folder:
 * results.jsonl, cases.db, and on demand a page and a report a case. What is there and has not
 * changed is not done again, so a batch that was ended in any way goes on where it was.
 *
 * batch_run() does it all; the summary that it fills is the caller's to free.
 */
#ifndef PS_ANALYZER_DESK_BATCH_H
#define PS_ANALYZER_DESK_BATCH_H

#include "analyzer/desk/found.h"
#include "analyzer/desk/worker.h"
#include "analyzer/report/batch_report.h"
#include "base/log.h"
#include "base/progress.h"

struct batch_options {
	const char *const *paths;
	size_t path_count;
	const char *out;
	unsigned jobs; /* worker processes at once, at least 1 */
	struct worker_limits limits;
	bool retry_failed;
	bool keep_reports, keep_pages; /* OUT/cases/NAME.json and .html */
	unsigned shard, shards;        /* 1..shards; shards 0: all */
	bool merge; /* the paths are results to join, see merge.h; of the rest `out` alone counts */
	found_looks *looks;
	worker_job *job; /* exit status as the program's; see batch_job_status */
	void *context;   /* of both */
};

/** Exit statuses of a job: those of the program. */
enum batch_job_status {
	JOB_COMPLETE = 0,
	JOB_INCOMPLETE = 1,
	JOB_REFUSED = 3, /* report and summary hold the error */
	JOB_FAULT = 4,   /* likewise */
};

/**
 * PS_USAGE: the folder cannot be used. PS_SYSTEM: it cannot be written, or another batch writes to
 * it. PS_INTERRUPTED: what was done is kept. A case that fails is no error of the batch.
 */
enum ps_status batch_run(const struct batch_options *options, const struct log *log,
			 struct progress *progress, struct batch_report *ret, struct ps_error *err);

#endif
