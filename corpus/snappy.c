/*
 * See snappy.h. A greedy search for repeats by a table of the last place of each four bytes.
 * Formats: format_description.txt and framing_format.txt of snappy.
 */
#include "corpus/snappy.h"

#include <string.h>

#include "corpus/util.h"

enum { HASH_BITS = 12, MATCH_LEAST = 4, COPY_MOST = 64, LITERAL_MOST = 60 };

static uint32_t crc32c(const uint8_t *data, size_t length)
{
	uint32_t value = UINT32_MAX;
	for (size_t i = 0; i < length; i++) {
		value ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0x82F63B78 : 0);
	}
	return ~value;
}

static size_t put_length(uint8_t *to, size_t length)
{
	size_t used = 0;
	for (; length >= 0x80; length >>= 7)
		to[used++] = (uint8_t)(length | 0x80);
	to[used++] = (uint8_t)length;
	return used;
}

static size_t put_literal(uint8_t *to, const uint8_t *from, size_t length)
{
	size_t used = 0;
	while (length) {
		size_t part = length < LITERAL_MOST ? length : LITERAL_MOST;
		to[used++] = (uint8_t)((part - 1) << 2);
		memcpy(to + used, from, part);
		used += part;
		from += part;
		length -= part;
	}
	return used;
}

/* Copies with an offset of two bytes. */
static size_t put_copy(uint8_t *to, size_t offset, size_t length)
{
	size_t used = 0;
	while (length) {
		size_t part = length < COPY_MOST ? length : COPY_MOST;
		to[used] = (uint8_t)((part - 1) << 2 | 2);
		put16(to + used + 1, offset);
		used += 3;
		length -= part;
	}
	return used;
}

static size_t match_length(const uint8_t *data, size_t length, size_t before, size_t at)
{
	size_t same = 0;
	while (at + same < length && data[before + same] == data[at + same])
		same++;
	return same;
}

static size_t pack(const uint8_t *data, size_t length, uint8_t *to)
{
	uint32_t last[1 << HASH_BITS] = {0}; /* place + 1 */
	size_t used = put_length(to, length), literal = 0, at = 0;
	while (at + MATCH_LEAST <= length) {
		uint32_t hash = (uint32_t)get32(data + at) * 0x9E3779B1u;
		uint32_t *slot = &last[hash >> (32 - HASH_BITS)];
		size_t before = *slot, same = 0;
		*slot = (uint32_t)at + 1;
		if (before)
			same = match_length(data, length, before - 1, at);
		if (same < MATCH_LEAST) {
			at++;
			continue;
		}
		used += put_literal(to + used, data + literal, at - literal);
		used += put_copy(to + used, at - (before - 1), same);
		at += same;
		literal = at;
	}
	return used + put_literal(to + used, data + literal, length - literal);
}

size_t snappy_chunk(const uint8_t *data, size_t length, uint8_t *to)
{
	uint32_t sum = crc32c(data, length);
	size_t packed = pack(data, length, to + 8);
	int plain = packed >= length - length / 8;
	if (plain) {
		packed = length;
		memcpy(to + 8, data, length);
	}
	put32(to, (packed + 4) << 8 | (plain ? 1 : 0));
	put32(to + 4, (sum >> 15 | sum << 17) + 0xA282EAD8u);
	return packed + 8;
}
