/*
 * Open addressing over PFN + 1; twice the room whenever half of it is taken.
 */
#include "formats/page_set.h"

#include <stdlib.h>

#include "base/memory.h"

enum { SLOTS_LEAST = 64 };

/* The slot that has the value, or the free one where it belongs. */
static uint64_t *slot_of(const struct page_set *set, uint64_t value)
{
	size_t mask = set->capacity - 1;
	size_t at = (size_t)(value * 0x9e3779b97f4a7c15 >> 32) & mask;

	while (set->slots[at] != 0 && set->slots[at] != value)
		at = (at + 1) & mask;
	return &set->slots[at];
}

static bool grow(struct page_set *set)
{
	struct page_set larger = {.capacity = set->capacity ? 2 * set->capacity : SLOTS_LEAST};

	larger.slots = mem_array(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < set->capacity; i++)
		if (set->slots[i] != 0)
			*slot_of(&larger, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = larger.slots;
	set->capacity = larger.capacity;
	return true;
}

void page_set_add(struct page_set *set, uint64_t pfn)
{
	uint64_t *slot;

	if (set->count * 2 >= set->capacity && set->count < PAGE_SET_MOST && !grow(set)) {
		set->more = true;
		return;
	}
	slot = slot_of(set, pfn + 1);
	if (*slot != 0)
		return;
	if (set->count >= PAGE_SET_MOST) {
		set->more = true;
		return;
	}
	*slot = pfn + 1;
	if (set->count == 0 || pfn < set->lowest)
		set->lowest = pfn;
	set->count++;
}

void page_set_fini(struct page_set *set)
{
	free(set->slots);
	*set = (struct page_set){.slots = NULL};
}
