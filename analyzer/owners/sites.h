/*
 * One call of one image: does it pass a tag to a routine that takes one, and which.
 */
#ifndef PS_ANALYZER_OWNERS_SITES_H
#define PS_ANALYZER_OWNERS_SITES_H

#include "analyzer/owners/flow.h"
#include "analyzer/owners/view.h"

/**
 * Evaluates the call as one of `target`, which is an atom of its target: evidence and wrappers go
 * into the view. False when the target is no callee of this round. What runs out of memory sets
 * view->no_memory.
 */
bool site_evaluate(struct view *view, const struct flow_call *call, const struct flow_atom *target);

/** A flow_interest: whether site_evaluate() would, and which arguments it would look at. */
bool site_interest(const struct view *view, const struct flow_atom *target,
		   struct flow_needs *needs);

/**
 * The call hands argument `argument` on to a routine like `callee`, which takes its tag from the
 * structure behind it; see callbacks.h.
 */
void site_handed_structure(struct view *view, const struct flow_call *call,
			   const struct callee *callee, unsigned argument);

/** Counts the sites into view->sites and view->sites_unresolved, each address once. */
void sites_count(struct view *view);

#endif
