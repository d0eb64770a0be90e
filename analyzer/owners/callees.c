/*
 * The meanings of callable addresses, found by hash.
 */
#include "analyzer/owners/callees.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void callees_init(struct callees *callees)
{
	memset(callees, 0, sizeof(*callees));
	hash_init(&callees->by_va);
}

void callees_fini(struct callees *callees)
{
	free(callees->items);
	hash_fini(&callees->by_va);
	memset(callees, 0, sizeof(*callees));
}

static bool same_meaning(const struct callee *a, const struct callee *b)
{
	if (a->argument != b->argument || a->api->kind != b->api->kind)
		return false;
	if (a->by_field != b->by_field || a->by_variable != b->by_variable ||
	    a->offset != b->offset)
		return false;
	return a->api->kind != API_STRUCT || a->api->offset == b->api->offset;
}

/* The last row of the address' chain, or the row that already says it (then *ret_known). */
static struct callee *chain_end(struct callees *callees, const struct callee *callee,
				uint32_t first, bool *ret_known)
{
	struct callee *item = &callees->items[first];
	unsigned length = 1;

	*ret_known = false;
	for (;; length++) {
		if (same_meaning(item, callee) || length >= CALLEES_AN_ADDRESS) {
			*ret_known = true;
			return item;
		}
		if (!item->next)
			return item;
		item = &callees->items[item->next - 1];
	}
}

bool callees_add(struct callees *callees, const struct callee *callee, bool *ret_added)
{
	uint32_t first;
	bool known;

	if (ret_added)
		*ret_added = false;
	if (callees->count >= UINT32_MAX - 1)
		return false;
	if (!mem_grow((void **)&callees->items, callees->count, &callees->capacity,
		      sizeof(*callees->items)))
		return false;
	if (hash_find(&callees->by_va, callee->va, &first)) {
		struct callee *end = chain_end(callees, callee, first, &known);

		if (known)
			return true;
		end->next = (uint32_t)callees->count + 1;
	} else if (!hash_add(&callees->by_va, callee->va, (uint32_t)callees->count)) {
		return false;
	}
	callees->items[callees->count] = *callee;
	callees->items[callees->count].next = 0;
	callees->count++;
	if (ret_added)
		*ret_added = true;
	return true;
}

const struct callee *callees_find(const struct callees *callees, uint64_t va)
{
	uint32_t first;

	return hash_find(&callees->by_va, va, &first) ? &callees->items[first] : NULL;
}

const struct callee *callees_next(const struct callees *callees, const struct callee *callee)
{
	return callee->next ? &callees->items[callee->next - 1] : NULL;
}
