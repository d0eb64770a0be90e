/*
 * Finds the calls of one image that pass a pool tag, and the functions that pass on their caller's.
 *
 * Supported: what flow.h follows. Not supported: wrappers that are reached only through tables of
 * pointers; they are counted as sites whose tag was not found.
 */
#ifndef PS_ANALYZER_OWNERS_SCAN_H
#define PS_ANALYZER_OWNERS_SCAN_H

#include "analyzer/owners/flow.h"
#include "analyzer/owners/view.h"

/**
 * Looks for the callees that no round has looked for yet, and for the wrappers that this brings to
 * light, until nothing is new. Bounded by work, not by time: view->gave_up says that it ended
 * early. False when memory is out.
 */
bool scan_view(struct view *view, struct flow *flow);

/** After the last round: wrappers that nobody was seen to call count as unresolved sites. */
void scan_finish(struct view *view);

#endif
