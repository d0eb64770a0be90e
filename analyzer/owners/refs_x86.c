/*
 * The byte scan for x86 and x64: every offset of the code is tried, since where instructions begin
 * is not known.
 *
 * x64: four bytes that, as a displacement from behind themselves, lead to a target in the image
 * (call, jmp, lea, mov: all rip-relative operands without an immediate behind them); behind an E8
 * or E9 also to a target outside. x86: four bytes that are the absolute address of a target in the
 * image; displacements behind E8, E9 and 0F 80..8F. Not found: rip-relative operands that an
 * immediate follows, and short jumps.
 */
#include "analyzer/owners/refs_arch.h"

#include <string.h>

#include "base/bytes.h"

enum { DISPLACEMENT = 4 };

static inline bool is_near_branch(const uint8_t *bytes, size_t at)
{
	if (at >= 1 && (bytes[at - 1] & 0xfe) == 0xe8)
		return true;
	return at >= 2 && (bytes[at - 1] & 0xf0) == 0x80 && bytes[at - 2] == 0x0f;
}

/* Displacements, as RVAs modulo 2^32, between which targets lie. */
struct range {
	uint32_t low, length; /* the last one is low + length */
	bool any;
};

static void widen(struct range *range, uint32_t rva)
{
	uint32_t high = range->any ? range->low + range->length : rva;

	range->low = range->any && range->low < rva ? range->low : rva;
	range->length = (high > rva ? high : rva) - range->low;
	range->any = true;
}

/* Import slots lie together, so the first range is mostly narrow, and many images have no other. */
static void ranges_of(const struct refs *refs, struct range *ret_inside, struct range *ret_outside)
{
	*ret_inside = *ret_outside = (struct range){0};
	for (size_t i = 0; i < refs->count; i++) {
		uint64_t rva = refs->targets[i] - refs->image->base;

		if (rva < refs->image->size)
			widen(ret_inside, (uint32_t)rva);
		else if (rva <= UINT32_MAX || rva >= UINT64_MAX - UINT32_MAX)
			widen(ret_outside, (uint32_t)rva);
	}
	if (!ret_inside->any)
		*ret_inside = *ret_outside;
	if (!ret_outside->any)
		*ret_outside = *ret_inside;
}

typedef uint32_t words __attribute__((vector_size(16)));

enum { BLOCK = 16, BLOCK_READS = BLOCK + DISPLACEMENT - 1 };

/*
 * Whether any of the displacements at `code` .. `code` + 15 leads into one of the ranges;
 * BLOCK_READS bytes are there. `behind` is the RVA behind the first one. Sixteen at once, since
 * this question is asked at every byte of the code and nearly always answered with no.
 */
static inline bool block_leads_into(const uint8_t *code, uint32_t behind,
				    const struct range *inside, const struct range *outside)
{
	const words lanes = {0, 4, 8, 12};
	words found = {0};
	uint64_t halves[2];

	for (uint32_t i = 0; i < DISPLACEMENT; i++) {
		words rva;

		memcpy(&rva, code + i, sizeof(rva));
		rva += lanes + (behind + i);
		found |= (words)(rva - inside->low <= inside->length);
		found |= (words)(rva - outside->low <= outside->length);
	}
	memcpy(halves, &found, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

static bool scan_x64_at(const struct refs *refs, const struct refs_span *span, size_t at,
			refs_visitor visit, void *context)
{
	struct bytes code = bytes_of(span->bytes, span->size);
	uint32_t displacement = bytes_u32(&code, at);
	uint32_t rva = span->rva + (uint32_t)at + DISPLACEMENT + displacement;
	uint64_t va = span->va + at + DISPLACEMENT + (uint64_t)(int64_t)(int32_t)displacement;

	if (rva >= refs->image->size && !is_near_branch(span->bytes, at))
		return true;
	return !refs_wanted(refs, va) || visit(context, span->rva + (uint32_t)at, va);
}

bool refs_scan_x64(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context)
{
	struct range inside, outside;
	size_t at = 0;

	ranges_of(refs, &inside, &outside);
	if (!inside.any)
		return true; /* no displacement reaches a target */
	while (at + DISPLACEMENT <= span->size) {
		size_t end = at + BLOCK;

		if (at + BLOCK_READS <= span->size &&
		    !block_leads_into(span->bytes + at, span->rva + (uint32_t)at + DISPLACEMENT,
				      &inside, &outside)) {
			at = end;
			continue;
		}
		for (; at < end && at + DISPLACEMENT <= span->size; at++)
			if (!scan_x64_at(refs, span, at, visit, context))
				return false;
	}
	return true;
}

bool refs_scan_x86(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context)
{
	struct bytes code = bytes_of(span->bytes, span->size);
	uint32_t base = (uint32_t)refs->image->base, size = refs->image->size;

	for (size_t at = 0; at + DISPLACEMENT <= span->size; at++) {
		uint32_t word = bytes_u32(&code, at), rva = span->rva + (uint32_t)at;

		if (word - base < size && refs_wanted(refs, word) && !visit(context, rva, word))
			return false;
		if (!is_near_branch(span->bytes, at))
			continue;
		word += (uint32_t)span->va + (uint32_t)at + DISPLACEMENT;
		if (refs_wanted(refs, word) && !visit(context, rva, word))
			return false;
	}
	return true;
}
