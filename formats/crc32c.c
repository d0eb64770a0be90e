/*
 * CRC-32C over eight tables: eight bytes a step, so that checking costs less than unpacking.
 *
 * Source: RFC 3720, appendix B.4 (polynomial, check values).
 */
#include "formats/crc32c.h"

#include "base/bytes.h"

static const uint32_t polynomial = 0x82f63b78; /* bits reversed */

void crc32c_init(struct crc32c *crc)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;

		for (unsigned bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? polynomial : 0);
		crc->table[0][i] = value;
	}
	for (unsigned k = 1; k < 8; k++)
		for (uint32_t i = 0; i < 256; i++)
			crc->table[k][i] = crc->table[k - 1][i] >> 8 ^
					   crc->table[0][crc->table[k - 1][i] & 0xff];
}

uint32_t crc32c_of(const struct crc32c *crc, const uint8_t *data, size_t length)
{
	struct bytes b = bytes_of(data, length);
	uint32_t value = UINT32_MAX;
	size_t at = 0;

	for (; length - at >= 8; at += 8) {
		uint64_t word = bytes_u64(&b, at) ^ value;

		value = 0;
		for (unsigned k = 0; k < 8; k++)
			value ^= crc->table[7 - k][word >> 8 * k & 0xff];
	}
	for (; at < length; at++)
		value = value >> 8 ^ crc->table[0][(value ^ data[at]) & 0xff];
	return ~value;
}
