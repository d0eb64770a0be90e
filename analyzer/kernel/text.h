/*
 * Strings in kernel memory: UNICODE_STRING and UTF-16 as UTF-8, and C strings. Private to this
 * room.
 */
#ifndef PS_ANALYZER_KERNEL_TEXT_H
#define PS_ANALYZER_KERNEL_TEXT_H

#include "analyzer/memory/space.h"

enum { UNICODE_STRING_LIMIT = 1024 }; /* bytes; no driver path comes near */

/**
 * UTF-8 of `size` bytes of little-endian UTF-16; unpaired surrogates and control characters become
 * U+FFFD. NULL when memory is out. The caller frees.
 */
char *unicode_to_utf8(const uint8_t *text, size_t size);

/** As unicode_to_utf8(), into the `room` bytes (1 and more) of `to`; cut before a character. */
void unicode_to_utf8_cut(const uint8_t *text, size_t size, char *to, size_t room);

/**
 * Reads the UNICODE_STRING at `va`. PS_ABSENT when its bytes are not in the dump or it is empty,
 * PS_CORRUPT when Length is odd or above the limit or Buffer is no kernel address. The caller
 * frees *ret.
 */
enum ps_status unicode_string_read(struct space *space, uint64_t va, char **ret,
				   struct ps_error *err);

/**
 * Reads the NUL-terminated bytes at `va` into `to`, of which no more than size - 1 and `room` are
 * looked at. False when the NUL is not among them or a byte is not in the dump; `to` is then
 * undefined.
 */
bool text_read_c_string(struct space *space, uint64_t va, uint64_t room, char *to, size_t size);

#endif
