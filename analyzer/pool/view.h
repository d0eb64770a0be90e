/*
 * A stretch of kernel memory read as far as it is in the dump, with one flag a page for what is.
 *
 * Ownership: view_init()/view_fini(). Growing keeps what was read. Absent bytes are never looked
 * at: ask view_has() before bytes are used.
 */
#ifndef PS_ANALYZER_POOL_VIEW_H
#define PS_ANALYZER_POOL_VIEW_H

#include "analyzer/memory/space.h"
#include "base/bytes.h"

struct view {
	struct space *space; /* borrowed */
	uint64_t va;
	size_t size; /* bytes read so far (present or not) */
	size_t capacity;
	uint8_t *data; /* owned */
	bool *present; /* owned: one flag a 4 KiB page that the stretch touches */
	size_t pages_expected, pages_present;
	struct holes holes;
};

void view_init(struct view *view, struct space *space, uint64_t va);
void view_fini(struct view *view);

/** Forgets what was read and begins anew at `va`, keeping the memory. */
void view_restart(struct view *view, uint64_t va);

/** Reads on until `size` bytes are covered. PS_NO_MEMORY, or PS_CORRUPT when va + size overflows.
 */
enum ps_status view_extend(struct view *view, size_t size, struct ps_error *err);

/** As view_has(), for a view with absent pages. */
bool view_has_pages(const struct view *view, size_t offset, size_t length);

/** True when all of [offset, offset+length) was read from the dump. */
static inline bool view_has(const struct view *view, size_t offset, size_t length)
{
	if (length == 0 || offset >= view->size || length > view->size - offset)
		return false;
	return view->pages_present == view->pages_expected || view_has_pages(view, offset, length);
}

/** Little-endian value at `offset`; only after view_has(). `width` is 4 or 8 bytes. */
static inline uint64_t view_uint(const struct view *view, size_t offset, unsigned width)
{
	struct bytes b = bytes_of(view->data, view->size);

	return bytes_uint(&b, offset, width);
}

#endif
