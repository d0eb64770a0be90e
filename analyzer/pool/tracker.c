/*
 * Merges all processors' tracker tables and the expansion table into one row per tag. See
 * tracker.h.
 *
 * The merge is by key, as ExGetPoolTagInfo does it by slot (fact sheet section 3.4): sums modulo
 * the width of each counter, read as signed afterwards. The last entry of each table is the
 * overflow entry, which newer kernels charge without writing its key. Two passes: the first sums,
 * the second asks of every table with missing pages which tags those pages could hold.
 */
#include "analyzer/pool/tracker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/pool/tag_hash.h"
#include "analyzer/pool/view.h"
#include "base/memory.h"
#include "base/signals.h"

static const uint32_t OVERFLOW_TAG = 0x6c66764f; /* `Ovfl` */

struct merge {
	struct space *space;
	const struct pool_globals *globals;
	struct tracker *tracker;
	uint32_t *slot_rows; /* owned: row + 1 that the slot had in the last table, 0 = none yet */
	unsigned tables_with_holes;
};

static struct tag_row *row_of(struct tracker *t, uint32_t tag)
{
	uint32_t index;

	if (hash_find(&t->index, tag, &index))
		return &t->rows[index];
	if (!mem_grow((void **)&t->rows, t->row_count, &t->row_capacity, sizeof(*t->rows)) ||
	    !hash_add(&t->index, tag, (uint32_t)t->row_count))
		return NULL;
	t->rows[t->row_count] =
		(struct tag_row){.tag = tag, .complete = true, .overflow = tag == OVERFLOW_TAG};
	return &t->rows[t->row_count++];
}

static uint64_t counter(const struct view *view, size_t entry, struct field field)
{
	return view_uint(view, entry + field.offset, field.width);
}

static void add_side(const struct view *view, size_t entry,
		     const struct tracker_side_layout *layout, struct tag_side *side)
{
	side->allocs += counter(view, entry, layout->allocs);
	side->frees += counter(view, entry, layout->frees);
	side->bytes = (int64_t)((uint64_t)side->bytes + counter(view, entry, layout->bytes));
}

static bool has_counts(const struct view *view, size_t entry, const struct tracker_layout *layout)
{
	const struct tracker_side_layout *sides[] = {&layout->nonpaged, &layout->paged};

	for (size_t i = 0; i < 2; i++) {
		if (counter(view, entry, sides[i]->allocs) ||
		    counter(view, entry, sides[i]->frees) || counter(view, entry, sides[i]->bytes))
			return true;
	}
	return false;
}

/*
 * A processor keeps a tag in the slot that table 0 gave it, so the row of the table before is
 * nearly always the right one and spares the look-up.
 */
static struct tag_row *row_at(struct merge *m, uint64_t slot, uint32_t tag)
{
	uint32_t *last = slot < m->globals->tracker_size.value ? &m->slot_rows[slot] : NULL;
	struct tag_row *row;

	if (last && *last && m->tracker->rows[*last - 1].tag == tag)
		return &m->tracker->rows[*last - 1];
	row = row_of(m->tracker, tag);
	if (row && last)
		*last = (uint32_t)(row - m->tracker->rows) + 1;
	return row;
}

/* Adds the entry at `index`. An entry that is only partly there adds nothing but its row. */
static enum ps_status add_entry(struct merge *m, const struct view *view, uint64_t index,
				bool is_last, struct ps_error *err)
{
	const struct tracker_layout *layout = m->globals->layout;
	size_t entry = (size_t)index * layout->entry_size;
	bool whole = view_has(view, entry, layout->entry_size);
	struct tag_row *row;
	uint32_t tag;

	if (!whole && !view_has(view, entry, 4))
		return PS_OK;
	tag = (uint32_t)view_uint(view, entry, 4);
	if (!tag && is_last && whole && has_counts(view, entry, layout))
		tag = OVERFLOW_TAG;
	if (!tag)
		return PS_OK;
	row = row_at(m, index, tag);
	if (!row)
		return ps_fail_memory(err, "the rows of the tag table");
	if (!whole) {
		row->complete = false;
		return PS_OK;
	}
	add_side(view, entry, &layout->nonpaged, &row->nonpaged);
	add_side(view, entry, &layout->paged, &row->paged);
	return PS_OK;
}

static enum ps_status read_view(struct merge *m, uint64_t address, uint64_t entries,
				struct view *view, struct ps_error *err)
{
	view_init(view, m->space, address);
	return view_extend(view, (size_t)(entries * m->globals->layout->entry_size), err);
}

static enum ps_status note_table(struct merge *m, const struct view *view, int processor,
				 struct ps_error *err)
{
	struct tracker *t = m->tracker;

	if (!mem_grow((void **)&t->tables, t->table_count, &t->table_capacity, sizeof(*t->tables)))
		return ps_fail_memory(err, "the list of tracker tables");
	t->tables[t->table_count++] = (struct tracker_table){.address = view->va,
							     .processor = processor,
							     .pages_expected = view->pages_expected,
							     .pages_present = view->pages_present};
	t->pages_expected += view->pages_expected;
	t->pages_present += view->pages_present;
	m->tables_with_holes += view->pages_present < view->pages_expected;
	for (size_t i = 0; i < view->holes.count; i++)
		holes_add(&t->holes, &view->holes.items[i]);
	return PS_OK;
}

static enum ps_status merge_table(struct merge *m, uint64_t address, uint64_t entries,
				  int processor, struct ps_error *err)
{
	struct view view;
	enum ps_status status;

	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	status = read_view(m, address, entries, &view, err);
	if (status == PS_OK)
		status = note_table(m, &view, processor, err);
	for (uint64_t i = 0; status == PS_OK && i < entries; i++)
		status = add_entry(m, &view, i, i + 1 == entries, err);
	view_fini(&view);
	return status;
}

/*
 * Table 0 decides a tag's slot for all processors. For the second pass it is laid out once, so that
 * each question costs the same however long the probe paths are.
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

static enum ps_status ring_init(struct ring *ring, const struct merge *m, const struct view *first,
				struct ps_error *err)
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
static uint32_t *count_missing(const struct merge *m, const struct view *view)
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
static bool could_miss(const struct merge *m, const struct ring *ring, const uint32_t *missing,
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
static enum ps_status mark_table(struct merge *m, const struct ring *ring, const struct view *view,
				 struct ps_error *err)
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
static void mark_expansion(struct merge *m, const struct ring *ring)
{
	for (size_t i = 0; i < m->tracker->row_count; i++) {
		struct tag_row *row = &m->tracker->rows[i];
		uint32_t unused;

		if (row->overflow || !hash_find(&ring->slots, row->tag, &unused))
			row->complete = false;
	}
}

static enum ps_status mark_rows(struct merge *m, const struct ring *ring, struct ps_error *err)
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
		status = read_view(m, table->address, m->globals->tracker_size.value, &view, err);
		if (status == PS_OK)
			status = mark_table(m, ring, &view, err);
		view_fini(&view);
		if (status != PS_OK)
			return status;
	}
	return PS_OK;
}

/* The second pass: asks of every table with missing pages which tags those pages could hold. */
static enum ps_status mark_all(struct merge *m, struct ps_error *err)
{
	struct view first;
	struct ring ring = {.next_free = NULL};
	enum ps_status status;

	if (m->globals->hash == '?')
		return PS_OK; /* no row is complete then */
	status = read_view(m, m->globals->tracker.value, m->globals->tracker_size.value, &first,
			   err);
	if (status == PS_OK)
		status = ring_init(&ring, m, &first, err);
	if (status == PS_OK)
		status = mark_rows(m, &ring, err);
	ring_fini(&ring);
	view_fini(&first);
	return status;
}

static int64_t sign_extend(uint64_t value, unsigned width)
{
	return width == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value;
}

static uint64_t clip(uint64_t value, unsigned width)
{
	return width == 4 ? (uint32_t)value : value;
}

static void finish_side(struct tag_side *side, const struct tracker_side_layout *layout)
{
	side->allocs = clip(side->allocs, layout->allocs.width);
	side->frees = clip(side->frees, layout->frees.width);
	side->diff = sign_extend(side->allocs - side->frees, layout->allocs.width);
	side->bytes = sign_extend((uint64_t)side->bytes, layout->bytes.width);
}

static void finish_rows(struct merge *m)
{
	struct tracker *t = m->tracker;
	uint64_t nonpaged = 0, paged = 0;

	for (size_t i = 0; i < t->row_count; i++) {
		struct tag_row *row = &t->rows[i];

		finish_side(&row->nonpaged, &m->globals->layout->nonpaged);
		finish_side(&row->paged, &m->globals->layout->paged);
		row->complete = row->complete && m->globals->processors_known &&
				m->globals->hash != '?' &&
				!(row->overflow && m->globals->expansion_note[0]);
		nonpaged += (uint64_t)row->nonpaged.bytes;
		paged += (uint64_t)row->paged.bytes;
	}
	t->nonpaged_bytes = (int64_t)nonpaged;
	t->paged_bytes = (int64_t)paged;
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

/* A page that is there and cannot be unpacked is not absent. */
static const char *missing_words(const struct tracker *t)
{
	size_t damaged = 0;

	for (size_t i = 0; i < t->holes.count; i++) {
		if (t->holes.items[i].page == PAGE_ZERO_SUSPECT)
			return "not in the dump, or all zeros as its writer stores missing memory: ";
		damaged += t->holes.items[i].page == PAGE_DAMAGED;
	}
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

static void judge_completeness(struct merge *m)
{
	struct tracker *t = m->tracker;
	const struct pool_globals *g = m->globals;

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

/* All tables are announced before the first is read, so that a cold disk works ahead. */
static void prefetch_tables(struct merge *m)
{
	const struct pool_globals *g = m->globals;
	uint64_t entry = g->layout->entry_size;

	for (size_t i = 0; i < g->processor_table_count; i++)
		space_prefetch(m->space, g->processor_tables[i], g->tracker_size.value * entry);
	if (g->expansion.found)
		space_prefetch(m->space, g->expansion.value, g->expansion_size.value * entry);
}

static enum ps_status merge_all(struct merge *m, struct ps_error *err)
{
	const struct pool_globals *g = m->globals;
	enum ps_status status = PS_OK;

	prefetch_tables(m);
	for (size_t i = 0; status == PS_OK && i < g->processor_table_count; i++)
		status = merge_table(m, g->processor_tables[i], g->tracker_size.value,
				     g->processor_numbers[i], err);
	if (status == PS_OK && g->expansion.found)
		status = merge_table(m, g->expansion.value, g->expansion_size.value, -1, err);
	if (status == PS_OK && m->tables_with_holes)
		status = mark_all(m, err);
	return status;
}

enum ps_status tracker_read(struct space *space, const struct pool_globals *globals,
			    struct tracker *ret, struct ps_error *err)
{
	struct tracker t = {.address = globals->tracker.value,
			    .entry_size = globals->layout->entry_size,
			    .entries = globals->tracker_size.value,
			    .hash = globals->hash,
			    .processors_merged = (unsigned)globals->processor_table_count};
	struct merge m = {.space = space, .globals = globals, .tracker = &t};
	enum ps_status status;

	hash_init(&t.index);
	holes_init(&t.holes);
	m.slot_rows = mem_array((size_t)globals->tracker_size.value, sizeof(*m.slot_rows));
	status = m.slot_rows ? merge_all(&m, err)
			     : ps_fail_memory(err, "the slots of the tag table");
	free(m.slot_rows);
	if (status != PS_OK) {
		tracker_fini(&t);
		return ps_wrap(err, "cannot read the tracker tables");
	}
	finish_rows(&m);
	judge_completeness(&m);
	*ret = t;
	return PS_OK;
}

void tracker_fini(struct tracker *tracker)
{
	free(tracker->rows);
	free(tracker->tables);
	hash_fini(&tracker->index);
	holes_fini(&tracker->holes);
	*tracker = (struct tracker){0};
}
