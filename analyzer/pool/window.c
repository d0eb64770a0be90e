/*
 * The cluster of kernel variables around PoolTrackTable. See window.h.
 */
#include "analyzer/pool/locate_internal.h"

enum ps_status window_init(struct window *window, struct space *space, uint64_t center,
			   uint64_t floor, uint64_t ceiling, struct ps_error *err)
{
	uint64_t first, last;
	enum ps_status status;

	window->pointer_size = space_pointer_size(space);
	window->center = center;
	first = center > WINDOW_REACH ? center - WINDOW_REACH : 0;
	last = center + WINDOW_REACH;
	if (ceiling && first < floor)
		first = floor;
	if (last < center || (ceiling && last > ceiling))
		last = ceiling ? ceiling : UINT64_MAX;
	/* Variables are aligned to their size, so the first slot must be too. */
	first = (first + window->pointer_size - 1) & ~(uint64_t)(window->pointer_size - 1);
	view_init(&window->view, space, first);
	if (last <= first)
		return ps_fail_at(err, PS_CORRUPT, center,
				  "PoolTrackTable at 0x%016llx lies outside the kernel image",
				  (unsigned long long)center);
	status = view_extend(&window->view, (size_t)(last - first), err);
	if (status != PS_OK)
		window_fini(window);
	return status;
}

void window_fini(struct window *window)
{
	view_fini(&window->view);
}

bool window_is_whole(const struct window *window)
{
	return window->view.pages_present == window->view.pages_expected;
}

size_t window_slots(const struct window *window)
{
	return window->view.size / window->pointer_size;
}

bool window_value(const struct window *window, size_t index, uint64_t *ret)
{
	size_t offset = index * window->pointer_size;

	if (!view_has(&window->view, offset, window->pointer_size))
		return false;
	*ret = view_uint(&window->view, offset, window->pointer_size);
	return true;
}

uint64_t window_va(const struct window *window, size_t index)
{
	return window->view.va + index * window->pointer_size;
}

bool window_next_table(const struct window *window, size_t *index, struct hash *seen,
		       uint64_t *ret_value, uint64_t *ret_va, bool *ret_no_memory)
{
	*ret_no_memory = false;
	while (*index < window_slots(window)) {
		size_t slot = (*index)++;
		uint32_t unused;

		if (!window_value(window, slot, ret_value) ||
		    !is_table_address(window->view.space, *ret_value) ||
		    hash_find(seen, *ret_value, &unused))
			continue;
		*ret_no_memory = !hash_add(seen, *ret_value, 0);
		*ret_va = window_va(window, slot);
		return !*ret_no_memory;
	}
	return false;
}

struct global window_global(const struct window *window, uint64_t value)
{
	uint64_t va = 0;
	size_t places = window_count(window, value, &va);

	return (struct global){.found = places > 0, .va = places == 1 ? va : 0, .value = value};
}

size_t window_count(const struct window *window, uint64_t value, uint64_t *ret_va)
{
	size_t found = 0;

	for (size_t i = 0; i < window_slots(window); i++) {
		uint64_t v;

		if (!window_value(window, i, &v) || v != value)
			continue;
		if (!found++)
			*ret_va = window_va(window, i);
	}
	return found;
}
