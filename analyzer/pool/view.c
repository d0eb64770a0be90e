/*
 * A stretch of kernel memory read as far as it is in the dump. See view.h.
 */
#include "analyzer/pool/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void view_init(struct view *view, struct space *space, uint64_t va)
{
	*view = (struct view){.space = space, .va = va};
	holes_init(&view->holes);
}

void view_fini(struct view *view)
{
	free(view->data);
	free(view->present);
	holes_fini(&view->holes);
	*view = (struct view){0};
}

void view_restart(struct view *view, uint64_t va)
{
	view->va = va;
	view->size = 0;
	view->pages_expected = view->pages_present = 0;
	view->holes.count = 0;
	view->holes.bytes = 0;
}

static size_t page_index(const struct view *view, size_t offset)
{
	return (size_t)(((view->va & (PAGE_SIZE - 1)) + offset) >> PAGE_SHIFT);
}

static enum ps_status view_reserve(struct view *view, size_t size, struct ps_error *err)
{
	/* One more than needed, so that a restart at another place in its page fits too. */
	size_t pages = page_index(view, size - 1) + 2;
	uint8_t *data;
	bool *present;

	data = realloc(view->data, size);
	if (!data)
		return ps_fail_memory(err, "a kernel table");
	view->data = data;
	present = realloc(view->present, pages * sizeof(*present));
	if (!present)
		return ps_fail_memory(err, "a kernel table");
	view->present = present;
	view->capacity = size;
	return PS_OK;
}

/* Marks the pages of [from, to) from the holes that the read added behind `first_hole`. */
static void view_mark(struct view *view, size_t from, size_t to, const struct holes *found)
{
	size_t first = page_index(view, from), last = page_index(view, to - 1);

	for (size_t page = first; page <= last; page++) {
		if (page >= view->pages_expected) {
			view->present[page] = true;
			view->pages_expected++;
			view->pages_present++;
		}
	}
	for (size_t i = 0; i < found->count; i++) {
		size_t start = (size_t)(found->items[i].va - view->va);
		size_t end = start + (size_t)found->items[i].length - 1;

		for (size_t page = page_index(view, start); page <= page_index(view, end); page++) {
			view->pages_present -= view->present[page];
			view->present[page] = false;
		}
		holes_add(&view->holes, &found->items[i]);
	}
}

enum ps_status view_extend(struct view *view, size_t size, struct ps_error *err)
{
	struct holes found;
	enum ps_status status;

	if (size <= view->size)
		return PS_OK;
	if (view->va + (size - 1) < view->va)
		return ps_fail_at(err, PS_CORRUPT, view->va,
				  "a table at 0x%016llx would reach beyond the address space",
				  (unsigned long long)view->va);
	if (size > view->capacity) {
		status = view_reserve(view, size, err);
		if (status != PS_OK)
			return status;
	}
	holes_init(&found);
	space_read_partial(view->space, view->va + view->size, view->data + view->size,
			   size - view->size, &found);
	if (found.overflow) {
		holes_fini(&found);
		return ps_fail_memory(err, "the list of missing pages");
	}
	view_mark(view, view->size, size, &found);
	view->size = size;
	holes_fini(&found);
	return PS_OK;
}

bool view_has_pages(const struct view *view, size_t offset, size_t length)
{
	for (size_t page = page_index(view, offset); page <= page_index(view, offset + length - 1);
	     page++) {
		if (!view->present[page])
			return false;
	}
	return true;
}
