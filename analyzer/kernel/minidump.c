/*
 * See minidump.h. Not supported: when a driver was unloaded (a minidump does not record it), and
 * more than the first twelve characters of an unloaded driver's name.
 */
#include "analyzer/kernel/minidump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/describe.h"
#include "analyzer/kernel/text.h"
#include "base/memory.h"

static const char by_copy[] = "copy in the minidump";
static const char by_header[] = "header";
static const char by_nothing[] = "not found";

/* A header that does not state its machine: addresses above 4 GiB tell. */
static bool is_wide(const struct dump *dump)
{
	const struct virtual_map *map = &dump->ranges;

	return map->count > 0 && map->items[map->count - 1].va > UINT32_MAX;
}

static void choose_machine(struct kernel *kernel, enum paging *ret)
{
	const struct machine_facts *facts = &kernel->dump->facts;
	enum machine machine = facts->machine;

	if (machine == MACHINE_UNKNOWN)
		machine = is_wide(kernel->dump) ? MACHINE_X64 : MACHINE_X86;
	kernel->arch =
		machine == MACHINE_X86 && facts->pae == TRI_YES ? "x86-pae" : machine_name(machine);
	*ret = machine == MACHINE_ARM64 ? PAGING_ARM64
	       : machine != MACHINE_X86 ? PAGING_X64
	       : facts->pae == TRI_YES  ? PAGING_PAE
					: PAGING_X86;
}

/* The copy; else the block itself, should its memory be among the pieces. */
static bool find_kdbg(struct kernel *kernel)
{
	const struct triage *triage = kernel->dump->triage;
	const struct fact *stated = &kernel->dump->facts.kdbg;
	struct ps_error why = PS_ERROR_INIT;

	kernel->kdbg_found_by = by_copy;
	if (triage->kdbg && kdbg_from_copy(kernel->space, stated->value, triage->kdbg,
					   triage->kdbg_size, &kernel->kdbg, &why) == PS_OK)
		return true;
	if (triage->kdbg)
		kernel_note(kernel, "the minidump's copy of KDBG cannot be used: %.180s", why.text);
	else
		kernel_note(kernel, "the minidump has no copy of KDBG");
	kernel->kdbg_found_by = by_header;
	if (stated->known && kdbg_read(kernel->space, stated->value, &kernel->kdbg, &why) == PS_OK)
		return true;
	kernel->kdbg_found_by = by_nothing;
	return false;
}

static bool is_image_base(const struct kernel *kernel, uint64_t base)
{
	return space_is_kernel_address(kernel->space, base) && base % PAGE_SIZE == 0;
}

static enum ps_status find_base(struct kernel *kernel, struct ps_error *err)
{
	const struct triage *triage = kernel->dump->triage;

	if (find_kdbg(kernel))
		kernel->base = kernel->kdbg.kernel_base;
	else if (triage->driver_count > 0 &&
		 is_image_base(kernel, space_normalize(kernel->space, triage->drivers[0].base)))
		kernel->base = space_normalize(kernel->space, triage->drivers[0].base);
	else
		return ps_fail(
			err, PS_NOT_FOUND,
			"the minidump has neither a copy of the kernel's debugger data block "
			"(KDBG) nor a list of drivers");
	return PS_OK;
}

/* ---- lists ---- */

static enum ps_status add_module(struct module_list *list, struct module *module,
				 struct ps_error *err)
{
	void *items = list->items;

	if (!mem_grow(&items, list->count, &list->capacity, sizeof(*list->items))) {
		free(module->name);
		free(module->path);
		return ps_fail_memory(err, "the list of modules");
	}
	list->items = items;
	list->items[list->count++] = *module;
	return PS_OK;
}

static enum ps_status set_names(struct module *module, const struct triage_driver *driver,
				struct ps_error *err)
{
	const char *slash;

	if (!driver->name)
		return PS_OK;
	module->path = unicode_to_utf8(driver->name, driver->name_bytes);
	if (!module->path)
		return ps_fail_memory(err, "the name of a driver");
	slash = strrchr(module->path, '\\');
	module->name = mem_printf("%s", slash ? slash + 1 : module->path);
	if (!module->name) {
		free(module->path);
		return ps_fail_memory(err, "the name of a driver");
	}
	return PS_OK;
}

static enum ps_status add_driver(struct kernel *kernel, const struct triage_driver *driver,
				 struct ps_error *err)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module module = {.base = space_normalize(kernel->space, driver->base),
				.size = driver->size,
				.checksum = {true, driver->checksum},
				.timestamp = {true, driver->timestamp}};

	if (set_names(&module, driver, err) != PS_OK)
		return err->status;
	pe_identify(kernel->space, module.base, &module.image, &ignored);
	return add_module(&kernel->modules, &module, err);
}

static void judge_drivers(struct kernel *kernel, size_t rubbish)
{
	const struct triage *triage = kernel->dump->triage;
	struct module_list *list = &kernel->modules;
	size_t nameless = 0;

	for (size_t i = 0; i < list->count; i++)
		nameless += list->items[i].name == NULL;
	list->complete = triage->drivers_stated > 0 && rubbish == 0 && nameless == 0 &&
			 triage->driver_count == triage->drivers_stated;
	if (triage->drivers_stated == 0)
		snprintf(list->note, sizeof(list->note), "the minidump has no list of drivers");
	else if (triage->driver_count < triage->drivers_stated)
		snprintf(list->note, sizeof(list->note),
			 "the file ends after %zu of the %zu entries of the minidump's list",
			 triage->driver_count, triage->drivers_stated);
	else if (rubbish > 0)
		snprintf(
			list->note, sizeof(list->note),
			"%zu of the %zu entries of the minidump's list hold no address of a driver",
			rubbish, triage->driver_count);
	else if (nameless > 0)
		snprintf(list->note, sizeof(list->note),
			 "the names of %zu drivers are not in the file", nameless);
}

static enum ps_status read_drivers(struct kernel *kernel, struct ps_error *err)
{
	const struct triage *triage = kernel->dump->triage;
	size_t rubbish = 0;

	for (size_t i = 0; i < triage->driver_count; i++) {
		const struct triage_driver *driver = &triage->drivers[i];

		if (!is_image_base(kernel, space_normalize(kernel->space, driver->base)))
			rubbish++;
		else if (add_driver(kernel, driver, err) != PS_OK)
			return err->status;
	}
	judge_drivers(kernel, rubbish);
	return PS_OK;
}

static enum ps_status add_unloaded(struct kernel *kernel, const struct triage_unloaded *unloaded,
				   struct ps_error *err)
{
	uint64_t start = space_normalize(kernel->space, unloaded->start);
	uint64_t end = space_normalize(kernel->space, unloaded->end);
	struct module module = {.base = start, .size = end - start};

	if (unloaded->name_bytes > 0) {
		module.name = unicode_to_utf8(unloaded->name, unloaded->name_bytes);
		if (!module.name)
			return ps_fail_memory(err, "the name of a driver");
	}
	return add_module(&kernel->unloaded, &module, err);
}

static bool is_range(const struct kernel *kernel, const struct triage_unloaded *unloaded)
{
	uint64_t start = space_normalize(kernel->space, unloaded->start);

	return space_is_kernel_address(kernel->space, start) &&
	       space_normalize(kernel->space, unloaded->end) >= start;
}

static void judge_unloaded(struct kernel *kernel, size_t rubbish)
{
	const struct triage *triage = kernel->dump->triage;
	struct module_list *list = &kernel->unloaded;

	list->complete = triage->has_unloaded_list && rubbish == 0 &&
			 triage->unloaded_count == triage->unloaded_stated;
	if (!triage->has_unloaded_list)
		snprintf(list->note, sizeof(list->note),
			 "the minidump's list of unloaded drivers is not in the file");
	else if (rubbish > 0)
		snprintf(list->note, sizeof(list->note),
			 "%zu of the %zu unloaded drivers have no address range", rubbish,
			 triage->unloaded_count);
	else if (!list->complete)
		snprintf(list->note, sizeof(list->note),
			 "%zu of the %" PRIu64 " unloaded drivers that the minidump states are "
			 "there",
			 triage->unloaded_count, triage->unloaded_stated);
}

/* The minidump has the newest first; here it comes last. */
static enum ps_status read_unloaded(struct kernel *kernel, struct ps_error *err)
{
	const struct triage *triage = kernel->dump->triage;
	size_t rubbish = 0;

	for (size_t i = triage->unloaded_count; i-- > 0;) {
		if (!is_range(kernel, &triage->unloaded[i]))
			rubbish++;
		else if (add_unloaded(kernel, &triage->unloaded[i], err) != PS_OK)
			return err->status;
	}
	judge_unloaded(kernel, rubbish);
	return PS_OK;
}

static void note_lists(struct kernel *kernel)
{
	const struct module_list *modules = &kernel->modules, *unloaded = &kernel->unloaded;

	if (!modules->complete)
		kernel_note(kernel, "the list of modules is not complete: %.190s", modules->note);
	if (!unloaded->complete)
		kernel_note(kernel, "the list of unloaded drivers is not complete: %.180s",
			    unloaded->note);
	if (modules->count > 0 && modules->items[0].base != kernel->base)
		kernel_note(kernel,
			    "the list of modules begins at 0x%" PRIx64
			    ", not at the kernel's base 0x%" PRIx64,
			    modules->items[0].base, kernel->base);
}

enum ps_status minidump_fill(struct kernel *kernel, const struct log *log, struct ps_error *err)
{
	enum paging paging;

	choose_machine(kernel, &paging);
	if (space_create_ranges(kernel->dump, paging, &kernel->space, err) != PS_OK)
		return err->status;
	kernel->pointer_size = space_pointer_size(kernel->space);
	if (find_base(kernel, err) != PS_OK)
		return err->status;
	log_info(log, "minidump of the kernel at 0x%" PRIx64 ", KDBG: %s", kernel->base,
		 kernel->kdbg_found_by);
	if (describe_kernel(kernel, err) != PS_OK || read_drivers(kernel, err) != PS_OK ||
	    read_unloaded(kernel, err) != PS_OK)
		return err->status;
	if (kernel->size == 0 && kernel->modules.count > 0 &&
	    kernel->modules.items[0].base == kernel->base)
		kernel->size = kernel->modules.items[0].size;
	note_lists(kernel);
	return PS_OK;
}
