/*
 * The lower and the higher of two numbers.
 */
#ifndef PS_BASE_NUMBERS_H
#define PS_BASE_NUMBERS_H

#include <stdint.h>

static inline uint64_t lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
