/*
 * Builds tables for decoding out of the lengths of canonical prefix codes (RFC 1951, 3.2.2), with
 * the symbols of Deflate64: length code 285 has 16 extra bits on base 3, and distance codes 30 and
 * 31 exist, with 14 extra bits.
 *
 * Source: contrib/infback9 of zlib, which documents these differences from Deflate.
 */
#include "formats/pack/deflate64_code.h"

#include <stddef.h>

/* Values and extra bits of the symbols from `first` on. */
struct symbols {
	const uint16_t *bases;
	const uint8_t *extra;
	unsigned first, count; /* symbols before the first are literals; behind the last: bad */
	bool literals;
};

static const uint16_t length_bases[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
					15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
					67, 83, 99, 115, 131, 163, 195, 227, 3};
static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16};
static const uint16_t distance_bases[] = {1,    2,    3,    4,     5,     7,     9,     13,
					  17,   25,   33,   49,    65,    97,    129,   193,
					  257,  385,  513,  769,   1025,  1537,  2049,  3073,
					  4097, 6145, 8193, 12289, 16385, 24577, 32769, 49153};
static const uint8_t distance_extra[] = {0, 0, 0, 0, 1, 1, 2,  2,  3,  3,  4,  4,  5,  5,  6,  6,
					 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14};

enum { END_OF_BLOCK = 256, FIRST_LENGTH = 257 };

static const struct symbols literal_symbols = {length_bases, length_extra, FIRST_LENGTH, 29, true};
static const struct symbols distance_symbols = {distance_bases, distance_extra, 0, 32, false};
/* The lengths of codes are their own values. */
static const struct symbols length_symbols = {NULL, NULL, LENGTH_CODES, 0, true};

struct builder {
	uint32_t *entries;
	unsigned root, most; /* bits of the first look-up; entries there are */
	unsigned used;       /* entries */
	const struct symbols *symbols;
	uint16_t left[CODE_LONGEST + 1]; /* codes of each length that are not placed yet */
	unsigned longest;
	unsigned prefix, sub_at, sub_bits; /* of the second table being filled */
};

static uint32_t entry_of(const struct symbols *s, unsigned symbol)
{
	unsigned index = symbol - s->first;

	if (symbol < s->first && symbol == END_OF_BLOCK)
		return ENTRY_END;
	if (symbol < s->first)
		return ENTRY_LITERAL | symbol << 16;
	if (index >= s->count)
		return ENTRY_BAD;
	return (uint32_t)s->extra[index] << 8 | (uint32_t)s->bases[index] << 16;
}

static unsigned reverse(unsigned code, unsigned length)
{
	unsigned reversed = 0;

	for (unsigned i = 0; i < length; i++)
		reversed |= (code >> i & 1) << (length - 1 - i);
	return reversed;
}

/* A second table for the codes that begin with `prefix`; the next of them has `length` bits. */
static bool begin_subtable(struct builder *b, unsigned prefix, unsigned length)
{
	unsigned bits = length - b->root;
	int room = 1 << bits;

	while (bits + b->root < b->longest) {
		room -= b->left[bits + b->root];
		if (room <= 0)
			break;
		bits++;
		room <<= 1;
	}
	if (b->most - b->used < 1U << bits)
		return false;
	b->prefix = prefix;
	b->sub_at = b->used;
	b->sub_bits = bits;
	b->used += 1U << bits;
	for (unsigned i = 0; i < 1U << bits; i++)
		b->entries[b->sub_at + i] = ENTRY_BAD;
	b->entries[prefix] = ENTRY_SUBTABLE | bits << 8 | b->sub_at << 16;
	return true;
}

/* The code's bits come first bit lowest. */
static bool place(struct builder *b, unsigned reversed, unsigned length, uint32_t entry)
{
	unsigned prefix = reversed & ((1U << b->root) - 1);

	entry |= length;
	if (length <= b->root) {
		for (unsigned i = reversed; i < 1U << b->root; i += 1U << length)
			b->entries[i] = entry;
	} else {
		if (prefix != b->prefix && !begin_subtable(b, prefix, length))
			return false;
		for (unsigned i = reversed >> b->root; i < 1U << b->sub_bits;
		     i += 1U << (length - b->root))
			b->entries[b->sub_at + i] = entry;
	}
	b->left[length]--;
	return true;
}

/* What the lengths leave of all bit strings: 0 for a complete code, negative for none. */
static int count_lengths(struct builder *b, const uint8_t *lengths, unsigned count)
{
	int room = 1;

	for (unsigned i = 0; i < count; i++)
		b->left[lengths[i]]++;
	b->left[0] = 0;
	for (unsigned length = 1; length <= CODE_LONGEST; length++) {
		if (b->left[length])
			b->longest = length;
		room = 2 * room - b->left[length];
		if (room < 0)
			return room;
	}
	return room;
}

static bool build(struct builder *b, const uint8_t *lengths, unsigned count)
{
	unsigned code = 0;

	b->used = 1U << b->root;
	b->prefix = UINT32_MAX;
	for (unsigned i = 0; i < b->used; i++)
		b->entries[i] = ENTRY_BAD;
	for (unsigned length = 1; length <= b->longest; length++) {
		for (unsigned symbol = 0; symbol < count; symbol++) {
			if (lengths[symbol] != length)
				continue;
			if (!place(b, reverse(code, length), length, entry_of(b->symbols, symbol)))
				return false;
			code++;
		}
		code <<= 1;
	}
	return true;
}

static struct builder builder_of(uint32_t *entries, unsigned most, unsigned root,
				 const struct symbols *symbols)
{
	return (struct builder){.entries = entries, .most = most, .root = root, .symbols = symbols};
}

bool literal_table_build(struct literal_table *table, const uint8_t *lengths, unsigned count)
{
	struct builder b =
		builder_of(table->entries, LITERAL_ENTRIES, LITERAL_ROOT, &literal_symbols);
	int room = count_lengths(&b, lengths, count);

	return room >= 0 && (room == 0 || b.longest == 1) && build(&b, lengths, count);
}

bool distance_table_build(struct distance_table *table, const uint8_t *lengths, unsigned count)
{
	struct builder b =
		builder_of(table->entries, DISTANCE_ENTRIES, DISTANCE_ROOT, &distance_symbols);
	int room = count_lengths(&b, lengths, count);

	return room >= 0 && (room == 0 || b.longest <= 1) && build(&b, lengths, count);
}

bool length_table_build(struct length_table *table, const uint8_t lengths[LENGTH_CODES])
{
	struct builder b = builder_of(table->entries, LENGTH_ENTRIES, LENGTH_ROOT, &length_symbols);

	return count_lengths(&b, lengths, LENGTH_CODES) == 0 && build(&b, lengths, LENGTH_CODES);
}
