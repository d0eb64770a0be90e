/*
 * Allocation with overflow checks, and growing arrays. Out of memory is an error, never an abort.
 */
#ifndef PS_BASE_MEMORY_H
#define PS_BASE_MEMORY_H

#include <stddef.h>

#include "base/error.h"

/** Zeroed array of `count` items; NULL when it overflows or memory is out. Caller frees. */
void *mem_array(size_t count, size_t size);

/**
 * `size` bytes, not zeroed, in huge pages where the system gives them: for megabytes that are
 * filled at once, where a fault for every 4 KiB would cost more than the filling. Caller frees.
 */
void *mem_large(size_t size);

/** Copy of `length` bytes with a NUL behind them; NULL when memory is out. Caller frees. */
char *mem_strndup(const char *text, size_t length);

/** printf into fresh memory; NULL when memory is out. Caller frees. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * Makes room for one more item in *items (of `size` bytes each, `count` used, *capacity there),
 * doubling when full. False when memory is out; *items is then unchanged and still valid.
 */
bool mem_grow(void **items, size_t count, size_t *capacity, size_t size);

#endif
