/* Packing as the snappy framing format has it. */
#ifndef CORPUS_SNAPPY_H
#define CORPUS_SNAPPY_H

#include <stddef.h>
#include <stdint.h>

enum { SNAPPY_CHUNK = 65536, SNAPPY_CHUNK_ROOM = 2 * SNAPPY_CHUNK };

/* A chunk with its header: packed, or as it is where that saves less than an eighth. */
size_t snappy_chunk(const uint8_t *data, size_t length, uint8_t *to);

#endif
