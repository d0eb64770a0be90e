/*
 * OUT/cases/NAME.json and .html: a file a case, on demand. NAME is of the case's own name and the
 * hash of its path.
 */
#ifndef PS_ANALYZER_DESK_CASE_FILES_H
#define PS_ANALYZER_DESK_CASE_FILES_H

#include "analyzer/desk/found.h"

/** Writes what `fd` holds, whole or not at all, in the place of what is there. PS_SYSTEM. */
enum ps_status case_file_keep(const char *of, const struct file_stamp *stamp, int fd,
			      const char *out, const char *suffix, struct ps_error *err);

/** Removes what is there. */
enum ps_status case_file_drop(const char *of, const struct file_stamp *stamp, const char *out,
			      const char *suffix, struct ps_error *err);

/** True when it is there. */
bool case_file_exists(const char *of, const struct file_stamp *stamp, const char *out,
		      const char *suffix);

/** Makes the file of a case in a folder of results that of another, or removes it with that. */
enum ps_status case_file_copy(const char *of, const struct file_stamp *stamp, const char *from,
			      const char *out, const char *suffix, struct ps_error *err);

#endif
