/*
 * The text page of `owners` without a tag: tags and whom they belong to, of a dump or of a folder
 * of drivers; and the table of pool bytes per driver that `analyze` shows.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>

#include "analyzer/report/owner_cells.h"
#include "analyzer/report/table.h"

/* Which marks of the owner column were printed. */
struct marks {
	bool any, several, perhaps, others;
};

static void look(struct marks *marks, const struct report_owner *owner)
{
	if (!owner)
		return;
	marks->any = true;
	marks->several |= owner->ownership == OWNED_BY_SEVERAL;
	marks->perhaps |= owner->ownership == OWNED_PERHAPS;
	marks->others |= owner->ownership == OWNED_FOR_OTHERS;
}

static void look_at_lines(const struct report *r, struct marks *marks,
			  const struct report_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		look(marks, owner_of_tag(r, &r->tags[lines->items[i].tag]));
}

enum ps_status text_owner_legend(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	struct marks marks = {false};

	if (r->owners_note && r->tag_count > 0)
		return text_field(text, err, "Owner", "unknown: %s", r->owners_note);
	look_at_lines(r, &marks, &r->lines);
	look_at_lines(r, &marks, &r->top_nonpaged);
	look_at_lines(r, &marks, &r->top_paged);
	for (size_t i = 0; r->no_file && i < r->owner_count; i++)
		look(&marks, &r->owners[i]);
	if (!marks.any)
		return PS_OK;
	return text_field(
		text, err, "Owner", "%s%s%s%s%s",
		"its code passes the tag to the pool's routines; who makes it grow may be another",
		marks.several ? "; a or b, a +2: several do" : "",
		marks.perhaps ? "; ?: weak evidence, no proof" : "",
		marks.others ? "; *: on behalf of others" : "",
		"; evidence: poolscope owners --tag");
}

static void total_cells(struct table *table, const char *mark, int64_t nonpaged, int64_t paged,
			size_t tags)
{
	char size[SIZE_TEXT];

	table_cell(table, "%s%s", mark, format_size(nonpaged, size));
	table_cell(table, "%s%s", mark, format_size(paged, size));
	table_cell(table, "%zu", tags);
}

static const char *known(const struct report_version *v, const struct report_string *string)
{
	return v->available && string->value ? string->value : "-";
}

static void driver_row(struct table *table, const struct report_drivers *d,
		       const struct report_driver *driver)
{
	const struct report_version *v = &driver->version;

	table_row(table, d->trust != FIGURE_EXACT);
	table_cell(table, "%s%s", driver->module, driver->others_count ? " *" : "");
	total_cells(table, trust_mark(d->trust), driver->nonpaged, driver->paged,
		    driver->tag_count);
	table_cell(table, "%s", known(v, &v->company));
	table_cell(table, "%s", known(v, &v->file_version));
}

/* The names of the biggest of the shared tags' candidates. */
static void remainder_row(struct table *table, const struct report_drivers *d, const char *name,
			  const struct report_remainder *r)
{
	char tag[TAG_TEXT];

	if (r->tag_count == 0)
		return;
	table_row(table, d->trust != FIGURE_EXACT);
	table_cell(table, "%s", name);
	total_cells(table, trust_mark(d->trust), r->nonpaged, r->paged, r->tag_count);
	if (r->names && r->names[0])
		table_cell(table, "%s: %s", tag_text(r->tags[0], tag), r->names[0]);
	else
		table_cell(table, "%s%s%s", tag_text(r->tags[0], tag),
			   r->tag_count > 1 ? ", ..." : "", "");
	table_cell(table, "%s", "");
}

static void left_out_row(struct table *table, const struct report_drivers *d, size_t shown)
{
	int64_t nonpaged = 0, paged = 0;
	size_t tags = 0;

	if (shown == d->count)
		return;
	for (size_t i = shown; i < d->count; i++) {
		nonpaged += d->items[i].nonpaged;
		paged += d->items[i].paged;
		tags += d->items[i].tag_count;
	}
	table_row(table, d->trust != FIGURE_EXACT);
	table_cell(table, "%zu more", d->count - shown);
	total_cells(table, trust_mark(d->trust), nonpaged, paged, tags);
	table_cell(table, "%s", "");
	table_cell(table, "%s", "");
}

enum ps_status text_drivers(const struct text *text, struct ps_error *err)
{
	const struct report_drivers *d = &text->report->drivers;
	size_t shown = d->shown && d->shown < d->count ? d->shown : d->count;
	size_t rows =
		shown + (shown < d->count) + (d->shared.tag_count > 0) + (d->unowned.tag_count > 0);
	struct table table;

	if (!d->available)
		return PS_OK;
	text_heading(text, "Pool by driver (tags that it alone is shown to own)");
	table_init(&table, text->options);
	table_column(&table, "Driver", COLUMN_LEFT);
	table_column(&table, "Nonpaged", COLUMN_RIGHT);
	table_column(&table, "Paged", COLUMN_RIGHT);
	table_column(&table, "Tags", COLUMN_RIGHT);
	table_column(&table, "Company", COLUMN_LEFT);
	table_column(&table, "Version", COLUMN_LAST);
	for (size_t i = 0; i < shown; i++)
		driver_row(&table, d, &d->items[i]);
	left_out_row(&table, d, shown);
	remainder_row(&table, d, "shared", &d->shared);
	remainder_row(&table, d, "no owner found", &d->unowned);
	return table_finish(&table, rows, text->out, err);
}

static void best_cells(struct table *table, const struct report_owner *owner)
{
	const struct report_candidate *c =
		owner && owner->candidate_count ? &owner->candidates[0] : NULL;

	table_cell(table, "%s", owner ? owner->words : "-");
	table_cell(table, "%s", c ? c->grade : "-");
	if (c)
		table_cell(table, "%u", candidate_sites(c));
	else
		table_cell(table, "-");
	table_cell(table, "%s", c && c->version ? known(c->version, &c->version->company) : "-");
	table_cell(table, "%s",
		   c && c->version ? known(c->version, &c->version->file_version) : "-");
}

static void best_columns(struct table *table)
{
	table_column(table, "Owner", COLUMN_LEFT);
	table_column(table, "Evidence", COLUMN_LEFT);
	table_column(table, "Sites", COLUMN_RIGHT);
	table_column(table, "Company", COLUMN_LEFT);
	table_column(table, "Version", COLUMN_LEFT);
}

static void dump_row(struct table *table, const struct report *r, const struct report_line *line)
{
	const struct report_tag *tag = &r->tags[line->tag];
	const struct report_side *side = line->paged ? &tag->paged : &tag->nonpaged;
	const char *mark = trust_mark(tag->complete ? FIGURE_EXACT : FIGURE_ABOUT);
	char name[TAG_TEXT], size[SIZE_TEXT];

	table_row(table, !tag->complete);
	table_cell(table, "%s", tag_text(tag->tag, name));
	table_cell(table, "%s", line->paged ? "Paged" : "Nonp");
	table_cell(table, "%s%" PRId64, mark, side->bytes);
	table_cell(table, "%s%s", mark, format_size(side->bytes, size));
	best_cells(table, owner_of_tag(r, tag));
	text_description_cell(table, tag->image, tag->description.value);
}

static enum ps_status dump_table(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	struct table table;

	table_init(&table, text->options);
	table_column(&table, "Tag", COLUMN_LEFT);
	table_column(&table, "Type", COLUMN_LEFT);
	table_column(&table, "Bytes", COLUMN_RIGHT);
	table_column(&table, "Size", COLUMN_RIGHT);
	best_columns(&table);
	table_column(&table, "Description", COLUMN_LAST);
	for (size_t i = 0; i < r->lines.count; i++)
		dump_row(&table, r, &r->lines.items[i]);
	return table_finish(&table, r->lines.count, text->out, err);
}

enum ps_status text_owner_notes(const struct text *text, struct ps_error *err)
{
	const struct report_notes *notes = &text->report->owner_notes;
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < notes->count && status == PS_OK; i++)
		status = text_bullet(text, err, "%s", notes->items[i]);
	return status;
}

enum ps_status text_owners(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = PS_OK;

	if (r->lines.count == 0)
		return text_words(text, err, 0, "No tag in use matches.");
	status = dump_table(text, err);
	fputc('\n', text->out);
	if (status == PS_OK)
		status = text_words(text, err, 0, "%zu row%s of %zu.", r->lines.count,
				    r->lines.count == 1 ? "" : "s",
				    r->lines.count + r->lines.left_out);
	if (status == PS_OK)
		status = text_owner_legend(text, err);
	if (status == PS_OK)
		status = text_owner_notes(text, err);
	return status == PS_OK ? text_tracker_reason(text, err) : status;
}

/* One row a candidate: the folder's drivers do not compete for one machine's tags. */
static size_t file_rows(struct table *table, const struct report_owner *owner)
{
	char name[TAG_TEXT];

	for (size_t i = 0; i < owner->candidate_count; i++) {
		const struct report_candidate *c = &owner->candidates[i];
		const struct report_evidence *e = c->evidence_count ? &c->evidence[0] : NULL;

		table_row(table, false);
		table_cell(table, "%s", tag_text(owner->tag, name));
		table_cell(table, "%s", c->module);
		table_cell(table, "%s", c->grade);
		table_cell(table, "%u", candidate_sites(c));
		table_cell(table, "%s", e && e->api ? e->api : "-");
		table_cell(table, "%s", c->version ? known(c->version, &c->version->company) : "-");
		table_cell(table, "%s",
			   c->version ? known(c->version, &c->version->file_version) : "-");
	}
	return owner->candidate_count;
}

static enum ps_status files_in_part(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = PS_OK;
	unsigned unresolved = 0, sites = 0;

	for (size_t i = 0; i < r->driver_file_count && status == PS_OK; i++) {
		const struct report_driver_file *f = &r->driver_files[i];

		sites += f->sites;
		unresolved += f->sites_unresolved;
		if (f->note)
			status = text_bullet(text, err, "%s: %s", f->name, f->note);
	}
	if (status != PS_OK)
		return status;
	return text_words(
		text, err, 0,
		"%zu file%s, %u calls of allocators; the tag of %u of them was not found.",
		r->driver_file_count, r->driver_file_count == 1 ? "" : "s", sites, unresolved);
}

enum ps_status text_owners_files(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status;
	struct table table;
	size_t rows = 0;

	table_init(&table, text->options);
	table_column(&table, "Tag", COLUMN_LEFT);
	table_column(&table, "Driver", COLUMN_LEFT);
	table_column(&table, "Evidence", COLUMN_LEFT);
	table_column(&table, "Sites", COLUMN_RIGHT);
	table_column(&table, "By", COLUMN_LEFT);
	table_column(&table, "Company", COLUMN_LEFT);
	table_column(&table, "Version", COLUMN_LAST);
	for (size_t i = 0; i < r->owner_count; i++)
		rows += file_rows(&table, &r->owners[i]);
	if (rows == 0) {
		table_fini(&table);
		status = text_words(
			text, err, 0,
			"No tag was found: no driver here passes one to an allocator or has one in its data.");
	} else {
		status = table_finish(&table, rows, text->out, err);
	}
	fputc('\n', text->out);
	if (status == PS_OK)
		status = files_in_part(text, err);
	return status == PS_OK ? text_owner_notes(text, err) : status;
}
