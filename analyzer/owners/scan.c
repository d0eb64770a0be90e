/*
 * Rounds over one image: byte scan for the new callees, data flow in the functions that refer to
 * them, and evaluation of the calls found there (sites.c).
 */
#include "analyzer/owners/scan.h"

#include <stdlib.h>

#include "analyzer/owners/callbacks.h"
#include "analyzer/owners/popped.h"
#include "analyzer/owners/refs.h"
#include "analyzer/owners/sites.h"
#include "analyzer/owners/sweep.h"
#include "analyzer/owners/wdf.h"
#include "base/memory.h"
#include "base/search.h"
#include "base/signals.h"

enum {
	ENTRIES_TRIED = 6, /* beginnings before a place that are tried in turn */

	/* Work in the units of flow_work(). */
	WORK_A_FUNCTION = 64, /* any analysis, at least */
	WORK_A_SWEEP = 512,   /* and for each byte swept: */
	WORK_SWEPT = 4,
	WORK_SCANNED = 64,    /* bytes of code scanned for references, for 1 */
	WORK_MOVED = 64,      /* entries moved in a list, for 1 */
	WORK_A_CALLBACK = 16, /* looking for a callback in the arguments of one call */
};

/* Places of the image that may refer to a callee, and the function each is in. */
struct hit {
	uint32_t rva;
	bool covered; /* an evaluated call has its target from here */
};

struct round {
	struct view *view;
	struct flow *flow;
	struct hit *hits; /* by rva */
	size_t hit_count, hit_capacity;
	bool unsorted;  /* the hits, as long as they come in */
	size_t from;    /* callees of this round start here */
	bool callbacks; /* some of them may be registered */
	uint32_t *done; /* entries analysed in this round, ascending */
	size_t done_count, done_capacity;
	bool no_memory;
};

static bool note_hit(void *context, uint32_t rva, uint64_t target)
{
	struct round *round = context;

	(void)target;
	if (round->hit_count > 0 && round->hits[round->hit_count - 1].rva == rva)
		return true;
	round->unsorted |= round->hit_count > 0 && round->hits[round->hit_count - 1].rva > rva;
	if (!mem_grow((void **)&round->hits, round->hit_count, &round->hit_capacity,
		      sizeof(*round->hits))) {
		round->no_memory = true;
		return false;
	}
	round->hits[round->hit_count++] = (struct hit){.rva = rva};
	return true;
}

static int compare_hits(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->rva < y->rva ? -1 : x->rva > y->rva;
}

static uint64_t hit_rva(const void *item)
{
	return ((const struct hit *)item)->rva;
}

/*
 * The instruction at `rva` brought a target: its displacement is inside it. ARM64 has the reference
 * in the ADRP and the load after it.
 */
static void cover(struct round *round, uint32_t rva)
{
	bool arm = round->view->image->machine == PE_ARM64;
	uint32_t from = arm && rva > 64 ? rva - 64 : rva, to = arm ? rva + 4 : rva + 8;
	size_t i = search_first(round->hits, round->hit_count, sizeof(*round->hits), hit_rva, from);

	for (; i < round->hit_count; i++) {
		if (round->hits[i].rva >= to)
			break;
		round->hits[i].covered = true;
	}
}

static void visit(void *context, const struct flow_call *call)
{
	struct round *round = context;
	struct view *view = round->view;

	if (round->callbacks && view_work(view, (view->first_new - round->from) * WORK_A_CALLBACK))
		callbacks_visit(view, call, round->from);
	for (unsigned i = 0; i < call->target.count; i++) {
		const struct flow_atom *atom = &call->target.atoms[i];

		if (!site_evaluate(round->view, call, atom))
			continue;
		cover(round, call->rva);
		cover(round, atom->from);
	}
}

static bool interest(void *context, const struct flow_atom *target, struct flow_needs *needs)
{
	const struct round *round = context;

	return site_interest(round->view, target, needs);
}

/* True when the entry was not analysed in this round yet; remembers it. */
static bool is_new_entry(struct round *round, uint32_t entry)
{
	size_t at = search_first(round->done, round->done_count, sizeof(*round->done), search_u32,
				 entry);

	if (at < round->done_count && round->done[at] == entry)
		return false;
	if (!mem_grow((void **)&round->done, round->done_count, &round->done_capacity,
		      sizeof(*round->done))) {
		round->no_memory = true;
		return false;
	}
	/* Hits come by address, so this is the end or close to it, but for made-up records. */
	view_work(round->view, (round->done_count - at) / WORK_MOVED);
	for (size_t i = round->done_count; i > at; i--)
		round->done[i] = round->done[i - 1];
	round->done[at] = entry;
	round->done_count++;
	return true;
}

static void analyse(struct round *round, uint32_t entry)
{
	struct view *view = round->view;
	uint64_t before = flow_work(round->flow);

	if (!is_new_entry(round, entry) || !view_work(view, WORK_A_FUNCTION))
		return;
	if (!flow_function(round->flow, view->image, &view->functions, entry, visit, round))
		view->cut_functions = true;
	view_work(view, flow_work(round->flow) - before);
}

/* Beginnings that only the code between the last known one and the place shows. */
static void analyse_swept(struct round *round, size_t place, uint32_t from)
{
	uint32_t begins[SWEEP_BEGINS], rva = round->hits[place].rva;
	unsigned count;

	if (!view_work(round->view, WORK_A_SWEEP + (uint64_t)(rva - from) * WORK_SWEPT))
		return;
	count = sweep_begins(round->view->image, from, rva, begins);
	for (unsigned i = 0; i < count && !round->hits[place].covered; i++)
		analyse(round, begins[i]);
}

/* A place outside all unwind records: beginnings before it are tried, nearest first. */
static void analyse_unrecorded(struct round *round, size_t place)
{
	struct view *view = round->view;
	uint32_t rva = round->hits[place].rva;
	size_t upto, entry;

	if (!view->entries.found && !entries_find(&view->entries, view->image, &view->functions)) {
		round->no_memory = true;
		return;
	}
	upto = entry = entries_upto(&view->entries, rva);
	for (unsigned tries = 0; tries < ENTRIES_TRIED && entry > 0; tries++) {
		if (round->hits[place].covered || round->no_memory || view->gave_up)
			return;
		analyse(round, view->entries.rvas[--entry]);
	}
	if (upto > 0 && !round->hits[place].covered &&
	    rva - view->entries.rvas[upto - 1] <= SWEEP_BYTES)
		analyse_swept(round, place, view->entries.rvas[upto - 1]);
}

static void analyse_hits(struct round *round)
{
	struct view *view = round->view;

	for (size_t i = 0; i < round->hit_count && !round->no_memory; i++) {
		const struct pe_function *function =
			pe_function_at(&view->functions, round->hits[i].rva);

		if (view->gave_up || view->no_memory || signals_interrupted())
			return;
		if (function)
			analyse(round, function->root);
		else if (!round->hits[i].covered)
			analyse_unrecorded(round, i);
	}
}

static bool add_targets(struct view *view, struct refs *refs, size_t from)
{
	for (size_t i = from; i < view->callees.count; i++) {
		uint64_t va = view->callees.items[i].va;
		uint32_t rva;

		view->callees.items[i].round = view->round;
		if (pe_rva_of(view->image, va, &rva) ? !refs_add_rva(refs, rva)
						     : !refs_add_va(refs, va))
			return false;
	}
	return true;
}

static bool one_round(struct view *view, struct flow *flow, size_t from)
{
	struct round round = {.view = view,
			      .flow = flow,
			      .from = from,
			      .callbacks = callbacks_wanted(view, from)};
	struct refs *refs = refs_create(view->image);
	bool ok = refs && add_targets(view, refs, from);

	/* Callbacks may be handed to any call. */
	flow_set_interest(flow, round.callbacks ? NULL : interest);
	if (ok) {
		view_work(view, view_code_bytes(view) / WORK_SCANNED);
		refs_scan(refs, note_hit, &round);
		if (view->round == 0)
			wdf_references(view, note_hit, &round);
		if (round.unsorted)
			qsort(round.hits, round.hit_count, sizeof(*round.hits), compare_hits);
		analyse_hits(&round);
		ok = !round.no_memory && !view->no_memory;
	}
	refs_destroy(refs);
	free(round.hits);
	free(round.done);
	return ok;
}

/* Wrappers and thunks that were found begin functions, whatever lies beside them. */
static bool begins_callee(void *context, uint32_t rva)
{
	const struct view *view = context;

	return callees_find(&view->callees, view->image->base + rva) != NULL;
}

static bool all_rounds(struct view *view, struct flow *flow)
{
	while (view->first_new < view->callees.count ||
	       (view->round == 0 && view->wdf_functions != 0)) {
		size_t from = view->first_new;

		if (view->gave_up || signals_interrupted())
			break;
		view->first_new = view->callees.count;
		if (!one_round(view, flow, from))
			return false;
		view->round++;
	}
	return true;
}

bool scan_view(struct view *view, struct flow *flow)
{
	bool ok;

	flow_set_begins(flow, begins_callee, view);
	if (view->image->machine == PE_X86)
		flow_set_popped(flow, popped_of, view);
	ok = all_rounds(view, flow);
	flow_set_begins(flow, NULL, NULL);
	flow_set_interest(flow, NULL);
	flow_set_popped(flow, NULL, NULL);
	return ok;
}

void scan_finish(struct view *view)
{
	sites_count(view);
}
