/*
 * The end of one case; see outcome.h.
 */
#include "analyzer/desk/outcome.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/desk/case_files.h"
#include "analyzer/desk/queries.h"
#include "analyzer/report/format.h"
#include "analyzer/report/summary.h"
#include "base/io.h"
#include "base/memory.h"

enum { SUMMARY_MOST = 64 << 20 /* bytes; what is longer is no summary */ };

/* ---- judging ---- */

static enum case_result result_of(const struct worker *worker)
{
	if (worker->end == WORKER_TIMED_OUT)
		return CASE_TIMED_OUT;
	if (worker->end == WORKER_KILLED)
		return CASE_CRASHED;
	switch (worker->status) {
	case JOB_COMPLETE: return CASE_COMPLETE;
	case JOB_INCOMPLETE: return CASE_INCOMPLETE;
	case JOB_REFUSED: return CASE_REFUSED;
	default: return CASE_FAULT;
	}
}

/* NULL: there is no whole one. */
static void *read_summary(int fd, struct rows *ret)
{
	struct stat st;
	char *bytes;

	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > SUMMARY_MOST)
		return NULL;
	bytes = malloc((size_t)st.st_size);
	*ret = rows_in(bytes, (size_t)st.st_size);
	if (bytes && io_read(fd, bytes, (size_t)st.st_size, 0) == st.st_size &&
	    summary_is_whole(*ret))
		return bytes;
	free(bytes);
	return NULL;
}

/* An error that the worker could not word itself. */
static enum ps_status make_error(struct outcome *o, struct ps_error *err)
{
	struct ps_error error = PS_ERROR_INIT;
	const struct worker *worker = o->worker;
	FILE *out;

	if (o->result == CASE_CHANGED)
		ps_fail(&error, PS_SYSTEM, "the file changed or vanished while it was read");
	else if (o->result == CASE_TIMED_OUT)
		ps_fail(&error, PS_INTERNAL, "not done within the time limit, and ended");
	else if (worker->end == WORKER_KILLED)
		ps_fail(&error, PS_INTERNAL, "the worker was killed by signal %d (%s)",
			worker->status, strsignal(worker->status));
	else
		ps_fail(&error, PS_INTERNAL, "the worker ended with exit status %d and no report",
			worker->status);
	o->code = ps_status_word(error.status);
	o->error = mem_strndup(error.text, strlen(error.text));
	o->error_fd = memfd_create("poolscope", MFD_CLOEXEC);
	out = o->error_fd >= 0 ? fdopen(dup(o->error_fd), "w") : NULL;
	if (!out || !o->error)
		return ps_fail_memory(err, "a report");
	render_json_error_line(&error, out);
	return fclose(out) == 0 ? PS_OK : ps_fail_memory(err, "a report");
}

/* A report and a summary must both be there, and nothing have come between. */
static bool has_report(const struct outcome *o)
{
	struct stat st;

	return o->worker->end == WORKER_EXITED && o->summary &&
	       fstat(o->worker->outputs[WORKER_REPORT], &st) == 0 && st.st_size > 2;
}

/* A report's rows, or an error's code and words; a worker that was damaged may have left none. */
static enum ps_status take_summary(struct outcome *o, struct rows rows, struct ps_error *err)
{
	struct rows all = rows;
	struct row_item row, code, words;

	if (rows_next(&rows, &row) && row.kind == SUMMARY_CASE) {
		o->rows = all;
		return PS_OK;
	}
	if (!rows_next(&rows, &code) || !rows_next(&rows, &words) || !words.text)
		return PS_OK;
	o->code = code.text;
	o->error = mem_strndup(words.text, words.length);
	return o->error ? PS_OK : ps_fail_memory(err, "a report");
}

enum ps_status outcome_init(struct outcome *o, const struct found_file *file,
			    const struct worker *worker, struct ps_error *err)
{
	struct file_stamp now;
	bool there = file_stamp_read(file->path, &now);
	struct rows rows;

	*o = (struct outcome){.file = file, .worker = worker, .error_fd = -1};
	o->stamp = file->stamp;
	o->result = result_of(worker);
	o->summary = read_summary(worker->outputs[WORKER_SUMMARY], &rows);
	if (!there || !file_stamp_equal(&now, &file->stamp))
		o->result = CASE_CHANGED;
	else if (has_report(o))
		return take_summary(o, rows, err);
	else if (o->result < CASE_CRASHED)
		o->result = CASE_FAULT;
	free(o->summary);
	o->summary = NULL;
	return make_error(o, err);
}

void outcome_fini(struct outcome *o)
{
	free(o->summary);
	free(o->error);
	if (o->error_fd >= 0)
		close(o->error_fd);
}

/* ---- keeping ---- */

static char *text_of(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	json_decref(object);
	return text;
}

/* {"case":{...} without the closing brace of the whole. */
static char *head_of(const struct outcome *o)
{
	char id[LINE_ID], key[33], *path = format_safe(o->file->path, TARGET_UTF8), *head, *text;
	json_t *object = json_object();

	results_id(o->file->path, &o->stamp, id);
	snprintf(key, sizeof(key), "%016" PRIx64 "%016" PRIx64, o->stamp.key[0], o->stamp.key[1]);
	json_object_set_new(object, "path", json_string(path ? path : ""));
	json_object_set_new(object, "size", json_integer((json_int_t)o->stamp.size));
	json_object_set_new(object, "mtime_ns", json_integer(o->stamp.mtime_ns));
	json_object_set_new(object, "content_key", json_string(key));
	json_object_set_new(object, "result", json_string(case_result_word(o->result)));
	text = text_of(object);
	head = path && text ? mem_printf("{\"case\":{\"id\":\"%s\",%s", id, text + 1) : NULL;
	free(text);
	free(path);
	return head;
}

/* What is not written again would tell of the case as it was before. */
static enum ps_status keep_file(const struct outcome *o, bool wanted, int fd, const char *suffix,
				const struct batch_options *options, struct ps_error *err)
{
	if (wanted)
		return case_file_keep(o->file->path, &o->stamp, fd, options->out, suffix, err);
	return case_file_drop(o->file->path, &o->stamp, options->out, suffix, err);
}

static enum ps_status keep_files(const struct outcome *o, int report,
				 const struct batch_options *options, struct ps_error *err)
{
	int page = o->worker->outputs[WORKER_PAGE];
	struct stat st;
	bool has_page = o->error_fd < 0 && fstat(page, &st) == 0 && st.st_size > 0;

	if (keep_file(o, options->keep_reports, report, ".json", options, err) == PS_OK)
		keep_file(o, options->keep_pages && has_page, page, ".html", options, err);
	return err->status;
}

enum ps_status outcome_keep(struct outcome *o, const struct batch_options *options,
			    struct results *results, struct store *store, struct ps_error *err)
{
	int report = o->error_fd >= 0 ? o->error_fd : o->worker->outputs[WORKER_REPORT];
	char *head = head_of(o);
	struct case_record record = {
		.path = o->file->path,
		.stamp = o->stamp,
		.result = case_result_word(o->result),
		.code = o->code,
		.error = o->error,
		.done = o->result == CASE_COMPLETE || o->result == CASE_INCOMPLETE,
		.seconds = o->worker->seconds,
		.summary = o->rows,
	};

	if (!head)
		ps_fail_memory(err, "a report");
	else if (keep_files(o, report, options, err) == PS_OK &&
		 results_add(results, head, report, &record.line, err) == PS_OK)
		store_put(store, &record, err);
	free(head);
	return err->status;
}

/* ---- rows of the summary table ---- */

static int column_permille(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? -1
							       : sqlite3_column_int(row, column);
}

static bool add_row(struct batch_report *report, const char *path, sqlite3_stmt *row)
{
	void *rows = report->rows;
	struct batch_row *added;

	if (!mem_grow(&rows, report->row_count, &report->row_capacity, sizeof(*added)))
		return false;
	report->rows = rows;
	added = &report->rows[report->row_count++];
	*added = (struct batch_row){
		.path = mem_strndup(path, strlen(path)),
		.result = case_result_named((const char *)sqlite3_column_text(row, 0)),
		.product = query_text(row, 1),
		.nonpaged_permille = column_permille(row, 2),
		.paged_permille = column_permille(row, 3),
		.top_tag = query_text(row, 4),
		.top_owner = query_text(row, 5),
		.error = query_text(row, 6),
	};
	report->results[added->result]++;
	return added->path != NULL;
}

enum ps_status outcome_rows(struct store *store, const struct found *found,
			    struct batch_report *report, struct ps_error *err)
{
	static const char text[] = "SELECT result, product, nonpaged_permille, paged_permille,"
				   " top_tag, top_owner, error FROM cases WHERE path = ?1";
	sqlite3 *db = store_handle(store);
	sqlite3_stmt *row;
	int result = SQLITE_DONE;

	memset(report->results, 0, sizeof(report->results));
	if (query_prepare(db, text, &row, err) != PS_OK)
		return err->status;
	for (size_t i = 0; i < found->count && err->status == PS_OK; i++) {
		const char *path = found->files[i].path;

		sqlite3_bind_blob(row, 1, path, (int)strlen(path), SQLITE_STATIC);
		result = sqlite3_step(row);
		if (result == SQLITE_ROW && !add_row(report, path, row))
			ps_fail_memory(err, "the summary");
		else if (result != SQLITE_ROW && result != SQLITE_DONE)
			break;
		sqlite3_reset(row);
	}
	return query_end(db, row, result == SQLITE_ROW ? SQLITE_DONE : result, err);
}
