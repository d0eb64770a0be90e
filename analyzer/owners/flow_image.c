/*
 * The image that functions are analysed of, and what the data flow remembers of it: where calls are
 * dispatched and checked (control flow guard), what its callees do.
 *
 * Source of the load configuration's layout: winnt.h.
 */
#include "analyzer/owners/flow_engine.h"
#include "base/bytes.h"

enum {
	HEADER = 0x400,        /* bytes that tell one image from another */
	CONFIG64_CHECK = 0x70, /* IMAGE_LOAD_CONFIG_DIRECTORY64 */
	CONFIG64_DISPATCH = 0x78,
	CONFIG64_XFG_CHECK = 0x118,
	CONFIG64_XFG_DISPATCH = 0x120,
	CONFIG32_CHECK = 0x48,
	CONFIG32_DISPATCH = 0x4c,
};

/* RVA of the slot that a field of the load configuration points to, 0 when there is none. */
static uint32_t guard_slot(const struct pe_image *image, uint32_t field)
{
	const struct pe_range *config = &image->directories[PE_LOAD_CONFIG];
	uint64_t size, va;
	uint32_t rva;

	if (!config->rva || !pe_uint(image, config->rva, 4, &size) ||
	    field + image->pointer_size > size)
		return 0;
	if (!pe_uint(image, config->rva + field, image->pointer_size, &va) ||
	    !pe_rva_of(image, va, &rva))
		return 0;
	return rva;
}

static void use_functions(struct flow *flow, const struct pe_functions *functions)
{
	uint64_t key = (uint64_t)(uintptr_t)functions->items ^ functions->count ^ flow->image_key;

	if (functions->count)
		key ^= (uint64_t)functions->items[functions->count - 1].end << 32;

	if (flow->functions == functions && flow->functions_key == key)
		return;
	flow->functions_key = key;
	gaps_index(flow, functions);
}

/* The next image may lie where the last one did; its header has another time stamp. */
static uint64_t image_key(const struct pe_image *image)
{
	uint64_t key = (uint64_t)(uintptr_t)image->bytes ^ image->base;
	struct bytes header = bytes_of(image->bytes, image->size);

	for (size_t at = 0; at < HEADER && bytes_has(&header, at, 8); at += 8)
		key = (key ^ bytes_u64(&header, at)) * 0x9e3779b97f4a7c15u;
	return key ^ image->size;
}

static void use_image(struct flow *flow, const struct pe_image *image)
{
	bool wide = image->pointer_size == 8;
	uint64_t key = image_key(image);

	if (flow->image == image && flow->image_key == key)
		return;
	flow->image = image;
	flow->image_key = key;
	hash_fini(&flow->callees);
	hash_init(&flow->callees);
	flow->check_slots[0] = guard_slot(image, wide ? CONFIG64_CHECK : CONFIG32_CHECK);
	flow->check_slots[1] = wide ? guard_slot(image, CONFIG64_XFG_CHECK) : 0;
	flow->dispatch_slots[0] = guard_slot(image, wide ? CONFIG64_DISPATCH : CONFIG32_DISPATCH);
	flow->dispatch_slots[1] = wide ? guard_slot(image, CONFIG64_XFG_DISPATCH) : 0;
}

void image_use(struct flow *flow, const struct pe_image *image,
	       const struct pe_functions *functions)
{
	use_image(flow, image);
	use_functions(flow, functions);
}

int flow_popped_by(struct flow *flow, const struct pe_image *image, uint32_t rva)
{
	use_image(flow, image);
	return code_callee(flow, rva)->popped;
}
