/*
 * A Deflate64 decoder at work, and how it takes bits. Private to deflate64.c and deflate64_block.c.
 *
 * Bits are taken from a word of 64 that is refilled before a symbol can run out of them. Behind the
 * end of the input come zeros, which are counted: who uses one of them has read too far.
 */
#ifndef PS_FORMATS_PACK_DEFLATE64_STATE_H
#define PS_FORMATS_PACK_DEFLATE64_STATE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "formats/pack/deflate64.h"
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

enum d64_state { AT_BLOCK, IN_STORED, IN_CODES, AT_END };

struct deflate64 {
	deflate64_source *source;
	void *context;
	const uint8_t *next, *end; /* of the packed piece; borrowed */
	uint64_t taken;            /* packed bytes of the pieces before */
	const uint8_t *piece;
	uint64_t bits; /* those not used, lowest first; what is above `bit_count` is undefined */
	unsigned bit_count;
	unsigned padding; /* bytes of zeros behind the end that were put into `bits` */
	enum d64_state state;
	bool last;      /* block */
	size_t stored;  /* bytes of the stored block still to come */
	uint8_t *out;   /* in memory */
	size_t history; /* bytes before `out` that a match may reach */
	struct literal_table literals;
	struct distance_table distances;
	uint8_t memory[MEMORY];
};

/** PS_CORRUPT with `what` and the place. */
enum ps_status d64_damaged(const struct deflate64 *d, const char *what, struct ps_error *err);

/** Reads the beginning of a block: where it is stored, or its codes. */
enum ps_status d64_begin_block(struct deflate64 *d, struct ps_error *err);

/** Bytes of a stored block, until it ends or the piece is full. */
enum ps_status d64_copy_stored(struct deflate64 *d, struct ps_error *err);

/** PS_ABSENT: the packed bytes end too early. */
enum ps_status d64_cut(const struct deflate64 *d, struct ps_error *err);

/** d64_refill() where fewer than 8 packed bytes are left of their piece. */
enum ps_status d64_refill_slowly(struct deflate64 *d, struct ps_error *err);

static inline uint8_t *d64_piece_end(struct deflate64 *d)
{
	return d->memory + WINDOW + PIECE;
}

static inline void d64_end_block(struct deflate64 *d)
{
	d->state = d->last ? AT_END : AT_BLOCK;
}

/* Eight bytes, which must be there. */
static inline uint64_t d64_load(const uint8_t *at)
{
	struct bytes b = bytes_of(at, sizeof(uint64_t));

	return bytes_u64(&b, 0);
}

/* At least 56 bits. */
static inline enum ps_status d64_refill(struct deflate64 *d, struct ps_error *err)
{
	if (d->end - d->next < 8)
		return d64_refill_slowly(d, err);
	d->bits |= d64_load(d->next) << d->bit_count;
	d->next += (WORD_BITS - 1 - d->bit_count) >> 3;
	d->bit_count |= WORD_BITS - 8;
	return PS_OK;
}

static inline void d64_drop(struct deflate64 *d, unsigned count)
{
	d->bits >>= count;
	d->bit_count -= count;
}

static inline unsigned d64_take(struct deflate64 *d, unsigned count)
{
	unsigned value = (unsigned)(d->bits & (((uint64_t)1 << count) - 1));

	d64_drop(d, count);
	return value;
}

static inline uint32_t d64_look_up(const uint32_t *entries, unsigned root, uint64_t bits)
{
	uint32_t entry = entries[bits & ((1U << root) - 1)];

	if (entry & ENTRY_SUBTABLE)
		entry = entries[entry_value(entry) +
				(bits >> root & ((1U << entry_extra(entry)) - 1))];
	return entry;
}

#endif
