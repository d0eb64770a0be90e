/*
 * What missing pages of the tracker's tables mean for the rows. Private to the merge of the tables.
 */
#ifndef PS_ANALYZER_POOL_TRACKER_MISSING_H
#define PS_ANALYZER_POOL_TRACKER_MISSING_H

#include "analyzer/pool/tracker.h"
#include "analyzer/pool/view.h"

/** The entries of one table. view_fini() in any case. */
enum ps_status tracker_view(struct space *space, const struct pool_globals *globals,
			    uint64_t address, uint64_t entries, struct view *view,
			    struct ps_error *err);

/**
 * Asks of every table with missing pages which tags those pages could hold: their rows are not
 * complete. All tables must have been merged.
 */
enum ps_status tracker_mark_missing(struct space *space, const struct pool_globals *globals,
				    struct tracker *tracker, struct ps_error *err);

/** Sets `complete` of the whole, and in words why it is not. */
void tracker_judge(struct tracker *tracker, const struct pool_globals *globals);

#endif
