/*
 * See pe_exports.h: the export directory.
 */
#include "analyzer/kernel/pe_exports.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/kernel/pe_headers.h"
#include "base/bytes.h"
#include "base/memory.h"

enum {
	EXPORT_BYTES = 0x28,
	EXPORT_BASE = 0x10,
	EXPORT_FUNCTION_COUNT = 0x14,
	EXPORT_NAME_COUNT = 0x18,
	EXPORT_FUNCTIONS = 0x1c,
	EXPORT_NAMES = 0x20,
	EXPORT_ORDINALS = 0x24,
	EXPORT_LIMIT = 0x10000, /* ordinals have 16 bits */
};

struct export_walk {
	struct pe_image *image;
	pe_export_visitor visit;
	void *context;
	uint32_t base, function_count, name_count;
	uint32_t functions, names, ordinals; /* RVAs */
	uint64_t *named;                     /* a bit for each function that a name led to */
	uint32_t skipped;
};

/* Of a table of `count` items of `width` bytes, how many lie in the image. */
static uint32_t items_inside(const struct pe_image *image, uint32_t rva, uint32_t count,
			     uint32_t width)
{
	uint32_t room = rva < image->size ? (image->size - rva) / width : 0;

	if (room > EXPORT_LIMIT)
		room = EXPORT_LIMIT;
	return count < room ? count : room;
}

static bool open_directory(struct export_walk *w)
{
	struct pe_range range = w->image->directories[PE_EXPORT];
	const uint8_t *at = range.rva ? pe_at(w->image, range.rva, EXPORT_BYTES) : NULL;
	struct bytes raw = bytes_of(at, at ? EXPORT_BYTES : 0);
	uint32_t functions, names;

	if (!at) {
		if (range.rva)
			pe_note(w->image, "the export directory is not there");
		return false;
	}
	w->base = bytes_u32(&raw, EXPORT_BASE);
	w->functions = bytes_u32(&raw, EXPORT_FUNCTIONS);
	w->names = bytes_u32(&raw, EXPORT_NAMES);
	w->ordinals = bytes_u32(&raw, EXPORT_ORDINALS);
	functions = bytes_u32(&raw, EXPORT_FUNCTION_COUNT);
	names = bytes_u32(&raw, EXPORT_NAME_COUNT);
	w->function_count = items_inside(w->image, w->functions, functions, 4);
	w->name_count = items_inside(w->image, w->names, names, 4);
	w->name_count = items_inside(w->image, w->ordinals, w->name_count, 2);
	if (w->function_count < functions || w->name_count < names)
		pe_note(w->image,
			"the export directory names %" PRIu32 " functions and %" PRIu32
			" names, more than there can be",
			functions, names);
	return true;
}

/* False when the function is not there or no function. */
static bool look_up(struct export_walk *w, uint32_t index, struct pe_export *ret)
{
	struct pe_range directory = w->image->directories[PE_EXPORT];
	uint64_t rva;

	if (index >= w->function_count || !pe_uint(w->image, w->functions + index * 4, 4, &rva) ||
	    rva == 0 || rva >= w->image->size)
		return false;
	ret->ordinal = w->base + index;
	ret->rva = (uint32_t)rva;
	if (rva >= directory.rva && rva - directory.rva < directory.size) {
		ret->forward = pe_text_at(w->image, ret->rva);
		ret->rva = 0;
		return ret->forward != NULL;
	}
	return true;
}

/* False when the visitor has enough. */
static bool visit_names(struct export_walk *w)
{
	for (uint32_t i = 0; i < w->name_count; i++) {
		struct pe_export export = {.name = NULL};
		uint64_t name, index;

		if (!pe_uint(w->image, w->names + i * 4, 4, &name) ||
		    !pe_uint(w->image, w->ordinals + i * 2, 2, &index) || name > UINT32_MAX) {
			w->skipped++;
			continue;
		}
		w->named[index / 64] |= (uint64_t)1 << index % 64;
		export.name = pe_text_at(w->image, (uint32_t)name);
		if (!look_up(w, (uint32_t)index, &export))
			w->skipped++;
		else if (!w->visit(w->context, &export))
			return false;
	}
	return true;
}

/* A function without a name may be an empty slot, which is not worth a word. */
static void visit_ordinals(struct export_walk *w)
{
	for (uint32_t i = 0; i < w->function_count; i++) {
		struct pe_export export = {.name = NULL};

		if (w->named[i / 64] >> i % 64 & 1)
			continue;
		if (look_up(w, i, &export) && !w->visit(w->context, &export))
			return;
	}
}

bool pe_exports(struct pe_image *image, pe_export_visitor visit, void *context)
{
	struct export_walk w = {.image = image, .visit = visit, .context = context};

	if (!open_directory(&w))
		return false;
	w.named = mem_array(EXPORT_LIMIT / 64, sizeof(*w.named));
	if (!w.named) {
		pe_note(image, "out of memory for the exports");
		return false;
	}
	if (visit_names(&w))
		visit_ordinals(&w);
	if (w.skipped > 0)
		pe_note(image, "%" PRIu32 " export%s: not there, or cannot be right", w.skipped,
			w.skipped == 1 ? "" : "s");
	free(w.named);
	return true;
}
