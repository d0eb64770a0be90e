/*
 * The HTML page of `analyze`: its frame, the verdict, and the order of its sections. One file that
 * fetches nothing: style and script are in it, and its policy forbids everything else.
 *
 * Does not support the other commands' reports.
 */
#include "analyzer/report/html.h"

#include <string.h>

#include "analyzer/report/render.h"

static bool always(const struct report *r)
{
	return r->view == VIEW_ANALYZE;
}

static bool has_findings(const struct report *r)
{
	return (r->sections & SECTION_FINDINGS) != 0;
}

static bool has_tags(const struct report *r)
{
	return r->has_tags;
}

static bool has_owners(const struct report *r)
{
	return r->has_owners || (r->owners_note && r->tag_count > 0);
}

static bool has_drivers(const struct report *r)
{
	return r->drivers.available;
}

static bool has_big(const struct report *r)
{
	return r->big.available && r->big.has_tags;
}

static bool has_unloaded(const struct report *r)
{
	return !r->unloaded.available || !r->unloaded.complete || r->unloaded.count > 0;
}

static const struct {
	const char *id, *title;
	bool (*present)(const struct report *report);
	void (*print)(struct html *h);
} sections[] = {
	{"pools", "Pool usage", always, html_pools},
	{"findings", "Findings", has_findings, html_findings},
	{"machine", "Machine", always, html_machine},
	{"top", "Largest tags", has_tags, html_top},
	{"owners", "Owners and evidence", has_owners, html_owners},
	{"drivers", "Pool by driver", has_drivers, html_drivers},
	{"tags", "All tags", has_tags, html_tags},
	{"big", "Big allocations", has_big, html_big},
	{"processes", "Processes", always, html_processes},
	{"modules", "Loaded modules", always, html_modules},
	{"unloaded", "Unloaded drivers", has_unloaded, html_unloaded},
	{"coverage", "Coverage", always, html_coverage},
	{"notes", "Notes and how it was found", always, html_notes},
};

enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] != '\0' ? slash + 1 : path;
}

static void head(struct html *h)
{
	const struct report_system *s = &h->report->system;

	html_raw(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	html_page_head(h);
	html_raw(h, "<title>");
	html_put(h, "%s - poolscope", base_name(h->report->file.path));
	html_raw(h, "</title>\n</head>\n<body>\n");
	html_raw(h, "<header>\n<h1>Kernel pool report</h1>\n");
	html_element(h, "p class=\"file\"", "%s: %s, %s%s", base_name(h->report->file.path),
		     s->product.value ? s->product.value : "unknown system",
		     !s->crash_time.value ? "time unknown"
		     : s->crashed         ? "crash at "
					  : "taken at ",
		     s->crash_time.value ? s->crash_time.value : "");
	html_raw(h, "</header>\n");
}

static void contents(struct html *h)
{
	html_raw(h, "<nav aria-label=\"Contents\"><ul>\n");
	for (size_t i = 0; i < SECTIONS; i++) {
		if (!sections[i].present(h->report))
			continue;
		html_raw(h, "<li><a href=\"#");
		html_raw(h, sections[i].id);
		html_raw(h, "\">");
		html_raw(h, sections[i].title);
		html_raw(h, "</a></li>\n");
	}
	html_raw(h, "</ul></nav>\n");
}

static void section(struct html *h, size_t i)
{
	html_raw(h, "<section id=\"");
	html_raw(h, sections[i].id);
	html_raw(h, "\">\n<h2>");
	html_raw(h, sections[i].title);
	html_raw(h, "</h2>\n");
	sections[i].print(h);
	html_raw(h, "</section>\n");
}

static void foot(struct html *h)
{
	const struct report *r = h->report;

	html_raw(h, "<footer><p>");
	html_put(h, "poolscope %s", POOLSCOPE_VERSION);
	for (size_t i = 0; i < r->option_count; i++)
		html_put(h, " %s", r->options[i]);
	html_raw(h, "</p><p>1 KB is 1024 bytes, 1 MB is 1048576 bytes. Times are UTC. The exact "
		    "bytes of a rounded size are in its title.</p></footer>\n");
}

enum ps_status render_html(const struct report *report, FILE *out, struct ps_error *err)
{
	struct html h = {.report = report, .out = out, .status = PS_OK, .err = err};

	if (report->view != VIEW_ANALYZE)
		return ps_fail(err, PS_USAGE, "only `poolscope analyze` has an HTML page");
	html_choose_owners(&h);
	head(&h);
	html_raw(&h, "<main>\n");
	html_verdict(&h);
	contents(&h);
	for (size_t i = 0; i < SECTIONS && html_goes_on(&h); i++) {
		if (sections[i].present(report))
			section(&h, i);
	}
	html_raw(&h, "</main>\n");
	foot(&h);
	html_page_script(&h);
	html_raw(&h, "</body>\n</html>\n");
	return h.status;
}
