/*
 * Variables that hold routines.
 */
#include "analyzer/owners/lookups.h"

#include <string.h>

#include "analyzer/owners/refs.h"
#include "base/bytes.h"

enum {
	NAMES_MAX = 64, /* names of allocators in one image */
	NAME_BYTES = 48,
	WINDOW = 96, /* bytes from the name's use to the store of the result */
};

static bool add_variable(struct view *view, const struct api *api, uint32_t rva)
{
	struct callee callee = {.va = view->image->base + rva,
				.api = api,
				.argument = view_argument(view, api),
				.module = CALLEE_NO_MODULE};

	return callees_add(&view->callees, &callee, NULL);
}

/* The known routines, and between which addresses they lie. */
struct values {
	const struct exports *exports;
	uint64_t low, high;
};

static bool values_in(struct view *view, const struct values *values,
		      const struct pe_section *section, const struct pe_stretch *stretch)
{
	unsigned width = view->image->pointer_size;
	struct bytes data = bytes_of(view->image->bytes + section->rva, section->size);

	for (uint32_t at = stretch->at; at + width <= stretch->end; at += width) {
		uint64_t value = bytes_pointer(&data, at, width);
		const struct callee *known;

		if (value < values->low || value > values->high)
			continue;
		known = callees_find(&values->exports->known, value);
		if (known && !add_variable(view, known->api, section->rva + at))
			return false;
	}
	return true;
}

bool lookups_by_value(struct view *view, const struct exports *exports)
{
	struct values values = {exports, UINT64_MAX, 0};

	for (size_t i = 0; i < exports->known.count; i++) {
		uint64_t va = exports->known.items[i].va;

		values.low = va < values.low ? va : values.low;
		values.high = va > values.high ? va : values.high;
	}
	for (unsigned i = 0; i < view->image->section_count; i++) {
		const struct pe_section *section = &view->image->sections[i];

		struct pe_stretch stretch = {0};

		if (!pe_section_is_writable(section) || pe_section_is_code(section))
			continue;
		while (pe_section_next(view->image, section, view->image->pointer_size, &stretch))
			if (!values_in(view, &values, section, &stretch))
				return false;
	}
	return true;
}

/* A name in the image, and where code can refer to it. */
struct name {
	uint32_t rva; /* of the text, or of the UNICODE_STRING that points to it */
	const struct api *api;
};

struct names {
	struct view *view;
	struct name items[NAMES_MAX];
	unsigned count;
	bool no_memory;
};

static void add_name(struct names *names, uint32_t rva, const struct api *api)
{
	if (names->count < NAMES_MAX)
		names->items[names->count++] = (struct name){rva, api};
}

/* The whole text at `at`, characters of `step` bytes. */
static const struct api *api_at(const struct bytes *data, size_t at, unsigned step)
{
	char text[NAME_BYTES];

	for (size_t i = 0; i < sizeof(text); i++) {
		if (!bytes_has(data, at + i * step, step))
			return NULL;
		text[i] = (char)data->data[at + i * step];
		if (step == 2 && data->data[at + i * step + 1] != 0)
			return NULL;
		if (text[i] == '\0')
			return api_by_name(text);
	}
	return NULL;
}

static void texts_in(struct names *names, const struct pe_section *section, const uint8_t *needle,
		     size_t length, unsigned step)
{
	struct bytes data = bytes_of(names->view->image->bytes + section->rva, section->size);
	const uint8_t *at = data.data, *end = data.data + data.size;

	while ((at = memmem(at, (size_t)(end - at), needle, length))) {
		size_t place = (size_t)(at - data.data);
		bool begins = place < step || data.data[place - step] == 0;
		const struct api *api = begins ? api_at(&data, place, step) : NULL;

		if (api)
			add_name(names, section->rva + (uint32_t)place, api);
		at += length;
	}
}

static bool is_literal_pool(const struct view *view, const struct pe_section *section)
{
	/* x86 compilers put texts among the code, others beside it. */
	return view->image->machine == PE_X86 || !pe_section_is_code(section);
}

static void find_texts(struct names *names)
{
	static const uint8_t ascii[] = {'E', 'x', 'A', 'l', 'l', 'o', 'c',
					'a', 't', 'e', 'P', 'o', 'o', 'l'};
	static const uint8_t utf16[] = {'E', 0, 'x', 0, 'A', 0, 'l', 0, 'l', 0,
					'o', 0, 'c', 0, 'a', 0, 't', 0, 'e', 0};
	const struct pe_image *image = names->view->image;

	for (unsigned i = 0; i < image->section_count; i++) {
		if (!is_literal_pool(names->view, &image->sections[i]))
			continue;
		texts_in(names, &image->sections[i], ascii, sizeof(ascii), 1);
		texts_in(names, &image->sections[i], utf16, sizeof(utf16), 2);
	}
}

/* The loader's own text of an import: no code asks with it. */
static bool is_import_name(const struct view *view, const uint8_t *text)
{
	for (size_t i = 0; i < view->slot_count; i++)
		if ((const uint8_t *)view->slots[i].name == text)
			return true;
	return false;
}

/* Asked of the few names that are kept: an image can have millions of texts and of slots. */
static void drop_import_names(struct names *names)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < names->count; i++)
		if (!is_import_name(names->view, names->view->image->bytes + names->items[i].rva))
			names->items[kept++] = names->items[i];
	names->count = kept;
}

/* UNICODE_STRINGs in data whose buffer is one of the first `texts` names. */
static void strings_in(struct names *names, unsigned texts, const struct pe_section *section,
		       const struct pe_stretch *stretch)
{
	const struct pe_image *image = names->view->image;
	struct bytes data = bytes_of(image->bytes + section->rva, section->size);
	unsigned width = image->pointer_size;

	for (uint32_t at = stretch->at; at + width <= stretch->end; at += width) {
		uint64_t rva = bytes_pointer(&data, at, width) - image->base;

		for (unsigned j = 0; at >= width && rva < image->size && j < texts; j++) {
			if (names->items[j].rva == rva)
				add_name(names, section->rva + at - width, names->items[j].api);
		}
	}
}

static void find_strings(struct names *names)
{
	const struct pe_image *image = names->view->image;
	unsigned texts = names->count;

	for (unsigned i = 0; texts > 0 && i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];
		struct pe_stretch stretch = {0};

		while (!pe_section_is_code(section) &&
		       pe_section_next(image, section, image->pointer_size, &stretch))
			strings_in(names, texts, section, &stretch);
	}
}

static bool is_variable(const struct view *view, uint32_t rva)
{
	const struct pe_section *section = pe_section_at(view->image, rva);

	return section && pe_section_is_writable(section) && rva % view->image->pointer_size == 0;
}

/* call ...; mov [variable], rax/eax */
static uint32_t stored_x86(const struct view *view, uint32_t rva, struct bytes *code)
{
	bool wide = view->image->machine == PE_X64, called = false;

	for (size_t at = 4; at + 7 <= code->size; at++) {
		uint8_t first = bytes_u8(code, at), second = bytes_u8(code, at + 1);
		uint32_t variable;

		if (first == 0xe8 || (first == 0xff && second == 0x15)) {
			at += first == 0xe8 ? 4 : 5;
			called = true;
			continue;
		}
		if (wide && first == 0x48 && second == 0x89 && bytes_u8(code, at + 2) == 0x05)
			variable = rva + (uint32_t)at + 7 + bytes_u32(code, at + 3);
		else if (!wide && first == 0xa3)
			variable = bytes_u32(code, at + 1) - (uint32_t)view->image->base;
		else
			continue;
		if (called && variable < view->image->size && is_variable(view, variable))
			return variable;
	}
	return 0;
}

/* Addresses that registers hold, as far as adrp and add made them; 0 unknown. */
static void track_arm64(uint32_t *registers, uint32_t rva, uint32_t word)
{
	uint32_t rd = word & 31, rn = word >> 5 & 31;

	if ((word & 0x9f000000) == 0x90000000) { /* adrp */
		uint32_t page = (word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3);

		page = (uint32_t)((int32_t)(page << 11) >> 11) << 12;
		registers[rd] = (rva & ~0xfffu) + page;
	} else if ((word & 0xffc00000) == 0x91000000) { /* add xD, xN, #imm */
		registers[rd] = registers[rn] ? registers[rn] + (word >> 10 & 0xfff) : 0;
	}
}

/* bl ...; str x0, [xN, #offset] */
static uint32_t stored_arm64(const struct view *view, uint32_t rva, struct bytes *code)
{
	uint32_t registers[32] = {0};
	bool called = false;

	for (size_t at = 0; at + 4 <= code->size; at += 4) {
		uint32_t word = bytes_u32(code, at), base, variable;

		track_arm64(registers, rva + (uint32_t)at, word);
		/* bl, blr */
		called |= (word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000;
		base = registers[word >> 5 & 31];
		if ((word & 0xffc0001f) != 0xf9000000 || !called || base == 0)
			continue;
		variable = base + (word >> 10 & 0xfff) * 8;
		if (variable < view->image->size && is_variable(view, variable))
			return variable;
	}
	return 0;
}

static bool take_reference(void *context, uint32_t rva, uint64_t target)
{
	struct names *names = context;
	struct view *view = names->view;
	uint32_t room = view->image->size - rva, variable;
	struct bytes code = bytes_of(view->image->bytes + rva, room < WINDOW ? room : WINDOW);

	variable = view->image->machine == PE_ARM64 ? stored_arm64(view, rva, &code)
						    : stored_x86(view, rva, &code);
	for (unsigned i = 0; variable != 0 && i < names->count; i++) {
		if (names->items[i].rva == target - view->image->base &&
		    !add_variable(view, names->items[i].api, variable))
			names->no_memory = true;
	}
	return !names->no_memory;
}

bool lookups_by_name(struct view *view)
{
	struct names names = {.view = view};
	struct refs *refs;
	bool ok;

	find_texts(&names);
	drop_import_names(&names);
	find_strings(&names);
	if (names.count == 0)
		return true;
	refs = refs_create(view->image);
	ok = refs != NULL;
	for (unsigned i = 0; ok && i < names.count; i++)
		ok = refs_add_rva(refs, names.items[i].rva);
	if (ok)
		refs_scan(refs, take_reference, &names);
	refs_destroy(refs);
	return ok && !names.no_memory;
}
