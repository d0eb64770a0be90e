/*
 * Open-addressing map with linear probing; kept at most three quarters full.
 */
#include "base/hash.h"

#include <stdlib.h>

enum { HASH_SMALLEST = 16 };

/* Fibonacci hashing: the high bits of the product are well mixed, the low bits are not. */
static size_t hash_home(uint64_t key, size_t capacity)
{
	uint64_t mixed = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> 32) & (capacity - 1);
}

static struct hash_slot *hash_slot_of(struct hash_slot *slots, size_t capacity, uint64_t key)
{
	size_t i = hash_home(key, capacity);

	while (slots[i].value != 0 && slots[i].key != key)
		i = (i + 1) & (capacity - 1);
	return &slots[i];
}

void hash_init(struct hash *h)
{
	*h = (struct hash){0};
}

void hash_fini(struct hash *h)
{
	free(h->slots);
	hash_init(h);
}

bool hash_find(const struct hash *h, uint64_t key, uint32_t *ret_index)
{
	const struct hash_slot *slot;

	if (h->capacity == 0)
		return false;
	slot = hash_slot_of(h->slots, h->capacity, key);
	if (slot->value == 0)
		return false;
	*ret_index = slot->value - 1;
	return true;
}

static bool hash_resize(struct hash *h, size_t capacity)
{
	struct hash_slot *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < h->capacity; i++) {
		if (h->slots[i].value != 0)
			*hash_slot_of(slots, capacity, h->slots[i].key) = h->slots[i];
	}
	free(h->slots);
	h->slots = slots;
	h->capacity = capacity;
	return true;
}

bool hash_add(struct hash *h, uint64_t key, uint32_t index)
{
	if (h->count >= h->capacity / 4 * 3) {
		size_t capacity = h->capacity ? h->capacity * 2 : HASH_SMALLEST;

		if (capacity < h->capacity || !hash_resize(h, capacity))
			return false;
	}
	*hash_slot_of(h->slots, h->capacity, key) =
		(struct hash_slot){.key = key, .value = index + 1};
	h->count++;
	return true;
}
