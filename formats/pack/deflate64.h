/*
 * Deflate64, method 9 of zip archives, which Windows Explorer writes when a file is larger than
 * 2 GiB. Knows no archive: a stream of bytes in, a stream of bytes out.
 *
 * Ownership: deflate64_create() makes a decoder, deflate64_destroy() frees it. The source and its
 * context are borrowed.
 */
#ifndef PS_FORMATS_PACK_DEFLATE64_H
#define PS_FORMATS_PACK_DEFLATE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/**
 * Where the packed bytes come from: the next piece of them, valid until the next call. *ret_length
 * is 0 at the end.
 */
typedef enum ps_status deflate64_source(void *context, const uint8_t **ret, size_t *ret_length,
					struct ps_error *err);

struct deflate64; /* opaque; some 400 KiB */

/** NULL when memory is out. */
struct deflate64 *deflate64_create(deflate64_source *source, void *context);
void deflate64_destroy(struct deflate64 *d);

/**
 * The next piece of the unpacked bytes, at most 512 KiB, valid until the next call; *ret_length is
 * 0 at the end of the stream. PS_CORRUPT, PS_ABSENT when the packed bytes end too early, or what
 * the source failed with; then it must not be asked again.
 */
enum ps_status deflate64_next(struct deflate64 *d, const uint8_t **ret, size_t *ret_length,
			      struct ps_error *err);

#endif
