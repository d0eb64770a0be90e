/*
 * Pool totals of the HTML page: how full the pools are, as bars and as a table.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>

#include "analyzer/report/format.h"

static void total_text(struct html *h, const struct report_total *total)
{
	char size[SIZE_TEXT];

	if (total->number.has_value)
		html_put(h, "%s%s", format_size_unsigned(total->number.value, size),
			 basis_mark(total->basis));
	else
		html_put(h, "unknown");
}

static void total_cell(struct html *h, const struct report_total *total)
{
	if (!total->number.has_value) {
		html_cell(h, "unknown");
		return;
	}
	html_raw(h, "<td data-v=\"");
	html_put(h, "%" PRIu64, total->number.value);
	html_raw(h, "\" title=\"");
	html_put(h, "%" PRIu64 " bytes, %s: %s", total->number.value, basis_word(total->basis),
		 total->source ? total->source : "source unknown");
	html_raw(h, "\">");
	total_text(h, total);
}

static void used_text(struct html *h, const struct report_pool_total *p, const char *mark)
{
	if (p->has_used)
		html_permille(h, p->allocated.number.has_value ? "" : mark, p->used_permille);
	else
		html_put(h, "-");
}

static void gauge(struct html *h, const char *name, const struct report_pool_total *p,
		  const char *mark, bool has_sums)
{
	char size[SIZE_TEXT];

	html_raw(h, "<div class=\"gauge\">\n");
	html_element(h, "h3", "%s", name);
	html_raw(h, "<p><b>");
	if (p->allocated.number.has_value)
		total_text(h, &p->allocated);
	else if (has_sums)
		html_put(h, "%s%s", mark, format_size(p->tag_bytes, size));
	else
		html_put(h, "unknown");
	html_raw(h, "</b> used");
	if (p->maximum.number.has_value) {
		html_raw(h, " of at most ");
		total_text(h, &p->maximum);
	}
	if (p->has_used) {
		html_raw(h, " (");
		used_text(h, p, mark);
		html_raw(h, ")");
	}
	html_raw(h, "</p>\n");
	if (p->has_used) {
		html_bar(h, p->used_permille, " used");
		html_raw(h, "\n");
	} else {
		html_element(h, "p class=\"note\"", "The limit is unknown%s%s.",
			     p->maximum.number.note ? ": " : "",
			     p->maximum.number.note ? p->maximum.number.note : "");
	}
	html_raw(h, "</div>\n");
}

static void remark(struct html *h, const char *what, const struct report_total *total)
{
	if (total->number.has_value && total->basis != BASIS_READ && total->remark)
		html_element(h, "p class=\"note\"", "%s %s: %s.", basis_mark(total->basis), what,
			     total->remark);
}

static void source(struct html *h, const char *what, const struct report_total *total)
{
	if (total->number.has_value && total->source)
		html_term(h, what, "%s, %" PRIu64 " bytes, %s", total->source, total->number.value,
			  basis_word(total->basis));
	else if (!total->number.has_value && total->number.note)
		html_term(h, what, "unknown: %s", total->number.note);
}

static void untracked_cell(struct html *h, const struct report_pool_total *p)
{
	if (p->has_untracked)
		html_size_cell(h, "", p->untracked);
	else
		html_cell(h, "-");
}

static void pool_row(struct html *h, const char *name, const struct report_pool_total *p)
{
	const struct report_totals *t = &h->report->totals;
	const char *mark = trust_mark(t->trust);

	html_row(h, "%s", name);
	if (t->sums_note) {
		html_cell(h, "unknown");
		html_cell(h, "unknown");
	} else {
		html_cell(h, "%s%" PRId64, mark, p->tag_bytes);
		html_size_cell(h, mark, p->tag_bytes);
	}
	total_cell(h, &p->allocated);
	total_cell(h, &p->maximum);
	html_raw(h, "<td>");
	used_text(h, p, mark);
	untracked_cell(h, p);
	html_raw(h, "\n");
}

static void pool_table(struct html *h)
{
	static const struct html_column columns[] = {
		{"Pool", HTML_WORDS, 0},       {"Sum over tags, bytes", HTML_NUMBER, 0},
		{"Size", HTML_NUMBER, 0},      {"Allocated", HTML_NUMBER, 0},
		{"Maximum", HTML_NUMBER, 0},   {"Used", HTML_NUMBER, 0},
		{"Untracked", HTML_NUMBER, 0}, {NULL, HTML_WORDS, 0},
	};
	const struct report_totals *t = &h->report->totals;

	html_table(h, "pools", "Pool totals", columns);
	pool_row(h, "Nonpaged", &t->nonpaged);
	pool_row(h, "Paged", &t->paged);
	html_table_end(h);
}

static void sources(struct html *h)
{
	const struct report_totals *t = &h->report->totals;

	html_raw(h, "<details><summary>Where these totals come from</summary>\n<dl>\n");
	source(h, "Nonpaged allocated", &t->nonpaged.allocated);
	source(h, "Nonpaged maximum", &t->nonpaged.maximum);
	source(h, "Nonpaged address space", &t->nonpaged.space);
	source(h, "Paged allocated", &t->paged.allocated);
	source(h, "Paged maximum", &t->paged.maximum);
	source(h, "Paged address space", &t->paged.space);
	source(h, "Commit", &t->committed);
	source(h, "Commit, peak", &t->committed_peak);
	source(h, "Commit limit", &t->commit_limit);
	if (t->user_space)
		html_term(h, "User address space", "%s", t->user_space);
	html_raw(h, "</dl>\n");
	html_element(h, "p class=\"note\"",
		     "Untracked is what is allocated and no tag has. A total marked * is derived "
		     "by Windows' rules, one marked ? was read and cannot be right.");
	html_raw(h, "</details>\n");
}

void html_pools(struct html *h)
{
	const struct report_totals *t = &h->report->totals;
	const char *mark = trust_mark(t->trust);

	if (!t->available) {
		html_element(h, "p", "Unknown: %s.", t->note ? t->note : "no reason is known");
		return;
	}
	html_raw(h, "<div class=\"gauges\">\n");
	gauge(h, "Nonpaged pool", &t->nonpaged, mark, !t->sums_note);
	gauge(h, "Paged pool", &t->paged, mark, !t->sums_note);
	html_raw(h, "</div>\n");
	pool_table(h);
	remark(h, "nonpaged allocated", &t->nonpaged.allocated);
	remark(h, "nonpaged maximum", &t->nonpaged.maximum);
	remark(h, "paged allocated", &t->paged.allocated);
	remark(h, "paged maximum", &t->paged.maximum);
	if (t->sums_note)
		html_element(h, "p class=\"note\"", "Sums over tags are unknown: %s.",
			     t->sums_note);
	sources(h);
}
