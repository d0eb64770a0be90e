/*
 * Address spaces: the TLB in front of the walk, and reads over it.
 *
 * A TLB entry is one 4 KiB page, also of a large page, so that one look-up by page number answers.
 * Absent pages are not kept: walking to them again costs little, and they are rarely asked twice.
 */
#include "analyzer/memory/space.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/memory/ranges.h"
#include "analyzer/memory/walk.h"
#include "base/bytes.h"
#include "base/memory.h"

enum {
	TLB_ENTRIES = 2048, /* a power of two; 8 MiB of addresses */
	PAGE_MASK = PAGE_SIZE - 1,
	PREFETCH_BATCH = 16384, /* pages sorted and asked for at once */
	PREFETCH_SAMPLES = 16,  /* of them, looked at first; at most one in */
	PREFETCH_SAMPLE = 8,
};

static const uint64_t arm64_user_end = 0x0001000000000000;
static const uint64_t prefetch_most = (uint64_t)1 << 30; /* bytes of one space_prefetch() */

struct tlb_entry {
	uint64_t page;  /* virtual address / PAGE_SIZE; UINT64_MAX when empty */
	uint64_t frame; /* physical address of these 4 KiB */
	uint8_t page_shift;
	bool transition;
};

struct space {
	struct dump *dump; /* borrowed */
	enum paging paging;
	bool over_ranges; /* of a minidump: the walker has a shape only */
	struct walker walker;
	struct tlb_entry tlb[TLB_ENTRIES];
};

const char *paging_words(enum paging paging)
{
	static const char *const words[] = {
		[PAGING_X86] = "two levels",  [PAGING_PAE] = "PAE",
		[PAGING_X64] = "four levels", [PAGING_X64_LA57] = "five levels",
		[PAGING_ARM64] = "ARM64",
	};

	return words[paging];
}

enum ps_status space_create(struct dump *dump, enum paging paging, uint64_t dtb, struct space **ret,
			    struct ps_error *err)
{
	const struct walk_shape *shape = &walk_shapes[paging];
	uint64_t root = dtb & shape->root_mask;
	struct space *space;

	if (root == 0 || (dtb & ~(shape->root_mask | shape->root_ignored)) != 0)
		return ps_fail_at(err, PS_CORRUPT, dtb,
				  "directory table base 0x%" PRIx64
				  " cannot be the address of a page table",
				  dtb);
	space = mem_array(1, sizeof(*space));
	if (!space)
		return ps_fail_memory(err, "an address space");
	space->dump = dump;
	space->paging = paging;
	space->walker.shape = shape;
	space->walker.root = root;
	pte_rules_init(&space->walker.rules, paging, dump);
	table_cache_init(&space->walker.tables, dump);
	for (size_t i = 0; i < TLB_ENTRIES; i++)
		space->tlb[i].page = UINT64_MAX;
	*ret = space;
	return PS_OK;
}

enum ps_status space_create_ranges(struct dump *dump, enum paging paging, struct space **ret,
				   struct ps_error *err)
{
	struct space *space = mem_array(1, sizeof(*space));

	if (!space)
		return ps_fail_memory(err, "an address space");
	space->dump = dump;
	space->paging = paging;
	space->over_ranges = true;
	space->walker.shape = &walk_shapes[paging];
	*ret = space;
	return PS_OK;
}

void space_destroy(struct space *space)
{
	free(space);
}

enum paging space_paging(const struct space *space)
{
	return space->paging;
}

uint64_t space_dtb(const struct space *space)
{
	return space->walker.root;
}

unsigned space_pointer_size(const struct space *space)
{
	return space->walker.shape->last_address > UINT32_MAX ? 8 : 4;
}

struct dump *space_dump(const struct space *space)
{
	return space->dump;
}

uint64_t space_normalize(const struct space *space, uint64_t va)
{
	/* Crash headers and KDBG store 32-bit addresses sign-extended. */
	if (space->walker.shape->last_address == UINT32_MAX && va >= 0xffffffff80000000)
		return va & 0xffffffff;
	return va;
}

bool space_is_kernel_address(const struct space *space, uint64_t va)
{
	const struct walk_shape *shape = space->walker.shape;

	va = space_normalize(space, va);
	return va >= shape->first_kernel && va <= shape->last_address;
}

static bool can_walk(const struct space *space, uint64_t va)
{
	return va < space->walker.shape->user_end || space_is_kernel_address(space, va);
}

/* Why `va` cannot be walked to. */
static enum hole_reason no_walk(const struct space *space, uint64_t va)
{
	bool user = space->paging == PAGING_ARM64 && va < arm64_user_end;

	return user ? HOLE_USER_HALF : HOLE_NOT_CANONICAL;
}

/* Walks to the entry of `va` (normalised) and remembers the translation. */
static bool walk_and_keep(struct space *space, uint64_t va, struct tlb_entry *keep,
			  struct hole *ret_hole)
{
	struct walk_leaf leaf;
	bool found = false;

	if (!can_walk(space, va))
		*ret_hole = (struct hole){.reason = no_walk(space, va)};
	else
		found = walk(&space->walker, va, &leaf, ret_hole);
	if (!found) {
		ret_hole->va = va;
		ret_hole->length = PAGE_SIZE - (va & PAGE_MASK);
		return false;
	}
	*keep = (struct tlb_entry){.page = va >> PAGE_SHIFT,
				   .frame = leaf.pa & ~(uint64_t)PAGE_MASK,
				   .page_shift = leaf.page_shift,
				   .transition = leaf.transition};
	return true;
}

bool space_translate(struct space *space, uint64_t va, struct translation *ret,
		     struct hole *ret_hole)
{
	struct tlb_entry *entry;

	va = space_normalize(space, va);
	if (space->over_ranges) {
		*ret_hole = (struct hole){.reason = HOLE_NOT_IN_MINIDUMP,
					  .page = PAGE_NOT_IN_DUMP,
					  .va = va,
					  .length = PAGE_SIZE - (va & PAGE_MASK)};
		return false;
	}
	entry = &space->tlb[va >> PAGE_SHIFT & (TLB_ENTRIES - 1)];
	if (entry->page != va >> PAGE_SHIFT && !walk_and_keep(space, va, entry, ret_hole))
		return false;
	ret->pa = entry->frame | (va & PAGE_MASK);
	ret->page_size = (uint64_t)1 << entry->page_shift;
	ret->transition = entry->transition;
	return true;
}

/* The page of `va` is mapped and cannot be read: walks once more for the entry and its level. */
static void page_missing(struct space *space, uint64_t va, enum page_state state, size_t length,
			 struct hole *ret)
{
	struct walk_leaf leaf;

	if (!walk(&space->walker, va, &leaf, ret))
		return;
	*ret = (struct hole){.reason = HOLE_PAGE_MISSING,
			     .level = leaf.level,
			     .page = state,
			     .va = va,
			     .length = length,
			     .entry = leaf.entry,
			     .pfn = leaf.pa >> PAGE_SHIFT};
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* Whether bytes just read are of a page of zeros that stands for memory that is missing. */
static bool is_suspect(struct space *space, uint64_t pa, const uint8_t *bytes, size_t length)
{
	uint8_t page[PAGE_SIZE];

	return space->dump->zeros_suspect && all_zero(bytes, length) &&
	       dump_read(space->dump, pa & ~(uint64_t)PAGE_MASK, page, sizeof(page)) ==
		       PAGE_PRESENT &&
	       all_zero(page, sizeof(page));
}

/* Reads bytes of one 4 KiB page; on false `to` is undefined and *ret_hole covers `length`. */
static bool read_in_page(struct space *space, uint64_t va, void *to, size_t length,
			 struct hole *ret_hole)
{
	struct translation at;
	enum page_state state;

	if (space->over_ranges)
		return ranges_read(space->dump, va, to, length, ret_hole);
	if (!space_translate(space, va, &at, ret_hole)) {
		ret_hole->length = length;
		return false;
	}
	state = dump_read(space->dump, at.pa, to, length);
	if (state == PAGE_PRESENT && is_suspect(space, at.pa, to, length))
		state = PAGE_ZERO_SUSPECT;
	if (state == PAGE_PRESENT)
		return true;
	page_missing(space, va, state, length, ret_hole);
	return false;
}

static size_t bytes_to_page_end(uint64_t va, size_t length)
{
	size_t rest = PAGE_SIZE - (size_t)(va & PAGE_MASK);

	return length < rest ? length : rest;
}

/* Bytes that are read at once: of one page, and of one piece or gap of a minidump. */
static size_t bytes_at_once(const struct space *space, uint64_t va, size_t length)
{
	size_t now = bytes_to_page_end(va, length);

	return space->over_ranges ? ranges_stretch(space->dump, va, now) : now;
}

/* How many of `length` bytes from `va` (normalised) lie inside the address space. */
static size_t bytes_inside(const struct space *space, uint64_t va, size_t length)
{
	uint64_t last = space->walker.shape->last_address;

	if (length == 0 || va > last)
		return 0;
	return length - 1 <= last - va ? length : (size_t)(last - va) + 1;
}

enum ps_status space_read(struct space *space, uint64_t va, void *to, size_t length,
			  struct ps_error *err)
{
	uint8_t *out = to;
	struct hole hole;
	char text[256];

	va = space_normalize(space, va);
	if (va <= space->walker.shape->last_address && bytes_inside(space, va, length) != length)
		return ps_fail_at(err, PS_ABSENT, va,
				  "address 0x%" PRIx64
				  ": %zu bytes reach beyond the end of the address space",
				  va, length);
	while (length > 0) {
		size_t now = bytes_at_once(space, va, length);

		if (!read_in_page(space, va, out, now, &hole))
			return ps_fail_at(err, hole.page == PAGE_IO_ERROR ? PS_SYSTEM : PS_ABSENT,
					  hole.va, "%s", hole_describe(&hole, text, sizeof(text)));
		va += now;
		out += now;
		length -= now;
	}
	return PS_OK;
}

size_t space_read_partial(struct space *space, uint64_t va, void *to, size_t length,
			  struct holes *holes)
{
	uint8_t page[PAGE_SIZE]; /* a failed read must not touch the caller's bytes */
	uint8_t *out = to;
	size_t copied = 0, left;
	struct hole hole;

	va = space_normalize(space, va);
	left = bytes_inside(space, va, length);
	length -= left;
	while (left > 0) {
		size_t now = bytes_at_once(space, va, left);

		if (read_in_page(space, va, page, now, &hole)) {
			memcpy(out, page, now);
			copied += now;
		} else if (holes) {
			holes_add(holes, &hole);
		}
		va += now;
		out += now;
		left -= now;
	}
	if (length > 0 && holes) {
		hole = (struct hole){.reason = HOLE_NOT_CANONICAL, .va = va, .length = length};
		holes_add(holes, &hole);
	}
	return copied;
}

enum ps_status space_read_u32(struct space *space, uint64_t va, uint32_t *ret, struct ps_error *err)
{
	uint8_t raw[4];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	enum ps_status status = space_read(space, va, raw, sizeof(raw), err);

	if (status == PS_OK)
		*ret = bytes_u32(&bytes, 0);
	return status;
}

enum ps_status space_read_u64(struct space *space, uint64_t va, uint64_t *ret, struct ps_error *err)
{
	uint8_t raw[8];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	enum ps_status status = space_read(space, va, raw, sizeof(raw), err);

	if (status == PS_OK)
		*ret = bytes_u64(&bytes, 0);
	return status;
}

enum ps_status space_read_pointer(struct space *space, uint64_t va, uint64_t *ret,
				  struct ps_error *err)
{
	uint32_t value = 0;
	enum ps_status status;

	if (space_pointer_size(space) == 8)
		return space_read_u64(space, va, ret, err);
	status = space_read_u32(space, va, &value, err);
	if (status == PS_OK)
		*ret = value;
	return status;
}

static int compare_pfns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * A look at a few of the pages. Announcing 8192 scattered pages costs a system call each, 13 ms in
 * all, which is half of what summing a table of that size takes when it is in the page cache.
 */
static bool are_cached(struct dump *dump, const uint64_t *pfns, size_t count)
{
	size_t samples = count / PREFETCH_SAMPLE + 1;

	if (samples > PREFETCH_SAMPLES)
		samples = PREFETCH_SAMPLES;
	for (size_t i = 0; i < samples; i++) {
		if (!dump_is_cached(dump, pfns[i * count / samples]))
			return false;
	}
	return true;
}

/* Asks for the pages in physical order, which is the order of the file, stretch by stretch. */
static void prefetch_pages(struct dump *dump, uint64_t *pfns, size_t count)
{
	size_t first = 0;

	if (count == 0 || are_cached(dump, pfns, count))
		return;
	qsort(pfns, count, sizeof(*pfns), compare_pfns);
	for (size_t i = 1; i <= count; i++) {
		if (i < count && pfns[i] - pfns[i - 1] <= 1)
			continue;
		dump_prefetch(dump, pfns[first], pfns[i - 1] - pfns[first] + 1);
		first = i;
	}
}

void space_prefetch(struct space *space, uint64_t va, uint64_t length)
{
	size_t count = 0, room;
	uint64_t first, end, *pfns;

	va = space_normalize(space, va);
	length = bytes_inside(space, va, length < prefetch_most ? length : prefetch_most);
	if (length == 0 || space->over_ranges)
		return;
	first = va >> PAGE_SHIFT;
	end = (va + (length - 1)) >> PAGE_SHIFT;
	room = end - first < PREFETCH_BATCH ? (size_t)(end - first) + 1 : PREFETCH_BATCH;
	pfns = mem_array(room, sizeof(*pfns));
	if (!pfns)
		return;
	for (uint64_t page = first; page <= end; page++) {
		struct translation at;
		struct hole hole;

		if (!space_translate(space, page << PAGE_SHIFT, &at, &hole))
			continue;
		pfns[count++] = at.pa >> PAGE_SHIFT;
		if (count == room) {
			prefetch_pages(space->dump, pfns, count);
			count = 0;
		}
	}
	prefetch_pages(space->dump, pfns, count);
	free(pfns);
}
