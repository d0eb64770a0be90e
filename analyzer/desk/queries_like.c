/*
 * Cases like a given one: by the shares of their tags (weight 4), of their drivers and their
 * versions (3), by findings in common (2), by build and bug check (1). A measure for looking
 * further, not a proof that the cause is the same.
 */
#include "analyzer/desk/queries.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "base/memory.h"

static const char tables[] =
	"CREATE TEMP TABLE tag_common (case_id INTEGER, name TEXT, part REAL);"
	"CREATE TEMP TABLE driver_common (case_id INTEGER, name TEXT, same INTEGER, part REAL);"
	"CREATE TEMP TABLE finding_common (case_id INTEGER PRIMARY KEY, n INTEGER)";

/*
 * ?1: the case. Shares are of the bytes of the tags, or drivers, that the database keeps of a case;
 * what two cases have in common of a tag is the smaller of its two shares. Another version of
 * a driver counts half. Images of one name in a case are one driver, of the version that holds
 * most.
 */
static const char *const commons[] = {
	"WITH sums AS MATERIALIZED (SELECT case_id, sum(bytes) AS s FROM tags WHERE bytes > 0"
	"  GROUP BY case_id)"
	" INSERT INTO temp.tag_common SELECT t.case_id, t.tag,"
	"  min(1.0 * m.bytes / ms.s, 1.0 * t.bytes / ts.s)"
	" FROM tags m JOIN sums ms ON ms.case_id = m.case_id"
	" JOIN tags t ON t.tag = m.tag AND t.paged = m.paged AND t.bytes > 0"
	" JOIN sums ts ON ts.case_id = t.case_id"
	" WHERE m.case_id = ?1 AND m.bytes > 0 AND m.place <= 20",
	"WITH held AS MATERIALIZED (SELECT case_id, module, version, min(place) AS place,"
	"  sum(nonpaged_bytes + paged_bytes) AS bytes FROM drivers"
	"  WHERE nonpaged_bytes + paged_bytes > 0 GROUP BY case_id, module),"
	" sums AS MATERIALIZED (SELECT case_id, sum(bytes) AS s FROM held GROUP BY case_id)"
	" INSERT INTO temp.driver_common SELECT d.case_id,"
	"  d.module || coalesce(' ' || d.version, ''), d.version IS m.version,"
	"  min(1.0 * m.bytes / ms.s, 1.0 * d.bytes / ds.s)"
	"  * CASE WHEN d.version IS m.version THEN 1.0 ELSE 0.5 END"
	" FROM held m JOIN sums ms ON ms.case_id = m.case_id"
	" JOIN held d ON d.module = m.module JOIN sums ds ON ds.case_id = d.case_id"
	" WHERE m.case_id = ?1 AND m.place <= 20",
	"INSERT INTO temp.finding_common SELECT f.case_id, count(DISTINCT f.finding)"
	" FROM findings m JOIN findings f ON f.finding = m.finding WHERE m.case_id = ?1"
	" GROUP BY f.case_id",
};

static const char indexes[] = "CREATE INDEX temp.tag_common_case ON tag_common (case_id);"
			      "CREATE INDEX temp.driver_common_case ON driver_common (case_id)";

static const char rank[] =
	"WITH counts AS MATERIALIZED (SELECT case_id, count(DISTINCT finding) AS n FROM findings"
	"  GROUP BY case_id)"
	" SELECT c.path, c.result, c.product, c.bugcheck, c.top_tag, c.top_owner,"
	" CAST(400 * coalesce((SELECT sum(part) FROM tag_common x WHERE x.case_id = c.id), 0)"
	" + 300 * coalesce((SELECT sum(part) FROM driver_common x WHERE x.case_id = c.id), 0)"
	" + 200 * coalesce(1.0 * fc.n / (fm.n + fn.n - fc.n), 0)"
	" + 50 * coalesce(c.build = m.build, 0)"
	" + 50 * coalesce(c.bugcheck = m.bugcheck, 0) AS INTEGER) AS score,"
	" coalesce(c.build = m.build, 0), coalesce(c.bugcheck = m.bugcheck, 0), fc.n, fm.n, c.id"
	" FROM chosen JOIN cases c USING (id) JOIN cases m ON m.id = ?1"
	" LEFT JOIN finding_common fc ON fc.case_id = c.id"
	" LEFT JOIN counts fn ON fn.case_id = c.id LEFT JOIN counts fm ON fm.case_id = m.id"
	" WHERE c.id <> ?1 AND c.top_tag IS NOT NULL ORDER BY score DESC, c.path";

/* ---- the case ---- */

static bool is_named(const char *path, const char *like)
{
	size_t length = strlen(path), part = strlen(like);

	return strcmp(path, like) == 0 || (part < length && path[length - part - 1] == '/' &&
					   strcmp(path + length - part, like) == 0);
}

static enum ps_status find(sqlite3 *db, const char *like, struct cases_report *report,
			   int64_t *ret_id, struct ps_error *err)
{
	sqlite3_stmt *row;
	size_t found = 0;
	int result = SQLITE_DONE;

	if (query_prepare(db, "SELECT id, path FROM cases", &row, err) != PS_OK)
		return err->status;
	while (err->status == PS_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
		char *path = query_text(row, 1);

		if (!path)
			ps_fail_memory(err, "a path");
		else if (is_named(path, like) && ++found) {
			*ret_id = sqlite3_column_int64(row, 0);
			free(report->like);
			report->like = path;
			path = NULL;
		}
		free(path);
	}
	if (query_end(db, row, result, err) != PS_OK)
		return err->status;
	if (found == 0)
		return ps_fail(err, PS_NOT_FOUND, "no case of %s is named %s", report->out, like);
	if (found > 1) {
		ps_fail(err, PS_USAGE, "%zu cases of %s are named %s", found, report->out, like);
		ps_hint(err, "give more of the path, as far as it is one alone");
	}
	return err->status;
}

/* A case without a report is like no other. */
static enum ps_status check_report(sqlite3 *db, int64_t id, const char *path, struct ps_error *err)
{
	sqlite3_stmt *row;

	if (query_prepare(db, "SELECT result FROM cases WHERE id = ?1 AND error_code IS NOT NULL",
			  &row, err) != PS_OK)
		return err->status;
	sqlite3_bind_int64(row, 1, id);
	if (sqlite3_step(row) == SQLITE_ROW) {
		ps_fail(err, PS_ABSENT, "%s has no report to compare others with: its result is %s",
			path, (const char *)sqlite3_column_text(row, 0));
		ps_hint(err, "`poolscope analyze` of it says why");
	}
	sqlite3_finalize(row);
	return err->status;
}

/* ---- why ---- */

static void add_part(char **words, const char *part)
{
	char *longer =
		*words ? mem_printf("%s; %s", *words, part) : mem_strndup(part, strlen(part));

	if (!longer)
		return;
	free(*words);
	*words = longer;
}

/* "Leak 71 %": the biggest that both have. */
static enum ps_status add_commons(sqlite3 *db, const char *text, int64_t id, char **words,
				  struct ps_error *err)
{
	sqlite3_stmt *row;

	if (query_prepare(db, text, &row, err) != PS_OK)
		return err->status;
	sqlite3_bind_int64(row, 1, id);
	while (sqlite3_step(row) == SQLITE_ROW) {
		char *part = mem_printf("%s %.0f %%%s", (const char *)sqlite3_column_text(row, 0),
					sqlite3_column_double(row, 1) * 100,
					sqlite3_column_int(row, 2) ? "" : " (another version)");

		if (part)
			add_part(words, part);
		free(part);
	}
	sqlite3_finalize(row);
	return PS_OK;
}

static enum ps_status explain(sqlite3 *db, sqlite3_stmt *row, char **ret, struct ps_error *err)
{
	int64_t id = sqlite3_column_int64(row, 11);

	if (add_commons(db,
			"SELECT 'tag ' || name, part, 1 FROM tag_common"
			" WHERE case_id = ?1 AND part >= 0.01 ORDER BY part DESC, name LIMIT 2",
			id, ret, err) != PS_OK ||
	    add_commons(db,
			"SELECT 'driver ' || name, part * CASE same WHEN 1 THEN 1 ELSE 2 END, same"
			" FROM driver_common WHERE case_id = ?1 AND part >= 0.005"
			" ORDER BY part DESC, name LIMIT 1",
			id, ret, err) != PS_OK)
		return err->status;
	if (sqlite3_column_int(row, 9) > 0) {
		char *part = mem_printf("%d of %d findings", sqlite3_column_int(row, 9),
					sqlite3_column_int(row, 10));

		if (part)
			add_part(ret, part);
		free(part);
	}
	if (sqlite3_column_int(row, 7))
		add_part(ret, "same build");
	if (sqlite3_column_int(row, 8))
		add_part(ret, "same bug check");
	return PS_OK;
}

static enum ps_status add_row(sqlite3 *db, sqlite3_stmt *row, struct cases_report *report,
			      struct ps_error *err)
{
	struct cases_row *added = query_add_row(report, row);

	if (!added)
		return ps_fail_memory(err, "the list of cases");
	added->score = sqlite3_column_int(row, 6);
	return explain(db, row, &added->detail, err);
}

enum ps_status cases_like(sqlite3 *db, const char *like, struct cases_report *report,
			  struct ps_error *err)
{
	sqlite3_stmt *row;
	int64_t id = 0;
	int result = SQLITE_DONE;

	if (find(db, like, report, &id, err) != PS_OK ||
	    check_report(db, id, report->like, err) != PS_OK)
		return err->status;
	if (sqlite3_exec(db, tables, NULL, NULL, NULL) != SQLITE_OK)
		return ps_fail(err, PS_SYSTEM, "cannot read the database: %s", sqlite3_errmsg(db));
	for (size_t i = 0; i < sizeof(commons) / sizeof(commons[0]); i++) {
		if (query_prepare(db, commons[i], &row, err) != PS_OK)
			return err->status;
		sqlite3_bind_int64(row, 1, id);
		if (query_end(db, row, sqlite3_step(row), err) != PS_OK)
			return err->status;
	}
	if (sqlite3_exec(db, indexes, NULL, NULL, NULL) != SQLITE_OK)
		return ps_fail(err, PS_SYSTEM, "cannot read the database: %s", sqlite3_errmsg(db));
	if (query_prepare(db, rank, &row, err) != PS_OK)
		return err->status;
	sqlite3_bind_int64(row, 1, id);
	report->has_rows = true;
	while (err->status == PS_OK && (report->top == 0 || report->row_count < report->top) &&
	       (result = sqlite3_step(row)) == SQLITE_ROW)
		add_row(db, row, report, err);
	return query_end(db, row, result == SQLITE_ROW ? SQLITE_DONE : result, err);
}
