/* Page-table walks for 32-bit two-level, PAE, x64 four-level and five-level, and ARM64 paging. */
#include "analyzer/memory/walk.h"

enum {
	ENTRY_PRESENT = 1 << 0,
	X86_LARGE = 1 << 7,   /* set in an entry that maps a large page */
	ARM64_TABLE = 1 << 1, /* clear in a block; set in the descriptor of a table or a page */
};

const struct walk_shape walk_shapes[] = {
	[PAGING_X86] = {.root_mask = 0xfffff000,
			.root_ignored = 0xfff,
			.frame_mask = 0xfffff000,
			.user_end = 0x80000000,
			.first_kernel = 0x80000000,
			.last_address = 0xffffffff,
			.large_bit = X86_LARGE,
			.large_value = X86_LARGE,
			.levels = 2,
			.entry_size = 4,
			.pse36 = true,
			.level = {{12, 10, false}, {22, 10, true}}},
	[PAGING_PAE] = {.root_mask = 0xffffffe0,
			.root_ignored = 0x1f,
			.frame_mask = 0x000ffffffffff000,
			.user_end = 0x80000000,
			.first_kernel = 0x80000000,
			.last_address = 0xffffffff,
			.large_bit = X86_LARGE,
			.large_value = X86_LARGE,
			.levels = 3,
			.entry_size = 8,
			.level = {{12, 9, false}, {21, 9, true}, {30, 2, false}}},
	/* CR3 bits 0..11 hold PCID or cache flags, bit 63 is "do not flush". */
	[PAGING_X64] = {.root_mask = 0x000ffffffffff000,
			.root_ignored = 0x8000000000000fff,
			.frame_mask = 0x000ffffffffff000,
			.user_end = 0x0000800000000000,
			.first_kernel = 0xffff800000000000,
			.last_address = 0xffffffffffffffff,
			.large_bit = X86_LARGE,
			.large_value = X86_LARGE,
			.levels = 4,
			.entry_size = 8,
			.level = {{12, 9, false}, {21, 9, true}, {30, 9, true}, {39, 9, false}}},
	[PAGING_X64_LA57] = {.root_mask = 0x000ffffffffff000,
			     .root_ignored = 0x8000000000000fff,
			     .frame_mask = 0x000ffffffffff000,
			     .user_end = 0x0100000000000000,
			     .first_kernel = 0xff00000000000000,
			     .last_address = 0xffffffffffffffff,
			     .large_bit = X86_LARGE,
			     .large_value = X86_LARGE,
			     .levels = 5,
			     .entry_size = 8,
			     .level = {{12, 9, false},
				       {21, 9, true},
				       {30, 9, true},
				       {39, 9, false},
				       {48, 9, false}}},
	/* TTBR1 holds the ASID in bits 48..63 and flags below the table's address. User addresses
	 * go through TTBR0, which no container names. */
	[PAGING_ARM64] = {.root_mask = 0x0000fffffffff000,
			  .root_ignored = 0xffff000000000fff,
			  .frame_mask = 0x0000fffffffff000,
			  .user_end = 0,
			  .first_kernel = 0xffff000000000000,
			  .last_address = 0xffffffffffffffff,
			  .large_bit = ARM64_TABLE,
			  .large_value = 0,
			  .levels = 4,
			  .entry_size = 8,
			  .large_strict = true,
			  .level = {{12, 9, false}, {21, 9, true}, {30, 9, true}, {39, 9, false}}},
};

static uint64_t large_frame(const struct walk_shape *shape, uint64_t entry, uint8_t shift)
{
	uint64_t frame = entry & shape->frame_mask & ~(((uint64_t)1 << shift) - 1);

	if (shape->pse36)
		frame |= (entry >> 13 & 0xff) << 32;
	return frame;
}

static bool missing_table(uint8_t level, enum page_state state, uint64_t table, uint64_t entry,
			  struct hole *ret)
{
	*ret = (struct hole){.reason = HOLE_TABLE_MISSING,
			     .level = level,
			     .page = state,
			     .entry = entry,
			     .pfn = table >> PAGE_SHIFT};
	return false;
}

static bool missing_page(uint8_t level, enum hole_reason reason, uint64_t entry, uint64_t pfn,
			 struct hole *ret)
{
	*ret = (struct hole){.reason = reason, .level = level, .entry = entry, .pfn = pfn};
	return false;
}

bool walk(struct walker *walker, uint64_t va, struct walk_leaf *ret, struct hole *ret_hole)
{
	const struct walk_shape *shape = walker->shape;
	uint64_t frame = walker->root, entry = 0;
	bool transition = false;
	uint8_t level, shift;

	for (level = shape->levels;; level--) {
		const struct walk_level *at = &shape->level[level - 1];
		uint64_t index = va >> at->shift & (((uint64_t)1 << at->bits) - 1);
		uint64_t above = entry, pfn = 0;
		enum page_state state;
		enum hole_reason reason;

		shift = at->shift;
		state = table_cache_entry(&walker->tables, frame + index * shape->entry_size,
					  shape->entry_size, &entry);
		if (state != PAGE_PRESENT)
			return missing_table(level, state, frame, above, ret_hole);
		if (entry & ENTRY_PRESENT) {
			bool large = (entry & shape->large_bit) == shape->large_value;

			if (large && at->large) {
				frame = large_frame(shape, entry, shift);
				break;
			}
			if (large && shape->large_strict)
				return missing_page(level, HOLE_RESERVED, entry, 0, ret_hole);
			frame = entry & shape->frame_mask;
		} else {
			/* Bits 1 and 7 belong to other fields here: a transition PDE is never
			 * large. */
			if (!pte_transition(&walker->rules, entry, &pfn, &reason))
				return missing_page(level, reason, entry, pfn, ret_hole);
			frame = pfn << PAGE_SHIFT;
			transition = true;
		}
		if (level == 1)
			break;
	}
	*ret = (struct walk_leaf){.pa = frame | (va & (((uint64_t)1 << shift) - 1)),
				  .entry = entry,
				  .level = level,
				  .page_shift = shift,
				  .transition = transition};
	return true;
}
