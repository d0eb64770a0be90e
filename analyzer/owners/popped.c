/*
 * Import slots to bytes of arguments.
 */
#include "analyzer/owners/popped.h"

#include <stdlib.h>

#include "analyzer/owners/stack_words.h"
#include "base/hash.h"
#include "base/signals.h"

enum {
	WORD = 4,
	ROUTINES = 8192, /* of other modules whose code is looked at; all drivers of a machine
			    together import less than half as many */
};

/* What the code of routines said, by address. */
struct reading {
	const struct owner_store *store;
	struct flow *flow;
	struct hash by_va; /* -> popped + 1 */
};

static int by_rva(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->rva < y->rva ? -1 : x->rva > y->rva;
}

static struct slot *slot_at(const struct view *view, uint32_t rva)
{
	struct slot key = {.rva = rva};

	if (view->slot_count == 0)
		return NULL;
	return bsearch(&key, view->slots, view->slot_count, sizeof(key), by_rva);
}

static int by_name(const struct slot *slot)
{
	int words = slot && slot->name ? stack_words(slot->dll, slot->name) : -1;

	return words < 0 ? -1 : words * WORD;
}

/* The loaded module around the address: its memory, and its file for absent pages. */
static int read_code(struct reading *reading, uint64_t va)
{
	const struct owner_store *store = reading->store;

	for (size_t i = 0; i < store->view_count; i++) {
		const struct view *view = &store->views[i], *file;
		uint32_t rva;
		int popped;

		if (view->from_file || view->image->machine != PE_X86 ||
		    !pe_rva_of(view->image, va, &rva))
			continue;
		popped = flow_popped_by(reading->flow, view->image, rva);
		file = store_view(store, view->module, true);
		if (popped < 0 && file && file->image->machine == PE_X86)
			popped = flow_popped_by(reading->flow, file->image, rva);
		return popped;
	}
	return -1;
}

static bool by_code(struct reading *reading, uint64_t va, int *ret_popped)
{
	struct ps_error err = PS_ERROR_INIT;
	uint32_t known;

	if (hash_find(&reading->by_va, va, &known)) {
		*ret_popped = (int)known - 1;
		return true;
	}
	if (reading->by_va.count >= ROUTINES || signals_interrupted())
		return true;
	if (!reading->flow && flow_create(PE_X86, &reading->flow, &err) != PS_OK)
		return err.status != PS_NO_MEMORY;
	*ret_popped = read_code(reading, va);
	return hash_add(&reading->by_va, va, (uint32_t)(*ret_popped + 1));
}

static bool find_in(struct reading *reading, const struct view *view)
{
	const struct view *names =
		view->from_file ? NULL : store_view(reading->store, view->module, true);

	for (size_t i = 0; i < view->slot_count; i++) {
		struct slot *slot = &view->slots[i];
		int popped = by_name(slot);

		if (popped < 0 && names)
			popped = by_name(slot_at(names, slot->rva));
		if (popped < 0 && !view->from_file && slot->value &&
		    !by_code(reading, slot->value, &popped))
			return false;
		slot->popped = (int16_t)popped;
	}
	return true;
}

bool popped_find(const struct owner_store *store)
{
	struct reading reading = {.store = store};
	bool ok = true;

	hash_init(&reading.by_va);
	for (size_t i = 0; ok && i < store->view_count; i++) {
		if (store->views[i].image->machine == PE_X86)
			ok = find_in(&reading, &store->views[i]);
	}
	hash_fini(&reading.by_va);
	flow_destroy(reading.flow);
	return ok;
}

int popped_of(void *context, const struct flow_atom *target)
{
	const struct slot *slot;

	if (target->kind != FLOW_LOAD)
		return -1;
	slot = slot_at(context, (uint32_t)target->value);
	return slot ? slot->popped : -1;
}
