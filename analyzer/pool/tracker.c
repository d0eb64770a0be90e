/*
 * Merges all processors' tracker tables and the expansion table into one row per tag. See
 * tracker.h.
 *
 * The merge is by key, as ExGetPoolTagInfo does it by slot (fact sheet section 3.4): sums modulo
 * the width of each counter, read as signed afterwards. The last entry of each table is the
 * overflow entry, which newer kernels charge without writing its key. What missing pages mean for
 * the rows is tracker_missing.c's.
 */
#include "analyzer/pool/tracker.h"

#include <stdlib.h>

#include "analyzer/pool/tracker_missing.h"
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

enum ps_status tracker_view(struct space *space, const struct pool_globals *globals,
			    uint64_t address, uint64_t entries, struct view *view,
			    struct ps_error *err)
{
	view_init(view, space, address);
	return view_extend(view, (size_t)(entries * globals->layout->entry_size), err);
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
	status = tracker_view(m->space, m->globals, address, entries, &view, err);
	if (status == PS_OK)
		status = note_table(m, &view, processor, err);
	for (uint64_t i = 0; status == PS_OK && i < entries; i++)
		status = add_entry(m, &view, i, i + 1 == entries, err);
	view_fini(&view);
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
		status = tracker_mark_missing(m->space, g, m->tracker, err);
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
	tracker_judge(&t, globals);
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
