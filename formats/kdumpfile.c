/*
 * The client of the process that reads through libkdumpfile: requests, the pages kept, and what
 * becomes of them when the process ends. How it ends is kdumpfile_link.c's.
 *
 * Unpacking a page costs some 25 microseconds, asking for one about as much: so pages are asked for
 * in batches, and while the caller works on one batch the process unpacks the next. One batch is on
 * its way at a time.
 *
 * A page over which the process crashes or hangs is remembered, and the process started anew, until
 * that has happened too often.
 */
#include "formats/kdumpfile.h"

#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/kdumpfile_link.h"

enum {
	WAYS = 8, /* slots that a page can have */
	SETS = SHARED_SLOTS / WAYS,
	/* Of new processes: eight crashes, or two hangs. */
	RESTARTS_MOST = 8,
	COST_OF_CRASH = 1,
	COST_OF_HANG = 4,
};

enum slot_state { SLOT_EMPTY, SLOT_QUEUED, SLOT_FLYING, SLOT_READY };

struct slot {
	uint64_t pfn;
	uint8_t state; /* enum slot_state */
	uint8_t page;  /* enum page_state, when ready */
};

struct kdumpfile {
	struct kdumpfile_link link;
	bool lost;
	unsigned restarts;           /* their costs */
	uint64_t bad[RESTARTS_MOST]; /* pages that ended a process */
	unsigned bad_count;
	uint32_t flying; /* pages of the request under way; 0: none */
	struct slot slots[SHARED_SLOTS];
	uint8_t next_way[SETS];
	uint16_t queue[SHARED_SLOTS]; /* slots to be asked for; a ring */
	size_t queue_first, queue_count;
};

const char *kdumpfile_version(void)
{
	return "libkdumpfile " KDUMPFILE_VERSION_STRING;
}

/* ---- the process ---- */

static enum ps_status open_there(struct kdumpfile *k, struct ps_error *err);

static bool is_bad(const struct kdumpfile *k, uint64_t pfn)
{
	for (unsigned i = 0; i < k->bad_count; i++)
		if (k->bad[i] == pfn)
			return true;
	return false;
}

static void deliver(struct slot *slot, uint32_t state)
{
	slot->state = SLOT_READY;
	slot->page = state <= PAGE_READER_LOST ? (uint8_t)state : PAGE_DAMAGED;
}

/*
 * What the process had read when it ended, and the page that it was reading. The others are asked
 * for again when they are needed.
 */
static void salvage(struct kdumpfile *k)
{
	for (uint32_t i = 0; i < k->flying; i++) {
		const struct shared_page *page = &k->link.shared->pages[i];
		struct slot *slot = &k->slots[page->slot % SHARED_SLOTS];

		if (slot->state != SLOT_FLYING || slot->pfn != page->pfn)
			continue;
		slot->state = SLOT_EMPTY;
		if (k->link.shared->at == SHARED_NOT_BEGUN || i > k->link.shared->at)
			continue;
		deliver(slot, i < k->link.shared->at ? page->state : PAGE_DAMAGED);
		if (i == k->link.shared->at && k->bad_count < RESTARTS_MOST)
			k->bad[k->bad_count++] = page->pfn;
	}
	k->flying = 0;
}

/* Pages can be read again; false when that cannot be. */
static bool revive(struct kdumpfile *k, unsigned cost)
{
	struct ps_error how = k->link.child.error, ignored = PS_ERROR_INIT;
	bool begun = k->flying > 0; /* else it was lost over opening */
	bool good;

	salvage(k);
	k->restarts += cost;
	if (!begun || k->restarts > RESTARTS_MOST || how.status != PS_CORRUPT)
		return false;
	good = link_restart(&k->link, &ignored) == PS_OK && open_there(k, &ignored) == PS_OK;
	k->link.child.error = how;
	return good;
}

static void lose(struct kdumpfile *k, unsigned cost)
{
	if (revive(k, cost))
		return;
	k->lost = true;
	k->flying = 0;
	k->queue_count = 0;
	for (size_t i = 0; i < SHARED_SLOTS; i++)
		if (k->slots[i].state != SLOT_READY)
			k->slots[i].state = SLOT_EMPTY;
}

/* False when the process was lost. */
static bool judge(struct kdumpfile *k, enum child_outcome end)
{
	if (end != CHILD_ANSWERED)
		lose(k, end == CHILD_HUNG ? COST_OF_HANG : COST_OF_CRASH);
	return end == CHILD_ANSWERED;
}

static bool ask(struct kdumpfile *k, enum shared_task task)
{
	return judge(k, link_ask(&k->link, task));
}

static bool await(struct kdumpfile *k, unsigned extra_seconds)
{
	return judge(k, link_await(&k->link, extra_seconds));
}

/* ---- pages ---- */

static struct slot *set_of(struct kdumpfile *k, uint64_t pfn, size_t *ret_set)
{
	*ret_set = (size_t)(pfn * 0x9e3779b97f4a7c15 >> 32) % SETS;
	return &k->slots[*ret_set * WAYS];
}

static struct slot *find_slot(struct kdumpfile *k, uint64_t pfn)
{
	size_t set;
	struct slot *ways = set_of(k, pfn, &set);

	for (size_t i = 0; i < WAYS; i++)
		if (ways[i].state != SLOT_EMPTY && ways[i].pfn == pfn)
			return &ways[i];
	return NULL;
}

/* A slot for a page that has none; NULL when all that it could have are still to be filled. */
static struct slot *take_slot(struct kdumpfile *k, uint64_t pfn, bool also_queued)
{
	size_t set;
	struct slot *ways = set_of(k, pfn, &set);

	for (size_t i = 0; i < WAYS; i++) {
		struct slot *slot = &ways[k->next_way[set]];

		k->next_way[set] = (uint8_t)((k->next_way[set] + 1) % WAYS);
		if (slot->state == SLOT_FLYING || (slot->state == SLOT_QUEUED && !also_queued))
			continue;
		*slot = (struct slot){.pfn = pfn, .state = SLOT_EMPTY};
		return slot;
	}
	return NULL;
}

/* Ends the request under way, if there is one. */
static void land(struct kdumpfile *k)
{
	uint32_t count = k->flying;

	if (count == 0 || !await(k, 0))
		return;
	for (uint32_t i = 0; i < count; i++) {
		const struct shared_page *page = &k->link.shared->pages[i];
		struct slot *slot = &k->slots[page->slot % SHARED_SLOTS];

		if (slot->state != SLOT_FLYING || slot->pfn != page->pfn)
			continue;
		deliver(slot, page->state);
	}
	k->flying = 0;
}

static void add_to_request(struct kdumpfile *k, uint32_t *count, struct slot *slot)
{
	slot->state = SLOT_FLYING;
	k->link.shared->pages[(*count)++] =
		(struct shared_page){.pfn = slot->pfn, .slot = (uint32_t)(slot - k->slots)};
}

/* Sends a request for `first` (may be NULL) and what the queue has. Nothing may be under way. */
static void launch(struct kdumpfile *k, struct slot *first)
{
	uint32_t count = 0;

	if (first)
		add_to_request(k, &count, first);
	while (k->queue_count > 0 && count < SHARED_BATCH) {
		struct slot *slot = &k->slots[k->queue[k->queue_first]];

		k->queue_first = (k->queue_first + 1) % SHARED_SLOTS;
		k->queue_count--;
		if (slot->state == SLOT_QUEUED) /* else asked for meanwhile, or given up */
			add_to_request(k, &count, slot);
	}
	k->link.shared->count = count;
	k->link.shared->at = SHARED_NOT_BEGUN;
	k->flying = count;
	if (count > 0)
		ask(k, TASK_PAGES);
}

/* The slot of the page, ready; NULL when the process is lost. */
static struct slot *fetch(struct kdumpfile *k, uint64_t pfn)
{
	struct slot *slot = find_slot(k, pfn);

	if (slot && slot->state == SLOT_READY)
		return slot;
	land(k);
	/* More than once only when a new process had to be started, which is bounded. */
	while (!k->lost) {
		slot = find_slot(k, pfn);
		if (!slot)
			slot = take_slot(k, pfn, true);
		if (slot->state == SLOT_READY)
			break;
		launch(k, slot);
		land(k);
	}
	if (!k->lost && k->queue_count > 0)
		launch(k, NULL);
	slot = find_slot(k, pfn);
	return slot && slot->state == SLOT_READY ? slot : NULL;
}

enum page_state kdumpfile_read(struct kdumpfile *k, uint64_t pfn, size_t skip, void *to,
			       size_t length)
{
	struct slot *slot = is_bad(k, pfn) ? NULL : fetch(k, pfn);

	if (!slot)
		return is_bad(k, pfn) ? PAGE_DAMAGED : PAGE_READER_LOST;
	if (slot->page == PAGE_PRESENT)
		memcpy(to, k->link.shared->data[slot - k->slots] + skip, length);
	return (enum page_state)slot->page;
}

void kdumpfile_prefetch(struct kdumpfile *k, uint64_t pfn, uint64_t count)
{
	/* What is asked for too long ahead would be gone again when it is read. */
	for (; count > 0 && !k->lost && k->queue_count < SHARED_SLOTS / 2; pfn++, count--) {
		struct slot *slot = find_slot(k, pfn);

		if (slot || is_bad(k, pfn))
			continue;
		slot = take_slot(k, pfn, false);
		if (!slot)
			continue;
		slot->state = SLOT_QUEUED;
		k->queue[(k->queue_first + k->queue_count++) % SHARED_SLOTS] =
			(uint16_t)(slot - k->slots);
	}
	if (!k->lost && k->flying == 0 && k->queue_count > 0)
		launch(k, NULL);
}

static enum ps_status read_bits(struct kdumpfile *k, uint64_t first, uint32_t count,
				struct ps_error *err)
{
	k->link.shared->first = first;
	k->link.shared->count = count;
	if (!ask(k, TASK_BITS) || !await(k, k->link.extra_seconds)) {
		*err = k->link.child.error;
		return err->status;
	}
	if (k->link.shared->status == KDUMP_OK)
		return PS_OK;
	k->link.shared->error[sizeof(k->link.shared->error) - 1] = '\0';
	return ps_fail(err, PS_CORRUPT, "libkdumpfile has no map of its pages: %s",
		       k->link.shared->error);
}

enum ps_status kdumpfile_pagemap(struct kdumpfile *k, uint64_t bit_count, uint8_t *bits,
				 struct ps_error *err)
{
	for (uint64_t first = 0, left = bit_count; left > 0;) {
		uint32_t count = left < SHARED_BITS ? (uint32_t)left : SHARED_BITS;

		if (read_bits(k, first, count, err) != PS_OK)
			return err->status;
		memcpy(bits + first / 8, k->link.shared->data, count / 8 + (count % 8 != 0));
		first += count;
		left -= count;
	}
	return PS_OK;
}

bool kdumpfile_lost(const struct kdumpfile *k, struct ps_error *err)
{
	if (k->lost)
		*err = k->link.child.error;
	return k->lost;
}

unsigned kdumpfile_bad(const struct kdumpfile *k, struct ps_error *err)
{
	if (k->bad_count > 0)
		*err = k->link.child.error;
	if (k->bad_count == 1)
		ps_wrap(err, "the page at physical 0x%" PRIx64 " counts as damaged",
			k->bad[0] << PAGE_SHIFT);
	else if (k->bad_count > 0)
		ps_wrap(err, "%u pages count as damaged, the last at physical 0x%" PRIx64,
			k->bad_count, k->bad[k->bad_count - 1] << PAGE_SHIFT);
	return k->bad_count;
}

/* ---- beginning and end ---- */

void kdumpfile_close(struct kdumpfile *k)
{
	if (!k)
		return;
	link_fini(&k->link);
	free(k);
}

static enum ps_status open_there(struct kdumpfile *k, struct ps_error *err)
{
	if (!ask(k, TASK_OPEN) || !await(k, k->link.extra_seconds)) {
		*err = k->link.child.error;
		return err->status;
	}
	if (k->link.shared->status == KDUMP_OK)
		return PS_OK;
	k->link.shared->error[sizeof(k->link.shared->error) - 1] = '\0';
	return ps_fail(err,
		       k->link.shared->status == KDUMP_ERR_NOTIMPL ? PS_UNSUPPORTED : PS_CORRUPT,
		       "libkdumpfile refuses it: %.200s", k->link.shared->error);
}

enum ps_status kdumpfile_open(const struct file *file, struct kdumpfile **ret, struct ps_error *err)
{
	struct kdumpfile *k = mem_array(1, sizeof(*k));
	if (!k)
		return ps_fail_memory(err, "a reader process");
	if (link_init(&k->link, file, err) == PS_OK && open_there(k, err) == PS_OK) {
		*ret = k;
		return PS_OK;
	}
	kdumpfile_close(k);
	return err->status;
}
