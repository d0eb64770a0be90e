/*
 * The renderers: one result model, many faces. Each writes to `out` and returns PS_OK or the write
 * error. None of them computes or judges.
 */
#ifndef PS_ANALYZER_REPORT_RENDER_H
#define PS_ANALYZER_REPORT_RENDER_H

#include <stdio.h>

#include "analyzer/report/report.h"

struct render_options {
	bool color;     /* resolved from --color, NO_COLOR and isatty */
	unsigned width; /* columns of the terminal, 0 when not a terminal */
	size_t top;     /* rows per table in `analyze`; 0 = the command's default */
};

enum ps_status render_text(const struct report *report, const struct render_options *options,
                           FILE *out, struct ps_error *err);
enum ps_status render_json(const struct report *report, FILE *out, struct ps_error *err);
enum ps_status render_csv(const struct report *report, FILE *out, struct ps_error *err);

/** {"schema", "error": {code, message, hint}} */
enum ps_status render_json_error(const struct ps_error *error, FILE *out);

#endif
