/*
 * The weakest search in the images: where the four bytes of a tag stand, for tags that nothing else
 * explains.
 *
 * One pass over each image for all tags: a bit table of what the tags' four bytes mix to, then a
 * hash. Only tags of four printable characters are looked for: others meet numbers and instructions
 * by chance. What stands inside a longer text is no tag.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/collect.h"
#include "analyzer/owners/load.h"
#include "analyzer/owners/octets.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	MIXES = 1 << 16,
	TEXT_RUN = 3, /* printable neighbours on one side that make a text */
	PLACES_A_TAG = OWNER_EVIDENCE_KEPT,
	PLACES = 60, /* of a block: behind the last of them four bytes are needed */
};

/* Bits of the places of a block at which words begin. */
static const uint64_t words = UINT64_C(0x1111111111111111);

struct hunt {
	struct view *view;
	const struct hash *tags; /* -> index */
	const uint8_t *mixes;    /* a bit each */
	unsigned *places;        /* of each tag in this image */
};

static bool printable(uint8_t byte)
{
	return byte >= 0x20 && byte <= 0x7e;
}

static bool printable_tag(uint32_t tag)
{
	for (unsigned i = 0; i < 4; i++) {
		if (!printable((uint8_t)(tag >> 8 * i)))
			return false;
	}
	return true;
}

/* Fibonacci hashing, as in base/hash.c. */
static unsigned mix(uint32_t bytes)
{
	return bytes * UINT32_C(0x9e3779b1) >> 16;
}

static bool inside_text(const struct bytes *data, size_t at)
{
	unsigned before = 0, after = 0;

	while (before < TEXT_RUN && before < at && printable(data->data[at - before - 1]))
		before++;
	while (after < TEXT_RUN && at + 4 + after < data->size &&
	       printable(data->data[at + 4 + after]))
		after++;
	return before == TEXT_RUN || after == TEXT_RUN;
}

static bool meet(struct hunt *hunt, const struct pe_section *section, const struct bytes *data,
		 size_t at)
{
	uint32_t tag = bytes_u32(&(struct bytes){data->data + at, 4, false}, 0), index;
	struct owner_evidence evidence = {.grade = OWNER_BYTES,
					  .rva = section->rva + (uint32_t)at,
					  .tag_from = section->rva + (uint32_t)at,
					  .wrapper_module = hunt->view->module};

	if (!hash_find(hunt->tags, tag, &index) || hunt->places[index] >= PLACES_A_TAG)
		return true;
	if (inside_text(data, at))
		return true;
	hunt->places[index]++;
	return view_add(hunt->view, tag, &evidence);
}

/* A place at which four bytes stand that a tag can have. */
static bool try_place(struct hunt *hunt, const struct pe_section *section, const struct bytes *data,
		      size_t at)
{
	unsigned mixed = mix(bytes_u32(&(struct bytes){data->data + at, 4, false}, 0));

	return !(hunt->mixes[mixed / 8] >> mixed % 8 & 1) || meet(hunt, section, data, at);
}

static uint64_t printable_in_part(const uint8_t *bytes)
{
	return octets_bits((octet_halves)(octets_at(bytes) - 0x20 <= 0x7e - 0x20));
}

/* The places of a block from which on four bytes are printable: few in code. */
static uint64_t texts_in_block(const uint8_t *bytes)
{
	uint64_t bits = printable_in_part(bytes) | printable_in_part(bytes + OCTETS) << OCTETS |
			printable_in_part(bytes + 2 * OCTETS) << 2 * OCTETS |
			printable_in_part(bytes + 3 * OCTETS) << 3 * OCTETS;

	return bits & bits >> 1 & bits >> 2 & bits >> 3 & ((UINT64_C(1) << PLACES) - 1);
}

/* In code a tag stands anywhere, in data where a word does. */
static bool hunt_stretch(struct hunt *hunt, const struct pe_section *section,
			 const struct pe_stretch *stretch)
{
	struct bytes data = bytes_of(hunt->view->image->bytes + section->rva, section->size);
	bool code = pe_section_is_code(section);
	size_t at = stretch->at;

	for (; at + OCTETS_BLOCK <= stretch->end; at += PLACES) {
		uint64_t places = texts_in_block(data.data + at) & (code ? UINT64_MAX : words);

		for (; places != 0; places &= places - 1)
			if (!try_place(hunt, section, &data,
				       at + (unsigned)__builtin_ctzll(places)))
				return false;
	}
	for (; at + 4 <= stretch->end; at += code ? 1 : 4)
		if (!try_place(hunt, section, &data, at))
			return false;
	return true;
}

static bool hunt_section(struct hunt *hunt, const struct pe_section *section)
{
	unsigned step = pe_section_is_code(section) ? 1 : 4;
	struct pe_stretch stretch = {0};

	while (pe_section_next(hunt->view->image, section, step, &stretch))
		if (!hunt_stretch(hunt, section, &stretch))
			return false;
	return true;
}

/* Sections that hold tables of the linker and no tag. */
static bool is_bookkeeping(const struct view *view, const struct pe_section *section)
{
	static const enum pe_directory kinds[] = {PE_RESOURCE, PE_EXCEPTION, PE_RELOC};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (view->image->directories[kinds[i]].size > 0 &&
		    view->image->directories[kinds[i]].rva == section->rva)
			return true;
	}
	return false;
}

static bool hunt_view(struct hunt *hunt)
{
	const struct pe_image *image = hunt->view->image;

	for (unsigned i = 0; i < image->section_count; i++) {
		if (!is_bookkeeping(hunt->view, &image->sections[i]) &&
		    !hunt_section(hunt, &image->sections[i]))
			return false;
	}
	return true;
}

static bool has_better(const struct owners *owners, uint32_t tag)
{
	const struct owner_tag *known = owners_find(owners, tag);

	return known && known->candidate_count > 0;
}

static bool choose(const struct owners *owners, const uint32_t *tags, size_t count,
		   struct hash *ret_tags, uint8_t *mixes)
{
	uint32_t index, known = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned mixed = mix(tags[i]);

		if (!printable_tag(tags[i]) || has_better(owners, tags[i]) ||
		    hash_find(ret_tags, tags[i], &index))
			continue;
		if (!hash_add(ret_tags, tags[i], known++))
			return false;
		mixes[mixed / 8] |= (uint8_t)(1 << mixed % 8);
	}
	return true;
}

static enum ps_status hunt_all(struct owners *owners, const struct hash *tags, const uint8_t *mixes,
			       struct ps_error *err)
{
	struct owner_store *store = owners->store;
	unsigned *places = mem_array(tags->count, sizeof(*places));
	enum ps_status status = PS_OK;

	if (!places)
		return ps_fail_memory(err, "a search for tags");
	for (size_t i = 0; status == PS_OK && i < store->view_count; i++) {
		struct hunt hunt = {&store->views[i], tags, mixes, places};

		memset(places, 0, tags->count * sizeof(*places));
		if (signals_interrupted())
			status = ps_fail(err, PS_INTERRUPTED, "interrupted");
		else if (!hunt_view(&hunt))
			status = ps_fail_memory(err, "a search for tags");
	}
	free(places);
	return status;
}

enum ps_status owners_look_for_bytes(struct owners *owners, const uint32_t *tags, size_t count,
				     struct ps_error *err)
{
	uint8_t *mixes = mem_array(MIXES / 8, 1);
	enum ps_status status;
	struct hash chosen;

	hash_init(&chosen);
	if (!mixes || !choose(owners, tags, count, &chosen, mixes))
		status = ps_fail_memory(err, "a search for tags");
	else
		status = hunt_all(owners, &chosen, mixes, err);
	if (status == PS_OK && chosen.count > 0) {
		collect_fini(owners);
		status = collect(owners->store->views, owners->store->view_count, owners, err);
	}
	hash_fini(&chosen);
	free(mixes);
	return status;
}
