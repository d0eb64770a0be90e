/*
 * Exported wrappers, told to the images that import them.
 */
#include "analyzer/owners/exchange.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/origin.h"
#include "analyzer/owners/refs.h"
#include "base/memory.h"

enum { OFFERS_A_VIEW = 1024 }; /* exported wrappers of one image; nt has fewer than 200 */

struct offer {
	const struct view *from;
	struct callee callee;
	const char *module; /* as importers write it */
	const char *name;   /* in the exporter's image */
};

struct market {
	struct offer *offers;
	size_t offer_count, offer_capacity;
	struct hash by_va, by_name; /* -> offer */
	struct refs *addresses;     /* of those in memory */
	bool no_memory;
};

static const char *import_name(const char *module)
{
	return origin_is_kernel(module) ? "ntoskrnl.exe" : module;
}

/* FNV-1a over module and name; the texts are compared after a hit. */
static uint64_t name_key(const char *module, const char *name)
{
	uint64_t key = 0xcbf29ce484222325u;

	for (; *module; module++)
		key = (key ^ (uint64_t)tolower((unsigned char)*module)) * 0x100000001b3u;
	for (; *name; name++)
		key = (key ^ (unsigned char)*name) * 0x100000001b3u;
	return key;
}

struct offering {
	struct market *market;
	struct view *view;
	const char *module;
	size_t left;
};

static bool offer(struct market *market, const struct offer *offer)
{
	uint64_t key = name_key(offer->module, offer->name);
	uint32_t place = (uint32_t)market->offer_count, other;

	if (!mem_grow((void **)&market->offers, market->offer_count, &market->offer_capacity,
		      sizeof(*market->offers)))
		return false;
	market->offers[market->offer_count++] = *offer;
	if (!offer->from->from_file && !hash_find(&market->by_va, offer->callee.va, &other) &&
	    !(hash_add(&market->by_va, offer->callee.va, place) &&
	      refs_add_va(market->addresses, offer->callee.va)))
		return false;
	return hash_find(&market->by_name, key, &other) || hash_add(&market->by_name, key, place);
}

static int compare_wrappers(const void *a, const void *b)
{
	const struct wrapper *x = a, *y = b;

	if (x->callee.va != y->callee.va)
		return x->callee.va < y->callee.va ? -1 : 1;
	if (x->callee.argument != y->callee.argument)
		return x->callee.argument < y->callee.argument ? -1 : 1;
	return (int)x->callee.api->kind - (int)y->callee.api->kind;
}

static struct wrapper *first_at(const struct view *view, uint64_t va)
{
	size_t low = 0, high = view->wrapper_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (view->wrappers[middle].callee.va < va)
			low = middle + 1;
		else
			high = middle;
	}
	return &view->wrappers[low];
}

static bool take_export(void *context, const struct pe_export *export)
{
	struct offering *offering = context;
	struct view *view = offering->view;
	uint64_t va = view->image->base + export->rva;
	struct wrapper *wrapper, *end = view->wrappers + view->wrapper_count;

	if (!export->name || export->rva == 0)
		return true;
	for (wrapper = first_at(view, va); wrapper < end && wrapper->callee.va == va; wrapper++) {
		struct offer one = {view, wrapper->callee, offering->module, export->name};

		wrapper->exported = true;
		if (wrapper->exchanged || wrapper->callee.levels >= CALLEE_LEVELS)
			continue;
		if (offering->left-- == 0)
			return false;
		if (!offer(offering->market, &one)) {
			offering->market->no_memory = true;
			return false;
		}
	}
	return true;
}

static bool has_news(const struct view *view)
{
	for (size_t i = 0; i < view->wrapper_count; i++) {
		if (!view->wrappers[i].exchanged)
			return true;
	}
	return false;
}

static bool gather(struct market *market, struct view *views, size_t count,
		   const char *const *names)
{
	for (size_t i = 0; i < count && !market->no_memory; i++) {
		struct view *view = &views[i];
		struct offering offering = {market, view, import_name(names[view->module]),
					    OFFERS_A_VIEW};

		if (!has_news(view))
			continue;
		qsort(view->wrappers, view->wrapper_count, sizeof(*view->wrappers),
		      compare_wrappers);
		pe_exports(view->image, take_export, &offering);
		for (size_t j = 0; j < view->wrapper_count; j++)
			view->wrappers[j].exchanged = true;
	}
	return !market->no_memory;
}

/* All meanings of the wrapper: its offers lie one behind the other. */
static bool accept(const struct market *market, struct view *view, uint32_t place, uint64_t va)
{
	const struct offer *first = &market->offers[place];

	for (size_t i = place; i < market->offer_count; i++) {
		const struct offer *one = &market->offers[i];
		struct callee callee = one->callee;

		if (one->from != first->from || one->callee.va != first->callee.va)
			break;
		callee.va = va;
		callee.is_wrapper = true;
		callee.called = false;
		if (!callees_add(&view->callees, &callee, NULL))
			return false;
	}
	return true;
}

static bool accept_slot(const struct market *market, struct view *view, const struct slot *slot)
{
	uint64_t va = view->image->base + slot->rva;
	uint32_t place;

	if (slot->value && hash_find(&market->by_va, slot->value, &place))
		return accept(market, view, place, va);
	if (!slot->name || !slot->dll ||
	    !hash_find(&market->by_name, name_key(import_name(slot->dll), slot->name), &place))
		return true;
	if (market->offers[place].from->module == view->module ||
	    strcmp(market->offers[place].name, slot->name) != 0)
		return true;
	return accept(market, view, place, va);
}

struct telling {
	const struct market *market;
	struct view *view;
	bool ok;
};

/* Code that calls a wrapper of another image directly (import optimisation). */
static bool accept_address(void *context, uint32_t rva, uint64_t target)
{
	struct telling *telling = context;
	uint32_t place;

	(void)rva;
	if (hash_find(&telling->market->by_va, target, &place) &&
	    telling->market->offers[place].from->module != telling->view->module)
		telling->ok = accept(telling->market, telling->view, place, target);
	return telling->ok;
}

bool exchange_tell(const struct market *market, struct view *view)
{
	struct telling telling = {market, view, true};

	for (size_t i = 0; i < view->slot_count; i++) {
		if (!accept_slot(market, view, &view->slots[i]))
			return false;
	}
	if (!view->from_file)
		refs_scan_image(market->addresses, view->image, accept_address, &telling);
	return telling.ok;
}

bool exchange_open(struct view *views, size_t count, const char *const *names, struct market **ret)
{
	struct market *market = mem_array(1, sizeof(*market));
	bool ok;

	*ret = NULL;
	if (!market)
		return false;
	hash_init(&market->by_va);
	hash_init(&market->by_name);
	market->addresses = refs_create(NULL);
	ok = market->addresses && gather(market, views, count, names);
	if (ok && market->offer_count > 0) {
		refs_sort(market->addresses);
		*ret = market;
	} else {
		exchange_close(market);
	}
	return ok;
}

void exchange_close(struct market *market)
{
	if (!market)
		return;
	refs_destroy(market->addresses);
	hash_fini(&market->by_va);
	hash_fini(&market->by_name);
	free(market->offers);
	free(market);
}
