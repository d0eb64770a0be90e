/*
 * Decodes Deflate64: Deflate (RFC 1951) with a window of 64 KiB, matches of up to 65,538 bytes and
 * two more distance codes.
 *
 * The window, the bytes decoded since and room for one more match lie in one piece of memory, so
 * that a match is a copy within it. Bits are taken from a word of 64 that is refilled before a
 * symbol can run out of them. Behind the end of the input come zeros, which are counted: who uses
 * one of them has read too far.
 */
#include "formats/pack/deflate64.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pack/deflate64_code.h"

enum {
	WINDOW = 1 << 16,
	PIECE = 1 << 18,     /* bytes decoded before they are handed out; a match may exceed it */
	LONGEST = 3 + 65535, /* match */
	SLACK = 64,          /* copies of whole words may write so much too far */
	MEMORY = WINDOW + PIECE + LONGEST + SLACK,
	WORD_BITS = 64,
	FAST_INPUT = 16, /* bytes that a turn of the fast loop may load */
	DISTANCE_BITS = CODE_LONGEST + 14,
	PADDING_MOST = 64, /* bytes; a block's codes take less than that without output */
};

static const char words_code[] = "a code has no meaning";
static const char words_distance[] = "a distance has no meaning";
static const char words_match[] = "a match lies before the first byte";

enum state { AT_BLOCK, IN_STORED, IN_CODES, AT_END };

struct deflate64 {
	deflate64_source *source;
	void *context;
	const uint8_t *next, *end; /* of the packed piece; borrowed */
	uint64_t taken;            /* packed bytes of the pieces before */
	const uint8_t *piece;
	uint64_t bits; /* those not used, lowest first; what is above `bit_count` is undefined */
	unsigned bit_count;
	unsigned padding; /* bytes of zeros behind the end that were put into `bits` */
	enum state state;
	bool last;      /* block */
	size_t stored;  /* bytes of the stored block still to come */
	uint8_t *out;   /* in memory */
	size_t history; /* bytes before `out` that a match may reach */
	struct literal_table literals;
	struct distance_table distances;
	uint8_t memory[MEMORY];
};

struct deflate64 *deflate64_create(deflate64_source *source, void *context)
{
	struct deflate64 *d = malloc(sizeof(*d));

	if (!d)
		return NULL;
	memset(d, 0, offsetof(struct deflate64, literals));
	d->source = source;
	d->context = context;
	d->out = d->memory + WINDOW;
	return d;
}

void deflate64_destroy(struct deflate64 *d)
{
	free(d);
}

/* ---- bits ---- */

static uint64_t packed_offset(const struct deflate64 *d)
{
	uint64_t given = d->taken + (uint64_t)(d->next - d->piece);
	uint64_t unused = d->bit_count / 8;

	return given > unused ? given - unused : 0;
}

static enum ps_status damaged(const struct deflate64 *d, const char *what, struct ps_error *err)
{
	uint64_t at = packed_offset(d);

	return ps_fail_at(err, PS_CORRUPT, at,
			  "the Deflate64 data is damaged near its byte %" PRIu64 ": %s", at, what);
}

static enum ps_status cut(const struct deflate64 *d, struct ps_error *err)
{
	return ps_fail_at(err, PS_ABSENT, d->taken,
			  "the Deflate64 data ends after %" PRIu64 " bytes, before its own end",
			  d->taken + (uint64_t)(d->end - d->piece));
}

static enum ps_status next_piece(struct deflate64 *d, struct ps_error *err)
{
	size_t length = 0;

	d->taken += (uint64_t)(d->end - d->piece);
	d->next = d->end = d->piece = NULL;
	if (d->source(d->context, &d->piece, &length, err) != PS_OK)
		return err->status;
	d->next = d->piece;
	d->end = d->piece + length;
	return PS_OK;
}

/* Byte by byte, over the end of a piece and of the input. */
static enum ps_status refill_slowly(struct deflate64 *d, struct ps_error *err)
{
	while (d->bit_count < WORD_BITS - 8) {
		uint64_t byte = 0;

		if (d->next == d->end && d->padding == 0 && next_piece(d, err) != PS_OK)
			return err->status;
		if (d->next != d->end)
			byte = *d->next++;
		else if (d->padding++ == PADDING_MOST)
			return cut(d, err);
		/* what is above may be of the same bytes already; at the end it is not */
		d->bits &= ((uint64_t)1 << d->bit_count) - 1;
		d->bits |= byte << d->bit_count;
		d->bit_count += 8;
	}
	return PS_OK;
}

/* At least 56 bits. */
static inline enum ps_status refill(struct deflate64 *d, struct ps_error *err)
{
	uint64_t word;

	if (d->end - d->next < 8)
		return refill_slowly(d, err);
	memcpy(&word, d->next, sizeof(word));
	d->bits |= le64toh(word) << d->bit_count;
	d->next += (WORD_BITS - 1 - d->bit_count) >> 3;
	d->bit_count |= WORD_BITS - 8;
	return PS_OK;
}

static inline void drop(struct deflate64 *d, unsigned count)
{
	d->bits >>= count;
	d->bit_count -= count;
}

static inline unsigned take(struct deflate64 *d, unsigned count)
{
	unsigned value = (unsigned)(d->bits & (((uint64_t)1 << count) - 1));

	drop(d, count);
	return value;
}

/* ---- blocks ---- */

static inline uint32_t look_up(const uint32_t *entries, unsigned root, uint64_t bits)
{
	uint32_t entry = entries[bits & ((1U << root) - 1)];

	if (entry & ENTRY_SUBTABLE)
		entry = entries[entry_value(entry) +
				(bits >> root & ((1U << entry_extra(entry)) - 1))];
	return entry;
}

static enum ps_status begin_stored(struct deflate64 *d, struct ps_error *err)
{
	unsigned length, complement;

	drop(d, d->bit_count % 8);
	if (refill(d, err) != PS_OK)
		return err->status;
	length = take(d, 16);
	complement = take(d, 16);
	if (length != (complement ^ 0xffff))
		return damaged(d, "the length of a stored block is not confirmed", err);
	d->stored = length;
	d->state = IN_STORED;
	return PS_OK;
}

static void fixed_tables(struct deflate64 *d)
{
	uint8_t lengths[LITERAL_CODES], distances[DISTANCE_CODES];

	for (unsigned i = 0; i < LITERAL_CODES; i++)
		lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	memset(distances, 5, sizeof(distances));
	/* complete codes: they cannot fail */
	literal_table_build(&d->literals, lengths, LITERAL_CODES);
	distance_table_build(&d->distances, distances, DISTANCE_CODES);
}

static enum ps_status read_length_table(struct deflate64 *d, unsigned count,
					struct length_table *table, struct ps_error *err)
{
	static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
						    11, 4,  12, 3, 13, 2, 14, 1, 15};
	uint8_t lengths[LENGTH_CODES] = {0};

	for (unsigned i = 0; i < count; i++) {
		if (refill(d, err) != PS_OK)
			return err->status;
		lengths[order[i]] = (uint8_t)take(d, 3);
	}
	if (!length_table_build(table, lengths))
		return damaged(d, "the code of the lengths is no prefix code", err);
	return PS_OK;
}

/* The lengths of `count` codes, run-length encoded. */
static enum ps_status read_lengths(struct deflate64 *d, const struct length_table *table,
				   uint8_t *lengths, unsigned count, struct ps_error *err)
{
	static const struct {
		uint8_t bits, base;
	} repeats[] = {{2, 3}, {3, 3}, {7, 11}};

	for (unsigned done = 0; done < count;) {
		unsigned symbol, times;
		uint32_t entry;

		if (refill(d, err) != PS_OK)
			return err->status;
		entry = look_up(table->entries, LENGTH_ROOT, d->bits);
		drop(d, entry_length(entry));
		symbol = entry_value(entry);
		if (symbol < 16) {
			lengths[done++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16 && done == 0)
			return damaged(d, "a length of a code repeats none", err);
		times = repeats[symbol - 16].base + take(d, repeats[symbol - 16].bits);
		if (times > count - done)
			return damaged(d, "there are more lengths than codes", err);
		memset(lengths + done, symbol == 16 ? lengths[done - 1] : 0, times);
		done += times;
	}
	return PS_OK;
}

static enum ps_status dynamic_tables(struct deflate64 *d, struct ps_error *err)
{
	uint8_t lengths[LITERAL_CODES + DISTANCE_CODES];
	unsigned literals = 257 + take(d, 5), distances = 1 + take(d, 5);
	unsigned count = 4 + take(d, 4);
	struct length_table table;

	if (literals > LITERAL_CODES - 2)
		return damaged(d, "a block has too many codes", err);
	if (read_length_table(d, count, &table, err) != PS_OK ||
	    read_lengths(d, &table, lengths, literals + distances, err) != PS_OK)
		return err->status;
	if (lengths[256] == 0)
		return damaged(d, "a block has no code for its end", err);
	if (!literal_table_build(&d->literals, lengths, literals) ||
	    !distance_table_build(&d->distances, lengths + literals, distances))
		return damaged(d, "the codes of a block are no prefix codes", err);
	return PS_OK;
}

static enum ps_status begin_block(struct deflate64 *d, struct ps_error *err)
{
	if (refill(d, err) != PS_OK)
		return err->status;
	d->last = take(d, 1);
	switch (take(d, 2)) {
	case 0: return begin_stored(d, err);
	case 1: fixed_tables(d); break;
	case 2:
		if (dynamic_tables(d, err) != PS_OK)
			return err->status;
		break;
	default: return damaged(d, "a block is of no known kind", err);
	}
	d->state = IN_CODES;
	return PS_OK;
}

static void end_block(struct deflate64 *d)
{
	d->state = d->last ? AT_END : AT_BLOCK;
}

static uint8_t *piece_end(struct deflate64 *d)
{
	return d->memory + WINDOW + PIECE;
}

/* Bytes that are in the word already come first. */
static enum ps_status copy_stored(struct deflate64 *d, struct ps_error *err)
{
	while (d->stored > 0 && d->out < piece_end(d)) {
		size_t part = (size_t)(piece_end(d) - d->out);

		if (d->bit_count > 0) {
			*d->out++ = (uint8_t)take(d, 8);
			d->history++;
			d->stored--;
			continue;
		}
		d->bits = 0;
		if (d->next == d->end && next_piece(d, err) != PS_OK)
			return err->status;
		if (d->next == d->end)
			return cut(d, err);
		if (part > d->stored)
			part = d->stored;
		if (part > (size_t)(d->end - d->next))
			part = (size_t)(d->end - d->next);
		memcpy(d->out, d->next, part);
		d->out += part;
		d->history += part;
		d->next += part;
		d->stored -= part;
	}
	if (d->stored == 0)
		end_block(d);
	return PS_OK;
}

/* May write up to SLACK bytes behind the match. */
static inline void copy_match(uint8_t *out, size_t distance, size_t length)
{
	const uint8_t *from = out - distance, *stop = out + length;

	if (distance < 16) {
		/* A pattern: repeated until it is at least a step long, then copied in steps. */
		size_t period = distance;

		while (period < 16)
			period += distance;
		for (size_t i = 0; i < period && i < length; i++)
			out[i] = from[i];
		from = out;
		out += period;
	}
	while (out < stop) {
		memcpy(out, from, 16);
		out += 16;
		from += 16;
	}
}

/* The match whose length is in `entry`. */
static enum ps_status read_match(struct deflate64 *d, uint32_t entry, struct ps_error *err)
{
	size_t length = entry_value(entry), distance;

	drop(d, entry_length(entry));
	length += take(d, entry_extra(entry));
	if (refill(d, err) != PS_OK)
		return err->status;
	entry = look_up(d->distances.entries, DISTANCE_ROOT, d->bits);
	if (entry & ENTRY_BAD)
		return damaged(d, words_distance, err);
	drop(d, entry_length(entry));
	distance = entry_value(entry);
	distance += take(d, entry_extra(entry));
	if (distance > d->history)
		return damaged(d, words_match, err);
	copy_match(d->out, distance, length);
	d->out += length;
	d->history += length;
	return PS_OK;
}

/* One symbol, wherever the input ends. */
static enum ps_status decode_one(struct deflate64 *d, struct ps_error *err)
{
	uint32_t entry;

	if (refill(d, err) != PS_OK)
		return err->status;
	entry = look_up(d->literals.entries, LITERAL_ROOT, d->bits);
	if (entry & ENTRY_BAD)
		return damaged(d, words_code, err);
	if (!(entry & (ENTRY_LITERAL | ENTRY_END)))
		return read_match(d, entry, err);
	drop(d, entry_length(entry));
	if (entry & ENTRY_END) {
		end_block(d);
		return PS_OK;
	}
	*d->out++ = (uint8_t)entry_value(entry);
	d->history++;
	return PS_OK;
}

/* The word of bits in local variables of who decodes. */
struct word {
	uint64_t bits;
	const uint8_t *next;
	unsigned count;
};

static inline void word_refill(struct word *w)
{
	uint64_t more;

	memcpy(&more, w->next, sizeof(more));
	w->bits |= le64toh(more) << w->count;
	w->next += (WORD_BITS - 1 - w->count) >> 3;
	w->count |= WORD_BITS - 8;
}

static inline void word_drop(struct word *w, unsigned count)
{
	w->bits >>= count;
	w->count -= count;
}

/* The value of the entry and its extra bits; both are dropped. */
static inline size_t word_value(struct word *w, uint32_t entry)
{
	size_t value;

	word_drop(w, entry_length(entry));
	value = entry_value(entry) + (w->bits & ((1U << entry_extra(entry)) - 1));
	word_drop(w, entry_extra(entry));
	return value;
}

/*
 * Symbols while the input has two words left and the piece is not full, and the block does not end.
 * All that changes is in local variables: bytes that are written could be any of *d, for all that
 * the compiler knows. NULL, or what is wrong.
 */
static const char *decode_fast(struct deflate64 *d)
{
	const uint32_t *literals = d->literals.entries, *distances = d->distances.entries;
	struct word w = {d->bits, d->next, d->bit_count};
	const uint8_t *last = d->end - FAST_INPUT;
	uint8_t *out = d->out, *stop = piece_end(d);
	/* what lies before may be reached */
	uint8_t *first = out - d->history;
	const char *wrong = NULL;

	while (w.next <= last && out < stop) {
		size_t length, distance;
		uint32_t entry;

		word_refill(&w);
		entry = look_up(literals, LITERAL_ROOT, w.bits);
		if (entry & ENTRY_LITERAL) {
			word_drop(&w, entry_length(entry));
			*out++ = (uint8_t)entry_value(entry);
			entry = look_up(literals, LITERAL_ROOT, w.bits);
			if (entry & ENTRY_LITERAL) {
				word_drop(&w, entry_length(entry));
				*out++ = (uint8_t)entry_value(entry);
				continue;
			}
		}
		/* 41 bits are left at least: a length takes 31. */
		if (entry & ENTRY_SPECIAL)
			break;
		length = word_value(&w, entry);
		if (w.count < DISTANCE_BITS)
			word_refill(&w);
		entry = look_up(distances, DISTANCE_ROOT, w.bits);
		if (entry & ENTRY_BAD) {
			wrong = words_distance;
			break;
		}
		distance = word_value(&w, entry);
		if (distance > (size_t)(out - first)) {
			wrong = words_match;
			break;
		}
		copy_match(out, distance, length);
		out += length;
	}
	d->history = (size_t)(out - first);
	d->out = out;
	d->next = w.next;
	d->bits = w.bits;
	d->bit_count = w.count;
	return wrong;
}

/* Symbols until the piece is full or the block ends. */
static enum ps_status decode(struct deflate64 *d, struct ps_error *err)
{
	while (d->state == IN_CODES && d->out < piece_end(d)) {
		if (d->end - d->next >= FAST_INPUT) {
			const char *wrong = decode_fast(d);

			if (wrong)
				return damaged(d, wrong, err);
		}
		if (d->out < piece_end(d) && decode_one(d, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

/* The last 64 KiB become the window of the next piece. */
static void slide(struct deflate64 *d)
{
	size_t keep = d->history < WINDOW ? d->history : WINDOW;

	memmove(d->memory + WINDOW - keep, d->out - keep, keep);
	d->out = d->memory + WINDOW;
	d->history = keep;
}

static enum ps_status decode_some(struct deflate64 *d, struct ps_error *err)
{
	switch (d->state) {
	case AT_BLOCK: return begin_block(d, err);
	case IN_CODES: return decode(d, err);
	case IN_STORED: return copy_stored(d, err);
	case AT_END: break;
	}
	return PS_OK;
}

enum ps_status deflate64_next(struct deflate64 *d, const uint8_t **ret, size_t *ret_length,
			      struct ps_error *err)
{
	const uint8_t *start = d->memory + WINDOW;

	slide(d);
	while (d->state != AT_END && d->out < piece_end(d)) {
		if (decode_some(d, err) != PS_OK)
			return err->status;
	}
	/* Zeros from behind the end were used. */
	if (d->bit_count / 8 < d->padding)
		return cut(d, err);
	*ret = start;
	*ret_length = (size_t)(d->out - start);
	return PS_OK;
}
