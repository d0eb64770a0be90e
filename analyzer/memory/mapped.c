/*
 * Walks over what is mapped in a stretch of addresses, without asking for each page of the holes.
 * See space.h.
 */
#include "analyzer/memory/space.h"
#include "analyzer/memory/walk.h"

/* Addresses that one entry of `level` maps; 4 KiB where the level says nothing. */
static uint64_t entry_reach(const struct space *space, unsigned level)
{
	const struct walk_shape *shape = &walk_shapes[space_paging(space)];

	if (level < 1 || level > shape->levels)
		return PAGE_SIZE;
	return UINT64_C(1) << shape->level[level - 1].shift;
}

/* Where a table itself is not there, nothing that it would map is. */
static unsigned level_of_hole(const struct space *space, const struct hole *hole)
{
	unsigned levels = walk_shapes[space_paging(space)].levels;

	if (hole->reason == HOLE_TABLE_MISSING && hole->level < levels)
		return hole->level + 1u;
	return hole->level;
}

bool space_next_mapped(struct space *space, uint64_t from, uint64_t end, uint64_t *ret_va,
		       struct translation *ret)
{
	uint64_t va = from & ~(uint64_t)(PAGE_SIZE - 1);

	while (va < end) {
		struct hole hole = {.level = 0};
		uint64_t reach, next;

		if (space_translate(space, va, ret, &hole)) {
			*ret_va = va;
			return true;
		}
		reach = entry_reach(space, level_of_hole(space, &hole));
		next = (va & ~(reach - 1)) + reach;
		if (next <= va)
			return false;
		va = next;
	}
	return false;
}
