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
 * Scans all views until no wrapper is new anywhere, with at most `threads` threads (0: one for each
 * processor). `names` by view->module. PS_NO_MEMORY, PS_INTERRUPTED.
 */
enum ps_status crew_scan(struct view *views, size_t count, const char *const *names,
			 const struct structs_kernel *kernel, unsigned threads,
			 struct progress *progress, struct ps_error *err);

#endif
