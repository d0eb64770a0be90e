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

#include <stdlib.h>

#include "base/hash.h"

enum { EXPANSION_MAX = 1 << 20 }; /* entries */

/* Entries read behind the used ones: the table grows by a page or two at a time. */
enum { SLACK = 512 };

enum { FIRST_READ = 16 * PAGE_SIZE };

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

/* Entries behind the used ones are free, but for the last, which may be the overflow entry. */
static bool size_fits(const struct search *s, const struct view *view, uint64_t used, uint64_t size)
{
	size_t entry = s->geometry.layout->entry_size;

	if (size < used || size > EXPANSION_MAX || size * entry > view->size)
		return false;
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

/* Tables are whole pages, so the size that fills them best is the kernel's (2003: pages / entry).
 */
static bool fills_pages(const struct search *s, uint64_t size)
{
	uint64_t entry = s->geometry.layout->entry_size;
	uint64_t bytes = (size * entry + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);

	return bytes - size * entry < entry;
}

/* Entries up to and with the overflow entry, when one stands behind the used and free ones. */
static uint64_t through_overflow(const struct search *s, const struct view *view, uint64_t used)
{
	size_t entry = s->geometry.layout->entry_size;

	for (uint64_t i = used; view_has(view, (size_t)i * entry, 4); i++) {
		uint32_t key = (uint32_t)view_uint(view, (size_t)i * entry, 4);

		if (key)
			return key == OVERFLOW_TAG ? i + 1 : used;
	}
	return used;
}

/*
 * The size is a variable of the cluster. When several values fit, one that fills the pages wins,
 * then the largest: a size that is too large adds free entries, one too small could hide used ones.
 */
static void choose_size(struct search *s, const struct view *view, uint64_t used)
{
	struct global *size = &s->found->expansion_size;
	bool best_fills = false;

	for (size_t i = 0; i < window_slots(&s->window); i++) {
		uint64_t value, va = window_va(&s->window, i);
		bool fills;

		if (!window_value(&s->window, i, &value) || !size_fits(s, view, used, value) ||
		    va == s->found->tracker_size.va || va == s->found->tracker_mask.va)
			continue;
		fills = fills_pages(s, value);
		if (size->found &&
		    (best_fills > fills || (best_fills == fills && size->value >= value)))
			continue;
		*size = window_global(&s->window, value);
		best_fills = fills;
	}
}

static enum ps_status try_candidate(struct search *s, uint64_t pointer, const struct hash *ring,
				    uint64_t *most, struct ps_error *err)
{
	size_t entry = s->geometry.layout->entry_size, size = FIRST_READ;
	struct packed packed = {0};
	struct view view;
	uint64_t used;
	enum ps_status status;

	view_init(&view, s->space, pointer);
	do {
		status = view_extend(&view, size, err);
		if (status != PS_OK || !read_packed(s, &view, ring, &packed))
			goto out;
		size *= 2;
	} while (!packed.ended && packed.absent_run * entry < FIRST_READ &&
		 size / entry < EXPANSION_MAX);
	if (!is_expansion(&packed) || packed.seen <= *most)
		goto out;
	status = view_extend(&view, (size_t)(packed.used + SLACK) * entry, err);
	if (status != PS_OK)
		goto out;
	*most = packed.seen;
	s->found->expansion = window_global(&s->window, pointer);
	s->found->expansion_size = (struct global){0};
	used = through_overflow(s, &view, packed.used);
	choose_size(s, &view, used);
	/* Without the variable the first entry that was not read stands for the rest. */
	if (!s->found->expansion_size.found)
		s->found->expansion_size.value = used + (packed.absent_run ? 1 : 0);
out:
	view_fini(&view);
	return status == PS_CORRUPT ? PS_OK : status;
}

enum ps_status locate_expansion(struct search *s, struct ps_error *err)
{
	struct hash ring;
	uint64_t most = 0;
	bool full = false;
	enum ps_status status;

	hash_init(&ring);
	status = ring_keys(s, &ring, &full, err);
	s->found->expansion_expected = full;
	for (size_t i = 0; status == PS_OK && full && i < window_slots(&s->window); i++) {
		uint64_t value;

		if (!window_value(&s->window, i, &value) || !is_table_address(s->space, value) ||
		    value == s->found->tracker.value)
			continue;
		status = try_candidate(s, value, &ring, &most, err);
	}
	hash_fini(&ring);
	return status;
}
