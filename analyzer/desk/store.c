/*
 * The database of a batch: opening and looking up. See store.h; store_write.c writes.
 */
#include "analyzer/desk/store_internal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/desk/folder.h"
#include "base/memory.h"

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

enum ps_status store_fail_source(struct store *from, struct ps_error *err)
{
	store_fail(from->db, "read", err);
	return err->status = PS_CORRUPT;
}

static enum ps_status prepare(struct store *store, struct ps_error *err)
{
	for (unsigned i = 0; i < ALL; i++)
		if (sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &store->statements[i], NULL) != SQLITE_OK)
			return store_fail(store->db, "use", err);
	return PS_OK;
}

/* Lost at a power cut is at most the last cases, which are then done again. */
enum { WAIT_MS = 5000 };

/*
 * The log grows to 32 MiB before it is written back: that waits for the disk, which a batch keeps
 * busy with its reports, and meanwhile nobody starts workers.
 */
static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			       "PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = 4000;"
			       "PRAGMA foreign_keys = ON;";

/*
 * Workers are forked while the database is open, and after each of them every page of it that is
 * written to would be copied by the system: a quarter of a millisecond a case. So its pages lie
 * where children do not see them. SQLite takes other memory when these are used up, and when it has
 * been initialised before.
 */
static void keep_pages_to_ourselves(void)
{
	enum { PAGE = 4096, PAGES = 4096 };
	int header = 0, size;
	void *memory;

	if (sqlite3_config(SQLITE_CONFIG_PCACHE_HDRSZ, &header) != SQLITE_OK)
		return;
	size = (PAGE + header + 7) & ~7;
	memory = mmap(NULL, (size_t)size * PAGES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return;
	if (madvise(memory, (size_t)size * PAGES, MADV_DONTFORK) != 0 ||
	    sqlite3_config(SQLITE_CONFIG_PAGECACHE, memory, size, PAGES) != SQLITE_OK)
		munmap(memory, (size_t)size * PAGES);
}

/*
 * file:PATH?query, with what a URI would take for its own escaped. Two slashes in front of a path
 * would begin the name of a host: an empty one stands before it.
 */
static char *make_uri(const char *path, const char *query)
{
	size_t room = 3 * strlen(path) + strlen(query) + sizeof("file://?"), used;
	char *uri = malloc(room);

	if (!uri)
		return NULL;
	used = (size_t)snprintf(uri, room, *path == '/' ? "file://" : "file:");
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
	keep_pages_to_ourselves();
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		return store_fail(store->db, "open", err);
	sqlite3_busy_timeout(store->db, WAIT_MS);
	if (store_migrate(store->db, err) == PS_OK &&
	    sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return store_fail(store->db, "open", err);
	return err->status;
}

/*
 * Readers of a write-ahead log leave files of their own beside it, which the next batch, of another
 * user, could not write to. Without a log and while no batch writes, the database is opened as one
 * that stays as it is.
 */
static bool is_at_rest(struct store *store, const char *folder, const char *log)
{
	struct stat st;
	bool written;

	store->lock = folder_read(folder, &written);
	return !written && (stat(log, &st) != 0 || st.st_size == 0) &&
	       (store->lock >= 0 || access(folder, W_OK) != 0);
}

static enum ps_status open_readable(struct store *store, const char *folder, const char *path,
				    struct ps_error *err)
{
	char *log = mem_printf("%s-wal", path), *uri = make_uri(path, "immutable=1");
	bool fixed = log && is_at_rest(store, folder, log);

	if (!log || !uri)
		ps_fail_memory(err, "the database");
	else if (sqlite3_open_v2(fixed ? uri : path, &store->db,
				 SQLITE_OPEN_READONLY | (fixed ? SQLITE_OPEN_URI : 0),
				 NULL) != SQLITE_OK)
		store_fail(store->db, "open", err);
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
	if (store)
		store->lock = -1;
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
	if (store->lock >= 0)
		close(store->lock);
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

void store_bind_path(sqlite3_stmt *statement, const char *path)
{
	sqlite3_bind_blob(statement, 1, path, (int)strlen(path), SQLITE_TRANSIENT);
}

enum ps_status store_find(struct store *store, const char *path, struct stored_case *ret,
			  bool *ret_there, struct ps_error *err)
{
	sqlite3_stmt *find = store->statements[FIND];
	int result;

	store_bind_path(find, path);
	result = sqlite3_step(find);
	*ret_there = result == SQLITE_ROW;
	if (*ret_there)
		read_case(find, ret);
	sqlite3_reset(find);
	return result == SQLITE_ROW || result == SQLITE_DONE ? PS_OK
							     : store_fail(store->db, "read", err);
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
		store_fail_source(store, err);
	sqlite3_reset(each);
	return err->status;
}
