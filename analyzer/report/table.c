/*
 * Tables of the text renderer. libsmartcols does widths and cutting; the lines are taken from it as
 * text, so that two stretches of one table can stand under different headings.
 */
#include "analyzer/report/table.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "base/memory.h"

void table_init(struct table *table, const struct render_options *options)
{
	*table = (struct table){.options = options};
	table->target = format_terminal();
	table->scols = scols_new_table();
	if (!table->scols) {
		table->failed = true;
		return;
	}
	/* Cells are made safe here; libsmartcols would escape our \x a second time. */
	scols_table_enable_noencoding(table->scols, 1);
	scols_table_enable_nowrap(table->scols, 1);
	scols_table_enable_colors(table->scols, options->color ? 1 : 0);
	scols_table_set_column_separator(table->scols, " ");
	scols_table_set_termforce(table->scols,
				  options->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (options->width)
		scols_table_set_termwidth(table->scols, options->width);
}

void table_fini(struct table *table)
{
	scols_unref_table(table->scols);
	free(table->rendered);
}

void table_column(struct table *table, const char *name, enum column_kind kind)
{
	int flags = kind == COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0;

	if (kind == COLUMN_LAST)
		flags = SCOLS_FL_TRUNC;
	if (!table->failed && !scols_table_new_column(table->scols, name, 0, flags))
		table->failed = true;
	table->columns++;
}

void table_row(struct table *table, bool marked)
{
	table->cell = 0;
	table->line = NULL;
	if (table->failed)
		return;
	table->line = scols_table_new_line(table->scols, NULL);
	if (!table->line)
		table->failed = true;
	else if (marked && table->options->color)
		scols_line_set_color(table->line, "\033[33m");
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *text = NULL, *safe;

	if (table->failed)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	safe = text ? format_safe(text, table->target) : NULL;
	free(text);
	/* scols takes the string over when it succeeds */
	if (!safe || scols_line_refer_data(table->line, table->cell++, safe) != 0) {
		free(safe);
		table->failed = true;
	}
}

enum ps_status table_render(struct table *table, struct ps_error *err)
{
	if (!table->failed && scols_table_is_empty(table->scols))
		table->rendered = strdup("");
	else if (!table->failed && scols_print_table_to_string(table->scols, &table->rendered) != 0)
		table->rendered = NULL;
	if (!table->rendered)
		return ps_fail_memory(err, "a table of the report");
	table->next = strchr(table->rendered, '\n');
	table->next = table->next ? table->next + 1 : table->rendered + strlen(table->rendered);
	return PS_OK;
}

/* Length without the blanks that only pad the line. */
static size_t trimmed(const char *line, size_t length)
{
	while (length > 0 && line[length - 1] == ' ')
		length--;
	return length;
}

void table_print_header(struct table *table, FILE *out)
{
	const char *bold = table->options->color ? "\033[1m" : "";
	const char *plain = table->options->color ? "\033[0m" : "";
	size_t length = trimmed(table->rendered, strcspn(table->rendered, "\n"));

	fprintf(out, "%s%.*s%s\n", bold, (int)length, table->rendered, plain);
}

void table_print_rows(struct table *table, size_t count, FILE *out)
{
	for (size_t i = 0; i < count && *table->next != '\0'; i++) {
		size_t length = strcspn(table->next, "\n");

		fwrite(table->next, 1, trimmed(table->next, length), out);
		fputc('\n', out);
		table->next += length;
		if (*table->next == '\n')
			table->next++;
	}
}

enum ps_status table_finish(struct table *table, size_t count, FILE *out, struct ps_error *err)
{
	enum ps_status status = table_render(table, err);

	if (status == PS_OK) {
		table_print_header(table, out);
		table_print_rows(table, count, out);
	}
	table_fini(table);
	return status;
}
