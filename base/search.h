/*
 * Binary search in an array that is sorted by a number.
 *
 * Inline, so that a search costs what a loop written for its array would.
 */
#ifndef PS_BASE_SEARCH_H
#define PS_BASE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/** The number that an item is sorted by. */
typedef uint64_t (*search_key)(const void *item);

/**
 * Index of the first of `count` items, each of `size` bytes and in ascending order, whose number is
 * not below `key`; `count` when all are. `items` may be NULL when there are none.
 */
static inline size_t search_first(const void *items, size_t count, size_t size, search_key key_of,
				  uint64_t key)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_of((const uint8_t *)items + middle * size) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** For arrays of plain 32-bit numbers. */
static inline uint64_t search_u32(const void *item)
{
	return *(const uint32_t *)item;
}

#endif
