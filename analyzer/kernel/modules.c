/*
 * Walks PsLoadedModuleList.
 *
 * Source of the layouts: _KLDR_DATA_TABLE_ENTRY (PDB type) of Windows XP to 11, x86, x64 and
 * ARM64 (as x64).
 */
#include "analyzer/kernel/modules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/list_walk.h"
#include "analyzer/kernel/text.h"
#include "base/memory.h"

enum { FIRST_BUILD_WITH_TIMESTAMP = 10240 };

/* First match wins. */
static const struct module_layout entry_layouts[] = {
	{8, FIRST_BUILD_WITH_TIMESTAMP, 0x30, 0x40, 0x48, 0x58, 0x9c},
	{8, 0, 0x30, 0x40, 0x48, 0x58, 0},
	{4, FIRST_BUILD_WITH_TIMESTAMP, 0x18, 0x20, 0x24, 0x2c, 0x58},
	{4, 0, 0x18, 0x20, 0x24, 0x2c, 0},
};

struct walk {
	struct space *space;
	const struct module_layout *layout;
	struct module_list *list;
	struct list_walk links;
	unsigned unreadable; /* entries without a base */
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

static void identify(struct walk *w, uint64_t entry, struct module *module)
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

/* Adds what is known of the entry. */
static enum ps_status read_entry(void *context, uint64_t entry, bool *ret_rubbish,
				 struct ps_error *err)
{
	struct walk *w = context;
	struct ps_error ignored = PS_ERROR_INIT;
	struct module module = {.base = 0};
	uint32_t size = 0;

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

/* The forward walk broke off: takes what can be reached from the other end. */
static enum ps_status walk_back(struct walk *w, struct ps_error *err)
{
	struct module_list *list = w->list;
	size_t forwards = list->count;

	if (list_walk_backwards(&w->links, err) != PS_OK)
		return err->status;
	mem_reverse(list->items, forwards, list->count, sizeof(*list->items));
	list_walk_note(&w->links, forwards, list->count - forwards, list->note, sizeof(list->note));
	return PS_OK;
}

static enum ps_status walk_both(struct walk *w, struct ps_error *err)
{
	struct module_list *list = w->list;

	if (list_walk_forwards(&w->links, err) != PS_OK)
		return err->status;
	if (!w->links.returned)
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
	struct walk w = {
		.space = space,
		.layout = own ? own : choose_layout(space, build),
		.list = list,
		.links = {.space = space,
			  .head = space_normalize(space, head),
			  .limit = MODULE_LIMIT,
			  .one = "module",
			  .many = "modules",
			  .visit = read_entry},
	};
	enum ps_status status;

	w.links.context = &w;
	status = walk_both(&w, err);
	list_walk_fini(&w.links);
	return status;
}
