/*
 * Packs bytes as Windows packs pages of a hibernation file: Xpress, plain LZ77 or with Huffman
 * codes. Source: the public specification [MS-XCA].
 *
 * Does not: pack well; matches are the last place where three bytes were seen.
 */
#ifndef CORPUS_XPRESS_H
#define CORPUS_XPRESS_H

#include <stddef.h>
#include <stdint.h>

enum { XPRESS_BLOCK = 65536, XPRESS_ROOM = 2 * XPRESS_BLOCK };

/* Both pack `size` bytes (at most XPRESS_BLOCK) into XPRESS_ROOM bytes and return how many came. */
size_t xpress_pack_plain(const uint8_t *from, size_t size, uint8_t *to);
size_t xpress_pack_huffman(const uint8_t *from, size_t size, uint8_t *to);

#endif
