/*
 * What a database of many cases keeps of one report: see summary.h. All else stays in the report.
 * Of the tags the biggest of either pool are kept.
 */
#include "analyzer/report/summary.h"

#include <stdlib.h>

#include "base/memory.h"

enum { TAGS_KEPT = 100 }; /* of each pool */

struct writer {
	FILE *out;
	bool failed;
};

static void put_text(struct writer *w, const char *text)
{
	if (!rows_text(w->out, text))
		w->failed = true;
}

static void put_integer(struct writer *w, bool known, int64_t value)
{
	if (known)
		rows_integer(w->out, value);
	else
		rows_none(w->out);
}

static void put_number(struct writer *w, const struct report_number *number)
{
	put_integer(w, number->has_value && number->value <= INT64_MAX, (int64_t)number->value);
}

static void put_permille(struct writer *w, const struct report_pool_total *total)
{
	put_integer(w, total->has_used, total->used_permille);
}

/* Sums are kept where they are exact: a database adds them up. */
static void put_bytes(struct writer *w, const struct report_totals *totals,
		      const struct report_pool_total *total)
{
	put_integer(w, totals->available && !totals->sums_note && totals->trust == FIGURE_EXACT,
		    total->tag_bytes);
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

static void put_top(struct writer *w, const struct report *report)
{
	const struct report_line *line = top_line(report);
	const struct report_owner *owner = line ? owner_of(report, &report->tags[line->tag]) : NULL;
	char name[TAG_TEXT];

	put_text(w, line ? tag_text(report->tags[line->tag].tag, name) : NULL);
	put_text(w, owner ? owner->words : NULL);
}

static void put_case(struct writer *w, const struct report *report)
{
	const struct report_system *system = &report->system;
	const struct report_totals *totals = &report->totals;

	rows_begin(w->out, SUMMARY_CASE);
	put_text(w, report->file.format);
	put_text(w, system->product.value);
	put_number(w, &system->build);
	put_text(w, system->arch.value);
	put_text(w, system->computer_name.value);
	put_text(w, system->crash_time.value);
	put_number(w, &system->uptime_seconds);
	put_integer(w, system->bugcheck.known, system->bugcheck.code);
	put_bytes(w, totals, &totals->nonpaged);
	put_bytes(w, totals, &totals->paged);
	put_permille(w, &totals->nonpaged);
	put_permille(w, &totals->paged);
	put_top(w, report);
	put_text(w, report->verdict.text);
}

static void put_tag(struct writer *w, const struct report *report, const struct report_line *line,
		    size_t place)
{
	const struct report_tag *tag = &report->tags[line->tag];
	const struct report_side *side = line->paged ? &tag->paged : &tag->nonpaged;
	const struct report_owner *owner = owner_of(report, tag);
	char name[TAG_TEXT];

	rows_begin(w->out, SUMMARY_TAG);
	put_text(w, tag_text(tag->tag, name));
	rows_integer(w->out, line->paged);
	rows_integer(w->out, (int64_t)place);
	rows_integer(w->out, (int64_t)side->allocs);
	rows_integer(w->out, (int64_t)side->frees);
	rows_integer(w->out, side->bytes);
	rows_integer(w->out, tag->complete);
	put_text(w, owner ? owner->words : NULL);
}

static void put_tags(struct writer *w, const struct report *report)
{
	size_t kept[2] = {0, 0}; /* nonpaged, paged */

	for (size_t i = 0; i < report->lines.count; i++) {
		const struct report_line *line = &report->lines.items[i];

		if (kept[line->paged] < TAGS_KEPT)
			put_tag(w, report, line, ++kept[line->paged]);
	}
}

static const char *version_of(const struct report_version *version)
{
	return version && version->available ? version->file_version.value : NULL;
}

static void put_drivers(struct writer *w, const struct report *report)
{
	const struct report_drivers *drivers = &report->drivers;

	for (size_t i = 0; drivers->available && i < drivers->count; i++) {
		const struct report_driver *driver = &drivers->items[i];
		const struct report_version *version = &driver->version;

		rows_begin(w->out, SUMMARY_DRIVER);
		put_text(w, driver->module);
		rows_integer(w->out, (int64_t)i + 1);
		put_text(w, version_of(version));
		put_text(w, version->available ? version->company.value : NULL);
		put_integer(w, driver->microsoft >= 0, driver->microsoft != 0);
		rows_integer(w->out, driver->nonpaged);
		rows_integer(w->out, driver->paged);
	}
}

static void put_candidates(struct writer *w, const struct report_owner *owner)
{
	char name[TAG_TEXT];

	for (size_t i = 0; i < owner->candidate_count; i++) {
		const struct report_candidate *candidate = &owner->candidates[i];

		rows_begin(w->out, SUMMARY_OWNER);
		put_text(w, tag_text(owner->tag, name));
		rows_integer(w->out, (int64_t)i + 1);
		put_text(w, candidate->module);
		put_text(w, version_of(candidate->version));
		put_text(w, candidate->grade);
		rows_integer(w->out, candidate->proof);
	}
}

/* Of the tags that are kept. */
static void put_owners(struct writer *w, const struct report *report)
{
	bool *done = mem_array(report->owner_count + 1, sizeof(*done));
	size_t kept[2] = {0, 0};

	if (!done)
		w->failed = true;
	for (size_t i = 0; done && report->has_owners && i < report->lines.count; i++) {
		const struct report_line *line = &report->lines.items[i];
		size_t owner = report->tags[line->tag].owner;

		if (kept[line->paged]++ >= TAGS_KEPT || owner == 0 || done[owner])
			continue;
		done[owner] = true;
		put_candidates(w, &report->owners[owner - 1]);
	}
	free(done);
}

static void put_findings(struct writer *w, const struct report *report)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct report_finding *finding = &report->findings[i];

		rows_begin(w->out, SUMMARY_FINDING);
		rows_integer(w->out, (int64_t)i + 1);
		put_text(w, finding->id);
		put_text(w, severity_word(finding->severity));
		put_text(w, finding->title);
	}
}

static enum ps_status end(const struct writer *w, struct ps_error *err)
{
	rows_end(w->out);
	return w->failed ? ps_fail_memory(err, "the summary of the report") : PS_OK;
}

enum ps_status render_summary(const struct report *report, FILE *out, struct ps_error *err)
{
	struct writer w = {out, false};

	put_case(&w, report);
	put_tags(&w, report);
	put_drivers(&w, report);
	put_owners(&w, report);
	put_findings(&w, report);
	return end(&w, err);
}

enum ps_status render_summary_error(const struct ps_error *error, FILE *out, struct ps_error *err)
{
	struct writer w = {out, false};

	rows_begin(out, SUMMARY_ERROR);
	put_text(&w, ps_status_word(error->status));
	put_text(&w, error->text);
	return end(&w, err);
}

bool summary_is_whole(struct rows rows)
{
	static const unsigned values[SUMMARY_KINDS] = {
		[SUMMARY_CASE] = 15, [SUMMARY_TAG] = 8,     [SUMMARY_DRIVER] = 7,
		[SUMMARY_OWNER] = 6, [SUMMARY_FINDING] = 4, [SUMMARY_ERROR] = 2,
	};
	bool first = true, error = false;
	struct row_item item;

	if (!rows_are_whole(rows, values, SUMMARY_KINDS))
		return false;
	while (rows_next(&rows, &item) && item.type != ROWS_END) {
		if (item.type != ROW_BEGIN)
			continue;
		if (error || first != (item.kind == SUMMARY_CASE || item.kind == SUMMARY_ERROR))
			return false;
		error = item.kind == SUMMARY_ERROR;
		first = false;
	}
	return !first;
}
