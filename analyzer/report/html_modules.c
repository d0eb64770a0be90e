/*
 * Drivers on the HTML page: pool bytes of each, loaded modules, unloaded drivers.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>

#include "analyzer/report/format.h"

static const char *said(const struct report_version *v, const struct report_string *string)
{
	return v->available ? html_or_dash(string->value) : "-";
}

static void driver_row(struct html *h, const struct report_driver *d, const char *mark)
{
	html_row(h, "%s%s", d->module, d->others_count ? " *" : "");
	html_size_cell(h, mark, d->nonpaged);
	html_size_cell(h, mark, d->paged);
	html_cell(h, "%zu", d->tag_count);
	html_cell(h, "%s", said(&d->version, &d->version.company));
	html_cell(h, "%s", said(&d->version, &d->version.file_version));
	html_cell(h, "%s", said(&d->version, &d->version.description));
	html_raw(h, "\n");
}

static void remainder_row(struct html *h, const char *name, const struct report_remainder *r,
			  const char *mark)
{
	if (r->tag_count == 0)
		return;
	html_row(h, "%s", name);
	html_size_cell(h, mark, r->nonpaged);
	html_size_cell(h, mark, r->paged);
	html_cell(h, "%zu", r->tag_count);
	html_raw(h, "<td>-<td>-<td>-\n");
}

void html_drivers(struct html *h)
{
	static const struct html_column columns[] = {
		{"Driver", HTML_WORDS, 0},      {"Nonpaged", HTML_NUMBER, 0},
		{"Paged", HTML_NUMBER, 0},      {"Tags", HTML_NUMBER, 0},
		{"Company", HTML_WORDS, 0},     {"Version", HTML_WORDS, 0},
		{"Description", HTML_WORDS, 0}, {NULL, HTML_WORDS, 0},
	};
	const struct report_drivers *d = &h->report->drivers;
	const char *mark = trust_mark(d->trust);

	html_element(h, "p class=\"note\"",
		     "Bytes of the tags that a driver alone is shown to own. *: part of it is "
		     "allocated on behalf of others.");
	html_table(h, "drivers", "Pool by driver", columns);
	for (size_t i = 0; i < d->count && html_goes_on(h); i++)
		driver_row(h, &d->items[i], mark);
	remainder_row(h, "shared", &d->shared, mark);
	remainder_row(h, "no owner found", &d->unowned, mark);
	html_table_end(h);
}

static void range_cells(struct html *h, const struct report_module *m)
{
	html_row(h, "%s", m->name.value ? m->name.value : "?");
	html_cell(h, "0x%" PRIx64, m->base);
	html_cell(h, "0x%" PRIx64, m->base + m->size);
	html_size_cell_unsigned(h, "", m->size);
}

static void pool_cells(struct html *h, const struct report_module *m)
{
	const struct report_drivers *d = &h->report->drivers;

	if (!d->available || !m->driver) {
		html_raw(h, "<td>-<td>-");
		return;
	}
	html_size_cell(h, trust_mark(d->trust), d->items[m->driver - 1].nonpaged);
	html_size_cell(h, trust_mark(d->trust), d->items[m->driver - 1].paged);
}

static void loaded_row(struct html *h, const struct report_module *m)
{
	range_cells(h, m);
	pool_cells(h, m);
	html_cell(h, "%s", m->version.file_version.value ? m->version.file_version.value : "?");
	html_cell(h, "%s", m->version.company.value ? m->version.company.value : "?");
	if (m->timestamp.has_value)
		html_cell(h, "%08" PRIX64, m->timestamp.value);
	else
		html_cell(h, "?");
	html_cell(h, "%s%s%s", m->pdb_name.value ? m->pdb_name.value : "?",
		  m->pdb_guid_age.value ? " " : "",
		  m->pdb_guid_age.value ? m->pdb_guid_age.value : "");
	html_raw(h, "\n");
}

/* False when there is no list to print. */
static bool list_head(struct html *h, const struct report_modules *m)
{
	if (!m->available) {
		html_element(h, "p", "Unknown: %s.", m->note ? m->note : "no reason is known");
		return false;
	}
	if (m->complete)
		html_element(h, "p class=\"note\"", "%zu in the list.", m->count);
	else
		html_element(h, "p class=\"warn\"", ">=%zu in the list, which is not complete: %s.",
			     m->count, m->note ? m->note : "no reason is known");
	return true;
}

void html_modules(struct html *h)
{
	static const struct html_column columns[] = {
		{"Name", HTML_WORDS, 0},    {"Base", HTML_CODE, 0},       {"End", HTML_CODE, 0},
		{"Size", HTML_NUMBER, 0},   {"Nonpaged", HTML_NUMBER, 0}, {"Paged", HTML_NUMBER, 0},
		{"Version", HTML_WORDS, 0}, {"Company", HTML_WORDS, 0},   {"Stamp", HTML_CODE, 0},
		{"PDB", HTML_CODE, 0},      {NULL, HTML_WORDS, 0},
	};
	const struct report_modules *m = &h->report->modules;

	if (!list_head(h, m))
		return;
	html_table(h, "modules", "Loaded modules", columns);
	for (size_t i = 0; i < m->count && html_goes_on(h); i++)
		loaded_row(h, &m->items[i]);
	html_table_end(h);
}

void html_unloaded(struct html *h)
{
	static const struct html_column columns[] = {
		{"Name", HTML_WORDS, 0},  {"Base", HTML_CODE, 0},         {"End", HTML_CODE, 0},
		{"Size", HTML_NUMBER, 0}, {"Unloaded at", HTML_WORDS, 0}, {NULL, HTML_WORDS, 0},
	};
	const struct report_modules *m = &h->report->unloaded;

	if (!list_head(h, m) || m->count == 0)
		return;
	html_table(h, "unloaded", "Unloaded drivers, newest last", columns);
	for (size_t i = 0; i < m->count && html_goes_on(h); i++) {
		range_cells(h, &m->items[i]);
		html_cell(h, "%s",
			  m->items[i].unloaded_at.value ? m->items[i].unloaded_at.value : "?");
		html_raw(h, "\n");
	}
	html_table_end(h);
}
