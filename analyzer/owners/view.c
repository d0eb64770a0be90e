/*
 * Life of a view, and how evidence gets into it.
 */
#include "analyzer/owners/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/*
 * Bounds of view_work(). Real drivers were measured at less than 11 a byte of code, and the larger
 * they are the less; the most that any image may cost takes less than 2 s of processor time
 * (tests/hostile.py). Compiled drivers of 50 MB were examined whole with 8,000 allocations (x64: 6
 * million, x86: 8, ARM64: 13), of x64 with 69,000. The kernel itself, of which a dump has one, has
 * more allocations in its code than any driver and may need more.
 */
enum {
	WORK_BASE = 4 << 20,
	WORK_PER_CODE_BYTE = 64, /* small images */
	WORK_MOST = 40000000,
	WORK_PER_KERNEL_BYTE = 12,
	KERNEL_CODE = 16 << 20, /* bytes */
};

static bool note_import(void *context, const struct pe_import *import)
{
	struct view *view = context;
	struct slot *slot;

	if (!mem_grow((void **)&view->slots, view->slot_count, &view->slot_capacity,
		      sizeof(*view->slots))) {
		view->no_memory = true;
		return false;
	}
	slot = &view->slots[view->slot_count++];
	*slot = (struct slot){
		.rva = import->slot, .dll = import->dll, .name = import->name, .popped = -1};
	return true;
}

static int by_rva(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->rva < y->rva ? -1 : x->rva > y->rva;
}

/* The words of the table in memory hold addresses; those of a file hold hints. */
static bool read_iat(struct view *view)
{
	struct pe_range iat = pe_iat(view->image);
	unsigned width = view->image->pointer_size;
	size_t named = view->slot_count;

	for (size_t i = 0; i < named; i++)
		pe_uint(view->image, view->slots[i].rva, width, &view->slots[i].value);
	for (uint32_t at = 0; at + width <= iat.size; at += width) {
		struct slot slot = {.rva = iat.rva + at, .popped = -1};

		/* bsearch() may not be given a NULL table, not even an empty one */
		if (named > 0 && bsearch(&slot, view->slots, named, sizeof(slot), by_rva))
			continue;
		if (!pe_uint(view->image, slot.rva, width, &slot.value) || slot.value == 0)
			continue;
		if (!mem_grow((void **)&view->slots, view->slot_count, &view->slot_capacity,
			      sizeof(*view->slots)))
			return false;
		view->slots[view->slot_count++] = slot;
		/* Growing may move what the search above looks at, but not its order. */
	}
	return true;
}

enum ps_status view_open(struct view *view, uint32_t module, bool from_file, struct pe_image *image,
			 struct ps_error *err)
{
	enum ps_status status;

	memset(view, 0, sizeof(*view));
	callees_init(&view->callees);
	view->module = module;
	view->from_file = from_file;
	view->image = image;
	status = pe_functions_read(image, &view->functions, err);
	if (status != PS_OK)
		return status;
	pe_imports(image, note_import, view);
	if (view->slot_count > 0)
		qsort(view->slots, view->slot_count, sizeof(*view->slots), by_rva);
	if (!view->no_memory && !from_file && !read_iat(view))
		view->no_memory = true;
	if (view->no_memory)
		return ps_fail_memory(err, "the imports of a driver");
	if (view->slot_count > 0)
		qsort(view->slots, view->slot_count, sizeof(*view->slots), by_rva);
	return PS_OK;
}

void view_close(struct view *view)
{
	callees_fini(&view->callees);
	entries_fini(&view->entries);
	pe_functions_fini(&view->functions);
	pe_image_close(view->image);
	free(view->slots);
	free(view->findings);
	free(view->wrappers);
	free(view->calls);
	memset(view, 0, sizeof(*view));
}

uint64_t view_code_bytes(const struct view *view)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < view->image->section_count; i++) {
		if (pe_section_is_code(&view->image->sections[i]))
			bytes += view->image->sections[i].size;
	}
	return bytes;
}

static uint64_t work_limit(const struct view *view)
{
	uint64_t code = view_code_bytes(view), limit = WORK_BASE + code * WORK_PER_CODE_BYTE;
	uint64_t most = (code < KERNEL_CODE ? code : KERNEL_CODE) * WORK_PER_KERNEL_BYTE;

	if (most < WORK_MOST || !view->is_kernel)
		most = WORK_MOST;
	return limit < most ? limit : most;
}

bool view_work(struct view *view, uint64_t work)
{
	if (view->work_limit == 0)
		view->work_limit = work_limit(view);
	view->work += work;
	if (view->work > view->work_limit)
		view->gave_up = true;
	return !view->gave_up;
}

static void name_section(const struct view *view, struct owner_evidence *evidence)
{
	const struct pe_section *section = pe_section_at(view->image, evidence->rva);

	memset(evidence->section, 0, sizeof(evidence->section));
	if (section)
		memcpy(evidence->section, section->name, sizeof(evidence->section) - 1);
}

bool view_add(struct view *view, uint32_t tag, const struct owner_evidence *evidence)
{
	enum { PROTECTED_POOL = 0x7fffffff };
	struct finding *finding;

	if (!mem_grow((void **)&view->findings, view->finding_count, &view->finding_capacity,
		      sizeof(*view->findings))) {
		view->no_memory = true;
		return false;
	}
	finding = &view->findings[view->finding_count++];
	finding->tag = tag & PROTECTED_POOL;
	finding->evidence = *evidence;
	finding->evidence.from_file = view->from_file;
	name_section(view, &finding->evidence);
	return true;
}

unsigned view_argument(const struct view *view, const struct api *api)
{
	return view->image->machine == PE_X86 ? api->x86_word : api->argument;
}
