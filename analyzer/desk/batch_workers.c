/*
 * The workers of a batch: as many at work as there may be. One that ends makes room for the next at
 * once; its slot is busy until its result is kept.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "analyzer/desk/batch_internal.h"
#include "analyzer/report/format.h"
#include "base/memory.h"

enum {
	WAIT_MS = 200,
	WAITING_MOST = 32,   /* results */
	FILES_OF_A_SLOT = 5, /* open: outputs, the process, a report made here */
	FILES_ELSE = 32,
};

static const uint64_t waiting_bytes_most = 256 << 20; /* of memory: results */

bool batch_is_full(const struct batch *b)
{
	return b->waiting >= b->slot_count - b->jobs || b->waiting_bytes > waiting_bytes_most;
}

/* For so many slots there may be files open: the usual 1,024 are not many. */
static unsigned slots_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return UINT_MAX;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < FILES_ELSE + 2 * FILES_OF_A_SLOT)
		return 2;
	if (limit.rlim_max > UINT_MAX)
		return UINT_MAX;
	return (unsigned)(limit.rlim_max - FILES_ELSE) / FILES_OF_A_SLOT;
}

static void show_status(struct batch *b)
{
	size_t done = b->report->done_now + b->waiting, all = b->todo_count;
	uint64_t elapsed = (worker_now() - b->started_ns) / 1000000000;
	size_t failed = 0;
	char left[DURATION_TEXT + sizeof(",  left")] = "", time[DURATION_TEXT];

	for (unsigned i = CASE_REFUSED; i < CASE_RESULTS; i++)
		failed += b->report->results[i];
	if (done > 0 && elapsed > 2)
		snprintf(left, sizeof(left), ", %s left",
			 format_duration(elapsed * (all - done) / done, time));
	snprintf(b->status, sizeof(b->status), "%zu of %zu cases, %zu failed%s", done, all, failed,
		 left);
}

enum ps_status batch_workers_init(struct batch *b, struct ps_error *err)
{
	const unsigned allowed = slots_allowed(), wanted = b->options->jobs + WAITING_MOST + 1;

	b->slot_count = wanted < allowed ? wanted : allowed;
	b->jobs = b->options->jobs < b->slot_count ? b->options->jobs : b->slot_count - 1;
	if (b->jobs < b->options->jobs)
		log_info(b->log, "room for %u workers: so few files may be open", b->jobs);
	b->slots = mem_array(b->slot_count, sizeof(*b->slots));
	b->polls = mem_array(b->slot_count, sizeof(*b->polls));
	if (!b->slots || !b->polls)
		return ps_fail_memory(err, "the workers");
	b->started_ns = worker_now();
	show_status(b);
	return PS_OK;
}

const char *batch_path(const struct batch *b, const struct slot *slot)
{
	return b->found.files[b->todo[slot->place]].path;
}

void batch_slot_fini(struct slot *slot)
{
	if (slot->judged)
		outcome_fini(&slot->outcome);
	if (slot->used)
		worker_fini(&slot->worker);
	slot->used = slot->ended = slot->judged = false;
}

/* ---- their beginnings ---- */

static enum ps_status start(struct batch *b, struct slot *slot, struct ps_error *err)
{
	*slot = (struct slot){.place = b->next};
	if (worker_start(&slot->worker, &b->options->limits, b->options->job, b->options->context,
			 batch_path(b, slot), err) != PS_OK)
		return err->status;
	slot->used = true;
	b->running++;
	b->next++;
	return PS_OK;
}

static bool is_any_used(const struct batch *b)
{
	for (unsigned i = 0; i < b->slot_count; i++)
		if (b->slots[i].used)
			return true;
	return false;
}

/* The system may have room for no more processes or files until some have ended. */
static enum ps_status excuse(const struct batch *b, struct ps_error *err)
{
	if (!is_any_used(b))
		return err->status;
	log_info(b->log, "%s (%u are running)", err->text, b->running);
	*err = (struct ps_error)PS_ERROR_INIT;
	return PS_OK;
}

enum ps_status batch_start(struct batch *b, struct ps_error *err)
{
	for (unsigned i = 0; i < b->slot_count && b->running < b->jobs && b->next < b->todo_count;
	     i++)
		if (!b->slots[i].used && start(b, &b->slots[i], err) != PS_OK)
			return excuse(b, err);
	return PS_OK;
}

/* ---- their ends ---- */

void batch_wait(struct batch *b)
{
	nfds_t count = 0;

	for (unsigned i = 0; i < b->slot_count; i++)
		if (b->slots[i].used && !b->slots[i].ended)
			b->polls[count++] = (struct pollfd){b->slots[i].worker.fd, POLLIN, 0};
	if (count > 0)
		poll(b->polls, count, batch_can_keep(b) ? 0 : WAIT_MS);
}

void batch_collect(struct batch *b)
{
	uint64_t now = worker_now();

	for (unsigned i = 0; i < b->slot_count; i++) {
		struct slot *slot = &b->slots[i];

		if (!slot->used || slot->ended)
			continue;
		worker_check_time(&slot->worker, now);
		if (!worker_collect(&slot->worker))
			continue;
		slot->ended = true;
		b->running--;
		progress_advance(b->progress, 1);
	}
	/* also when nobody has ended: a case can take minutes */
	show_status(b);
	progress_advance(b->progress, 0);
}
