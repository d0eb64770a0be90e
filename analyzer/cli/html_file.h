/*
 * The file of --html: checked before the work begins, written beside its name and renamed at the
 * end, so that nothing half-written stays on an error or Ctrl-C.
 */
#ifndef PS_ANALYZER_CLI_HTML_FILE_H
#define PS_ANALYZER_CLI_HTML_FILE_H

#include "analyzer/cli/options.h"

/**
 * Whether options->html can be written. PS_USAGE when something else than a regular file has that
 * name, or one of the files that are read; PS_SYSTEM when its folder cannot be written to.
 */
enum ps_status html_file_check(const struct options *options, struct ps_error *err);

/** Writes a page of what `context` is. */
typedef enum ps_status html_writer(const void *context, FILE *out, struct ps_error *err);

/** Writes the page. PS_SYSTEM, PS_NO_MEMORY or PS_INTERRUPTED leave nothing behind. */
enum ps_status html_file_write(const char *path, html_writer *write, const void *context,
			       struct ps_error *err);

#endif
