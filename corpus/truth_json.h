/*
 * Values of the truth as JSON: numbers, addresses, times, tags. Out of memory ends the program.
 */
#ifndef CORPUS_TRUTH_JSON_H
#define CORPUS_TRUTH_JSON_H

#include <jansson.h>
#include <stdint.h>

/* Both take the value over. */
void truth_set(json_t *object, const char *key, json_t *value);
void truth_append(json_t *array, json_t *value);

json_t *truth_integer(uint64_t value);
/* "0x" and so many digits. */
json_t *truth_hex(uint64_t value, int digits);
json_t *truth_address(uint64_t value);
/* Of seconds since 1970. */
json_t *truth_utc(int64_t time);

/* The four bytes of a tag as they lie in memory, in hex. */
json_t *truth_tag_digits(uint32_t key);
/* "tag", readable, and "tag_hex". */
void truth_set_tag(json_t *object, uint32_t key);

#endif
