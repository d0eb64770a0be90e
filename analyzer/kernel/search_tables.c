/*
 * Looks at all page tables in memory, and chooses among the kernels that they lead to. See
 * search.h.
 *
 * An image of memory can hold several kernels: that of an earlier boot, whose tables survived a
 * restart, or that of a guest beside its host's. All roots of one kernel map its image and the page
 * that it shares with user mode (KUSER_SHARED_DATA) to the same places, which tells kernels apart;
 * the clock in that page stands still when its kernel ends, which tells the one that runs. A root
 * that the low stub names needs no comparison: that page is written anew by every boot.
 *
 * Not supported: a guest whose physical memory lies elsewhere in its host's. Its tables hold other
 * frame numbers than the image and are no roots here.
 */
#include "analyzer/kernel/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/kernel/shared_data.h"
#include "analyzer/memory/find_dtb.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/time.h"

enum {
	ROOTS_LIMIT = 1 << 16, /* that nothing proves at first sight */
	OTHERS_NAMED = 3,      /* kernels, in notes */
};

static const uint64_t nowhere = UINT64_MAX;

struct table_search {
	struct kernel_search *search;
	struct dtb_candidate *roots; /* owned: to be looked at again */
	size_t root_count, root_capacity;
	bool no_memory;
};

static uint64_t physical_page(struct space *space, uint64_t va)
{
	struct translation at;
	struct hole hole;

	return space_translate(space, va, &at, &hole) ? at.pa : nowhere;
}

static bool leads_to(struct space *space, const struct found_kernel *found)
{
	return found->image_page != nowhere &&
	       physical_page(space, found->base) == found->image_page &&
	       physical_page(space, shared_data_address(space)) == found->shared_page;
}

static bool is_known(const struct kernel_search *search, struct space *space)
{
	for (unsigned i = 0; i < search->kernel_count; i++)
		if (leads_to(space, &search->kernels[i]))
			return true;
	return false;
}

/* The kernel that proved_base tells, unless it is one whose image is not in the dump, seen again.
 */
static void add_kernel(struct kernel_search *search, struct space *space,
		       const struct dtb_candidate *root)
{
	struct found_kernel found = {
		.paging = root->paging,
		.dtb = root->dtb,
		.found_by = root->found_by,
		.base = search->proved_base,
		.proved_by = search->proved_by,
		.image_page = physical_page(space, search->proved_base),
		.shared_page = physical_page(space, shared_data_address(space)),
	};
	struct shared_data shared;

	shared_data_read(space, &shared);
	found.clock = shared.system_time.known ? shared.system_time.value : 0;
	for (unsigned i = 0; i < search->kernel_count; i++)
		if (search->kernels[i].base == found.base &&
		    search->kernels[i].image_page == found.image_page &&
		    search->kernels[i].shared_page == found.shared_page)
			return;
	if (search->kernel_count == KERNELS_LIMIT)
		search->more_kernels = true;
	else
		search->kernels[search->kernel_count++] = found;
}

static void remember(struct table_search *tables, const struct dtb_candidate *root)
{
	void *roots = tables->roots;

	if (tables->root_count == ROOTS_LIMIT)
		return;
	if (!mem_grow(&roots, tables->root_count, &tables->root_capacity, sizeof(*root))) {
		tables->no_memory = true;
		return;
	}
	tables->roots = roots;
	tables->roots[tables->root_count++] = *root;
}

/* Becomes the kernel's space. */
static bool take(struct kernel_search *search, struct space *space, const char *found_by)
{
	search->kernel->space = space;
	search->kernel->dtb_found_by = found_by;
	return true;
}

/* For find_dtb(): ends the search where a root is the right one for sure. */
static bool look_at(void *context, const struct dtb_candidate *root)
{
	struct table_search *tables = context;
	struct kernel_search *search = tables->search;
	struct ps_error ignored = PS_ERROR_INIT;
	struct space *space;

	if (space_create(search->kernel->dump, root->paging, root->dtb, &space, &ignored) != PS_OK)
		return false;
	if (search_proved_by_header(space) ||
	    (root->kernel_hint != 0 && (search_proved_by_hint(search, space, root->kernel_hint) ||
					search_proved_by_traces(search, space))))
		return take(search, space, root->found_by);
	if (is_known(search, space)) {
		space_destroy(space);
		return false;
	}
	if (root->kernel_hint == 0 && search_proved_by_traces(search, space))
		add_kernel(search, space, root);
	else
		remember(tables, root);
	space_destroy(space);
	return search->trouble.status != PS_OK;
}

/* A kernel whose KDBG is encoded, or none, is known by its image alone. */
static void look_again(struct table_search *tables)
{
	struct kernel_search *search = tables->search;

	if (tables->root_count > 0)
		log_info(search->log, "searching the kernel's addresses for its image");
	for (size_t i = 0; i < tables->root_count && !signals_interrupted(); i++) {
		const struct dtb_candidate *root = &tables->roots[i];
		struct ps_error ignored = PS_ERROR_INIT;
		struct space *space;

		if (space_create(search->kernel->dump, root->paging, root->dtb, &space, &ignored) !=
		    PS_OK)
			continue;
		if (!is_known(search, space) && search_proved_by_image(search, space))
			add_kernel(search, space, root);
		space_destroy(space);
	}
}

static const struct found_kernel *latest(const struct kernel_search *search)
{
	const struct found_kernel *best = &search->kernels[0];

	for (unsigned i = 1; i < search->kernel_count; i++)
		if (search->kernels[i].clock > best->clock)
			best = &search->kernels[i];
	return best;
}

static const char *clock_words(uint64_t clock, char out[TIME_ISO])
{
	if (clock == 0 || !time_to_iso(time_of_filetime(clock), out))
		snprintf(out, TIME_ISO, "not known");
	return out;
}

/* Of an earlier boot, or of a guest: whose figures these are must be said. */
static void note_others(struct kernel_search *search, const struct found_kernel *chosen)
{
	unsigned others = search->kernel_count - 1, named = 0;
	char clock[TIME_ISO];

	if (others == 0)
		return;
	kernel_note(search->kernel,
		    "memory holds the page tables of %s%u kernels; the one whose clock is latest "
		    "(%s) is used, at 0x%" PRIx64,
		    search->more_kernels ? "more than " : "", search->kernel_count,
		    clock_words(chosen->clock, clock), chosen->base);
	for (unsigned i = 0; i < search->kernel_count && named < OTHERS_NAMED; i++) {
		const struct found_kernel *other = &search->kernels[i];

		if (other == chosen)
			continue;
		named++;
		kernel_note(search->kernel,
			    "another kernel, of an earlier boot or of a guest: at 0x%" PRIx64
			    ", page tables at 0x%" PRIx64 ", clock %s",
			    other->base, other->dtb, clock_words(other->clock, clock));
	}
}

static enum ps_status choose(struct kernel_search *search, struct ps_error *err)
{
	const struct found_kernel *chosen = latest(search);
	struct space *space;

	if (space_create(search->kernel->dump, chosen->paging, chosen->dtb, &space, err) != PS_OK)
		return err->status;
	search->proved_base = chosen->base;
	search->proved_by = chosen->proved_by;
	take(search, space, chosen->found_by);
	note_others(search, chosen);
	return PS_OK;
}

static enum ps_status look_and_choose(struct table_search *tables, struct ps_error *err)
{
	struct kernel_search *search = tables->search;
	struct dtb_candidate found;
	enum ps_status status =
		find_dtb(search->kernel->dump, look_at, tables, search->progress, &found, err);

	if (status == PS_OK && search->trouble.status != PS_OK)
		*err = search->trouble;
	if (status != PS_NOT_FOUND)
		return err->status;
	look_again(tables);
	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	if (search->kernel_count > 0) {
		ps_error_clear(err);
		return choose(search, err);
	}
	return tables->no_memory ? ps_fail_memory(err, "page-table roots") : status;
}

enum ps_status search_all_tables(struct kernel_search *search, struct ps_error *err)
{
	struct table_search tables = {.search = search};

	log_info(search->log, "searching memory for page tables");
	look_and_choose(&tables, err);
	free(tables.roots);
	return err->status;
}
