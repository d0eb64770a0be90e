/*
 * The small pieces of the HTML page: escaped text, elements, tables.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "base/signals.h"

static void fail_memory(struct html *h)
{
	if (h->status == PS_OK)
		h->status = ps_fail_memory(h->err, "the HTML page");
}

bool html_goes_on(struct html *h)
{
	if (h->status == PS_OK && signals_interrupted())
		h->status = ps_fail(h->err, PS_INTERRUPTED, "interrupted");
	return h->status == PS_OK && !ferror(h->out);
}

void html_raw(struct html *h, const char *markup)
{
	if (h->status == PS_OK)
		fputs(markup, h->out);
}

static void escape(struct html *h, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&': fputs("&amp;", h->out); break;
		case '<': fputs("&lt;", h->out); break;
		case '>': fputs("&gt;", h->out); break;
		case '"': fputs("&quot;", h->out); break;
		case '\'': fputs("&#39;", h->out); break;
		default: fputc(*text, h->out);
		}
	}
}

static void put_text(struct html *h, const char *text)
{
	char *safe;

	if (h->status != PS_OK)
		return;
	safe = format_safe(text, TARGET_TERMINAL);
	if (safe)
		escape(h, safe);
	else
		fail_memory(h);
	free(safe);
}

static void put_args(struct html *h, const char *format, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, format, args) < 0) {
		fail_memory(h);
		return;
	}
	put_text(h, text);
	free(text);
}

void html_put(struct html *h, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_args(h, format, args);
	va_end(args);
}

void html_element(struct html *h, const char *tag, const char *format, ...)
{
	va_list args;

	if (h->status != PS_OK)
		return;
	fprintf(h->out, "<%s>", tag);
	va_start(args, format);
	put_args(h, format, args);
	va_end(args);
	fprintf(h->out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

void html_term(struct html *h, const char *term, const char *format, ...)
{
	va_list args;

	html_raw(h, "<div><dt>");
	put_text(h, term);
	html_raw(h, "</dt><dd>");
	va_start(args, format);
	put_args(h, format, args);
	va_end(args);
	html_raw(h, "</dd></div>\n");
}

/*
 * Classes n3, c1: which columns are right-aligned and which have characters of one width; w: the
 * last column is of words, which may be many.
 */
static void column_classes(struct html *h, const struct html_column *columns)
{
	unsigned i;

	for (i = 0; columns[i].title; i++) {
		if (columns[i].kind != HTML_WORDS)
			html_put(h, " %c%u", columns[i].kind == HTML_NUMBER ? 'n' : 'c', i + 1);
	}
	if (i > 0 && columns[i - 1].kind == HTML_WORDS)
		html_raw(h, " w");
}

void html_table(struct html *h, const char *id, const char *label,
		const struct html_column *columns)
{
	html_raw(h, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
	put_text(h, label);
	html_raw(h, "\"><table id=\"t-");
	put_text(h, id);
	html_raw(h, "\" class=\"sort");
	column_classes(h, columns);
	html_raw(h, "\"><thead><tr>");
	for (const struct html_column *c = columns; c->title; c++) {
		html_raw(h, "<th scope=\"col\"");
		if (c->kind == HTML_NUMBER)
			html_raw(h, " data-n=\"1\"");
		if (c->key) {
			html_raw(h, " data-k=\"");
			html_put(h, "%u", c->key);
			html_raw(h, "\"");
		}
		html_raw(h, ">");
		put_text(h, c->title);
	}
	html_raw(h, "</thead>\n<tbody>\n");
}

void html_table_end(struct html *h)
{
	html_raw(h, "</tbody></table></div>\n");
}

void html_row(struct html *h, const char *format, ...)
{
	va_list args;

	html_raw(h, "<tr><th scope=row>");
	va_start(args, format);
	put_args(h, format, args);
	va_end(args);
}

void html_cell(struct html *h, const char *format, ...)
{
	va_list args;

	html_raw(h, "<td>");
	va_start(args, format);
	put_args(h, format, args);
	va_end(args);
}

static void size_cell(struct html *h, const char *mark, const char *bytes, const char *size)
{
	html_raw(h, "<td data-v=\"");
	html_put(h, "%s", bytes);
	html_raw(h, "\" title=\"");
	html_put(h, "%s%s bytes", mark, bytes);
	html_raw(h, "\">");
	html_put(h, "%s%s", mark, size);
}

void html_size_cell(struct html *h, const char *mark, int64_t bytes)
{
	char size[SIZE_TEXT], exact[SIZE_TEXT];

	snprintf(exact, sizeof(exact), "%" PRId64, bytes);
	size_cell(h, mark, exact, format_size(bytes, size));
}

void html_size_cell_unsigned(struct html *h, const char *mark, uint64_t bytes)
{
	char size[SIZE_TEXT], exact[SIZE_TEXT];

	snprintf(exact, sizeof(exact), "%" PRIu64, bytes);
	size_cell(h, mark, exact, format_size_unsigned(bytes, size));
}

void html_permille(struct html *h, const char *mark, unsigned permille)
{
	html_put(h, "%s%u.%u%%", mark, permille / 10, permille % 10);
}

void html_bar(struct html *h, unsigned permille, const char *words)
{
	html_raw(h, "<svg class=\"bar\" role=\"img\" aria-label=\"");
	html_permille(h, "", permille);
	html_raw(h, words);
	html_raw(h, "\"><rect class=\"track\" width=\"100%\" height=\"100%\"/>"
		    "<rect class=\"fill\" height=\"100%\" width=\"");
	html_permille(h, "", permille > 1000 ? 1000 : permille);
	html_raw(h, "\"/></svg>");
}

const char *html_or_dash(const char *value)
{
	return value ? value : "-";
}
