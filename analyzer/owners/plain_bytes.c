/*
 * The weakest search in the images: where the four bytes of a tag stand, for tags that nothing else
 * explains.
 *
 * One pass over each image for all tags: a bit table over the first two bytes, then a hash. Only
 * tags of four printable characters are looked for: others meet numbers and instructions by chance.
 * What stands inside a longer text is no tag.
 */
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/collect.h"
#include "analyzer/owners/load.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	PREFIXES = 1 << 16,
	TEXT_RUN = 3, /* printable neighbours on one side that make a text */
	PLACES_A_TAG = OWNER_EVIDENCE_KEPT,
};

struct hunt {
	struct view *view;
	const struct hash *tags; /* -> index */
	const uint8_t *prefixes; /* a bit each */
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
	if ((!pe_section_is_code(section) && at % 4 != 0) || inside_text(data, at))
		return true;
	hunt->places[index]++;
	return view_add(hunt->view, tag, &evidence);
}

static bool hunt_section(struct hunt *hunt, const struct pe_section *section)
{
	struct bytes data = bytes_of(hunt->view->image->bytes + section->rva, section->size);

	for (size_t at = 0; at + 4 <= data.size; at++) {
		unsigned prefix = (unsigned)data.data[at] | (unsigned)data.data[at + 1] << 8;

		if (!(hunt->prefixes[prefix / 8] >> prefix % 8 & 1))
			continue;
		if (!meet(hunt, section, &data, at))
			return false;
	}
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
		   struct hash *ret_tags, uint8_t *prefixes)
{
	uint32_t index, known = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned prefix = tags[i] & 0xffff;

		if (!printable_tag(tags[i]) || has_better(owners, tags[i]) ||
		    hash_find(ret_tags, tags[i], &index))
			continue;
		if (!hash_add(ret_tags, tags[i], known++))
			return false;
		prefixes[prefix / 8] |= (uint8_t)(1 << prefix % 8);
	}
	return true;
}

static enum ps_status hunt_all(struct owners *owners, const struct hash *tags,
			       const uint8_t *prefixes, struct ps_error *err)
{
	struct owner_store *store = owners->store;
	unsigned *places = mem_array(tags->count, sizeof(*places));
	enum ps_status status = PS_OK;

	if (!places)
		return ps_fail_memory(err, "a search for tags");
	for (size_t i = 0; status == PS_OK && i < store->view_count; i++) {
		struct hunt hunt = {&store->views[i], tags, prefixes, places};

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
	uint8_t *prefixes = mem_array(PREFIXES / 8, 1);
	enum ps_status status;
	struct hash chosen;

	hash_init(&chosen);
	if (!prefixes || !choose(owners, tags, count, &chosen, prefixes))
		status = ps_fail_memory(err, "a search for tags");
	else
		status = hunt_all(owners, &chosen, prefixes, err);
	if (status == PS_OK && chosen.count > 0) {
		collect_fini(owners);
		status = collect(owners->store->views, owners->store->view_count, owners, err);
	}
	hash_fini(&chosen);
	free(prefixes);
	return status;
}
