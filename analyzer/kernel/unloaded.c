/*
 * The ring of drivers that were unloaded (MmUnloadedDrivers).
 *
 * Source of the layouts: UNLOADED_DRIVERS of the Windows Research Kernel; the same in PDB types up
 * to Windows 11. Windows keeps the last 50.
 */
#include "analyzer/kernel/modules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/kernel/text.h"
#include "base/bytes.h"
#include "base/memory.h"

enum { RING_SLOTS = 50, MOST_SLOT_BYTES = 0x28 };

static const struct slot_layout {
	unsigned pointer_size;
	uint16_t start, end, time, size; /* the name comes first */
} slot_layouts[] = {
	{8, 0x10, 0x18, 0x20, MOST_SLOT_BYTES},
	{4, 0x08, 0x0c, 0x10, 0x18},
};

struct ring {
	struct space *space;
	const struct slot_layout *layout;
	struct module_list *list;
	unsigned unreadable, rubbish; /* slots */
	bool order_known;
	struct ps_error why; /* of the first unreadable slot */
};

static enum ps_status add_slot(struct ring *ring, uint64_t va, struct module *module,
			       struct ps_error *err)
{
	struct module_list *list = ring->list;
	struct ps_error name_error = PS_ERROR_INIT;
	void *items = list->items;

	if (unicode_string_read(ring->space, va, &module->name, &name_error) == PS_NO_MEMORY ||
	    !mem_grow(&items, list->count, &list->capacity, sizeof(*module))) {
		free(module->name);
		return ps_fail_memory(err, "the list of unloaded drivers");
	}
	list->items = items;
	list->items[list->count++] = *module;
	return PS_OK;
}

static enum ps_status read_slot(struct ring *ring, uint64_t va, struct ps_error *err)
{
	const struct slot_layout *layout = ring->layout;
	uint8_t raw[MOST_SLOT_BYTES];
	struct bytes slot = bytes_of(raw, layout->size);
	struct ps_error why = PS_ERROR_INIT;
	struct module module = {.base = 0};
	uint64_t end;

	if (space_read(ring->space, va, raw, layout->size, &why) != PS_OK) {
		if (ring->unreadable++ == 0)
			ring->why = why;
		return PS_OK;
	}
	module.base = bytes_pointer(&slot, layout->start, layout->pointer_size);
	end = bytes_pointer(&slot, layout->end, layout->pointer_size);
	module.unloaded_at = bytes_u64(&slot, layout->time);
	if (module.base == 0 && end == 0)
		return PS_OK;
	if (!space_is_kernel_address(ring->space, module.base) || end < module.base) {
		ring->rubbish++;
		return PS_OK;
	}
	module.size = end - module.base;
	return add_slot(ring, va, &module, err);
}

static void conclude(struct ring *ring)
{
	struct module_list *list = ring->list;

	list->complete = ring->unreadable == 0 && ring->rubbish == 0 && ring->order_known;
	if (ring->unreadable > 0)
		snprintf(list->note, sizeof(list->note),
			 "%u of %d slots for unloaded drivers cannot be read: %.150s",
			 ring->unreadable, RING_SLOTS, ring->why.text);
	else if (ring->rubbish > 0)
		snprintf(list->note, sizeof(list->note),
			 "%u of %d slots for unloaded drivers hold no address range", ring->rubbish,
			 RING_SLOTS);
	else if (!ring->order_known)
		snprintf(list->note, sizeof(list->note),
			 "MmLastUnloadedDriver is no slot of %d: the order of unloaded drivers is "
			 "not known",
			 RING_SLOTS);
}

enum ps_status modules_read_unloaded(struct space *space, uint64_t table, uint32_t last,
				     struct module_list *list, struct ps_error *err)
{
	/* `last` may be RING_SLOTS: the kernel wraps it when it uses it. */
	struct ring ring = {.space = space,
			    .list = list,
			    .layout = slot_layouts,
			    .order_known = last <= RING_SLOTS};

	while (ring.layout->pointer_size != space_pointer_size(space))
		ring.layout++;
	table = space_normalize(space, table);
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		unsigned slot = (last % RING_SLOTS + i) % RING_SLOTS;

		if (read_slot(&ring, table + (uint64_t)slot * ring.layout->size, err) != PS_OK)
			return err->status;
	}
	conclude(&ring);
	return PS_OK;
}
