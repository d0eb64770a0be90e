/*
 * Blocks of Deflate64: their headers, the lengths of their codes, and stored ones (RFC 1951, 3.2.3
 * to 3.2.7); and the input, piece by piece.
 */
#include <inttypes.h>
#include <string.h>

#include "formats/pack/deflate64_state.h"

static uint64_t packed_offset(const struct deflate64 *d)
{
	uint64_t given = d->taken + (uint64_t)(d->next - d->piece);
	uint64_t unused = d->bit_count / 8;

	return given > unused ? given - unused : 0;
}

enum ps_status d64_cut(const struct deflate64 *d, struct ps_error *err)
{
	return ps_fail_at(err, PS_ABSENT, d->taken,
			  "the Deflate64 data ends after %" PRIu64 " bytes, before its own end",
			  d->taken + (uint64_t)(d->end - d->piece));
}

enum ps_status d64_damaged(const struct deflate64 *d, const char *what, struct ps_error *err)
{
	uint64_t at = packed_offset(d);

	/* What looks damaged may be made of the zeros that stand for what is missing. */
	if (d->padding > 0 && d->bit_count < 8 * d->padding + CODE_LONGEST)
		return d64_cut(d, err);
	return ps_fail_at(err, PS_CORRUPT, at,
			  "the Deflate64 data is damaged near its byte %" PRIu64 ": %s", at, what);
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
enum ps_status d64_refill_slowly(struct deflate64 *d, struct ps_error *err)
{
	while (d->bit_count < WORD_BITS - 8) {
		uint64_t byte = 0;

		if (d->next == d->end && d->padding == 0 && next_piece(d, err) != PS_OK)
			return err->status;
		if (d->next != d->end)
			byte = *d->next++;
		else if (d->padding++ == PADDING_MOST)
			return d64_cut(d, err);
		/* what is above may be of the same bytes already; at the end it is not */
		d->bits &= ((uint64_t)1 << d->bit_count) - 1;
		d->bits |= byte << d->bit_count;
		d->bit_count += 8;
	}
	return PS_OK;
}

static enum ps_status begin_stored(struct deflate64 *d, struct ps_error *err)
{
	unsigned length, complement;

	d64_drop(d, d->bit_count % 8);
	if (d64_refill(d, err) != PS_OK)
		return err->status;
	length = d64_take(d, 16);
	complement = d64_take(d, 16);
	if (length != (complement ^ 0xffff))
		return d64_damaged(d, "the length of a stored block is not confirmed", err);
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
		if (d64_refill(d, err) != PS_OK)
			return err->status;
		lengths[order[i]] = (uint8_t)d64_take(d, 3);
	}
	if (!length_table_build(table, lengths))
		return d64_damaged(d, "the code of the lengths is no prefix code", err);
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

		if (d64_refill(d, err) != PS_OK)
			return err->status;
		entry = d64_look_up(table->entries, LENGTH_ROOT, d->bits);
		d64_drop(d, entry_length(entry));
		symbol = entry_value(entry);
		if (symbol < 16) {
			lengths[done++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16 && done == 0)
			return d64_damaged(d, "a length of a code repeats none", err);
		times = repeats[symbol - 16].base + d64_take(d, repeats[symbol - 16].bits);
		if (times > count - done)
			return d64_damaged(d, "there are more lengths than codes", err);
		memset(lengths + done, symbol == 16 ? lengths[done - 1] : 0, times);
		done += times;
	}
	return PS_OK;
}

static enum ps_status dynamic_tables(struct deflate64 *d, struct ps_error *err)
{
	uint8_t lengths[LITERAL_CODES + DISTANCE_CODES];
	unsigned literals = 257 + d64_take(d, 5), distances = 1 + d64_take(d, 5);
	unsigned count = 4 + d64_take(d, 4);
	struct length_table table;

	if (literals > LITERAL_CODES - 2)
		return d64_damaged(d, "a block has too many codes", err);
	if (read_length_table(d, count, &table, err) != PS_OK ||
	    read_lengths(d, &table, lengths, literals + distances, err) != PS_OK)
		return err->status;
	if (lengths[256] == 0)
		return d64_damaged(d, "a block has no code for its end", err);
	if (!literal_table_build(&d->literals, lengths, literals) ||
	    !distance_table_build(&d->distances, lengths + literals, distances))
		return d64_damaged(d, "the codes of a block are no prefix codes", err);
	return PS_OK;
}

enum ps_status d64_begin_block(struct deflate64 *d, struct ps_error *err)
{
	if (d64_refill(d, err) != PS_OK)
		return err->status;
	d->last = d64_take(d, 1);
	switch (d64_take(d, 2)) {
	case 0: return begin_stored(d, err);
	case 1: fixed_tables(d); break;
	case 2:
		if (dynamic_tables(d, err) != PS_OK)
			return err->status;
		break;
	default: return d64_damaged(d, "a block is of no known kind", err);
	}
	d->state = IN_CODES;
	return PS_OK;
}

/* Bytes that are in the word already come first. */
enum ps_status d64_copy_stored(struct deflate64 *d, struct ps_error *err)
{
	while (d->stored > 0 && d->out < d64_piece_end(d)) {
		size_t part = (size_t)(d64_piece_end(d) - d->out);

		if (d->bit_count > 0) {
			*d->out++ = (uint8_t)d64_take(d, 8);
			d->history++;
			d->stored--;
			continue;
		}
		d->bits = 0;
		if (d->next == d->end && next_piece(d, err) != PS_OK)
			return err->status;
		if (d->next == d->end)
			return d64_cut(d, err);
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
		d64_end_block(d);
	return PS_OK;
}
