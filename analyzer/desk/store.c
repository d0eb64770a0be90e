/*
 * The database of a batch: opening, looking up, and writing one case a transaction. See store.h.
 */
#include "analyzer/desk/store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* Prepared once: a case costs a handful of inserts. */
enum statement {
	FIND,
	PUT,
	PUT_TAG,
	PUT_DRIVER,
	PUT_OWNER,
	PUT_FINDING,
	REMOVE,
	EACH,
	MOVE,
	GET,
	GET_TAGS,
	GET_DRIVERS,
	GET_OWNERS,
	GET_FINDINGS,
	ALL
};

static const char *const texts[ALL] = {
	[FIND] = "SELECT id, size, mtime_ns, content_key, line_offset, line_length, done FROM cases"
		 " WHERE path = ?1",
	[PUT] = "INSERT INTO cases (path, size, mtime_ns, content_key, result, done, error_code,"
		" error, seconds, line_offset, line_length, format, product, build, arch, computer,"
		" crash_time, uptime_seconds, bugcheck, nonpaged_bytes, paged_bytes,"
		" nonpaged_permille, paged_permille, top_tag, top_owner, verdict) VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
		" ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
	[PUT_TAG] = "INSERT INTO tags VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[PUT_DRIVER] = "INSERT INTO drivers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[PUT_OWNER] = "INSERT INTO owners VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[PUT_FINDING] = "INSERT INTO findings VALUES (?1, ?2, ?3, ?4, ?5)",
	[REMOVE] = "DELETE FROM cases WHERE path = ?1",
	[EACH] = "SELECT id, size, mtime_ns, content_key, line_offset, line_length, done, path"
		 " FROM cases ORDER BY path",
	[GET] = "SELECT path, size, mtime_ns, content_key, result, done, error_code, error, seconds,"
		" line_offset, line_length, format, product, build, arch, computer, crash_time,"
		" uptime_seconds, bugcheck, nonpaged_bytes, paged_bytes, nonpaged_permille,"
		" paged_permille, top_tag, top_owner, verdict FROM cases WHERE id = ?1",
	[GET_TAGS] = "SELECT * FROM tags WHERE case_id = ?1",
	[GET_DRIVERS] = "SELECT * FROM drivers WHERE case_id = ?1",
	[GET_OWNERS] = "SELECT * FROM owners WHERE case_id = ?1",
	[GET_FINDINGS] = "SELECT * FROM findings WHERE case_id = ?1",
	[MOVE] = "UPDATE cases SET line_offset = ?2, line_length = ?3 WHERE id = ?1",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statements[ALL];
};

static enum ps_status fail(struct store *store, const char *what, struct ps_error *err)
{
	return store_fail(store->db, what, err);
}

static enum ps_status fail_source(struct store *from, struct ps_error *err)
{
	store_fail(from->db, "read", err);
	return err->status = PS_CORRUPT;
}

static enum ps_status prepare(struct store *store, struct ps_error *err)
{
	for (unsigned i = 0; i < ALL; i++)
		if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &store->statements[i], NULL) != SQLITE_OK)
			return fail(store, "use", err);
	return PS_OK;
}

/* Lost at a power cut is at most the last cases, which are then done again. */
enum { WAIT_MS = 5000 };

static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			       "PRAGMA foreign_keys = ON;";

/* file:PATH?query, with what a URI would take for its own escaped. */
static char *make_uri(const char *path, const char *query)
{
	size_t room = 3 * strlen(path) + strlen(query) + sizeof("file:?"), used;
	char *uri = malloc(room);

	if (!uri)
		return NULL;
	used = (size_t)snprintf(uri, room, "file:");
	for (; *path != '\0'; path++)
		used += (size_t)(strchr("%?#", *path)
					 ? snprintf(uri + used, room - used, "%%%02X",
						    (unsigned)(unsigned char)*path)
					 : snprintf(uri + used, room - used, "%c", *path));
	snprintf(uri + used, room - used, "?%s", query);
	return uri;
}

/* The version comes first: a database of another program stays as it is. */
static enum ps_status open_writable(struct store *store, const char *path, struct ps_error *err)
{
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		return fail(store, "open", err);
	sqlite3_busy_timeout(store->db, WAIT_MS);
	if (store_migrate(store->db, err) == PS_OK &&
	    sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return fail(store, "open", err);
	return err->status;
}

/*
 * Readers of a write-ahead log keep files of their own beside it. Where they cannot, and there is
 * no log, the database is opened as one that nobody writes to.
 */
static enum ps_status open_readable(struct store *store, const char *folder, const char *path,
				    struct ps_error *err)
{
	char *log = mem_printf("%s-wal", path), *uri = make_uri(path, "immutable=1");
	bool fixed = access(folder, W_OK) != 0 && log && access(log, F_OK) != 0;

	if (!log || !uri)
		ps_fail_memory(err, "the database");
	else if (sqlite3_open_v2(fixed ? uri : path, &store->db,
				 SQLITE_OPEN_READONLY | (fixed ? SQLITE_OPEN_URI : 0),
				 NULL) != SQLITE_OK)
		fail(store, "open", err);
	else
		sqlite3_busy_timeout(store->db, WAIT_MS);
	free(log);
	free(uri);
	return err->status == PS_OK ? store_check(store->db, err) : err->status;
}

enum ps_status store_open(const char *folder, bool writable, struct store **ret,
			  struct ps_error *err)
{
	struct store *store = mem_array(1, sizeof(*store));
	char *path = mem_printf("%s/cases.db", folder);
	struct stat st;

	*ret = NULL;
	if (!store || !path)
		ps_fail_memory(err, "the database");
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		ps_fail(err, PS_UNSUPPORTED, "cases.db is no regular file");
	else if (!writable && stat(path, &st) != 0)
		ps_fail(err, PS_NOT_FOUND, "%s holds no results of a batch: there is no cases.db",
			folder);
	else if ((writable ? open_writable(store, path, err)
			   : open_readable(store, folder, path, err)) == PS_OK)
		prepare(store, err);
	free(path);
	if (err->status == PS_OK) {
		*ret = store;
		return PS_OK;
	}
	if (store)
		store_close(store);
	return err->status == PS_NOT_FOUND ? err->status : ps_wrap(err, "%s", folder);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (unsigned i = 0; i < ALL; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store);
}

struct sqlite3 *store_handle(struct store *store)
{
	return store->db;
}

/* ---- reading ---- */

static void read_case(sqlite3_stmt *row, struct stored_case *ret)
{
	ret->id = sqlite3_column_int64(row, 0);
	ret->stamp.size = (uint64_t)sqlite3_column_int64(row, 1);
	ret->stamp.mtime_ns = sqlite3_column_int64(row, 2);
	memset(ret->stamp.key, 0, sizeof(ret->stamp.key));
	if (sqlite3_column_bytes(row, 3) == (int)sizeof(ret->stamp.key))
		memcpy(ret->stamp.key, sqlite3_column_blob(row, 3), sizeof(ret->stamp.key));
	ret->line.offset = (uint64_t)sqlite3_column_int64(row, 4);
	ret->line.length = (uint64_t)sqlite3_column_int64(row, 5);
	ret->done = sqlite3_column_int(row, 6) != 0;
}

static void bind_path(sqlite3_stmt *statement, const char *path)
{
	sqlite3_bind_blob(statement, 1, path, (int)strlen(path), SQLITE_TRANSIENT);
}

enum ps_status store_find(struct store *store, const char *path, struct stored_case *ret,
			  bool *ret_there, struct ps_error *err)
{
	sqlite3_stmt *find = store->statements[FIND];
	int result;

	bind_path(find, path);
	result = sqlite3_step(find);
	*ret_there = result == SQLITE_ROW;
	if (*ret_there)
		read_case(find, ret);
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? PS_OK : fail(store, "read", err);
}

enum ps_status store_each(struct store *store, store_visit *visit, void *context,
			  struct ps_error *err)
{
	sqlite3_stmt *each = store->statements[EACH];
	struct stored_case found;
	int result = SQLITE_DONE;

	while (err->status == PS_OK && (result = sqlite3_step(each)) == SQLITE_ROW) {
		char *path = mem_strndup(sqlite3_column_blob(each, 7),
					 (size_t)sqlite3_column_bytes(each, 7));

		read_case(each, &found);
		if (!path)
			ps_fail_memory(err, "a path");
		else
			visit(context, path, &found, err);
		free(path);
	}
	if (err->status == PS_OK && result != SQLITE_DONE)
		fail_source(store, err);
	sqlite3_reset(each);
	return err->status;
}

/* ---- writing ---- */

/* A JSON value as a column: null, number, truth, text. */
static void bind_json(sqlite3_stmt *statement, int column, const json_t *value)
{
	if (json_is_integer(value))
		sqlite3_bind_int64(statement, column, json_integer_value(value));
	else if (json_is_boolean(value))
		sqlite3_bind_int(statement, column, json_is_true(value));
	else if (json_is_string(value))
		sqlite3_bind_text(statement, column, json_string_value(value),
				  (int)json_string_length(value), SQLITE_TRANSIENT);
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

/* Rows as the child wrote them: arrays in the order of the columns behind case_id. */
static bool put_rows(struct store *store, enum statement which, int64_t id, const json_t *rows)
{
	sqlite3_stmt *statement = store->statements[which];
	size_t index;
	json_t *row;

	json_array_foreach((json_t *)(uintptr_t)rows, index, row)
	{
		sqlite3_bind_int64(statement, 1, id);
		for (size_t i = 0; i < json_array_size(row); i++)
			bind_json(statement, (int)i + 2, json_array_get(row, i));
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

static bool put_case(struct store *store, const struct case_record *r)
{
	sqlite3_stmt *put = store->statements[PUT];
	const json_t *columns = r->summary ? json_object_get(r->summary, "case") : NULL;

	bind_path(put, r->path);
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
	for (size_t i = 0; i < json_array_size(columns); i++)
		bind_json(put, (int)i + 12, json_array_get(columns, i));
	return run(put);
}

static bool put_all(struct store *store, const struct case_record *r)
{
	static const struct {
		const char *key;
		enum statement statement;
	} parts[] = {{"tags", PUT_TAG},
		     {"drivers", PUT_DRIVER},
		     {"owners", PUT_OWNER},
		     {"findings", PUT_FINDING}};
	int64_t id;

	bind_path(store->statements[REMOVE], r->path);
	if (!run(store->statements[REMOVE]) || !put_case(store, r))
		return false;
	id = sqlite3_last_insert_rowid(store->db);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r->summary; i++)
		if (!put_rows(store, parts[i].statement, id,
			      json_object_get(r->summary, parts[i].key)))
			return false;
	return true;
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
		fail_source(from, err);
	else {
		sqlite3_bind_value(removal, 1, sqlite3_column_value(get, 0));
		bind_row(put, get, 0);
		sqlite3_bind_int64(put, 10, (int64_t)line->offset);
		sqlite3_bind_int64(put, 11, (int64_t)line->length);
		if (!run(removal) || !run(put))
			fail(store, "write", err);
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
			fail(store, "write", err);
	}
	if (err->status == PS_OK && result != SQLITE_DONE)
		fail_source(from, err);
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
	fail(store, "write", err);
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return err->status;
}

enum ps_status store_begin(struct store *store, struct ps_error *err)
{
	return begin(store) ? PS_OK : fail(store, "write", err);
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
	return end(store, begin(store) && put_all(store, record), err);
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
