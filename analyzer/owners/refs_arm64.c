/*
 * The byte scan for ARM64: one linear pass over the instruction words, without disassembly.
 *
 * Found are B and BL, ADR, literal loads, and addresses put together from ADRP: by a following ADD,
 * load or store with an immediate, however many instructions later, also by two steps (ADRP, ADD,
 * load from there). The pass does not follow jumps, so a register keeps its last two pages until
 * others come: what it finds may be stale, what it misses must be rare. Not found: addresses built
 * with MOVZ/MOVK, from registers added to each other, pages that came through memory or MOV, and
 * loads with a negative or written-back displacement. Encodings: Arm Architecture Reference Manual,
 * "A64 Base Instructions".
 */
#include "analyzer/owners/refs_arch.h"

#include "base/bytes.h"

enum word_class {
	PLAIN,
	BRANCH,  /* B, BL */
	ADR,     /* ADR, ADRP */
	ADD,     /* ADD immediate */
	LITERAL, /* LDR literal */
	ACCESS,  /* LDR, STR and their kin with an unsigned scaled displacement */
	PAIR,    /* LDP of two X registers with a displacement */
};

/* By the top byte of the word. */
static const uint8_t classes[256] = {
	[0x14] = BRANCH, [0x15] = BRANCH, [0x16] = BRANCH,  [0x17] = BRANCH,  [0x94] = BRANCH,
	[0x95] = BRANCH, [0x96] = BRANCH, [0x97] = BRANCH,  [0x10] = ADR,     [0x30] = ADR,
	[0x50] = ADR,    [0x70] = ADR,    [0x90] = ADR,     [0xb0] = ADR,     [0xd0] = ADR,
	[0xf0] = ADR,    [0x91] = ADD,    [0x18] = LITERAL, [0x58] = LITERAL, [0x98] = LITERAL,
	[0x39] = ACCESS, [0x79] = ACCESS, [0xb9] = ACCESS,  [0xf9] = ACCESS,  [0xa9] = PAIR,
};

/* What one register may hold. Index 31 is the stack pointer and stays empty. */
struct pages {
	uint64_t last, before; /* by the last two ADRPs */
	uint64_t sum;          /* by the last ADD to one of those */
	bool has_last, has_before, has_sum;
};

struct scan {
	const struct refs *refs;
	refs_visitor visit;
	void *context;
	uint32_t rva; /* of the word looked at */
	bool stopped;
	struct pages pages[32];
};

static inline int64_t signed_field(uint32_t word, unsigned low, unsigned bits)
{
	return (int64_t)((uint64_t)word << (64 - low - bits)) >> (64 - bits);
}

static inline unsigned first_register(uint32_t word)
{
	return word & 31;
}

static inline unsigned base_register(uint32_t word)
{
	return word >> 5 & 31;
}

static inline void candidate(struct scan *scan, uint64_t va)
{
	if (refs_wanted(scan->refs, va) && !scan->visit(scan->context, scan->rva, va))
		scan->stopped = true;
}

static inline void displaced(struct scan *scan, uint32_t word, uint64_t displacement)
{
	const struct pages *pages = &scan->pages[base_register(word)];

	if (pages->has_last)
		candidate(scan, pages->last + displacement);
	if (pages->has_before)
		candidate(scan, pages->before + displacement);
	if (pages->has_sum)
		candidate(scan, pages->sum + displacement);
}

static inline void adr(struct scan *scan, uint32_t word, uint64_t pc)
{
	uint64_t offset = ((uint64_t)signed_field(word, 5, 19) << 2) | (word >> 29 & 3);
	struct pages *pages = &scan->pages[first_register(word)];

	if (word >> 31 == 0) {
		candidate(scan, pc + offset);
		return;
	}
	if (first_register(word) == 31)
		return;
	pages->before = pages->last;
	pages->has_before = pages->has_last;
	pages->last = (pc & ~UINT64_C(0xfff)) + (offset << 12);
	pages->has_last = true;
}

static inline void add(struct scan *scan, uint32_t word)
{
	uint64_t addend = (uint64_t)(word >> 10 & 0xfff) << (word >> 22 & 1 ? 12 : 0);
	const struct pages *base = &scan->pages[base_register(word)];
	struct pages *pages = &scan->pages[first_register(word)];

	if (word >> 23 & 1)
		return; /* ADDG */
	displaced(scan, word, addend);
	if (first_register(word) == 31 || !base->has_last)
		return;
	pages->sum = base->last + addend;
	pages->has_sum = true;
}

static inline void pair(struct scan *scan, uint32_t word)
{
	uint64_t displacement = (uint64_t)signed_field(word, 15, 7) << 3;

	if ((word >> 22 & 7) != 5)
		return; /* a store, or one that writes the base back */
	displaced(scan, word, displacement);
	displaced(scan, word, displacement + 8);
}

static inline void look(struct scan *scan, uint32_t word, uint64_t pc)
{
	switch ((enum word_class)classes[word >> 24]) {
	case PLAIN: return;
	case BRANCH: candidate(scan, pc + ((uint64_t)signed_field(word, 0, 26) << 2)); return;
	case ADR: adr(scan, word, pc); return;
	case ADD: add(scan, word); return;
	case LITERAL: candidate(scan, pc + ((uint64_t)signed_field(word, 5, 19) << 2)); return;
	case ACCESS: displaced(scan, word, (uint64_t)(word >> 10 & 0xfff) << (word >> 30)); return;
	case PAIR: pair(scan, word); return;
	}
}

bool refs_scan_arm64(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
		     void *context)
{
	struct scan scan = {.refs = refs, .visit = visit, .context = context};
	struct bytes code = bytes_of(span->bytes, span->size);

	for (size_t at = 0; at + 4 <= span->size && !scan.stopped; at += 4) {
		if (classes[span->bytes[at + 3]] == PLAIN)
			continue;
		scan.rva = span->rva + (uint32_t)at;
		look(&scan, bytes_u32(&code, at), span->va + at);
	}
	return !scan.stopped;
}
