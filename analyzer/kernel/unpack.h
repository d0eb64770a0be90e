/*
 * A file as a stream of bytes: plain, or unpacked from .xz or .gz, told by its first bytes.
 *
 * Bounded: unpacking stops with an error at UNPACK_MOST bytes, and liblzma at UNPACK_MEMORY. Not
 * supported: archives with several files, other packers.
 */
#ifndef PS_ANALYZER_KERNEL_UNPACK_H
#define PS_ANALYZER_KERNEL_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { UNPACK_MOST = 128 << 20, UNPACK_MEMORY = 128 << 20 };

/** Takes the next bytes; *ret_stop ends the unpacking without an error. */
typedef enum ps_status (*unpack_take)(void *context, const uint8_t *data, size_t size,
				      bool *ret_stop, struct ps_error *err);

/**
 * Hands the contents of `path` over, piece by piece. Errors name the file: PS_CORRUPT when it is
 * damaged or cut off, PS_UNSUPPORTED when it is too large, PS_SYSTEM, and what `take` returns.
 */
enum ps_status unpack_file(const char *path, unpack_take take, void *context, struct ps_error *err);

#endif
