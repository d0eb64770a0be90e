/*
 * Unpacks the two forms of Xpress that Windows packs pages with: plain LZ77, and LZ77 with Huffman
 * codes. Source: the public specification [MS-XCA], sections 2.1 to 2.4.
 *
 * Nothing is owned; `to` holds anything when false is returned. Not supported: LZNT1.
 */
#ifndef PS_FORMATS_XPRESS_H
#define PS_FORMATS_XPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XPRESS_BLOCK = 65536 };

/**
 * Unpacks exactly `room` bytes. False when the packed bytes end before, refer to bytes before the
 * first one, or give more.
 */
bool xpress_lz77(const uint8_t *packed, size_t size, uint8_t *to, size_t room);

/**
 * Likewise, at most XPRESS_BLOCK bytes: what one table of codes is for. A table that is no complete
 * prefix code makes it false too.
 */
bool xpress_huffman(const uint8_t *packed, size_t size, uint8_t *to, size_t room);

#endif
