/*
 * The hashes that place tags in the tracker tables and addresses in the big-page table.
 *
 * Sources: A - Windows Research Kernel (2003 SP1) and disassembly of builds 14393 to 26100; B -
 * disassembly of XP SP3 and Windows 7 SP1 x86; X - XP SP3; W - Windows Research Kernel. Which one a
 * dump uses is found by voting, never assumed.
 */
#ifndef PS_ANALYZER_POOL_TAG_HASH_H
#define PS_ANALYZER_POOL_TAG_HASH_H

#include <stdint.h>

static inline uint32_t hash_multiply_fold(uint32_t key)
{
	uint64_t h = (uint64_t)key * 40543;

	return (uint32_t)(h ^ h >> 32);
}

static inline uint32_t hash_shift_xor(uint32_t key)
{
	uint32_t x = key & 0xff;

	x = x << 2 ^ (key >> 8 & 0xff);
	x = x << 2 ^ (key >> 16 & 0xff);
	x = x << 2 ^ key >> 24;
	return 40543 * x >> 2;
}

/** Home slot of a tag before masking; `kind` is 'A' or 'B'. */
static inline uint32_t tag_hash(char kind, uint32_t tag)
{
	return kind == 'A' ? hash_multiply_fold(tag) : hash_shift_xor(tag);
}

/** Home slot of a big allocation before masking; `kind` is 'A', 'B', 'X' or 'W'. */
static inline uint32_t big_page_hash(char kind, uint64_t va)
{
	uint32_t v = (uint32_t)(va >> 12);

	switch (kind) {
	case 'A': return hash_multiply_fold(v);
	case 'B': return hash_shift_xor(v);
	case 'W': return v >> 24 ^ v >> 16 ^ v >> 8 ^ v;
	default: return v;
	}
}

#endif
