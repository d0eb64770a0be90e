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

static inline uint64_t bytes_uint(struct bytes *b, size_t offset, size_t width)
{
	uint64_t value = 0;

	if (!bytes_has(b, offset, width)) {
		b->overrun = true;
		return 0;
	}
	for (size_t i = width; i-- > 0;)
		value = value << 8 | b->data[offset + i];
	return value;
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

/** `count` 64-bit values at once, for tables of them. All become 0 when they are not all there. */
static inline void bytes_u64_array(struct bytes *b, size_t offset, uint64_t *to, size_t count)
{
	if (count > SIZE_MAX / sizeof(*to) || !bytes_has(b, offset, count * sizeof(*to))) {
		b->overrun = true;
		memset(to, 0, count * sizeof(*to));
		return;
	}
	memcpy(to, b->data + offset, count * sizeof(*to));
	for (size_t i = 0; i < count; i++)
		to[i] = le64toh(to[i]);
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
