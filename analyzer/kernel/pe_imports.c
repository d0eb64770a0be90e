/*
 * See pe_exports.h: the import directory and the import address table.
 *
 * Not supported: bound imports by their own directory, delay-loaded imports.
 */
#include "analyzer/kernel/pe_exports.h"

#include <inttypes.h>

#include "analyzer/kernel/pe_headers.h"
#include "base/bytes.h"

enum {
	DESCRIPTOR_BYTES = 0x14,
	DESCRIPTOR_LOOKUP = 0x00,
	DESCRIPTOR_NAME = 0x0c,
	DESCRIPTOR_SLOTS = 0x10,
	DESCRIPTOR_LIMIT = 1024,
	IMPORT_LIMIT =
		0x10000, /* of all descriptors together; the kernel exports some 3000 names */
	HINT_BYTES = 2,
};

struct import_walk {
	struct pe_image *image;
	pe_import_visitor visit;
	void *context;
	uint32_t count; /* thunks looked at */
	bool absent;    /* a part is inside the image and not there */
	bool wrong;
	bool stopped; /* by the visitor */
};

/* What should be at `rva` cannot be read. */
static void miss(struct import_walk *w, uint64_t rva)
{
	if (rva < w->image->size && !pe_at(w->image, (uint32_t)rva, 1))
		w->absent = true;
	else
		w->wrong = true;
}

/* Fills name or ordinal; false when the thunk or its name cannot be right or is not there. */
static bool decode_thunk(struct import_walk *w, uint64_t thunk, struct pe_import *import)
{
	unsigned top = w->image->pointer_size * 8 - 1;

	if (thunk >> top) {
		import->ordinal = thunk & 0xffff;
		if ((thunk & ~((uint64_t)1 << top)) <= 0xffff)
			return true;
		w->wrong = true;
		return false;
	}
	if (thunk < w->image->size)
		import->name = pe_text_at(w->image, (uint32_t)thunk + HINT_BYTES);
	if (import->name && import->name[0] != '\0')
		return true;
	miss(w, thunk + HINT_BYTES);
	return false;
}

static void visit_thunks(struct import_walk *w, const char *dll, uint32_t lookup, uint32_t slots)
{
	unsigned width = w->image->pointer_size;

	for (uint64_t i = 0; !w->stopped; i++) {
		struct pe_import import = {.dll = dll};
		uint64_t at = lookup + i * width, slot = slots + i * width, thunk;

		if (slot > w->image->size - width || w->count >= IMPORT_LIMIT) {
			w->wrong = true;
			return;
		}
		if (at >= w->image->size || !pe_uint(w->image, (uint32_t)at, width, &thunk)) {
			miss(w, at);
			return;
		}
		if (thunk == 0)
			return;
		w->count++;
		import.slot = (uint32_t)slot;
		if (decode_thunk(w, thunk, &import))
			w->stopped = !w->visit(w->context, &import);
	}
}

/*
 * Images of old linkers have no lookup table: their slots have the names, in a file; in memory they
 * have addresses, and the names are lost.
 */
static void visit_descriptor(struct import_walk *w, struct bytes *raw)
{
	uint32_t lookup = bytes_u32(raw, DESCRIPTOR_LOOKUP);
	uint32_t slots = bytes_u32(raw, DESCRIPTOR_SLOTS), name = bytes_u32(raw, DESCRIPTOR_NAME);
	const char *dll = pe_text_at(w->image, name);

	if (lookup == 0 && w->image->origin == PE_FROM_FILE)
		lookup = slots;
	if (!dll)
		miss(w, name);
	else if (lookup == 0)
		w->absent = true;
	else
		visit_thunks(w, dll, lookup, slots);
}

/* True when the list of descriptors has its end, or the visitor has enough. */
static bool visit_descriptors(struct import_walk *w)
{
	struct pe_range range = w->image->directories[PE_IMPORT];

	for (uint32_t i = 0; i < DESCRIPTOR_LIMIT && !w->stopped; i++) {
		uint32_t rva = range.rva + i * DESCRIPTOR_BYTES;
		const uint8_t *at = pe_at(w->image, rva, DESCRIPTOR_BYTES);
		struct bytes raw = bytes_of(at, at ? DESCRIPTOR_BYTES : 0);

		if (!at) {
			miss(w, rva);
			return false;
		}
		if (bytes_u32(&raw, DESCRIPTOR_NAME) == 0 || bytes_u32(&raw, DESCRIPTOR_SLOTS) == 0)
			return true;
		visit_descriptor(w, &raw);
	}
	return w->stopped;
}

bool pe_imports(struct pe_image *image, pe_import_visitor visit, void *context)
{
	struct import_walk w = {.image = image, .visit = visit, .context = context};

	if (image->directories[PE_IMPORT].rva == 0)
		return false;
	if (!visit_descriptors(&w) && !w.absent)
		w.wrong = true;
	if (w.absent)
		pe_note(image, "the import tables are not all there");
	if (w.wrong)
		pe_note(image, "the import tables cannot all be right");
	return w.stopped || (!w.absent && !w.wrong);
}

static bool add_slot(void *context, const struct pe_import *import)
{
	struct pe_range *slots = context;
	uint32_t end = slots->rva + slots->size;

	if (slots->size == 0 || import->slot < slots->rva)
		slots->rva = import->slot;
	if (end <= import->slot)
		end = import->slot + 1;
	slots->size = end - slots->rva;
	return true;
}

struct pe_range pe_iat(struct pe_image *image)
{
	struct pe_range slots = image->directories[PE_IAT];
	uint32_t rest;

	if (slots.rva != 0 && slots.size != 0)
		return slots;
	slots = (struct pe_range){.size = 0};
	pe_imports(image, add_slot, &slots);
	rest = slots.size % image->pointer_size;
	if (rest > 0)
		slots.size += image->pointer_size - rest;
	return slots;
}
