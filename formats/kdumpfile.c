/*
 * The client of the process that reads through libkdumpfile: requests, the pages kept, and the
 * judgement that the process is dead or hangs.
 *
 * Unpacking a page costs some 25 microseconds, asking for one about as much: so pages are asked for
 * in batches, and while the caller works on one batch the process unpacks the next. One batch is on
 * its way at a time.
 *
 * A page over which the process crashes or hangs is remembered, and the process started anew, until
 * that has happened too often.
 */
#include "formats/kdumpfile.h"

#include <errno.h>
#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/signals.h"
#include "formats/kdumpfile_process.h"

enum {
	WAYS = 8, /* slots that a page can have */
	SETS = SHARED_SLOTS / WAYS,
	LOOK_MS = 50, /* between two looks at a process that does not answer */
	/* A hang is work without an answer: waiting for a slow disk takes no processor time. */
	WORK_SECONDS = 3,
	WAIT_SECONDS = 120,
	/* Of new processes: eight crashes, or two hangs. */
	RESTARTS_MOST = 8,
	COST_OF_CRASH = 1,
	COST_OF_HANG = 4,
};

/* Opening reads and indexes maps of the pages: a second more for each 8 GiB of file. */
static const uint64_t bytes_a_second = (uint64_t)8 << 30;

enum slot_state { SLOT_EMPTY, SLOT_QUEUED, SLOT_FLYING, SLOT_READY };

struct slot {
	uint64_t pfn;
	uint8_t state; /* enum slot_state */
	uint8_t page;  /* enum page_state, when ready */
};

struct kdumpfile {
	pid_t process; /* 0: gone */
	int socket;
	int fd;                 /* borrowed; of the dump */
	uint64_t extra_seconds; /* for opening */
	struct shared *shared;  /* mapped */
	bool lost;
	struct ps_error error;       /* how it was lost, for good or last */
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

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Processor time of the process; 0 when it cannot be asked. */
static uint64_t work_of(pid_t process)
{
	clockid_t clock;

	return clock_getcpuclockid(process, &clock) == 0 ? nanoseconds(clock) : 0;
}

static void bury(struct kdumpfile *k, int *ret_status)
{
	int status = 0;

	if (k->process > 0) {
		kill(k->process, SIGKILL);
		while (waitpid(k->process, &status, 0) < 0 && errno == EINTR)
			;
	}
	k->process = 0;
	if (ret_status)
		*ret_status = status;
}

static enum ps_status start(struct kdumpfile *k, int fd, struct ps_error *err);
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
		const struct shared_page *page = &k->shared->pages[i];
		struct slot *slot = &k->slots[page->slot % SHARED_SLOTS];

		if (slot->state != SLOT_FLYING || slot->pfn != page->pfn)
			continue;
		slot->state = SLOT_EMPTY;
		if (k->shared->at == SHARED_NOT_BEGUN || i > k->shared->at)
			continue;
		deliver(slot, i < k->shared->at ? page->state : PAGE_DAMAGED);
		if (i == k->shared->at && k->bad_count < RESTARTS_MOST)
			k->bad[k->bad_count++] = page->pfn;
	}
	k->flying = 0;
}

/* Pages can be read again; false when that cannot be. */
static bool revive(struct kdumpfile *k, unsigned cost)
{
	struct ps_error how = k->error, ignored = PS_ERROR_INIT;
	bool begun = k->flying > 0; /* else it was lost over opening */
	bool good;

	salvage(k);
	k->restarts += cost;
	if (!begun || k->restarts > RESTARTS_MOST || how.status != PS_CORRUPT)
		return false;
	close(k->socket);
	k->socket = -1;
	good = start(k, k->fd, &ignored) == PS_OK && open_there(k, &ignored) == PS_OK;
	k->error = how;
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

static void lose_dead(struct kdumpfile *k)
{
	int status = 0;

	/* It has closed its socket and is ending by itself: wait, and see how. */
	while (waitpid(k->process, &status, 0) < 0 && errno == EINTR)
		;
	k->process = 0;
	ps_error_clear(&k->error);
	if (WIFSIGNALED(status))
		ps_fail(&k->error, PS_CORRUPT, "libkdumpfile crashed over it (signal %d, %s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		ps_fail(&k->error, PS_CORRUPT, "libkdumpfile gave up over it (exit status %d)",
			WEXITSTATUS(status));
	lose(k, COST_OF_CRASH);
}

static void lose_hanging(struct kdumpfile *k, bool waiting)
{
	bury(k, NULL);
	ps_error_clear(&k->error);
	ps_fail(&k->error, PS_CORRUPT, "libkdumpfile %s over it and was ended after %d seconds",
		waiting ? "waited" : "hung", waiting ? WAIT_SECONDS : WORK_SECONDS);
	lose(k, COST_OF_HANG);
}

static void lose_interrupted(struct kdumpfile *k)
{
	bury(k, NULL);
	ps_error_clear(&k->error);
	ps_fail(&k->error, PS_INTERRUPTED, "interrupted");
	lose(k, COST_OF_CRASH);
}

static bool receive(struct kdumpfile *k)
{
	char byte;
	ssize_t got = recv(k->socket, &byte, 1, 0);

	if (got == 1)
		return true;
	lose_dead(k);
	return false;
}

/* Waits for the answer to the request under way; false when the process was lost over it. */
static bool await(struct kdumpfile *k, uint64_t extra_seconds)
{
	const uint64_t second = 1000000000;
	uint64_t worked = 0, started = 0;
	bool first = true;

	for (;;) {
		struct pollfd fd = {.fd = k->socket, .events = POLLIN};
		int ready = poll(&fd, 1, LOOK_MS);

		if (ready > 0)
			return receive(k);
		if (signals_interrupted()) {
			lose_interrupted(k);
			return false;
		}
		if (first) {
			worked = work_of(k->process);
			started = nanoseconds(CLOCK_MONOTONIC);
			first = false;
		}
		if (work_of(k->process) > worked + (WORK_SECONDS + extra_seconds) * second) {
			lose_hanging(k, false);
			return false;
		}
		if (nanoseconds(CLOCK_MONOTONIC) >
		    started + (WAIT_SECONDS + extra_seconds) * second) {
			lose_hanging(k, true);
			return false;
		}
	}
}

/* Passes the turn. The request is in shared memory. */
static bool ask(struct kdumpfile *k, enum shared_task task)
{
	k->shared->task = task;
	if (send(k->socket, "", 1, MSG_NOSIGNAL) == 1)
		return true;
	lose_dead(k);
	return false;
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
		const struct shared_page *page = &k->shared->pages[i];
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
	k->shared->pages[(*count)++] =
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
	k->shared->count = count;
	k->shared->at = SHARED_NOT_BEGUN;
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
		memcpy(to, k->shared->data[slot - k->slots] + skip, length);
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
	k->shared->first = first;
	k->shared->count = count;
	if (!ask(k, TASK_BITS) || !await(k, k->extra_seconds)) {
		*err = k->error;
		return err->status;
	}
	if (k->shared->status == KDUMP_OK)
		return PS_OK;
	k->shared->error[sizeof(k->shared->error) - 1] = '\0';
	return ps_fail(err, PS_CORRUPT, "libkdumpfile has no map of its pages: %s",
		       k->shared->error);
}

enum ps_status kdumpfile_pagemap(struct kdumpfile *k, uint64_t bit_count, uint8_t *bits,
				 struct ps_error *err)
{
	for (uint64_t first = 0, left = bit_count; left > 0;) {
		uint32_t count = left < SHARED_BITS ? (uint32_t)left : SHARED_BITS;

		if (read_bits(k, first, count, err) != PS_OK)
			return err->status;
		memcpy(bits + first / 8, k->shared->data, count / 8 + (count % 8 != 0));
		first += count;
		left -= count;
	}
	return PS_OK;
}

bool kdumpfile_lost(const struct kdumpfile *k, struct ps_error *err)
{
	if (k->lost)
		*err = k->error;
	return k->lost;
}

unsigned kdumpfile_bad(const struct kdumpfile *k, struct ps_error *err)
{
	if (k->bad_count > 0)
		*err = k->error;
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
	bury(k, NULL);
	if (k->socket >= 0)
		close(k->socket);
	if (k->shared)
		munmap(k->shared, sizeof(*k->shared));
	free(k);
}

static enum ps_status start(struct kdumpfile *k, int fd, struct ps_error *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return ps_fail_errno(err, errno, "cannot talk to a reader process");
	k->socket = pair[0];
	k->process = fork();
	if (k->process == 0)
		kdumpfile_process(fd, pair[1], (int)parent, k->shared);
	close(pair[1]);
	if (k->process < 0) {
		k->process = 0;
		return ps_fail_errno(err, errno, "cannot start a reader process");
	}
	return PS_OK;
}

static enum ps_status open_there(struct kdumpfile *k, struct ps_error *err)
{
	if (!ask(k, TASK_OPEN) || !await(k, k->extra_seconds)) {
		*err = k->error;
		return err->status;
	}
	if (k->shared->status == KDUMP_OK)
		return PS_OK;
	k->shared->error[sizeof(k->shared->error) - 1] = '\0';
	return ps_fail(err, k->shared->status == KDUMP_ERR_NOTIMPL ? PS_UNSUPPORTED : PS_CORRUPT,
		       "libkdumpfile refuses it: %.200s", k->shared->error);
}

enum ps_status kdumpfile_open(const struct file *file, struct kdumpfile **ret, struct ps_error *err)
{
	struct kdumpfile *k = mem_array(1, sizeof(*k));
	void *memory;

	if (!k)
		return ps_fail_memory(err, "a reader process");
	k->socket = -1;
	k->fd = file->fd;
	k->extra_seconds = file->size / bytes_a_second;
	memory = mmap(NULL, sizeof(*k->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED) {
		ps_fail_memory(err, "the pages of a reader process");
		goto fail;
	}
	k->shared = memory;
	if (start(k, file->fd, err) != PS_OK || open_there(k, err) != PS_OK)
		goto fail;
	*ret = k;
	return PS_OK;
fail:
	kdumpfile_close(k);
	return err->status;
}

/* ---- as a source of pages ---- */

struct kdumpfile_pages {
	struct page_source base;
	struct kdumpfile *kdumpfile; /* owned */
};

static struct kdumpfile *of_source(const struct page_source *source)
{
	return ((const struct kdumpfile_pages *)source)->kdumpfile;
}

static enum page_state source_read(struct page_source *source, const struct extent *page,
				   size_t skip, void *to, size_t length)
{
	enum page_state state = kdumpfile_read(of_source(source), page->pfn, skip, to, length);

	/* The map lists the page: what the library cannot find there is not absent but damaged. */
	return state == PAGE_NOT_IN_DUMP ? PAGE_DAMAGED : state;
}

static void source_prefetch(struct page_source *source, uint64_t pfn, uint64_t count)
{
	kdumpfile_prefetch(of_source(source), pfn, count);
}

static bool source_lost(const struct page_source *source, struct ps_error *err)
{
	return kdumpfile_lost(of_source(source), err);
}

static unsigned source_bad(const struct page_source *source, struct ps_error *err)
{
	return kdumpfile_bad(of_source(source), err);
}

static void source_close(struct page_source *source)
{
	kdumpfile_close(of_source(source));
	free(source);
}

struct page_source *kdumpfile_source(struct kdumpfile *k)
{
	static const struct page_source_ops ops = {source_read, source_prefetch, source_lost,
						   source_bad, source_close};
	struct kdumpfile_pages *pages = mem_array(1, sizeof(*pages));

	if (!pages)
		return NULL;
	pages->base.ops = &ops;
	pages->kdumpfile = k;
	return &pages->base;
}
