/*
 * Filter registrations and lookaside lists in data.
 */
#include "analyzer/owners/structs.h"

#include "base/bytes.h"

enum {
	CONTEXT_END = 0xffff,
	CONTEXTS_MAX = 64,       /* entries; real arrays have a handful */
	CONTEXT_TYPES = 0x7f,    /* volume 1, instance 2, file 4, ... section 0x40: a bit each */
	REGISTRATION_MIN = 0x24, /* bytes */
	REGISTRATION_MAX = 0x90,
	VERSION_FIRST = 0x200,
	VERSION_LAST = 0x203,
	WORK_FILTER = 32, /* in the units of view_work() */
	WORK_CONTEXTS = 512,
};

/* Offsets in FLT_CONTEXT_REGISTRATION. */
struct context_layout {
	unsigned stride, tag, allocate;
};

static const struct context_layout context_narrow = {0x1c, 0x0c, 0x10};
static const struct context_layout context_wide = {0x38, 0x18, 0x20};

/* Offsets in GENERAL_LOOKASIDE. */
struct lookaside_layout {
	unsigned size;
	unsigned depth, maximum; /* u16 */
	unsigned allocates, allocate_misses, frees, free_misses;
	unsigned type, tag, bytes;
	unsigned allocate, release; /* pointers to routines */
	unsigned next, previous;    /* LIST_ENTRY */
};

static const struct lookaside_layout lookaside_narrow = {
	.size = 0x48,
	.depth = 0x08,
	.maximum = 0x0a,
	.allocates = 0x0c,
	.allocate_misses = 0x10,
	.frees = 0x14,
	.free_misses = 0x18,
	.type = 0x1c,
	.tag = 0x20,
	.bytes = 0x24,
	.allocate = 0x28,
	.release = 0x2c,
	.next = 0x30,
	.previous = 0x34,
};

static const struct lookaside_layout lookaside_wide = {
	.size = 0x60,
	.depth = 0x10,
	.maximum = 0x12,
	.allocates = 0x14,
	.allocate_misses = 0x18,
	.frees = 0x1c,
	.free_misses = 0x20,
	.type = 0x24,
	.tag = 0x28,
	.bytes = 0x2c,
	.allocate = 0x30,
	.release = 0x38,
	.next = 0x40,
	.previous = 0x48,
};

static void add(struct view *view, uint32_t tag, uint32_t rva, const char *api)
{
	struct owner_evidence evidence = {
		.grade = OWNER_REGISTRATION,
		.rva = rva,
		.api = api,
		.tag_from = rva,
		.wrapper_module = view->module,
	};

	view_add(view, tag, &evidence);
}

static bool points_to_code(const struct view *view, uint64_t va)
{
	const struct pe_section *section;
	uint32_t rva;

	if (!pe_rva_of(view->image, va, &rva))
		return false;
	section = pe_section_at(view->image, rva);
	return section && pe_section_is_code(section);
}

/* One entry: 0 the array ends here, 1 another entry, -1 not such an array. */
static int context_at(const struct view *view, const struct context_layout *layout, uint32_t rva,
		      uint32_t *ret_tag, bool *ret_own_allocator)
{
	unsigned width = view->image->pointer_size;
	uint64_t type, allocate, tag, cleanup;

	if (!pe_uint(view->image, rva, 2, &type))
		return -1;
	if (type == CONTEXT_END)
		return 0;
	if ((type & ~(uint64_t)CONTEXT_TYPES) != 0 || (type & (type - 1)) != 0 || type == 0)
		return -1;
	if (!pe_uint(view->image, rva + layout->tag, 4, &tag) ||
	    !pe_uint(view->image, rva + layout->allocate, width, &allocate) ||
	    !pe_uint(view->image, rva + width, width, &cleanup))
		return -1;
	if ((allocate != 0 && !points_to_code(view, allocate)) ||
	    (cleanup != 0 && !points_to_code(view, cleanup)))
		return -1;
	*ret_tag = (uint32_t)tag;
	*ret_own_allocator = allocate != 0;
	return 1;
}

bool structs_contexts(struct view *view, uint32_t rva)
{
	const struct context_layout *layout =
		view->image->pointer_size == 4 ? &context_narrow : &context_wide;
	bool own_allocator;
	uint32_t tag;
	unsigned count = 0;
	int more;

	while ((more = context_at(view, layout, rva + count * layout->stride, &tag,
				  &own_allocator)) > 0) {
		if (++count > CONTEXTS_MAX)
			return false;
	}
	if (more < 0)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint32_t at = rva + i * layout->stride;

		context_at(view, layout, at, &tag, &own_allocator);
		/* With an allocator of its own the filter manager does not use the tag. */
		if (tag != 0 && !own_allocator)
			add(view, tag, at + layout->tag, "FltRegisterFilter");
	}
	return true;
}

bool structs_filter(struct view *view, uint32_t rva)
{
	unsigned width = view->image->pointer_size;
	uint64_t size, version, contexts;
	uint32_t array;

	if (!pe_uint(view->image, rva, 2, &size) || !pe_uint(view->image, rva + 2, 2, &version) ||
	    !pe_uint(view->image, rva + STRUCTS_CONTEXTS, width, &contexts))
		return false;
	if (size < REGISTRATION_MIN || size > REGISTRATION_MAX || version < VERSION_FIRST ||
	    version > VERSION_LAST)
		return false;
	if (contexts == 0)
		return true;
	return pe_rva_of(view->image, contexts, &array) && structs_contexts(view, array);
}

/* By shape: all pointers of the structure lead into the image, and some to code. */
static bool looks_like_filter(const struct view *view, uint32_t rva, uint32_t size)
{
	unsigned width = view->image->pointer_size, code = 0;
	uint32_t first = STRUCTS_CONTEXTS + width; /* OperationRegistration */
	uint64_t pointer;
	uint32_t target;

	if (size % width != 0)
		return false;
	for (uint32_t at = first; at < size; at += width) {
		if (!pe_uint(view->image, rva + at, width, &pointer))
			return false;
		if (pointer != 0 && !pe_rva_of(view->image, pointer, &target))
			return false;
		code += at > first && pointer != 0 && points_to_code(view, pointer);
	}
	return code > 0;
}

static void try_filter(struct view *view, const uint8_t *word, uint32_t rva)
{
	struct bytes head = bytes_of(word, 4);
	uint32_t size = bytes_u16(&head, 0), version = bytes_u16(&head, 2);

	if (version < VERSION_FIRST || version > VERSION_LAST || size < REGISTRATION_MIN ||
	    size > REGISTRATION_MAX)
		return;
	if (view_work(view, WORK_FILTER) && looks_like_filter(view, rva, size) &&
	    view_work(view, WORK_CONTEXTS))
		structs_filter(view, rva);
}

static bool is_routine(const struct view *view, const struct structs_kernel *kernel, uint64_t va)
{
	if (va >= kernel->base && va < kernel->end)
		return true;
	return points_to_code(view, va);
}

static bool printable(uint32_t tag)
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = (uint8_t)(tag >> (8 * i) & (i == 3 ? 0x7f : 0xff));

		if (c < 0x20 || c > 0x7e)
			return false;
	}
	return true;
}

static bool counts_agree(struct bytes *b, const struct lookaside_layout *layout)
{
	enum { DEPTH_MAX = 4096, BYTES_MAX = 1 << 20 };
	uint32_t depth = bytes_u16(b, layout->depth), maximum = bytes_u16(b, layout->maximum);
	uint32_t size = bytes_u32(b, layout->bytes);

	return maximum > 0 && maximum <= DEPTH_MAX && depth <= maximum && size > 0 &&
	       size <= BYTES_MAX && bytes_u32(b, layout->type) < 0x1000 &&
	       bytes_u32(b, layout->allocate_misses) <= bytes_u32(b, layout->allocates) &&
	       bytes_u32(b, layout->free_misses) <= bytes_u32(b, layout->frees);
}

/* The first list has the least to be told apart from: routines, links, counts must all agree. */
static void try_lookaside(struct view *view, const struct structs_kernel *kernel, uint32_t rva)
{
	unsigned width = view->image->pointer_size;
	const struct lookaside_layout *layout = width == 4 ? &lookaside_narrow : &lookaside_wide;
	const uint8_t *data = pe_at(view->image, rva, layout->size);
	struct bytes b;
	uint64_t next, previous;
	uint32_t tag;

	if (!data)
		return;
	b = bytes_of(data, layout->size);
	tag = bytes_u32(&b, layout->tag);
	if (!printable(tag) ||
	    !is_routine(view, kernel, bytes_pointer(&b, layout->allocate, width)) ||
	    !is_routine(view, kernel, bytes_pointer(&b, layout->release, width)))
		return;
	next = bytes_pointer(&b, layout->next, width);
	previous = bytes_pointer(&b, layout->previous, width);
	if (next == 0 || previous == 0 || next % width != 0 || previous % width != 0)
		return;
	if (counts_agree(&b, layout))
		add(view, tag, rva + layout->tag, "lookaside list");
}

static void scan_stretch(struct view *view, const struct structs_kernel *kernel,
			 const struct pe_section *section, const struct pe_stretch *stretch)
{
	unsigned width = view->image->pointer_size;
	bool lookasides = kernel && kernel->end != 0 && pe_section_is_writable(section);

	for (uint32_t at = stretch->at; at + REGISTRATION_MIN <= stretch->end; at += width) {
		uint32_t rva = section->rva + at;
		const uint8_t *word = view->image->bytes + rva;

		/* Both bytes of the version, before anything that costs. */
		if (word[3] == VERSION_FIRST >> 8)
			try_filter(view, word, rva);
		if (lookasides && at % 8 == 0)
			try_lookaside(view, kernel, rva);
	}
}

bool structs_scan(struct view *view, const struct structs_kernel *kernel)
{
	for (unsigned i = 0; i < view->image->section_count; i++) {
		const struct pe_section *section = &view->image->sections[i];
		struct pe_stretch stretch = {0};

		while (!pe_section_is_code(section) &&
		       pe_section_next(view->image, section, view->image->pointer_size, &stretch))
			scan_stretch(view, kernel, section, &stretch);
	}
	return !view->no_memory;
}
