/*
 * Finds the root of a Windows kernel's page tables in bare physical memory.
 *
 * x64: the real-mode stub that the kernel leaves below 1 MiB to start further processors holds the
 * kernel's CR3. Otherwise, and on x86 and ARM64, a top-level table that maps itself (x64 and ARM64:
 * any kernel-half entry; x86: entry 0x300; PAE: page directory 3 maps the four directories with its
 * entries 0..3, and a PDPT lists the same four). Sources: public analyses as in MemProcFS and
 * QEMU's elf2dmp; for ARM64, PteBase in the KDBG of a real minidump is that of entry 0x151.
 *
 * A PML4, a PML5 and an ARM64 table can look alike, so one page may be offered as each of them: the
 * commonest first. Not supported: a TTBR1 table of less than a page. Whether a candidate is the
 * right one is for the caller.
 */
#include "analyzer/memory/find_dtb.h"

#include <stdlib.h>

#include "analyzer/memory/pte.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	PAGE_WORDS = PAGE_SIZE / 8,
	SCAN_PAGES = 64,    /* read at once, into memory of its own: pages of a file that was
			       read through its mapping stay in the process */
	AHEAD_PAGES = 2048, /* asked of the disk ahead of the scan */
	LOW_PAGES = 256,    /* the first MiB */
	PAE_SETS = 4096,    /* directories remembered: one set a process */
	ENOUGH_ENTRIES = 3, /* present kernel-half entries, besides the self-map, of a root */
	ENOUGH_PML5E = 1,   /* the same of a PML5: one maps what four levels reach */
	ENTRY_PRESENT = 1 << 0,
	ENTRY_LARGE = 1 << 7,
	ARM64_TABLE = 1 << 1 | 1 << 0, /* what a table's descriptor ends in */
};

static const uint64_t frame_mask = 0x000ffffffffff000;
static const uint64_t below_4g = 0x100000; /* PFN; CR3 of a 32-bit system has 32 bits */

struct pae_set {
	uint64_t pfn[4]; /* of the four page directories */
};

struct search {
	struct dump *dump;
	dtb_accept accept;
	void *context;
	struct progress *progress;
	struct dtb_candidate *ret;
	bool want[PAGING_KINDS]; /* by enum paging; PAGING_X64 stands for LA57 too */
	uint8_t *buffer;         /* owned: SCAN_PAGES pages */
	uint64_t frames;         /* PFNs at or above this are outside the machine's memory */
	struct pae_set *sets;    /* owned */
	size_t set_count, set_capacity;
	struct hash set_of; /* PFN of page directory 3 -> index in sets */
	bool no_memory;
};

/* Looks at one page; true when a candidate was accepted. */
typedef bool (*page_test)(struct search *search, uint64_t pfn, const uint64_t *words);

static bool offer(struct search *search, enum paging paging, uint64_t dtb, uint64_t hint,
		  const char *found_by)
{
	struct dtb_candidate candidate = {
		.paging = paging, .dtb = dtb, .kernel_hint = hint, .found_by = found_by};

	if (!search->accept(search->context, &candidate))
		return false;
	*search->ret = candidate;
	return true;
}

/* Bytes of the stub: a jump, the kernel's entry point at 0x70, CR3 at 0xa0. */
static bool test_low_stub(struct search *search, uint64_t pfn, const uint64_t *words)
{
	uint64_t hint = words[0x70 / 8], cr3 = words[0xa0 / 8];

	(void)pfn;
	if ((words[0] & 0xffffffffffff00ff) != 0x00000001000600e9 ||
	    (hint & 0xfffff80000000003) != 0xfffff80000000000 || (cr3 & 0xffffff0000000fff) != 0 ||
	    cr3 == 0)
		return false;
	return offer(search, PAGING_X64, cr3, hint, "low stub") ||
	       offer(search, PAGING_X64_LA57, cr3, hint, "low stub");
}

/* What a present entry of the top level looks like. */
struct top_entry {
	uint64_t frame;
	uint64_t fixed, value; /* bits that say that it names a table */
};

/* Bit 7 is reserved at these levels of x64. */
static const struct top_entry x64_top = {0x000ffffffffff000, ENTRY_LARGE | ENTRY_PRESENT,
					 ENTRY_PRESENT};
static const struct top_entry arm64_top = {0x0000fffffffff000, ARM64_TABLE, ARM64_TABLE};

/*
 * How many present kernel-half entries a top-level table has; 0 when it is none: one of them cannot
 * be, or none maps the table itself.
 */
static unsigned count_top_entries(const struct search *search, uint64_t pfn, const uint64_t *words,
				  const struct top_entry *top)
{
	unsigned present = 0;
	bool mapped = false;

	for (size_t i = PAGE_WORDS / 2; i < PAGE_WORDS; i++) {
		uint64_t frame = (words[i] & top->frame) >> PAGE_SHIFT;

		if (!(words[i] & ENTRY_PRESENT))
			continue;
		if ((words[i] & top->fixed) != top->value || frame >= search->frames)
			return 0;
		mapped |= frame == pfn;
		present++;
	}
	return mapped ? present : 0;
}

static bool test_x64(struct search *search, uint64_t pfn, const uint64_t *words)
{
	unsigned present = count_top_entries(search, pfn, words, &x64_top);
	uint64_t root = pfn << PAGE_SHIFT;

	if (present > ENOUGH_ENTRIES && offer(search, PAGING_X64, root, 0, "self-map search"))
		return true;
	return present > ENOUGH_PML5E && offer(search, PAGING_X64_LA57, root, 0, "self-map search");
}

static bool test_arm64(struct search *search, uint64_t pfn, const uint64_t *words)
{
	return count_top_entries(search, pfn, words, &arm64_top) > ENOUGH_ENTRIES &&
	       offer(search, PAGING_ARM64, pfn << PAGE_SHIFT, 0, "self-map search");
}

static uint32_t half_word(const uint64_t *words, size_t index)
{
	return (uint32_t)(index % 2 ? words[index / 2] >> 32 : words[index / 2]);
}

static bool test_x86(struct search *search, uint64_t pfn, const uint64_t *words)
{
	const uint32_t mask = 0xfffff000 | ENTRY_LARGE | ENTRY_PRESENT;
	unsigned present = 0;

	if (pfn >= below_4g ||
	    (half_word(words, 0x300) & mask) != (pfn << PAGE_SHIFT | ENTRY_PRESENT))
		return false;
	for (size_t i = 0x200; i < 0x400; i++)
		present += half_word(words, i) & ENTRY_PRESENT;
	return present > ENOUGH_ENTRIES &&
	       offer(search, PAGING_X86, pfn << PAGE_SHIFT, 0, "self-map search");
}

/* Remembers page directory 3 of a PAE system; its PDPT is looked for when all are known. */
static void keep_pae_set(struct search *search, uint64_t pfn, const uint64_t *words)
{
	struct pae_set set;
	void *sets = search->sets;

	if (search->set_count >= PAE_SETS)
		return;
	for (size_t i = 0; i < 4; i++) {
		set.pfn[i] = (words[i] & frame_mask) >> PAGE_SHIFT;
		if (!(words[i] & ENTRY_PRESENT) || (words[i] & ENTRY_LARGE) ||
		    set.pfn[i] >= search->frames)
			return;
	}
	if (set.pfn[3] != pfn || set.pfn[0] == pfn || set.pfn[0] == set.pfn[1])
		return;
	if (!mem_grow(&sets, search->set_count, &search->set_capacity, sizeof(set))) {
		search->no_memory = true;
		return;
	}
	search->sets = sets;
	search->sets[search->set_count] = set;
	if (hash_add(&search->set_of, pfn, (uint32_t)search->set_count))
		search->set_count++;
	else
		search->no_memory = true;
}

static bool test_self_map(struct search *search, uint64_t pfn, const uint64_t *words)
{
	if (search->want[PAGING_X64] && test_x64(search, pfn, words))
		return true;
	if (search->want[PAGING_ARM64] && test_arm64(search, pfn, words))
		return true;
	if (search->want[PAGING_X86] && test_x86(search, pfn, words))
		return true;
	if (search->want[PAGING_PAE])
		keep_pae_set(search, pfn, words);
	return false;
}

/* Four PDPT entries: bits 1, 2, 5..8 and 52..63 are reserved. */
static bool is_pdpt_of(const struct search *search, const uint64_t *words)
{
	uint32_t index;

	for (size_t i = 0; i < 4; i++)
		if ((words[i] & 0xfff00000000001e7) != ENTRY_PRESENT)
			return false;
	if (!hash_find(&search->set_of, (words[3] & frame_mask) >> PAGE_SHIFT, &index))
		return false;
	for (size_t i = 0; i < 4; i++)
		if ((words[i] & frame_mask) >> PAGE_SHIFT != search->sets[index].pfn[i])
			return false;
	return true;
}

static bool test_pdpt(struct search *search, uint64_t pfn, const uint64_t *words)
{
	for (size_t i = 0; i < PAGE_WORDS; i += 4)
		if (is_pdpt_of(search, words + i) &&
		    offer(search, PAGING_PAE, (pfn << PAGE_SHIFT) + i * 8, 0, "self-map search"))
			return true;
	return false;
}

/* One read of up to SCAN_PAGES pages. Pages that the disk refuses are passed over. */
static bool test_pages(struct search *search, page_test test, uint64_t pfn, uint64_t count)
{
	uint64_t words[PAGE_WORDS];
	uint8_t *raw = search->buffer;
	struct bytes bytes = bytes_of(raw, SCAN_PAGES * PAGE_SIZE);
	bool whole =
		dump_read(search->dump, pfn << PAGE_SHIFT, raw, count * PAGE_SIZE) == PAGE_PRESENT;

	for (uint64_t i = 0; i < count; i++) {
		size_t at = i * PAGE_SIZE;

		if (!whole && dump_read(search->dump, (pfn + i) << PAGE_SHIFT, raw + at,
					PAGE_SIZE) != PAGE_PRESENT)
			continue;
		for (size_t w = 0; w < PAGE_WORDS; w++)
			words[w] = bytes_u64(&bytes, at + w * 8);
		if (test(search, pfn + i, words))
			return true;
	}
	return false;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/*
 * Runs `test` over all present pages below `end`: PS_OK when a candidate was accepted,
 * PS_NOT_FOUND when none was (the error is not filled), PS_INTERRUPTED.
 */
static enum ps_status scan(struct search *search, page_test test, uint64_t end,
			   struct ps_error *err)
{
	uint64_t pfn = 0, ahead = 0;
	struct extent extent;

	while (pfn < end && dump_next_present(search->dump, pfn, &extent) && extent.pfn < end) {
		uint64_t stop = extent.pfn + at_most(extent.count, end - extent.pfn);

		progress_advance(search->progress, extent.pfn - pfn);
		for (pfn = extent.pfn; pfn < stop;) {
			uint64_t count = at_most(SCAN_PAGES, stop - pfn);

			if (signals_interrupted())
				return ps_fail(err, PS_INTERRUPTED, "interrupted");
			if (pfn >= ahead) {
				ahead = pfn + AHEAD_PAGES;
				dump_prefetch(search->dump, pfn, at_most(AHEAD_PAGES, stop - pfn));
			}
			if (test_pages(search, test, pfn, count))
				return PS_OK;
			progress_advance(search->progress, count);
			pfn += count;
		}
	}
	return PS_NOT_FOUND;
}

static void choose_paging(struct search *search)
{
	const struct machine_facts *facts = &search->dump->facts;
	bool any = facts->machine == MACHINE_UNKNOWN;
	bool x86 = any || facts->machine == MACHINE_X86;

	search->want[PAGING_X64] = any || facts->machine == MACHINE_X64;
	search->want[PAGING_ARM64] = any || facts->machine == MACHINE_ARM64;
	search->want[PAGING_X86] = x86 && facts->pae != TRI_YES;
	search->want[PAGING_PAE] = x86 && facts->pae != TRI_NO;
}

static enum ps_status run(struct search *search, struct ps_error *err)
{
	uint64_t end = search->dump->map.highest_pfn + 1;
	enum ps_status status = PS_NOT_FOUND;

	if (search->want[PAGING_X64])
		status = scan(search, test_low_stub, at_most(LOW_PAGES, end), err);
	if (status == PS_NOT_FOUND)
		status = scan(search, test_self_map, end, err);
	if (status == PS_NOT_FOUND && search->set_count > 0)
		status = scan(search, test_pdpt, at_most(below_4g, end), err);
	return status;
}

enum ps_status find_dtb(struct dump *dump, dtb_accept accept, void *context,
			struct progress *progress, struct dtb_candidate *ret, struct ps_error *err)
{
	struct search search = {.dump = dump,
				.accept = accept,
				.context = context,
				.progress = progress,
				.ret = ret};
	struct pte_rules rules;
	enum ps_status status;

	search.buffer = mem_array(SCAN_PAGES, PAGE_SIZE);
	if (!search.buffer)
		return ps_fail_memory(err, "the search for page tables");
	pte_rules_init(&rules, PAGING_X64, dump);
	search.frames = rules.frames;
	hash_init(&search.set_of);
	choose_paging(&search);
	progress_begin(progress, "searching for page tables", dump->map.highest_pfn + 1);
	status = run(&search, err);
	progress_end(progress);
	free(search.buffer);
	free(search.sets);
	hash_fini(&search.set_of);
	if (status == PS_NOT_FOUND && search.no_memory)
		return ps_fail_memory(err, "page directories");
	if (status == PS_NOT_FOUND)
		return ps_fail(err, PS_NOT_FOUND, "no page tables of a Windows kernel found");
	return status;
}
