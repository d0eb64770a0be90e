/*
 * Classes of Windows page-table entries that the processor does not use (Valid = 0), and the page
 * frame behind a transition PTE.
 *
 * Since the L1TF fixes of 2018 such entries of x86 PAE and x64 are stored XORed with
 * MiState.Hardware.InvalidPteMask when their SwizzleBit is 0. The mask is not known here; what is
 * known is that all its bits lie above the machine's memory, so they are recognised by their place.
 */
#include "analyzer/memory/pte.h"

enum {
	PTE_SWIZZLE = 1 << 4, /* ARM64 has no such bit: Protection lies there */
	PTE_PROTOTYPE = 1 << 10,
	PTE_TRANSITION = 1 << 11,
	/* Processors with 64-bit entries have at least 36 physical address bits, and the mask takes
	 * the topmost: a lower bit beyond the known memory is no mask bit but a damaged entry. */
	MASK_LOWEST_BIT = 35,
};

struct pte_layout {
	uint64_t pfn; /* width of the PFN field of _MMPTE_TRANSITION, which begins at bit 12 */
	uint64_t protection; /* Protection of _MMPTE_SOFTWARE, in place */
	uint64_t page_file;  /* PageFileHigh of _MMPTE_SOFTWARE, in place */
	bool swizzle;        /* the mask of 2018 can be in it */
	bool file_backed;    /* the file-backed class of build 22621 is known */
};

static const struct pte_layout layouts[] = {
	[PAGING_X86] = {0x00000000000fffff, 0x1f << 5, 0xfffff000, false, false},
	[PAGING_PAE] = {0x0000000003ffffff, 0x1f << 5, 0xffffffff00000000, true, false},
	[PAGING_X64] = {0x000000ffffffffff, 0x1f << 5, 0xffffffff00000000, true, true},
	[PAGING_X64_LA57] = {0x000000ffffffffff, 0x1f << 5, 0xffffffff00000000, true, true},
	/* 36 bits up to 1903 and zeros above them, 40 bits in later builds. */
	[PAGING_ARM64] = {0x000000ffffffffff, 0x1f << 1, 0xffffffff00000000, false, false},
};

void pte_rules_init(struct pte_rules *rules, enum paging paging, const struct dump *dump)
{
	const struct page_map *map = &dump->map;
	uint64_t frames = map->highest_pfn + 1;

	/* A kernel dump leaves out the highest pages; its bitmap still spans all memory. */
	if (map->kind == PAGE_MAP_BITMAP && map->bit_count > frames)
		frames = map->bit_count;
	if (dump->facts.physical_pages.known && dump->facts.physical_pages.value > frames)
		frames = dump->facts.physical_pages.value;

	rules->paging = paging;
	rules->frames = frames;
	rules->pfn_keep = 0;
	while (rules->pfn_keep < frames - 1)
		rules->pfn_keep = rules->pfn_keep << 1 | 1;
}

/* True when all bits of `bits` (in entry position) can belong to InvalidPteMask. */
static bool can_be_mask(const struct pte_rules *rules, uint64_t bits)
{
	uint64_t memory = rules->pfn_keep << PAGE_SHIFT | (PAGE_SIZE - 1);
	uint64_t low = ((uint64_t)1 << MASK_LOWEST_BIT) - 1;

	return (bits & (memory | low)) == 0;
}

static bool swizzled(const struct pte_rules *rules, uint64_t entry)
{
	return layouts[rules->paging].swizzle && !(entry & PTE_SWIZZLE);
}

static bool frame_of(const struct pte_rules *rules, uint64_t entry, uint64_t *ret_pfn)
{
	uint64_t field = entry >> PAGE_SHIFT & layouts[rules->paging].pfn;
	uint64_t pfn = field & rules->pfn_keep;

	*ret_pfn = field;
	if (field < rules->frames)
		return true;
	if (!swizzled(rules, entry) || pfn >= rules->frames ||
	    !can_be_mask(rules, (field ^ pfn) << PAGE_SHIFT))
		return false;
	*ret_pfn = pfn;
	return true;
}

/*
 * _MMPTE_SOFTWARE. Protection 0 (MM_ZERO_ACCESS) is no page but a free entry, chained through
 * _MMPTE_LIST. A demand-zero entry has no page file offset; swizzled, it has the mask's bit there.
 */
static bool in_page_file(const struct pte_rules *rules, uint64_t entry)
{
	uint64_t high = entry & layouts[rules->paging].page_file;

	if (!(entry & layouts[rules->paging].protection) || high == 0)
		return false;
	return !(swizzled(rules, entry) && (high & (high - 1)) == 0 && can_be_mask(rules, high));
}

/* Build 22621 and newer: the page is backed by a file, found through the VAD. */
static bool is_file_backed(const struct pte_rules *rules, uint64_t entry)
{
	return layouts[rules->paging].file_backed &&
	       (entry & 0xffff80000000000f) == 0xffff800000000000;
}

bool pte_transition(const struct pte_rules *rules, uint64_t entry, uint64_t *ret_pfn,
		    enum hole_reason *ret_reason)
{
	if (entry == 0) {
		*ret_reason = HOLE_NOT_PRESENT;
		return false;
	}
	if ((entry & PTE_PROTOTYPE) || is_file_backed(rules, entry)) {
		*ret_reason = HOLE_PROTOTYPE;
		return false;
	}
	if (entry & PTE_TRANSITION) {
		*ret_reason = HOLE_TRANSITION;
		return frame_of(rules, entry, ret_pfn);
	}
	*ret_reason = in_page_file(rules, entry) ? HOLE_PAGEFILE : HOLE_NOT_PRESENT;
	return false;
}
