/*
 * The page of `poolscope cases`: the counts as tables with a bar a row, and the cases asked for.
 * Style and script are those of the page of one case.
 */
#include "analyzer/report/cases_report.h"

#include <inttypes.h>

#include "analyzer/report/html.h"

static void bar(struct html *h, size_t cases, size_t of)
{
	unsigned permille = of > 0 ? (unsigned)((cases * 1000 + of / 2) / of) : 0;

	html_raw(h, "<td data-v=\"");
	html_put(h, "%u", permille);
	html_raw(h, "\">");
	html_bar(h, permille, "");
	html_permille(h, "", permille);
}

static void begin(struct html *h, const char *id, const char *title)
{
	html_raw(h, "<section id=\"");
	html_raw(h, id);
	html_raw(h, "\">\n<h2>");
	html_raw(h, title);
	html_raw(h, "</h2>\n");
}

static void shown(struct html *h, const struct cases_report *r, size_t count)
{
	if (cases_shown(r, count) < count)
		html_element(h, "p class=\"note\"", "%zu of %zu; --top 0 prints all.",
			     cases_shown(r, count), count);
}

static void group(struct html *h, const struct cases_report *r, enum cases_groups which)
{
	static const char *const ids[] = {"results", "products", "bugchecks", "findings"};
	static const struct html_column columns[] = {{"Name", HTML_WORDS, 0},
						     {"Cases", HTML_NUMBER, 0},
						     {"Share", HTML_NUMBER, 0},
						     {NULL, HTML_WORDS, 0}};
	const struct cases_group_list *list = &r->groups[which];

	if (list->count == 0)
		return;
	begin(h, ids[which], cases_group_title(which));
	html_table(h, ids[which], cases_group_title(which), columns);
	for (size_t i = 0; i < cases_shown(r, list->count) && html_goes_on(h); i++) {
		const struct cases_group *g = &list->items[i];

		html_row(h, "%s%s%s", g->name, g->detail ? ", " : "", g->detail ? g->detail : "");
		html_cell(h, "%zu", g->cases);
		bar(h, g->cases, r->chosen);
		html_raw(h, "\n");
	}
	html_table_end(h);
	shown(h, r, list->count);
	html_raw(h, "</section>\n");
}

static void leaders(struct html *h, const struct cases_report *r, const struct cases_leaders *list)
{
	static const struct html_column of_drivers[] = {
		{"Driver", HTML_WORDS, 0},  {"Version", HTML_WORDS, 0},
		{"Company", HTML_WORDS, 0}, {"Cases led", HTML_NUMBER, 0},
		{"Share", HTML_NUMBER, 0},  {"Present", HTML_NUMBER, 0},
		{"Median", HTML_NUMBER, 0}, {"Most", HTML_NUMBER, 0},
		{NULL, HTML_WORDS, 0}};
	static const struct html_column of_tags[] = {
		{"Tag", HTML_CODE, 0},         {"Type", HTML_WORDS, 0},
		{"Cases led", HTML_NUMBER, 0}, {"Share", HTML_NUMBER, 0},
		{"Median", HTML_NUMBER, 0},    {"Most", HTML_NUMBER, 0},
		{NULL, HTML_WORDS, 0}};
	bool drivers = list != &r->tags, others = list == &r->others;
	const char *title = others    ? "Leading drivers not known as Microsoft's"
			    : drivers ? "Leading drivers"
				      : "Leading tags";
	const char *id = others ? "others" : drivers ? "drivers" : "tags";

	if (list->count == 0)
		return;
	begin(h, id, title);
	html_element(
		h, "p class=\"note\"",
		"%s that hold the most pool bytes of all such in a case; share of the %zu cases in "
		"which that is known. ~: in some of them the bytes are a bound.",
		others    ? "Drivers not known as Microsoft's"
		: drivers ? "Drivers"
			  : "Tags",
		list->known);
	html_table(h, id, title, drivers ? of_drivers : of_tags);
	for (size_t i = 0; i < cases_shown(r, list->count) && html_goes_on(h); i++) {
		const struct cases_leader *l = &list->items[i];
		const char *mark = l->exact ? "" : "~";

		html_row(h, "%s", l->name);
		html_cell(h, "%s", html_or_dash(l->detail));
		if (drivers)
			html_cell(h, "%s", html_or_dash(l->company));
		html_cell(h, "%zu", l->led);
		bar(h, l->led, list->known);
		if (drivers)
			html_cell(h, "%zu", l->held);
		html_size_cell(h, mark, l->median);
		html_size_cell(h, mark, l->most);
		html_raw(h, "\n");
	}
	html_table_end(h);
	shown(h, r, list->count);
	html_raw(h, "</section>\n");
}

static void rows(struct html *h, const struct cases_report *r)
{
	static const struct html_column columns[] = {
		{"Case", HTML_WORDS, 0},      {"Result", HTML_WORDS, 0}, {"Product", HTML_WORDS, 0},
		{"Bug check", HTML_WORDS, 0}, {"Top tag", HTML_CODE, 0}, {"Owner", HTML_WORDS, 0},
		{"Bytes", HTML_NUMBER, 0},    {"Detail", HTML_WORDS, 0}, {NULL, HTML_WORDS, 0}};
	static const struct html_column alike[] = {
		{"Case", HTML_WORDS, 0},   {"Alike", HTML_NUMBER, 0},  {"In common", HTML_WORDS, 0},
		{"Result", HTML_WORDS, 0}, {"Product", HTML_WORDS, 0}, {"Bug check", HTML_WORDS, 0},
		{"Top tag", HTML_CODE, 0}, {"Owner", HTML_WORDS, 0},   {NULL, HTML_WORDS, 0}};

	begin(h, "cases", r->like ? "Cases like it" : "Cases");
	html_table(h, "cases", "Cases", r->like ? alike : columns);
	for (size_t i = 0; i < cases_shown(r, r->row_count) && html_goes_on(h); i++) {
		const struct cases_row *row = &r->rows[i];

		html_row(h, "%s", row->path);
		if (r->like) {
			bar(h, (size_t)row->score, 1000);
			html_cell(h, "%s", html_or_dash(row->detail));
		}
		html_cell(h, "%s", html_or_dash(row->result));
		html_cell(h, "%s", html_or_dash(row->product));
		html_cell(h, "%s", html_or_dash(row->bugcheck));
		html_cell(h, "%s", html_or_dash(row->top_tag));
		html_cell(h, "%s", html_or_dash(row->top_owner));
		if (!r->like && row->has_bytes)
			html_size_cell(h, row->exact ? "" : "~", row->bytes);
		else if (!r->like)
			html_cell(h, "-");
		if (!r->like)
			html_cell(h, "%s", html_or_dash(row->detail));
		html_raw(h, "\n");
	}
	html_table_end(h);
	shown(h, r, r->row_count);
	html_raw(h, "</section>\n");
}

static void head(struct html *h, const struct cases_report *r)
{
	html_raw(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	html_page_head(h);
	html_raw(h, "<title>");
	html_put(h, "%s - poolscope cases", r->out);
	html_raw(h, "</title>\n</head>\n<body>\n<header>\n<h1>Kernel pool cases</h1>\n");
	html_element(h, "p class=\"file\"", "%s: %zu of %zu cases%s%s", r->out, r->chosen, r->cases,
		     r->filter ? ", " : "", r->filter ? r->filter : "");
	if (r->copies > 0)
		html_element(h, "p", CASES_COPIES, r->copies, r->copies == 1 ? "looks" : "look",
			     r->copies == 1 ? "is" : "are");
	if (r->like)
		html_element(h, "p", "Compared with %s", r->like);
	html_raw(h, "</header>\n<main>\n");
}

enum ps_status cases_html(const struct cases_report *r, FILE *out, struct ps_error *err)
{
	struct html h = {.out = out, .status = PS_OK, .err = err};

	head(&h, r);
	if (r->has_rows && r->like)
		rows(&h, r);
	leaders(&h, r, &r->others);
	leaders(&h, r, &r->drivers);
	leaders(&h, r, &r->tags);
	for (unsigned i = 0; i < CASES_GROUPS; i++)
		group(&h, r, (enum cases_groups)i);
	if (r->has_rows && !r->like)
		rows(&h, r);
	html_raw(&h, "</main>\n<footer><p>");
	html_put(&h, "poolscope %s", POOLSCOPE_VERSION);
	html_raw(&h, "</p><p>1 KB is 1024 bytes, 1 MB is 1048576 bytes.</p></footer>\n");
	html_page_script(&h);
	html_raw(&h, "</body>\n</html>\n");
	return h.status;
}
