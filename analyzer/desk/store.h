/*
 * The database of a batch: OUT/cases.db, SQLite 3, write-ahead logging, one writer. The schema is
 * in store_schema.c and docs/batch.md; its version is kept in it, and older ones are brought up.
 *
 * store_open() opens or makes it, store_close() closes it. Texts handed out are valid until the
 * next call.
 */
#ifndef PS_ANALYZER_DESK_STORE_H
#define PS_ANALYZER_DESK_STORE_H

#include "analyzer/desk/found.h"
#include "analyzer/report/rows.h"

struct store; /* opaque */
struct sqlite3;

enum { STORE_VERSION = 1 };

/** Where the line of a case stands in results.jsonl. */
struct line_place {
	uint64_t offset, length; /* bytes; the newline is counted */
};

struct stored_case {
	int64_t id;
	struct file_stamp stamp;
	struct line_place line;
	bool done; /* its result is final: it is not tried again by itself */
};

/** `writable` false: PS_NOT_FOUND when there is no database, and nothing is changed in it. */
enum ps_status store_open(const char *folder, bool writable, struct store **ret,
			  struct ps_error *err);
void store_close(struct store *store);

/** The case of a path; *ret_there false when there is none. */
enum ps_status store_find(struct store *store, const char *path, struct stored_case *ret,
			  bool *ret_there, struct ps_error *err);

/** What is kept of one case. */
struct case_record {
	const char *path;
	struct file_stamp stamp;
	struct line_place line;
	const char *result; /* "complete", "incomplete", "refused", "crashed", ... */
	const char *code;   /* of the error; NULL: none */
	const char *error;  /* its words; NULL: none */
	bool done;
	double seconds;
	struct rows summary; /* of a report, whole (see summary.h); empty: none. Borrowed */
};

/**
 * Adds a case or replaces the one of the same path, between store_begin() and store_commit(). An
 * error undoes all since store_begin().
 */
enum ps_status store_put(struct store *store, const struct case_record *record,
			 struct ps_error *err);

/**
 * Writes that count together: store_put() and store_copy() between store_begin() and store_commit()
 * or store_undo(). A commit that fails undoes.
 */
enum ps_status store_begin(struct store *store, struct ps_error *err);
enum ps_status store_commit(struct store *store, struct ps_error *err);
void store_undo(struct store *store);

/**
 * Adds case `id` of another database, or replaces the one of the same path; its line stands at
 * `line`. PS_CORRUPT when it cannot be read there, PS_SYSTEM when it cannot be written here.
 */
enum ps_status store_copy(struct store *store, struct store *from, int64_t id,
			  const struct line_place *line, struct ps_error *err);

/** Every case by the bytes of its path. PS_CORRUPT when they cannot be read. */
typedef enum ps_status store_visit(void *context, const char *path, const struct stored_case *found,
				   struct ps_error *err);
enum ps_status store_each(struct store *store, store_visit *visit, void *context,
			  struct ps_error *err);

/** Sets where lines stand: all of them or none. */
struct moved_line {
	int64_t id;
	struct line_place line;
};
enum ps_status store_move_lines(struct store *store, const struct moved_line *moved, size_t count,
				struct ps_error *err);

/** For queries; borrowed. */
struct sqlite3 *store_handle(struct store *store);

/** PS_SYSTEM: "cannot WHAT the database: " and SQLite's words. Returns err->status. */
enum ps_status store_fail(struct sqlite3 *db, const char *what, struct ps_error *err);

/** Whether the schema is of STORE_VERSION. PS_ABSENT: it is empty. PS_UNSUPPORTED. */
enum ps_status store_check(struct sqlite3 *db, struct ps_error *err);

/** Brings the schema to STORE_VERSION. PS_UNSUPPORTED when it is newer. */
enum ps_status store_migrate(struct sqlite3 *db, struct ps_error *err);

#endif
