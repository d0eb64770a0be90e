/*
 * A file that appears whole or not at all: written beside its name, and renamed at the end. On an
 * error, and on Ctrl-C, whoever has it discards it, and nothing half-written stays.
 *
 * Caller-held; new_file_create() opens, new_file_commit() or new_file_discard() ends it. Does not
 * follow a symbolic link of that name: the link would be replaced, not what it leads to.
 */
#ifndef PS_BASE_NEW_FILE_H
#define PS_BASE_NEW_FILE_H

#include "base/error.h"

struct new_file {
	const char *path; /* borrowed; the name that it will have */
	char *name;       /* owned; the name that it has now */
	int fd;           /* open for reading and writing; -1 when it is closed */
};

/** Whether the folder of `path` takes new files: PS_SYSTEM ("cannot write PATH: ...") if not. */
enum ps_status new_file_check_folder(const char *path, struct ps_error *err);

/** Makes the file, empty, with the rights that any new file has. PS_SYSTEM, PS_NO_MEMORY. */
enum ps_status new_file_create(struct new_file *file, const char *path, struct ps_error *err);

/**
 * Closes it and gives it its name, in the place of what has that name when `replace`. PS_SYSTEM,
 * also when the disk turns out to be full only now; then it is discarded.
 */
enum ps_status new_file_commit(struct new_file *file, bool replace, struct ps_error *err);

/** Removes it. Harmless after new_file_commit(), and on one whose creation failed. */
void new_file_discard(struct new_file *file);

#endif
