/*
 * Sixteen bytes at once, for the scans that ask a simple question at every byte of an image.
 * Vectors of the compiler, which makes plain code of them where the processor has none.
 */
#ifndef PS_ANALYZER_OWNERS_OCTETS_H
#define PS_ANALYZER_OWNERS_OCTETS_H

#include <stdint.h>
#include <string.h>

typedef uint8_t octets __attribute__((vector_size(16)));
typedef uint64_t octet_halves __attribute__((vector_size(16)));

enum { OCTETS = sizeof(octets), OCTETS_BLOCK = 64 };

/** The sixteen bytes at `from`, at any address. */
static inline octets octets_at(const uint8_t *from)
{
	octets ret;

	memcpy(&ret, from, sizeof(ret));
	return ret;
}

/* A bit for each of eight bytes, which are 0 or 255. */
static inline uint64_t octets_half_bits(uint64_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	bytes = __builtin_bswap64(bytes);
#endif
	return (bytes & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56;
}

/** A bit for each byte, which is 0 or 255 (what a comparison gives); the first is bit 0. */
static inline uint64_t octets_bits(octet_halves bytes)
{
	return octets_half_bits(bytes[0]) | octets_half_bits(bytes[1]) << 8;
}

#endif
