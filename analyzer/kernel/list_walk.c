/*
 * See list_walk.h.
 */
#include "analyzer/kernel/list_walk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

/* `link`: offset of the pointer to follow, 0 = forwards. */
static enum ps_status walk(struct list_walk *w, unsigned link, struct ps_error *err)
{
	uint64_t at = w->head;

	while (follow(w, link, &at)) {
		uint64_t va = at - w->offset;
		bool rubbish = false;

		if (!hash_add(&w->visited, at, 0))
			return ps_fail(err, PS_NO_MEMORY, "out of memory for the walk over the %s",
				       w->many);
		if (w->visit(w->context, va, &rubbish, err) != PS_OK)
			return err->status;
		if (rubbish) {
			ended(w, "at 0x%" PRIx64 " the list leads to something else than a %s", va,
			      w->one);
			break;
		}
	}
	return PS_OK;
}

enum ps_status list_walk_forwards(struct list_walk *w, struct ps_error *err)
{
	enum ps_status status = walk(w, 0, err);

	if (w->met)
		ended(w, "the list comes back to an entry it has been at");
	return status;
}

enum ps_status list_walk_backwards(struct list_walk *w, struct ps_error *err)
{
	w->met = false;
	return walk(w, space_pointer_size(w->space), err);
}

void list_walk_note(const struct list_walk *w, size_t forwards, size_t backwards, char *to,
		    size_t size)
{
	snprintf(to, size, "%s; %zu %s reached forwards, %zu backwards%s", w->why, forwards,
		 w->many, backwards, w->met ? ", and the two ends meet" : "");
}

void list_walk_fini(struct list_walk *w)
{
	hash_fini(&w->visited);
}
