/*
 * Where PoolTrackTable may lie when KDBG does not say: what the code that hashes tags refers to,
 * and pointers in the kernel's data beside the size and mask of a table.
 *
 * Source of the anchor: the tag hash multiplies with 40543 = 0x9E5F in every Windows from XP on
 * (fact sheet section 6.3). Compilers leave the factor as an immediate operand. Nothing is proved
 * here.
 */
#include "analyzer/pool/locate_internal.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/code_refs.h"
#include "base/memory.h"

enum {
	BEFORE = 0x100, /* bytes of code: the table is loaded before or behind the hash */
	AFTER = 0x140,
	ANCHORS_MAX = 256, /* real kernels have about a dozen */
	FACTOR_BYTES = 4,
};

static const uint8_t factor_bytes[FACTOR_BYTES] = {0x5f, 0x9e, 0x00, 0x00};

bool places_add(struct places *places, const struct place *place)
{
	if (!mem_grow((void **)&places->items, places->count, &places->capacity,
		      sizeof(*places->items)))
		return false;
	places->items[places->count++] = *place;
	return true;
}

static bool is_place_known(const struct places *places, uint64_t va)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->items[i].va == va)
			return true;
	return false;
}

/* movz w or x, #0x9e5f */
static bool is_factor_arm64(const struct pe_image *image, uint32_t rva)
{
	struct bytes bytes = bytes_of(image->bytes, image->size);

	return (bytes_u32(&bytes, rva) & 0x7fffffe0) == 0x5293cbe0;
}

/* The next instruction or immediate operand with the factor in [from, end); `end` at the end. */
static uint32_t next_anchor(const struct pe_image *image, uint32_t from, uint32_t end)
{
	const uint8_t *at;

	if (image->machine == PE_ARM64) {
		for (from = (from + 3) & ~3u; from < end && end - from >= FACTOR_BYTES; from += 4)
			if (is_factor_arm64(image, from))
				return from;
		return end;
	}
	at = memmem(image->bytes + from, end - from, factor_bytes, FACTOR_BYTES);
	return at ? (uint32_t)(at - image->bytes) : end;
}

struct code_search {
	struct search *search;
	struct pe_image *image;
	struct code_reader *reader;
	struct places *places;
	unsigned anchors;
	bool no_memory;
};

static void take_refs(struct code_search *c, const struct code_refs *refs)
{
	for (unsigned i = 0; i < refs->count; i++) {
		struct place place = {.va = c->image->base + refs->items[i].rva};

		/* ExPoolTagTables is an array, of which code takes the address. */
		if (refs->items[i].kind == CODE_REF_BYTE ||
		    refs->items[i].rva % c->image->pointer_size != 0 ||
		    !pe_uint(c->image, refs->items[i].rva, c->image->pointer_size, &place.value) ||
		    !is_table_address(c->search->space, place.value) ||
		    is_place_known(c->places, place.va))
			continue;
		c->no_memory |= !places_add(c->places, &place);
	}
}

/* The instruction begins a few bytes before its immediate operand. */
static void take_anchor(struct code_search *c, uint32_t rva)
{
	struct code_refs refs;
	uint32_t longest = c->image->machine == PE_ARM64 ? 0 : 4;

	c->anchors++;
	for (uint32_t back = 0; back <= longest && back <= rva; back++) {
		code_refs_read(c->reader, c->image, rva - back, BEFORE, AFTER, &refs);
		take_refs(c, &refs);
	}
}

static void search_code(struct code_search *c, uint32_t from, uint32_t end)
{
	while (c->anchors < ANCHORS_MAX && !c->no_memory) {
		from = next_anchor(c->image, from, end);
		if (from >= end)
			return;
		take_anchor(c, from);
		from += FACTOR_BYTES;
	}
}

enum ps_status places_from_code(struct search *search, struct pe_image *image, struct places *ret,
				unsigned *ret_anchors, struct ps_error *err)
{
	struct code_search c = {.search = search, .image = image, .places = ret};
	struct pe_range part;
	unsigned i = 0;

	*ret_anchors = 0;
	if (code_reader_create(image->machine, &c.reader, err) != PS_OK) {
		if (err->status == PS_NO_MEMORY)
			return err->status;
		ps_error_clear(err);
		return PS_OK;
	}
	while (pe_next_part(image, PE_PART_CODE, &i, &part))
		search_code(&c, part.rva, part.rva + part.size);
	code_reader_destroy(c.reader);
	*ret_anchors = c.anchors;
	return c.no_memory ? ps_fail_memory(err, "the search for PoolTrackTable") : PS_OK;
}

/* A variable that holds 2^n + 1 or 2^n - 1. */
struct number {
	uint64_t va;
	uint32_t size, mask; /* bits n */
};

struct data_search {
	struct search *search;
	struct pe_image *image;
	struct places *places;
	struct number *numbers; /* owned; by va */
	size_t number_count, number_capacity;
	bool no_memory;
};

static void take_number(struct data_search *d, uint64_t va, uint64_t value)
{
	struct number number = {.va = va};

	for (unsigned n = TRACKER_MIN_SHIFT; n <= TRACKER_MAX_SHIFT; n++) {
		number.size |= (uint32_t)(value == (UINT64_C(1) << n) + 1) << n;
		number.mask |= (uint32_t)(value == (UINT64_C(1) << n) - 1) << n;
	}
	if ((number.size | number.mask) == 0)
		return;
	if (!mem_grow((void **)&d->numbers, d->number_count, &d->number_capacity,
		      sizeof(*d->numbers))) {
		d->no_memory = true;
		return;
	}
	d->numbers[d->number_count++] = number;
}

static void take_value(struct data_search *d, uint64_t va, uint64_t value)
{
	struct place place = {.va = va, .value = value};

	if (value <= (UINT64_C(1) << TRACKER_MAX_SHIFT) + 1)
		take_number(d, va, value);
	else if (is_table_address(d->search->space, value) &&
		 (value < d->image->base || value - d->image->base >= d->image->size))
		d->no_memory |= !places_add(d->places, &place);
}

static void search_data(struct data_search *d, uint32_t from, uint32_t end)
{
	unsigned width = d->image->pointer_size;

	from = (from + width - 1) & ~(width - 1);
	for (uint32_t rva = from; rva < end && end - rva >= width && !d->no_memory; rva += width) {
		const uint8_t *at = d->image->bytes + rva;
		struct bytes bytes = bytes_of(at, width);
		uint64_t value = bytes_uint(&bytes, 0, width);

		/* Bytes of absent pages are zero here. */
		if (value != 0)
			take_value(d, d->image->base + rva, value);
	}
}

/* Keeps the places near which one size has both its numbers. Both lists go by address. */
static void keep_paired(struct data_search *d)
{
	size_t kept = 0, first = 0;

	for (size_t i = 0; i < d->places->count; i++) {
		struct place place = d->places->items[i];
		uint32_t sizes = 0, masks = 0;

		while (first < d->number_count && d->numbers[first].va + WINDOW_REACH < place.va)
			first++;
		for (size_t k = first;
		     k < d->number_count && d->numbers[k].va <= place.va + WINDOW_REACH; k++) {
			sizes |= d->numbers[k].size;
			masks |= d->numbers[k].mask;
		}
		place.pairs = sizes & masks;
		if (place.pairs != 0)
			d->places->items[kept++] = place;
	}
	d->places->count = kept;
}

enum ps_status places_from_data(struct search *search, struct pe_image *image, struct places *ret,
				struct ps_error *err)
{
	struct data_search d = {.search = search, .image = image, .places = ret};
	struct pe_range part;
	unsigned i = 0;

	while (pe_next_part(image, PE_PART_DATA, &i, &part))
		search_data(&d, part.rva, part.rva + part.size);
	if (!d.no_memory)
		keep_paired(&d);
	free(d.numbers);
	return d.no_memory ? ps_fail_memory(err, "the search for PoolTrackTable") : PS_OK;
}
