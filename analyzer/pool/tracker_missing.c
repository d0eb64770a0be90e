/*
 * What missing pages of the tracker's tables mean: which rows could have a share in them, and the
 * words for it.
 *
 * A second pass over the tables that have missing pages: of each row that is there it asks whether
 * those pages could hold a share of it, by the slots that the tag's hash leads to.
 */
#include "analyzer/pool/tracker_missing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/pool/tag_hash.h"
#include "base/memory.h"

struct marking {
	struct space *space;
	const struct pool_globals *globals;
	struct tracker *tracker;
};

/*
 * Table 0 decides a tag's slot for all processors. It is laid out once, so that each question costs
 * the same however long the probe paths are.
 */
struct ring {
	struct hash slots; /* tag -> its slot in table 0 */
	uint64_t *
		next_free; /* owned: for each slot, slots from it to the next one free in table 0 */
	uint64_t mask;
	bool whole; /* every slot of table 0 was read */
};

static void ring_fini(struct ring *ring)
{
	hash_fini(&ring->slots);
	free(ring->next_free);
}

static bool ring_add(struct ring *ring, uint32_t tag, uint64_t slot)
{
	uint32_t unused;

	return hash_find(&ring->slots, tag, &unused) || hash_add(&ring->slots, tag, (uint32_t)slot);
}

/* Backwards twice around, so that distances reach over the end of the ring. */
static void ring_measure(struct ring *ring, const struct view *first, size_t entry_size)
{
	uint64_t distance = ring->mask;

	for (uint64_t n = 2 * (ring->mask + 1); n-- > 0;) {
		uint64_t slot = n & ring->mask;
		size_t offset = (size_t)slot * entry_size;
		bool is_free = view_has(first, offset, 4) && !view_uint(first, offset, 4);

		distance = is_free ? 0 : distance < ring->mask ? distance + 1 : ring->mask;
		ring->next_free[slot] = distance;
	}
}

static enum ps_status ring_init(struct ring *ring, const struct marking *m,
				const struct view *first, struct ps_error *err)
{
	size_t entry_size = m->globals->layout->entry_size;

	*ring = (struct ring){.mask = m->globals->tracker_mask.value, .whole = true};
	hash_init(&ring->slots);
	ring->next_free = mem_array((size_t)ring->mask + 1, sizeof(*ring->next_free));
	if (!ring->next_free)
		return ps_fail_memory(err, "the slots of the tag table");
	for (uint64_t slot = 0; slot <= ring->mask; slot++) {
		size_t offset = (size_t)slot * entry_size;
		bool there = view_has(first, offset, 4);
		uint32_t tag = there ? (uint32_t)view_uint(first, offset, 4) : 0;

		ring->whole = ring->whole && there;
		if (tag && !ring_add(ring, tag, slot))
			return ps_fail_memory(err, "the slots of the tag table");
	}
	ring_measure(ring, first, entry_size);
	return PS_OK;
}

/* A table's missing entries, counted up to each slot. */
static uint32_t *count_missing(const struct marking *m, const struct view *view)
{
	uint64_t slots = m->globals->tracker_mask.value + 1;
	size_t size = m->globals->layout->entry_size;
	uint32_t *missing = mem_array((size_t)slots + 1, sizeof(*missing));

	for (uint64_t i = 0; missing && i < slots; i++)
		missing[i + 1] = missing[i] + !view_has(view, (size_t)i * size, size);
	return missing;
}

/* Missing entries among `count` slots from `first` on, around the ring. */
static bool any_missing(const uint32_t *missing, uint64_t mask, uint64_t first, uint64_t count)
{
	uint64_t end = first + count;

	if (end <= mask + 1)
		return missing[end] != missing[first];
	return missing[mask + 1] != missing[first] || missing[end - mask - 1] != 0;
}

/*
 * True when an unread part of the table could hold a share of `tag`: it is on the tag's probe path,
 * which ends at the tag's slot in table 0 or, for a tag that table 0 does not show, at the first
 * slot that is free there.
 */
static bool could_miss(const struct marking *m, const struct ring *ring, const uint32_t *missing,
		       uint32_t tag)
{
	uint64_t home = tag_hash(m->globals->hash, tag) & ring->mask, length;
	uint32_t slot;

	if (hash_find(&ring->slots, tag, &slot))
		length = ((slot - home) & ring->mask) + 1;
	else if (ring->whole)
		return false;
	else
		length = ring->next_free[home] + 1;
	return any_missing(missing, ring->mask, home, length);
}

/* Marks the rows that unread pages of `view` could have a share of. */
static enum ps_status mark_table(struct marking *m, const struct ring *ring,
				 const struct view *view, struct ps_error *err)
{
	uint64_t last = m->globals->tracker_size.value - 1;
	size_t size = m->globals->layout->entry_size;
	bool last_there = view_has(view, (size_t)last * size, size);
	uint32_t *missing = count_missing(m, view);

	if (!missing)
		return ps_fail_memory(err, "the missing entries of a tag table");
	for (size_t i = 0; i < m->tracker->row_count; i++) {
		struct tag_row *row = &m->tracker->rows[i];

		if (!row->complete)
			continue;
		if (row->overflow)
			row->complete = last_there;
		else
			row->complete = !could_miss(m, ring, missing, row->tag);
	}
	free(missing);
	return PS_OK;
}

/* A tag that table 0 does not show may have its counters in an unread part of the expansion. */
static void mark_expansion(struct marking *m, const struct ring *ring)
{
	for (size_t i = 0; i < m->tracker->row_count; i++) {
		struct tag_row *row = &m->tracker->rows[i];
		uint32_t unused;

		if (row->overflow || !hash_find(&ring->slots, row->tag, &unused))
			row->complete = false;
	}
}

static enum ps_status mark_rows(struct marking *m, const struct ring *ring, struct ps_error *err)
{
	const struct tracker *t = m->tracker;

	for (size_t i = 0; i < t->table_count; i++) {
		const struct tracker_table *table = &t->tables[i];
		struct view view;
		enum ps_status status;

		if (table->pages_present == table->pages_expected)
			continue;
		if (table->processor < 0) {
			mark_expansion(m, ring);
			continue;
		}
		status = tracker_view(m->space, m->globals, table->address,
				      m->globals->tracker_size.value, &view, err);
		if (status == PS_OK)
			status = mark_table(m, ring, &view, err);
		view_fini(&view);
		if (status != PS_OK)
			return status;
	}
	return PS_OK;
}

enum ps_status tracker_mark_missing(struct space *space, const struct pool_globals *globals,
				    struct tracker *tracker, struct ps_error *err)
{
	struct marking m = {.space = space, .globals = globals, .tracker = tracker};
	struct view first;
	struct ring ring = {.next_free = NULL};
	enum ps_status status;

	if (globals->hash == '?')
		return PS_OK; /* no row is complete then */
	status = tracker_view(space, globals, globals->tracker.value, globals->tracker_size.value,
			      &first, err);
	if (status == PS_OK)
		status = ring_init(&ring, &m, &first, err);
	if (status == PS_OK)
		status = mark_rows(&m, &ring, err);
	ring_fini(&ring);
	view_fini(&first);
	return status;
}

static void add_reason(struct tracker *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_reason(struct tracker *t, const char *format, ...)
{
	size_t used = strlen(t->incomplete_reason);
	va_list args;

	va_start(args, format);
	vsnprintf(t->incomplete_reason + used, sizeof(t->incomplete_reason) - used, format, args);
	va_end(args);
}

/* A page that is there and cannot be unpacked, or read from the disk, is not absent. */
static const char *missing_words(const struct tracker *t)
{
	size_t damaged = 0, unread = 0;

	for (size_t i = 0; i < t->holes.count; i++) {
		enum page_state page = t->holes.items[i].page;

		if (page == PAGE_ZERO_SUSPECT)
			return "not in the dump, or all zeros as its writer stores missing memory: ";
		damaged += page == PAGE_DAMAGED;
		unread += page == PAGE_IO_ERROR;
	}
	if (unread > 0)
		return unread == t->holes.count ? "unreadable on the disk: "
						: "not in the dump, or unreadable on the disk: ";
	if (damaged > 0)
		return damaged == t->holes.count ? "damaged in the file: "
						 : "not in the dump, or damaged in it: ";
	return "not in the dump: ";
}

/* "missing: 52 of 57 pages of processor 0, 1 of 57 pages of processor 3 (+2 more tables)". */
static void name_missing_pages(struct tracker *t)
{
	enum { NAMED = 4 };
	unsigned named = 0, more = 0;

	for (size_t i = 0; i < t->table_count; i++) {
		const struct tracker_table *table = &t->tables[i];

		if (table->pages_present == table->pages_expected)
			continue;
		if (named == NAMED) {
			more++;
			continue;
		}
		add_reason(t, "%s%llu of %llu pages of ", named++ ? ", " : missing_words(t),
			   (unsigned long long)(table->pages_expected - table->pages_present),
			   (unsigned long long)table->pages_expected);
		if (table->processor < 0)
			add_reason(t, "the expansion table");
		else
			add_reason(t, "processor %d's table", table->processor);
	}
	if (more)
		add_reason(t, " and of %u more tables", more);
}

void tracker_judge(struct tracker *t, const struct pool_globals *g)
{
	name_missing_pages(t);
	if (!g->processors_known)
		add_reason(t, "%s%s", t->incomplete_reason[0] ? "; " : "", g->processors_note);
	if (g->expansion_note[0])
		add_reason(t, "%s%s", t->incomplete_reason[0] ? "; " : "", g->expansion_note);
	if (g->hash == '?')
		add_reason(
			t,
			"%stoo few keys sit where a tag hash puts them to prove the table's shape",
			t->incomplete_reason[0] ? "; " : "");
	t->complete = t->incomplete_reason[0] == '\0';
}
