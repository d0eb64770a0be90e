/*
 * Counts over cases; see queries.h. The cases that pass the filters are in the temporary table
 * `chosen`, which all else is joined with.
 */
#include "analyzer/desk/queries.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/kernel.h"
#include "base/memory.h"

char *query_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *query_bugcheck(sqlite3_stmt *row, int column)
{
	uint64_t code = (uint64_t)sqlite3_column_int64(row, column);
	const char *name;

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return NULL;
	name = bugcheck_name(code);
	return mem_printf("0x%08" PRIX64 "%s%s", code, name ? " " : "", name ? name : "");
}

struct cases_row *query_add_row(struct cases_report *report, sqlite3_stmt *row)
{
	void *rows = report->rows;
	struct cases_row *added;

	if (!mem_grow(&rows, report->row_count, &report->row_capacity, sizeof(*added)))
		return NULL;
	report->rows = rows;
	added = &report->rows[report->row_count++];
	*added = (struct cases_row){.path = query_text(row, 0),
				    .result = query_text(row, 1),
				    .product = query_text(row, 2),
				    .bugcheck = query_bugcheck(row, 3),
				    .top_tag = query_text(row, 4),
				    .top_owner = query_text(row, 5)};
	return added->path ? added : NULL;
}

enum ps_status query_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret,
			     struct ps_error *err)
{
	if (sqlite3_prepare_v2(db, text, -1, ret, NULL) == SQLITE_OK)
		return PS_OK;
	return ps_fail(err, PS_CORRUPT, "cannot read the database: %s", sqlite3_errmsg(db));
}

enum ps_status query_end(sqlite3 *db, sqlite3_stmt *row, int result, struct ps_error *err)
{
	if (err->status == PS_OK && result != SQLITE_DONE)
		ps_fail(err, PS_CORRUPT, "cannot read the database: %s", sqlite3_errmsg(db));
	sqlite3_finalize(row);
	return err->status;
}

/* ---- filters ---- */

#define IS_DRIVER "module COLLATE NOCASE IN (?4, ?4 || '.sys')"

static const char choose[] =
	"INSERT INTO temp.chosen SELECT id FROM cases WHERE (?1 IS NULL OR build = ?1)"
	" AND (?2 IS NULL OR bugcheck = ?2)"
	" AND (?3 IS NULL OR id IN (SELECT case_id FROM tags WHERE tag = ?3))"
	" AND (?4 IS NULL OR id IN (SELECT case_id FROM drivers WHERE " IS_DRIVER "))";

static void bind_names(sqlite3_stmt *row, const struct cases_options *o)
{
	if (o->tag)
		sqlite3_bind_text(row, 3, o->tag, -1, SQLITE_STATIC);
	if (o->driver)
		sqlite3_bind_text(row, 4, o->driver, -1, SQLITE_STATIC);
}

static enum ps_status make_chosen(sqlite3 *db, const struct cases_options *o, struct ps_error *err)
{
	sqlite3_stmt *insert;

	if (sqlite3_exec(db,
			 "PRAGMA temp_store = MEMORY;"
			 "CREATE TEMP TABLE chosen (id INTEGER PRIMARY KEY)",
			 NULL, NULL, NULL) != SQLITE_OK)
		return ps_fail(err, PS_SYSTEM, "cannot read the database: %s", sqlite3_errmsg(db));
	if (query_prepare(db, choose, &insert, err) != PS_OK)
		return err->status;
	if (o->has_build)
		sqlite3_bind_int64(insert, 1, o->build);
	if (o->has_bugcheck)
		sqlite3_bind_int64(insert, 2, o->bugcheck);
	bind_names(insert, o);
	return query_end(db, insert, sqlite3_step(insert), err);
}

static enum ps_status put_filter(const struct cases_options *o, struct cases_report *ret,
				 struct ps_error *err)
{
	char build[32] = "", bugcheck[32] = "";

	if (o->has_build)
		snprintf(build, sizeof(build), ", build %" PRIu32, o->build);
	if (o->has_bugcheck)
		snprintf(bugcheck, sizeof(bugcheck), ", bug check 0x%08" PRIX32, o->bugcheck);
	if (!o->tag && !o->driver && !o->has_build && !o->has_bugcheck)
		return PS_OK;
	/* the first comma is of no use */
	ret->filter = mem_printf("%s%s%s%s%s%s", o->tag ? ", tag " : "", o->tag ? o->tag : "",
				 o->driver ? ", driver " : "", o->driver ? o->driver : "", build,
				 bugcheck);
	if (!ret->filter)
		return ps_fail_memory(err, "the summary");
	memmove(ret->filter, ret->filter + 2, strlen(ret->filter + 2) + 1);
	return PS_OK;
}

static enum ps_status count(sqlite3 *db, const char *text, size_t *ret, struct ps_error *err)
{
	sqlite3_stmt *row;

	if (query_prepare(db, text, &row, err) != PS_OK)
		return err->status;
	if (sqlite3_step(row) == SQLITE_ROW)
		*ret = (size_t)sqlite3_column_int64(row, 0);
	return query_end(db, row, sqlite3_step(row), err);
}

/* Copied, or moved after it was done. */
static const char copies_text[] =
	"SELECT count(*) - count(DISTINCT size || ' ' || hex(content_key)) FROM chosen"
	" JOIN cases USING (id) WHERE error_code IS NULL";

/* ---- groups ---- */

static const char *const group_texts[CASES_GROUPS] = {
	[GROUP_RESULTS] = "SELECT result, NULL, count(*) FROM chosen JOIN cases USING (id)"
			  " GROUP BY 1 ORDER BY 3 DESC, 1",
	[GROUP_PRODUCTS] = "SELECT product, build, count(*) FROM chosen JOIN cases USING (id)"
			   " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
	[GROUP_BUGCHECKS] = "SELECT bugcheck, NULL, count(*) FROM chosen JOIN cases USING (id)"
			    " GROUP BY 1 ORDER BY 3 DESC, 1",
	[GROUP_FINDINGS] = "SELECT finding, severity, count(DISTINCT case_id)"
			   " FROM chosen JOIN findings ON case_id = id"
			   " GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
};

static bool add_group(struct cases_group_list *list, enum cases_groups which, sqlite3_stmt *row)
{
	void *items = list->items;
	struct cases_group group = {.cases = (size_t)sqlite3_column_int64(row, 2)};

	if (!mem_grow(&items, list->count, &list->capacity, sizeof(group)))
		return false;
	list->items = items;
	group.name = which == GROUP_BUGCHECKS ? query_bugcheck(row, 0) : query_text(row, 0);
	if (!group.name)
		group.name = mem_strndup("not known", strlen("not known"));
	group.detail = query_text(row, 1);
	list->items[list->count++] = group;
	return group.name != NULL;
}

static enum ps_status fill_group(sqlite3 *db, enum cases_groups which, struct cases_report *ret,
				 struct ps_error *err)
{
	sqlite3_stmt *row;
	int result = SQLITE_DONE;

	if (query_prepare(db, group_texts[which], &row, err) != PS_OK)
		return err->status;
	while (err->status == PS_OK && (result = sqlite3_step(row)) == SQLITE_ROW)
		if (!add_group(&ret->groups[which], which, row))
			ps_fail_memory(err, "the summary");
	return query_end(db, row, result, err);
}

/* ---- who leads ---- */

/* name, detail, bytes, exact, company, microsoft; by name, detail and bytes */
static const char tag_text_query[] =
	"SELECT tag, CASE paged WHEN 1 THEN 'Paged' ELSE 'Nonp' END, bytes, complete, NULL, NULL"
	" FROM (SELECT t.tag AS tag, t.paged AS paged, max(t.bytes) AS bytes, t.complete AS complete"
	"  FROM chosen JOIN cases c USING (id)"
	"  JOIN tags t ON t.case_id = c.id AND t.paged IN (0, 1) AND t.place = 1"
	"  WHERE t.tag = c.top_tag GROUP BY c.id) ORDER BY 1, 2, 3";

/* A driver can own tags of which nothing is left: it holds nothing, and leads nothing. */
#define HOLDS_POOL " d.nonpaged_bytes + d.paged_bytes > 0"

static const char driver_query[] =
	"SELECT module, version, d.nonpaged_bytes + d.paged_bytes,"
	" c.nonpaged_bytes IS NOT NULL AND c.paged_bytes IS NOT NULL, company, microsoft"
	" FROM chosen JOIN cases c USING (id) JOIN drivers d ON d.case_id = c.id AND d.place = 1"
	" WHERE" HOLDS_POOL " ORDER BY 1, 2, 3";

/* The same of the drivers that are not known as Microsoft's: the kernel itself leads often. */
static const char other_query[] =
	"SELECT module, version, bytes, exact, company, microsoft FROM (SELECT module, version,"
	" d.nonpaged_bytes + d.paged_bytes AS bytes, company, microsoft, min(d.place),"
	" c.nonpaged_bytes IS NOT NULL AND c.paged_bytes IS NOT NULL AS exact"
	" FROM chosen JOIN cases c USING (id) JOIN drivers d ON d.case_id = c.id"
	" WHERE microsoft IS NOT 1 AND" HOLDS_POOL " GROUP BY c.id) ORDER BY 1, 2, 3";

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The leader that this row is of: the last, or a new one. NULL: out of memory. */
static struct cases_leader *leader_of(struct cases_leaders *list, sqlite3_stmt *row)
{
	struct cases_leader *last = list->count > 0 ? &list->items[list->count - 1] : NULL;
	const char *name = (const char *)sqlite3_column_text(row, 0);
	const char *detail = (const char *)sqlite3_column_text(row, 1);
	void *items = list->items;

	if (last && is_same(last->name, name) && is_same(last->detail, detail))
		return last;
	if (!mem_grow(&items, list->count, &list->capacity, sizeof(*last)))
		return NULL;
	list->items = items;
	last = &list->items[list->count++];
	*last = (struct cases_leader){.name = query_text(row, 0),
				      .detail = query_text(row, 1),
				      .company = query_text(row, 4),
				      .microsoft = sqlite3_column_type(row, 5) == SQLITE_NULL
							   ? -1
							   : sqlite3_column_int(row, 5),
				      .exact = true};
	return last->name ? last : NULL;
}

static int by_led(const void *a, const void *b)
{
	const struct cases_leader *x = a, *y = b;
	int order;

	if (x->led != y->led)
		return x->led > y->led ? -1 : 1;
	order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->detail ? x->detail : "", y->detail ? y->detail : "");
}

struct sizes {
	int64_t *items;
	size_t count, capacity;
};

/* Rows come by leader and bytes: the middle of each stretch is its median. */
static void take_medians(struct cases_leaders *list, const struct sizes *sizes)
{
	size_t at = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct cases_leader *leader = &list->items[i];

		leader->median = sizes->items[at + (leader->led - 1) / 2];
		leader->most = sizes->items[at + leader->led - 1];
		at += leader->led;
	}
}

static enum ps_status fill_leaders(sqlite3 *db, const char *text, struct cases_leaders *ret,
				   struct ps_error *err)
{
	struct sizes sizes = {NULL, 0, 0};
	sqlite3_stmt *row;
	int result = SQLITE_DONE;

	if (query_prepare(db, text, &row, err) != PS_OK)
		return err->status;
	while (err->status == PS_OK && (result = sqlite3_step(row)) == SQLITE_ROW) {
		struct cases_leader *leader = leader_of(ret, row);
		void *items = sizes.items;

		if (!leader || !mem_grow(&items, sizes.count, &sizes.capacity, sizeof(int64_t))) {
			ps_fail_memory(err, "the summary");
			break;
		}
		sizes.items = items;
		sizes.items[sizes.count++] = sqlite3_column_int64(row, 2);
		leader->led++;
		leader->exact = leader->exact && sqlite3_column_int(row, 3);
	}
	if (query_end(db, row, result, err) == PS_OK && ret->count > 0) {
		take_medians(ret, &sizes);
		qsort(ret->items, ret->count, sizeof(*ret->items), by_led);
	}
	ret->known = sizes.count;
	free(sizes.items);
	return err->status;
}

static enum ps_status count_held(sqlite3 *db, struct cases_leaders *drivers, struct ps_error *err)
{
	sqlite3_stmt *row;

	if (query_prepare(db,
			  "SELECT count(DISTINCT id) FROM drivers d JOIN chosen ON id = case_id"
			  " WHERE module = ?1 AND version IS ?2 AND" HOLDS_POOL,
			  &row, err) != PS_OK)
		return err->status;
	for (size_t i = 0; i < drivers->count; i++) {
		struct cases_leader *driver = &drivers->items[i];

		sqlite3_bind_text(row, 1, driver->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(row, 2, driver->detail, -1, SQLITE_STATIC);
		if (sqlite3_step(row) == SQLITE_ROW)
			driver->held = (size_t)sqlite3_column_int64(row, 0);
		sqlite3_reset(row);
	}
	sqlite3_finalize(row);
	return PS_OK;
}

/* ---- cases ---- */

#define ROWS                                                                                       \
	"SELECT c.path, c.result, c.product, c.bugcheck, c.top_tag, c.top_owner, x.detail,"        \
	" x.bytes, x.place, x.exact FROM chosen JOIN cases c USING (id) LEFT JOIN "
#define ROWS_END " x ON x.case_id = c.id ORDER BY x.bytes DESC, c.path"

static const char tag_rows[] =
	ROWS "(SELECT case_id, CASE paged WHEN 1 THEN 'Paged' ELSE 'Nonp' END ||"
	     " coalesce(', ' || owner, '') AS detail, max(bytes) AS bytes, place,"
	     " complete AS exact FROM tags WHERE tag = ?3 GROUP BY case_id)" ROWS_END;

static const char driver_rows[] =
	ROWS "(SELECT case_id, version AS detail, max(d.nonpaged_bytes + d.paged_bytes) AS bytes,"
	     " place, s.nonpaged_bytes IS NOT NULL AND s.paged_bytes IS NOT NULL AS exact"
	     " FROM drivers d JOIN cases s ON s.id = case_id WHERE " IS_DRIVER
	     " GROUP BY case_id)" ROWS_END;

static const char plain_rows[] =
	ROWS "(SELECT NULL AS case_id, NULL AS detail, NULL AS bytes, NULL AS place,"
	     " NULL AS exact)" ROWS_END;

static bool add_row(struct cases_report *report, sqlite3_stmt *row)
{
	struct cases_row *added = query_add_row(report, row);

	if (!added)
		return false;
	added->detail = query_text(row, 6);
	added->has_bytes = sqlite3_column_type(row, 7) != SQLITE_NULL;
	added->bytes = sqlite3_column_int64(row, 7);
	added->place = sqlite3_column_int(row, 8);
	added->exact = sqlite3_column_int(row, 9) != 0;
	return true;
}

static enum ps_status fill_rows(sqlite3 *db, const struct cases_options *o,
				struct cases_report *ret, struct ps_error *err)
{
	const char *text = o->driver ? driver_rows : o->tag ? tag_rows : plain_rows;
	sqlite3_stmt *row;
	int result = SQLITE_DONE;

	if (query_prepare(db, text, &row, err) != PS_OK)
		return err->status;
	bind_names(row, o);
	while (err->status == PS_OK && (result = sqlite3_step(row)) == SQLITE_ROW)
		if (!add_row(ret, row))
			ps_fail_memory(err, "the list of cases");
	ret->has_rows = true;
	ret->of_driver = o->driver != NULL;
	ret->of_tag = o->tag && !o->driver;
	return query_end(db, row, result, err);
}

static enum ps_status fill(sqlite3 *db, const struct cases_options *o, struct cases_report *ret,
			   struct ps_error *err)
{
	if (make_chosen(db, o, err) != PS_OK || put_filter(o, ret, err) != PS_OK ||
	    count(db, "SELECT count(*) FROM cases", &ret->cases, err) != PS_OK ||
	    count(db, "SELECT count(*) FROM chosen", &ret->chosen, err) != PS_OK ||
	    count(db, copies_text, &ret->copies, err) != PS_OK)
		return err->status;
	if (o->like)
		return cases_like(db, o->like, ret, err);
	for (unsigned i = 0; i < CASES_GROUPS; i++)
		if (fill_group(db, (enum cases_groups)i, ret, err) != PS_OK)
			return err->status;
	if (fill_leaders(db, tag_text_query, &ret->tags, err) != PS_OK ||
	    fill_leaders(db, driver_query, &ret->drivers, err) != PS_OK ||
	    count_held(db, &ret->drivers, err) != PS_OK ||
	    fill_leaders(db, other_query, &ret->others, err) != PS_OK ||
	    count_held(db, &ret->others, err) != PS_OK)
		return err->status;
	return ret->filter ? fill_rows(db, o, ret, err) : PS_OK;
}

enum ps_status cases_query(const struct cases_options *options, struct cases_report *ret,
			   struct ps_error *err)
{
	struct store *store;

	*ret = (struct cases_report){.out = options->out, .top = options->top};
	if (store_open(options->out, false, &store, err) != PS_OK)
		return err->status;
	/* one transaction: all figures are of the same moment */
	sqlite3_exec(store_handle(store), "BEGIN", NULL, NULL, NULL);
	fill(store_handle(store), options, ret, err);
	store_close(store);
	return err->status;
}
