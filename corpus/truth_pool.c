/*
 * What the truth says of the pool: the tracker's tables, each tag's counters, big allocations, what
 * lies in blocks, sessions, and the memory manager's totals.
 */
#include "corpus/truth_pool.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/mm_state.h"
#include "corpus/sessions.h"
#include "corpus/tracker.h"
#include "corpus/truth_json.h"

static const struct region *find_region(const struct world *w, const char *kind, int processor)
{
	for (size_t i = 0; i < w->region_count; i++) {
		const struct region *r = &w->regions[i];
		if (strcmp(r->kind, kind) == 0 && r->processor == processor)
			return r;
	}
	return NULL;
}

static uint64_t present_pages(const struct region *region)
{
	uint64_t present = 0;
	for (uint32_t i = 0; region && i < region->pages; i++)
		present += region->state[i] == PAGE_PRESENT || region->state[i] == PAGE_TRANSITION;
	return present;
}

static bool entry_is_readable(const struct region *region, uint64_t va, uint64_t length)
{
	for (uint64_t page = (va - region->va) / PAGE_SIZE;
	     page <= (va + length - 1 - region->va) / PAGE_SIZE; page++) {
		uint8_t state = region->state[page];
		if (state != PAGE_PRESENT && state != PAGE_TRANSITION)
			return false;
	}
	return true;
}

/* Which tags have counters, or could have some, in pages that are absent. */
static void find_touched_tags(struct world *w)
{
	uint64_t size = layout_tracker(w->config)->size;
	const struct region *expansion = find_region(w, "expansion", -1);
	for (uint32_t cpu = 0; cpu < w->table_count; cpu++) {
		const struct region *table = find_region(w, "tracker", (int)cpu);
		if (present_pages(table) == table->pages)
			continue;
		for (size_t i = 0; i < w->tag_count; i++) {
			struct tag *tag = &w->tags[i];
			if (tag->expansion || !tag->in_tracker ||
			    entry_is_readable(table, w->tables[cpu] + tag->slot * size, size))
				continue;
			tag->reach_of_missing = true;
			tag->touched_by_missing |= cpu == 0 || (tag->processors >> cpu & 1);
		}
	}
	for (size_t i = 0; i < w->tag_count && expansion; i++) {
		struct tag *tag = &w->tags[i];
		if (tag->expansion &&
		    !entry_is_readable(expansion, w->expansion + tag->slot * size, size))
			tag->touched_by_missing = tag->reach_of_missing = true;
	}
}

static json_t *make_side(const struct world *w, const struct side *side)
{
	json_t *object = json_object();
	truth_set(object, "allocs", truth_integer(side->allocs));
	truth_set(object, "frees", truth_integer(side->frees));
	truth_set(object, "diff",
		  truth_integer((side->allocs - side->frees) & tracker_count_mask(w)));
	truth_set(object, "bytes", truth_integer(side->bytes));
	return object;
}

static json_t *make_tags(const struct world *w)
{
	json_t *tags = json_array();
	for (size_t i = 0; i < w->tag_count; i++) {
		const struct tag *tag = &w->tags[i];
		json_t *object = json_object();
		truth_set_tag(object, tag->key);
		truth_set(object, "nonpaged", make_side(w, &tag->side[SIDE_NONPAGED]));
		truth_set(object, "paged", make_side(w, &tag->side[SIDE_PAGED]));
		truth_set(object, "slot", truth_integer(tag->slot));
		truth_set(object, "expansion", json_boolean(tag->expansion));
		truth_set(object, "touched_by_missing", json_boolean(tag->touched_by_missing));
		truth_set(object, "in_reach_of_missing", json_boolean(tag->reach_of_missing));
		truth_append(tags, object);
	}
	return tags;
}

static json_t *make_tracker(const struct world *w)
{
	json_t *tracker = json_object();
	uint64_t expected = 0, present = 0;
	for (uint32_t i = 0; i < w->table_count; i++) {
		const struct region *table = find_region(w, "tracker", (int)i);
		expected += table->pages;
		present += present_pages(table);
	}
	truth_set(tracker, "address", truth_address(w->tables[0]));
	truth_set(tracker, "entry_size", truth_integer(layout_tracker(w->config)->size));
	truth_set(tracker, "entries", truth_integer(w->table_entries));
	truth_set(tracker, "hash", json_sprintf("%c", layout_hash(w->config)));
	truth_set(tracker, "processors_merged", truth_integer(w->table_count));
	truth_set(tracker, "pages_expected", truth_integer(expected));
	truth_set(tracker, "pages_present", truth_integer(present));
	const struct region *expansion = find_region(w, "expansion", -1);
	truth_set(tracker, "expansion_address",
		  w->expansion ? truth_address(w->expansion) : json_null());
	truth_set(tracker, "expansion_entries", truth_integer(w->config->expansion_entries));
	truth_set(tracker, "expansion_pages", truth_integer(expansion ? expansion->pages : 0));
	truth_set(tracker, "expansion_pages_present", truth_integer(present_pages(expansion)));
	bool complete =
		present == expected && (!expansion || present_pages(expansion) == expansion->pages);
	truth_set(tracker, "complete", json_boolean(complete));
	json_t *tables = json_array();
	for (uint32_t i = 0; i < w->table_count; i++)
		truth_append(tables, truth_address(w->tables[i]));
	truth_set(tracker, "tables", tables);
	return tracker;
}

static json_t *make_big_side(const struct side *side)
{
	json_t *object = json_object();
	truth_set(object, "count", truth_integer(side->allocs));
	truth_set(object, "bytes", truth_integer(side->bytes));
	return object;
}

static json_t *make_big(const struct world *w)
{
	json_t *big = json_object(), *by_tag = json_array();
	const struct region *table = find_region(w, "big", -1);
	truth_set(big, "address", truth_address(w->big_table));
	truth_set(big, "entry_size", truth_integer(layout_big(w->config)->size));
	truth_set(big, "entries", truth_integer(w->config->big_entries));
	truth_set(big, "in_use", truth_integer(w->big_live));
	truth_set(big, "freed", truth_integer(w->big_freed));
	truth_set(big, "pages_expected", truth_integer(table->pages));
	truth_set(big, "pages_present", truth_integer(present_pages(table)));
	truth_set(big, "complete", json_boolean(present_pages(table) == table->pages));
	for (size_t i = 0; i < w->tag_count; i++) {
		const struct tag *tag = &w->tags[i];
		if (!tag->big[SIDE_NONPAGED].allocs && !tag->big[SIDE_PAGED].allocs)
			continue;
		json_t *object = json_object();
		truth_set_tag(object, tag->key);
		truth_set(object, "nonpaged", make_big_side(&tag->big[SIDE_NONPAGED]));
		truth_set(object, "paged", make_big_side(&tag->big[SIDE_PAGED]));
		truth_append(by_tag, object);
	}
	truth_set(big, "by_tag", by_tag);
	return big;
}

static json_t *make_contents(const struct world *w)
{
	json_t *array = json_array();
	for (size_t i = 0; i < w->content_count; i++) {
		const struct content *c = &w->contents[i];
		json_t *object = json_object();
		truth_set_tag(object, c->key);
		truth_set(object, "module", json_string(c->name));
		truth_set(object, "unloaded", json_boolean(c->unloaded));
		truth_set(object, "blocks", truth_integer(c->blocks));
		truth_set(object, "pointers", truth_integer(c->pointers));
		truth_append(array, object);
	}
	return array;
}

/* In bytes; null where the build has no such member. */
static json_t *make_mm_state(const struct world *w)
{
	uint64_t counts[MM_STATE_COUNTS];
	json_t *object = json_object();
	mm_state_counts(w, counts);
	for (unsigned i = 0; i < MM_STATE_COUNTS; i++) {
		char *key = xstrdup(mm_state_name(i));
		for (char *at = strchr(key, '-'); at; at = strchr(at, '-'))
			*at = '_';
		truth_set(object, key,
			  counts[i] == UINT64_MAX ? json_null()
						  : truth_integer(counts[i] << PAGE_SHIFT));
		free(key);
	}
	return object;
}

static json_t *make_session(const struct world *w, const struct session *s)
{
	json_t *object = json_object(), *tags = json_array();
	uint64_t bytes[SIDES] = {0};
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct tag *tag = &s->tags[i];
		json_t *row = json_object();
		truth_set_tag(row, tag->key);
		truth_set(row, "nonpaged", make_side(w, &tag->side[SIDE_NONPAGED]));
		truth_set(row, "paged", make_side(w, &tag->side[SIDE_PAGED]));
		truth_set(row, "slot", truth_integer(tag->slot));
		truth_set(row, "expansion", json_boolean(tag->expansion));
		truth_append(tags, row);
		bytes[SIDE_NONPAGED] += tag->side[SIDE_NONPAGED].bytes;
		bytes[SIDE_PAGED] += tag->side[SIDE_PAGED].bytes;
	}
	truth_set(object, "id", truth_integer(s->id));
	truth_set(object, "space", truth_address(s->space));
	truth_set(object, "directory_table_base", truth_address(s->dtb));
	truth_set(object, "address", truth_address(s->table));
	truth_set(object, "entries", truth_integer(s->entries));
	truth_set(object, "entry_size", truth_integer(layout_tracker(w->config)->size));
	truth_set(object, "nonpaged_bytes", truth_integer(bytes[SIDE_NONPAGED]));
	truth_set(object, "paged_bytes", truth_integer(bytes[SIDE_PAGED]));
	truth_set(object, "tags", tags);
	return object;
}

static json_t *make_sessions(const struct world *w)
{
	json_t *sessions = json_array();
	for (size_t i = 0; i < w->session_count; i++)
		truth_append(sessions, make_session(w, &w->sessions[i]));
	return sessions;
}

json_t *truth_pool(struct world *w)
{
	json_t *pool = json_object(), *totals = json_object();
	uint64_t bytes[SIDES] = {0};
	for (size_t i = 0; i < w->tag_count; i++) {
		bytes[SIDE_NONPAGED] += w->tags[i].side[SIDE_NONPAGED].bytes;
		bytes[SIDE_PAGED] += w->tags[i].side[SIDE_PAGED].bytes;
	}
	truth_set(totals, "nonpaged_bytes", truth_integer(bytes[SIDE_NONPAGED]));
	truth_set(totals, "paged_bytes", truth_integer(bytes[SIDE_PAGED]));
	find_touched_tags(w);
	truth_set(pool, "tracker", make_tracker(w));
	truth_set(pool, "tags", make_tags(w));
	truth_set(pool, "big_pages", make_big(w));
	truth_set(pool, "totals", totals);
	truth_set(pool, "contents", make_contents(w));
	truth_set(pool, "sessions", make_sessions(w));
	truth_set(pool, "mm_state", mm_state_size(w->config) ? make_mm_state(w) : json_null());
	return pool;
}
