/*
 * The schema of cases.db, as steps from each version to the next: see docs/batch.md for what the
 * columns mean. A step that has been released is never changed.
 */
#include <errno.h>
#include <sqlite3.h>

#include "analyzer/desk/store.h"

#define HINT_ANEW "a batch into another folder (-o) does all cases again"

static const char *const steps[STORE_VERSION] = {
	"CREATE TABLE cases ("
	" id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, size INTEGER NOT NULL,"
	" mtime_ns INTEGER NOT NULL, content_key BLOB NOT NULL, result TEXT NOT NULL,"
	" done INTEGER NOT NULL, error_code TEXT, error TEXT, seconds REAL,"
	" line_offset INTEGER NOT NULL, line_length INTEGER NOT NULL,"
	" format TEXT, product TEXT, build INTEGER, arch TEXT, computer TEXT, crash_time TEXT,"
	" uptime_seconds INTEGER, bugcheck INTEGER, nonpaged_bytes INTEGER, paged_bytes INTEGER,"
	" nonpaged_permille INTEGER, paged_permille INTEGER, top_tag TEXT, top_owner TEXT,"
	" verdict TEXT);"
	"CREATE TABLE tags ("
	" case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, tag TEXT NOT NULL,"
	" paged INTEGER NOT NULL, place INTEGER NOT NULL, allocs INTEGER, frees INTEGER,"
	" bytes INTEGER, complete INTEGER NOT NULL, owner TEXT,"
	" PRIMARY KEY (case_id, paged, place)) WITHOUT ROWID;"
	"CREATE TABLE drivers ("
	" case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, module TEXT NOT NULL,"
	" place INTEGER NOT NULL, version TEXT, company TEXT, microsoft INTEGER,"
	" nonpaged_bytes INTEGER, paged_bytes INTEGER,"
	" PRIMARY KEY (case_id, place)) WITHOUT ROWID;"
	"CREATE TABLE owners ("
	" case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, tag TEXT NOT NULL,"
	" place INTEGER NOT NULL, module TEXT NOT NULL, version TEXT, grade TEXT NOT NULL,"
	" proof INTEGER NOT NULL, PRIMARY KEY (case_id, tag, place)) WITHOUT ROWID;"
	"CREATE TABLE findings ("
	" case_id INTEGER NOT NULL REFERENCES cases(id) ON DELETE CASCADE, place INTEGER NOT NULL,"
	" finding TEXT NOT NULL, severity TEXT NOT NULL, title TEXT NOT NULL,"
	" PRIMARY KEY (case_id, place)) WITHOUT ROWID;"
	"CREATE INDEX tags_by_tag ON tags (tag, place);"
	"CREATE INDEX drivers_by_module ON drivers (module, place);"
	"CREATE INDEX findings_by_finding ON findings (finding);",
};

enum ps_status store_fail(sqlite3 *db, const char *what, struct ps_error *err)
{
	int result = sqlite3_errcode(db) & 0xff, errnum = sqlite3_system_errno(db);

	if (result == SQLITE_IOERR && errnum != 0) /* SQLite's words leave out which */
		return ps_fail_errno(err, errnum, "cannot %s the database: %s", what,
				     sqlite3_errmsg(db));
	ps_fail(err, PS_SYSTEM, "cannot %s the database: %s", what, sqlite3_errmsg(db));
	if (result == SQLITE_CORRUPT || result == SQLITE_NOTADB)
		ps_hint(err, "cases.db is damaged: " HINT_ANEW);
	err->errnum = result == SQLITE_FULL ? ENOSPC : errnum;
	return err->status;
}

static enum ps_status read_version(sqlite3 *db, int *ret, struct ps_error *err)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
		return store_fail(db, "read", err);
	if (sqlite3_step(statement) == SQLITE_ROW)
		*ret = sqlite3_column_int(statement, 0);
	else
		store_fail(db, "read", err);
	sqlite3_finalize(statement);
	return err->status;
}

static enum ps_status run_step(sqlite3 *db, int version, struct ps_error *err)
{
	char *last = sqlite3_mprintf("PRAGMA user_version = %d; COMMIT", version + 1);
	bool done;

	if (!last)
		return ps_fail_memory(err, "the database");
	done = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_exec(db, steps[version], NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_exec(db, last, NULL, NULL, NULL) == SQLITE_OK;
	sqlite3_free(last);
	if (done)
		return PS_OK;
	store_fail(db, "make", err);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err->status;
}

static enum ps_status fail_foreign(struct ps_error *err)
{
	ps_fail(err, PS_CORRUPT, "its cases.db is no database of a batch, or it is damaged");
	ps_hint(err, HINT_ANEW);
	return err->status;
}

/* Whether there is nothing in it yet; an interrupted batch leaves none of its tables or all. */
static enum ps_status check_empty(sqlite3 *db, struct ps_error *err)
{
	sqlite3_stmt *statement;
	int count;

	if (sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_master", -1, &statement, NULL) !=
	    SQLITE_OK)
		return store_fail(db, "read", err);
	count = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : -1;
	sqlite3_finalize(statement);
	if (count < 0)
		return store_fail(db, "read", err);
	return count == 0 ? PS_OK : fail_foreign(err);
}

static enum ps_status fail_newer(int version, struct ps_error *err)
{
	return ps_fail(err, PS_UNSUPPORTED,
		       "its database is of version %d, of a newer poolscope; this one knows "
		       "version %d",
		       version, STORE_VERSION);
}

enum ps_status store_check(sqlite3 *db, struct ps_error *err)
{
	int version = -1;

	if (read_version(db, &version, err) != PS_OK)
		return err->status;
	if (version > STORE_VERSION)
		return fail_newer(version, err);
	if (version < 0 || (version == 0 && check_empty(db, err) != PS_OK))
		return err->status == PS_OK ? fail_foreign(err) : err->status;
	if (version == 0)
		return ps_fail(err, PS_ABSENT, "its database is empty: its batch was ended early");
	if (version < STORE_VERSION) {
		ps_fail(err, PS_UNSUPPORTED, "its database is of version %d, of an older poolscope",
			version);
		ps_hint(err, "a batch into the same folder brings it up to date");
	}
	return err->status;
}

enum ps_status store_migrate(sqlite3 *db, struct ps_error *err)
{
	int version = -1;

	if (read_version(db, &version, err) != PS_OK)
		return err->status;
	if (version > STORE_VERSION)
		return fail_newer(version, err);
	if (version < 0)
		return fail_foreign(err);
	if (version == 0 && check_empty(db, err) != PS_OK)
		return err->status;
	for (; version < STORE_VERSION; version++)
		if (run_step(db, version, err) != PS_OK)
			return err->status;
	return PS_OK;
}
