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

enum { NO_SLOT = -1 };

/* What table 0 says of a tag's place. */
struct place {
	int64_t slot;    /* its slot, NO_SLOT when table 0 does not show it */
	uint64_t probes; /* slots from home on that it could be in, up to the end of its probe path
			  */
	bool absent;     /* table 0 is certain not to have it */
};

/*
 * A tag's slot is the same on every processor: table 0 decides it. Its probe path ends at `slot`,
 * or, for a tag that table 0 does not show, at the first slot that is free there.
 */
static struct place find_place(const struct merge *m, const struct view *first, uint32_t tag)
{
	const struct pool_globals *g = m->globals;
	uint64_t mask = g->tracker_mask.value, home = tag_hash(g->hash, tag) & mask;
	struct place place = {.slot = NO_SLOT, .absent = true};

	for (; place.probes <= mask; place.probes++) {
		size_t offset = (size_t)((home + place.probes) & mask) * g->layout->entry_size;
		uint32_t key;

		if (!view_has(first, offset, 4)) {
			place.absent = false;
			continue;
		}
		key = (uint32_t)view_uint(first, offset, 4);
		if (key == tag)
			place.slot = (int64_t)((home + place.probes) & mask);
		if (key == tag || !key)
			break;
	}
	if (place.probes <= mask)
		place.probes++;
	return place;
}

/* True when an unread part of `view` could hold a share of `tag`. */
static bool could_miss(const struct merge *m, const struct view *view, const struct place *place,
		       uint32_t tag)
{
	const struct pool_globals *g = m->globals;
	size_t size = g->layout->entry_size;
	uint64_t mask = g->tracker_mask.value, home = tag_hash(g->hash, tag) & mask;

	if (place->slot == NO_SLOT && place->absent)
		return false;
	for (uint64_t i = 0; i < place->probes; i++) {
		if (!view_has(view, (size_t)((home + i) & mask) * size, size))
			return true;
	}
	return false;
}

/* Marks the rows that unread pages of `view` could have a share of. */
static void mark_table(struct merge *m, const struct view *first, const struct view *view)
{
	uint64_t last = m->globals->tracker_size.value - 1;
	size_t size = m->globals->layout->entry_size;
	bool last_there = view_has(view, (size_t)last * size, size);

	for (size_t i = 0; i < m->tracker->row_count; i++) {
		struct tag_row *row = &m->tracker->rows[i];
		struct place place;

		if (row->overflow) {
			row->complete = row->complete && last_there;
		} else if (row->complete && m->globals->hash == '?') {
			row->complete = false;
		} else if (row->complete) {
			place = find_place(m, first, row->tag);
			row->complete = !could_miss(m, view, &place, row->tag);
		}
	}
}

/* A tag that table 0 does not show may have its counters in an unread part of the expansion. */
static void mark_expansion(struct merge *m, const struct view *first)
{
	for (size_t i = 0; i < m->tracker->row_count; i++) {
		struct tag_row *row = &m->tracker->rows[i];

		if (row->overflow || m->globals->hash == '?' ||
		    find_place(m, first, row->tag).slot == NO_SLOT)
			row->complete = false;
	}
}

static enum ps_status mark_rows(struct merge *m, const struct view *first, struct ps_error *err)
{
	const struct tracker *t = m->tracker;

	for (size_t i = 0; i < t->table_count; i++) {
		const struct tracker_table *table = &t->tables[i];
		struct view view;
		enum ps_status status;

		if (table->pages_present == table->pages_expected)
			continue;
		if (table->processor < 0) {
			mark_expansion(m, first);
			continue;
		}
		status = read_view(m, table->address, m->globals->tracker_size.value, &view, err);
		if (status == PS_OK)
			mark_table(m, first, &view);
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
	enum ps_status status = read_view(m, m->globals->tracker.value,
					  m->globals->tracker_size.value, &first, err);

	if (status == PS_OK)
		status = mark_rows(m, &first, err);
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
		add_reason(t, "%s%llu of %llu pages of ", named++ ? ", " : "not in the dump: ",
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
