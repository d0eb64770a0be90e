/*
 * The pages of a hibernation file of Windows 7 and Server 2008 R2: tables of ranges, one a page of
 * the file, each followed by its pages in blocks of up to 16, with a header each.
 *
 * Source: public descriptions of the format (the Windows Hibernation File format of libhibr, whose
 * example is a 64-bit Windows 7; the readers of public conversion tools).
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/signals.h"
#include "formats/hiber.h"

enum {
	BLOCK_HEADER = 32,
	BLOCK_WORD = 8, /* u32: pages less one, 10 bits; packed bytes less one, 22 bits */
	BLOCK_ALIGN = 8,
};

static const uint8_t block_magic[8] = {0x81, 0x81, 'x', 'p', 'r', 'e', 's', 's'};

/* A table: {next table's page, u32 count}, then the first page of each range and the one behind. */
struct table {
	uint64_t next;
	unsigned count;
	uint8_t raw[PAGE_SIZE];
	struct bytes bytes;
	unsigned range;  /* the one whose pages come next */
	uint64_t passed; /* of its pages */
};

static size_t entries_at(const struct hiber *hiber)
{
	return (size_t)2 * hiber->pointer;
}

static uint64_t range_end(const struct hiber *hiber, struct table *t, unsigned range, bool last)
{
	return bytes_pointer(&t->bytes,
			     entries_at(hiber) * (range + 1) + (last ? hiber->pointer : 0),
			     hiber->pointer);
}

/* *ret_there: whether the page is a table that can be. */
static enum ps_status read_table(struct hiber *hiber, uint64_t page, struct table *ret,
				 bool *ret_there, struct ps_error *err)
{
	struct file *file = &hiber->dump->file;
	size_t most = PAGE_SIZE / entries_at(hiber) - 1;
	uint64_t pages = file->size >> PAGE_SHIFT;

	*ret_there = false;
	if (page >= pages) {
		hiber->cut = true;
		return PS_OK;
	}
	if (file_read(file, page << PAGE_SHIFT, ret->raw, PAGE_SIZE, err) != PS_OK)
		return ps_wrap(err, "cannot read a table of memory ranges");
	ret->bytes = bytes_of(ret->raw, PAGE_SIZE);
	ret->next = bytes_pointer(&ret->bytes, 0, hiber->pointer);
	ret->count = bytes_u32(&ret->bytes, hiber->pointer);
	ret->range = 0;
	ret->passed = 0;
	if (ret->count == 0 || ret->count > most)
		return PS_OK;
	for (unsigned i = 0; i < ret->count; i++)
		if (range_end(hiber, ret, i, false) >= range_end(hiber, ret, i, true) ||
		    range_end(hiber, ret, i, true) > HIBER_PFN_LIMIT)
			return PS_OK;
	*ret_there = true;
	return PS_OK;
}

/* The next page of the table. False when there is none. */
static bool next_page(const struct hiber *hiber, struct table *t, uint64_t *ret_pfn)
{
	uint64_t first;

	if (t->range == t->count)
		return false;
	first = range_end(hiber, t, t->range, false);
	*ret_pfn = first + t->passed++;
	if (first + t->passed == range_end(hiber, t, t->range, true)) {
		t->range++;
		t->passed = 0;
	}
	return true;
}

static bool has_more(const struct table *t)
{
	return t->range < t->count;
}

/* *ret_there: whether there is a block at `at`. */
static enum ps_status read_block(struct hiber *hiber, uint64_t at, struct hiber_group *ret,
				 bool *ret_there, struct ps_error *err)
{
	struct file *file = &hiber->dump->file;
	uint8_t raw[BLOCK_HEADER];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	uint32_t word;

	*ret_there = false;
	if (at > file->size || file->size - at < sizeof(raw)) {
		hiber->cut = true;
		return PS_OK;
	}
	if (file_read(file, at, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the header of a group of pages");
	word = bytes_u32(&bytes, BLOCK_WORD);
	ret->offset = at + sizeof(raw);
	ret->size = (word >> 10) + 1;
	if (!bytes_equal(&bytes, 0, block_magic, sizeof(block_magic)) ||
	    (word & 0x3ff) >= HIBER_GROUP_PAGES || ret->size > HIBER_GROUP_BYTES)
		return PS_OK;
	ret->pages = (uint8_t)((word & 0x3ff) + 1);
	ret->packer = ret->size == ret->pages * (uint32_t)PAGE_SIZE ? HIBER_STORED : HIBER_LZ77;
	*ret_there = true;
	return PS_OK;
}

/* The pages of one block, as the table lists them on. */
static enum ps_status add_block(struct hiber *hiber, struct table *t, struct hiber_group group,
				struct ps_error *err)
{
	uint64_t pfn;

	if (hiber_add_group(hiber, group, err) != PS_OK || hiber->cut)
		return err->status;
	for (unsigned i = 0; i < group.pages && next_page(hiber, t, &pfn); i++)
		if (hiber_add_page(hiber, pfn, i, err) != PS_OK)
			return err->status;
	return PS_OK;
}

static enum ps_status read_blocks(struct hiber *hiber, struct table *t, uint64_t at,
				  struct ps_error *err)
{
	struct progress *progress = hiber->dump->progress;
	struct hiber_group group;
	bool there;

	while (has_more(t) && !hiber->cut) {
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (read_block(hiber, at, &group, &there, err) != PS_OK)
			return err->status;
		if (!there)
			break;
		if (add_block(hiber, t, group, err) != PS_OK)
			return err->status;
		at = group.offset + (group.size + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
		if (progress)
			progress_advance(progress, BLOCK_HEADER + group.size);
	}
	if (has_more(t) && !hiber->cut) {
		hiber->broken = true;
		hiber->broken_at = at;
	}
	return PS_OK;
}

static uint64_t pages_left(const struct hiber *hiber, struct table *t)
{
	uint64_t pages = 0;

	for (unsigned i = t->range; i < t->count; i++)
		pages += range_end(hiber, t, i, true) - range_end(hiber, t, i, false);
	return pages - t->passed;
}

/* Tables lie in ascending order: one that leads back is damage, and the walk ends. */
enum ps_status hiber_read_tables(struct hiber *hiber, uint64_t first, struct ps_error *err)
{
	struct table t;
	bool there;

	for (uint64_t page = first; page != 0 && !hiber->cut && !hiber->broken;) {
		if (read_table(hiber, page, &t, &there, err) != PS_OK)
			return err->status;
		if (there && read_blocks(hiber, &t, (page + 1) << PAGE_SHIFT, err) != PS_OK)
			return err->status;
		if (there && (hiber->cut || hiber->broken))
			hiber->lost += pages_left(hiber, &t);
		if (!hiber->cut && !hiber->broken && (!there || (t.next != 0 && t.next <= page))) {
			hiber->broken = true;
			hiber->broken_at = page << PAGE_SHIFT;
		}
		page = there ? t.next : 0;
	}
	return PS_OK;
}

bool hiber_is_table(struct hiber *hiber, uint64_t first)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct hiber probe = *hiber;
	struct hiber_group group;
	struct table t;
	bool there;

	return first != 0 && first < hiber->dump->file.size >> PAGE_SHIFT &&
	       read_table(&probe, first, &t, &there, &ignored) == PS_OK && there &&
	       read_block(&probe, (first + 1) << PAGE_SHIFT, &group, &there, &ignored) == PS_OK &&
	       there;
}
