/*
 * The seam between the set of targets (refs.c) and the scans of the machines (refs_x86.c,
 * refs_arm64.c).
 *
 * A scan computes an address for a good part of all words it sees, and asks refs_wanted() of each:
 * a filter of one bit per hash value, small enough for the first-level cache, answers nearly all of
 * them; refs_is_target() the rest.
 */
#ifndef PS_ANALYZER_OWNERS_REFS_ARCH_H
#define PS_ANALYZER_OWNERS_REFS_ARCH_H

#include "analyzer/owners/refs.h"

enum {
	REFS_FILTER_SHIFT = 16, /* 32-bit hash to 16 bits: 8 KiB of filter */
	REFS_FILTER_WORDS = 1 << (32 - REFS_FILTER_SHIFT - 6),
};

struct refs {
	uint64_t filter[REFS_FILTER_WORDS];
	const struct pe_image *image; /* borrowed */
	uint64_t *targets;            /* VAs as image->base has them; ascending when sorted */
	size_t count, capacity;
	bool unsorted;
};

static inline uint32_t refs_hash(uint64_t va)
{
	return (uint32_t)va * UINT32_C(0x9e3779b1) >> REFS_FILTER_SHIFT;
}

/** Whether `va` is a target, by binary search. */
bool refs_is_target(const struct refs *refs, uint64_t va);

static inline bool refs_wanted(const struct refs *refs, uint64_t va)
{
	uint32_t hash = refs_hash(va);

	return (refs->filter[hash / 64] >> hash % 64 & 1) != 0 && refs_is_target(refs, va);
}

/** Index of the first target that is not below `va`. */
size_t refs_position(const struct refs *refs, uint64_t va);

/** Present bytes of one section with code, as one piece. */
struct refs_span {
	const struct pe_image *image;
	const uint8_t *bytes;
	size_t size;
	uint32_t rva;
	uint64_t va; /* image->base + rva */
};

/** Visits the candidates in the span by RVA; false when the visitor stopped. */
bool refs_scan_x86(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context);
bool refs_scan_x64(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context);
bool refs_scan_arm64(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		     void *context);

#endif
