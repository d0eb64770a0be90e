/*
 * Wrappers across images: a function that passes its caller's tag on, and that other images import.
 */
#ifndef PS_ANALYZER_OWNERS_EXCHANGE_H
#define PS_ANALYZER_OWNERS_EXCHANGE_H

#include "analyzer/owners/view.h"

/** The wrappers that the images of one round offer each other. */
struct market;

/**
 * Gathers the exported wrappers that came to light in the views since the last time. `names` are
 * the modules' names, by view->module; both are borrowed until exchange_close(). *ret is NULL when
 * nothing is new. False when memory is out.
 */
bool exchange_open(struct view *views, size_t count, const char *const *names, struct market **ret);

/**
 * Tells the view of the wrappers of other images that it can call: by address in memory, by name in
 * files. Different views may be told at the same time. False when memory is out.
 */
bool exchange_tell(const struct market *market, struct view *view);

void exchange_close(struct market *market);

#endif
