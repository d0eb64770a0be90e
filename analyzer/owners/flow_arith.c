/*
 * Arithmetic on sets of atoms. Numbers are computed; addresses of the image and of the frame take
 * sums; jump-table entries what compilers do with them; everything else becomes unknown. Two sets
 * that both hold several values are not combined: they may depend on each other, and the product
 * would hold values that never occur.
 */
#include <byteswap.h>

#include "analyzer/owners/flow_values.h"

static uint64_t cut(uint64_t value, unsigned width)
{
	return width >= 8 ? value : value & ((1ull << (width * 8)) - 1);
}

static uint64_t sign_extend(uint64_t value, unsigned from)
{
	if (from >= 8 || from == 0)
		return value;
	return (uint64_t)((int64_t)(value << (64 - from * 8)) >> (64 - from * 8));
}

static uint64_t shift_right(enum flow_alu alu, uint64_t a, unsigned by, unsigned width)
{
	unsigned bits = width * 8;

	if (alu == FLOW_SAR)
		return cut((uint64_t)((int64_t)sign_extend(a, width) >> by), width);
	if (alu == FLOW_ROR && by)
		return cut(cut(a, width) >> by | a << (bits - by), width);
	return cut(a, width) >> by;
}

/* b is a number of bytes for ZEXT and SEXT. */
static uint64_t compute(enum flow_alu alu, unsigned width, uint64_t a, uint64_t b)
{
	unsigned by = (unsigned)b & (width == 8 ? 63 : 31);
	uint64_t mask = width == 1 ? 0xff : 0xffff;

	switch (alu) {
	case FLOW_ADD: return cut(a + b, width);
	case FLOW_SUB: return cut(a - b, width);
	case FLOW_AND: return cut(a & b, width);
	case FLOW_OR: return cut(a | b, width);
	case FLOW_XOR: return cut(a ^ b, width);
	case FLOW_SHL: return cut(a << by, width);
	case FLOW_SHR:
	case FLOW_SAR:
	case FLOW_ROR: return shift_right(alu, a, by, width);
	case FLOW_MUL: return cut(a * b, width);
	case FLOW_ZEXT: return cut(a, (unsigned)b);
	case FLOW_SEXT: return cut(sign_extend(cut(a, (unsigned)b), (unsigned)b), width);
	case FLOW_INSERT: return (a & ~mask) | (b & mask);
	case FLOW_BSWAP: return width == 8 ? bswap_64(a) : bswap_32((uint32_t)a);
	}
	return 0;
}

static bool is_plain_copy(enum flow_alu alu, uint64_t b)
{
	switch (alu) {
	case FLOW_ADD:
	case FLOW_SUB:
	case FLOW_OR:
	case FLOW_XOR:
	case FLOW_SHL:
	case FLOW_SHR:
	case FLOW_SAR:
	case FLOW_ROR: return b == 0;
	case FLOW_MUL: return b == 1;
	case FLOW_ZEXT:
	case FLOW_SEXT: return b >= 4;
	default: return false;
	}
}

/* An entry of a jump table: extended, scaled, added to a base. */
static bool table_step(enum flow_alu alu, struct flow_atom *atom, const struct flow_atom *b)
{
	if (alu == FLOW_SEXT || alu == FLOW_ZEXT) {
		if (alu == FLOW_SEXT && (atom->offset & TABLE_WIDTH) == b->value)
			atom->offset |= TABLE_SIGNED;
		return true;
	}
	if (alu == FLOW_SHL && b->kind == FLOW_CONST && b->value <= 3 &&
	    !(atom->offset & TABLE_BASED)) {
		atom->offset += (uint32_t)b->value << TABLE_SHIFT;
		return true;
	}
	if (alu == FLOW_ADD && b->kind == FLOW_RVA && !(atom->offset & TABLE_BASED)) {
		atom->value |= b->value << 32;
		atom->offset |= TABLE_BASED;
		return true;
	}
	return false;
}

/* Address +- number, and address - address of the same kind. */
static bool address_step(const struct values *values, enum flow_alu alu, unsigned width,
			 struct flow_atom *atom, const struct flow_atom *b)
{
	if (width != values->pointer)
		return false;
	if (b->kind == FLOW_CONST) {
		int64_t by = (int64_t)sign_extend(b->value, width);

		if (alu == FLOW_ADD || alu == FLOW_SUB) {
			atom->value += alu == FLOW_ADD ? (uint64_t)by : (uint64_t)-by;
			return atom->kind != FLOW_RVA || atom->value < values->size;
		}
		/* Aligning the stack pointer: where exactly is unknown, but what is addressed from
		 * there on is addressed from there. */
		if (alu == FLOW_AND && atom->kind == FLOW_FRAME && by < 0 && by >= -4096) {
			atom->value &= (uint64_t)by;
			return true;
		}
		return false;
	}
	if (alu == FLOW_SUB && b->kind == atom->kind) {
		atom->kind = FLOW_CONST;
		atom->value = cut(atom->value - b->value, width);
		return true;
	}
	return false;
}

/* One pair. False: the result is unknown. */
static bool combine(const struct values *values, enum flow_alu alu, unsigned width,
		    const struct flow_atom *a, const struct flow_atom *b, struct flow_atom *ret)
{
	*ret = *a;
	if (a->kind == FLOW_CONST && b->kind == FLOW_CONST) {
		ret->value = compute(alu, width, a->value, b->value);
		return true;
	}
	if (b->kind == FLOW_CONST && is_plain_copy(alu, cut(b->value, width)))
		return width == values->pointer || (a->kind != FLOW_RVA && a->kind != FLOW_FRAME);
	if ((int)a->kind == VALUE_TABLE)
		return table_step(alu, ret, b);
	if (a->kind == FLOW_RVA || a->kind == FLOW_FRAME)
		return address_step(values, alu, width, ret, b);
	return false;
}

static bool commutes(enum flow_alu alu)
{
	return alu == FLOW_ADD || alu == FLOW_AND || alu == FLOW_OR || alu == FLOW_XOR ||
	       alu == FLOW_MUL;
}

static bool combine_either(const struct values *values, enum flow_alu alu, unsigned width,
			   const struct flow_atom *a, const struct flow_atom *b,
			   struct flow_atom *ret)
{
	if (combine(values, alu, width, a, b, ret))
		return true;
	return commutes(alu) && combine(values, alu, width, b, a, ret);
}

/* Results that do not depend on what is unknown: x - x, x & 0, x | ~0. */
static bool is_fixed(enum flow_alu alu, unsigned width, const struct flow_atom *b, bool same,
		     uint64_t *ret)
{
	if (same && (alu == FLOW_XOR || alu == FLOW_SUB)) {
		*ret = 0;
		return true;
	}
	if (!b || b->kind != FLOW_CONST)
		return false;
	if ((alu == FLOW_AND || alu == FLOW_MUL) && cut(b->value, width) == 0) {
		*ret = 0;
		return true;
	}
	if (alu == FLOW_OR && cut(~b->value, width) == 0) {
		*ret = cut(~0ull, width);
		return true;
	}
	return false;
}

value_id values_alu(struct values *values, enum flow_alu alu, unsigned width, value_id a,
		    value_id b, bool same, uint32_t from)
{
	struct flow_atom atoms[FLOW_ATOMS];
	struct flow_value x = values_get(values, a), y = values_get(values, b);
	bool open = x.open || y.open;
	unsigned count = 0, pairs = x.count > y.count ? x.count : y.count;
	uint64_t fixed;

	if (is_fixed(alu, width, values_single(values, b), same, &fixed))
		return values_atom(values, FLOW_CONST, fixed, from);
	if (!x.count || !y.count || (!same && x.count > 1 && y.count > 1))
		return a == VALUE_WIDE || b == VALUE_WIDE ? VALUE_WIDE : VALUE_UNKNOWN;
	for (unsigned i = 0; i < pairs; i++) {
		const struct flow_atom *l = &x.atoms[x.count > 1 ? i : 0];
		const struct flow_atom *r = &y.atoms[y.count > 1 ? i : 0];

		if (combine_either(values, alu, width, l, r, &atoms[count])) {
			atoms[count].from = from;
			count++;
		} else {
			open = true;
		}
	}
	return values_make(values, atoms, count, open);
}

value_id values_cut(struct values *values, value_id a, unsigned width)
{
	struct flow_atom atoms[FLOW_ATOMS];
	struct flow_value x = values_get(values, a);
	bool open = x.open;
	unsigned count = 0;

	if (width >= 8 || !x.count)
		return a;
	for (unsigned i = 0; i < x.count; i++) {
		struct flow_atom atom = x.atoms[i];

		if (atom.kind == FLOW_CONST) {
			atom.value = cut(atom.value, width);
		} else if (width < 4 || (width < values->pointer &&
					 (atom.kind == FLOW_RVA || atom.kind == FLOW_FRAME))) {
			open = true;
			continue;
		}
		atoms[count++] = atom;
	}
	return values_make(values, atoms, count, open);
}
