/*
 * Joins the results of several batches, as of the shards of one, in one folder: what is there then
 * is what one batch over all cases would have left. Sources are only read.
 *
 * merge_run() does it all; the report that it fills is the caller's to free in any case.
 */
#ifndef PS_ANALYZER_DESK_MERGE_H
#define PS_ANALYZER_DESK_MERGE_H

#include "analyzer/report/merge_report.h"
#include "base/log.h"
#include "base/progress.h"

/**
 * Takes the cases of `folders` into `out`. Of a case that is in several, the one of the newer file
 * counts, and of the same file one that is done. A folder counts whole or not at all, so that
 * a merge that was ended in any way is run again; one that is damaged is left out and named.
 * Where none can be read, `out` is not made.
 * PS_USAGE: `out` is among the folders. PS_SYSTEM: a batch writes to one of them, or `out` cannot
 * be written.
 */
enum ps_status merge_run(const char *const *folders, size_t count, const char *out,
			 const struct log *log, struct progress *progress, struct merge_report *ret,
			 struct ps_error *err);

#endif
