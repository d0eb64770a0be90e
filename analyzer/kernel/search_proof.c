/*
 * What proves that a page-table root belongs to a Windows kernel, and the memory of KDBG blocks
 * seen. See search.h.
 */
#include "analyzer/kernel/search.h"

#include "base/bytes.h"

enum { KDBG_MODULE_LIST_OFFSET = 0x48, MACHINE_I386 = 0x14c, MACHINE_AMD64 = 0x8664 };

bool search_is_image(struct space *space, uint64_t base)
{
	uint16_t machine = space_paging(space) == PAGING_X64 ? MACHINE_AMD64 : MACHINE_I386;
	struct ps_error ignored = PS_ERROR_INIT;
	struct pe_identity image;

	return space_is_kernel_address(space, base) && base % PAGE_SIZE == 0 &&
	       pe_identify(space, base, &image, &ignored) == PS_OK && image.machine == machine;
}

/* For a dump without the kernel's header page: its list of modules begins with the same base. */
static bool list_leads_to(struct space *space, const struct kdbg_trace *trace, uint64_t base)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;
	uint8_t raw[8];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	uint64_t head;

	if (dump_read(space_dump(space), trace->pa + KDBG_MODULE_LIST_OFFSET, raw, sizeof(raw)) !=
	    PAGE_PRESENT)
		return false;
	head = bytes_u64(&bytes, 0);
	if (space_pointer_size(space) == 4)
		head &= UINT32_MAX;
	return space_is_kernel_address(space, head) &&
	       modules_read_first(space, head, &first, &ignored) == PS_OK && first.base == base;
}

bool search_trace_fits(struct space *space, const struct kdbg_trace *trace, uint64_t *ret_base)
{
	uint64_t base = space_normalize(space, trace->kernel_base);

	if (!space_is_kernel_address(space, base))
		return false;
	if (!search_is_image(space, base) && !list_leads_to(space, trace, base))
		return false;
	*ret_base = base;
	return true;
}

struct scan_context {
	struct kernel_search *search;
	kdbg_accept accept;
	void *context;
};

static void remember(struct kernel_search *search, const struct kdbg_trace *trace)
{
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
