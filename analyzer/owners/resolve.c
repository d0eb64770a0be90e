/*
 * Import slots and exports to routines.
 */
#include "analyzer/owners/resolve.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/search.h"

void exports_init(struct exports *exports)
{
	memset(exports, 0, sizeof(*exports));
	callees_init(&exports->known);
}

void exports_fini(struct exports *exports)
{
	callees_fini(&exports->known);
}

static unsigned argument_of(const struct pe_image *image, const struct api *api)
{
	return image->machine == PE_X86 ? api->x86_word : api->argument;
}

struct taking {
	struct exports *exports;
	const struct pe_image *image;
	uint64_t base;
	bool no_memory;
};

static bool take_export(void *context, const struct pe_export *export)
{
	struct taking *taking = context;
	const struct api *api = export->name ? api_by_name(export->name) : NULL;
	struct callee callee = {.api = api, .module = CALLEE_NO_MODULE};

	/* A forwarder leads to another provider's routine of that name, which is taken there. */
	if (!api || export->rva == 0)
		return true;
	callee.va = taking->base + export->rva;
	callee.argument = argument_of(taking->image, api);
	taking->no_memory = !callees_add(&taking->exports->known, &callee, NULL);
	return !taking->no_memory;
}

bool exports_add(struct exports *exports, struct pe_image *image, uint64_t base, const char *name)
{
	struct taking taking = {.exports = exports, .image = image, .base = base};

	if (!pe_exports(image, take_export, &taking) && !taking.no_memory)
		exports_unread(exports, base, image->size, name);
	return !taking.no_memory;
}

void exports_unread(struct exports *exports, uint64_t base, uint64_t size, const char *name)
{
	struct structs_range *range;

	if (exports->unread_count >= sizeof(exports->unread) / sizeof(*exports->unread))
		return;
	range = &exports->unread[exports->unread_count++];
	range->base = base;
	range->end = base + size;
	snprintf(range->name, sizeof(range->name), "%s", name);
}

static bool is_code(const struct pe_image *image, uint64_t va)
{
	const struct pe_section *section;
	uint32_t rva;

	if (!pe_rva_of(image, va, &rva))
		return false;
	section = pe_section_at(image, rva);
	return section && pe_section_is_code(section);
}

/*
 * The verifier's table has for each routine its name or address and beside it what it puts in its
 * place. Names and addresses of other tables do not stand before code of nt.
 */
static const struct api *paired(const struct exports *exports, const struct pe_image *nt,
				uint64_t word)
{
	const struct callee *callee = callees_find(&exports->known, word);
	const uint8_t *text;
	uint32_t rva;

	if (callee)
		return callee->api;
	if (!pe_rva_of(nt, word, &rva) || is_code(nt, word))
		return NULL;
	text = pe_at(nt, rva, 48);
	if (!text || text[0] < 'A' || text[0] > 'Z' || !memchr(text, '\0', 48))
		return NULL;
	return api_by_name((const char *)text);
}

static bool pairs_in(struct exports *exports, const struct pe_image *nt,
		     const struct pe_section *section, const struct pe_stretch *stretch)
{
	unsigned width = nt->pointer_size;
	struct bytes data = bytes_of(nt->bytes + section->rva, section->size);

	for (size_t at = stretch->at; at + 2 * width <= stretch->end; at += width) {
		uint64_t first = bytes_pointer(&data, at, width);
		uint64_t second = bytes_pointer(&data, at + width, width);
		struct callee callee = {.va = second, .module = CALLEE_NO_MODULE};

		if (first == 0 || second == 0 || first - nt->base >= nt->size ||
		    second - nt->base >= nt->size || !is_code(nt, second))
			continue;
		callee.api = paired(exports, nt, first);
		if (!callee.api || callees_find(&exports->known, second))
			continue;
		callee.argument = argument_of(nt, callee.api);
		if (!callees_add(&exports->known, &callee, NULL))
			return false;
	}
	return true;
}

bool exports_add_pairs(struct exports *exports, const struct pe_image *nt)
{
	for (unsigned i = 0; i < nt->section_count; i++) {
		const struct pe_section *section = &nt->sections[i];
		struct pe_stretch stretch = {0};

		while (!pe_section_is_code(section) &&
		       pe_section_next(nt, section, nt->pointer_size, &stretch))
			if (!pairs_in(exports, nt, section, &stretch))
				return false;
	}
	return true;
}

static uint64_t slot_rva(const void *item)
{
	return ((const struct slot *)item)->rva;
}

static const char *name_of_slot(const struct view *names, uint32_t rva)
{
	size_t at;

	if (!names)
		return NULL;
	at = search_first(names->slots, names->slot_count, sizeof(*names->slots), slot_rva, rva);
	return at < names->slot_count && names->slots[at].rva == rva ? names->slots[at].name : NULL;
}

static bool resolve_slot(struct view *view, const struct view *names, const struct exports *exports,
			 const struct slot *slot)
{
	struct callee callee = {.va = view->image->base + slot->rva, .module = CALLEE_NO_MODULE};
	const struct callee *known =
		slot->value ? callees_find(&exports->known, slot->value) : NULL;
	const char *name = slot->name;

	for (; known; known = callees_next(&exports->known, known)) {
		callee.api = known->api;
		callee.argument = known->argument;
		if (!callees_add(&view->callees, &callee, NULL))
			return false;
	}
	if (!name)
		name = name_of_slot(names, slot->rva);
	callee.api = name ? api_by_name(name) : NULL;
	if (!callee.api)
		return true;
	callee.argument = view_argument(view, callee.api);
	return callees_add(&view->callees, &callee, NULL);
}

static void count_unread(const struct view *view, const struct exports *exports, char *note,
			 size_t size)
{
	for (unsigned i = 0; i < exports->unread_count; i++) {
		const struct structs_range *range = &exports->unread[i];
		unsigned count = 0;

		for (size_t j = 0; j < view->slot_count; j++) {
			uint64_t value = view->slots[j].value;

			count += value >= range->base && value < range->end && !view->slots[j].name;
		}
		if (count == 0)
			continue;
		snprintf(note, size,
			 "%u of its imports lead into %s, whose export table is not in the dump",
			 count, range->name);
		return;
	}
}

bool resolve_view(struct view *view, const struct view *names, const struct exports *exports,
		  char *note, size_t size)
{
	for (size_t i = 0; i < view->slot_count; i++) {
		if (!resolve_slot(view, names, exports, &view->slots[i]))
			return false;
	}
	/* Direct calls; a file's addresses are not those of the machine. */
	for (size_t i = 0; !view->from_file && i < exports->known.count; i++) {
		struct callee callee = exports->known.items[i];

		callee.called = false;
		if (!callees_add(&view->callees, &callee, NULL))
			return false;
	}
	if (!view->from_file && !names)
		count_unread(view, exports, note, size);
	return true;
}
