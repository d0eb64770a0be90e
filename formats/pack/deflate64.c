/*
 * Decodes Deflate64: Deflate (RFC 1951) with a window of 64 KiB, matches of up to 65,538 bytes and
 * two more distance codes.
 *
 * The window, the bytes decoded since and room for one more match lie in one piece of memory, so
 * that a match is a copy within it.
 */
#include "formats/pack/deflate64.h"

#include <stdlib.h>
#include <string.h>

#include "formats/pack/deflate64_state.h"

static const char words_code[] = "a code has no meaning";
static const char words_distance[] = "a distance has no meaning";
static const char words_match[] = "a match lies before the first byte";

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

	d64_drop(d, entry_length(entry));
	length += d64_take(d, entry_extra(entry));
	if (d64_refill(d, err) != PS_OK)
		return err->status;
	entry = d64_look_up(d->distances.entries, DISTANCE_ROOT, d->bits);
	if (entry & ENTRY_BAD)
		return d64_damaged(d, words_distance, err);
	d64_drop(d, entry_length(entry));
	distance = entry_value(entry);
	distance += d64_take(d, entry_extra(entry));
	if (distance > d->history)
		return d64_damaged(d, words_match, err);
	copy_match(d->out, distance, length);
	d->out += length;
	d->history += length;
	return PS_OK;
}

/* One symbol, wherever the input ends. */
static enum ps_status decode_one(struct deflate64 *d, struct ps_error *err)
{
	uint32_t entry;

	if (d64_refill(d, err) != PS_OK)
		return err->status;
	entry = d64_look_up(d->literals.entries, LITERAL_ROOT, d->bits);
	if (entry & ENTRY_BAD)
		return d64_damaged(d, words_code, err);
	if (!(entry & (ENTRY_LITERAL | ENTRY_END)))
		return read_match(d, entry, err);
	d64_drop(d, entry_length(entry));
	if (entry & ENTRY_END) {
		d64_end_block(d);
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
	w->bits |= d64_load(w->next) << w->count;
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
	uint8_t *out = d->out, *stop = d64_piece_end(d);
	/* what lies before may be reached */
	uint8_t *first = out - d->history;
	const char *wrong = NULL;

	while (w.next <= last && out < stop) {
		size_t length, distance;
		uint32_t entry;

		word_refill(&w);
		entry = d64_look_up(literals, LITERAL_ROOT, w.bits);
		if (entry & ENTRY_LITERAL) {
			word_drop(&w, entry_length(entry));
			*out++ = (uint8_t)entry_value(entry);
			entry = d64_look_up(literals, LITERAL_ROOT, w.bits);
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
		entry = d64_look_up(distances, DISTANCE_ROOT, w.bits);
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
	while (d->state == IN_CODES && d->out < d64_piece_end(d)) {
		if (d->end - d->next >= FAST_INPUT) {
			const char *wrong = decode_fast(d);

			if (wrong)
				return d64_damaged(d, wrong, err);
		}
		if (d->out < d64_piece_end(d) && decode_one(d, err) != PS_OK)
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
	case AT_BLOCK: return d64_begin_block(d, err);
	case IN_CODES: return decode(d, err);
	case IN_STORED: return d64_copy_stored(d, err);
	case AT_END: break;
	}
	return PS_OK;
}

enum ps_status deflate64_next(struct deflate64 *d, const uint8_t **ret, size_t *ret_length,
			      struct ps_error *err)
{
	const uint8_t *start = d->memory + WINDOW;

	slide(d);
	while (d->state != AT_END && d->out < d64_piece_end(d)) {
		if (decode_some(d, err) != PS_OK)
			return err->status;
	}
	/* Zeros from behind the end were used. */
	if (d->bit_count / 8 < d->padding)
		return d64_cut(d, err);
	*ret = start;
	*ret_length = (size_t)(d->out - start);
	return PS_OK;
}
