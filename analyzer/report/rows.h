/*
 * Rows of values as bytes: what a worker tells its batch of a case. Made to be read where they lie,
 * without an allocation a value; no format for files, since both ends are one program.
 *
 * A row is 'R', a byte that says what kind of row it is, and values: 'n' (none), 'i' and eight
 * bytes little-endian (integer), 't', a length of four bytes, as many bytes of UTF-8 and a NUL
 * (text). 'E' ends the whole.
 */
#ifndef PS_ANALYZER_REPORT_ROWS_H
#define PS_ANALYZER_REPORT_ROWS_H

#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

/* ---- writing; the stream keeps the errors, except where the result tells ---- */

void rows_begin(FILE *out, unsigned kind); /* below 256 */
void rows_none(FILE *out);
void rows_integer(FILE *out, int64_t value);

/** NULL: none. Bytes that are no UTF-8 are written as \xNN. False: memory is out. */
bool rows_text(FILE *out, const char *text);
void rows_end(FILE *out);

/* ---- reading ---- */

enum row_item_type { ROW_BEGIN, ROW_NONE, ROW_INTEGER, ROW_TEXT, ROWS_END };

struct row_item {
	enum row_item_type type;
	unsigned kind;    /* of ROW_BEGIN */
	int64_t integer;  /* of ROW_INTEGER */
	const char *text; /* of ROW_TEXT: borrowed, with a NUL behind it */
	uint32_t length;  /* bytes, the NUL not counted */
};

struct rows {
	struct bytes bytes; /* borrowed */
	size_t at;
};

struct rows rows_in(const void *data, size_t size);

/** The next item. False: the bytes are damaged there, or behind the end. */
bool rows_next(struct rows *rows, struct row_item *ret);

/**
 * Whether all is there up to the end: rows of `kind_count` kinds, each with so many values as
 * `values` has for its kind.
 */
bool rows_are_whole(struct rows rows, const unsigned *values, unsigned kind_count);

#endif
