/*
 * The folder of a batch's results, and its lock: whoever writes to it holds OUT/.lock alone,
 * whoever joins it to others holds it with other readers.
 *
 * The lock is a descriptor, the caller's to close; closing it lets go.
 */
#ifndef PS_ANALYZER_DESK_FOLDER_H
#define PS_ANALYZER_DESK_FOLDER_H

#include "base/error.h"

/** Makes the folder where it is not there, and takes it for writing. PS_SYSTEM. */
enum ps_status folder_take(const char *folder, int *ret_lock, struct ps_error *err);

/**
 * Holds a folder that nobody writes to. *ret_lock is -1 where it has no lock, as in a copy.
 * PS_SYSTEM while a batch writes to it.
 */
enum ps_status folder_hold(const char *folder, int *ret_lock, struct ps_error *err);

/** Says what helps when `err` is that there was no room for the results. */
void folder_advise(const char *folder, struct ps_error *err);

#endif
