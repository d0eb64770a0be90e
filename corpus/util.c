/*
 * Small tools of mkdump: memory that cannot fail, a seeded generator of numbers, little-endian
 * stores, and a map from 64-bit keys to indices.
 *
 * Does not: read recipes, know anything of Windows.
 */
#include "corpus/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
	va_list args;
	fputs("mkdump: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);
	if (!memory)
		die("out of memory");
	return memory;
}

char *xstrdup(const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		die("out of memory");
	return copy;
}

char *xprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		die("out of memory");
	return text;
}

void *grow(void *array, size_t count, size_t *capacity, size_t element_size)
{
	if (count < *capacity)
		return array;
	size_t wanted = *capacity ? *capacity * 2 : 16;
	void *moved = reallocarray(array, wanted, element_size);
	if (!moved)
		die("out of memory");
	memset((char *)moved + *capacity * element_size, 0, (wanted - *capacity) * element_size);
	*capacity = wanted;
	return moved;
}

/* SplitMix64 (public domain generator by S. Vigna): one 64-bit state, good enough for fixtures. */
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = (rng->state += UINT64_C(0x9E3779B97F4A7C15));
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

struct rng rng_fork(uint64_t seed, const char *label)
{
	struct rng rng = {.state = seed ^ UINT64_C(0x6D6B64756D70)};
	for (const char *c = label; *c; c++)
		rng.state = rng_next(&rng) ^ (unsigned char)*c;
	return rng;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	return bound ? rng_next(rng) % bound : 0;
}

uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high)
{
	return low + rng_below(rng, high - low + 1);
}

void put_width(uint8_t *at, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

void put16(uint8_t *at, uint64_t value)
{
	put_width(at, value, 2);
}

void put32(uint8_t *at, uint64_t value)
{
	put_width(at, value, 4);
}

void put64(uint8_t *at, uint64_t value)
{
	put_width(at, value, 8);
}

uint64_t get32(const uint8_t *at)
{
	return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
	       (uint64_t)at[3] << 24;
}

uint64_t get64(const uint8_t *at)
{
	return get32(at) | get32(at + 4) << 32;
}

uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static size_t map_slot(const struct map *map, uint64_t key)
{
	uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15);
	size_t slot = (size_t)(hash >> 32) & (map->capacity - 1);
	while (map->keys[slot] != UINT64_MAX && map->keys[slot] != key)
		slot = (slot + 1) & (map->capacity - 1);
	return slot;
}

static void map_resize(struct map *map)
{
	struct map bigger = {.capacity = map->capacity ? map->capacity * 2 : 1024};
	bigger.keys = xcalloc(bigger.capacity, sizeof(*bigger.keys));
	bigger.values = xcalloc(bigger.capacity, sizeof(*bigger.values));
	memset(bigger.keys, 0xFF, bigger.capacity * sizeof(*bigger.keys));
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->keys[i] != UINT64_MAX)
			map_put(&bigger, map->keys[i], map->values[i]);
	}
	map_fini(map);
	*map = bigger;
}

void map_put(struct map *map, uint64_t key, uint32_t value)
{
	if (map->count * 2 >= map->capacity)
		map_resize(map);
	size_t slot = map_slot(map, key);
	if (map->keys[slot] == UINT64_MAX)
		map->count++;
	map->keys[slot] = key;
	map->values[slot] = value;
}

int64_t map_get(const struct map *map, uint64_t key)
{
	if (!map->capacity)
		return MAP_NONE;
	size_t slot = map_slot(map, key);
	return map->keys[slot] == key ? (int64_t)map->values[slot] : MAP_NONE;
}

void map_fini(struct map *map)
{
	free(map->keys);
	free(map->values);
	*map = (struct map){0};
}
