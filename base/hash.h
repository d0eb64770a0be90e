/*
 * Open-addressing map from a 64-bit key to a 32-bit index (of an array that the caller keeps).
 * No deletion. Any key is allowed, 0 included.
 */
#ifndef PS_BASE_HASH_H
#define PS_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_slot {
	uint64_t key;
	uint32_t value; /* index + 1; 0 = empty slot */
};

struct hash {
	struct hash_slot *slots; /* owned */
	size_t capacity;         /* power of two, or 0 */
	size_t count;
};

void hash_init(struct hash *h);
void hash_fini(struct hash *h);

/** Finds `key`; true and *ret_index when there. */
bool hash_find(const struct hash *h, uint64_t key, uint32_t *ret_index);

/** Adds `key` -> `index` (index < UINT32_MAX); the key must not be there. False: out of memory. */
bool hash_add(struct hash *h, uint64_t key, uint32_t index);

#endif
