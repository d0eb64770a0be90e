/*
 * CRC-32C (Castagnoli), as the snappy framing format has it. Plain memory, no ownership.
 */
#ifndef PS_FORMATS_CRC32C_H
#define PS_FORMATS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** Tables for eight bytes at a time. */
struct crc32c {
	uint32_t table[8][256];
};

void crc32c_init(struct crc32c *crc);

/** Of `length` bytes. */
uint32_t crc32c_of(const struct crc32c *crc, const uint8_t *data, size_t length);

#endif
