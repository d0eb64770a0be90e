/*
 * PoolBigPageTable: sums per tag and an iterator over the allocations. See big_pages.h.
 *
 * Supported: all layouts of layouts.c. Freed entries (Va bit 0 set) are counted apart and never
 * summed. On XP and 2003 the table has pages and no pool type; the pool is told by KDBG's address
 * ranges. Not supported: session pool's own table.
 */
#include "analyzer/pool/big_pages.h"

#include <stdlib.h>

#include "analyzer/pool/big_vote.h"
#include "analyzer/pool/view.h"
#include "base/memory.h"
#include "base/signals.h"

/* Bytes of the table that are in memory at a time: a multiple of every entry size and page. */
enum { CHUNK_ENTRIES = 4096 };

/* Chunks that are announced to the disk at once: 6 MiB of the table of Windows 10. */
enum { CHUNKS_AHEAD = 64 };

static const uint32_t PROTECTED_POOL = 0x80000000;

static bool is_range(uint64_t start, uint64_t end)
{
	return start && end > start;
}

/*
 * XP and 2003. On x86 the nonpaged range spans the paged one, so nothing can be said without the
 * paged range, and it is asked first.
 */
static enum pool_kind kind_by_address(const struct big_globals *g, uint64_t va)
{
	if (!is_range(g->paged_start, g->paged_end))
		return POOL_KIND_UNKNOWN;
	if (va >= g->paged_start && va <= g->paged_end)
		return POOL_PAGED;
	if (is_range(g->nonpaged_start, g->nonpaged_end) && va >= g->nonpaged_start &&
	    va <= g->nonpaged_end)
		return POOL_NONPAGED;
	return POOL_KIND_UNKNOWN;
}

static enum pool_kind kind_by_type(const struct big_globals *g, uint32_t type)
{
	uint32_t paged = g->is_flags ? 0x100 : 1; /* POOL_FLAG_PAGED, or PagedPool's bit 0 */

	if (!g->kind_known)
		return POOL_KIND_UNKNOWN;
	return type & paged ? POOL_PAGED : POOL_NONPAGED;
}

static void decode(const struct big_globals *g, const struct view *view, size_t offset, uint64_t va,
		   struct big_entry *ret)
{
	const struct big_layout *layout = g->layout;
	uint32_t key = (uint32_t)view_uint(view, offset + layout->key_offset, 4);
	uint64_t size = view_uint(view, offset + layout->size.offset, layout->size.width);

	ret->va = va & ~UINT64_C(1);
	ret->freed = va & 1;
	ret->tag = key & ~PROTECTED_POOL;
	ret->is_protected = key & PROTECTED_POOL;
	ret->bytes = layout->unit == BIG_PAGES ? size * PAGE_SIZE : size;
	ret->type = 0;
	if (layout->type_kind == BIG_TYPE_NONE) {
		ret->kind = kind_by_address(g, ret->va);
		return;
	}
	ret->type = (uint32_t)view_uint(view, offset + layout->type_offset, 4);
	if (layout->type_kind == BIG_TYPE_FIELD)
		ret->type = ret->type >> 8 & 0xfff;
	ret->kind = kind_by_type(g, ret->type);
}

static struct big_sum *sum_of(struct big_pages *big, uint32_t tag)
{
	uint32_t index;

	if (hash_find(&big->index, tag, &index))
		return &big->sums[index];
	if (!mem_grow((void **)&big->sums, big->sum_count, &big->sum_capacity,
		      sizeof(*big->sums)) ||
	    !hash_add(&big->index, tag, (uint32_t)big->sum_count))
		return NULL;
	big->sums[big->sum_count] = (struct big_sum){.tag = tag};
	return &big->sums[big->sum_count++];
}

static unsigned size_bucket(uint64_t bytes)
{
	unsigned log = 63 - (unsigned)__builtin_clzll(bytes | UINT64_C(1) << BIG_SIZE_FIRST);

	return log - BIG_SIZE_FIRST < BIG_SIZES ? log - BIG_SIZE_FIRST : BIG_SIZES - 1;
}

static bool add_live(struct big_pages *big, const struct big_entry *entry)
{
	struct big_sum *sum = sum_of(big, entry->tag);

	if (!sum)
		return false;
	big->in_use++;
	switch (entry->kind) {
	case POOL_NONPAGED:
		sum->sizes[0][size_bucket(entry->bytes)]++;
		sum->nonpaged_count++;
		sum->nonpaged_bytes += entry->bytes;
		big->nonpaged_bytes += entry->bytes;
		break;
	case POOL_PAGED:
		sum->sizes[1][size_bucket(entry->bytes)]++;
		sum->paged_count++;
		sum->paged_bytes += entry->bytes;
		big->paged_bytes += entry->bytes;
		break;
	case POOL_KIND_UNKNOWN:
		sum->unknown_count++;
		sum->unknown_bytes += entry->bytes;
		big->unknown++;
		break;
	}
	return true;
}

enum ps_status big_iterator_init(struct big_iterator *it, const struct big_pages *big,
				 struct ps_error *err)
{
	*it = (struct big_iterator){.big = big};
	it->view = mem_array(1, sizeof(*it->view));
	if (!it->view)
		return ps_fail_memory(err, "a part of the big-page table");
	view_init(it->view, big->space, big->globals.table.value);
	return PS_OK;
}

void big_iterator_fini(struct big_iterator *it)
{
	if (it->view)
		view_fini(it->view);
	free(it->view);
	*it = (struct big_iterator){0};
}

/* Reads the chunk that begins at entry `index`. */
static enum ps_status load_chunk(struct big_iterator *it, uint64_t index, struct ps_error *err)
{
	const struct big_globals *g = &it->big->globals;
	uint64_t left = g->size.value - index;
	uint64_t count = left < CHUNK_ENTRIES ? left : CHUNK_ENTRIES;
	uint64_t va = g->table.value + index * g->layout->entry_size;
	size_t bytes = (size_t)count * g->layout->entry_size;

	view_restart(it->view, va);
	if (index / CHUNK_ENTRIES % CHUNKS_AHEAD == 0) {
		uint64_t most = (uint64_t)CHUNKS_AHEAD * CHUNK_ENTRIES;

		space_prefetch(it->big->space, va,
			       (left < most ? left : most) * g->layout->entry_size);
	}
	it->chunk_first = index;
	it->chunk_count = count;
	if (view_extend(it->view, bytes, err) != PS_OK)
		return err->status;
	/* Chunks are whole pages, so no page is counted twice. */
	it->pages_expected += it->view->pages_expected;
	it->pages_present += it->view->pages_present;
	for (size_t i = 0; it->holes && i < it->view->holes.count; i++)
		holes_add(it->holes, &it->view->holes.items[i]);
	return PS_OK;
}

enum ps_status big_iterator_next(struct big_iterator *it, struct big_entry *ret, bool *ret_found,
				 struct ps_error *err)
{
	const struct big_globals *g = &it->big->globals;

	for (; it->next_index < g->size.value; it->next_index++) {
		uint64_t va;
		size_t offset;

		if (it->next_index >= it->chunk_first + it->chunk_count) {
			enum ps_status status = load_chunk(it, it->next_index, err);

			if (status != PS_OK)
				return status;
			if (signals_interrupted())
				return ps_fail(err, PS_INTERRUPTED, "interrupted");
		}
		offset = (size_t)(it->next_index - it->chunk_first) * g->layout->entry_size;
		if (!view_has(it->view, offset, g->layout->entry_size))
			continue;
		va = view_uint(it->view, offset, g->layout->pointer_size);
		switch (big_va_class(it->big->space, va)) {
		case BIG_VA_NEVER: it->never_used++; continue;
		case BIG_VA_INVALID: it->invalid++; continue;
		case BIG_VA_LIVE:
		case BIG_VA_FREED: break;
		}
		decode(g, it->view, offset, va, ret);
		ret->index = it->next_index++;
		*ret_found = true;
		return PS_OK;
	}
	*ret_found = false;
	return PS_OK;
}

static enum ps_status sum_entries(struct big_pages *big, struct progress *progress,
				  struct ps_error *err)
{
	struct big_iterator it;
	struct big_entry entry;
	uint64_t chunk = UINT64_MAX;
	bool found = true;
	enum ps_status status = big_iterator_init(&it, big, err);

	it.holes = &big->holes;
	while (status == PS_OK) {
		status = big_iterator_next(&it, &entry, &found, err);
		if (it.chunk_first != chunk && it.chunk_count) {
			chunk = it.chunk_first;
			progress_advance(progress, it.chunk_count);
		}
		if (status != PS_OK || !found)
			break;
		if (entry.freed)
			big->freed++;
		else if (!add_live(big, &entry))
			status = ps_fail_memory(err, "the sums of the big-page table");
	}
	big->never_used = it.never_used;
	big->invalid = it.invalid;
	big->pages_expected = it.pages_expected;
	big->pages_present = it.pages_present;
	big_iterator_fini(&it);
	return status;
}

/* The sample had too few entries to say what the type fields hold: all entries are asked. */
static enum ps_status decide_flags(struct big_pages *big, struct ps_error *err)
{
	struct big_flags_vote vote = {0};
	struct big_iterator it;
	struct big_entry entry;
	bool found = true, known = true;
	enum ps_status status = big_iterator_init(&it, big, err);

	while (status == PS_OK) {
		status = big_iterator_next(&it, &entry, &found, err);
		if (status != PS_OK || !found)
			break;
		big_flags_count(&vote, entry.type);
	}
	big_iterator_fini(&it);
	big->globals.is_flags = big_flags_result(&vote, &big->globals.build, &known);
	big->globals.kind_known = big->globals.kind_known && known;
	return status;
}

enum ps_status big_pages_read(struct space *space, const struct big_globals *globals,
			      struct progress *progress, struct big_pages *ret,
			      struct ps_error *err)
{
	struct big_pages big = {.space = space, .globals = *globals};
	enum ps_status status = PS_OK;

	hash_init(&big.index);
	holes_init(&big.holes);
	if (!globals->flags_decided && globals->layout->type_kind == BIG_TYPE_FIELD)
		status = decide_flags(&big, err);
	if (status == PS_OK) {
		progress_begin(progress, "reading the big-page table", globals->size.value);
		status = sum_entries(&big, progress, err);
		progress_end(progress);
	}
	if (status != PS_OK) {
		big_pages_fini(&big);
		return ps_wrap(err, "cannot read the big-page table");
	}
	big.whole = big.pages_present == big.pages_expected;
	big.complete = big.whole && globals->size_proved && big.invalid == 0 && !big.unknown;
	*ret = big;
	return PS_OK;
}

void big_pages_fini(struct big_pages *big)
{
	free(big->sums);
	hash_fini(&big->index);
	holes_fini(&big->holes);
	*big = (struct big_pages){0};
}

const struct big_sum *big_pages_sum(const struct big_pages *big, uint32_t tag)
{
	uint32_t index;

	return hash_find(&big->index, tag, &index) ? &big->sums[index] : NULL;
}
