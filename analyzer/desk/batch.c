/*
 * A batch from folders to results; see batch.h. The parent opens no case: it starts workers, and is
 * the only one that writes.
 */
#include "analyzer/desk/batch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "analyzer/desk/case_files.h"
#include "analyzer/desk/folder.h"
#include "analyzer/desk/outcome.h"
#include "analyzer/desk/results.h"
#include "analyzer/report/format.h"
#include "base/memory.h"
#include "base/signals.h"

enum { WAIT_MS = 200, STATUS_TEXT = 120 };

struct slot {
	struct worker worker;
	size_t file; /* index into found.files */
	bool used;
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
	struct slot *slots; /* owned; options->jobs of them */
	struct pollfd *polls;
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
	size_t done = b->report->done_now, all = b->todo_count;
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

static enum ps_status start(struct batch *b, struct slot *slot, struct ps_error *err)
{
	slot->file = b->todo[b->next];
	if (worker_start(&slot->worker, &b->options->limits, b->options->job, b->options->context,
			 b->found.files[slot->file].path, err) != PS_OK)
		return err->status;
	slot->used = true;
	b->next++;
	return PS_OK;
}

static enum ps_status start_all(struct batch *b, struct ps_error *err)
{
	for (unsigned i = 0; i < b->options->jobs && b->next < b->todo_count; i++)
		if (!b->slots[i].used && start(b, &b->slots[i], err) != PS_OK)
			return err->status;
	return PS_OK;
}

static bool any_runs(const struct batch *b)
{
	for (unsigned i = 0; i < b->options->jobs; i++)
		if (b->slots[i].used)
			return true;
	return false;
}

static void wait_for_one(struct batch *b)
{
	nfds_t count = 0;

	for (unsigned i = 0; i < b->options->jobs; i++)
		if (b->slots[i].used)
			b->polls[count++] = (struct pollfd){b->slots[i].worker.fd, POLLIN, 0};
	poll(b->polls, count, WAIT_MS);
}

static enum ps_status keep(struct batch *b, struct slot *slot, struct ps_error *err)
{
	struct found_file *file = &b->found.files[slot->file];
	struct outcome outcome;

	if (outcome_init(&outcome, file, &slot->worker, err) == PS_OK &&
	    outcome_keep(&outcome, b->options, &b->results, b->store, err) == PS_OK) {
		b->report->results[outcome.result]++;
		b->report->done_now++;
		log_info(b->log, "%s: %s", file->path, case_result_word(outcome.result));
	}
	outcome_fini(&outcome);
	worker_fini(&slot->worker);
	slot->used = false;
	return err->status;
}

static enum ps_status collect(struct batch *b, struct ps_error *err)
{
	uint64_t now = worker_now();

	for (unsigned i = 0; i < b->options->jobs && err->status == PS_OK; i++) {
		struct slot *slot = &b->slots[i];

		if (!slot->used)
			continue;
		worker_check_time(&slot->worker, now);
		if (!worker_collect(&slot->worker))
			continue;
		keep(b, slot, err);
		progress_advance(b->progress, 1);
	}
	/* also when nobody has ended: a case can take minutes */
	show_status(b);
	progress_advance(b->progress, 0);
	return err->status;
}

static enum ps_status run_workers(struct batch *b, struct ps_error *err)
{
	b->slots = mem_array(b->options->jobs, sizeof(*b->slots));
	b->polls = mem_array(b->options->jobs, sizeof(*b->polls));
	if (!b->slots || !b->polls)
		return ps_fail_memory(err, "the workers");
	b->started_ns = worker_now();
	show_status(b);
	progress_begin(b->progress, b->status, b->todo_count);
	while (err->status == PS_OK && (b->next < b->todo_count || any_runs(b))) {
		if (signals_interrupted())
			ps_fail(err, PS_INTERRUPTED, "interrupted");
		else if (start_all(b, err) == PS_OK) {
			wait_for_one(b);
			collect(b, err);
		}
	}
	progress_end(b->progress);
	return err->status;
}

/* ---- the whole ---- */

static void batch_fini(struct batch *b)
{
	for (unsigned i = 0; b->slots && i < b->options->jobs; i++)
		if (b->slots[i].used)
			worker_fini(&b->slots[i].worker);
	free(b->slots);
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
