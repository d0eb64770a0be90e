/*
 * A batch from folders to results; see batch.h. The parent opens no case: it starts workers, and is
 * the only one that writes.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "analyzer/desk/batch_internal.h"
#include "analyzer/desk/case_files.h"
#include "analyzer/desk/folder.h"
#include "base/memory.h"
#include "base/signals.h"

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
	b->kept = mem_array(b->found.count + 1, sizeof(*b->kept));
	if (!b->todo || !b->kept)
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

/* ---- doing it ---- */

static bool is_done(const struct batch *b)
{
	return b->next == b->todo_count && b->running == 0;
}

/* The next worker starts before it is looked at what came of the one that ended. */
static enum ps_status go_on(struct batch *b, struct ps_error *err)
{
	if (batch_start(b, err) != PS_OK)
		return err->status;
	batch_wait(b);
	batch_collect(b);
	if (batch_start(b, err) == PS_OK && batch_judge(b, err) == PS_OK)
		batch_keep(b, err);
	return err->status;
}

/* Who ends a batch does not want to lose what is done. */
static enum ps_status run_workers(struct batch *b, struct ps_error *err)
{
	if (batch_workers_init(b, err) != PS_OK)
		return err->status;
	progress_begin(b->progress, b->status, b->todo_count);
	while (!is_done(b) && !signals_interrupted() && go_on(b, err) == PS_OK)
		;
	if (err->status == PS_OK && batch_keep_all(b, err) == PS_OK && !is_done(b))
		ps_fail(err, PS_INTERRUPTED, "interrupted");
	progress_end(b->progress);
	return err->status;
}

/* ---- the whole ---- */

static void batch_fini(struct batch *b)
{
	for (unsigned i = 0; b->slots && i < b->slot_count; i++)
		batch_slot_fini(&b->slots[i]);
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
