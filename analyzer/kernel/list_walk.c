/*
 * See list_walk.h.
 */
#include "analyzer/kernel/list_walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static void ended(struct list_walk *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What ended the forward walk counts. */
static void ended(struct list_walk *w, const char *format, ...)
{
	va_list args;

	if (w->why[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(w->why, sizeof(w->why), format, args);
	va_end(args);
}

/* Looks at the link in *at; true when *at is now an entry not seen before. */
static bool follow(struct list_walk *w, unsigned link, uint64_t *at)
{
	unsigned back = space_pointer_size(w->space) - link;
	struct ps_error err = PS_ERROR_INIT;
	uint64_t next = 0, previous;
	uint32_t seen;

	if (space_read_pointer(w->space, *at + link, &next, &err) != PS_OK)
		ended(w, "the list cannot be followed: %.130s", err.text);
	else if (next == w->head)
		w->returned = true;
	else if (hash_find(&w->visited, next, &seen))
		w->met = true;
	else if (!space_is_kernel_address(w->space, next))
		ended(w, "the entry at 0x%" PRIx64 " leads to 0x%" PRIx64, *at, next);
	else if (w->visited.count >= w->limit)
		ended(w, "the list has more than %u entries", w->limit);
	else {
		if (space_read_pointer(w->space, next + back, &previous, &err) == PS_OK)
			w->bad_links += previous != *at;
		*at = next;
		return true;
	}
	return false;
}

static enum ps_status no_memory(const struct list_walk *w, struct ps_error *err)
{
	return ps_fail(err, PS_NO_MEMORY, "out of memory for the walk over the %s", w->many);
}

static enum ps_status add(struct list_walk *w, uint64_t va, struct ps_error *err)
{
	void *entries = w->entries;

	if (!mem_grow(&entries, w->count, &w->capacity, sizeof(*w->entries)))
		return no_memory(w, err);
	w->entries = entries;
	w->entries[w->count++] = va;
	return PS_OK;
}

/* `link`: offset of the pointer to follow, 0 = forwards. */
static enum ps_status walk(struct list_walk *w, unsigned link, struct ps_error *err)
{
	uint64_t at = w->head;

	while (follow(w, link, &at)) {
		enum list_entry kind = LIST_ENTRY_THERE;
		uint64_t va = at - w->offset;

		if (!hash_add(&w->visited, at, 0))
			return no_memory(w, err);
		if (w->judge(w->context, va, &kind, err) != PS_OK)
			return err->status;
		if (kind == LIST_ENTRY_RUBBISH) {
			ended(w, "at 0x%" PRIx64 " the list leads to something else than a %s", va,
			      w->one);
			break;
		}
		if (kind == LIST_ENTRY_ABSENT)
			w->absent++;
		else if (add(w, va, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

static void reverse(uint64_t *entries, size_t first, size_t end)
{
	for (; first + 1 < end; first++, end--) {
		uint64_t swap = entries[first];

		entries[first] = entries[end - 1];
		entries[end - 1] = swap;
	}
}

/* The forward walk broke off: takes what can be reached from the other end. */
static enum ps_status walk_back(struct list_walk *w, struct ps_error *err)
{
	size_t forwards = w->count;

	if (w->met)
		ended(w, "the list comes back to an entry it has been at");
	w->met = false;
	if (walk(w, space_pointer_size(w->space), err) != PS_OK)
		return err->status;
	w->returned = false;
	reverse(w->entries, forwards, w->count);
	snprintf(w->note, sizeof(w->note), "%s; %zu %s reached forwards, %zu backwards%s", w->why,
		 forwards, w->many, w->count - forwards, w->met ? ", and the two ends meet" : "");
	return PS_OK;
}

enum ps_status list_walk(struct list_walk *w, struct ps_error *err)
{
	if (walk(w, 0, err) != PS_OK)
		return err->status;
	return w->returned ? PS_OK : walk_back(w, err);
}

void list_walk_fini(struct list_walk *w)
{
	hash_fini(&w->visited);
	free(w->entries);
}
