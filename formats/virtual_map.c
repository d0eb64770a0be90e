/* See virtual_map.h. */
#include "formats/virtual_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void virtual_map_init(struct virtual_map *map)
{
	memset(map, 0, sizeof(*map));
}

void virtual_map_fini(struct virtual_map *map)
{
	free(map->items);
	virtual_map_init(map);
}

enum ps_status virtual_map_add(struct virtual_map *map, uint64_t va, uint64_t length,
			       uint64_t offset, struct ps_error *err)
{
	void *items = map->items;

	if (length == 0)
		return PS_OK;
	if (length - 1 > UINT64_MAX - va || length > UINT64_MAX - offset)
		return ps_fail_at(err, PS_CORRUPT, va,
				  "0x%" PRIx64 " bytes at 0x%" PRIx64
				  " reach beyond the end of the address space",
				  length, va);
	if (!mem_grow(&items, map->count, &map->capacity, sizeof(*map->items)))
		return ps_fail_memory(err, "the ranges of the minidump");
	map->items = items;
	map->items[map->count++] = (struct virtual_range){va, length, offset};
	return PS_OK;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct virtual_range *x = a, *y = b;

	if (x->va != y->va)
		return x->va < y->va ? -1 : 1;
	if (x->length != y->length)
		return x->length > y->length ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

void virtual_map_settle(struct virtual_map *map)
{
	size_t kept = 0;

	map->bytes = 0;
	map->overlap = 0;
	if (map->count > 1)
		qsort(map->items, map->count, sizeof(*map->items), compare_ranges);
	for (size_t i = 0; i < map->count; i++) {
		struct virtual_range range = map->items[i];

		if (kept > 0) {
			const struct virtual_range *last = &map->items[kept - 1];
			uint64_t behind = range.va - last->va;
			uint64_t twice = behind < last->length ? last->length - behind : 0;

			if (twice > range.length)
				twice = range.length;
			map->overlap += twice;
			range.va += twice;
			range.offset += twice;
			range.length -= twice;
		}
		if (range.length == 0)
			continue;
		map->items[kept++] = range;
		map->bytes += range.length;
	}
	map->count = kept;
}

/* Number of ranges that begin at or below `va`. */
static size_t count_up_to(const struct virtual_map *map, uint64_t va)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->items[middle].va <= va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool virtual_map_find(const struct virtual_map *map, uint64_t va, struct virtual_range *ret,
		      uint64_t *ret_gap)
{
	size_t next = count_up_to(map, va);

	if (next > 0) {
		const struct virtual_range *range = &map->items[next - 1];
		uint64_t inside = va - range->va;

		if (inside < range->length) {
			*ret = (struct virtual_range){va, range->length - inside,
						      range->offset + inside};
			return true;
		}
	}
	*ret_gap = next < map->count ? map->items[next].va - va : UINT64_MAX - va;
	return false;
}
