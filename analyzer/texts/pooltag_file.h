/*
 * One line of a pooltag.txt. Private to this room; here so that it can be tested by itself.
 */
#ifndef PS_ANALYZER_TEXTS_POOLTAG_FILE_H
#define PS_ANALYZER_TEXTS_POOLTAG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A tag with wildcards. */
struct tag_key {
	uint8_t bytes[4];
	uint8_t any[4];   /* 1 = matches every byte */
	uint8_t literals; /* bytes that must match: 4 = no wildcard */
};

/** A stretch of the line, not NUL-terminated. */
struct line_part {
	const char *text;
	size_t length;
};

struct pooltag_line {
	struct tag_key key;
	struct line_part image;       /* empty when the line names none, or says <unknown> */
	struct line_part description; /* empty when there is none */
};

/**
 * Reads "Tag - image - description" or "Tag - description". False for a line that is none of them:
 * empty, a comment (rem, //, ;), a continuation of a comment, anything else.
 */
bool pooltag_parse_line(const char *line, size_t length, struct pooltag_line *ret);

/** A tag of up to four characters, ? and * as wildcards, padded with blanks. */
void tag_key_parse(const char *text, size_t length, struct tag_key *ret);

/** Bit 31 (protected pool) does not count. */
bool tag_key_matches(const struct tag_key *key, uint32_t tag);

#endif
