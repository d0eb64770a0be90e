/*
 * The pages of a hibernation file of Windows 8 and later: groups of up to 16 pages, each with a
 * header that names the pages and says how long they are, packed; the next group follows.
 *
 * Source: public descriptions of the format (J. T. Sylve et al., "Modern Windows hibernation file
 * analysis", 2016; the readers of public memory analysis tools).
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"
#include "formats/hiber.h"

enum {
	HEADER = 4, /* u32: entries, 8 bits; bytes behind them, 22 bits; packer, 2 bits */
	ENTRY_MOST = 8,
	OVERHEAD_LEAST = 8, /* bytes of a group's header, with one entry */
	PAGES_BITS = 4,     /* of an entry: pages less one; above them the first page's PFN */
};

struct group_header {
	unsigned entries, pages;
	size_t length; /* of header and entries */
	struct hiber_group group;
	uint8_t raw[HEADER + HIBER_GROUP_PAGES * ENTRY_MOST];
};

enum ps_status hiber_add_group(struct hiber *hiber, struct hiber_group group, struct ps_error *err)
{
	struct hiber_groups *groups = &hiber->groups;
	uint64_t end = hiber->dump->file.size;
	void *items = groups->items;

	if (group.offset > end || group.size > end - group.offset) {
		hiber->cut = true;
		return PS_OK;
	}
	hiber->taken += OVERHEAD_LEAST + group.size;
	if (hiber->taken > end)
		return ps_fail_at(err, PS_CORRUPT, group.offset, "its groups of pages overlap");
	if (!mem_grow(&items, groups->count, &groups->capacity, sizeof(group)))
		return ps_fail_memory(err, "the list of pages");
	groups->items = items;
	groups->items[groups->count++] = group;
	return PS_OK;
}

enum ps_status hiber_add_page(struct hiber *hiber, uint64_t pfn, unsigned index,
			      struct ps_error *err)
{
	uint64_t group = hiber->groups.count - 1;
	uint64_t offset = group << HIBER_GROUP_SHIFT | (uint64_t)index << PAGE_SHIFT;

	hiber->found++;
	if (!page_runs_append(&hiber->runs, (struct page_run){pfn, 1, offset}))
		return ps_fail_memory(err, "the list of pages");
	return PS_OK;
}

/* An entry, widened to 64 bits. */
static uint64_t entry_of(const struct hiber *hiber, struct bytes *raw, unsigned index)
{
	return bytes_pointer(raw, HEADER + (size_t)index * hiber->pointer, hiber->pointer);
}

/* False when it is none that can be, or the file ends before its last byte. */
static bool parse_group(const struct hiber *hiber, uint64_t at, size_t there,
			struct group_header *ret)
{
	struct bytes raw = bytes_of(ret->raw, there);
	uint32_t word = bytes_u32(&raw, 0);

	ret->entries = word & 0xff;
	ret->pages = 0;
	ret->length = HEADER + (size_t)ret->entries * hiber->pointer;
	ret->group.offset = at + ret->length;
	ret->group.size = word >> 8 & 0x3fffff;
	ret->group.packer = word >> 31 ? HIBER_HUFFMAN : HIBER_LZ77;
	if (ret->entries == 0 || ret->entries > HIBER_GROUP_PAGES)
		return false;
	for (unsigned i = 0; i < ret->entries; i++) {
		uint64_t entry = entry_of(hiber, &raw, i);

		if (entry >> PAGES_BITS >= HIBER_PFN_LIMIT)
			return false;
		ret->pages += 1 + (unsigned)(entry & ((1u << PAGES_BITS) - 1));
	}
	if (raw.overrun || ret->pages > HIBER_GROUP_PAGES || ret->group.size == 0 ||
	    ret->group.size > ret->pages * PAGE_SIZE)
		return false;
	ret->group.pages = (uint8_t)ret->pages;
	if (ret->group.size == ret->pages * PAGE_SIZE)
		ret->group.packer = HIBER_STORED;
	return true;
}

/* *ret_there: whether there is a group at `at`. */
static enum ps_status read_header(struct hiber *hiber, uint64_t at, struct group_header *ret,
				  bool *ret_there, struct ps_error *err)
{
	struct file *file = &hiber->dump->file;
	uint64_t rest = at < file->size ? file->size - at : 0;
	size_t there = rest < sizeof(ret->raw) ? (size_t)rest : sizeof(ret->raw);

	if (there > 0 && file_read(file, at, ret->raw, there, err) != PS_OK)
		return ps_wrap(err, "cannot read the header of a group of pages");
	*ret_there = parse_group(hiber, at, there, ret);
	/* At the end of the file a header that is cut looks like none. */
	if (!*ret_there && there < sizeof(ret->raw))
		hiber->cut = true;
	return PS_OK;
}

static enum ps_status add_group(struct hiber *hiber, struct group_header *header,
				struct ps_error *err)
{
	struct bytes raw = bytes_of(header->raw, header->length);
	unsigned index = 0;

	if (hiber_add_group(hiber, header->group, err) != PS_OK || hiber->cut)
		return err->status;
	for (unsigned i = 0; i < header->entries; i++) {
		uint64_t entry = entry_of(hiber, &raw, i);
		uint64_t pfn = entry >> PAGES_BITS;
		uint64_t end = pfn + 1 + (entry & ((1u << PAGES_BITS) - 1));

		for (; pfn < end; pfn++, index++)
			if (hiber_add_page(hiber, pfn, index, err) != PS_OK)
				return err->status;
	}
	return PS_OK;
}

enum ps_status hiber_read_groups(struct hiber *hiber, uint64_t first, uint64_t pages,
				 struct ps_error *err)
{
	struct progress *progress = hiber->dump->progress;
	/* A page behind any file's end has no offset. */
	uint64_t at = first > UINT64_MAX >> PAGE_SHIFT ? UINT64_MAX : first << PAGE_SHIFT;
	uint64_t wanted = hiber->found + pages;
	struct group_header header;
	bool there = true;

	while (hiber->found < wanted && !hiber->cut) {
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (read_header(hiber, at, &header, &there, err) != PS_OK)
			return err->status;
		if (!there)
			break;
		if (add_group(hiber, &header, err) != PS_OK)
			return err->status;
		at = header.group.offset + header.group.size;
		if (progress)
			progress_advance(progress, header.length + header.group.size);
	}
	if (hiber->found >= wanted)
		return PS_OK;
	hiber->lost += wanted - hiber->found;
	if (!hiber->cut && !hiber->broken) {
		hiber->broken = true;
		hiber->broken_at = at;
	}
	return PS_OK;
}

bool hiber_is_group(struct hiber *hiber, uint64_t first)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct hiber probe = *hiber;
	struct group_header header;
	bool there;

	return first != 0 && first <= hiber->dump->file.size >> PAGE_SHIFT &&
	       read_header(&probe, first << PAGE_SHIFT, &header, &there, &ignored) == PS_OK &&
	       there;
}
