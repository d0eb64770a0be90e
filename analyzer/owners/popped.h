/*
 * x86: how many bytes of arguments the routines behind an image's import slots remove, which
 * makes the stack of their callers exact (flow_set_popped()).
 *
 * Known by name (stack_words.h); where a dump has no names, from the code of the module that the
 * slot's value leads into. Not supported: calls through other tables (KMDF), and addresses of
 * other images in the code itself; those stay unknown.
 */
#ifndef PS_ANALYZER_OWNERS_POPPED_H
#define PS_ANALYZER_OWNERS_POPPED_H

#include "analyzer/owners/flow.h"
#include "analyzer/owners/load.h"

/** Fills slots[].popped of all views of x86 images. False when memory is out. */
bool popped_find(const struct owner_store *store);

/** A flow_popped; `context` is the struct view. */
int popped_of(void *context, const struct flow_atom *target);

#endif
