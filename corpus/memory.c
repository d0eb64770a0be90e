/*
 * Physical memory of the made-up machine, and the page tables that map it.
 *
 * Frames are taken at random from the physical runs. Supports x86 (two levels), x86 PAE, x64 (four
 * and five levels) and ARM64 (4 KiB granule, the tables of TTBR1), 4 KiB pages and large pages (2
 * or 4 MiB), the self-map, and entries that are not valid. Does not: 1 GiB pages, user space.
 *
 * Layout of the tables: Intel SDM volume 3, "Paging"; Arm Architecture Reference Manual, "VMSAv8-64
 * translation table format descriptors", with the software bits of _HARDWARE_PTE (PDB type).
 * Self-map slots: x86 PDE 0x300, PAE PDEs 0x600..0x603 (counted over the four directories), x64 and
 * ARM64 any slot >= 0x100.
 */
#include "corpus/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_PAGES = 256,
	PTE_VALID = 0x1,
	PTE_LARGE = 0x80,
	PTE_TABLE = 0x63,    /* valid, write, accessed, dirty */
	PTE_KERNEL = 0x163,  /* the same and global */
	ARM_NOT_LARGE = 0x2, /* a table, or a 4 KiB page; clear in a block */
	ARM_SHARED = 0x300,  /* inner shareable */
	ARM_ACCESSED = 0x400,
	ARM_BLOCK = PTE_VALID | ARM_SHARED | ARM_ACCESSED,
	ARM_TABLE = ARM_BLOCK | ARM_NOT_LARGE,
	FIRST_FREE_PFN = 0x100, /* the first MiB is kept for what needs an address there */
	RANDOM_TRIES = 64,
};

struct level {
	unsigned shift;
	unsigned entries;
};

struct paging {
	unsigned levels;
	unsigned width; /* bytes of an entry */
	struct level level[5];
	uint64_t large;
};

static const struct paging pagings[] = {
	[ARCH_X86] = {2, 4, {{22, 1024}, {12, 1024}}, 4 << 20},
	[ARCH_PAE] = {3, 8, {{30, 4}, {21, 512}, {12, 512}}, 2 << 20},
	[ARCH_X64] = {4, 8, {{39, 512}, {30, 512}, {21, 512}, {12, 512}}, 2 << 20},
	[ARCH_ARM64] = {4, 8, {{39, 512}, {30, 512}, {21, 512}, {12, 512}}, 2 << 20},
};
static const struct paging paging_la57 = {
	5, 8, {{48, 512}, {39, 512}, {30, 512}, {21, 512}, {12, 512}}, 2 << 20};

static const struct paging *paging_of(const struct memory *m)
{
	return m->la57 ? &paging_la57 : &pagings[m->arch];
}

/* What every entry that names a table has beside its address. */
static uint64_t table_flags(const struct memory *m)
{
	return m->arch == ARCH_ARM64 ? ARM_TABLE : PTE_TABLE;
}

/* Does a valid entry above the last level map a large page? */
static bool is_large(const struct memory *m, uint64_t entry)
{
	if (m->arch == ARCH_ARM64)
		return (entry & PTE_VALID) && !(entry & ARM_NOT_LARGE);
	return entry & PTE_LARGE;
}

bool memory_has_frame(const struct memory *m, uint64_t pfn)
{
	for (size_t i = 0; i < m->run_count; i++) {
		if (pfn >= m->runs[i].base && pfn - m->runs[i].base < m->runs[i].count)
			return true;
	}
	return false;
}

static bool frame_is_used(const struct memory *m, uint64_t pfn)
{
	if (pfn < FIRST_FREE_PFN || map_get(&m->by_pfn, pfn) != MAP_NONE)
		return true;
	for (size_t i = 0; i < m->large_count; i++) {
		if (pfn >= m->large[i].pfn && pfn - m->large[i].pfn < m->large[i].pages)
			return true;
	}
	return false;
}

static uint64_t nth_frame(const struct memory *m, uint64_t n)
{
	for (size_t i = 0; i < m->run_count; i++) {
		if (n < m->runs[i].count)
			return m->runs[i].base + n;
		n -= m->runs[i].count;
	}
	return 0;
}

static uint64_t random_frame(struct memory *m)
{
	uint64_t n = rng_below(&m->rng, m->total_pages);
	for (unsigned i = 0; i < RANDOM_TRIES; i++) {
		uint64_t pfn = nth_frame(m, n);
		if (!frame_is_used(m, pfn))
			return pfn;
		n = rng_below(&m->rng, m->total_pages);
	}
	for (uint64_t i = 0; i < m->total_pages; i++) {
		uint64_t pfn = nth_frame(m, (n + i) % m->total_pages);
		if (!frame_is_used(m, pfn))
			return pfn;
	}
	die("physical memory is full (%llu pages): give the recipe a larger 'physical'",
	    (unsigned long long)m->total_pages);
}

static uint8_t *new_contents(struct memory *m)
{
	if (!m->chunk_count || m->chunk_used == CHUNK_PAGES) {
		m->chunks = grow(m->chunks, m->chunk_count, &m->chunk_capacity, sizeof(uint8_t *));
		m->chunks[m->chunk_count++] = xcalloc(CHUNK_PAGES, PAGE_SIZE);
		m->chunk_used = 0;
	}
	return m->chunks[m->chunk_count - 1] + PAGE_SIZE * m->chunk_used++;
}

static uint32_t add_page(struct memory *m, uint64_t pfn)
{
	m->pages = grow(m->pages, m->page_count, &m->page_capacity, sizeof(*m->pages));
	m->pages[m->page_count] = (struct page){.pfn = pfn, .data = new_contents(m)};
	map_put(&m->by_pfn, pfn, (uint32_t)m->page_count);
	return (uint32_t)m->page_count++;
}

struct page *memory_page(struct memory *m, uint64_t pfn)
{
	int64_t index = map_get(&m->by_pfn, pfn);
	return index == MAP_NONE ? NULL : &m->pages[index];
}

uint8_t *memory_frame(struct memory *m, uint64_t pfn)
{
	struct page *page = memory_page(m, pfn);
	if (page)
		return page->data;
	uint32_t index = add_page(m, pfn); /* moves m->pages */
	return m->pages[index].data;
}

static uint64_t new_table(struct memory *m)
{
	uint64_t pfn = random_frame(m);
	uint32_t index = add_page(m, pfn); /* moves m->pages */
	m->pages[index].table = true;
	return pfn << PAGE_SHIFT;
}

static uint64_t entry_address(uint64_t entry)
{
	return entry & UINT64_C(0x000FFFFFFFFFF000);
}

static uint64_t get_entry(const struct memory *m, const uint8_t *at)
{
	return paging_of(m)->width == 8 ? get64(at) : get32(at);
}

/* Where the entry of `va` on `level` lies in the table at physical address `table`. */
static uint8_t *entry_at(struct memory *m, uint64_t table, unsigned level, uint64_t va)
{
	const struct level *l = &paging_of(m)->level[level];
	uint64_t index = (va >> l->shift) & (l->entries - 1);
	return memory_frame(m, table >> PAGE_SHIFT) + (table & 0xFE0) + index * paging_of(m)->width;
}

/* Physical address of the table of `level` that covers `va`, made where it did not exist. */
static uint64_t table_of(struct memory *m, uint64_t va, unsigned level)
{
	uint64_t table = m->root;
	for (unsigned i = 0; i < level; i++) {
		uint8_t *at = entry_at(m, table, i, va);
		uint64_t entry = get_entry(m, at);
		if (!entry) {
			bool pdpte = m->arch == ARCH_PAE && i == 0;
			entry = new_table(m) | (pdpte ? PTE_VALID : table_flags(m));
			put_width(at, entry, paging_of(m)->width);
		}
		if (is_large(m, entry))
			die("address 0x%llx lies in a large page", (unsigned long long)va);
		table = entry_address(entry);
	}
	return table;
}

static uint8_t *leaf_entry(struct memory *m, uint64_t va)
{
	const struct paging *p = paging_of(m);
	uint64_t region = va >> p->level[p->levels - 2].shift;
	if (!m->leaf_table || m->leaf_region != region) {
		uint64_t table = table_of(m, va, p->levels - 1);
		m->leaf_table = memory_frame(m, table >> PAGE_SHIFT);
		m->leaf_region = region;
	}
	return m->leaf_table +
	       ((va >> PAGE_SHIFT) & (p->level[p->levels - 1].entries - 1)) * p->width;
}

/* Bits 53, 54 of ARM64: execution is allowed neither kernel nor user; 55 is Writable. */
static uint64_t valid_pte(const struct memory *m, uint64_t pfn)
{
	if (m->arch == ARCH_ARM64)
		return pfn << PAGE_SHIFT | ARM_TABLE | UINT64_C(7) << 53;
	uint64_t no_execute = m->arch == ARCH_X64 ? UINT64_C(1) << 63 : 0;
	return pfn << PAGE_SHIFT | PTE_KERNEL | no_execute;
}

static void make_self_map(struct memory *m)
{
	uint8_t *top = memory_frame(m, m->root >> PAGE_SHIFT);
	if (m->arch == ARCH_X64)
		put64(top + 8 * m->self_index, m->root | PTE_TABLE | UINT64_C(1) << 63);
	if (m->arch == ARCH_ARM64)
		put64(top + 8 * m->self_index, m->root | ARM_TABLE | UINT64_C(7) << 53);
	if (m->arch == ARCH_X86)
		put32(top + 4 * m->self_index, m->root | PTE_TABLE);
	if (m->arch != ARCH_PAE)
		return;
	uint64_t directories[4];
	for (unsigned i = 0; i < 4; i++)
		directories[i] = table_of(m, (uint64_t)i << 30, 1);
	uint8_t *last = memory_frame(m, directories[3] >> PAGE_SHIFT);
	for (unsigned i = 0; i < 4; i++)
		put64(last + 8 * i, directories[i] | PTE_TABLE);
}

/* CR3 of PAE has 32 bits; tables above are left unused. */
static uint64_t new_root(struct memory *m)
{
	uint64_t root = new_table(m);
	for (unsigned i = 0; m->arch == ARCH_PAE && root > UINT32_MAX; i++) {
		if (i == RANDOM_TRIES)
			die("no physical memory below 4 GiB for the first page table");
		root = new_table(m);
	}
	return m->arch == ARCH_PAE ? root + 0x20 * rng_below(&m->rng, 0x80) : root;
}

void memory_init(struct memory *m, enum arch arch, bool la57, const struct run *runs, size_t count,
		 unsigned self_index, struct rng rng)
{
	*m = (struct memory){.arch = arch, .la57 = la57, .rng = rng, .run_count = count};
	m->runs = xcalloc(count, sizeof(*runs));
	memcpy(m->runs, runs, count * sizeof(*runs));
	for (size_t i = 0; i < count; i++)
		m->total_pages += runs[i].count;
	m->self_index = arch == ARCH_X64 || arch == ARCH_ARM64 ? self_index : 0x300;
	m->root = new_root(m);
	make_self_map(m);
}

void memory_fini(struct memory *m)
{
	for (size_t i = 0; i < m->chunk_count; i++)
		free(m->chunks[i]);
	free(m->chunks);
	free(m->pages);
	free(m->runs);
	free(m->large);
	map_fini(&m->by_pfn);
	map_fini(&m->by_va);
	*m = (struct memory){0};
}

static const struct large_range *large_of(const struct memory *m, uint64_t va)
{
	for (size_t i = 0; i < m->large_count; i++) {
		const struct large_range *l = &m->large[i];
		if (va >= l->va && (va - l->va) >> PAGE_SHIFT < l->pages)
			return l;
	}
	return NULL;
}

bool memory_is_mapped(const struct memory *m, uint64_t va)
{
	return map_get(&m->by_va, va >> PAGE_SHIFT) != MAP_NONE || large_of(m, va);
}

uint64_t memory_pfn(const struct memory *m, uint64_t va)
{
	int64_t index = map_get(&m->by_va, va >> PAGE_SHIFT);
	if (index != MAP_NONE)
		return m->pages[index].pfn;
	const struct large_range *l = large_of(m, va);
	return l ? l->pfn + ((va - l->va) >> PAGE_SHIFT) : UINT64_MAX;
}

void memory_map(struct memory *m, uint64_t va, uint64_t length)
{
	uint64_t end = va + length;
	for (uint64_t page = va & ~(uint64_t)(PAGE_SIZE - 1); page < end; page += PAGE_SIZE) {
		if (memory_is_mapped(m, page))
			continue;
		uint32_t index = add_page(m, random_frame(m));
		map_put(&m->by_va, page >> PAGE_SHIFT, index);
		put_width(leaf_entry(m, page), valid_pte(m, m->pages[index].pfn),
			  paging_of(m)->width);
	}
}

/* A free, aligned stretch of `pages` frames; random first, then the first that fits. */
static uint64_t large_frame(struct memory *m, uint64_t pages)
{
	for (unsigned i = 0; i < RANDOM_TRIES * 64; i++) {
		uint64_t pfn = i < RANDOM_TRIES ? nth_frame(m, rng_below(&m->rng, m->total_pages))
						: pages * (i - RANDOM_TRIES);
		pfn -= pfn % pages;
		bool good = pfn >= FIRST_FREE_PFN;
		for (uint64_t k = 0; good && k < pages; k++)
			good = memory_has_frame(m, pfn + k) && !frame_is_used(m, pfn + k);
		if (good)
			return pfn;
	}
	die("no room for a large page in physical memory: give the recipe a larger 'physical'");
}

void memory_map_large(struct memory *m, uint64_t va, uint64_t length)
{
	const struct paging *p = paging_of(m);
	uint64_t end = va + length;
	for (uint64_t at = va & ~(p->large - 1); at < end; at += p->large) {
		if (large_of(m, at))
			continue;
		uint64_t pages = p->large >> PAGE_SHIFT;
		struct large_range range = {.va = at, .pfn = large_frame(m, pages), .pages = pages};
		uint64_t table = table_of(m, at, p->levels - 2);
		uint8_t *entry = entry_at(m, table, p->levels - 2, at);
		if (get_entry(m, entry))
			die("address 0x%llx is mapped by small pages", (unsigned long long)at);
		uint64_t flags = m->arch == ARCH_ARM64 ? ARM_BLOCK : PTE_KERNEL | PTE_LARGE;
		put_width(entry, range.pfn << PAGE_SHIFT | flags, p->width);
		m->large = grow(m->large, m->large_count, &m->large_capacity, sizeof(range));
		m->large[m->large_count++] = range;
	}
}

uint8_t *memory_at(struct memory *m, uint64_t va)
{
	uint64_t pfn = memory_pfn(m, va);
	if (pfn == UINT64_MAX)
		die("address 0x%llx is not mapped", (unsigned long long)va);
	return memory_frame(m, pfn) + va % PAGE_SIZE;
}

void memory_write(struct memory *m, uint64_t va, const void *data, size_t length)
{
	const uint8_t *from = data;
	memory_map(m, va, length);
	while (length) {
		size_t part = PAGE_SIZE - (size_t)(va % PAGE_SIZE);
		if (part > length)
			part = length;
		memcpy(memory_at(m, va), from, part);
		va += part;
		from += part;
		length -= part;
	}
}

void memory_put(struct memory *m, uint64_t va, uint64_t value, unsigned width)
{
	uint8_t bytes[8];
	put_width(bytes, value, width);
	memory_write(m, va, bytes, width);
}

void memory_set_pte(struct memory *m, uint64_t va, uint64_t entry)
{
	put_width(leaf_entry(m, va), entry, paging_of(m)->width);
}

struct page *memory_last_table(struct memory *m, uint64_t va)
{
	const struct paging *p = paging_of(m);
	uint64_t table = m->root;
	for (unsigned level = 0; level + 1 < p->levels; level++) {
		struct page *page = memory_page(m, table >> PAGE_SHIFT);
		if (!page || page->absent)
			return NULL;
		uint64_t entry = get_entry(m, entry_at(m, table, level, va));
		if (is_large(m, entry))
			return page;
		if (level + 2 == p->levels)
			return memory_page(m, entry_address(entry) >> PAGE_SHIFT);
		table = entry_address(entry);
	}
	return NULL;
}

void memory_add_loops(struct memory *m, unsigned count)
{
	const struct paging *p = paging_of(m);
	/* PAE has only four top slots, all taken: loop below the last directory instead. */
	unsigned top_level = m->arch == ARCH_PAE ? 1 : 0;
	unsigned entries = p->level[top_level].entries;
	uint64_t top = m->arch == ARCH_PAE ? table_of(m, UINT64_C(3) << 30, 1) : m->root;
	for (unsigned i = 0, slot = entries / 2; i < count && slot < entries; slot++) {
		uint8_t *at = memory_frame(m, top >> PAGE_SHIFT) + slot * p->width;
		if (get_entry(m, at))
			continue;
		uint64_t table = new_table(m);
		uint8_t *data = memory_frame(m, table >> PAGE_SHIFT);
		for (unsigned k = 0; k < PAGE_SIZE / p->width; k++)
			put_width(data + k * p->width, table | table_flags(m), p->width);
		at = memory_frame(m, top >> PAGE_SHIFT) + slot * p->width;
		put_width(at, table | table_flags(m), p->width);
		i++;
	}
}

uint64_t memory_add_shadow_root(struct memory *m, uint64_t va)
{
	uint64_t kernel_root = m->root;
	uint64_t pte = get_entry(m, leaf_entry(m, va));
	uint64_t shadow = new_table(m);
	m->root = shadow;
	m->leaf_table = NULL;
	memory_set_pte(m, va, pte);
	m->root = kernel_root;
	m->leaf_table = NULL;
	return shadow;
}

void memory_view_swap(struct memory *m, struct memory_view *view)
{
	struct memory_view was = {m->root, m->by_va};
	m->root = view->root;
	m->by_va = view->by_va;
	m->leaf_table = NULL;
	*view = was;
}

void memory_view_init(struct memory *m, struct memory_view *view)
{
	*view = (struct memory_view){.root = new_root(m)};
	memory_view_swap(m, view);
	make_self_map(m);
	memory_view_swap(m, view);
}

void memory_view_fini(struct memory_view *view)
{
	map_fini(&view->by_va);
}

void memory_map_frame(struct memory *m, uint64_t va, uint64_t pfn)
{
	map_put(&m->by_va, va >> PAGE_SHIFT, (uint32_t)map_get(&m->by_pfn, pfn));
	put_width(leaf_entry(m, va), valid_pte(m, pfn), paging_of(m)->width);
}

/* Entries that lead back to tables are those of the self-map: no table is below them. */
static bool is_self_map(const struct memory *m, unsigned level, unsigned top, unsigned index)
{
	if (m->arch == ARCH_PAE)
		return level == 1 && top == 3 && index < 4;
	return level == 0 && index == m->self_index;
}

static void merge(struct memory *m, uint64_t from, uint64_t to, unsigned level, unsigned top)
{
	const struct paging *p = paging_of(m);
	const struct level *l = &p->level[level];
	for (unsigned i = 0; i < l->entries; i++) {
		uint64_t va = (uint64_t)i << l->shift;
		uint64_t theirs = get_entry(m, entry_at(m, from, level, va));
		uint8_t *at = entry_at(m, to, level, va);
		uint64_t ours = get_entry(m, at);
		if (!ours)
			put_width(at, theirs, p->width);
		else if (theirs && level + 1 < p->levels && !is_self_map(m, level, top, i))
			merge(m, entry_address(theirs), entry_address(ours), level + 1,
			      level == 0 ? i : top);
	}
}

void memory_view_finish(struct memory *m, struct memory_view *view)
{
	merge(m, m->root, view->root, 0, 0);
}
