/*
 * The built-in table of pool tags. Private to this room.
 */
#ifndef PS_ANALYZER_TEXTS_TAG_TABLE_H
#define PS_ANALYZER_TEXTS_TAG_TABLE_H

#include <stddef.h>

struct tag_table_row {
	char tag[5]; /* four characters; ? is any byte */
	const char *image;
	const char *description;
};

extern const struct tag_table_row tag_table[];
extern const size_t tag_table_count;

#endif
