/*
 * Prefix codes of Deflate64 as tables for decoding. Private to deflate64.c.
 */
#ifndef PS_FORMATS_PACK_DEFLATE64_CODE_H
#define PS_FORMATS_PACK_DEFLATE64_CODE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CODE_LONGEST = 15, /* bits */
	LITERAL_CODES = 288,
	DISTANCE_CODES = 32,
	LENGTH_CODES = 19, /* of the lengths of the other codes */
	/*
	 * Bits that the first look-up takes, and the most entries of a complete code with that many
	 * symbols and its second tables; the builder checks them.
	 */
	LITERAL_ROOT = 11,
	LITERAL_ENTRIES = 2342,
	DISTANCE_ROOT = 8,
	DISTANCE_ENTRIES = 402,
	LENGTH_ROOT = 7,
	LENGTH_ENTRIES = 128,
};

/*
 * An entry: bits 0-4 the length of the code, 8-12 how many extra bits follow it, 16-31 a value.
 * ENTRY_LITERAL: the value is a byte. ENTRY_SUBTABLE: the value is where the second table begins,
 * and the extra bits are its index. ENTRY_END: the block ends. ENTRY_BAD: no such code.
 */
enum {
	ENTRY_LITERAL = 1 << 5,
	ENTRY_SUBTABLE = 1 << 6,
	ENTRY_END = 1 << 7,
	ENTRY_BAD = 1 << 13,
	ENTRY_SPECIAL = ENTRY_SUBTABLE | ENTRY_END | ENTRY_BAD,
};

static inline unsigned entry_length(uint32_t entry)
{
	return entry & 31;
}

static inline unsigned entry_extra(uint32_t entry)
{
	return entry >> 8 & 31;
}

static inline unsigned entry_value(uint32_t entry)
{
	return entry >> 16;
}

struct literal_table {
	uint32_t entries[LITERAL_ENTRIES];
};

struct distance_table {
	uint32_t entries[DISTANCE_ENTRIES];
};

struct length_table {
	uint32_t entries[LENGTH_ENTRIES];
};

/*
 * Tables of the codes with these lengths in bits; 0: the symbol has no code. False when no prefix
 * code has such lengths, or some bits would mean nothing. As zlib has it, a distance code may be of
 * one symbol with one bit, or of none; a literal code too may be of one symbol.
 */
bool literal_table_build(struct literal_table *table, const uint8_t *lengths, unsigned count);
bool distance_table_build(struct distance_table *table, const uint8_t *lengths, unsigned count);
bool length_table_build(struct length_table *table, const uint8_t lengths[LENGTH_CODES]);

#endif
