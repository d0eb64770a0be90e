/*
 * What proves that a page-table root belongs to a Windows kernel, and the memory of KDBG blocks
 * seen. See search.h.
 */
#include "analyzer/kernel/search.h"

#include <inttypes.h>

#include "base/bytes.h"

enum {
	KDBG_KERNEL_BASE_OFFSET = 0x18,
	KDBG_MODULE_LIST_OFFSET = 0x48,
};

/* Values of Machine in the PE header. */
static const uint16_t image_machines[] = {
	[PAGING_X86] = 0x14c,       [PAGING_PAE] = 0x14c,    [PAGING_X64] = 0x8664,
	[PAGING_X64_LA57] = 0x8664, [PAGING_ARM64] = 0xaa64,
};

/* The Machine of the PE image at `base`; 0 when none can be read there. */
static uint16_t image_machine(struct space *space, uint64_t base)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct pe_identity image;

	if (!space_is_kernel_address(space, base) || base % PAGE_SIZE != 0 ||
	    pe_identify(space, base, &image, &ignored) != PS_OK)
		return 0;
	return image.machine;
}

bool search_is_image(struct space *space, uint64_t base)
{
	return image_machine(space, base) == image_machines[space_paging(space)];
}

/* A Machine that no Windows has says nothing: its page may be damaged. */
bool search_is_other_machine(struct space *space, uint64_t base)
{
	uint16_t machine = image_machine(space, base);
	bool known = false;

	if (space_dump(space)->facts.machine != MACHINE_UNKNOWN)
		return false;
	for (unsigned i = 0; i < PAGING_KINDS; i++)
		known |= machine == image_machines[i];
	return known && machine != image_machines[space_paging(space)];
}

/*
 * PsLoadedModuleList as the block has it. False when the field lies in another page than the
 * block's head: that page need not follow in physical memory.
 */
static bool list_of_trace(struct space *space, const struct kdbg_trace *trace, uint64_t *ret)
{
	uint64_t pa = trace->pa + KDBG_MODULE_LIST_OFFSET;
	uint8_t raw[8];
	struct bytes bytes = bytes_of(raw, sizeof(raw));

	if ((pa + sizeof(raw) - 1) >> PAGE_SHIFT !=
		    (trace->pa + KDBG_KERNEL_BASE_OFFSET) >> PAGE_SHIFT ||
	    dump_read(space_dump(space), pa, raw, sizeof(raw)) != PAGE_PRESENT)
		return false;
	*ret = bytes_u64(&bytes, 0);
	if (space_pointer_size(space) == 4)
		*ret &= UINT32_MAX;
	return true;
}

/*
 * An image at the base alone would let pass the roots that user mode has under KVA shadow, so the
 * list must be mapped as well. In a dump without the kernel's header page the list must begin with
 * the same base.
 */
bool search_trace_fits(struct space *space, const struct kdbg_trace *trace, uint64_t *ret_base)
{
	uint64_t base = space_normalize(space, trace->kernel_base), list;
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;
	struct translation at;
	struct hole hole;

	if (!space_is_kernel_address(space, base))
		return false;
	*ret_base = base;
	if (!list_of_trace(space, trace, &list))
		return search_is_image(space, base);
	if (!space_is_kernel_address(space, list) || !space_translate(space, list, &at, &hole))
		return false;
	if (search_is_image(space, base))
		return true;
	return !search_is_other_machine(space, base) &&
	       modules_read_first(space, list, &first, &ignored) == PS_OK && first.base == base;
}

/* Those of kernels whose page tables were found as well are named by search_tables.c. */
static bool is_of_known_kernel(const struct kernel_search *search, uint64_t base)
{
	for (unsigned i = 0; i < search->kernel_count; i++)
		if (search->kernels[i].base == base)
			return true;
	return base == search->kernel->base;
}

void search_note_traces(struct kernel_search *search)
{
	uint64_t first = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < search->trace_count; i++) {
		uint64_t base =
			space_normalize(search->kernel->space, search->traces[i].kernel_base);

		if (is_of_known_kernel(search, base))
			continue;
		first = count++ == 0 ? base : first;
	}
	if (count > 0)
		kernel_note(search->kernel,
			    "memory holds the KDBG of %u other kernel%s, of guests or of earlier "
			    "boots, of which nothing is read; the first is of one at 0x%" PRIx64,
			    count, count == 1 ? "" : "s", first);
}

struct scan_context {
	struct kernel_search *search;
	kdbg_accept accept;
	void *context;
};

static void remember(struct kernel_search *search, const struct kdbg_trace *trace)
{
	search->seen++;
	for (unsigned i = 0; i < search->trace_count; i++)
		if (search->traces[i].kernel_base == trace->kernel_base)
			return;
	if (search->trace_count < TRACE_LIMIT)
		search->traces[search->trace_count++] = *trace;
}

static bool seen(void *context, const struct kdbg_trace *trace)
{
	struct scan_context *scan = context;

	remember(scan->search, trace);
	return scan->accept(scan->context, trace);
}

enum ps_status search_memory(struct kernel_search *search, kdbg_accept accept, void *context,
			     struct ps_error *err)
{
	struct scan_context scan = {search, accept, context};
	struct progress outer = *search->progress; /* this search may run inside another one */
	enum ps_status status = kdbg_scan(search->kernel->dump, seen, &scan, search->progress, err);

	outer.shown = false;
	*search->progress = outer;
	if (status == PS_NOT_FOUND)
		search->scanned = true;
	return status;
}
