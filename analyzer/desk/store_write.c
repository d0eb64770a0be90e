/*
 * The database of a batch: writing cases, and those of another database. See
 * store.h.
 */
#include <sqlite3.h>

#include "analyzer/desk/store_internal.h"
#include "analyzer/report/summary.h"

/* ---- one case ---- */

/* A value as a column. A text must stay until run(). */
static void bind_item(sqlite3_stmt *statement, int column, const struct row_item *item)
{
	if (item->type == ROW_INTEGER)
		sqlite3_bind_int64(statement, column, item->integer);
	else if (item->type == ROW_TEXT)
		sqlite3_bind_text(statement, column, item->text, (int)item->length, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, column);
}

static bool run(sqlite3_stmt *statement)
{
	bool done = sqlite3_step(statement) == SQLITE_DONE;

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return done;
}

/* The values of a row; *next is what stands behind it. */
static void bind_values(sqlite3_stmt *statement, int column, struct rows *rows,
			struct row_item *next)
{
	while (rows_next(rows, next) && next->type != ROW_BEGIN && next->type != ROWS_END)
		bind_item(statement, column++, next);
}

/* Rows behind the case's own. */
static bool put_rows(struct store *store, int64_t id, struct rows *rows, struct row_item *next)
{
	static const enum statement statements[SUMMARY_KINDS] = {
		[SUMMARY_TAG] = PUT_TAG,
		[SUMMARY_DRIVER] = PUT_DRIVER,
		[SUMMARY_OWNER] = PUT_OWNER,
		[SUMMARY_FINDING] = PUT_FINDING,
	};

	while (next->type == ROW_BEGIN) {
		sqlite3_stmt *statement = store->statements[statements[next->kind]];

		sqlite3_bind_int64(statement, 1, id);
		bind_values(statement, 2, rows, next);
		if (!run(statement))
			return false;
	}
	return true;
}

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

static bool put_case(struct store *store, const struct case_record *r, struct rows *rows,
		     struct row_item *next)
{
	sqlite3_stmt *put = store->statements[PUT];

	store_bind_path(put, r->path);
	sqlite3_bind_int64(put, 2, (int64_t)r->stamp.size);
	sqlite3_bind_int64(put, 3, r->stamp.mtime_ns);
	sqlite3_bind_blob(put, 4, r->stamp.key, sizeof(r->stamp.key), SQLITE_TRANSIENT);
	bind_text(put, 5, r->result);
	sqlite3_bind_int(put, 6, r->done);
	bind_text(put, 7, r->code);
	bind_text(put, 8, r->error);
	sqlite3_bind_double(put, 9, r->seconds);
	sqlite3_bind_int64(put, 10, (int64_t)r->line.offset);
	sqlite3_bind_int64(put, 11, (int64_t)r->line.length);
	if (rows_next(rows, next))
		bind_values(put, 12, rows, next);
	return run(put);
}

static bool put_all(struct store *store, const struct case_record *r)
{
	struct rows rows = r->summary;
	struct row_item next = {.type = ROWS_END};

	store_bind_path(store->statements[REMOVE], r->path);
	return run(store->statements[REMOVE]) && put_case(store, r, &rows, &next) &&
	       put_rows(store, sqlite3_last_insert_rowid(store->db), &rows, &next);
}

/* ---- from another database ---- */

/* The row that `get` stands at into `put`, from column `first` on. */
static void bind_row(sqlite3_stmt *put, sqlite3_stmt *get, int first)
{
	for (int i = first; i < sqlite3_column_count(get); i++)
		sqlite3_bind_value(put, i + 1, sqlite3_column_value(get, i));
}

static enum ps_status copy_case(struct store *store, struct store *from, int64_t id,
				const struct line_place *line, struct ps_error *err)
{
	sqlite3_stmt *get = from->statements[GET], *put = store->statements[PUT];
	sqlite3_stmt *removal = store->statements[REMOVE];

	sqlite3_bind_int64(get, 1, id);
	if (sqlite3_step(get) != SQLITE_ROW)
		store_fail_source(from, err);
	else {
		sqlite3_bind_value(removal, 1, sqlite3_column_value(get, 0));
		bind_row(put, get, 0);
		sqlite3_bind_int64(put, 10, (int64_t)line->offset);
		sqlite3_bind_int64(put, 11, (int64_t)line->length);
		if (!run(removal) || !run(put))
			store_fail(store->db, "write", err);
	}
	sqlite3_reset(get);
	return err->status;
}

static enum ps_status copy_rows(struct store *store, struct store *from, enum statement which_get,
				enum statement which_put, int64_t id, int64_t new_id,
				struct ps_error *err)
{
	sqlite3_stmt *get = from->statements[which_get], *put = store->statements[which_put];
	int result = SQLITE_DONE;

	sqlite3_bind_int64(get, 1, id);
	while (err->status == PS_OK && (result = sqlite3_step(get)) == SQLITE_ROW) {
		bind_row(put, get, 1);
		sqlite3_bind_int64(put, 1, new_id);
		if (!run(put))
			store_fail(store->db, "write", err);
	}
	if (err->status == PS_OK && result != SQLITE_DONE)
		store_fail_source(from, err);
	sqlite3_reset(get);
	return err->status;
}

enum ps_status store_copy(struct store *store, struct store *from, int64_t id,
			  const struct line_place *line, struct ps_error *err)
{
	static const struct {
		enum statement get, put;
	} parts[] = {{GET_TAGS, PUT_TAG},
		     {GET_DRIVERS, PUT_DRIVER},
		     {GET_OWNERS, PUT_OWNER},
		     {GET_FINDINGS, PUT_FINDING}};
	int64_t new_id;

	if (copy_case(store, from, id, line, err) != PS_OK)
		return err->status;
	new_id = sqlite3_last_insert_rowid(store->db);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && err->status == PS_OK; i++)
		copy_rows(store, from, parts[i].get, parts[i].put, id, new_id, err);
	return err->status;
}

/* ---- transactions ---- */

static bool begin(struct store *store)
{
	return sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
}

static enum ps_status end(struct store *store, bool good, struct ps_error *err)
{
	if (good && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return PS_OK;
	store_fail(store->db, "write", err);
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return err->status;
}

enum ps_status store_begin(struct store *store, struct ps_error *err)
{
	return begin(store) ? PS_OK : store_fail(store->db, "write", err);
}

enum ps_status store_commit(struct store *store, struct ps_error *err)
{
	return end(store, true, err);
}

void store_undo(struct store *store)
{
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

enum ps_status store_put(struct store *store, const struct case_record *record,
			 struct ps_error *err)
{
	if (put_all(store, record))
		return PS_OK;
	store_fail(store->db, "write", err);
	store_undo(store);
	return err->status;
}

static bool move_all(struct store *store, const struct moved_line *moved, size_t count)
{
	sqlite3_stmt *move = store->statements[MOVE];

	for (size_t i = 0; i < count; i++) {
		sqlite3_bind_int64(move, 1, moved[i].id);
		sqlite3_bind_int64(move, 2, (int64_t)moved[i].line.offset);
		sqlite3_bind_int64(move, 3, (int64_t)moved[i].line.length);
		if (!run(move))
			return false;
	}
	return true;
}

enum ps_status store_move_lines(struct store *store, const struct moved_line *moved, size_t count,
				struct ps_error *err)
{
	return end(store, begin(store) && move_all(store, moved, count), err);
}
