/*
 * The folder of a batch's results, and its lock: whoever writes to it holds OUT/.lock alone,
 * whoever reads it or joins it to others holds it with other readers.
 *
 * The lock is a descriptor, the caller's to close; closing it lets go.
 */
#ifndef PS_ANALYZER_DESK_FOLDER_H
#define PS_ANALYZER_DESK_FOLDER_H

#include <stdbool.h>

#include "base/error.h"

/**
 * Makes the folder where it is not there, and takes it for writing. Waits a while for those who
 * read it. PS_SYSTEM, PS_INTERRUPTED.
 */
enum ps_status folder_take(const char *folder, int *ret_lock, struct ps_error *err);

/**
 * Holds a folder that nobody writes to. *ret_lock is -1 where it has no lock, as in a copy.
 * PS_SYSTEM while a batch writes to it.
 */
enum ps_status folder_hold(const char *folder, int *ret_lock, struct ps_error *err);

/** A lock for reading; -1 when a batch writes to the folder (*ret_written), or it has no lock. */
int folder_read(const char *folder, bool *ret_written);

/** Says what helps when `err` is that there was no room for the results. */
void folder_advise(const char *folder, struct ps_error *err);

#endif
