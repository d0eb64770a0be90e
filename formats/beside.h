/*
 * The files that are one with another: later parts of a split file, and VMware's memory and state.
 */
#ifndef PS_FORMATS_BESIDE_H
#define PS_FORMATS_BESIDE_H

#include <stdbool.h>

/** A file beside; false ends the visits. */
typedef bool beside_visit(void *context, const char *path);

/**
 * Visits the other files that dump_open() may read with the one at `path`: by their names, and only
 * those that are there. False: memory is out, or a visit returned false.
 */
bool beside_visit_all(const char *path, beside_visit *visit, void *context);

/** True for the name of a VMware machine's memory; what is beside it are states. */
bool beside_is_memory(const char *path);

#endif
