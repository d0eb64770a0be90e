/*
 * Questions across the cases of a batch; the database is only read, also while a batch writes.
 *
 * cases_query() fills the report, which is the caller's to free in any case.
 */
#ifndef PS_ANALYZER_DESK_QUERIES_H
#define PS_ANALYZER_DESK_QUERIES_H

#include "analyzer/desk/store.h"
#include "analyzer/report/cases_report.h"

struct sqlite3_stmt;

struct cases_options {
	const char *out;
	const char *tag;    /* as tag_text() spells it; NULL: any */
	const char *driver; /* with or without .sys, case does not count; NULL: any */
	const char *like;   /* path of a case, or its last part; NULL: none */
	bool has_build, has_bugcheck;
	uint32_t build, bugcheck;
	size_t top; /* rows a table; 0: all */
};

/** PS_NOT_FOUND: no results in the folder, or no such case. PS_USAGE: several cases of that name.
 */
enum ps_status cases_query(const struct cases_options *options, struct cases_report *ret,
			   struct ps_error *err);

/** The cases most like that of options->like, and why. Part of cases_query(). */
enum ps_status cases_like(struct sqlite3 *db, const char *like, struct cases_report *report,
			  struct ps_error *err);

/**
 * Adds a row for a case: path, result, product, bugcheck, top_tag and top_owner are columns 0 to 5.
 * NULL: no memory.
 */
struct cases_row *query_add_row(struct cases_report *report, struct sqlite3_stmt *row);

/** Text of a column; NULL when it is NULL, or memory is out. Caller frees. */
char *query_text(struct sqlite3_stmt *row, int column);

/** "0x000000D1 DRIVER_..."; NULL when it is NULL. Caller frees. */
char *query_bugcheck(struct sqlite3_stmt *row, int column);

enum ps_status query_prepare(struct sqlite3 *db, const char *text, struct sqlite3_stmt **ret,
			     struct ps_error *err);

/** After the last row: PS_CORRUPT unless it was one. Finalizes `row`. */
enum ps_status query_end(struct sqlite3 *db, struct sqlite3_stmt *row, int result,
			 struct ps_error *err);

#endif
