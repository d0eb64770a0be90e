/*
 * One line of an HTTPERR log. Private to this room; here so that it can be tested by itself.
 */
#ifndef PS_ANALYZER_TEXTS_HTTPERR_LINE_H
#define PS_ANALYZER_TEXTS_HTTPERR_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where the fields stand: by #Fields, or unknown. */
struct httperr_columns {
	bool known;                           /* a #Fields line was seen */
	bool reason;                          /* ... and it has s-reason: this is an HTTPERR log */
	unsigned date_at, time_at, reason_at; /* 0 is the first */
};

enum httperr_line_kind {
	HTTPERR_EVENT,
	HTTPERR_COMMENT, /* a # line, or nothing */
	HTTPERR_BROKEN,
};

struct httperr_event {
	int64_t time; /* seconds since 1970, UTC */
	uint64_t count;
	const char *reason; /* into the line */
	size_t reason_length;
};

/** A line without its end. A #Fields line changes *columns. */
enum httperr_line_kind httperr_parse_line(const char *line, size_t length,
					  struct httperr_columns *columns,
					  struct httperr_event *ret);

#endif
