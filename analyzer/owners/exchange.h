/*
 * Wrappers across images: a function that passes its caller's tag on, and that other images import.
 */
#ifndef PS_ANALYZER_OWNERS_EXCHANGE_H
#define PS_ANALYZER_OWNERS_EXCHANGE_H

#include "analyzer/owners/view.h"

/**
 * Tells every view of the exported wrappers that came to light in the others since the last time:
 * by address in memory, by name in files. `names` are the modules' names, by view->module.
 * *ret_news says whether any view has something to look for. False when memory is out.
 */
bool exchange_wrappers(struct view *views, size_t count, const char *const *names, bool *ret_news);

#endif
