/*
 * PoolTrackTableExpansion: the linear table that takes new tags once the hashed one is full (2003
 * and later).
 *
 * It can exist only when no slot of table 0's ring is free. Its keys are packed from entry 0, are
 * not in the ring, and - being shared by all processors - its counters never run below zero. That
 * tells it from stale tables and session tables in the same cluster. Its size is the variable whose
 * value covers the keys and fits the table's pages.
 */
#include "analyzer/pool/locate_internal.h"

#include <stdio.h>

#include "base/hash.h"

enum { EXPANSION_MAX = 1 << 16 }; /* entries; real ones have some hundreds */

enum { FIRST_READ = 16 * PAGE_SIZE };

/* Absent bytes in a row after which a candidate is not read on. */
enum { LONGEST_ABSENCE = 256 * PAGE_SIZE };

enum { FIRST_BUILD_WITH_EXPANSION = 3790 }; /* XP lets its one table grow instead */

/* A ring's size to test against: a table of this many slots would show itself as hashed. */
enum { RING_MAX_SHIFT = 13 };

static const uint32_t OVERFLOW_TAG = 0x6c66764f; /* `Ovfl` */

/* Keys of the ring; *ret_full when every slot that can be seen is in use. */
static enum ps_status ring_keys(const struct search *s, struct hash *keys, bool *ret_full,
				struct ps_error *err)
{
	size_t entry = s->geometry.layout->entry_size;
	uint64_t slots = UINT64_C(1) << s->geometry.shift, seen = 0;

	*ret_full = true;
	for (uint64_t slot = 0; slot < slots; slot++) {
		uint32_t unused, key;

		if (!view_has(&s->table, (size_t)slot * entry, 4))
			continue;
		seen++;
		key = (uint32_t)view_uint(&s->table, (size_t)slot * entry, 4);
		if (!key)
			*ret_full = false;
		else if (!hash_find(keys, key, &unused) && !hash_add(keys, key, 0))
			return ps_fail_memory(err, "the tags of PoolTrackTable");
	}
	*ret_full = *ret_full && seen;
	return PS_OK;
}

static bool is_not_negative(const struct view *view, size_t offset,
			    const struct tracker_side_layout *side)
{
	uint64_t top = UINT64_C(1) << (side->bytes.width * 8 - 1);

	return view_uint(view, offset + side->allocs.offset, side->allocs.width) >=
		       view_uint(view, offset + side->frees.offset, side->frees.width) &&
	       view_uint(view, offset + side->bytes.offset, side->bytes.width) < top;
}

/* The tracker strips the protected bit before it looks for a key, so no key has it. */
static bool is_printable(uint32_t key)
{
	for (unsigned i = 0; i < 4; i++) {
		uint32_t c = key >> (8 * i) & 0xff;

		if (c < 0x20 || c > 0x7e)
			return false;
	}
	return true;
}

/* What a candidate holds, read entry by entry up to the first free one. */
struct packed {
	uint64_t used;       /* entries up to and with the last one that has a key */
	uint64_t seen;       /* of them, read */
	uint64_t printable;  /* of those, all four bytes printable */
	uint64_t absent_run; /* entries not in the dump since the last one read */
	bool ended;          /* a free entry or the overflow entry was seen */
};

/* Reads entries from `packed->used` on; false when one cannot belong to an expansion table. */
static bool read_packed(const struct search *s, const struct view *view, const struct hash *ring,
			struct packed *packed)
{
	const struct tracker_layout *layout = s->geometry.layout;
	uint64_t entries = view->size / layout->entry_size;

	for (uint64_t i = packed->used + packed->absent_run; i < entries && !packed->ended; i++) {
		size_t offset = (size_t)i * layout->entry_size;
		uint32_t unused, key;

		if (!view_has(view, offset, layout->entry_size)) {
			packed->absent_run++;
			continue;
		}
		key = (uint32_t)view_uint(view, offset, 4);
		packed->ended = !key || key == OVERFLOW_TAG;
		if (packed->ended)
			break;
		if (key >> 31 || hash_find(ring, key, &unused) ||
		    !is_not_negative(view, offset, &layout->nonpaged) ||
		    !is_not_negative(view, offset, &layout->paged))
			return false;
		packed->used = i + 1;
		packed->absent_run = 0;
		packed->seen++;
		packed->printable += is_printable(key);
	}
	return true;
}

static bool is_expansion(const struct packed *packed)
{
	return packed->seen && packed->printable * 10 >= packed->seen * 9;
}

/* Session tables and stale tables are hashed; an expansion table is not. */
static enum ps_status is_hashed(const struct search *s, struct view *view, bool *ret,
				struct ps_error *err)
{
	struct geometry g = s->geometry;

	*ret = false;
	for (g.shift = TRACKER_MIN_SHIFT; g.shift <= RING_MAX_SHIFT && !*ret; g.shift++) {
		size_t size = (((size_t)1 << g.shift) + 1) * g.layout->entry_size;
		enum ps_status status = view_extend(view, size, err);

		if (status != PS_OK)
			return status;
		geometry_count(view, &g);
		*ret = g.homed >= 2 && g.homed * 4 >= g.voters && g.reachable * 10 >= g.voters * 9;
	}
	return PS_OK;
}

/* Entries behind the used ones are free, but for the last, which may be the overflow entry. */
static bool size_fits(const struct search *s, const struct view *view, uint64_t used, uint64_t size)
{
	size_t entry = s->geometry.layout->entry_size;

	for (uint64_t i = used; i < size; i++) {
		uint32_t key;

		if (!view_has(view, (size_t)i * entry, 4))
			continue;
		key = (uint32_t)view_uint(view, (size_t)i * entry, 4);
		if (key && !(key == OVERFLOW_TAG && i + 1 == size))
			return false;
	}
	return true;
}

/* True when the overflow entry would be the last one of a table of that size. */
static bool ends_in_overflow(const struct search *s, const struct view *view, uint64_t size)
{
	size_t offset = (size_t)(size - 1) * s->geometry.layout->entry_size;

	return view_has(view, offset, 4) && view_uint(view, offset, 4) == OVERFLOW_TAG;
}

/* Tables are whole pages, so the size that fills them best is the kernel's (2003: pages / entry).
 */
static bool fills_pages(const struct search *s, uint64_t size)
{
	uint64_t entry = s->geometry.layout->entry_size;
	uint64_t bytes = (size * entry + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);

	return bytes - size * entry < entry;
}

/* The size as symbols name it. */
static enum ps_status size_by_symbols(struct search *s, struct view *view, uint64_t used,
				      struct ps_error *err)
{
	struct global size;
	enum ps_status status;

	if (!search_symbol(s, SYMBOL_POOL_TRACK_TABLE_EXPANSION_SIZE, &size) || size.value < used ||
	    size.value > EXPANSION_MAX)
		return PS_OK;
	status = view_extend(view, (size_t)size.value * s->geometry.layout->entry_size, err);
	if (status == PS_OK && size_fits(s, view, used, size.value))
		s->found->expansion_size = size;
	return status;
}

/*
 * The size is a variable of the cluster. When several values fit, one whose last entry is the
 * overflow entry wins, then one that fills the pages, then the largest: a size that is too large
 * adds free entries, one too small could hide used ones.
 */
static enum ps_status choose_size(struct search *s, struct view *view, uint64_t used,
				  struct ps_error *err)
{
	struct global *size = &s->found->expansion_size;
	unsigned best = 0;

	for (size_t i = 0; i < window_slots(&s->window); i++) {
		uint64_t value, va = window_va(&s->window, i);
		enum ps_status status;
		unsigned merit;

		if (!window_value(&s->window, i, &value) || value < used || value > EXPANSION_MAX ||
		    va == s->found->tracker_size.va || va == s->found->tracker_mask.va)
			continue;
		status = view_extend(view, (size_t)value * s->geometry.layout->entry_size, err);
		if (status != PS_OK)
			return status;
		if (!size_fits(s, view, used, value))
			continue;
		merit = ends_in_overflow(s, view, value) * 2u + fills_pages(s, value);
		if (size->found && (best > merit || (best == merit && size->value >= value)))
			continue;
		*size = window_global(&s->window, value);
		best = merit;
	}
	return PS_OK;
}

static void doubt(struct search *s, const char *words)
{
	snprintf(s->found->expansion_note, sizeof(s->found->expansion_note), "%s", words);
}

static enum ps_status take(struct search *s, struct view *view, const struct packed *packed,
			   struct ps_error *err)
{
	struct pool_globals *found = s->found;
	enum ps_status status;

	if (found->expansion.found)
		doubt(s, "two tables could be the expansion of PoolTrackTable; the larger is used");
	found->expansion = window_global(&s->window, view->va);
	found->expansion_size = (struct global){0};
	status = size_by_symbols(s, view, packed->used, err);
	if (status == PS_OK && !found->expansion_size.found)
		status = choose_size(s, view, packed->used, err);
	if (status == PS_OK && !found->expansion_size.found) {
		found->expansion_size.value = packed->used;
		doubt(s, "the size of PoolTrackTable's expansion table is not known");
	}
	return status;
}

/* True when the table is part of kernel memory, but its first page is not in the dump. */
static bool is_unseen(const struct search *s, const struct view *view)
{
	struct translation at;
	struct hole hole;

	return !view_has(view, 0, 4) && (space_translate(s->space, view->va, &at, &hole) ||
					 hole.reason == HOLE_TABLE_MISSING);
}

static enum ps_status try_candidate(struct search *s, uint64_t pointer, const struct hash *ring,
				    uint64_t *most, bool *unseen, struct ps_error *err)
{
	size_t entry = s->geometry.layout->entry_size, size = FIRST_READ;
	struct packed packed = {0};
	struct view view;
	bool hashed = false;
	enum ps_status status;

	view_init(&view, s->space, pointer);
	do {
		status = view_extend(&view, size, err);
		if (status != PS_OK || !read_packed(s, &view, ring, &packed))
			goto out;
		size *= 2;
	} while (!packed.ended && packed.absent_run * entry < LONGEST_ABSENCE &&
		 size / entry < EXPANSION_MAX);
	*unseen = *unseen || (!packed.seen && is_unseen(s, &view));
	if (!is_expansion(&packed))
		goto out;
	status = is_hashed(s, &view, &hashed, err);
	if (status != PS_OK || hashed || packed.seen <= *most)
		goto out;
	*most = packed.seen;
	status = take(s, &view, &packed, err);
out:
	view_fini(&view);
	return status == PS_CORRUPT ? PS_OK : status;
}

static enum ps_status try_pointers(struct search *s, const struct hash *ring, struct ps_error *err)
{
	bool unseen = false, no_memory = false;
	uint64_t most = 0, value, va;
	enum ps_status status = PS_OK;
	struct hash seen;
	size_t index = 0;

	hash_init(&seen);
	while (status == PS_OK &&
	       window_next_table(&s->window, &index, &seen, &value, &va, &no_memory)) {
		if (!is_processor_table(s->found, value))
			status = try_candidate(s, value, ring, &most, &unseen, err);
	}
	hash_fini(&seen);
	if (no_memory)
		status = ps_fail_memory(err, "the search for the expansion table");
	if (status != PS_OK)
		return status;
	if (!s->found->expansion.found && unseen)
		doubt(s,
		      "PoolTrackTable is full, and what may be its expansion table is not in the "
		      "dump");
	else if (!s->found->expansion.found && !window_is_whole(&s->window))
		doubt(s,
		      "PoolTrackTable is full, and part of the memory that would name its expansion "
		      "table is not in the dump");
	return PS_OK;
}

/* What symbols name holds keys, but is not what an expansion table is. */
static bool is_refuted(const struct search *s, uint64_t table)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t key;

	return space_read_u32(s->space, table, &key, &ignored) == PS_OK && key != 0 &&
	       key != OVERFLOW_TAG;
}

/* *ret_done: what symbols name was decisive, be it that there is no such table. */
static enum ps_status try_symbols(struct search *s, const struct hash *ring, bool *ret_done,
				  struct ps_error *err)
{
	bool unseen = false;
	struct global named;
	uint64_t most = 0;
	enum ps_status status;

	*ret_done = false;
	if (!search_symbol(s, SYMBOL_POOL_TRACK_TABLE_EXPANSION, &named))
		return PS_OK;
	*ret_done = named.value == 0;
	if (named.value == 0)
		return PS_OK;
	if (!is_table_address(s->space, named.value)) {
		locate_note(s->found,
			    "PoolTrackTableExpansion by symbols holds 0x%016llx, which is no table",
			    (unsigned long long)named.value);
		return PS_OK;
	}
	status = try_candidate(s, named.value, ring, &most, &unseen, err);
	if (s->found->expansion.found)
		s->found->expansion = named;
	else if (unseen)
		doubt(s, "PoolTrackTable's expansion table is not in the dump");
	else if (status == PS_OK && is_refuted(s, named.value))
		doubt(s, "what symbols name as PoolTrackTable's expansion table is not like one");
	*ret_done = s->found->expansion.found || unseen;
	return status;
}

enum ps_status locate_expansion(struct search *s, struct ps_error *err)
{
	struct fact build = search_build(s);
	struct hash ring;
	bool full = false, done = false;
	enum ps_status status;

	if (build.known && build.value < FIRST_BUILD_WITH_EXPANSION)
		return PS_OK;
	hash_init(&ring);
	status = ring_keys(s, &ring, &full, err);
	s->found->expansion_expected = full;
	if (status == PS_OK)
		status = try_symbols(s, &ring, &done, err);
	if (status == PS_OK && full && !done)
		status = try_pointers(s, &ring, err);
	hash_fini(&ring);
	return status;
}
