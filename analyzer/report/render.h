/*
 * The renderers: one result model, many faces. Each writes to `out` and returns PS_OK or why it
 * could not: memory, Ctrl-C, or a write error. None of them computes or judges.
 */
#ifndef PS_ANALYZER_REPORT_RENDER_H
#define PS_ANALYZER_REPORT_RENDER_H

#include <stdio.h>

#include "analyzer/report/report.h"

struct render_options {
	bool color;     /* resolved from --color, NO_COLOR and isatty */
	unsigned width; /* columns of the terminal, 0 when not a terminal: nothing is cut */
};

/** Tables and plain words. The caller has set LC_CTYPE (libsmartcols needs it for widths). */
enum ps_status render_text(const struct report *report, const struct render_options *options,
			   FILE *out, struct ps_error *err);

/** One object, keys as docs and poolscope-1.schema.json say. */
enum ps_status render_json(const struct report *report, FILE *out, struct ps_error *err);

/** The same object on one line, for files of many reports. */
enum ps_status render_json_line(const struct report *report, FILE *out, struct ps_error *err);

/**
 * One self-contained page of VIEW_ANALYZE that loads nothing; PS_USAGE for the other views. Ends
 * with PS_INTERRUPTED soon after Ctrl-C. Always UTF-8.
 */
enum ps_status render_html(const struct report *report, FILE *out, struct ps_error *err);

/** A plain block for a support case: no tables to go out of shape, ASCII, 76 columns. */
enum ps_status render_ticket(const struct report *report, FILE *out, struct ps_error *err);

/** RFC 4180 with a header row; for the views that are one table. PS_USAGE for the others. */
enum ps_status render_csv(const struct report *report, FILE *out, struct ps_error *err);

/** {"schema", "error": {code, message, hint}}. Best effort: there is nobody left to tell. */
void render_json_error(const struct ps_error *error, FILE *out);

/** The same on one line. */
void render_json_error_line(const struct ps_error *error, FILE *out);

/** Flushes `out`; PS_SYSTEM when something could not be written. */
enum ps_status render_finish(FILE *out, struct ps_error *err);

#endif
