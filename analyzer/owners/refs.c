/* The set of addresses looked for, and the spans of an image that are scanned for them. */
#include "analyzer/owners/refs.h"

#include <stdlib.h>

#include "analyzer/owners/refs_arch.h"
#include "base/memory.h"

typedef bool (*span_scan)(const struct refs *refs, const struct refs_span *span, refs_visitor visit,
			  void *context);

struct refs *refs_create(const struct pe_image *image)
{
	struct refs *refs = mem_array(1, sizeof(*refs));

	if (refs)
		refs->image = image;
	return refs;
}

void refs_destroy(struct refs *refs)
{
	if (!refs)
		return;
	free(refs->targets);
	free(refs);
}

size_t refs_position(const struct refs *refs, uint64_t va)
{
	size_t low = 0, high = refs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (refs->targets[middle] < va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool refs_is_target(const struct refs *refs, uint64_t va)
{
	size_t at = refs_position(refs, va);

	return at < refs->count && refs->targets[at] == va;
}

bool refs_add_va(struct refs *refs, uint64_t va)
{
	void *targets = refs->targets;
	uint32_t hash = refs_hash(va);

	if (refs->count > 0 && refs->targets[refs->count - 1] == va)
		return true;
	if (!mem_grow(&targets, refs->count, &refs->capacity, sizeof(*refs->targets)))
		return false;
	refs->targets = targets;
	refs->unsorted |= refs->count > 0 && refs->targets[refs->count - 1] > va;
	refs->targets[refs->count++] = va;
	refs->filter[hash / 64] |= 1ull << hash % 64;
	return true;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void refs_sort(struct refs *refs)
{
	if (refs->unsorted)
		qsort(refs->targets, refs->count, sizeof(*refs->targets), compare);
	refs->unsorted = false;
}

bool refs_add_rva(struct refs *refs, uint32_t rva)
{
	return refs_add_va(refs, refs->image->base + rva);
}

static span_scan scan_of(uint16_t machine)
{
	switch (machine) {
	case PE_X86: return refs_scan_x86;
	case PE_X64: return refs_scan_x64;
	case PE_ARM64: return refs_scan_arm64;
	default: return NULL;
	}
}

static struct refs_span span_of(const struct pe_image *image, const struct pe_section *section,
				const struct pe_stretch *stretch)
{
	uint32_t rva = section->rva + stretch->at;

	return (struct refs_span){.image = image,
				  .bytes = image->bytes + rva,
				  .size = stretch->end - stretch->at,
				  .rva = rva,
				  .va = image->base + rva};
}

void refs_scan_image(const struct refs *refs, const struct pe_image *image, refs_visitor visit,
		     void *context)
{
	span_scan scan = scan_of(image->machine);

	for (unsigned i = 0; scan && refs->count && i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];
		struct pe_stretch stretch = {0};

		if (!pe_section_is_code(section))
			continue;
		while (pe_section_next(image, section, 1, &stretch)) {
			struct refs_span span = span_of(image, section, &stretch);

			if (!scan(refs, &span, visit, context))
				return;
		}
	}
}

void refs_scan(struct refs *refs, refs_visitor visit, void *context)
{
	refs_sort(refs);
	refs_scan_image(refs, refs->image, visit, context);
}
