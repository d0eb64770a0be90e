/*
 * Reads over the pieces of virtual memory that a minidump holds: no page tables, a look-up by
 * address. Private to this room.
 */
#ifndef PS_ANALYZER_MEMORY_RANGES_H
#define PS_ANALYZER_MEMORY_RANGES_H

#include "analyzer/memory/hole.h"
#include "formats/dump.h"

/** How many of `length` bytes from `va` on are all in one piece, or all in one gap. */
size_t ranges_stretch(const struct dump *dump, uint64_t va, size_t length);

/** Reads one such stretch. False: `to` is undefined, and *ret_hole covers the stretch. */
bool ranges_read(struct dump *dump, uint64_t va, void *to, size_t length, struct hole *ret_hole);

#endif
