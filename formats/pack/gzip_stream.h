/*
 * A gzip file unpacked from front to back, its check sums compared. Private to this room.
 */
#ifndef PS_FORMATS_PACK_GZIP_STREAM_H
#define PS_FORMATS_PACK_GZIP_STREAM_H

#include "formats/file.h"

struct gzip_stream; /* opaque */

/** The file is borrowed. NULL when memory is out. */
struct gzip_stream *gzip_stream_create(struct file *file);
void gzip_stream_destroy(struct gzip_stream *g);

/**
 * The next piece, valid until the next call; *ret_length is 0 at the end. PS_ABSENT when the file
 * ends too early, PS_CORRUPT, PS_SYSTEM.
 */
enum ps_status gzip_stream_next(struct gzip_stream *g, const uint8_t **ret, size_t *ret_length,
				struct ps_error *err);

/** Bytes of the file that were used. */
uint64_t gzip_stream_consumed(const struct gzip_stream *g);

#endif
