/*
 * Joining the results of batches; see merge.h.
 *
 * The database of `out` has a transaction a source. Lines go into results.jsonl first: what is
 * behind the last line that the database knows does not count, as in a batch.
 */
#include "analyzer/desk/merge.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/desk/case_files.h"
#include "analyzer/desk/folder.h"
#include "analyzer/desk/queries.h"
#include "analyzer/desk/results.h"
#include "base/memory.h"
#include "base/signals.h"

struct merge {
	const char *out;
	struct store *store;
	struct results results;
	int lock;
};

/* One of the folders that are read. */
struct source {
	struct merge *merge;
	struct merge_source *report;
	struct store *store;
	struct results results;
	struct moved_line *lines; /* owned */
	size_t line_count;
	int lock;
};

/* ---- which of two ---- */

/* Beyond the time the order has no meaning, but it is the same whichever comes first. */
static int compare_stamps(const struct file_stamp *a, const struct file_stamp *b)
{
	if (a->mtime_ns != b->mtime_ns)
		return a->mtime_ns < b->mtime_ns ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	for (size_t i = 0; i < 2; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	return 0;
}

static bool is_better(const struct stored_case *found, const struct stored_case *here)
{
	int order = compare_stamps(&found->stamp, &here->stamp);

	if (here->line.length == 0)
		return true;
	return order > 0 || (order == 0 && found->done && !here->done);
}

/* ---- a case ---- */

static enum ps_status take(struct source *source, const char *path, const struct stored_case *found,
			   const struct line_place *line, struct ps_error *err)
{
	struct merge *m = source->merge;
	const char *from = source->report->folder;
	struct line_place place;

	if (results_take(&m->results, &source->results, line, &place, err) != PS_OK ||
	    store_copy(m->store, source->store, found->id, &place, err) != PS_OK ||
	    case_file_copy(path, &found->stamp, from, m->out, ".json", err) != PS_OK ||
	    case_file_copy(path, &found->stamp, from, m->out, ".html", err) != PS_OK)
		return err->status;
	source->report->taken++;
	return PS_OK;
}

static enum ps_status visit(void *context, const char *path, const struct stored_case *found,
			    struct ps_error *err)
{
	struct source *source = context;
	const struct line_place *line = results_place(source->lines, source->line_count, found->id);
	struct stored_case here;
	bool there;

	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	source->report->cases++;
	if (!line) {
		source->report->lost++;
		return PS_OK;
	}
	if (store_find(source->merge->store, path, &here, &there, err) != PS_OK)
		return err->status;
	if (there && !is_better(found, &here))
		return PS_OK;
	return take(source, path, found, line, err);
}

/* ---- a folder ---- */

static void close_source(struct source *source)
{
	results_close(&source->results);
	store_close(source->store);
	free(source->lines);
	if (source->lock >= 0)
		close(source->lock);
}

static enum ps_status open_source(struct source *source, struct ps_error *err)
{
	const char *folder = source->report->folder;

	if (store_open(folder, false, &source->store, err) != PS_OK)
		return err->status;
	return results_open_source(&source->results, folder, source->store, &source->lines,
				   &source->line_count, err);
}

/* A source that cannot be read is left out, and nothing of it stays here. */
static enum ps_status leave_out(struct merge_source *report, struct ps_error *err)
{
	report->taken = 0;
	report->lost = 0;
	report->error = mem_strndup(err->text, strlen(err->text));
	if (!report->error)
		return ps_fail_memory(err, "the summary");
	ps_error_clear(err);
	return PS_OK;
}

static bool is_fatal(enum ps_status status)
{
	return status == PS_NO_MEMORY || status == PS_INTERRUPTED || status == PS_INTERNAL;
}

static enum ps_status copy_source(struct source *source, struct ps_error *err)
{
	struct merge *m = source->merge;
	uint64_t end = m->results.end;

	if (store_begin(m->store, err) != PS_OK)
		return err->status;
	if (store_each(source->store, visit, source, err) == PS_OK)
		return store_commit(m->store, err);
	store_undo(m->store);
	m->results.end = end;
	return err->status == PS_CORRUPT ? leave_out(source->report, err) : err->status;
}

static enum ps_status merge_source(struct merge *m, struct merge_source *report,
				   struct ps_error *err)
{
	struct source source = {.merge = m, .report = report, .results.fd = -1, .lock = -1};

	if (folder_hold(report->folder, &source.lock, err) == PS_OK) {
		if (open_source(&source, err) == PS_OK)
			copy_source(&source, err);
		else if (!is_fatal(err->status))
			leave_out(report, err);
	}
	close_source(&source);
	return err->status;
}

/* ---- the whole ---- */

static enum ps_status list_sources(const char *const *folders, size_t count,
				   struct merge_report *ret, struct ps_error *err)
{
	ret->sources = mem_array(count + 1, sizeof(*ret->sources));
	if (!ret->sources)
		return ps_fail_memory(err, "the list of folders");
	ret->source_count = count;
	for (size_t i = 0; i < count; i++)
		ret->sources[i].folder = folders[i];
	return PS_OK;
}

/* A folder that holds no results is left out at once. */
static enum ps_status check_source(struct merge_source *report, bool *ret_readable,
				   struct ps_error *err)
{
	struct source source = {.report = report, .results.fd = -1, .lock = -1};

	if (folder_hold(report->folder, &source.lock, err) == PS_OK) {
		if (store_open(report->folder, false, &source.store, err) == PS_OK)
			*ret_readable = true;
		else if (!is_fatal(err->status))
			leave_out(report, err);
	}
	close_source(&source);
	return err->status;
}

/*
 * Before anything is written: no batch writes to a folder. *ret_any: `out` is there already, or
 * a folder can be read; else nothing is to be made.
 */
static enum ps_status check_sources(const struct merge_report *report, bool *ret_any,
				    struct ps_error *err)
{
	struct stat out, other;
	bool has_out = stat(report->out, &out) == 0;

	*ret_any = has_out;
	for (size_t i = 0; i < report->source_count; i++) {
		const char *folder = report->sources[i].folder;

		if (has_out && stat(folder, &other) == 0 && other.st_dev == out.st_dev &&
		    other.st_ino == out.st_ino)
			return ps_fail(err, PS_USAGE,
				       "%s is both a folder to merge and the folder of the results",
				       folder);
		if (check_source(&report->sources[i], ret_any, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

static enum ps_status count_results(struct merge *m, struct merge_report *ret, struct ps_error *err)
{
	sqlite3 *db = store_handle(m->store);
	sqlite3_stmt *row;
	int result;

	if (query_prepare(db, "SELECT result, count(*) FROM cases GROUP BY result", &row, err) !=
	    PS_OK)
		return err->status;
	while ((result = sqlite3_step(row)) == SQLITE_ROW) {
		size_t count = (size_t)sqlite3_column_int64(row, 1);

		ret->cases += count;
		ret->results[case_result_named((const char *)sqlite3_column_text(row, 0))] += count;
	}
	return query_end(db, row, result, err);
}

static enum ps_status merge_all(struct merge *m, const struct log *log, struct progress *progress,
				struct merge_report *ret, struct ps_error *err)
{
	progress_begin(progress, "folders", ret->source_count);
	for (size_t i = 0; i < ret->source_count && err->status == PS_OK; i++) {
		struct merge_source *source = &ret->sources[i];

		if (!source->error && merge_source(m, source, err) == PS_OK)
			log_info(log, "%s: %zu cases, %zu taken", source->folder, source->cases,
				 source->taken);
		progress_advance(progress, 1);
	}
	progress_end(progress);
	if (err->status == PS_OK && results_sort(&m->results, m->store, err) == PS_OK)
		count_results(m, ret, err);
	return err->status;
}

enum ps_status merge_run(const char *const *folders, size_t count, const char *out,
			 const struct log *log, struct progress *progress, struct merge_report *ret,
			 struct ps_error *err)
{
	struct merge m = {.out = out, .results.fd = -1, .lock = -1};
	bool any;

	*ret = (struct merge_report){.out = out};
	if (list_sources(folders, count, ret, err) == PS_OK &&
	    check_sources(ret, &any, err) == PS_OK && any &&
	    folder_take(out, &m.lock, err) == PS_OK &&
	    store_open(out, true, &m.store, err) == PS_OK &&
	    results_open(&m.results, out, m.store, err) == PS_OK)
		merge_all(&m, log, progress, ret, err);
	folder_advise(out, err);
	results_close(&m.results);
	store_close(m.store);
	if (m.lock >= 0)
		close(m.lock);
	return err->status;
}
