/*
 * The end of a batch as text, JSON and CSV: how many cases ended how, and a row a case.
 */
#include "analyzer/report/batch_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/csv_field.h"
#include "analyzer/report/json_build.h"
#include "analyzer/report/table.h"
#include "base/memory.h"

const char *case_result_word(enum case_result result)
{
	switch (result) {
	case CASE_COMPLETE: return "complete";
	case CASE_INCOMPLETE: return "incomplete";
	case CASE_REFUSED: return "refused";
	case CASE_CRASHED: return "crashed";
	case CASE_TIMED_OUT: return "timed-out";
	case CASE_FAULT: return "fault";
	case CASE_CHANGED: return "changed";
	case CASE_RESULTS: break;
	}
	return "unknown";
}

enum case_result case_result_named(const char *word)
{
	for (unsigned i = 0; word && i < CASE_RESULTS; i++)
		if (strcmp(case_result_word((enum case_result)i), word) == 0)
			return (enum case_result)i;
	return CASE_FAULT;
}

void batch_report_fini(struct batch_report *report)
{
	for (size_t i = 0; i < report->row_count; i++) {
		free(report->rows[i].path);
		free(report->rows[i].product);
		free(report->rows[i].top_tag);
		free(report->rows[i].top_owner);
		free(report->rows[i].error);
	}
	for (size_t i = 0; i < report->unreadable_count; i++)
		free(report->unreadable[i]);
	free(report->rows);
	free(report->unreadable);
	*report = (struct batch_report){0};
}

/* ---- text ---- */

static void permille_cell(struct table *table, int permille)
{
	if (permille < 0)
		table_cell(table, "-");
	else
		table_cell(table, "%d %%", (permille + 5) / 10);
}

static void text_row(struct table *table, const struct batch_row *row)
{
	table_row(table, row->result >= CASE_REFUSED);
	table_cell(table, "%s", case_result_word(row->result));
	permille_cell(table, row->nonpaged_permille);
	permille_cell(table, row->paged_permille);
	table_cell(table, "%s", row->top_tag ? row->top_tag : "-");
	table_cell(table, "%s", row->top_owner ? row->top_owner : "-");
	table_cell(table, "%s", row->path);
}

static void text_legend(const struct batch_report *report, FILE *out)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].top_tag) {
			fputs("\nNonpaged, Paged  used, of the limit; -: not known\n"
			      "Owner            its code passes the top tag to the pool's routines; who makes "
			      "it grow may\n"
			      "                 be another; *: on behalf of others\n",
			      out);
			return;
		}
}

static enum ps_status text_rows(const struct batch_report *report,
				const struct render_options *options, FILE *out,
				struct ps_error *err)
{
	struct table table;
	enum ps_status status;

	table_init(&table, options);
	table_column(&table, "Result", COLUMN_LEFT);
	table_column(&table, "Nonpaged", COLUMN_RIGHT);
	table_column(&table, "Paged", COLUMN_RIGHT);
	table_column(&table, "Top tag", COLUMN_LEFT);
	table_column(&table, "Owner", COLUMN_LEFT);
	table_column(&table, "Case", COLUMN_LAST);
	for (size_t i = 0; i < report->row_count; i++)
		text_row(&table, &report->rows[i]);
	status = table_render(&table, err);
	if (status == PS_OK) {
		fputc('\n', out);
		table_print_header(&table, out);
		table_print_rows(&table, report->row_count, out);
		text_legend(report, out);
	}
	table_fini(&table);
	return status;
}

void case_results_text(const size_t results[CASE_RESULTS], FILE *out)
{
	const char *mark = ";";

	for (unsigned i = 0; i < CASE_RESULTS; i++) {
		if (results[i] == 0)
			continue;
		fprintf(out, "%s %zu %s", mark, results[i], case_result_word((enum case_result)i));
		mark = ",";
	}
}

static void text_counts(const struct batch_report *report, FILE *out)
{
	fprintf(out, "%zu case%s: %zu done now, %zu done before", report->cases,
		report->cases == 1 ? "" : "s", report->done_now, report->done_before);
	case_results_text(report->results, out);
	fprintf(out, "\n%" PRIu64 " file%s looked at, %" PRIu64 " of them no dumps or archives",
		report->looked_at, report->looked_at == 1 ? "" : "s", report->no_cases);
	if (report->skipped > 0)
		fprintf(out, "; left out: %" PRIu64 " of links to folders, pipes and devices",
			report->skipped);
	if (report->other_shards > 0)
		fprintf(out, "; %zu case%s of other shards", report->other_shards,
			report->other_shards == 1 ? "" : "s");
	fputc('\n', out);
}

static enum ps_status text_unreadable(const struct batch_report *report, FILE *out,
				      struct ps_error *err)
{
	for (size_t i = 0; i < report->unreadable_count; i++) {
		char *safe = format_safe(report->unreadable[i], format_terminal());

		if (!safe)
			return ps_fail_memory(err, "the summary");
		fprintf(out, "not readable: %s\n", safe);
		free(safe);
	}
	return PS_OK;
}

/* "PATH: why", without the path where the message, whose names are as they are in JSON, has it. */
static char *words_of(const struct batch_row *row)
{
	char *path = format_safe(row->path, TARGET_UTF8), *words = NULL, *safe = NULL;
	bool named = path && strstr(row->error, path) != NULL;

	if (path)
		words = mem_printf("%s%s%s", named ? "" : path, named ? "" : ": ", row->error);
	if (words)
		safe = format_safe(words, format_terminal());
	free(path);
	free(words);
	return safe;
}

/* Why: a result alone helps nobody. */
static enum ps_status text_errors(const struct batch_report *report, FILE *out,
				  struct ps_error *err)
{
	bool first = true;

	for (size_t i = 0; i < report->row_count; i++) {
		const struct batch_row *row = &report->rows[i];
		char *words;

		if (!row->error)
			continue;
		words = words_of(row);
		if (!words)
			return ps_fail_memory(err, "the summary");
		fprintf(out, "%s%s: %s\n", first ? "\n" : "", case_result_word(row->result), words);
		first = false;
		free(words);
	}
	return PS_OK;
}

enum ps_status batch_text(const struct batch_report *report, const struct render_options *options,
			  FILE *out, struct ps_error *err)
{
	text_counts(report, out);
	if (text_unreadable(report, out, err) != PS_OK)
		return err->status;
	if (report->row_count > 0 && text_rows(report, options, out, err) != PS_OK)
		return err->status;
	return text_errors(report, out, err);
}

/* ---- JSON ---- */

static void put_permille(struct builder *b, json_t *object, const char *key, int permille)
{
	if (permille < 0)
		put_null(b, object, key, "not known");
	else
		put_count(b, object, key, (uint64_t)permille);
}

static json_t *json_row(struct builder *b, const struct batch_row *row)
{
	json_t *object = build_object(b);

	put_text(b, object, "path", row->path);
	put_text(b, object, "result", case_result_word(row->result));
	put_text(b, object, "error", row->error);
	put_text(b, object, "product", row->product);
	put_permille(b, object, "nonpaged_used_permille", row->nonpaged_permille);
	put_permille(b, object, "paged_used_permille", row->paged_permille);
	put_text(b, object, "top_tag", row->top_tag);
	put_text(b, object, "top_owner", row->top_owner);
	return object;
}

static json_t *json_counts(struct builder *b, const struct batch_report *report)
{
	json_t *counts = build_object(b);

	put_count(b, counts, "cases", report->cases);
	put_count(b, counts, "done_now", report->done_now);
	put_count(b, counts, "done_before", report->done_before);
	put_count(b, counts, "other_shards", report->other_shards);
	put_count(b, counts, "files_looked_at", report->looked_at);
	put_count(b, counts, "no_cases", report->no_cases);
	put_count(b, counts, "skipped", report->skipped);
	for (unsigned i = 0; i < CASE_RESULTS; i++)
		put_count(b, counts, case_result_word((enum case_result)i), report->results[i]);
	return counts;
}

enum ps_status batch_json(const struct batch_report *report, FILE *out, struct ps_error *err)
{
	struct builder b = {false};
	json_t *root = build_object(&b), *rows = build_array(&b), *unreadable = build_array(&b);

	put_text(&b, root, "schema", "poolscope-batch/1");
	put_text(&b, root, "out", report->out);
	put(&b, root, "counts", json_counts(&b, report));
	for (size_t i = 0; i < report->unreadable_count; i++)
		append_text(&b, unreadable, report->unreadable[i]);
	put(&b, root, "unreadable", unreadable);
	for (size_t i = 0; i < report->row_count; i++)
		append(&b, rows, json_row(&b, &report->rows[i]));
	put(&b, root, "cases", rows);
	if (b.failed || json_dumpf(root, out, JSON_INDENT(1)) != 0)
		ps_fail_memory(err, "the summary as JSON");
	fputc('\n', out);
	json_decref(root);
	return err->status;
}

/* ---- CSV ---- */

static void csv_permille(FILE *out, int permille)
{
	if (permille >= 0)
		fprintf(out, "%d", permille);
	fputc(',', out);
}

enum ps_status batch_csv(const struct batch_report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("path,result,error,product,nonpaged_used_permille,paged_used_permille,top_tag,"
	      "top_owner\r\n",
	      out);
	for (size_t i = 0; i < report->row_count; i++) {
		const struct batch_row *row = &report->rows[i];

		csv_field(out, row->path, false);
		csv_field(out, case_result_word(row->result), false);
		csv_field(out, row->error, false);
		csv_field(out, row->product, false);
		csv_permille(out, row->nonpaged_permille);
		csv_permille(out, row->paged_permille);
		csv_field(out, row->top_tag, false);
		csv_field(out, row->top_owner, true);
	}
	return PS_OK;
}
