/*
 * Lists of runs of pages, as a container gives them: adding, sorting, and settling those that
 * overlap, for containers that may hold a page more than once, of which the later counts.
 *
 * Settling is a sweep over the runs by PFN, with those that reach the place of the sweep in a heap
 * by offset: the time is that of sorting, whatever the runs are.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "formats/page_map.h"

bool page_runs_add(struct page_runs *runs, struct page_run run)
{
	void *items = runs->items;

	if (!mem_grow(&items, runs->count, &runs->capacity, sizeof(run)))
		return false;
	runs->items = items;
	runs->items[runs->count++] = run;
	return true;
}

bool page_runs_add_page(struct page_runs *runs, uint64_t pfn, uint64_t offset)
{
	struct page_run *last = runs->count > 0 ? &runs->items[runs->count - 1] : NULL;

	if (!last || pfn != last->pfn + last->count)
		return page_runs_add(runs, (struct page_run){pfn, 1, offset});
	last->count++;
	return true;
}

bool page_runs_append(struct page_runs *runs, struct page_run run)
{
	struct page_run *last = runs->count > 0 ? &runs->items[runs->count - 1] : NULL;

	if (!last || run.pfn != last->pfn + last->count ||
	    run.offset != last->offset + (last->count << PAGE_SHIFT))
		return page_runs_add(runs, run);
	last->count += run.count;
	return true;
}

struct sweep {
	const struct page_run *runs; /* by PFN */
	size_t count, next;          /* of them, the first that the sweep has not met */
	const struct page_run **heap;
	size_t heap_count;
	struct page_runs out;
};

static int compare_runs(const void *a, const void *b)
{
	const struct page_run *left = a, *right = b;

	return (left->pfn > right->pfn) - (left->pfn < right->pfn);
}

void page_runs_sort(struct page_run *items, size_t count)
{
	if (count > 0)
		qsort(items, count, sizeof(*items), compare_runs);
}

static bool overlap_any(const struct page_runs *runs)
{
	for (size_t i = 1; i < runs->count; i++)
		if (runs->items[i].pfn - runs->items[i - 1].pfn < runs->items[i - 1].count)
			return true;
	return false;
}

static void push(struct sweep *s, const struct page_run *run)
{
	size_t at = s->heap_count++;

	for (; at > 0 && s->heap[(at - 1) / 2]->offset < run->offset; at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = run;
}

static void pop(struct sweep *s)
{
	const struct page_run *run = s->heap[--s->heap_count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < s->heap_count) {
		if (child + 1 < s->heap_count &&
		    s->heap[child + 1]->offset > s->heap[child]->offset)
			child++;
		if (s->heap[child]->offset <= run->offset)
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = run;
}

/* The pages [pfn, end) of a run. */
static bool emit(struct sweep *s, const struct page_run *run, uint64_t pfn, uint64_t end)
{
	uint64_t offset = run->offset + ((pfn - run->pfn) << PAGE_SHIFT);

	return page_runs_append(&s->out, (struct page_run){pfn, end - pfn, offset});
}

static bool run_sweep(struct sweep *s)
{
	uint64_t pfn = 0, end;

	while (s->heap_count > 0 || s->next < s->count) {
		if (s->heap_count == 0)
			pfn = s->runs[s->next].pfn;
		while (s->next < s->count && s->runs[s->next].pfn <= pfn)
			push(s, &s->runs[s->next++]);
		end = s->heap[0]->pfn + s->heap[0]->count;
		if (end <= pfn) {
			pop(s);
			continue;
		}
		if (s->next < s->count && s->runs[s->next].pfn < end)
			end = s->runs[s->next].pfn;
		if (!emit(s, s->heap[0], pfn, end))
			return false;
		pfn = end;
	}
	return true;
}

static uint64_t pages_of(const struct page_runs *runs)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < runs->count; i++)
		pages += runs->items[i].count;
	return pages;
}

bool page_runs_settle(struct page_runs *runs, uint64_t *ret_twice)
{
	struct sweep s = {.runs = runs->items, .count = runs->count};
	bool done;

	*ret_twice = 0;
	page_runs_sort(runs->items, runs->count);
	if (!overlap_any(runs))
		return true;
	s.heap = mem_array(runs->count, sizeof(const struct page_run *));
	done = s.heap && run_sweep(&s);
	free(s.heap);
	if (!done) {
		free(s.out.items);
		return false;
	}
	*ret_twice = pages_of(runs) - pages_of(&s.out);
	free(runs->items);
	*runs = s.out;
	return true;
}
