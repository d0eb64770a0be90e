/*
 * The function table of KMDF.
 */
#include "analyzer/owners/wdf.h"

#include <string.h>

#include "base/bytes.h"

enum {
	LAST_MINOR_WITH_ARRAY = 9, /* drivers up to KMDF 1.9 may hold the table itself */
	USE_WINDOW = 96,           /* bytes from loading the table's address to using an entry */
};

/* Offsets in WDF_BIND_INFO. */
struct bind_layout {
	unsigned size, component, major, minor, count, table;
};

static const struct bind_layout bind_narrow = {0x20, 0x04, 0x08, 0x0c, 0x14, 0x18};
static const struct bind_layout bind_wide = {0x30, 0x08, 0x10, 0x14, 0x1c, 0x20};

static const uint8_t library[] = {'K', 0, 'm', 0, 'd', 0, 'f', 0, 'L', 0, 'i', 0,
				  'b', 0, 'r', 0, 'a', 0, 'r', 0, 'y', 0, 0,   0};

static bool names_library(const struct view *view, uint64_t va)
{
	const uint8_t *text;
	uint32_t rva;

	if (!pe_rva_of(view->image, va, &rva))
		return false;
	text = pe_at(view->image, rva, sizeof(library));
	return text && memcmp(text, library, sizeof(library)) == 0;
}

/* True when the bind information is here; then the table's place is noted. */
static bool bind_at(struct view *view, const struct bind_layout *layout, uint32_t rva)
{
	enum { ENTRIES_MAX = 2048 };
	unsigned width = view->image->pointer_size;
	const uint8_t *data = pe_at(view->image, rva, layout->size);
	struct bytes b;
	uint32_t count, table;

	if (!data)
		return false;
	b = bytes_of(data, layout->size);
	if (bytes_u32(&b, 0) < layout->table + width || bytes_u32(&b, 0) > layout->size + 16)
		return false;
	count = bytes_u32(&b, layout->count);
	if (bytes_u32(&b, layout->major) != 1 || count == 0 || count > ENTRIES_MAX ||
	    !names_library(view, bytes_pointer(&b, layout->component, width)) ||
	    !pe_rva_of(view->image, bytes_pointer(&b, layout->table, width), &table))
		return false;
	view->wdf_functions = table;
	view->wdf_is_array = bytes_u32(&b, layout->minor) <= LAST_MINOR_WITH_ARRAY;
	return true;
}

static bool bind_in(struct view *view, const struct bind_layout *layout,
		    const struct pe_section *section, const struct pe_stretch *stretch)
{
	const uint8_t *bytes = view->image->bytes + section->rva;

	for (uint32_t at = stretch->at; at + layout->size <= stretch->end;
	     at += view->image->pointer_size)
		if (bytes[at] >= layout->table && bind_at(view, layout, section->rva + at))
			return true;
	return false;
}

/* Entries of a table inside the image are like import slots. */
static bool add_array(struct view *view)
{
	unsigned index;

	for (size_t i = 0; api_wdf_index(i, &index); i++) {
		const struct api *api = api_by_wdf_index(index);
		struct callee callee = {
			.va = view->image->base + view->wdf_functions +
			      (uint64_t)index * view->image->pointer_size,
			.api = api,
			.argument = view_argument(view, api),
			.module = CALLEE_NO_MODULE,
		};

		if (!callees_add(&view->callees, &callee, NULL))
			return false;
	}
	return true;
}

bool wdf_find(struct view *view)
{
	unsigned width = view->image->pointer_size;
	const struct bind_layout *layout = width == 4 ? &bind_narrow : &bind_wide;

	for (unsigned i = 0; i < view->image->section_count; i++) {
		const struct pe_section *section = &view->image->sections[i];
		struct pe_stretch stretch = {0};

		if (pe_section_is_code(section) && !pe_section_is_writable(section))
			continue;
		while (pe_section_next(view->image, section, width, &stretch))
			if (bind_in(view, layout, section, &stretch))
				return !view->wdf_is_array || add_array(view);
	}
	return true;
}

const struct api *wdf_api(const struct view *view, uint32_t offset)
{
	unsigned width = view->image->pointer_size;

	return offset % width == 0 ? api_by_wdf_index(offset / width) : NULL;
}

/* Offsets in WDF_DRIVER_GLOBALS: Driver, DriverFlags, DriverTag, DriverName[32]. */
enum { GLOBALS_NAME_BYTES = 32, GLOBALS_BYTES = 0x10 + GLOBALS_NAME_BYTES, GLOBALS_TRIED = 4096 };

/* A name of printable characters that ends in zeros only. */
static bool is_name(const uint8_t *name)
{
	size_t length = 0;

	while (length < GLOBALS_NAME_BYTES && name[length] > 0x20 && name[length] < 0x7f)
		length++;
	for (size_t i = length; i < GLOBALS_NAME_BYTES; i++) {
		if (name[i] != 0)
			return false;
	}
	return length > 0 && length < GLOBALS_NAME_BYTES;
}

static bool globals_at(struct space *space, uint64_t va, unsigned width, uint32_t *ret_tag)
{
	size_t head = (size_t)width + 8, size = head + GLOBALS_NAME_BYTES;
	uint8_t data[GLOBALS_BYTES];
	struct bytes b = bytes_of(data, sizeof(data));

	if (space_read_partial(space, va, data, size, NULL) != size || !is_name(data + head))
		return false;
	*ret_tag = bytes_u32(&b, (size_t)width + 4);
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = (uint8_t)(*ret_tag >> 8 * i);

		if (c < 0x20 || c > 0x7e)
			return false;
	}
	/* DriverFlags are a few bits; the driver's handle is never zero once it runs. */
	return bytes_pointer(&b, 0, width) != 0 && bytes_u32(&b, width) < 0x10000;
}

static bool look_for_globals(struct view *view, struct space *space,
			     const struct pe_section *section, unsigned *tries)
{
	unsigned width = view->image->pointer_size;

	for (uint32_t at = 0; at + width <= section->size && *tries > 0; at += width) {
		struct owner_evidence evidence = {.grade = OWNER_REGISTRATION,
						  .rva = section->rva + at,
						  .api = "WDF_DRIVER_GLOBALS",
						  .tag_from = section->rva + at,
						  .wrapper_module = view->module};
		uint64_t va;
		uint32_t tag, rva;

		if (!pe_uint(view->image, evidence.rva, width, &va) || va % width != 0 ||
		    !space_is_kernel_address(space, va) || pe_rva_of(view->image, va, &rva))
			continue;
		(*tries)--;
		if (globals_at(space, va, width, &tag) && !view_add(view, tag, &evidence))
			return false;
	}
	return true;
}

bool wdf_default_tag(struct view *view, struct space *space)
{
	unsigned tries = GLOBALS_TRIED;

	for (unsigned i = 0; view->wdf_functions && i < view->image->section_count; i++) {
		const struct pe_section *section = &view->image->sections[i];

		if (pe_section_is_writable(section) && !pe_section_is_code(section) &&
		    !look_for_globals(view, space, section, &tries))
			return false;
	}
	return true;
}

struct use_filter {
	const struct view *view;
	refs_visitor visit;
	void *context;
};

static bool uses_index(const struct view *view, uint32_t rva, unsigned index)
{
	enum { LDR_X = 0xf9400000, LDR_X_MASK = 0xffc00000 };
	uint32_t room = view->image->size - rva;
	struct bytes code =
		bytes_of(view->image->bytes + rva, room < USE_WINDOW ? room : USE_WINDOW);
	uint32_t displacement = index * view->image->pointer_size;
	size_t step = view->image->machine == PE_ARM64 ? 4 : 1;

	for (size_t at = 0; at + 4 <= code.size; at += step) {
		uint32_t word = bytes_u32(&code, at);

		if (step == 1 ? word == displacement
			      : (word & LDR_X_MASK) == (uint32_t)LDR_X &&
					(word >> 10 & 0xfff) == index)
			return true;
	}
	return false;
}

static bool filter_use(void *context, uint32_t rva, uint64_t target)
{
	struct use_filter *filter = context;
	unsigned index;

	for (size_t i = 0; api_wdf_index(i, &index); i++) {
		if (rva < filter->view->image->size && uses_index(filter->view, rva, index))
			return filter->visit(filter->context, rva, target);
	}
	return true;
}

void wdf_references(struct view *view, refs_visitor visit, void *context)
{
	struct use_filter filter = {.view = view, .visit = visit, .context = context};
	struct refs *refs;

	if (view->wdf_functions == 0)
		return;
	refs = refs_create(view->image);
	if (!refs || !refs_add_rva(refs, view->wdf_functions))
		view->no_memory = true;
	else
		refs_scan(refs, filter_use, &filter);
	refs_destroy(refs);
}
