/* See ranges.h. */
#include "analyzer/memory/ranges.h"

size_t ranges_stretch(const struct dump *dump, uint64_t va, size_t length)
{
	struct virtual_range range;
	uint64_t gap;
	uint64_t same = virtual_map_find(&dump->ranges, va, &range, &gap) ? range.length : gap;

	return same == 0 || same > length ? length : (size_t)same;
}

bool ranges_read(struct dump *dump, uint64_t va, void *to, size_t length, struct hole *ret_hole)
{
	enum page_state state = dump_read_range(dump, va, to, length);

	if (state == PAGE_PRESENT)
		return true;
	*ret_hole = (struct hole){
		.reason = HOLE_NOT_IN_MINIDUMP, .page = state, .va = va, .length = length};
	return false;
}
