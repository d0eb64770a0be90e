/*
 * Private to the database of a batch: what its reading and its writing share.
 */
#ifndef PS_ANALYZER_DESK_STORE_INTERNAL_H
#define PS_ANALYZER_DESK_STORE_INTERNAL_H

#include "analyzer/desk/store.h"

struct sqlite3_stmt;

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

struct store {
	struct sqlite3 *db;
	struct sqlite3_stmt *statements[ALL];
	int lock; /* of the folder, while it is read; -1: none */
};

/** PS_CORRUPT: a database that is only read cannot be. */
enum ps_status store_fail_source(struct store *from, struct ps_error *err);

/** The bytes of the path as parameter 1. */
void store_bind_path(struct sqlite3_stmt *statement, const char *path);

#endif
