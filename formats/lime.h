/*
 * LiME and AVML images: a chain of headers, each with a range of physical memory behind it. Private
 * to this room.
 *
 * A packed_memory is created by avml_create() and owned by whoever has it until avml_source() makes
 * it the dump's.
 */
#ifndef PS_FORMATS_LIME_H
#define PS_FORMATS_LIME_H

#include "formats/dump.h"

enum { LIME_HEADER = 32 };

/** Memory [start, end) lies behind the header. */
struct lime_range {
	uint64_t start, end;
};

/** Packed ranges, as they are found. */
struct packed_memory;

/** NULL when memory is out. `file` is borrowed for as long as the object lives. */
struct packed_memory *avml_create(struct file *file);
void avml_destroy(struct packed_memory *packed);

/**
 * Finds the chunks of the packed range whose bytes begin at file offset `at`. *ret_next: where the
 * next header is. PS_ABSENT when the file ends in the range, PS_CORRUPT when its chunks make no
 * sense from some place on: what was found before that stays usable.
 */
enum ps_status avml_add_range(struct packed_memory *packed, const struct lime_range *range,
			      uint64_t at, uint64_t *ret_next, struct ps_error *err);

/** Bytes of memory in the chunks found. */
uint64_t avml_bytes(const struct packed_memory *packed);

/**
 * Makes it a source of pages, whose place in the map is their address. Ranges must all have been
 * added; PS_CORRUPT when they overlap. `cut`: pages that no chunk has are behind the file's end.
 */
enum ps_status avml_source(struct packed_memory *packed, bool cut, struct page_source **ret,
			   struct ps_error *err);

#endif
