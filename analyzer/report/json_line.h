/*
 * A JSON value on one line.
 */
#ifndef PS_ANALYZER_REPORT_JSON_LINE_H
#define PS_ANALYZER_REPORT_JSON_LINE_H

#include <jansson.h>
#include <stdio.h>

/**
 * Writes `value` as json_dumpf() with JSON_ENCODE_ANY does. Keys must be ASCII without quotes,
 * backslashes and control characters, as all keys of this project are; strings must be UTF-8; what
 * is nested must not contain itself. -1: out of memory. Errors of writing stay with the stream.
 */
int json_line(const json_t *value, FILE *out);

#endif
