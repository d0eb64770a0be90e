/*
 * Spelling of single values, shared by the renderers and by plugins that word findings.
 *
 * Sizes: 1 KB = 1024 bytes, 1 MB = 1048576 bytes, as Windows tools print them.
 */
#ifndef PS_ANALYZER_REPORT_FORMAT_H
#define PS_ANALYZER_REPORT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/report/report.h"

enum { SIZE_TEXT = 24, FIGURE_TEXT = 32, DURATION_TEXT = 40 };

/** "612 bytes", "12.5 KB", "69.0 MB", "1.2 GB"; negative sizes keep their sign. */
char *format_size(int64_t bytes, char text[SIZE_TEXT]);

/** As format_size() for what cannot be negative. */
char *format_size_unsigned(uint64_t bytes, char text[SIZE_TEXT]);

/** "", ">=" or "~". Static. */
const char *trust_mark(enum figure_trust trust);

/** "" for what was read, "*" for what was derived, "?" for what is doubtful. Static. */
const char *basis_mark(enum report_basis basis);

/** "12 d 03:44:11" */
char *format_duration(uint64_t seconds, char text[DURATION_TEXT]);

/**
 * Length of the valid UTF-8 sequence at `text` (1 to 4), 0 when the bytes there are none. The NUL
 * at the end is not a sequence.
 */
size_t utf8_length(const char *text);

/** Nearly all texts are. */
bool text_is_ascii(const char *text);

/** What a copy of foreign text is for. */
enum text_target {
	TARGET_TERMINAL, /* UTF-8: control characters and direction overrides become \xNN */
	TARGET_ASCII,    /* and everything outside ASCII does */
	TARGET_UTF8,     /* only bytes that are no UTF-8 do */
};

/** TARGET_TERMINAL or TARGET_ASCII, as the locale's character set is UTF-8 or not. */
enum text_target format_terminal(void);

/**
 * Prints words, broken at blanks so that no line is longer than `width` columns; the first line
 * begins at column `column`, where the output already is, further ones at `indent`. Ends the line.
 */
void format_wrap(FILE *out, const char *words, size_t column, unsigned indent, size_t width);

/** Copy of `text` made harmless for `target`. NULL when memory is out. Caller frees. */
char *format_safe(const char *text, enum text_target target);

#endif
