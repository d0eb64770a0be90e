/*
 * What is known at one place of a function: a value for each register, and for the words of its
 * own frame. A slot that is not there is unknown, except that words above the return address are
 * the caller's arguments until something writes them.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_STATE_H
#define PS_ANALYZER_OWNERS_FLOW_STATE_H

#include "analyzer/owners/flow_values.h"

enum {
	STATE_REGISTERS = FLOW_REGISTERS + FLOW_TEMPORARIES,
	STATE_SLOTS = 160,
	STATE_ESCAPES = 8,
	STATE_OBJECT = 0x100, /* bytes that a callee may change behind an address it was given */
	STATE_FRAME_LIMIT = 1 << 30,
	STATE_FRESH = -(1 << 27), /* below: regions of stack pointers that got lost */
};

struct slot {
	int32_t offset; /* from the stack pointer at entry */
	uint32_t width;
	value_id value;
};

struct flow_state {
	struct flow *flow; /* borrowed, for flow_argument() */
	value_id registers[STATE_REGISTERS];
	bool lost; /* the caller's words are not known to be untouched */
	unsigned escape_count, slot_count;
	int32_t escapes[STATE_ESCAPES]; /* addresses that were stored outside the frame */
	struct slot slots[STATE_SLOTS]; /* by offset, not overlapping; `slot_count` are valid */
};

/** Only the valid part. */
void state_copy(struct flow_state *to, const struct flow_state *from);

/** Nothing known but the stack pointer. */
void state_forget(struct flow_state *state, const struct flow_arch *arch, value_id sp);

value_id state_load(const struct flow_state *state, struct values *values,
		    const struct flow_arch *arch, int64_t offset, unsigned width);
void state_store(struct flow_state *state, int64_t offset, unsigned width, value_id value);

/** [offset, offset + length) becomes unknown. */
void state_open(struct flow_state *state, const struct flow_arch *arch, int64_t offset,
		int64_t length);

/** Slots below `offset` are gone. */
void state_drop_below(struct flow_state *state, int64_t offset);

void state_escape(struct flow_state *state, int64_t offset);

/**
 * `into` becomes what holds on both ways. `fresh`: the stack pointer where the two differ. `widen`:
 * what still changes becomes VALUE_WIDE. True when something changed.
 */
bool state_join(struct flow_state *into, const struct flow_state *from, struct values *values,
		const struct flow_arch *arch, value_id fresh, bool widen);

#endif
