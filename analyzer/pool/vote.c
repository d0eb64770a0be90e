/*
 * Decides the geometry of a tracker table by voting over its keys. See vote.h.
 */
#include "analyzer/pool/vote.h"

#include "analyzer/pool/tag_hash.h"

/* A probe path longer than this counts as unreachable; it bounds the work on hostile tables. */
enum { LONGEST_PROBE = 1 << 12 };

/* Once a size has this many keys and fewer than a third of the best at home, larger ones fail too.
 */
enum { ENOUGH_VOTERS = 32 };

enum slot_state { SLOT_UNKNOWN, SLOT_FREE, SLOT_USED };

static enum slot_state slot_state(const struct view *view, size_t entry_size, uint64_t slot,
				  uint32_t *ret_key)
{
	size_t offset = (size_t)slot * entry_size;

	if (!view_has(view, offset, 4))
		return SLOT_UNKNOWN;
	*ret_key = (uint32_t)view_uint(view, offset, 4);
	return *ret_key ? SLOT_USED : SLOT_FREE;
}

/* True when every slot from `home` up to `slot` is in use; *ret_seen false when one is not there.
 */
static bool path_is_used(const struct view *view, const struct geometry *g, uint64_t home,
			 uint64_t slot, bool *ret_seen)
{
	uint64_t mask = (UINT64_C(1) << g->shift) - 1;
	uint32_t key;

	*ret_seen = true;
	if (((slot - home) & mask) > LONGEST_PROBE)
		return false;
	for (uint64_t i = home; i != slot; i = (i + 1) & mask) {
		switch (slot_state(view, g->layout->entry_size, i, &key)) {
		case SLOT_UNKNOWN: *ret_seen = false; return false;
		case SLOT_FREE: return false;
		case SLOT_USED: break;
		}
	}
	return true;
}

void geometry_count(const struct view *view, struct geometry *g)
{
	uint64_t slots = UINT64_C(1) << g->shift;

	g->homed = g->reachable = g->voters = 0;
	for (uint64_t slot = 0; slot < slots; slot++) {
		uint32_t key = 0;
		uint64_t home;
		bool seen, used;

		if (slot_state(view, g->layout->entry_size, slot, &key) != SLOT_USED)
			continue;
		home = tag_hash(g->hash, key) & (slots - 1);
		used = path_is_used(view, g, home, slot, &seen);
		if (!seen)
			continue;
		g->voters++;
		g->reachable += used;
		g->homed += home == slot;
	}
}

static bool is_better(const struct geometry *a, const struct geometry *b, uint32_t preferred)
{
	bool a_named, b_named;

	if (a->homed != b->homed)
		return a->homed > b->homed;
	a_named = preferred >> a->shift & 1;
	b_named = preferred >> b->shift & 1;
	if (a_named != b_named)
		return a_named;
	return a->shift > b->shift;
}

static enum ps_status vote_sizes(struct view *view, struct geometry g, uint32_t preferred,
				 struct geometry *best, struct ps_error *err)
{
	uint64_t most = 0;

	for (g.shift = TRACKER_MIN_SHIFT; g.shift <= TRACKER_MAX_SHIFT; g.shift++) {
		size_t size = (((size_t)1 << g.shift) + 1) * g.layout->entry_size;
		enum ps_status status = view_extend(view, size, err);

		if (status != PS_OK)
			return status;
		geometry_count(view, &g);
		if (g.homed && (!best->layout || is_better(&g, best, preferred)))
			*best = g;
		if (g.homed > most)
			most = g.homed;
		if (g.voters >= ENOUGH_VOTERS && g.homed < most - most / 3)
			break;
		if (g.voters >= ENOUGH_VOTERS && g.homed * 8 < g.voters)
			break;
	}
	return PS_OK;
}

enum ps_status geometry_vote(struct view *view, unsigned pointer_size, uint32_t preferred,
			     struct geometry *ret, struct ps_error *err)
{
	struct geometry best = {0};

	for (size_t i = 0; i < tracker_layout_count; i++) {
		static const char hashes[] = {'A', 'B'};

		if (tracker_layouts[i].pointer_size != pointer_size)
			continue;
		for (size_t h = 0; h < sizeof(hashes); h++) {
			struct geometry g = {.layout = &tracker_layouts[i], .hash = hashes[h]};
			enum ps_status status = vote_sizes(view, g, preferred, &best, err);

			if (status != PS_OK)
				return status;
		}
	}
	if (!best.layout)
		return ps_fail_at(err, PS_NOT_FOUND, view->va,
				  "no key of the table at 0x%016llx sits where a tag hash puts it",
				  (unsigned long long)view->va);
	*ret = best;
	return PS_OK;
}

bool geometry_proved(const struct geometry *g)
{
	return g->voters && g->reachable * 100 >= g->voters * 95 && g->homed * 4 >= g->voters;
}
