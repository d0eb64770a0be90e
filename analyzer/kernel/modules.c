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

static enum ps_status judge(void *context, uint64_t entry, enum list_entry *ret,
			    struct ps_error *err)
{
	struct ps_error ignored = PS_ERROR_INIT;
	const struct walk *w = context;
	uint64_t base;

	(void)err;
	if (space_read_pointer(w->space, entry + w->layout->base, &base, &ignored) != PS_OK)
		*ret = LIST_ENTRY_ABSENT;
	else if (!is_image_base(w->space, base))
		*ret = LIST_ENTRY_RUBBISH;
	return PS_OK;
}

/* Adds what is known of the entry. */
static enum ps_status read_entry(struct walk *w, uint64_t entry, struct ps_error *err)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module module = {.base = 0};
	uint32_t size = 0;

	if (space_read_pointer(w->space, entry + w->layout->base, &module.base, err) != PS_OK)
		return err->status;
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

static void say_whether_whole(const struct list_walk *links, struct module_list *list)
{
	list->complete = links->returned && links->absent == 0;
	if (!links->returned)
		snprintf(list->note, sizeof(list->note), "%s", links->note);
	else if (links->absent > 0)
		snprintf(list->note, sizeof(list->note),
			 "%zu entries of the list are not in the dump, except their links",
			 links->absent);
}

enum ps_status modules_read(struct space *space, uint64_t head, uint64_t build,
			    const struct module_layout *own, struct module_list *list,
			    struct ps_error *err)
{
	struct walk w = {
		.space = space,
		.layout = own ? own : choose_layout(space, build),
		.list = list,
	};
	struct list_walk links = {
		.space = space,
		.head = space_normalize(space, head),
		.limit = MODULE_LIMIT,
		.one = "module",
		.many = "modules",
		.judge = judge,
		.context = &w,
	};
	enum ps_status status = list_walk(&links, err);

	for (size_t i = 0; i < links.count && status == PS_OK; i++)
		status = read_entry(&w, links.entries[i], err);
	if (status == PS_OK)
		say_whether_whole(&links, list);
	list_walk_fini(&links);
	return status;
}
