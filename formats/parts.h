/*
 * Files that were split into parts to be sent: NAME.001, NAME.002 and so on, also from NAME.000 on,
 * as 7-Zip and split(1) name them. Joined in a file without a name.
 */
#ifndef PS_FORMATS_PARTS_H
#define PS_FORMATS_PARTS_H

#include "formats/dump.h"

/**
 * When dump->file is the first of several parts, joins them: the whole takes its place, and a note
 * says so. Other files are left as they are. PS_USAGE when it is a later part whose first one lies
 * beside it. PS_SYSTEM: no room, or a part cannot be read. PS_INTERRUPTED.
 */
enum ps_status parts_join(struct dump *dump, struct progress *progress, struct ps_error *err);

/**
 * The path of the part `step` behind the first one at `path`. NULL: there is none, `path` is no
 * first part, or memory is out. Caller frees.
 */
char *parts_later(const char *path, int step);

/** True when `path` is a later part, whose first one lies beside it. */
bool parts_is_later(const char *path);

#endif
