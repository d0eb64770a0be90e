/*
 * The scan of many images on the machine's processors, and the rounds of wrappers between them.
 *
 * Images are independent of each other within a round, so what comes out does not depend on the
 * threads' timing.
 */
#ifndef PS_ANALYZER_OWNERS_CREW_H
#define PS_ANALYZER_OWNERS_CREW_H

#include "analyzer/owners/structs.h"
#include "analyzer/owners/view.h"
#include "base/progress.h"

/**
 * Scans all views until no wrapper is new anywhere. `names` by view->module. PS_NO_MEMORY,
 * PS_INTERRUPTED.
 */
enum ps_status crew_scan(struct view *views, size_t count, const char *const *names,
			 const struct structs_kernel *kernel, struct progress *progress,
			 struct ps_error *err);

#endif
