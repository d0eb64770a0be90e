/*
 * Private to the HTML renderer: its context and the small pieces that the page is made of.
 *
 * Markup is written by html_raw() alone, and only from literals of these files; whatever else is
 * printed, numbers too, goes through the escaping functions. Nothing foreign ever stands in the
 * script, in the style sheet, in an id or in an attribute without quotes.
 *
 * A failure sticks: after it nothing more is written, and render_html() returns it.
 */
#ifndef PS_ANALYZER_REPORT_HTML_H
#define PS_ANALYZER_REPORT_HTML_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/report/report.h"

enum {
	HTML_EVIDENCE_TAGS = 24, /* tags whose evidence is on the page */
	HTML_CANDIDATES = 4,     /* of each of them */
	HTML_EVIDENCE = 3,       /* pieces of evidence of each candidate */
	HTML_BARS = 15,          /* tags of a chart */
};

struct html {
	const struct report *report;
	FILE *out;
	enum ps_status status;
	struct ps_error *err;
	/* owners (indexes into the report) whose evidence is on the page */
	size_t shown[HTML_EVIDENCE_TAGS];
	size_t shown_count;
};

/** How a column looks and sorts. */
enum html_kind {
	HTML_WORDS,
	HTML_CODE,   /* tags, addresses: characters of one width, blanks kept */
	HTML_NUMBER, /* right-aligned, sorts by value */
};

/** A column of a table; a NULL title ends the list. */
struct html_column {
	const char *title;
	enum html_kind kind;
	unsigned key; /* 1-based column that it sorts by; 0: itself */
};

/** False once there is no sense in going on: a failure, a write error or Ctrl-C. */
bool html_goes_on(struct html *h);

/** Markup: literals only. */
void html_raw(struct html *h, const char *markup);

/** Text, made harmless: control characters and direction overrides as \xNN, markup escaped. */
void html_put(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** An element with text: `tag` is "p", or "p class=\"note\"". */
void html_element(struct html *h, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** A term and its text in a <dl>. */
void html_term(struct html *h, const char *term, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Opens a scrolling table with its header row. `label` names it for screen readers. */
void html_table(struct html *h, const char *id, const char *label,
		const struct html_column *columns);
void html_table_end(struct html *h);

/** Begins a row with its header cell, the name of the row. */
void html_row(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_cell(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** "~69.0 MB" with the exact bytes in data-v and in the title. */
void html_size_cell(struct html *h, const char *mark, int64_t bytes);
void html_size_cell_unsigned(struct html *h, const char *mark, uint64_t bytes);

/** "64.1%" */
void html_permille(struct html *h, const char *mark, unsigned permille);

/**
 * A bar of so much of its frame, at whose end the drawn length ends whatever the figure says.
 * `words` (markup) stand behind the figure for who does not see it.
 */
void html_bar(struct html *h, unsigned permille, const char *words);

/** `value` or a dash. */
const char *html_or_dash(const char *value);

/** 1-based number of the tag's evidence on the page, 0 when there is none. */
size_t html_evidence_of(const struct html *h, const struct report_tag *tag);

/* The sections, in the order of the page. */
void html_verdict(struct html *h);
void html_machine(struct html *h);
void html_pools(struct html *h);
void html_findings(struct html *h);
void html_top(struct html *h);
void html_owners(struct html *h);
void html_drivers(struct html *h);
void html_tags(struct html *h);
void html_big(struct html *h);
void html_processes(struct html *h);
void html_modules(struct html *h);
void html_unloaded(struct html *h);
void html_coverage(struct html *h);
void html_notes(struct html *h);

/** Chooses the tags whose evidence html_owners() prints: the largest and the suspects. */
void html_choose_owners(struct html *h);

/** <style> with its content, the policy that forbids all else, and <script>. */
void html_page_head(struct html *h);
void html_page_script(struct html *h);

#endif
