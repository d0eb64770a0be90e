/*
 * Checked little-endian reads: the only way bytes of a file become numbers.
 *
 * A `struct bytes` borrows memory. A read outside it yields 0 and sets `overrun`, so a decoder may
 * read all fields of a structure and check once; it must check before it uses any of them.
 */
#ifndef PS_BASE_BYTES_H
#define PS_BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data; /* borrowed */
	size_t size;
	bool overrun; /* sticky: some read was outside [0, size) */
};

static inline struct bytes bytes_of(const void *data, size_t size)
{
	return (struct bytes){.data = data, .size = size, .overrun = false};
}

static inline bool bytes_has(const struct bytes *b, size_t offset, size_t length)
{
	return offset <= b->size && length <= b->size - offset;
}

/** `width` is 1, 2, 4 or 8 bytes. */
static inline uint64_t bytes_uint(struct bytes *b, size_t offset, size_t width)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	if (!bytes_has(b, offset, width)) {
		b->overrun = true;
		return 0;
	}
	switch (width) {
	case 1: return b->data[offset];
	case 2: memcpy(&v16, b->data + offset, sizeof(v16)); return le16toh(v16);
	case 4: memcpy(&v32, b->data + offset, sizeof(v32)); return le32toh(v32);
	case 8: memcpy(&v64, b->data + offset, sizeof(v64)); return le64toh(v64);
	default: b->overrun = true; return 0;
	}
}

static inline uint8_t bytes_u8(struct bytes *b, size_t offset)
{
	return (uint8_t)bytes_uint(b, offset, 1);
}

static inline uint16_t bytes_u16(struct bytes *b, size_t offset)
{
	return (uint16_t)bytes_uint(b, offset, 2);
}

static inline uint32_t bytes_u32(struct bytes *b, size_t offset)
{
	return (uint32_t)bytes_uint(b, offset, 4);
}

static inline uint64_t bytes_u64(struct bytes *b, size_t offset)
{
	return bytes_uint(b, offset, 8);
}

/** The other way: writes `width` bytes (1 to 8) of `value` at `to`, lowest first. */
static inline void bytes_put(uint8_t *to, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

/** A pointer-sized field: 4 bytes zero-extended, or 8 bytes. */
static inline uint64_t bytes_pointer(struct bytes *b, size_t offset, unsigned pointer_size)
{
	return bytes_uint(b, offset, pointer_size);
}

/** True when `length` bytes at `offset` exist and equal `want`. Does not set overrun. */
static inline bool bytes_equal(const struct bytes *b, size_t offset, const void *want,
			       size_t length)
{
	return bytes_has(b, offset, length) && memcmp(b->data + offset, want, length) == 0;
}

#endif
