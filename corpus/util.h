/*
 * Small tools of mkdump: memory that cannot fail, a seeded generator of numbers, little-endian
 * stores, and a map from 64-bit keys to indices.
 *
 * Does not: read recipes, know anything of Windows.
 */
#ifndef CORPUS_UTIL_H
#define CORPUS_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_SIZE = 4096, PAGE_SHIFT = 12 };

/* Prints "mkdump: ..." and ends the program with status 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

void *xcalloc(size_t count, size_t size);
char *xstrdup(const char *text);
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns `array`, moved if it had to be, with zeroed room for at least count + 1 elements. */
void *grow(void *array, size_t count, size_t *capacity, size_t element_size);

/* A generator forked from (seed, label): what one part draws never shifts what another draws. */
struct rng {
	uint64_t state;
};
struct rng rng_fork(uint64_t seed, const char *label);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound);                /* 0 .. bound - 1; 0 for 0 */
uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high); /* both ends included */

void put16(uint8_t *at, uint64_t value);
void put32(uint8_t *at, uint64_t value);
void put64(uint8_t *at, uint64_t value);
uint64_t get32(const uint8_t *at);
uint64_t get64(const uint8_t *at);
/* Stores the low `width` bytes (1, 2, 4 or 8). */
void put_width(uint8_t *at, uint64_t value, unsigned width);

uint64_t round_up(uint64_t value, uint64_t unit);
uint64_t pages_of(uint64_t bytes);

/* Open-addressing map; every key but UINT64_MAX is allowed. */
struct map {
	uint64_t *keys;
	uint32_t *values;
	size_t capacity;
	size_t count;
};
enum { MAP_NONE = -1 };
void map_put(struct map *map, uint64_t key, uint32_t value);
int64_t map_get(const struct map *map, uint64_t key); /* value or MAP_NONE */
void map_fini(struct map *map);

#endif
