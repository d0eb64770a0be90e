/*
 * From the evidence in the views to the list of tags with their candidates.
 */
#ifndef PS_ANALYZER_OWNERS_COLLECT_H
#define PS_ANALYZER_OWNERS_COLLECT_H

#include "analyzer/owners/view.h"

/**
 * Fills owners->tags from the views; owners->images are there already. What memory and file both
 * show counts once. PS_NO_MEMORY.
 */
enum ps_status collect(const struct view *views, size_t count, struct owners *owners,
		       struct ps_error *err);

void collect_fini(struct owners *owners);

#endif
