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

/* FILETIMEs that a driver can have been unloaded at: 1990 to 2131. */
static const uint64_t first_time = 0x01b4000000000000, last_time = 0x0253000000000000;

static const struct slot_layout {
	unsigned pointer_size;
	uint16_t start, end, time, size; /* the name comes first */
} slot_layouts[] = {
	{8, 0x10, 0x18, 0x20, MOST_SLOT_BYTES},
	{4, 0x08, 0x0c, 0x10, 0x18},
};

static const struct slot_layout *layout_of(const struct space *space)
{
	const struct slot_layout *layout = slot_layouts;

	while (layout->pointer_size != space_pointer_size(space))
		layout++;
	return layout;
}

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
			    .layout = layout_of(space),
			    .order_known = last <= RING_SLOTS};

	table = space_normalize(space, table);
	for (unsigned i = 0; i < RING_SLOTS; i++) {
		unsigned slot = (last % RING_SLOTS + i) % RING_SLOTS;

		if (read_slot(&ring, table + (uint64_t)slot * ring.layout->size, err) != PS_OK)
			return err->status;
	}
	conclude(&ring);
	return PS_OK;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* A slot in use as Windows fills it. Its name may lie in a page that is not in the dump. */
static bool is_used_slot(struct space *space, uint64_t va, const struct slot_layout *layout,
			 struct bytes *slot)
{
	uint64_t start = bytes_pointer(slot, layout->start, layout->pointer_size);
	uint64_t end = bytes_pointer(slot, layout->end, layout->pointer_size);
	uint64_t time = bytes_u64(slot, layout->time);
	struct ps_error why = PS_ERROR_INIT;
	char *name = NULL;

	if (!space_is_kernel_address(space, start) || start % PAGE_SIZE != 0 ||
	    end % PAGE_SIZE != 0 || end <= start || time < first_time || time > last_time)
		return false;
	if (unicode_string_read(space, va, &name, &why) == PS_OK)
		free(name);
	return why.status == PS_OK || (why.status == PS_ABSENT && bytes_u16(slot, 0) != 0);
}

/* Where the times fall once is where a full ring begins; RING_SLOTS when they do so more often. */
static uint32_t oldest_slot(const uint64_t times[RING_SLOTS])
{
	uint32_t oldest = 0;
	unsigned falls = 0;

	for (unsigned i = 0; i < RING_SLOTS; i++) {
		unsigned next = (i + 1) % RING_SLOTS;

		if (times[next] >= times[i])
			continue;
		falls++;
		oldest = next;
	}
	return falls <= 1 ? oldest : RING_SLOTS;
}

bool modules_unloaded_order(struct space *space, uint64_t table, uint32_t *ret_last)
{
	const struct slot_layout *layout = layout_of(space);
	uint64_t times[RING_SLOTS], va = space_normalize(space, table);
	struct ps_error ignored = PS_ERROR_INIT;
	unsigned used = 0;

	for (unsigned i = 0; i < RING_SLOTS; i++, va += layout->size) {
		uint8_t raw[MOST_SLOT_BYTES];
		struct bytes slot = bytes_of(raw, layout->size);

		if (space_read(space, va, raw, layout->size, &ignored) != PS_OK)
			return false;
		if (is_zero(raw, layout->size))
			continue;
		/* They are filled from the first on. */
		if (used != i || !is_used_slot(space, va, layout, &slot))
			return false;
		times[used++] = bytes_u64(&slot, layout->time);
	}
	if (used == 0)
		return false;
	*ret_last = used < RING_SLOTS ? used : oldest_slot(times);
	return used < RING_SLOTS || *ret_last < RING_SLOTS;
}
