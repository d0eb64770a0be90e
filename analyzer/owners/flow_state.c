/* Registers and frame slots: loads, stores, joins. No instruction is known here. */
#include "analyzer/owners/flow_state.h"

#include <string.h>

void state_copy(struct flow_state *to, const struct flow_state *from)
{
	memcpy(to, from, offsetof(struct flow_state, slots));
	memcpy(to->slots, from->slots, from->slot_count * sizeof(from->slots[0]));
}

void state_forget(struct flow_state *state, const struct flow_arch *arch, value_id sp)
{
	memset(state->registers, 0, sizeof(state->registers));
	state->registers[arch->sp] = sp;
	state->lost = true;
	state->escape_count = 0;
	state->slot_count = 0;
}

/* Index of the first slot that ends behind `offset`. */
static unsigned find_slot(const struct flow_state *state, int64_t offset)
{
	unsigned low = 0, high = state->slot_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (state->slots[middle].offset + (int64_t)state->slots[middle].width <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A word of the caller that nothing has written yet. */
static value_id untouched(const struct flow_state *state, struct values *values,
			  const struct flow_arch *arch, int64_t offset, unsigned width)
{
	int64_t above = offset - arch->stack_offset;

	if (state->lost || above < 0 || above % arch->pointer || width > arch->pointer ||
	    above / arch->pointer >= FLOW_STACK_WORDS)
		return VALUE_UNKNOWN;
	if (width < 4)
		return VALUE_UNKNOWN;
	return values_atom(values, FLOW_PARAM, arch->stack_index + (uint64_t)above / arch->pointer,
			   0);
}

/* Part of a slot: numbers only, except for the lower half of anything. */
static value_id part_of(const struct slot *slot, struct values *values, int64_t skip,
			unsigned width)
{
	value_id by, shifted = slot->value;

	if (skip) {
		by = values_atom(values, FLOW_CONST, (uint64_t)skip * 8, 0);
		shifted = values_alu(values, FLOW_SHR, 8, slot->value, by, false, 0);
	}
	return values_cut(values, shifted, width);
}

value_id state_load(const struct flow_state *state, struct values *values,
		    const struct flow_arch *arch, int64_t offset, unsigned width)
{
	unsigned at = find_slot(state, offset);
	const struct slot *slot = &state->slots[at];
	const struct flow_atom *low, *high;

	if (at == state->slot_count || slot->offset >= offset + (int64_t)width)
		return untouched(state, values, arch, offset, width);
	if (slot->offset == offset && slot->width == width)
		return slot->value;
	if (slot->offset <= offset && slot->offset + (int64_t)slot->width >= offset + width)
		return part_of(slot, values, offset - slot->offset, width);
	if (width != 8 || slot->offset != offset || slot->width != 4 ||
	    at + 1 == state->slot_count || slot[1].offset != offset + 4 || slot[1].width != 4)
		return VALUE_UNKNOWN;
	low = values_single(values, slot->value);
	high = values_single(values, slot[1].value);
	if (!low || !high || low->kind != FLOW_CONST || high->kind != FLOW_CONST)
		return VALUE_UNKNOWN;
	return values_atom(values, FLOW_CONST, (low->value & UINT32_MAX) | high->value << 32,
			   low->from);
}

static void insert(struct flow_state *state, unsigned at, int64_t offset, int64_t width,
		   value_id value)
{
	if (state->slot_count == STATE_SLOTS) {
		if (offset >= 0)
			state->lost = true;
		return;
	}
	memmove(state->slots + at + 1, state->slots + at,
		(state->slot_count - at) * sizeof(state->slots[0]));
	state->slots[at] =
		(struct slot){.offset = (int32_t)offset, .width = (uint32_t)width, .value = value};
	state->slot_count++;
}

/* Frees [offset, end); what is left of a slot that was cut is unknown. Returns where to insert. */
static unsigned clear(struct flow_state *state, int64_t offset, int64_t end)
{
	unsigned at = find_slot(state, offset), last = at;
	struct slot first, tail;

	while (last < state->slot_count && state->slots[last].offset < end)
		last++;
	if (last == at)
		return at;
	first = state->slots[at];
	tail = state->slots[last - 1];
	memmove(state->slots + at, state->slots + last,
		(state->slot_count - last) * sizeof(state->slots[0]));
	state->slot_count -= last - at;
	if (tail.offset + (int64_t)tail.width > end)
		insert(state, at, end, tail.offset + (int64_t)tail.width - end, VALUE_UNKNOWN);
	if (first.offset < offset) {
		insert(state, at, first.offset, offset - first.offset, VALUE_UNKNOWN);
		at++;
	}
	return at;
}

static bool in_frame(int64_t offset, int64_t length)
{
	return offset > -STATE_FRAME_LIMIT && offset + length < STATE_FRAME_LIMIT;
}

void state_store(struct flow_state *state, int64_t offset, unsigned width, value_id value)
{
	unsigned at;

	if (!in_frame(offset, width))
		return;
	at = clear(state, offset, offset + width);
	insert(state, at, offset, width, value);
}

/* Below the return address a missing slot is as good as an unknown one. */
void state_open(struct flow_state *state, const struct flow_arch *arch, int64_t offset,
		int64_t length)
{
	unsigned at;

	if (!in_frame(offset, length))
		return;
	at = clear(state, offset, offset + length);
	if (offset + length > arch->stack_offset)
		insert(state, at, offset, length, VALUE_UNKNOWN);
}

void state_drop_below(struct flow_state *state, int64_t offset)
{
	unsigned at = find_slot(state, offset);

	if (!at)
		return;
	memmove(state->slots, state->slots + at,
		(state->slot_count - at) * sizeof(state->slots[0]));
	state->slot_count -= at;
}

void state_escape(struct flow_state *state, int64_t offset)
{
	if (!in_frame(offset, STATE_OBJECT))
		return;
	for (unsigned i = 0; i < state->escape_count; i++)
		if (state->escapes[i] == offset)
			return;
	if (state->escape_count < STATE_ESCAPES)
		state->escapes[state->escape_count++] = (int32_t)offset;
}

static bool join_value(struct values *values, value_id *into, value_id from, bool widen)
{
	value_id joined;

	if (*into == from)
		return false; /* nine of ten */
	joined = values_join(values, *into, from);
	if (joined == *into)
		return false;
	*into = widen ? VALUE_WIDE : joined;
	return true;
}

/* The usual case: both ways made the same slots. */
static bool same_shape(const struct flow_state *a, const struct flow_state *b)
{
	if (a->slot_count != b->slot_count)
		return false;
	for (unsigned i = 0; i < a->slot_count; i++)
		if (a->slots[i].offset != b->slots[i].offset ||
		    a->slots[i].width != b->slots[i].width)
			return false;
	return true;
}

static bool join_same_slots(struct flow_state *into, const struct flow_state *from,
			    struct values *values, bool widen)
{
	bool changed = false;

	for (unsigned i = 0; i < into->slot_count; i++) {
		struct slot *slot = &into->slots[i];
		value_id other = slot->width > 8 ? VALUE_UNKNOWN : from->slots[i].value;

		changed |= join_value(values, &slot->value, other, widen);
	}
	return changed;
}

/* Where `from` has no slot of the same shape, what it would read there. */
static bool join_slots(struct flow_state *into, const struct flow_state *from,
		       struct values *values, const struct flow_arch *arch, bool widen)
{
	bool changed = false;

	if (same_shape(into, from))
		return join_same_slots(into, from, values, widen);
	for (unsigned i = 0; i < from->slot_count; i++) {
		const struct slot *slot = &from->slots[i];
		unsigned at = find_slot(into, slot->offset);

		if (at < into->slot_count && into->slots[at].offset == slot->offset &&
		    into->slots[at].width == slot->width)
			continue;
		if (at < into->slot_count &&
		    into->slots[at].offset < slot->offset + (int64_t)slot->width)
			continue; /* other shape: the loop below opens it */
		if (into->slot_count == STATE_SLOTS || slot->width > 8 ||
		    slot->offset < STATE_FRESH)
			continue;
		insert(into, at, slot->offset, slot->width,
		       untouched(into, values, arch, slot->offset, slot->width));
		changed = true;
	}
	for (unsigned i = 0; i < into->slot_count; i++) {
		struct slot *slot = &into->slots[i];
		value_id other =
			slot->width > 8 ? VALUE_UNKNOWN
					: state_load(from, values, arch, slot->offset, slot->width);

		changed |= join_value(values, &slot->value, other, widen);
	}
	return changed;
}

static bool join_escapes(struct flow_state *into, const struct flow_state *from)
{
	unsigned before = into->escape_count;

	for (unsigned i = 0; i < from->escape_count; i++)
		state_escape(into, from->escapes[i]);
	return into->escape_count != before;
}

/* Two places in the code may have made the same stack pointer. */
static bool same_place(const struct values *values, value_id a, value_id b)
{
	const struct flow_atom *x = values_single(values, a), *y = values_single(values, b);

	return a == b || (x && y && x->kind == y->kind && x->value == y->value);
}

bool state_join(struct flow_state *into, const struct flow_state *from, struct values *values,
		const struct flow_arch *arch, value_id fresh, bool widen)
{
	bool changed = from->lost && !into->lost;

	into->lost |= from->lost;
	for (unsigned i = 0; i < arch->registers; i++) {
		value_id *value = &into->registers[i];

		if (i != arch->sp) {
			changed |= join_value(values, value, from->registers[i], widen);
		} else if (*value != fresh && !same_place(values, *value, from->registers[i])) {
			*value = fresh;
			state_drop_below(into, STATE_FRESH);
			changed = true;
		}
	}
	changed |= join_slots(into, from, values, arch, widen);
	changed |= join_escapes(into, from);
	return changed;
}
