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

#include "base/bytes.h"

enum { DISPLACEMENT = 4 };

static inline bool is_near_branch(const uint8_t *bytes, size_t at)
{
	if (at >= 1 && (bytes[at - 1] & 0xfe) == 0xe8)
		return true;
	return at >= 2 && (bytes[at - 1] & 0xf0) == 0x80 && bytes[at - 2] == 0x0f;
}

bool refs_scan_x64(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context)
{
	struct bytes code = bytes_of(span->bytes, span->size);
	uint32_t size = refs->image->size;

	for (size_t at = 0; at + DISPLACEMENT <= span->size; at++) {
		uint32_t displacement = bytes_u32(&code, at);
		uint32_t rva = span->rva + (uint32_t)at + DISPLACEMENT + displacement;
		uint64_t va;

		if (rva >= size && !is_near_branch(span->bytes, at))
			continue;
		va = span->va + at + DISPLACEMENT + (uint64_t)(int64_t)(int32_t)displacement;
		if (refs_wanted(refs, va) && !visit(context, span->rva + (uint32_t)at, va))
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
