/*
 * Walks PsLoadedModuleList.
 *
 * Source of the layouts: _KLDR_DATA_TABLE_ENTRY (PDB type) of Windows XP to 11, x86, x64 and
 * ARM64 (as x64).
 */
#include "analyzer/kernel/modules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/text.h"
#include "base/hash.h"
#include "base/memory.h"

enum { FIRST_BUILD_WITH_TIMESTAMP = 10240 };

/* First match wins. */
static const struct module_layout entry_layouts[] = {
	{8, FIRST_BUILD_WITH_TIMESTAMP, 0x30, 0x40, 0x48, 0x58, 0x9c},
	{8, 0, 0x30, 0x40, 0x48, 0x58, 0},
	{4, FIRST_BUILD_WITH_TIMESTAMP, 0x18, 0x20, 0x24, 0x2c, 0x58},
	{4, 0, 0x18, 0x20, 0x24, 0x2c, 0},
};

/* One walk, forwards and perhaps backwards. */
struct list_walk {
	struct space *space;
	const struct module_layout *layout;
	uint64_t head;
	struct module_list *list;
	struct hash visited;
	unsigned unreadable; /* entries without a base */
	bool returned;       /* the walk came back to the head */
	bool met;            /* the backward walk came to an entry of the forward one */
	char why[160];       /* what ended the walk otherwise */
};

void module_list_init(struct module_list *list)
{
	memset(list, 0, sizeof(*list));
}

void module_list_fini(struct module_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].path);
	}
	free(list->items);
	module_list_init(list);
}

const struct module *modules_find(const struct module_list *list, uint64_t va)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct module *module = &list->items[i];

		if (va >= module->base && va - module->base < module->size)
			return module;
	}
	return NULL;
}

static const struct module_layout *choose_layout(const struct space *space, uint64_t build)
{
	const struct module_layout *layout = entry_layouts;

	while (layout->pointer_size != space_pointer_size(space) || build < layout->first_build)
		layout++;
	return layout;
}

static bool is_image_base(const struct space *space, uint64_t base)
{
	return space_is_kernel_address(space, base) && base % PAGE_SIZE == 0;
}

enum ps_status modules_read_first(struct space *space, uint64_t head, struct module_head *ret,
				  struct ps_error *err)
{
	const struct module_layout *layout = choose_layout(space, 0);
	uint64_t entry, back, base;
	uint32_t size;

	head = space_normalize(space, head);
	if (space_read_pointer(space, head, &entry, err) != PS_OK)
		return ps_wrap(err, "cannot read PsLoadedModuleList");
	if (!space_is_kernel_address(space, entry))
		return ps_fail_at(err, PS_CORRUPT, head,
				  "PsLoadedModuleList at 0x%" PRIx64 " leads to 0x%" PRIx64, head,
				  entry);
	if (space_read_pointer(space, entry + layout->pointer_size, &back, err) != PS_OK ||
	    space_read_pointer(space, entry + layout->base, &base, err) != PS_OK ||
	    space_read_u32(space, entry + layout->size, &size, err) != PS_OK)
		return ps_wrap(err, "cannot read the first entry of PsLoadedModuleList");
	if (back != head || !is_image_base(space, base))
		return ps_fail_at(err, PS_CORRUPT, head, "no list of modules at 0x%" PRIx64, head);
	*ret = (struct module_head){.base = base, .size = size};
	return PS_OK;
}

/* NULL when the string is not there or no string; only running out of memory is an error. */
static enum ps_status read_name(struct space *space, uint64_t va, char **ret, struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;
	enum ps_status status = unicode_string_read(space, va, ret, &why);

	if (status == PS_NO_MEMORY)
		*err = why;
	return status == PS_NO_MEMORY ? status : PS_OK;
}

static void identify(struct list_walk *w, uint64_t entry, struct module *module)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t timestamp;

	if (pe_identify(w->space, module->base, &module->image, &ignored) == PS_OK)
		module->timestamp = (struct fact){true, module->image.timestamp};
	if (w->layout->timestamp != 0 &&
	    space_read_u32(w->space, entry + w->layout->timestamp, &timestamp, &ignored) == PS_OK)
		module->timestamp = (struct fact){true, timestamp};
}

static enum ps_status add_module(struct module_list *list, const struct module *module,
				 struct ps_error *err)
{
	void *items = list->items;

	if (!mem_grow(&items, list->count, &list->capacity, sizeof(*list->items)))
		return ps_fail_memory(err, "the list of modules");
	list->items = items;
	list->items[list->count++] = *module;
	return PS_OK;
}

/* Adds what is known of the entry. *ret_rubbish: the bytes are there and no module entry. */
static enum ps_status read_entry(struct list_walk *w, uint64_t entry, bool *ret_rubbish,
				 struct ps_error *err)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module module = {.base = 0};
	uint32_t size = 0;

	*ret_rubbish = false;
	if (space_read_pointer(w->space, entry + w->layout->base, &module.base, &ignored) !=
	    PS_OK) {
		w->unreadable++;
		return PS_OK;
	}
	if (!is_image_base(w->space, module.base)) {
		*ret_rubbish = true;
		return PS_OK;
	}
	if (space_read_u32(w->space, entry + w->layout->size, &size, &ignored) == PS_OK)
		module.size = size;
	identify(w, entry, &module);
	if (read_name(w->space, entry + w->layout->name, &module.name, err) == PS_OK &&
	    read_name(w->space, entry + w->layout->path, &module.path, err) == PS_OK &&
	    add_module(w->list, &module, err) == PS_OK)
		return PS_OK;
	free(module.name);
	free(module.path);
	return err->status;
}

static void ended(struct list_walk *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void ended(struct list_walk *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->why, sizeof(w->why), format, args);
	va_end(args);
}

/* Looks at the link in *at; true when *at is now an entry not seen before. */
static bool follow(struct list_walk *w, unsigned link, uint64_t *at)
{
	struct ps_error err = PS_ERROR_INIT;
	uint64_t next = 0;
	uint32_t seen;

	if (space_read_pointer(w->space, *at + link, &next, &err) != PS_OK)
		ended(w, "the list cannot be followed: %.120s", err.text);
	else if (next == w->head)
		w->returned = true;
	else if (hash_find(&w->visited, next, &seen))
		w->met = true;
	else if (!space_is_kernel_address(w->space, next))
		ended(w, "the entry at 0x%" PRIx64 " leads to 0x%" PRIx64, *at, next);
	else if (w->visited.count >= MODULE_LIMIT)
		ended(w, "the list has more than %d entries", MODULE_LIMIT);
	else {
		*at = next;
		return true;
	}
	return false;
}

/* `link`: offset of the pointer to follow, 0 = forwards. */
static enum ps_status walk_list(struct list_walk *w, unsigned link, struct ps_error *err)
{
	uint64_t at = w->head;

	while (follow(w, link, &at)) {
		bool rubbish;

		if (!hash_add(&w->visited, at, 0))
			return ps_fail_memory(err, "the walk over the modules");
		if (read_entry(w, at, &rubbish, err) != PS_OK)
			return err->status;
		if (rubbish) {
			ended(w, "at 0x%" PRIx64 " the list leads to something else than a module",
			      at);
			break;
		}
	}
	return PS_OK;
}

static void reverse(struct module *items, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct module swap = items[i];

		items[i] = items[count - 1 - i];
		items[count - 1 - i] = swap;
	}
}

/* The forward walk broke off: takes what can be reached from the other end. */
static enum ps_status walk_back(struct list_walk *w, struct ps_error *err)
{
	struct module_list *list = w->list;
	size_t forwards = list->count;
	char why[sizeof(w->why)];

	if (w->met)
		ended(w, "the list comes back to an entry it has been at");
	memcpy(why, w->why, sizeof(why));
	w->met = w->returned = false;
	if (walk_list(w, w->layout->pointer_size, err) != PS_OK)
		return err->status;
	reverse(list->items + forwards, list->count - forwards);
	snprintf(list->note, sizeof(list->note),
		 "%s; %zu modules reached forwards, %zu backwards%s", why, forwards,
		 list->count - forwards, w->met ? ", and the two ends meet" : "");
	return PS_OK;
}

static enum ps_status walk_both(struct list_walk *w, struct ps_error *err)
{
	struct module_list *list = w->list;

	if (walk_list(w, 0, err) != PS_OK)
		return err->status;
	if (!w->returned)
		return walk_back(w, err);
	list->complete = w->unreadable == 0;
	if (!list->complete)
		snprintf(list->note, sizeof(list->note),
			 "%u entries of the list are not in the dump, except their links",
			 w->unreadable);
	return PS_OK;
}

enum ps_status modules_read(struct space *space, uint64_t head, uint64_t build,
			    const struct module_layout *own, struct module_list *list,
			    struct ps_error *err)
{
	struct list_walk w = {.space = space,
			      .layout = own ? own : choose_layout(space, build),
			      .head = space_normalize(space, head),
			      .list = list};
	enum ps_status status;

	hash_init(&w.visited);
	status = walk_both(&w, err);
	hash_fini(&w.visited);
	return status;
}
