/*
 * Values of the data flow: interned sets of atoms, so that a value is a number, a copy is free and
 * equality is one comparison. What a set stands for is said in flow.h.
 *
 * Ownership: one pool a flow, emptied between functions. Pools are of fixed size; a function that
 * needs more sets than fit gets VALUE_WIDE, which is right but says nothing.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_VALUES_H
#define PS_ANALYZER_OWNERS_FLOW_VALUES_H

#include "analyzer/owners/flow_arch.h"

typedef uint32_t value_id;

enum {
	VALUE_UNKNOWN = 0, /* open and empty */
	VALUE_WIDE = 1,    /* the same, and stays so in every join: keeps loops from counting up */
	VALUE_SETS = 1 << 15,
	VALUE_ATOMS = 1 << 17,
};

/*
 * Kinds of atoms that do not leave the engine: entries of a jump table. `value` is the table's RVA,
 * with the RVA that is added to each entry in its upper half; `offset` is TABLE_*.
 */
enum {
	VALUE_TABLE = 100,
	TABLE_WIDTH = 0x0f, /* bytes of an entry */
	TABLE_SIGNED = 0x10,
	TABLE_BASED = 0x20, /* something was added */
	TABLE_SHIFT = 8,    /* how far entries are shifted left, from this bit on */
};

struct value_set {
	uint32_t first, hash;
	uint8_t count;
	bool open;
};

/* A join that was made: joins of the same pairs come again and again. */
struct value_joined {
	value_id into, other, sum;
	uint32_t generation;
};

enum { VALUE_JOINS = 1 << 10 };

struct values {
	struct value_joined joins[VALUE_JOINS];
	uint32_t generation; /* of the function; joins of older ones mean nothing */
	struct flow_atom *atoms;
	struct value_set *sets;
	value_id *buckets; /* id, 0 empty; the first `bucket_count`, a power of two, are in use */
	uint32_t bucket_count;
	uint32_t atom_count, set_count;
	unsigned pointer; /* bytes */
	uint64_t base;    /* of the image, and its size: what is an address on x86 */
	uint32_t size;
};

bool values_init(struct values *values);
void values_fini(struct values *values);
void values_reset(struct values *values, unsigned pointer, uint64_t base, uint32_t size);

static inline struct flow_value values_get(const struct values *values, value_id id)
{
	const struct value_set *set = &values->sets[id];

	return (struct flow_value){
		.count = set->count, .open = set->open, .atoms = values->atoms + set->first};
}

/** Sorted, made unique and interned; more than FLOW_ATOMS are cut and the set is open. */
value_id values_make(struct values *values, struct flow_atom *atoms, unsigned count, bool open);

value_id values_atom(struct values *values, enum flow_kind kind, uint64_t value, uint32_t from);

/** A number, or FLOW_RVA when it is `address` and lies inside the image. */
value_id values_number(struct values *values, uint64_t number, bool address, uint32_t from);

/** What `into` becomes when `other` is possible as well. */
value_id values_join(struct values *values, value_id into, value_id other);

/** dst = a alu b, of instruction `from`; `width` as in flow_arch.h. `same`: one register. */
value_id values_alu(struct values *values, enum flow_alu alu, unsigned width, value_id a,
		    value_id b, bool same, uint32_t from);

/** The lower `width` bytes (4 or less) of a, zero-extended; a itself for 8. */
value_id values_cut(struct values *values, value_id a, unsigned width);

/** The single atom of a closed set, or NULL. */
static inline const struct flow_atom *values_single(const struct values *values, value_id id)
{
	const struct value_set *set = &values->sets[id];

	return set->count == 1 && !set->open ? values->atoms + set->first : NULL;
}

#endif
