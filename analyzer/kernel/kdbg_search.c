/*
 * Searches for KDBG: in the pages of a kernel image, and in all of physical memory.
 *
 * The physical search sees no block whose tag and KernBase lie in pages that are not neighbours in
 * physical memory; the search of the image sees those too.
 */
#include "analyzer/kernel/kdbg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	TAG_OFFSET = 0x10, /* of OwnerTag in the block */
	TAG_BYTES = 0x10,  /* from OwnerTag to the end of KernBase: all that a trace needs */
	TAG_STEP = 4,      /* the block is aligned to 8 or more; 4 costs nothing */
	BLOCK = 256,       /* bytes looked at together */
	CHUNK = 256 << 10, /* bytes of physical memory read at once: they stay in a cache */
	AHEAD = 4 << 20,   /* asked of the disk ahead of the search */
};

/* One comparison for many words, which the compiler does with a few instructions. */
static bool block_has_tag(const uint8_t *block)
{
	uint32_t words[BLOCK / TAG_STEP], tag;
	uint32_t found = 0;

	memcpy(words, block, sizeof(words));
	memcpy(&tag, "KDBG", sizeof(tag));
	for (size_t i = 0; i < BLOCK / TAG_STEP; i++)
		found |= words[i] == tag;
	return found != 0;
}

/* The next "KDBG" at or after `from`, which is aligned as addresses are; false at the end. */
static bool next_tag(const uint8_t *data, size_t size, size_t *from)
{
	size_t at = *from;

	while (at < size && size - at >= TAG_STEP) {
		if (size - at >= BLOCK && !block_has_tag(data + at)) {
			at += BLOCK;
		} else if (memcmp(data + at, "KDBG", TAG_STEP) == 0) {
			*from = at;
			return true;
		} else {
			at += TAG_STEP;
		}
	}
	return false;
}

static bool is_block_of(struct space *space, uint64_t va, uint64_t base, uint64_t size,
			struct kdbg *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct kdbg kdbg;
	uint64_t list;

	if (kdbg_read(space, va, &kdbg, &ignored) != PS_OK || kdbg.kernel_base != base)
		return false;
	list = kdbg.fields[KDBG_PS_LOADED_MODULE_LIST];
	if (list < base || list - base >= size)
		return false;
	*ret = kdbg;
	return true;
}

static bool find_in_page(struct space *space, uint64_t va, const uint8_t *page, uint64_t base,
			 uint64_t size, struct kdbg *ret)
{
	for (size_t at = 0; next_tag(page, PAGE_SIZE, &at); at += TAG_STEP)
		if (is_block_of(space, va + at - TAG_OFFSET, base, size, ret))
			return true;
	return false;
}

enum ps_status kdbg_find_in_image(struct space *space, uint64_t base, uint64_t size,
				  struct kdbg *ret, struct ps_error *err)
{
	uint64_t pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0), readable = 0;
	uint8_t page[PAGE_SIZE];
	struct ps_error ignored = PS_ERROR_INIT;

	for (uint64_t i = 0; i < pages; i++) {
		uint64_t va = base + i * PAGE_SIZE;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (space_read(space, va, page, sizeof(page), &ignored) != PS_OK)
			continue;
		readable++;
		if (find_in_page(space, va, page, base, size, ret))
			return PS_OK;
	}
	return ps_fail_at(err, PS_NOT_FOUND, base,
			  "no KDBG in the kernel image 0x%" PRIx64 "..0x%" PRIx64 " (%" PRIu64
			  " of its %" PRIu64 " pages could be read)",
			  base, base + size - 1, readable, pages);
}

/* Head of a block as any Windows could have it, 32 or 64 bit. */
static bool read_trace(const uint8_t *tag, uint64_t pa, struct kdbg_trace *ret)
{
	struct bytes bytes = bytes_of(tag, TAG_BYTES);
	uint32_t size = bytes_u32(&bytes, 4);
	uint64_t base = bytes_u64(&bytes, 8);

	if (size < KDBG_MIN_SIZE || size > KDBG_MAX_SIZE || size % 4 != 0)
		return false;
	if (base % PAGE_SIZE != 0 || base < 0x80000000 ||
	    (base > UINT32_MAX && base < 0xff00000000000000)) /* LA57 has the widest kernel half */
		return false;
	*ret = (struct kdbg_trace){.pa = pa - TAG_OFFSET, .kernel_base = base, .size = size};
	return true;
}

/* Offers what begins in the first `count` of `size` bytes at physical address `pa`. */
static bool scan_bytes(const uint8_t *data, size_t count, size_t size, uint64_t pa,
		       kdbg_accept accept, void *context)
{
	struct kdbg_trace trace;

	for (size_t at = 0; next_tag(data, size, &at) && at < count; at += TAG_STEP)
		if (size - at >= TAG_BYTES && pa + at >= TAG_OFFSET &&
		    read_trace(data + at, pa + at, &trace) && accept(context, &trace))
			return true;
	return false;
}

static size_t at_most(uint64_t value, size_t limit)
{
	return value < limit ? (size_t)value : limit;
}

/* A chunk that the disk refuses is read page by page, and those that fail are passed over. */
static bool scan_chunk(struct dump *dump, uint8_t *buffer, uint64_t pa, uint64_t left,
		       kdbg_accept accept, void *context)
{
	size_t count = at_most(left, CHUNK), size = at_most(left, CHUNK + TAG_BYTES);

	if (dump_read(dump, pa, buffer, size) == PAGE_PRESENT)
		return scan_bytes(buffer, count, size, pa, accept, context);
	for (size_t at = 0; at < count; at += PAGE_SIZE)
		if (dump_read(dump, pa + at, buffer, PAGE_SIZE) == PAGE_PRESENT &&
		    scan_bytes(buffer, PAGE_SIZE, PAGE_SIZE, pa + at, accept, context))
			return true;
	return false;
}

static enum ps_status scan_extent(struct dump *dump, const struct extent *extent, uint8_t *buffer,
				  kdbg_accept accept, void *context, struct progress *progress,
				  struct ps_error *err)
{
	uint64_t start = extent->pfn << PAGE_SHIFT, left = extent->count << PAGE_SHIFT;
	uint64_t pa = start;

	while (left > 0) {
		size_t now = at_most(left, CHUNK);

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if ((pa - start) % AHEAD == 0)
			dump_prefetch(dump, pa >> PAGE_SHIFT, at_most(left, AHEAD) >> PAGE_SHIFT);
		if (scan_chunk(dump, buffer, pa, left, accept, context))
			return PS_OK;
		progress_advance(progress, now >> PAGE_SHIFT);
		pa += now;
		left -= now;
	}
	return PS_NOT_FOUND;
}

enum ps_status kdbg_scan(struct dump *dump, kdbg_accept accept, void *context,
			 struct progress *progress, struct ps_error *err)
{
	uint8_t *buffer = mem_array(CHUNK + TAG_BYTES, 1);
	enum ps_status status = PS_NOT_FOUND;
	uint64_t pfn = 0, pages = 0;
	struct extent extent;

	if (!buffer)
		return ps_fail_memory(err, "the search for KDBG");
	progress_begin(progress, "searching for KDBG", dump->map.highest_pfn + 1);
	while (status == PS_NOT_FOUND && dump_next_present(dump, pfn, &extent)) {
		progress_advance(progress, extent.pfn - pfn);
		status = scan_extent(dump, &extent, buffer, accept, context, progress, err);
		pages += extent.count;
		pfn = extent.pfn + extent.count;
	}
	progress_end(progress);
	free(buffer);
	if (status == PS_NOT_FOUND)
		return ps_fail(err, PS_NOT_FOUND,
			       "no KDBG of this kernel in %" PRIu64 " pages of memory", pages);
	return status;
}
