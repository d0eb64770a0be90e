/*
 * Decides the geometry of a tracker table by voting over its keys. See vote.h.
 */
#include "analyzer/pool/vote.h"

#include "analyzer/pool/tag_hash.h"

/* Fewer voters prove nothing without a variable that names the size. */
enum { ENOUGH_VOTERS = 32, FEW_VOTERS = 8 };

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

/* Slots in use directly before the one looked at. */
struct run {
	uint64_t length;
	bool open; /* it begins behind a slot that is not in the dump: it may be longer */
};

static void run_advance(struct run *run, enum slot_state state)
{
	if (state == SLOT_USED)
		run->length++;
	else
		*run = (struct run){.open = state == SLOT_UNKNOWN};
}

/* The run that ends at the last slot and goes on at slot 0, because the ring is closed. */
static struct run run_at_end(const struct view *view, const struct geometry *g)
{
	uint64_t slots = UINT64_C(1) << g->shift;
	struct run run = {0};
	uint32_t key;

	while (run.length < slots) {
		enum slot_state state =
			slot_state(view, g->layout->entry_size, slots - 1 - run.length, &key);

		run.open = state == SLOT_UNKNOWN;
		if (state != SLOT_USED)
			break;
		run.length++;
	}
	return run;
}

/*
 * A key is reachable when every slot from its home up to it is in use; whether it is, is not known
 * when one of them is not in the dump, and then it has no vote.
 */
void geometry_count(const struct view *view, struct geometry *g)
{
	uint64_t slots = UINT64_C(1) << g->shift;
	struct run run = run_at_end(view, g);

	g->homed = g->reachable = g->voters = 0;
	for (uint64_t slot = 0; slot < slots; slot++) {
		uint32_t key = 0;
		enum slot_state state = slot_state(view, g->layout->entry_size, slot, &key);
		uint64_t way = (slot - tag_hash(g->hash, key)) & (slots - 1);

		if (state == SLOT_USED && (way <= run.length || !run.open)) {
			/* The tracker strips the protected bit from a tag before it looks for it.
			 */
			bool possible = way <= run.length && key >> 31 == 0;

			g->voters++;
			g->reachable += possible;
			g->homed += possible && way == 0;
		}
		run_advance(&run, state);
	}
}

int64_t geometry_score(const struct geometry *g)
{
	return (int64_t)g->homed - (int64_t)(g->voters - g->reachable);
}

/* Of equals the one that both variables name, then the larger table: it can hide no tag. */
static bool is_better(const struct geometry *a, const struct geometry *b, uint32_t pairs)
{
	int64_t a_score = geometry_score(a), b_score = geometry_score(b);

	if (!b->layout || a_score != b_score)
		return !b->layout || a_score > b_score;
	if ((pairs >> a->shift & 1) != (pairs >> b->shift & 1))
		return pairs >> a->shift & 1;
	return a->shift > b->shift;
}

/* With more than the right size keys lose their place, and the larger sizes need no look. */
static bool larger_sizes_fail(const struct geometry *g, int64_t best_score)
{
	return g->voters >= ENOUGH_VOTERS && geometry_score(g) < best_score - best_score / 3;
}

static enum ps_status vote_sizes(struct view *view, struct geometry g,
				 const struct geometry_hints *hints, struct geometry *best,
				 struct ps_error *err)
{
	int64_t best_score = 0;

	for (g.shift = TRACKER_MIN_SHIFT; g.shift <= TRACKER_MAX_SHIFT; g.shift++) {
		size_t size = (((size_t)1 << g.shift) + 1) * g.layout->entry_size;
		enum ps_status status;

		if (hints->sizes && !(hints->sizes >> g.shift & 1))
			continue;
		status = view_extend(view, size, err);
		if (status != PS_OK)
			return status;
		geometry_count(view, &g);
		if (geometry_score(&g) > 0 && is_better(&g, best, hints->pairs))
			*best = g;
		if (geometry_score(&g) > best_score)
			best_score = geometry_score(&g);
		if (larger_sizes_fail(&g, best_score))
			break;
	}
	return PS_OK;
}

static bool is_prior(const struct tracker_layout *layout, const struct geometry_hints *hints)
{
	return !hints->build_known ||
	       (hints->build >= layout->first_build && hints->build <= layout->last_build);
}

static enum ps_status vote_layout(struct view *view, const struct tracker_layout *layout,
				  const struct geometry_hints *hints, struct geometry *best,
				  struct ps_error *err)
{
	static const char hashes[] = {'A', 'B'};
	struct geometry own = {0};

	for (size_t h = 0; h < sizeof(hashes); h++) {
		struct geometry g = {.layout = layout, .hash = hashes[h]};
		enum ps_status status = vote_sizes(view, g, hints, &own, err);

		if (status != PS_OK)
			return status;
	}
	/* Against the build it takes more than a few keys that happen to sit well. */
	if (own.layout && (is_prior(layout, hints) || own.homed >= FEW_VOTERS) &&
	    is_better(&own, best, hints->pairs))
		*best = own;
	return PS_OK;
}

enum ps_status geometry_vote(struct view *view, const struct geometry_hints *hints,
			     struct geometry *ret, struct ps_error *err)
{
	struct geometry best = {0};

	if (hints->only && vote_layout(view, hints->only, hints, &best, err) != PS_OK)
		return err->status;
	for (size_t i = 0; i < tracker_layout_count && !hints->only; i++) {
		enum ps_status status;

		if (tracker_layouts[i].pointer_size != hints->pointer_size)
			continue;
		status = vote_layout(view, &tracker_layouts[i], hints, &best, err);
		if (status != PS_OK)
			return status;
	}
	if (!best.layout)
		return ps_fail_at(err, PS_NOT_FOUND, view->va,
				  "no key of the table at 0x%016llx sits where a tag hash puts it",
				  (unsigned long long)view->va);
	*ret = best;
	return PS_OK;
}

bool geometry_proved(const struct geometry *g, bool named)
{
	if (g->voters < FEW_VOTERS)
		return named && g->homed && g->reachable == g->voters;
	return g->reachable * 100 >= g->voters * 95 && g->homed * 4 >= g->voters;
}
