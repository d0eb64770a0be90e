/*
 * The counts over cases as text, JSON and CSV. The page is in html_cases.c.
 */
#include "analyzer/report/cases_report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/report/csv_field.h"
#include "analyzer/report/json_build.h"
#include "analyzer/report/table.h"

const char *cases_group_title(enum cases_groups group)
{
	switch (group) {
	case GROUP_RESULTS: return "Results";
	case GROUP_PRODUCTS: return "Products";
	case GROUP_BUGCHECKS: return "Bug checks";
	case GROUP_FINDINGS: return "Findings";
	case CASES_GROUPS: break;
	}
	return "";
}

size_t cases_shown(const struct cases_report *report, size_t count)
{
	return report->top == 0 || count < report->top ? count : report->top;
}

static void free_leaders(struct cases_leaders *leaders)
{
	for (size_t i = 0; i < leaders->count; i++) {
		free(leaders->items[i].name);
		free(leaders->items[i].detail);
		free(leaders->items[i].company);
	}
	free(leaders->items);
}

void cases_report_fini(struct cases_report *report)
{
	for (unsigned g = 0; g < CASES_GROUPS; g++) {
		for (size_t i = 0; i < report->groups[g].count; i++) {
			free(report->groups[g].items[i].name);
			free(report->groups[g].items[i].detail);
		}
		free(report->groups[g].items);
	}
	free_leaders(&report->tags);
	free_leaders(&report->drivers);
	free_leaders(&report->others);
	for (size_t i = 0; i < report->row_count; i++) {
		struct cases_row *row = &report->rows[i];

		free(row->path);
		free(row->result);
		free(row->product);
		free(row->bugcheck);
		free(row->top_tag);
		free(row->top_owner);
		free(row->detail);
	}
	free(report->rows);
	free(report->filter);
	free(report->like);
	*report = (struct cases_report){0};
}

/* ---- text ---- */

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void size_cell(struct table *table, bool exact, int64_t bytes)
{
	char size[SIZE_TEXT];

	table_cell(table, "%s%s", exact ? "" : "~", format_size(bytes, size));
}

/* Prints a table whose `shown` rows stand, and ends it. */
static enum ps_status print_table(struct table *table, const char *title, size_t shown,
				  size_t count, FILE *out, struct ps_error *err)
{
	enum ps_status status = table_render(table, err);

	if (status == PS_OK) {
		fprintf(out, "\n%s", title);
		if (shown < count)
			fprintf(out, " (%zu of %zu; --top 0 prints all)", shown, count);
		fputs("\n", out);
		table_print_header(table, out);
		table_print_rows(table, shown, out);
	}
	table_fini(table);
	return status;
}

static enum ps_status text_group(const struct cases_report *r, enum cases_groups which,
				 const struct render_options *options, FILE *out,
				 struct ps_error *err)
{
	const struct cases_group_list *list = &r->groups[which];
	size_t shown = cases_shown(r, list->count);
	struct table table;

	if (list->count == 0)
		return PS_OK;
	table_init(&table, options);
	table_column(&table, "Cases", COLUMN_RIGHT);
	table_column(&table, "Share", COLUMN_RIGHT);
	table_column(&table, "", COLUMN_LAST);
	for (size_t i = 0; i < shown; i++) {
		const struct cases_group *group = &list->items[i];

		table_row(&table, false);
		table_cell(&table, "%zu", group->cases);
		table_cell(&table, "%.1f %%", 100.0 * (double)group->cases / (double)r->chosen);
		table_cell(&table, "%s%s%s", group->name, group->detail ? ", " : "",
			   group->detail ? group->detail : "");
	}
	return print_table(&table, cases_group_title(which), shown, list->count, out, err);
}

static enum ps_status text_leaders(const struct cases_report *r, const struct cases_leaders *list,
				   const struct render_options *options, FILE *out,
				   struct ps_error *err)
{
	bool drivers = list != &r->tags;
	size_t shown = cases_shown(r, list->count);
	struct table table;

	if (list->count == 0)
		return PS_OK;
	table_init(&table, options);
	table_column(&table, "Led", COLUMN_RIGHT);
	table_column(&table, "Share", COLUMN_RIGHT);
	if (drivers)
		table_column(&table, "Present", COLUMN_RIGHT);
	table_column(&table, "Median", COLUMN_RIGHT);
	table_column(&table, "Most", COLUMN_RIGHT);
	table_column(&table, drivers ? "Driver" : "Tag", COLUMN_LEFT);
	table_column(&table, drivers ? "Version" : "Type", COLUMN_LEFT);
	if (drivers)
		table_column(&table, "Company", COLUMN_LAST);
	for (size_t i = 0; i < shown; i++) {
		const struct cases_leader *l = &list->items[i];

		table_row(&table, false);
		table_cell(&table, "%zu", l->led);
		table_cell(&table, "%.1f %%", 100.0 * (double)l->led / (double)list->known);
		if (drivers)
			table_cell(&table, "%zu", l->held);
		size_cell(&table, l->exact, l->median);
		size_cell(&table, l->exact, l->most);
		table_cell(&table, "%s", l->name);
		table_cell(&table, "%s", or_dash(l->detail));
		if (drivers)
			table_cell(&table, "%s", or_dash(l->company));
	}
	return print_table(&table,
			   list == &r->others
				   ? "Drivers not known as Microsoft's that hold the most of these"
			   : drivers ? "Drivers that hold the most pool of all in a case"
				     : "Tags that hold the most of all in a case",
			   shown, list->count, out, err);
}

static enum ps_status text_rows(const struct cases_report *r, const struct render_options *options,
				FILE *out, struct ps_error *err)
{
	bool bytes = r->of_tag || r->of_driver;
	size_t shown = cases_shown(r, r->row_count);
	struct table table;

	table_init(&table, options);
	if (r->like)
		table_column(&table, "Alike", COLUMN_RIGHT);
	table_column(&table, "Result", COLUMN_LEFT);
	if (bytes) {
		table_column(&table, "Bytes", COLUMN_RIGHT);
		table_column(&table, "Place", COLUMN_RIGHT);
		table_column(&table, r->of_driver ? "Version" : "Type, owner", COLUMN_LEFT);
	}
	table_column(&table, "Top tag", COLUMN_LEFT);
	table_column(&table, "Owner", COLUMN_LEFT);
	if (r->like)
		table_column(&table, "In common", COLUMN_LEFT);
	table_column(&table, "Case", COLUMN_LAST);
	for (size_t i = 0; i < shown; i++) {
		const struct cases_row *row = &r->rows[i];

		table_row(&table, false);
		if (r->like)
			table_cell(&table, "%d %%", (row->score + 5) / 10);
		table_cell(&table, "%s", or_dash(row->result));
		if (bytes && row->has_bytes) {
			size_cell(&table, row->exact, row->bytes);
			table_cell(&table, "%d", row->place);
		} else if (bytes) {
			table_cell(&table, "-");
			table_cell(&table, "-");
		}
		if (bytes)
			table_cell(&table, "%s", or_dash(row->detail));
		table_cell(&table, "%s", or_dash(row->top_tag));
		table_cell(&table, "%s", or_dash(row->top_owner));
		if (r->like)
			table_cell(&table, "%s", or_dash(row->detail));
		table_cell(&table, "%s", row->path);
	}
	return print_table(&table, r->like ? "Cases like it" : "Cases", shown, r->row_count, out,
			   err);
}

/* The sentence that a known problem begins with. */
static void text_top_driver(const struct cases_leaders *list, const char *of, FILE *out)
{
	const struct cases_leader *top = &list->items[0];
	char *name = format_safe(top->name, format_terminal());
	char *version = top->detail ? format_safe(top->detail, format_terminal()) : NULL;

	fprintf(out, "%s%s%s holds the most pool of all drivers%s in %zu of %zu cases.\n",
		name ? name : "?", version ? " " : "", version ? version : "", of, top->led,
		list->known);
	free(name);
	free(version);
}

enum ps_status cases_text(const struct cases_report *r, const struct render_options *options,
			  FILE *out, struct ps_error *err)
{
	char *filter = format_safe(r->filter ? r->filter : "", format_terminal());
	char *like = format_safe(r->like ? r->like : "", format_terminal());

	if (!filter || !like) {
		free(filter);
		free(like);
		return ps_fail_memory(err, "the summary");
	}
	fprintf(out, "%zu of %zu case%s%s%s\n", r->chosen, r->cases, r->cases == 1 ? "" : "s",
		r->filter ? ": " : "", filter);
	if (r->copies > 0)
		fprintf(out, CASES_COPIES "\n", r->copies, r->copies == 1 ? "looks" : "look",
			r->copies == 1 ? "is" : "are");
	if (r->like)
		fprintf(out, "Compared with %s\n", like);
	free(filter);
	free(like);
	if (r->drivers.count > 0)
		text_top_driver(&r->drivers, "", out);
	if (r->others.count > 0)
		text_top_driver(&r->others, " not known as Microsoft's", out);
	for (unsigned i = 0; i < CASES_GROUPS; i++)
		if (text_group(r, (enum cases_groups)i, options, out, err) != PS_OK)
			return err->status;
	if (text_leaders(r, &r->tags, options, out, err) != PS_OK ||
	    text_leaders(r, &r->drivers, options, out, err) != PS_OK ||
	    text_leaders(r, &r->others, options, out, err) != PS_OK)
		return err->status;
	return r->has_rows && r->row_count > 0 ? text_rows(r, options, out, err) : PS_OK;
}

/* ---- JSON ---- */

static json_t *json_leaders(struct builder *b, const struct cases_report *r,
			    const struct cases_leaders *list)
{
	bool drivers = list != &r->tags;
	json_t *array = build_array(b);

	for (size_t i = 0; i < cases_shown(r, list->count); i++) {
		const struct cases_leader *l = &list->items[i];
		json_t *object = build_object(b);

		put_text(b, object, drivers ? "module" : "tag", l->name);
		put_text(b, object, drivers ? "version" : "type", l->detail);
		put_count(b, object, "led", l->led);
		put_count(b, object, "of", list->known);
		if (drivers) {
			put_count(b, object, "present", l->held);
			put_text(b, object, "company", l->company);
			put(b, object, "microsoft",
			    l->microsoft < 0 ? json_null() : json_boolean(l->microsoft));
		}
		put_signed(b, object, "median_bytes", l->median);
		put_signed(b, object, "most_bytes", l->most);
		put_bool(b, object, "exact", l->exact);
		append(b, array, object);
	}
	return array;
}

static json_t *json_group(struct builder *b, const struct cases_report *r, enum cases_groups which)
{
	const struct cases_group_list *list = &r->groups[which];
	json_t *array = build_array(b);

	for (size_t i = 0; i < cases_shown(r, list->count); i++) {
		json_t *object = build_object(b);

		put_text(b, object, "name", list->items[i].name);
		put_text(b, object, "detail", list->items[i].detail);
		put_count(b, object, "cases", list->items[i].cases);
		append(b, array, object);
	}
	return array;
}

static json_t *json_row(struct builder *b, const struct cases_report *r,
			const struct cases_row *row)
{
	json_t *object = build_object(b);

	put_text(b, object, "path", row->path);
	put_text(b, object, "result", row->result);
	put_text(b, object, "product", row->product);
	put_text(b, object, "bugcheck", row->bugcheck);
	put_text(b, object, "top_tag", row->top_tag);
	put_text(b, object, "top_owner", row->top_owner);
	if (r->like)
		put_count(b, object, "alike_permille", (uint64_t)row->score);
	put_text(b, object, r->like ? "in_common" : r->of_driver ? "version" : "type", row->detail);
	if (row->has_bytes) {
		put_signed(b, object, "bytes", row->bytes);
		put_bool(b, object, "exact", row->exact);
		put_count(b, object, "place", (uint64_t)row->place);
	}
	return object;
}

enum ps_status cases_json(const struct cases_report *r, FILE *out, struct ps_error *err)
{
	static const char *const keys[] = {"results", "products", "bugchecks", "findings"};
	struct builder b = {false};
	json_t *root = build_object(&b), *rows = build_array(&b);

	put_text(&b, root, "schema", "poolscope-cases/1");
	put_text(&b, root, "out", r->out);
	put_text(&b, root, "filter", r->filter);
	put_text(&b, root, "like", r->like);
	put_count(&b, root, "cases_in_all", r->cases);
	put_count(&b, root, "cases", r->chosen);
	put_count(&b, root, "copies", r->copies);
	for (unsigned i = 0; i < CASES_GROUPS && !r->like; i++)
		put(&b, root, keys[i], json_group(&b, r, (enum cases_groups)i));
	if (!r->like) {
		put(&b, root, "tags", json_leaders(&b, r, &r->tags));
		put(&b, root, "drivers", json_leaders(&b, r, &r->drivers));
		put(&b, root, "other_drivers", json_leaders(&b, r, &r->others));
	}
	for (size_t i = 0; i < cases_shown(r, r->row_count); i++)
		append(&b, rows, json_row(&b, r, &r->rows[i]));
	put(&b, root, "rows", rows);
	if (b.failed || json_dumpf(root, out, JSON_INDENT(1)) != 0)
		ps_fail_memory(err, "the summary as JSON");
	fputc('\n', out);
	json_decref(root);
	return err->status;
}

/* ---- CSV ---- */

static void csv_rows(const struct cases_report *r, FILE *out)
{
	fputs("path,result,product,bugcheck,top_tag,top_owner,alike_permille,bytes,place,detail\r\n",
	      out);
	for (size_t i = 0; i < cases_shown(r, r->row_count); i++) {
		const struct cases_row *row = &r->rows[i];

		csv_field(out, row->path, false);
		csv_field(out, row->result, false);
		csv_field(out, row->product, false);
		csv_field(out, row->bugcheck, false);
		csv_field(out, row->top_tag, false);
		csv_field(out, row->top_owner, false);
		if (r->like)
			fprintf(out, "%d", row->score);
		fputc(',', out);
		if (row->has_bytes)
			fprintf(out, "%" PRId64 ",%d", row->bytes, row->place);
		else
			fputc(',', out);
		fputc(',', out);
		csv_field(out, row->detail, true);
	}
}

static void csv_leaders(const struct cases_report *r, const char *kind,
			const struct cases_leaders *list, FILE *out)
{
	for (size_t i = 0; i < cases_shown(r, list->count); i++) {
		const struct cases_leader *l = &list->items[i];

		csv_field(out, kind, false);
		csv_field(out, l->name, false);
		csv_field(out, l->detail, false);
		fprintf(out, "%zu,%zu,%" PRId64 ",%" PRId64 "\r\n", l->led, list->known, l->median,
			l->most);
	}
}

enum ps_status cases_csv(const struct cases_report *r, FILE *out, struct ps_error *err)
{
	static const char *const kinds[] = {"result", "product", "bugcheck", "finding"};

	(void)err;
	if (r->has_rows) {
		csv_rows(r, out);
		return PS_OK;
	}
	fputs("kind,name,detail,cases,of,median_bytes,most_bytes\r\n", out);
	for (unsigned g = 0; g < CASES_GROUPS; g++)
		for (size_t i = 0; i < cases_shown(r, r->groups[g].count); i++) {
			csv_field(out, kinds[g], false);
			csv_field(out, r->groups[g].items[i].name, false);
			csv_field(out, r->groups[g].items[i].detail, false);
			fprintf(out, "%zu,%zu,,\r\n", r->groups[g].items[i].cases, r->chosen);
		}
	csv_leaders(r, "tag", &r->tags, out);
	csv_leaders(r, "driver", &r->drivers, out);
	csv_leaders(r, "other_driver", &r->others, out);
	return PS_OK;
}
