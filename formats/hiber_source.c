/*
 * Pages of a hibernation file: groups of up to 16 pages, unpacked when the first of them is asked
 * for and kept for a while, as their neighbours are often asked for next.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/hiber.h"
#include "formats/unpacked.h"
#include "formats/xpress.h"

enum { KEPT = 64 }; /* groups: 4 MiB */

struct hiber_pages {
	struct page_source base;
	struct file *file; /* borrowed */
	struct hiber_groups groups;
	struct unpacked unpacked; /* groups, by their index */
	uint8_t packed[HIBER_GROUP_BYTES];
};

static bool unpack(const struct hiber_group *group, const uint8_t *packed, uint8_t *to)
{
	size_t room = (size_t)group->pages * PAGE_SIZE;

	if (group->packer == HIBER_HUFFMAN)
		return xpress_huffman(packed, group->size, to, room);
	return xpress_lz77(packed, group->size, to, room);
}

static enum page_state read_group(void *container, uint64_t index, uint8_t *to)
{
	struct hiber_pages *pages = container;
	const struct hiber_group *group = &pages->groups.items[index];
	bool stored = group->packer == HIBER_STORED;
	uint8_t *packed = stored ? to : pages->packed;
	struct ps_error err = PS_ERROR_INIT;

	switch (file_read(pages->file, group->offset, packed, group->size, &err)) {
	case PS_OK: break;
	case PS_ABSENT: return PAGE_BEYOND_EOF;
	default: return PAGE_IO_ERROR;
	}
	return stored || unpack(group, packed, to) ? PAGE_PRESENT : PAGE_DAMAGED;
}

static enum page_state source_read(struct page_source *source, const struct extent *page,
				   size_t skip, void *to, size_t length)
{
	struct hiber_pages *pages = (struct hiber_pages *)source;
	const uint8_t *bytes;
	enum page_state state = unpacked_get(&pages->unpacked, page->offset >> HIBER_GROUP_SHIFT,
					     read_group, pages, &bytes);

	if (state == PAGE_PRESENT)
		memcpy(to, bytes + page->offset % HIBER_GROUP_BYTES + skip, length);
	return state;
}

static void source_prefetch(struct page_source *source, uint64_t pfn, uint64_t count)
{
	/* Groups of neighbouring pages lie anywhere; one read of at most 64 KiB brings each. */
	(void)source;
	(void)pfn;
	(void)count;
}

static void source_close(struct page_source *source)
{
	struct hiber_pages *pages = (struct hiber_pages *)source;

	unpacked_fini(&pages->unpacked);
	free(pages->groups.items);
	free(pages);
}

enum ps_status hiber_source(struct file *file, struct hiber_groups *groups,
			    struct page_source **ret, struct ps_error *err)
{
	static const struct page_source_ops ops = {
		.read = source_read, .prefetch = source_prefetch, .close = source_close};
	struct hiber_pages *pages = mem_array(1, sizeof(*pages));

	if (!pages) {
		free(groups->items);
		*groups = (struct hiber_groups){0};
		return ps_fail_memory(err, "the pages of the hibernation file");
	}
	pages->base.ops = &ops;
	pages->file = file;
	pages->groups = *groups;
	*groups = (struct hiber_groups){0};
	if (!unpacked_init(&pages->unpacked, KEPT, HIBER_GROUP_BYTES)) {
		source_close(&pages->base);
		return ps_fail_memory(err, "the pages of the hibernation file");
	}
	*ret = &pages->base;
	return PS_OK;
}
