/*
 * Finds PoolTrackTable where neither symbols nor KDBG name it: among the variables that the code of
 * the tag hash refers to, then among the pointers of the kernel's data.
 *
 * What accepts a candidate is what accepts the one of KDBG: its keys vote for one layout, hash and
 * size, and PoolTrackTableSize and Mask stand near it. Of several - a processor's own table, a
 * session's, one of before a growth - PoolTrackTable is the one that begins ExPoolTagTables, which
 * has the other processors' tables behind it; then the one that two variables hold, then the one
 * with the most keys, then the largest. Not supported: a kernel none of whose variables
 * PoolTrackTableSize and Mask are in the dump.
 */
#include "analyzer/pool/locate_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/pool/tag_hash.h"
#include "base/memory.h"

enum {
	IMAGE_REACH = 32 << 20, /* where nothing tells the image's size */
	PROBE_PAGES = 96,       /* of a table whose first pages have no key */
	PROBE_KEYS = 8,         /* enough to turn down what is no table */
	PROBE_NEAR = 16,        /* slots behind its home that a key may sit */
};

struct candidate {
	uint64_t value;
	uint64_t center;   /* a place that holds it */
	uint64_t variable; /* PoolTrackTable; 0 = not told from ExPoolTagTables */
	size_t tables;     /* of the array that it begins */
	uint64_t array;    /* VA of it */
	size_t places;     /* variables that hold it */
	struct geometry geometry;
};

struct key_probe {
	uint64_t keys, near;
};

static void probe_page(const uint8_t *page, size_t offset, const struct tracker_layout *layout,
		       char hash, unsigned shift, struct key_probe *probe)
{
	size_t entry = layout->entry_size, slots = (size_t)1 << shift;
	struct bytes bytes = bytes_of(page, PAGE_SIZE);

	for (size_t slot = (offset + entry - 1) / entry;
	     slot < slots && slot * entry + 4 <= offset + PAGE_SIZE; slot++) {
		uint32_t key = bytes_u32(&bytes, slot * entry - offset);

		if (key == 0)
			continue;
		probe->keys++;
		probe->near +=
			key >> 31 == 0 && ((slot - tag_hash(hash, key)) & (slots - 1)) < PROBE_NEAR;
	}
}

/* A quick look whether a table of this kind can lie at `va`: a few keys, most near their homes. */
static bool probe_geometry(struct space *space, uint64_t va, const struct tracker_layout *layout,
			   char hash, unsigned shift)
{
	size_t size = ((size_t)1 << shift) * layout->entry_size;
	struct key_probe probe = {.keys = 0};
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t page[PAGE_SIZE];

	for (size_t offset = 0;
	     offset < size && offset < PROBE_PAGES * PAGE_SIZE && probe.keys < PROBE_KEYS;
	     offset += PAGE_SIZE) {
		if (space_read(space, va + offset, page, sizeof(page), &ignored) == PS_OK)
			probe_page(page, offset, layout, hash, shift, &probe);
		else if (offset == 0 && size <= PAGE_SIZE)
			return false;
	}
	return probe.keys > 0 && probe.near * 2 >= probe.keys;
}

static bool probe_layout(const struct search *s, uint64_t value, uint32_t pairs,
			 const struct tracker_layout *layout)
{
	static const char hashes[] = {'A', 'B'};

	for (unsigned n = TRACKER_MIN_SHIFT; n <= TRACKER_MAX_SHIFT; n++)
		for (size_t h = 0; h < sizeof(hashes) && (pairs >> n & 1); h++)
			if (probe_geometry(s->space, value, layout, hashes[h], n))
				return true;
	return false;
}

static bool can_be_table(const struct search *s, uint64_t value, uint32_t pairs)
{
	const struct tracker_layout *only = locate_only_layout(s);
	struct translation at;
	struct hole hole;

	if (!space_translate(s->space, value, &at, &hole))
		return false;
	if (only)
		return probe_layout(s, value, pairs, only);
	for (size_t i = 0; i < tracker_layout_count; i++)
		if (tracker_layouts[i].pointer_size == s->kernel->pointer_size &&
		    probe_layout(s, value, pairs, &tracker_layouts[i]))
			return true;
	return false;
}

/* The variable among the places: what is left when the array is taken away. */
static uint64_t tell_variable(const struct search *s, const struct candidate *c,
			      const struct place *place, bool from_code)
{
	uint64_t other = 0;
	size_t others = 0;

	if (c->places == 1)
		return c->tables > 1 ? 0 : c->center;
	for (size_t i = 0; i < window_slots(&s->window); i++) {
		uint64_t value, va = window_va(&s->window, i);

		if (!window_value(&s->window, i, &value) || value != c->value || va == c->array)
			continue;
		if (from_code && va == place->va)
			return va;
		others++;
		other = va;
	}
	return others == 1 ? other : 0;
}

static enum ps_status weigh(struct search *s, const struct place *place, bool from_code,
			    struct candidate *c, struct ps_error *err)
{
	uint64_t unused;
	enum ps_status status = locate_open_table(s, err);

	if (status == PS_OK)
		status = locate_count_tables(s, &c->tables, &c->array, err);
	view_fini(&s->table);
	if (status != PS_OK)
		return status;
	c->places = window_count(&s->window, c->value, &unused);
	c->variable = tell_variable(s, c, place, from_code);
	return PS_OK;
}

/* *ret_fits: the place leads to a tag table that its neighbourhood names. */
static enum ps_status judge_window(struct search *s, const struct place *place, bool from_code,
				   struct candidate *c, bool *ret_fits, struct ps_error *err)
{
	struct geometry_hints hints = {.pointer_size = s->kernel->pointer_size,
				       .build_known = s->kernel->build.known,
				       .build = s->kernel->build.value,
				       .only = locate_only_layout(s)};
	enum ps_status status;
	struct view probe;

	*ret_fits = false;
	locate_name_sizes(&s->window, &hints);
	hints.sizes = hints.pairs;
	if (hints.pairs == 0 || !can_be_table(s, place->value, hints.pairs))
		return PS_OK;
	view_init(&probe, s->space, place->value);
	status = geometry_vote(&probe, &hints, &c->geometry, err);
	view_fini(&probe);
	if (status == PS_NOT_FOUND || (status == PS_OK && !geometry_proved(&c->geometry, true))) {
		ps_error_clear(err);
		return PS_OK;
	}
	if (status != PS_OK)
		return status;
	*ret_fits = true;
	s->geometry = c->geometry;
	return weigh(s, place, from_code, c, err);
}

static enum ps_status judge_place(struct search *s, const struct place *place, bool from_code,
				  struct candidate *c, bool *ret_fits, struct ps_error *err)
{
	enum ps_status status;

	*c = (struct candidate){.value = place->value, .center = place->va};
	s->found->tracker = (struct global){.found = true, .value = place->value};
	s->center = place->va;
	status = locate_open_window(s, err);
	if (status != PS_OK)
		return status;
	status = judge_window(s, place, from_code, c, ret_fits, err);
	window_fini(&s->window);
	return status;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (b->value == 0 || a->tables != b->tables)
		return b->value == 0 || a->tables > b->tables;
	if ((a->places > 1) != (b->places > 1))
		return a->places > 1;
	if (a->geometry.voters != b->geometry.voters)
		return a->geometry.voters > b->geometry.voters;
	if (a->geometry.shift != b->geometry.shift)
		return a->geometry.shift > b->geometry.shift;
	return a->variable != 0 && b->variable == 0;
}

/* The tables of the other processors need no look of their own. */
static bool is_in_array(const struct search *s, const struct candidate *best, uint64_t va)
{
	uint64_t end = best->array + best->tables * s->kernel->pointer_size;

	return best->tables > 1 && va > best->array && va < end;
}

static enum ps_status choose(struct search *s, const struct places *places, bool from_code,
			     struct candidate *best, struct ps_error *err)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];
		struct candidate own;
		enum ps_status status;
		bool fits;

		if (is_in_array(s, best, place->va) ||
		    (!from_code && !can_be_table(s, place->value, place->pairs)))
			continue;
		status = judge_place(s, place, from_code, &own, &fits, err);
		if (status == PS_NO_MEMORY)
			return status;
		if (status == PS_OK && fits && is_better(&own, best))
			*best = own;
		ps_error_clear(err);
	}
	return PS_OK;
}

struct looked {
	unsigned anchors;      /* of the hash in the code */
	size_t named, pointed; /* places that code names, that data holds */
};

static enum ps_status search_image(struct search *s, struct pe_image *image, struct candidate *best,
				   struct looked *looked, struct ps_error *err)
{
	struct places places = {.count = 0};
	enum ps_status status = places_from_code(s, image, &places, &looked->anchors, err);

	looked->named = places.count;
	s->found->found_by = "variables that the code of the tag hash names";
	if (status == PS_OK)
		status = choose(s, &places, true, best, err);
	places.count = 0;
	if (status == PS_OK && best->value == 0) {
		s->found->found_by = "structure in the kernel's data";
		status = places_from_data(s, image, &places, err);
		looked->pointed = places.count;
		if (status == PS_OK)
			status = choose(s, &places, false, best, err);
	}
	free(places.items);
	return status;
}

static enum ps_status open_image(struct search *s, struct pe_image **ret, struct ps_error *err)
{
	const struct kernel *k = s->kernel;
	enum ps_status status = pe_image_open_memory(s->space, k->base, k->size, ret, err);

	if (status == PS_OK || status == PS_NO_MEMORY)
		return status;
	ps_error_clear(err);
	return pe_image_open_bare(s->space, k->base, k->size ? k->size : IMAGE_REACH, ret, err);
}

static enum ps_status not_found(const struct search *s, const struct pe_image *image,
				const struct looked *looked, struct ps_error *err)
{
	const struct pe_identity *own = &s->kernel->image;
	char wanted[PDB_NAME_LENGTH + GUID_AGE_LENGTH + 32] = "";

	if (own->pdb_present)
		snprintf(wanted, sizeof(wanted), " (--symbols with %s %s or its ISF)",
			 own->pdb_name, own->guid_age);
	ps_fail_at(err, PS_NOT_FOUND, s->kernel->base,
		   "cannot find the tag tables: %s; none of the variables beside the tag hash in "
		   "the kernel's code (%zu variables, %u hashes) nor of the pointers beside a "
		   "table's size and mask in its data (%zu) leads to one; %" PRIu32
		   " of the image's %" PRIu32 " pages could be read",
		   s->kernel->kdbg.size ? "KDBG does not name PoolTrackTable" : "there is no KDBG",
		   looked->named, looked->anchors, looked->pointed, image->pages_present,
		   image->pages);
	ps_hint(err,
		"symbols of this kernel%s would name PoolTrackTable; a kernel or complete memory "
		"dump (MEMORY.DMP) that Windows writes when it crashes holds KDBG and all of "
		"the kernel's data",
		wanted);
	return err->status;
}

enum ps_status locate_hidden(struct search *s, struct ps_error *err)
{
	struct candidate best = {.value = 0};
	struct looked looked = {.anchors = 0};
	struct pe_image *image;
	enum ps_status status = open_image(s, &image, err);

	if (status != PS_OK)
		return ps_wrap(err, "cannot search the kernel for PoolTrackTable");
	status = search_image(s, image, &best, &looked, err);
	if (status == PS_OK && best.value == 0)
		status = not_found(s, image, &looked, err);
	pe_image_close(image);
	if (status != PS_OK)
		return status;
	s->found->tracker =
		(struct global){.found = true, .va = best.variable, .value = best.value};
	s->center = best.center;
	return PS_OK;
}
