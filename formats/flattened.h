/*
 * Flattened makedumpfile streams, as QEMU writes kdump files: the pieces of a file in the order in
 * which they were written. Private to this room.
 */
#ifndef PS_FORMATS_FLATTENED_H
#define PS_FORMATS_FLATTENED_H

#include "formats/dump.h"

/** Stretches of the rearranged file that the stream has bytes for. */
struct coverage {
	bool whole;            /* the stream has its end: all of the file is covered */
	struct stretch *items; /* owned; ascending, not touching */
	size_t count, capacity;
};

struct stretch {
	uint64_t start, end;
};

/** True when the file begins as such a stream does. */
bool flattened_is(struct file *file);

/**
 * Rearranges the stream into an unlinked file in $TMPDIR. The caller closes *ret and frees
 * *ret_coverage. A stream that ends early gives what it has: !whole. PS_CORRUPT, PS_SYSTEM (no
 * room), PS_INTERRUPTED.
 */
enum ps_status flattened_unpack(struct file *stream, struct progress *progress, struct file *ret,
				struct coverage *ret_coverage, struct ps_error *err);

/** True when all of [offset, offset+length) came from the stream. */
bool coverage_has(const struct coverage *coverage, uint64_t offset, uint64_t length);
void coverage_fini(struct coverage *coverage);

#endif
