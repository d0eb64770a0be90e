/*
 * The text page of `modules`.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"

/* Pool bytes of the tags that the driver is shown to own. */
static void pool_cells(struct table *table, const struct report *report,
		       const struct report_module *m)
{
	const struct report_drivers *d = &report->drivers;
	const struct report_driver *driver = m->driver ? &d->items[m->driver - 1] : NULL;
	const char *mark = trust_mark(d->trust);
	char size[SIZE_TEXT];

	if (!d->available)
		return;
	if (!driver) {
		table_cell(table, "-");
		table_cell(table, "-");
		return;
	}
	table_cell(table, "%s%s", mark, format_size(driver->nonpaged, size));
	table_cell(table, "%s%s", mark, format_size(driver->paged, size));
}

/* The cells under range_columns(). */
static void range_row(struct table *table, const struct report_module *m)
{
	char size[SIZE_TEXT];

	table_row(table, false);
	table_cell(table, "0x%" PRIx64, m->base);
	table_cell(table, "0x%" PRIx64, m->base + m->size);
	table_cell(table, "%s", format_size_unsigned(m->size, size));
	table_cell(table, "%s", m->name.value ? m->name.value : "?");
}

static void loaded_row(struct table *table, const struct report *report,
		       const struct report_module *m)
{
	range_row(table, m);
	pool_cells(table, report, m);
	table_cell(table, "%s",
		   m->version.file_version.value ? m->version.file_version.value : "?");
	table_cell(table, "%s", m->version.company.value ? m->version.company.value : "?");
	if (m->timestamp.has_value)
		table_cell(table, "%08" PRIX64, m->timestamp.value);
	else
		table_cell(table, "?");
	table_cell(table, "%s%s%s", m->pdb_name.value ? m->pdb_name.value : "?",
		   m->pdb_guid_age.value ? " " : "",
		   m->pdb_guid_age.value ? m->pdb_guid_age.value : "");
}

static void unloaded_row(struct table *table, const struct report_module *m)
{
	range_row(table, m);
	table_cell(table, "%s", m->unloaded_at.value ? m->unloaded_at.value : "?");
}

static void range_columns(struct table *table)
{
	table_column(table, "Base", COLUMN_LEFT);
	table_column(table, "End", COLUMN_LEFT);
	table_column(table, "Size", COLUMN_RIGHT);
	table_column(table, "Name", COLUMN_LEFT);
}

static enum ps_status loaded(const struct text *text, struct ps_error *err)
{
	const struct report_modules *m = &text->report->modules;
	struct table table;

	table_init(&table, text->options);
	range_columns(&table);
	if (text->report->drivers.available) {
		table_column(&table, "Nonpaged", COLUMN_RIGHT);
		table_column(&table, "Paged", COLUMN_RIGHT);
	}
	table_column(&table, "Version", COLUMN_LEFT);
	table_column(&table, "Company", COLUMN_LEFT);
	table_column(&table, "Stamp", COLUMN_LEFT);
	table_column(&table, "PDB", COLUMN_LAST);
	for (size_t i = 0; i < m->count; i++)
		loaded_row(&table, text->report, &m->items[i]);
	return table_finish(&table, m->count, text->out, err);
}

static enum ps_status unloaded(const struct text *text, struct ps_error *err)
{
	const struct report_modules *m = &text->report->unloaded;
	struct table table;

	text_heading(text, "Unloaded drivers, newest last");
	table_init(&table, text->options);
	range_columns(&table);
	table_column(&table, "Unloaded at", COLUMN_LAST);
	for (size_t i = 0; i < m->count; i++)
		unloaded_row(&table, &m->items[i]);
	return table_finish(&table, m->count, text->out, err);
}

static enum ps_status list_note(const struct text *text, const char *what,
				const struct report_modules *m, struct ps_error *err)
{
	if (m->available && m->complete)
		return PS_OK;
	return text_words(text, err, 0, "%s: not complete: %s.", what,
			  m->note ? m->note : "no reason is known");
}

enum ps_status text_modules(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = loaded(text, err);

	if (status == PS_OK && r->unloaded.count > 0)
		status = unloaded(text, err);
	if (status != PS_OK)
		return status;
	fputc('\n', text->out);
	status = text_words(text, err, 0, "%s%zu loaded, %s%zu unloaded.",
			    r->modules.complete ? "" : ">=", r->modules.count,
			    r->unloaded.complete ? "" : ">=", r->unloaded.count);
	if (status == PS_OK)
		status = list_note(text, "Loaded modules", &r->modules, err);
	if (status == PS_OK)
		status = list_note(text, "Unloaded drivers", &r->unloaded, err);
	return status;
}
