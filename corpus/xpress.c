/* See xpress.h. */
#include "corpus/xpress.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/util.h"

enum {
	MATCH_LEAST = 3,
	PLAIN_DISTANCE = 8192,
	HASH_BITS = 13,
	SYMBOLS = 512,
	MATCHES = 256, /* the first symbol of a match, and the end of the data */
	LONGEST_CODE = 15,
};

/* What the bytes become: literals, and matches. */
struct token {
	uint16_t literal;
	uint16_t distance; /* less one */
	uint32_t length;   /* 0: a literal */
};

struct tokens {
	struct token *items;
	size_t count;
};

static unsigned hash_of(const uint8_t *at)
{
	uint32_t word = (uint32_t)(at[0] | at[1] << 8 | at[2] << 16);
	return word * 2654435761u >> (32 - HASH_BITS);
}

static size_t common(const uint8_t *from, size_t a, size_t b, size_t size)
{
	size_t length = 0;
	while (b + length < size && from[a + length] == from[b + length])
		length++;
	return length;
}

static struct tokens find_tokens(const uint8_t *from, size_t size, size_t farthest)
{
	struct tokens t = {.items = xcalloc(size + 1, sizeof(*t.items))};
	uint32_t *seen = xcalloc((size_t)1 << HASH_BITS, sizeof(*seen)); /* place + 1 */
	for (size_t at = 0; at < size;) {
		size_t length = 0, place = 0;
		if (size - at >= MATCH_LEAST) {
			unsigned hash = hash_of(from + at);
			place = seen[hash];
			seen[hash] = (uint32_t)at + 1;
			if (place && at - (place - 1) <= farthest)
				length = common(from, place - 1, at, size);
		}
		if (length < MATCH_LEAST) {
			t.items[t.count++] = (struct token){.literal = from[at++]};
			continue;
		}
		t.items[t.count++] = (struct token){.distance = (uint16_t)(at - place),
						    .length = (uint32_t)length};
		at += length;
	}
	free(seen);
	return t;
}

/* ---- plain ---- */

struct plain {
	uint8_t *to;
	size_t at, flags_at;
	uint32_t flags;
	unsigned flag_count;
	size_t nibble_at; /* where the second four bits go; 0: nowhere yet */
};

static void add_flag(struct plain *p, unsigned flag)
{
	if (p->flag_count == 32) {
		put32(p->to + p->flags_at, p->flags);
		p->flags_at = p->at;
		p->at += 4;
		p->flag_count = 0;
	}
	p->flags = p->flags << 1 | flag;
	p->flag_count++;
}

static void put_plain_match(struct plain *p, struct token token)
{
	uint32_t length = token.length - MATCH_LEAST;
	put16(p->to + p->at, (uint64_t)token.distance << 3 | (length < 7 ? length : 7));
	p->at += 2;
	if (length < 7)
		return;
	unsigned nibble = length - 7 < 15 ? length - 7 : 15;
	if (p->nibble_at == 0) {
		p->nibble_at = p->at;
		p->to[p->at++] = (uint8_t)nibble;
	} else {
		p->to[p->nibble_at] |= (uint8_t)(nibble << 4);
		p->nibble_at = 0;
	}
	if (nibble < 15)
		return;
	if (length - 22 < 255) {
		p->to[p->at++] = (uint8_t)(length - 22);
		return;
	}
	p->to[p->at++] = 255;
	put16(p->to + p->at, length);
	p->at += 2;
}

size_t xpress_pack_plain(const uint8_t *from, size_t size, uint8_t *to)
{
	struct tokens t = find_tokens(from, size, PLAIN_DISTANCE);
	struct plain p = {.to = to, .at = 4};
	for (size_t i = 0; i < t.count; i++) {
		add_flag(&p, t.items[i].length != 0);
		if (t.items[i].length)
			put_plain_match(&p, t.items[i]);
		else
			to[p.at++] = (uint8_t)t.items[i].literal;
	}
	/* The rest of the flags is set, as the specification has it. */
	unsigned rest = 32 - p.flag_count;
	if (rest == 32)
		p.flags = UINT32_MAX;
	else if (rest)
		p.flags = p.flags << rest | ((UINT32_C(1) << rest) - 1);
	put32(to + p.flags_at, p.flags);
	free(t.items);
	return p.at;
}

/* ---- Huffman ---- */

static unsigned bits_of(unsigned value)
{
	unsigned bits = 0;
	while (value >> (bits + 1))
		bits++;
	return bits;
}

static unsigned symbol_of(struct token token)
{
	uint32_t length = token.length - MATCH_LEAST;
	if (!token.length)
		return token.literal;
	return MATCHES + bits_of(token.distance + 1u) * 16 + (length < 15 ? length : 15);
}

/* Joins the two rarest trees until one is left; `depth` of every symbol that occurs. */
static unsigned build_tree(const uint32_t *counts, uint8_t *depth)
{
	uint32_t weight[2 * SYMBOLS] = {0};
	int parent[2 * SYMBOLS];
	bool root[2 * SYMBOLS] = {false};
	unsigned nodes = SYMBOLS, longest = 0;
	memset(parent, -1, sizeof(parent));
	for (unsigned i = 0; i < SYMBOLS; i++) {
		weight[i] = counts[i];
		root[i] = counts[i] != 0;
	}
	for (;;) {
		int low = -1, next = -1;
		for (unsigned i = 0; i < nodes; i++) {
			if (!root[i])
				continue;
			if (low < 0 || weight[i] < weight[low]) {
				next = low;
				low = (int)i;
			} else if (next < 0 || weight[i] < weight[next]) {
				next = (int)i;
			}
		}
		if (next < 0)
			break;
		weight[nodes] = weight[low] + weight[next];
		root[nodes] = true;
		root[low] = root[next] = false;
		parent[low] = parent[next] = (int)nodes++;
	}
	for (unsigned i = 0; i < SYMBOLS; i++) {
		depth[i] = 0;
		for (int at = parent[i]; counts[i] && at >= 0; at = parent[at])
			depth[i]++;
		longest = depth[i] > longest ? depth[i] : longest;
	}
	return longest;
}

/* Rare symbols are made more frequent until no code is too long. */
static void choose_lengths(uint32_t *counts, uint8_t *lengths)
{
	while (build_tree(counts, lengths) > LONGEST_CODE)
		for (unsigned i = 0; i < SYMBOLS; i++)
			counts[i] = counts[i] ? counts[i] / 2 + 1 : 0;
}

static void choose_codes(const uint8_t *lengths, uint16_t *codes)
{
	unsigned code = 0;
	for (unsigned length = 1; length <= LONGEST_CODE; length++, code <<= 1)
		for (unsigned i = 0; i < SYMBOLS; i++)
			if (lengths[i] == length)
				codes[i] = (uint16_t)code++;
}

/* Words of bits, with the bytes of long lengths between them where the reader expects them. */
struct bits {
	uint8_t *to;
	size_t at, word_at[2];
	uint32_t word;
	unsigned room;
};

static void put_bits(struct bits *b, unsigned count, unsigned value)
{
	if (b->room >= count) {
		b->room -= count;
		b->word = b->word << count | value;
		return;
	}
	count -= b->room;
	put16(b->to + b->word_at[0], b->word << b->room | value >> count);
	b->word_at[0] = b->word_at[1];
	b->word_at[1] = b->at;
	b->at += 2;
	b->room = 16 - count;
	b->word = value & ((1u << count) - 1);
}

static void put_long_length(struct bits *b, uint32_t length)
{
	if (length - 15 < 255) {
		b->to[b->at++] = (uint8_t)(length - 15);
		return;
	}
	b->to[b->at++] = 255;
	put16(b->to + b->at, length);
	b->at += 2;
}

static void put_token(struct bits *b, struct token token, const uint8_t *lengths,
		      const uint16_t *codes)
{
	unsigned symbol = symbol_of(token), distance = token.distance + 1u;
	put_bits(b, lengths[symbol], codes[symbol]);
	if (!token.length)
		return;
	if (token.length - MATCH_LEAST >= 15)
		put_long_length(b, token.length - MATCH_LEAST);
	put_bits(b, bits_of(distance), distance - (1u << bits_of(distance)));
}

size_t xpress_pack_huffman(const uint8_t *from, size_t size, uint8_t *to)
{
	struct tokens t = find_tokens(from, size, XPRESS_BLOCK - 1);
	uint32_t counts[SYMBOLS] = {0};
	uint8_t lengths[SYMBOLS];
	uint16_t codes[SYMBOLS] = {0};
	struct bits b = {.to = to, .at = SYMBOLS / 2 + 4, .room = 16};
	for (size_t i = 0; i < t.count; i++)
		counts[symbol_of(t.items[i])]++;
	counts[MATCHES]++; /* the end */
	choose_lengths(counts, lengths);
	choose_codes(lengths, codes);
	for (unsigned i = 0; i < SYMBOLS / 2; i++)
		to[i] = (uint8_t)(lengths[2 * i] | lengths[2 * i + 1] << 4);
	b.word_at[0] = SYMBOLS / 2;
	b.word_at[1] = SYMBOLS / 2 + 2;
	for (size_t i = 0; i < t.count; i++)
		put_token(&b, t.items[i], lengths, codes);
	put_bits(&b, lengths[MATCHES], codes[MATCHES]);
	put16(to + b.word_at[0], b.word << b.room);
	put16(to + b.word_at[1], 0);
	free(t.items);
	return b.at;
}
