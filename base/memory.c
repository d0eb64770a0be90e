/*
 * Allocation with overflow checks, and growing arrays.
 */
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *mem_array(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	/* Of no bytes calloc() may return NULL, which is no error here. */
	return calloc(bytes ? bytes : 1, 1);
}

void *mem_large(size_t size)
{
	enum { HUGE_PAGE = 2 << 20 };
	size_t rounded;
	void *memory;

	if (size < HUGE_PAGE || size > SIZE_MAX - HUGE_PAGE)
		return malloc(size);
	rounded = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	memory = aligned_alloc(HUGE_PAGE, rounded);
	if (memory)
		madvise(memory, rounded, MADV_HUGEPAGE);
	return memory;
}

char *mem_strndup(const char *text, size_t length)
{
	char *copy;

	if (length == SIZE_MAX)
		return NULL;
	copy = malloc(length + 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? NULL : text;
}

bool mem_grow(void **items, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity : 4, bytes;
	void *grown;

	if (count < *capacity)
		return true;
	if (__builtin_mul_overflow(wanted, 2, &wanted) ||
	    __builtin_mul_overflow(wanted, size, &bytes))
		return false;
	grown = realloc(*items, bytes);
	if (!grown)
		return false;
	*items = grown;
	*capacity = wanted;
	return true;
}
