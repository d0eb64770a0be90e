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
	uint32_t count;   /* thunks looked at */
	uint32_t skipped; /* of them not there or wrong */
	bool complete;
	bool stopped; /* by the visitor */
};

/* Fills name or ordinal; false when the thunk or its name cannot be right or is not there. */
static bool decode_thunk(const struct pe_image *image, uint64_t thunk, struct pe_import *import)
{
	unsigned top = image->pointer_size * 8 - 1;

	if (thunk >> top) {
		import->ordinal = thunk & 0xffff;
		return (thunk & ~((uint64_t)1 << top)) <= 0xffff;
	}
	if (thunk > image->size)
		return false;
	import->name = pe_text_at(image, (uint32_t)thunk + HINT_BYTES);
	return import->name && import->name[0] != '\0';
}

static void visit_thunks(struct import_walk *w, const char *dll, uint32_t lookup, uint32_t slots)
{
	unsigned width = w->image->pointer_size;

	for (uint32_t i = 0; !w->stopped; i++) {
		struct pe_import import = {.dll = dll, .slot = slots + i * width};
		uint64_t thunk;

		if (lookup > w->image->size - width || (uint64_t)i * width > w->image->size ||
		    !pe_uint(w->image, lookup + i * width, width, &thunk) ||
		    import.slot > w->image->size - width || import.slot < slots ||
		    w->count >= IMPORT_LIMIT) {
			w->complete = false;
			return;
		}
		if (thunk == 0)
			return;
		w->count++;
		if (decode_thunk(w->image, thunk, &import))
			w->stopped = !w->visit(w->context, &import);
		else
			w->skipped++;
	}
}

/* Bound images of old linkers have no lookup table: their slots have the names, in a file. */
static void visit_descriptor(struct import_walk *w, struct bytes *raw)
{
	uint32_t lookup = bytes_u32(raw, DESCRIPTOR_LOOKUP);
	uint32_t slots = bytes_u32(raw, DESCRIPTOR_SLOTS);
	const char *dll = pe_text_at(w->image, bytes_u32(raw, DESCRIPTOR_NAME));

	if (lookup == 0 && w->image->origin == PE_FROM_FILE)
		lookup = slots;
	if (!dll || lookup == 0)
		w->complete = false;
	else
		visit_thunks(w, dll, lookup, slots);
}

bool pe_imports(struct pe_image *image, pe_import_visitor visit, void *context)
{
	struct import_walk w = {
		.image = image, .visit = visit, .context = context, .complete = true};
	struct pe_range range = image->directories[PE_IMPORT];
	bool ended = false;

	if (range.rva == 0)
		return false;
	for (uint32_t i = 0; i < DESCRIPTOR_LIMIT && !w.stopped; i++) {
		const uint8_t *at =
			pe_at(image, range.rva + i * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);
		struct bytes raw = bytes_of(at, at ? DESCRIPTOR_BYTES : 0);

		if (!at)
			break;
		ended = bytes_u32(&raw, DESCRIPTOR_NAME) == 0 ||
			bytes_u32(&raw, DESCRIPTOR_SLOTS) == 0;
		if (ended)
			break;
		visit_descriptor(&w, &raw);
	}
	if (w.stopped)
		return true;
	if (!ended || !w.complete || w.skipped > 0) {
		pe_note(image, "the import tables are not all there or cannot be right");
		return false;
	}
	return true;
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
