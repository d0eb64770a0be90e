/*
 * Tables of the text renderer, over libsmartcols: columns first, then rows cell by cell, then the
 * whole printed in one or more stretches that share their column widths.
 *
 * A failure (out of memory) is remembered and reported by table_render(). Cells are made harmless
 * for the terminal here.
 */
#ifndef PS_ANALYZER_REPORT_TABLE_H
#define PS_ANALYZER_REPORT_TABLE_H

#include <stdio.h>

#include "analyzer/report/format.h"
#include "analyzer/report/render.h"

enum column_kind { COLUMN_LEFT, COLUMN_RIGHT, COLUMN_LAST /* cut to the terminal's width */ };

struct table {
	struct libscols_table *scols; /* owned */
	struct libscols_line *line;   /* the row being filled */
	const struct render_options *options;
	size_t columns, cell;
	enum text_target target; /* by the terminal's character set */
	bool failed;
	char *rendered; /* owned */
	char *next;     /* next line of `rendered` to print */
};

void table_init(struct table *table, const struct render_options *options);
void table_fini(struct table *table);

void table_column(struct table *table, const char *name, enum column_kind kind);

/** Begins a row; `marked` rows are coloured, as an aid only. */
void table_row(struct table *table, bool marked);

/** The next cell of the row. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Lays all rows out. PS_NO_MEMORY. */
enum ps_status table_render(struct table *table, struct ps_error *err);

/** Prints the header line, again for every stretch that wants one. */
void table_print_header(struct table *table, FILE *out);

/** Prints the next `count` rows. */
void table_print_rows(struct table *table, size_t count, FILE *out);

/** Lays all out, prints the header and the first `count` rows, and ends the table. PS_NO_MEMORY. */
enum ps_status table_finish(struct table *table, size_t count, FILE *out, struct ps_error *err);

#endif
