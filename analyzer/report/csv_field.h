/*
 * One field of a CSV file (RFC 4180). Private to this room.
 */
#ifndef PS_ANALYZER_REPORT_CSV_FIELD_H
#define PS_ANALYZER_REPORT_CSV_FIELD_H

#include <stdbool.h>
#include <stdio.h>

/** NULL is an empty field: not known. The last field ends the line. */
void csv_field(FILE *out, const char *text, bool last);

#endif
