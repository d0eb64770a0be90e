/*
 * Opens the kernel of a dump: root, KDBG, identity, module lists, in this order.
 */
#include "analyzer/kernel/kernel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/kernel/describe.h"
#include "analyzer/kernel/minidump.h"
#include "analyzer/kernel/module_layout.h"
#include "analyzer/kernel/search.h"
#include "analyzer/kernel/use_symbols.h"
#include "base/memory.h"

void kernel_note(struct kernel *kernel, const char *format, ...)
{
	va_list args;

	if (kernel->note_count >= sizeof(kernel->notes) / sizeof(kernel->notes[0]))
		return;
	va_start(args, format);
	vsnprintf(kernel->notes[kernel->note_count++], sizeof(kernel->notes[0]), format, args);
	va_end(args);
}

const char *kernel_product_name(const struct kernel *kernel)
{
	return kernel->product;
}

static const char *arch_name(enum paging paging)
{
	switch (paging) {
	case PAGING_X86: return "x86";
	case PAGING_PAE: return "x86-pae";
	case PAGING_ARM64: return "arm64";
	default: return "x64";
	}
}

/* The block's list of modules; the header's where the block has none that can be read. */
static uint64_t choose_module_list(struct kernel *kernel)
{
	const struct fact *stated = &kernel->dump->facts.module_list;
	uint64_t header = space_normalize(kernel->space, stated->value);
	uint64_t list = kernel->kdbg.fields[KDBG_PS_LOADED_MODULE_LIST];
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;

	if (!stated->known || header == list)
		return list;
	if (list != 0 && modules_read_first(kernel->space, list, &first, &ignored) == PS_OK) {
		kernel_note(kernel,
			    "the header says PsLoadedModuleList is 0x%" PRIx64
			    ", but KDBG says 0x%" PRIx64 ", which is used",
			    header, list);
		return list;
	}
	return header;
}

static enum ps_status read_modules(struct kernel *kernel, struct ps_error *err)
{
	struct module_list *list = &kernel->modules;
	uint64_t head = choose_module_list(kernel);
	struct module_layout own;
	bool has_own = head != 0 && module_layout_by_symbols(kernel, head, &own);

	kernel->module_head = head;
	if (head == 0)
		snprintf(list->note, sizeof(list->note), "nothing names PsLoadedModuleList");
	else if (modules_read(kernel->space, head, kernel->build.value, has_own ? &own : NULL, list,
			      err) != PS_OK)
		return err->status;
	if (!list->complete)
		kernel_note(kernel, "the list of modules is not complete: %.190s", list->note);
	if (list->count > 0 && list->items[0].base != kernel->base)
		kernel_note(kernel,
			    "the list of modules begins at 0x%" PRIx64
			    ", not at the kernel's base 0x%" PRIx64,
			    list->items[0].base, kernel->base);
	return PS_OK;
}

/* Where nothing names MmLastUnloadedDriver the ring itself tells its order. */
static uint32_t last_unloaded(struct kernel *kernel, uint64_t table)
{
	uint64_t va = kernel->kdbg.fields[KDBG_MM_LAST_UNLOADED_DRIVER];
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t last;

	if (kernel->kdbg.size == 0 && va == 0 &&
	    modules_unloaded_order(kernel->space, table, &last))
		return last;
	if (va == 0 || space_read_u32(kernel->space, va, &last, &ignored) != PS_OK)
		return UINT32_MAX;
	return last;
}

/* A ring that was never made (no driver was unloaded yet) is an empty, complete list. */
static enum ps_status read_unloaded(struct kernel *kernel, struct ps_error *err)
{
	struct module_list *list = &kernel->unloaded;
	struct ps_error why = PS_ERROR_INIT;
	uint64_t table = 0;

	if (kdbg_variable(kernel->space, &kernel->kdbg, KDBG_MM_UNLOADED_DRIVERS, &table, &why) ==
		    PS_OK &&
	    table != 0) {
		if (modules_read_unloaded(kernel->space, table, last_unloaded(kernel, table), list,
					  err) != PS_OK)
			return err->status;
	} else {
		list->complete = why.status == PS_OK;
		snprintf(list->note, sizeof(list->note), "%.230s", why.text);
	}
	if (!list->complete)
		kernel_note(kernel, "the list of unloaded drivers is not complete: %.180s",
			    list->note);
	return PS_OK;
}

static enum ps_status no_memory(struct ps_error *err)
{
	ps_fail(err, PS_UNSUPPORTED, "the file is the header of a crash dump without any memory");
	ps_hint(err,
		"to get the pools from the next crash, set \"Kernel memory dump\", \"Automatic "
		"memory dump\" or \"Complete memory dump\" in Startup and Recovery "
		"(CrashDumpEnabled 2, 7 or 1) and give the page file room for it");
	return err->status;
}

static enum ps_status fill(struct kernel_search *search, struct ps_error *err)
{
	struct kernel *kernel = search->kernel;

	if (kernel->dump->holds == HOLDS_NOTHING)
		return no_memory(err);
	if (kernel->dump->holds == HOLDS_RANGES)
		return minidump_fill(kernel, search->log, err);
	if (search_root(search, err) != PS_OK)
		return err->status;
	kernel->pointer_size = space_pointer_size(kernel->space);
	kernel->arch = arch_name(space_paging(kernel->space));
	if (search_kdbg(search, err) != PS_OK || use_symbols(search, err) != PS_OK)
		return err->status;
	search_note_traces(search);
	if (kernel->kdbg.size != 0)
		log_info(search->log, "kernel at 0x%" PRIx64 ", KDBG at 0x%" PRIx64 " (%s)",
			 kernel->base, kernel->kdbg.va, kernel->kdbg_found_by);
	else
		log_info(search->log, "kernel at 0x%" PRIx64 ", KDBG: %s", kernel->base,
			 kernel->kdbg_found_by);
	if (describe_kernel(kernel, err) != PS_OK || read_modules(kernel, err) != PS_OK ||
	    read_unloaded(kernel, err) != PS_OK)
		return err->status;
	return PS_OK;
}

enum ps_status kernel_open(struct dump *dump, const struct log *log, struct progress *progress,
			   struct kernel **ret, struct ps_error *err)
{
	return kernel_open_with(dump, NULL, log, progress, ret, err);
}

enum ps_status kernel_open_with(struct dump *dump, const struct symbol_options *symbols,
				const struct log *log, struct progress *progress,
				struct kernel **ret, struct ps_error *err)
{
	static const struct symbol_options known_builds_alone = {.path_count = 0};
	struct kernel *kernel = mem_array(1, sizeof(*kernel));
	struct kernel_search search = {.kernel = kernel,
				       .symbols = symbols ? symbols : &known_builds_alone,
				       .log = log,
				       .progress = progress,
				       .trouble = PS_ERROR_INIT};

	if (!kernel)
		return ps_fail_memory(err, "the kernel");
	kernel->dump = dump;
	module_list_init(&kernel->modules);
	module_list_init(&kernel->unloaded);
	if (fill(&search, err) != PS_OK) {
		kernel_close(kernel);
		return err->status;
	}
	*ret = kernel;
	return PS_OK;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	module_list_fini(&kernel->modules);
	module_list_fini(&kernel->unloaded);
	free(kernel->build_lab);
	free(kernel->service_pack);
	symbols_destroy(kernel->symbols);
	space_destroy(kernel->space);
	free(kernel);
}
