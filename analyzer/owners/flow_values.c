/* Interned sets of atoms: making and joining them. Arithmetic is in flow_arith.c. */
#include "analyzer/owners/flow_values.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/*
 * Most functions make some hundred sets: the table begins small, stays in the first-level cache,
 * and doubles when it is half full.
 */
enum { BUCKETS = VALUE_SETS * 2, BUCKETS_FIRST = 1 << 10 };

bool values_init(struct values *values)
{
	memset(values, 0, sizeof(*values));
	values->atoms = mem_array(VALUE_ATOMS, sizeof(*values->atoms));
	values->sets = mem_array(VALUE_SETS, sizeof(*values->sets));
	values->buckets = mem_array(BUCKETS, sizeof(*values->buckets));
	if (!values->atoms || !values->sets || !values->buckets) {
		values_fini(values);
		return false;
	}
	values_reset(values, 8, 0, 0);
	return true;
}

void values_fini(struct values *values)
{
	free(values->atoms);
	free(values->sets);
	free(values->buckets);
	memset(values, 0, sizeof(*values));
}

void values_reset(struct values *values, unsigned pointer, uint64_t base, uint32_t size)
{
	values->bucket_count = BUCKETS_FIRST;
	memset(values->buckets, 0, BUCKETS_FIRST * sizeof(*values->buckets));
	values->sets[VALUE_UNKNOWN] = (struct value_set){.open = true};
	values->sets[VALUE_WIDE] = (struct value_set){.open = true};
	values->set_count = 2;
	values->generation++;
	values->atom_count = 0;
	values->pointer = pointer;
	values->base = base;
	values->size = size;
}

static int compare(const struct flow_atom *a, const struct flow_atom *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return 0;
}

/* Insertion sort; of equal atoms the one from the lowest place stays. Returns how many are left. */
static unsigned sort_unique(struct flow_atom *atoms, unsigned count)
{
	unsigned used = 0;

	for (unsigned i = 0; i < count; i++) {
		struct flow_atom atom = atoms[i];
		unsigned at = used;

		while (at && compare(&atoms[at - 1], &atom) > 0)
			at--;
		if (at && compare(&atoms[at - 1], &atom) == 0) {
			if (atom.from < atoms[at - 1].from)
				atoms[at - 1].from = atom.from;
			continue;
		}
		memmove(atoms + at + 1, atoms + at, (used - at) * sizeof(*atoms));
		atoms[at] = atom;
		used++;
	}
	return used;
}

static uint32_t hash_of(const struct flow_atom *atoms, unsigned count, bool open)
{
	uint64_t hash = open ? 0x9e3779b97f4a7c15u : 1;

	for (unsigned i = 0; i < count; i++) {
		hash ^= atoms[i].value + ((uint64_t)atoms[i].offset << 32) +
			((uint64_t)atoms[i].kind << 56) + ((uint64_t)atoms[i].from << 20);
		hash *= 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

static bool same_set(const struct values *values, value_id id, const struct flow_atom *atoms,
		     unsigned count, bool open)
{
	const struct value_set *set = &values->sets[id];
	const struct flow_atom *have = values->atoms + set->first;

	if (set->count != count || set->open != open)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (compare(&have[i], &atoms[i]) != 0 || have[i].from != atoms[i].from)
			return false;
	return true;
}

static void double_buckets(struct values *values)
{
	uint32_t mask = values->bucket_count * 2 - 1;

	memset(values->buckets, 0, (size_t)(mask + 1) * sizeof(*values->buckets));
	for (value_id id = VALUE_WIDE + 1; id < values->set_count; id++) {
		uint32_t bucket = values->sets[id].hash & mask;

		while (values->buckets[bucket])
			bucket = (bucket + 1) & mask;
		values->buckets[bucket] = id;
	}
	values->bucket_count = mask + 1;
}

static value_id intern(struct values *values, const struct flow_atom *atoms, unsigned count,
		       bool open)
{
	uint32_t hash = hash_of(atoms, count, open), mask = values->bucket_count - 1;
	uint32_t bucket = hash & mask;
	value_id id;

	while ((id = values->buckets[bucket]) != 0) {
		if (values->sets[id].hash == hash && same_set(values, id, atoms, count, open))
			return id;
		bucket = (bucket + 1) & mask;
	}
	if (values->set_count == VALUE_SETS || values->atom_count + count > VALUE_ATOMS)
		return VALUE_WIDE;
	id = values->set_count++;
	values->sets[id] = (struct value_set){
		.first = values->atom_count, .hash = hash, .count = (uint8_t)count, .open = open};
	memcpy(values->atoms + values->atom_count, atoms, count * sizeof(*atoms));
	values->atom_count += count;
	values->buckets[bucket] = id;
	if (values->set_count > values->bucket_count / 2 && values->bucket_count < BUCKETS)
		double_buckets(values);
	return id;
}

value_id values_make(struct values *values, struct flow_atom *atoms, unsigned count, bool open)
{
	count = sort_unique(atoms, count);
	if (count > FLOW_ATOMS) {
		count = FLOW_ATOMS;
		open = true;
	}
	if (!count)
		return VALUE_UNKNOWN;
	return intern(values, atoms, count, open);
}

value_id values_atom(struct values *values, enum flow_kind kind, uint64_t value, uint32_t from)
{
	struct flow_atom atom = {.kind = kind, .value = value, .from = from};

	return intern(values, &atom, 1, false);
}

value_id values_number(struct values *values, uint64_t number, bool address, uint32_t from)
{
	if (address && number >= values->base && number - values->base < values->size)
		return values_atom(values, FLOW_RVA, number - values->base, from);
	return values_atom(values, FLOW_CONST, number, from);
}

/* The accumulator keeps its atoms when the sum overflows, so that repeated joins come to rest. */
static value_id join(struct values *values, value_id into, value_id other)
{
	struct flow_atom atoms[FLOW_ATOMS * 2];
	const struct value_set *a = &values->sets[into];
	const struct value_set *b = &values->sets[other];
	bool open = a->open || b->open;
	unsigned count = a->count;

	memcpy(atoms, values->atoms + a->first, a->count * sizeof(*atoms));
	for (unsigned i = 0; i < b->count; i++) {
		const struct flow_atom *atom = &values->atoms[b->first + i];
		unsigned at = 0;

		while (at < count && compare(&atoms[at], atom) != 0)
			at++;
		if (at < count) {
			if (atom->from < atoms[at].from)
				atoms[at].from = atom->from;
		} else if (count == FLOW_ATOMS) {
			open = true;
		} else {
			atoms[count++] = *atom;
		}
	}
	return values_make(values, atoms, count, open);
}

value_id values_join(struct values *values, value_id into, value_id other)
{
	struct value_joined *known = &values->joins[(into * 31 + other) % VALUE_JOINS];

	if (into == other || into == VALUE_WIDE)
		return into;
	if (other == VALUE_WIDE)
		return VALUE_WIDE;
	if (known->generation != values->generation || known->into != into || known->other != other)
		*known = (struct value_joined){into, other, join(values, into, other),
					       values->generation};
	return known->sum;
}
