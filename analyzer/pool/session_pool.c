/*
 * See session_pool.h. A session is read through the first of its processes whose page tables map
 * the kernel; what its table must look like the system's own table says: same layout, same hash.
 */
#include "analyzer/pool/session_pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/pool/vote.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	TABLE_SHIFT_MOST = 14, /* 16,384 tags of a session are more than Windows has room for */
	TRIES = 8,             /* processes of a session whose page tables are tried */
	EXPANSION_MOST = 1 << 14,
};

/* A session while it is read. */
struct reading {
	struct kernel *kernel;
	const struct pools *pools;
	struct session_layout layout;
	struct space *space; /* owned: of the process */
	struct session_pool *session;
	struct geometry geometry;
};

static bool pointer_at(struct reading *r, uint64_t va, uint64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;

	return space_read_pointer(r->space, va, ret, &ignored) == PS_OK;
}

/* The same page of the kernel under both: not those of a process that has ended, nor a shadow. */
static bool maps_kernel(struct kernel *k, struct space *space)
{
	struct translation own, other;
	struct hole hole;

	return space_translate(k->space, k->base, &own, &hole) &&
	       space_translate(space, k->base, &other, &hole) && own.pa == other.pa;
}

static bool open_space(struct reading *r, const struct process_list *list, const struct process *p)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct kernel *k = r->kernel;
	struct space *space;
	uint64_t dtb, at;

	if (space_read_pointer(k->space, p->va + list->offsets.dtb, &dtb, &ignored) != PS_OK ||
	    space_read_pointer(k->space, p->va + list->offsets.session, &at, &ignored) != PS_OK ||
	    dtb == 0 ||
	    space_create(k->dump, space_paging(k->space), dtb, &space, &ignored) != PS_OK)
		return false;
	if (!maps_kernel(k, space)) {
		space_destroy(space);
		return false;
	}
	r->space = space;
	r->session->dtb = dtb;
	r->session->space = at;
	r->session->pid = p->pid;
	memcpy(r->session->process, p->name, sizeof(r->session->process));
	return true;
}

/* One that runs is likelier to have its page tables still. */
static enum ps_status find_space(struct reading *r, const struct process_list *list,
				 struct ps_error *err)
{
	unsigned tried = 0;

	for (int running = 1; running >= 0; running--) {
		for (size_t i = 0; i < list->count && tried < TRIES; i++) {
			const struct process *p = &list->items[i];

			if (!p->session.known || p->session.value != r->session->id ||
			    (p->state == PROCESS_RUNS) != running)
				continue;
			tried++;
			if (open_space(r, list, p))
				return PS_OK;
		}
	}
	return ps_fail(err, PS_ABSENT,
		       "the page tables of its processes are not in the dump, or map no kernel "
		       "(%u tried)",
		       tried);
}

/* Sizes that may be: what the variable says, else any. */
static void hint(struct reading *r, struct geometry_hints *hints)
{
	uint64_t va, size;

	*hints = (struct geometry_hints){.pointer_size = r->kernel->pointer_size};
	if (!symbols_address_of(r->kernel->symbols, r->kernel->base, "ExpSessionPoolTrackTableSize",
				&va) ||
	    !pointer_at(r, va, &size))
		return;
	for (unsigned shift = TRACKER_MIN_SHIFT; shift <= TABLE_SHIFT_MOST; shift++) {
		if (size == (UINT64_C(1) << shift) + 1)
			hints->sizes = UINT32_C(1) << shift;
	}
}

/* The system's layout and hash; of the sizes the one with the most keys at home. */
static enum ps_status vote(struct reading *r, struct view *view, const struct geometry_hints *hints,
			   struct ps_error *err)
{
	const struct pool_globals *g = &r->pools->globals;
	struct geometry best = {.layout = NULL};

	if (g->hash == '?')
		return ps_fail(err, PS_NOT_FOUND,
			       "the system's own tables do not tell what a tag table looks like");
	for (unsigned shift = TRACKER_MIN_SHIFT; shift <= TABLE_SHIFT_MOST; shift++) {
		struct geometry now = {.layout = g->layout, .hash = g->hash, .shift = shift};
		size_t size = (((size_t)1 << shift) + 1) * g->layout->entry_size;

		if (hints->sizes && !(hints->sizes >> shift & 1))
			continue;
		if (view_extend(view, size, err) != PS_OK)
			return err->status;
		geometry_count(view, &now);
		if (geometry_score(&now) > 0 &&
		    (!best.layout || geometry_score(&now) > geometry_score(&best)))
			best = now;
	}
	if (view->pages_present == 0)
		return ps_fail(err, PS_ABSENT, "none of its pages is in the dump");
	if (!best.layout || !geometry_proved(&best, hints->sizes != 0))
		return ps_fail(err, PS_NOT_FOUND,
			       "no tag is where a hash puts it, so it is no tag table, or an empty "
			       "one");
	r->geometry = best;
	return PS_OK;
}

static enum ps_status prove(struct reading *r, uint64_t table, struct ps_error *err)
{
	struct geometry_hints hints;
	enum ps_status status;
	struct view view;

	if (!space_is_kernel_address(r->space, table) || table % 8 != 0)
		return ps_fail(err, PS_CORRUPT, "0x%" PRIx64 " is no address of a table", table);
	hint(r, &hints);
	view_init(&view, r->space, table);
	status = vote(r, &view, &hints, err);
	view_fini(&view);
	return status;
}

/* The expansion table holds what the first has no room for; keys are printed characters. */
static void find_expansion(struct reading *r, struct pool_globals *g)
{
	uint64_t at = r->session->space + r->layout.expansion, table, entries;
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t key;

	if (r->layout.expansion == 0 || !pointer_at(r, at, &table) || table == 0 ||
	    !pointer_at(r, at + r->kernel->pointer_size, &entries) || entries < 2 ||
	    entries > EXPANSION_MOST || !space_is_kernel_address(r->space, table))
		return;
	if (space_read_u32(r->space, table, &key, &ignored) == PS_OK && key >> 31)
		return;
	g->expansion = (struct global){.found = true, .va = at, .value = table};
	g->expansion_size = (struct global){.found = true, .value = entries};
}

static enum ps_status read_rows(struct reading *r, uint64_t table, struct ps_error *err)
{
	uint64_t tables[1] = {table};
	int numbers[1] = {0};
	struct pool_globals g = {
		.found_by = r->session->found_by,
		.tracker = {.found = true, .value = table},
		.tracker_size = {.found = true, .value = (UINT64_C(1) << r->geometry.shift) + 1},
		.tracker_mask = {.found = true, .value = (UINT64_C(1) << r->geometry.shift) - 1},
		.layout = r->geometry.layout,
		.hash = r->geometry.hash,
		.processor_tables = tables,
		.processor_numbers = numbers,
		.processor_table_count = 1,
		.processors_known = true,
	};

	find_expansion(r, &g);
	return tracker_read(r->space, &g, &r->session->tracker, err);
}

struct candidate {
	uint64_t table;
	const char *words;
};

static unsigned candidates(struct reading *r, struct candidate ret[2])
{
	const struct session_layout *l = &r->layout;
	unsigned count = 0;
	uint64_t va;

	if (symbols_address_of(r->kernel->symbols, r->kernel->base, "ExpSessionPoolTrackTable",
			       &va) &&
	    pointer_at(r, va, &ret[count].table) && ret[count].table != 0)
		ret[count++].words = "ExpSessionPoolTrackTable (symbols)";
	if (l->tags == 0)
		return count;
	ret[count].table = r->session->space + l->tags;
	ret[count].words = "PoolTags of MM_SESSION_SPACE";
	if (!l->tags_pointer || pointer_at(r, r->session->space + l->tags, &ret[count].table))
		count++;
	return count;
}

static enum ps_status read_table(struct reading *r, struct ps_error *err)
{
	struct candidate found[2];
	unsigned count = candidates(r, found);

	if (count == 0)
		return ps_fail(err, PS_UNSUPPORTED,
			       "no symbols name ExpSessionPoolTrackTable, and where "
			       "MM_SESSION_SPACE has it is not known of this build, or not in the "
			       "dump");
	for (unsigned i = 0; i < count; i++) {
		ps_error_clear(err);
		if (prove(r, found[i].table, err) == PS_OK) {
			r->session->found_by = found[i].words;
			return read_rows(r, found[i].table, err);
		}
		if (err->status == PS_NO_MEMORY || err->status == PS_INTERRUPTED)
			return err->status;
		ps_wrap(err, "the table at 0x%016" PRIx64 " that %s leads to", found[i].table,
			found[i].words);
	}
	return err->status;
}

static enum ps_status read_session(struct kernel *kernel, const struct pools *pools,
				   const struct process_list *list, struct session_pool *session,
				   struct ps_error *err)
{
	struct reading r = {.kernel = kernel,
			    .pools = pools,
			    .layout = session_layout(kernel),
			    .session = session};
	struct ps_error why = PS_ERROR_INIT;
	enum ps_status status = find_space(&r, list, &why);

	if (status == PS_OK)
		status = read_table(&r, &why);
	space_destroy(r.space);
	session->available = status == PS_OK;
	session->error = why;
	if (status == PS_NO_MEMORY || status == PS_INTERRUPTED) {
		*err = why;
		return status;
	}
	return PS_OK;
}

static bool has_session(const struct session_pools *pools, uint64_t id)
{
	for (size_t i = 0; i < pools->count; i++) {
		if (pools->items[i].id == id)
			return true;
	}
	return false;
}

static int by_id(const void *a, const void *b)
{
	const struct session_pool *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Each session that a process names, by its number. */
static enum ps_status collect(const struct process_list *list, struct session_pools *ret,
			      struct ps_error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct fact *session = &list->items[i].session;

		if (!session->known || has_session(ret, session->value))
			continue;
		if (ret->count == SESSION_POOLS_MOST) {
			ret->passed_over++;
			continue;
		}
		if (!mem_grow((void **)&ret->items, ret->count, &ret->capacity,
			      sizeof(*ret->items)))
			return ps_fail_memory(err, "the sessions");
		ret->items[ret->count++] = (struct session_pool){.id = session->value};
	}
	if (ret->count > 0)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_id);
	return PS_OK;
}

static bool all_told(const struct process_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct process *p = &list->items[i];

		if (p->state != PROCESS_EXITED && !p->session.known && !p->no_session)
			return false;
	}
	return list->complete;
}

/* No session was found: none is there only when every process says so. */
static void judge_none(const struct kernel *kernel, const struct process_list *list,
		       struct session_pools *ret)
{
	if (ret->sessions_known)
		return;
	ret->available = false;
	if (list->offsets.session == 0 || list->offsets.session_id == 0) {
		ps_fail(&ret->error, PS_UNSUPPORTED,
			"cannot find the sessions: where build %" PRIu64
			" keeps a process's session is not known",
			kernel->build.value);
		ps_hint(&ret->error, "symbols of this kernel can name it (--symbols)");
	} else {
		ps_fail(&ret->error, PS_ABSENT,
			"cannot find the sessions: no process of the list tells its session");
	}
}

enum ps_status session_pools_read(struct kernel *kernel, const struct pools *pools,
				  struct session_pools *ret, struct ps_error *err)
{
	struct process_list list;
	enum ps_status status;

	*ret = (struct session_pools){.available = false};
	status = processes_read(kernel, &list, &ret->error);
	if (status == PS_NO_MEMORY || status == PS_INTERRUPTED)
		*err = ret->error;
	if (status != PS_OK)
		return status == PS_NO_MEMORY || status == PS_INTERRUPTED ? status : PS_OK;
	ret->available = true;
	ret->sessions_known = all_told(&list);
	status = collect(&list, ret, err);
	if (status == PS_OK && ret->count == 0)
		judge_none(kernel, &list, ret);
	for (size_t i = 0; i < ret->count && status == PS_OK; i++) {
		status = signals_interrupted()
				 ? ps_fail(err, PS_INTERRUPTED, "interrupted")
				 : read_session(kernel, pools, &list, &ret->items[i], err);
	}
	process_list_fini(&list);
	if (status != PS_OK)
		session_pools_fini(ret);
	return status;
}

void session_pools_fini(struct session_pools *pools)
{
	for (size_t i = 0; i < pools->count; i++) {
		if (pools->items[i].available)
			tracker_fini(&pools->items[i].tracker);
	}
	free(pools->items);
	*pools = (struct session_pools){.available = false};
}
