/*
 * A batch from folders to results; see batch.h. The parent opens no case: it starts workers, and is
 * the only one that writes.
 *
 * A worker that ends makes room for the next at once. Its result waits for those of the cases
 * before it, so that the lines come in order and need not be sorted; but not for long ones: when
 * many wait they are kept as they are, and sorted in the end. A few are kept in one transaction,
 * which writes the pages of the indices once for all of them; when everything ends, they are done
 * again.
 */
#include "analyzer/desk/batch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "analyzer/desk/case_files.h"
#include "analyzer/desk/folder.h"
#include "analyzer/desk/outcome.h"
#include "analyzer/desk/results.h"
#include "analyzer/report/format.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	WAIT_MS = 200,
	STATUS_TEXT = 120,
	WAITING_MOST = 32,  /* results */
	TOGETHER = 8,       /* so many are kept in one transaction, */
	TOGETHER_MS = 1000, /* or those that came in so long */
};

static const uint64_t waiting_bytes_most = 256 << 20; /* of memory: results */

struct slot {
	struct worker worker;
	struct outcome outcome; /* once it is judged */
	uint64_t bytes;         /* of its outputs, then */
	size_t place;           /* of the case in batch.todo */
	bool used, ended, judged;
};

struct batch {
	const struct batch_options *options;
	const struct log *log;
	struct progress *progress;
	struct batch_report *report;
	struct found found;
	struct store *store;
	struct results results;
	size_t *todo; /* owned; indices into found.files */
	size_t todo_count, next;
	size_t due;                            /* all results before this one are kept */
	bool *kept;                            /* owned; of todo */
	struct slot *slots;                    /* owned */
	unsigned slot_count, running, waiting; /* of the slots those that have ended */
	uint64_t waiting_bytes;
	uint64_t kept_ns;     /* when results were kept last */
	struct pollfd *polls; /* owned */
	int lock;
	uint64_t started_ns;
	char status[STATUS_TEXT]; /* the progress bar's words */
};

/* ---- what is to be done ---- */

static bool is_of_shard(const struct batch_options *options, const char *path)
{
	return options->shards == 0 ||
	       XXH3_64bits(path, strlen(path)) % options->shards == options->shard - 1;
}

/* Files of the case are asked for now, and were not when it was done. */
static bool lacks_files(const struct batch_options *o, const struct found_file *file)
{
	return (o->keep_reports && !case_file_exists(file->path, &file->stamp, o->out, ".json")) ||
	       (o->keep_pages && !case_file_exists(file->path, &file->stamp, o->out, ".html"));
}

/* A case with the same stamp is done, or failed and not to be tried again. */
static enum ps_status is_due(struct batch *b, struct found_file *file, bool *ret,
			     struct ps_error *err)
{
	struct stored_case stored;
	bool there;

	*ret = true;
	if (!file_stamp_read(file->path, &file->stamp))
		return PS_OK; /* the worker says why */
	if (store_find(b->store, file->path, &stored, &there, err) != PS_OK)
		return err->status;
	if (!there || stored.line.length == 0 || !file_stamp_equal(&stored.stamp, &file->stamp))
		return PS_OK;
	*ret = stored.done ? lacks_files(b->options, file) : b->options->retry_failed;
	if (!*ret)
		b->report->done_before++;
	return PS_OK;
}

static enum ps_status choose(struct batch *b, struct ps_error *err)
{
	b->todo = mem_array(b->found.count + 1, sizeof(*b->todo));
	if (!b->todo)
		return ps_fail_memory(err, "the list of cases");
	for (size_t i = 0; i < b->found.count; i++) {
		bool due = false;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (!is_of_shard(b->options, b->found.files[i].path)) {
			b->report->other_shards++;
			continue;
		}
		b->report->cases++;
		if (is_due(b, &b->found.files[i], &due, err) != PS_OK)
			return err->status;
		if (due)
			b->todo[b->todo_count++] = i;
	}
	return PS_OK;
}

/* ---- workers ---- */

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

static const char *path_of(const struct batch *b, const struct slot *slot)
{
	return b->found.files[b->todo[slot->place]].path;
}

static enum ps_status start(struct batch *b, struct slot *slot, struct ps_error *err)
{
	*slot = (struct slot){.place = b->next};
	if (worker_start(&slot->worker, &b->options->limits, b->options->job, b->options->context,
			 path_of(b, slot), err) != PS_OK)
		return err->status;
	slot->used = true;
	b->running++;
	b->next++;
	return PS_OK;
}

static enum ps_status start_all(struct batch *b, struct ps_error *err)
{
	for (unsigned i = 0;
	     i < b->slot_count && b->running < b->options->jobs && b->next < b->todo_count; i++)
		if (!b->slots[i].used && start(b, &b->slots[i], err) != PS_OK)
			return err->status;
	return PS_OK;
}

static void wait_for_one(struct batch *b)
{
	nfds_t count = 0;

	for (unsigned i = 0; i < b->slot_count; i++)
		if (b->slots[i].used && !b->slots[i].ended)
			b->polls[count++] = (struct pollfd){b->slots[i].worker.fd, POLLIN, 0};
	poll(b->polls, count, WAIT_MS);
}

static uint64_t bytes_of_outputs(const struct worker *worker)
{
	uint64_t bytes = 0;
	struct stat st;

	for (unsigned i = 0; i < WORKER_OUTPUTS; i++)
		if (fstat(worker->outputs[i], &st) == 0)
			bytes += (uint64_t)st.st_size;
	return bytes;
}

/* What came of the workers that have ended. */
static enum ps_status judge_all(struct batch *b, struct ps_error *err)
{
	for (unsigned i = 0; i < b->slot_count && err->status == PS_OK; i++) {
		struct slot *slot = &b->slots[i];

		if (!slot->ended || slot->judged)
			continue;
		slot->judged = true;
		slot->bytes = bytes_of_outputs(&slot->worker);
		b->waiting++;
		b->waiting_bytes += slot->bytes;
		outcome_init(&slot->outcome, &b->found.files[b->todo[slot->place]], &slot->worker,
			     err);
	}
	return err->status;
}

static void slot_fini(struct slot *slot)
{
	if (slot->judged)
		outcome_fini(&slot->outcome);
	if (slot->used)
		worker_fini(&slot->worker);
	slot->used = slot->ended = slot->judged = false;
}

static enum ps_status keep(struct batch *b, struct slot *slot, struct ps_error *err)
{
	const struct outcome *outcome = &slot->outcome;

	b->waiting--;
	b->waiting_bytes -= slot->bytes;
	b->kept[slot->place] = true;
	if (outcome_keep(&slot->outcome, b->options, &b->results, b->store, err) == PS_OK) {
		b->report->results[outcome->result]++;
		b->report->done_now++;
		log_info(b->log, "%s: %s", path_of(b, slot), case_result_word(outcome->result));
	}
	slot_fini(slot);
	return err->status;
}

/* Of the results that wait the one whose case comes first; NULL: none waits. */
static struct slot *first_waiting(struct batch *b)
{
	struct slot *first = NULL;

	for (unsigned i = 0; i < b->slot_count; i++)
		if (b->slots[i].judged && (!first || b->slots[i].place < first->place))
			first = &b->slots[i];
	return first;
}

static bool too_many_wait(const struct batch *b)
{
	return b->waiting > WAITING_MOST || b->waiting_bytes > waiting_bytes_most;
}

/* NULL: none waits that is to be kept. */
static struct slot *next_to_keep(struct batch *b)
{
	struct slot *slot = first_waiting(b);

	while (slot && b->due < slot->place && b->kept[b->due])
		b->due++;
	return slot && (b->due == slot->place || too_many_wait(b)) ? slot : NULL;
}

/* In one transaction those that `next` gives. */
static enum ps_status keep_each(struct batch *b, struct slot *next(struct batch *b),
				struct ps_error *err)
{
	struct ps_error second = PS_ERROR_INIT;
	struct slot *slot;

	if (store_begin(b->store, err) != PS_OK)
		return err->status;
	while ((slot = next(b)) && keep(b, slot, err) == PS_OK)
		;
	b->kept_ns = worker_now();
	/* Also behind one that fails: those before it are done. */
	store_commit(b->store, err->status == PS_OK ? err : &second);
	return err->status;
}

static enum ps_status keep_those_due(struct batch *b, struct ps_error *err)
{
	bool now = b->waiting >= TOGETHER || b->running == 0 || too_many_wait(b) ||
		   worker_now() - b->kept_ns >= UINT64_C(1000000) * TOGETHER_MS;

	return now && next_to_keep(b) ? keep_each(b, next_to_keep, err) : PS_OK;
}

static void collect(struct batch *b)
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

/* Four a worker and a result that waits: the usual 1,024 are not many. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static enum ps_status run_workers(struct batch *b, struct ps_error *err)
{
	b->slot_count = b->options->jobs + WAITING_MOST + 1;
	b->slots = mem_array(b->slot_count, sizeof(*b->slots));
	b->polls = mem_array(b->slot_count, sizeof(*b->polls));
	b->kept = mem_array(b->todo_count + 1, sizeof(*b->kept));
	if (!b->slots || !b->polls || !b->kept)
		return ps_fail_memory(err, "the workers");
	allow_files();
	b->started_ns = b->kept_ns = worker_now();
	show_status(b);
	progress_begin(b->progress, b->status, b->todo_count);
	while (err->status == PS_OK && (b->next < b->todo_count || b->running > 0)) {
		if (signals_interrupted()) {
			/* who ends a batch does not want to lose what is done */
			if (b->waiting == 0 || keep_each(b, first_waiting, err) == PS_OK)
				ps_fail(err, PS_INTERRUPTED, "interrupted");
		} else if (start_all(b, err) == PS_OK) {
			wait_for_one(b);
			collect(b);
			if (start_all(b, err) == PS_OK && judge_all(b, err) == PS_OK)
				keep_those_due(b, err);
		}
	}
	progress_end(b->progress);
	return err->status;
}

/* ---- the whole ---- */

static void batch_fini(struct batch *b)
{
	for (unsigned i = 0; b->slots && i < b->slot_count; i++)
		slot_fini(&b->slots[i]);
	free(b->slots);
	free(b->kept);
	free(b->polls);
	free(b->todo);
	results_close(&b->results);
	store_close(b->store);
	found_fini(&b->found);
	if (b->lock >= 0)
		close(b->lock);
}

static void take_counts(struct batch *b)
{
	struct batch_report *report = b->report;

	report->out = b->options->out;
	report->looked_at = b->found.looked_at;
	report->no_cases = b->found.no_cases;
	report->skipped = b->found.skipped;
	report->unreadable = b->found.unreadable;
	report->unreadable_count = b->found.unreadable_count;
	b->found.unreadable = NULL;
	b->found.unreadable_count = 0;
}

enum ps_status batch_run(const struct batch_options *options, const struct log *log,
			 struct progress *progress, struct batch_report *ret, struct ps_error *err)
{
	struct batch b = {.options = options,
			  .log = log,
			  .progress = progress,
			  .report = ret,
			  .results.fd = -1,
			  .lock = -1};

	*ret = (struct batch_report){.out = options->out};
	if (found_check(options->paths, options->path_count, err) == PS_OK &&
	    folder_take(options->out, &b.lock, err) == PS_OK &&
	    store_open(options->out, true, &b.store, err) == PS_OK &&
	    results_open(&b.results, options->out, b.store, err) == PS_OK &&
	    found_walk(options->paths, options->path_count, options->out, options->looks,
		       options->context, &b.found, err) == PS_OK &&
	    choose(&b, err) == PS_OK && run_workers(&b, err) == PS_OK &&
	    results_sort(&b.results, b.store, err) == PS_OK)
		outcome_rows(b.store, &b.found, ret, err);
	folder_advise(options->out, err);
	take_counts(&b);
	batch_fini(&b);
	return err->status;
}
