/*
 * What a database of many cases keeps of one report: numbers and names to search and count by. All
 * else stays in the report. Of the tags the biggest of either pool are kept.
 */
#include "analyzer/report/json_build.h"
#include "analyzer/report/render.h"

#include <stdlib.h>

#include "base/memory.h"

enum { TAGS_KEPT = 100 }; /* of each pool */

static json_t *text_or_null(struct builder *b, const char *text)
{
	json_t *holder = build_object(b), *value;

	put_text(b, holder, "text", text);
	value = json_incref(json_object_get(holder, "text"));
	json_decref(holder);
	return value;
}

static json_t *number_or_null(const struct report_number *number)
{
	return number->has_value && number->value <= INT64_MAX
		       ? json_integer((json_int_t)number->value)
		       : json_null();
}

static json_t *permille_or_null(const struct report_pool_total *total)
{
	return total->has_used ? json_integer(total->used_permille) : json_null();
}

/* Sums are kept where they are exact: a database adds them up. */
static json_t *bytes_or_null(const struct report_totals *totals,
			     const struct report_pool_total *total)
{
	return totals->available && !totals->sums_note && totals->trust == FIGURE_EXACT
		       ? json_integer(total->tag_bytes)
		       : json_null();
}

static const struct report_owner *owner_of(const struct report *report,
					   const struct report_tag *tag)
{
	return tag->owner > 0 ? &report->owners[tag->owner - 1] : NULL;
}

/* The line with most bytes of either pool. */
static const struct report_line *top_line(const struct report *report)
{
	const struct report_line *top = NULL;
	int64_t most = 0;

	for (size_t i = 0; i < report->lines.count; i++) {
		const struct report_line *line = &report->lines.items[i];
		const struct report_tag *tag = &report->tags[line->tag];
		int64_t bytes = line->paged ? tag->paged.bytes : tag->nonpaged.bytes;

		if (bytes > most) {
			most = bytes;
			top = line;
		}
	}
	return top;
}

static void append_top(struct builder *b, json_t *row, const struct report *report)
{
	const struct report_line *line = top_line(report);
	const struct report_owner *owner;
	char name[TAG_TEXT];

	if (!line) {
		append(b, row, json_null());
		append(b, row, json_null());
		return;
	}
	owner = owner_of(report, &report->tags[line->tag]);
	append(b, row, text_or_null(b, tag_text(report->tags[line->tag].tag, name)));
	append(b, row, text_or_null(b, owner ? owner->words : NULL));
}

static json_t *case_row(struct builder *b, const struct report *report)
{
	const struct report_system *system = &report->system;
	const struct report_totals *totals = &report->totals;
	json_t *row = build_array(b);

	append(b, row, text_or_null(b, report->file.format));
	append(b, row, text_or_null(b, system->product.value));
	append(b, row, number_or_null(&system->build));
	append(b, row, text_or_null(b, system->arch.value));
	append(b, row, text_or_null(b, system->computer_name.value));
	append(b, row, text_or_null(b, system->crash_time.value));
	append(b, row, number_or_null(&system->uptime_seconds));
	append(b, row, system->bugcheck.known ? json_integer(system->bugcheck.code) : json_null());
	append(b, row, bytes_or_null(totals, &totals->nonpaged));
	append(b, row, bytes_or_null(totals, &totals->paged));
	append(b, row, permille_or_null(&totals->nonpaged));
	append(b, row, permille_or_null(&totals->paged));
	append_top(b, row, report);
	append(b, row, text_or_null(b, report->verdict.text));
	return row;
}

static json_t *tag_row(struct builder *b, const struct report *report,
		       const struct report_line *line, size_t place)
{
	const struct report_tag *tag = &report->tags[line->tag];
	const struct report_side *side = line->paged ? &tag->paged : &tag->nonpaged;
	const struct report_owner *owner = owner_of(report, tag);
	json_t *row = build_array(b);
	char name[TAG_TEXT];

	append(b, row, text_or_null(b, tag_text(tag->tag, name)));
	append(b, row, json_integer(line->paged));
	append(b, row, json_integer((json_int_t)place));
	append(b, row, json_integer((json_int_t)side->allocs));
	append(b, row, json_integer((json_int_t)side->frees));
	append(b, row, json_integer(side->bytes));
	append(b, row, json_boolean(tag->complete));
	append(b, row, text_or_null(b, owner ? owner->words : NULL));
	return row;
}

static json_t *tag_rows(struct builder *b, const struct report *report)
{
	size_t kept[2] = {0, 0}; /* nonpaged, paged */
	json_t *rows = build_array(b);

	for (size_t i = 0; i < report->lines.count; i++) {
		const struct report_line *line = &report->lines.items[i];

		if (kept[line->paged] < TAGS_KEPT)
			append(b, rows, tag_row(b, report, line, ++kept[line->paged]));
	}
	return rows;
}

static const char *version_of(const struct report_version *version)
{
	return version && version->available ? version->file_version.value : NULL;
}

static json_t *driver_rows(struct builder *b, const struct report *report)
{
	const struct report_drivers *drivers = &report->drivers;
	json_t *rows = build_array(b);

	for (size_t i = 0; drivers->available && i < drivers->count; i++) {
		const struct report_driver *driver = &drivers->items[i];
		json_t *row = build_array(b);

		append(b, row, text_or_null(b, driver->module));
		append(b, row, json_integer((json_int_t)i + 1));
		append(b, row, text_or_null(b, version_of(&driver->version)));
		append(b, row,
		       text_or_null(b, driver->version.available ? driver->version.company.value
								 : NULL));
		append(b, row,
		       driver->microsoft < 0 ? json_null() : json_boolean(driver->microsoft));
		append(b, row, json_integer(driver->nonpaged));
		append(b, row, json_integer(driver->paged));
		append(b, rows, row);
	}
	return rows;
}

static void append_candidates(struct builder *b, json_t *rows, const struct report_owner *owner)
{
	char name[TAG_TEXT];

	for (size_t i = 0; i < owner->candidate_count; i++) {
		const struct report_candidate *candidate = &owner->candidates[i];
		json_t *row = build_array(b);

		append(b, row, text_or_null(b, tag_text(owner->tag, name)));
		append(b, row, json_integer((json_int_t)i + 1));
		append(b, row, text_or_null(b, candidate->module));
		append(b, row, text_or_null(b, version_of(candidate->version)));
		append(b, row, text_or_null(b, candidate->grade));
		append(b, row, json_boolean(candidate->proof));
		append(b, rows, row);
	}
}

/* Of the tags that are kept. */
static json_t *owner_rows(struct builder *b, const struct report *report)
{
	json_t *rows = build_array(b);
	bool *done = mem_array(report->owner_count + 1, sizeof(*done));
	size_t kept[2] = {0, 0};

	if (!done)
		b->failed = true;
	for (size_t i = 0; done && report->has_owners && i < report->lines.count; i++) {
		const struct report_line *line = &report->lines.items[i];
		size_t owner = report->tags[line->tag].owner;

		if (kept[line->paged]++ >= TAGS_KEPT || owner == 0 || done[owner])
			continue;
		done[owner] = true;
		append_candidates(b, rows, &report->owners[owner - 1]);
	}
	free(done);
	return rows;
}

static json_t *finding_rows(struct builder *b, const struct report *report)
{
	json_t *rows = build_array(b);

	for (size_t i = 0; i < report->finding_count; i++) {
		const struct report_finding *finding = &report->findings[i];
		json_t *row = build_array(b);

		append(b, row, json_integer((json_int_t)i + 1));
		append(b, row, text_or_null(b, finding->id));
		append(b, row, text_or_null(b, severity_word(finding->severity)));
		append(b, row, text_or_null(b, finding->title));
		append(b, rows, row);
	}
	return rows;
}

enum ps_status render_summary(const struct report *report, FILE *out, struct ps_error *err)
{
	struct builder b = {false};
	json_t *root = build_object(&b);

	put(&b, root, "case", case_row(&b, report));
	put(&b, root, "tags", tag_rows(&b, report));
	put(&b, root, "drivers", driver_rows(&b, report));
	put(&b, root, "owners", owner_rows(&b, report));
	put(&b, root, "findings", finding_rows(&b, report));
	if (b.failed || json_dumpf(root, out, JSON_COMPACT) != 0)
		ps_fail_memory(err, "the summary of the report");
	fputc('\n', out);
	json_decref(root);
	return err->status;
}

void render_summary_error(const struct ps_error *error, FILE *out)
{
	struct builder b = {false};
	json_t *root = build_object(&b);

	put_text(&b, root, "code", ps_status_word(error->status));
	put_text(&b, root, "message", error->text);
	if (!b.failed)
		json_dumpf(root, out, JSON_COMPACT);
	json_decref(root);
}
