/*
 * Xpress, plain and with Huffman codes; see xpress.h. The Huffman decoder looks every code up in
 * one table of 2^15 entries, which takes less time to fill than 64 KiB take to unpack.
 */
#include "formats/xpress.h"

#include "base/bytes.h"

enum {
	SHORTEST_MATCH = 3,

	SYMBOLS = 512,
	LITERALS = 256,
	TABLE_BYTES = SYMBOLS / 2, /* 4 bits a symbol: the length of its code */
	CODE_BITS = 15,
	CODES = 1 << CODE_BITS,
};

struct input {
	struct bytes bytes;
	size_t at;
};

struct output {
	uint8_t *to;
	size_t at, room;
};

static uint32_t take(struct input *in, unsigned width)
{
	uint32_t value = (uint32_t)bytes_uint(&in->bytes, in->at, width);

	in->at += width;
	return value;
}

/* Byte by byte: a match may reach into itself, which repeats it. */
static bool copy_match(struct output *out, size_t distance, size_t length)
{
	if (distance > out->at || length > out->room - out->at)
		return false;
	for (size_t i = 0; i < length; i++, out->at++)
		out->to[out->at] = out->to[out->at - distance];
	return true;
}

/* The length of a match beyond what its first field holds, when that is full: 8, 16 or 32 bits. */
static uint32_t take_long_length(struct input *in, uint32_t full)
{
	uint32_t length = take(in, 1);

	if (length < 255)
		return full + length;
	length = take(in, 2);
	return length != 0 ? length : take(in, 4);
}

/* Plain: two matches share the byte of their lengths' middle part, four bits each. */
static uint32_t take_length(struct input *in, uint32_t field, size_t *shared)
{
	uint32_t length;

	if (field < 7)
		return field;
	if (*shared == 0) {
		*shared = in->at + 1;
		length = take(in, 1) & 15;
	} else {
		length = (uint32_t)bytes_u8(&in->bytes, *shared - 1) >> 4;
		*shared = 0;
	}
	return length < 15 ? 7 + length : take_long_length(in, 7 + 15);
}

bool xpress_lz77(const uint8_t *packed, size_t size, uint8_t *to, size_t room)
{
	struct input in = {bytes_of(packed, size), 0};
	struct output out = {to, 0, room};
	size_t shared = 0; /* place of that byte, plus 1; 0: the next match begins a new one */
	uint32_t flags = 0;

	for (unsigned left = 0; out.at < room && !in.bytes.overrun; left--) {
		if (left == 0) {
			flags = take(&in, 4);
			left = 32;
		}
		if (flags >> (left - 1) & 1) {
			uint32_t match = take(&in, 2);
			size_t length = take_length(&in, match & 7, &shared);

			if (!copy_match(&out, (match >> 3) + 1, length + SHORTEST_MATCH))
				return false;
		} else {
			out.to[out.at++] = (uint8_t)take(&in, 1);
		}
	}
	return !in.bytes.overrun;
}

/* ---- Huffman ---- */

struct huffman {
	struct input in;
	uint32_t bits; /* the next ones, the highest first */
	int spare;     /* of them, how many there are beyond 16; negative: refill */
	struct code {
		uint16_t symbol;
		uint8_t length;
	} codes[CODES];
};

static unsigned code_length(struct input *in, unsigned symbol)
{
	return bytes_u8(&in->bytes, in->at + symbol / 2) >> symbol % 2 * 4 & 15;
}

/* Canonical codes: in order of length, then of symbol. They must fill the table exactly. */
static bool read_codes(struct huffman *h)
{
	unsigned filled = 0;

	for (unsigned length = 1; length <= CODE_BITS; length++) {
		for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
			unsigned count = 1u << (CODE_BITS - length);

			if (code_length(&h->in, symbol) != length)
				continue;
			if (count > CODES - filled)
				return false;
			while (count-- > 0)
				h->codes[filled++] =
					(struct code){(uint16_t)symbol, (uint8_t)length};
		}
	}
	h->in.at += TABLE_BYTES;
	return filled == CODES && !h->in.bytes.overrun;
}

static void begin_bits(struct huffman *h)
{
	h->bits = take(&h->in, 2) << 16;
	h->bits |= take(&h->in, 2);
	h->spare = 16;
}

static void skip_bits(struct huffman *h, unsigned count)
{
	h->bits <<= count;
	h->spare -= (int)count;
	if (h->spare < 0) {
		h->bits |= take(&h->in, 2) << -h->spare;
		h->spare += 16;
	}
}

static bool unpack_match(struct huffman *h, unsigned match, struct output *out)
{
	unsigned distance_bits = match >> 4;
	size_t length = match & 15, distance;

	if (length == 15)
		length = take_long_length(&h->in, 15);
	/* A shift by all 32 bits would be undefined: no bits, no distance beyond 1. */
	distance = (size_t)1 << distance_bits;
	if (distance_bits > 0)
		distance += h->bits >> (32 - distance_bits);
	skip_bits(h, distance_bits);
	return copy_match(out, distance, length + SHORTEST_MATCH);
}

bool xpress_huffman(const uint8_t *packed, size_t size, uint8_t *to, size_t room)
{
	struct output out = {to, 0, room};
	struct huffman h;

	h.in = (struct input){bytes_of(packed, size), 0};
	if (room > XPRESS_BLOCK || !read_codes(&h))
		return false;
	begin_bits(&h);
	while (out.at < room && !h.in.bytes.overrun) {
		struct code code = h.codes[h.bits >> (32 - CODE_BITS)];

		skip_bits(&h, code.length);
		if (code.symbol < LITERALS)
			out.to[out.at++] = (uint8_t)code.symbol;
		else if (!unpack_match(&h, code.symbol - LITERALS, &out))
			return false;
	}
	return !h.in.bytes.overrun;
}
