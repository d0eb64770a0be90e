/*
 * The byte scan for x86 and x64: every offset of the code is tried, since where instructions begin
 * is not known.
 *
 * x64: four bytes behind the ModRM byte of a rip-relative operand, or behind E8, E9 or 0F 80..8F,
 * that as a displacement from behind themselves lead to a target; operands only to one in the
 * image. x86: four bytes that are the absolute address of a target in the image; displacements
 * behind E8, E9 and 0F 80..8F. Not found: rip-relative operands that an immediate follows, and
 * short jumps.
 */
#include "analyzer/owners/refs_arch.h"

#include "analyzer/owners/octets.h"
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

/* Over the targets from `first` to `last`, both included. Addresses may wrap around. */
static void widen_over(struct range *range, const struct refs *refs, uint64_t base, uint64_t first,
		       uint64_t last)
{
	size_t begin = refs_position(refs, first), end = refs_position(refs, last);

	if (first > last) {
		widen_over(range, refs, base, first, UINT64_MAX);
		widen_over(range, refs, base, 0, last);
		return;
	}
	end += end < refs->count && refs->targets[end] == last;
	if (begin >= end)
		return;
	widen(range, (uint32_t)(refs->targets[begin] - base));
	widen(range, (uint32_t)(refs->targets[end - 1] - base));
}

/* Targets further away than a displacement reaches are passed over. */
static void ranges_of(const struct refs *refs, const struct pe_image *image,
		      struct range *ret_inside, struct range *ret_outside)
{
	uint64_t base = image->base, end = base + image->size;

	*ret_inside = *ret_outside = (struct range){0};
	widen_over(ret_inside, refs, base, base, end - 1);
	widen_over(ret_outside, refs, base, base - UINT32_MAX, base - 1);
	widen_over(ret_outside, refs, base, end, base + UINT32_MAX);
}

static inline bool is_in(const struct range *range, uint32_t rva)
{
	return rva - range->low <= range->length;
}

/* The scan of one span for x64. */
struct scan {
	const struct refs *refs;
	const struct refs_span *span;
	struct range inside, outside;
	refs_visitor visit;
	void *context;
};

/* The displacement at `at`, which an operand or a near branch can have. */
static inline bool look_x64(const struct scan *scan, size_t at)
{
	const struct refs_span *span = scan->span;
	struct bytes code = bytes_of(span->bytes, span->size);
	uint32_t displacement = bytes_u32(&code, at);
	uint32_t rva = span->rva + (uint32_t)at + DISPLACEMENT + displacement;
	uint64_t va = span->va + at + DISPLACEMENT + (uint64_t)(int64_t)(int32_t)displacement;

	if (!is_in(&scan->inside, rva) &&
	    !(is_in(&scan->outside, rva) && is_near_branch(span->bytes, at)))
		return true;
	return !refs_wanted(scan->refs, va) ||
	       scan->visit(scan->context, span->rva + (uint32_t)at, va);
}

/* ModRM of a rip-relative operand: mod 00, r/m 101. */
enum { MODRM_FIXED = 0xc7, MODRM_RIP = 0x05 };

static inline bool has_displacement(const uint8_t *bytes, size_t at)
{
	return (at >= 1 && (bytes[at - 1] & MODRM_FIXED) == MODRM_RIP) || is_near_branch(bytes, at);
}

/* has_displacement() of the sixteen places from `code` on. */
static inline uint64_t displacements_in_part(const uint8_t *code)
{
	octets before = octets_at(code - 1), opcode = octets_at(code - 2);

	return octets_bits(
		(octet_halves)((before & MODRM_FIXED) == MODRM_RIP) |
		(octet_halves)((before & 0xfe) == 0xe8) |
		((octet_halves)((before & 0xf0) == 0x80) & (octet_halves)(opcode == 0x0f)));
}

/*
 * 64 places at once and without a branch, since this is asked at every byte of the code and
 * answered with no at 19 of 20.
 */
static inline uint64_t displacements_in_block(const uint8_t *code)
{
	return displacements_in_part(code) | displacements_in_part(code + OCTETS) << OCTETS |
	       displacements_in_part(code + 2 * OCTETS) << 2 * OCTETS |
	       displacements_in_part(code + 3 * OCTETS) << 3 * OCTETS;
}

static bool look_in_block(const struct scan *scan, size_t at)
{
	uint64_t places = displacements_in_block(scan->span->bytes + at);

	for (; places != 0; places &= places - 1)
		if (!look_x64(scan, at + (unsigned)__builtin_ctzll(places)))
			return false;
	return true;
}

bool refs_scan_x64(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context)
{
	struct scan scan = {.refs = refs, .span = span, .visit = visit, .context = context};
	size_t at = 0;

	ranges_of(refs, span->image, &scan.inside, &scan.outside);
	while (at + DISPLACEMENT <= span->size) {
		if (at >= 2 && at + OCTETS_BLOCK + DISPLACEMENT <= span->size) {
			if (!look_in_block(&scan, at))
				return false;
			at += OCTETS_BLOCK;
			continue;
		}
		if (has_displacement(span->bytes, at) && !look_x64(&scan, at))
			return false;
		at++;
	}
	return true;
}

bool refs_scan_x86(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		   void *context)
{
	struct bytes code = bytes_of(span->bytes, span->size);
	uint32_t base = (uint32_t)span->image->base, size = span->image->size;

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
