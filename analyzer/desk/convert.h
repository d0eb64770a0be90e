/*
 * A case written out as a Windows crash dump.
 */
#ifndef PS_ANALYZER_DESK_CONVERT_H
#define PS_ANALYZER_DESK_CONVERT_H

#include "analyzer/desk/case.h"
#include "analyzer/kernel/crash_facts.h"
#include "formats/crash_write.h"

struct convert_options {
	const char *path; /* of the dump to write */
	enum crash_body body;
	bool force; /* replaces a file of that name, and does not ask for room on the disk */
};

/** What was written, for who tells it. Plain values. */
struct convert_result {
	struct crash_written written;
	struct machine_facts facts; /* of the header */
	unsigned pointer;           /* 4 or 8: which header */
	enum bugcheck_source bugcheck;
	bool kdbg_encoded, kdbg_decoded; /* in the source; in the copy */
};

/**
 * Whether `options->path` can be written, before `source` is opened. PS_USAGE when something else
 * than a regular file has that name, or the source itself, or, without `force`, any file;
 * PS_SYSTEM when its folder cannot be written to.
 */
enum ps_status convert_check(const char *source, const struct convert_options *options,
			     struct ps_error *err);

/**
 * Writes the memory of `c`, whose kernel is found. PS_UNSUPPORTED when the case is no memory that a
 * crash dump can hold, PS_SYSTEM when the disk refuses or has no room; nothing is left behind then,
 * nor on PS_INTERRUPTED.
 */
enum ps_status convert_write(const struct case_file *c, const struct convert_options *options,
			     struct progress *progress, struct convert_result *ret,
			     struct ps_error *err);

#endif
