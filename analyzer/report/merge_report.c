/*
 * The end of a merge as text, JSON and CSV.
 */
#include "analyzer/report/merge_report.h"

#include <stdlib.h>

#include "analyzer/report/csv_field.h"
#include "analyzer/report/format.h"
#include "analyzer/report/json_build.h"

void merge_report_fini(struct merge_report *report)
{
	for (size_t i = 0; i < report->source_count; i++)
		free(report->sources[i].error);
	free(report->sources);
	*report = (struct merge_report){0};
}

bool merge_is_whole(const struct merge_report *report)
{
	for (size_t i = 0; i < report->source_count; i++)
		if (report->sources[i].error || report->sources[i].lost > 0)
			return false;
	return true;
}

static enum ps_status text_trouble(const struct merge_source *source, FILE *out,
				   struct ps_error *err)
{
	char *folder = format_safe(source->folder, format_terminal());
	char *why = source->error ? format_safe(source->error, format_terminal()) : NULL;

	if (!folder || (source->error && !why))
		ps_fail_memory(err, "the summary");
	else if (why)
		fprintf(out, "left out: %s: %s\n", folder, why);
	else
		fprintf(out,
			"%zu case%s of %s left out: no line in its results.jsonl; run its batch "
			"again\n",
			source->lost, source->lost == 1 ? "" : "s", folder);
	free(folder);
	free(why);
	return err->status;
}

enum ps_status merge_text(const struct merge_report *report, FILE *out, struct ps_error *err)
{
	size_t read = 0, taken = 0;

	for (size_t i = 0; i < report->source_count; i++) {
		read += !report->sources[i].error;
		taken += report->sources[i].taken;
	}
	fprintf(out, "%zu of %zu folders merged: %zu case%s taken, %zu there now", read,
		report->source_count, taken, taken == 1 ? "" : "s", report->cases);
	case_results_text(report->results, out);
	fputc('\n', out);
	for (size_t i = 0; i < report->source_count; i++)
		if ((report->sources[i].error || report->sources[i].lost > 0) &&
		    text_trouble(&report->sources[i], out, err) != PS_OK)
			return err->status;
	return PS_OK;
}

static json_t *json_source(struct builder *b, const struct merge_source *source)
{
	json_t *object = build_object(b);

	put_text(b, object, "folder", source->folder);
	put_count(b, object, "cases", source->cases);
	put_count(b, object, "taken", source->taken);
	put_count(b, object, "lost", source->lost);
	put_text(b, object, "error", source->error);
	return object;
}

enum ps_status merge_json(const struct merge_report *report, FILE *out, struct ps_error *err)
{
	struct builder b = {false};
	json_t *root = build_object(&b), *sources = build_array(&b), *counts = build_object(&b);

	put_text(&b, root, "schema", "poolscope-merge/1");
	put_text(&b, root, "out", report->out);
	put_count(&b, counts, "cases", report->cases);
	for (unsigned i = 0; i < CASE_RESULTS; i++)
		put_count(&b, counts, case_result_word((enum case_result)i), report->results[i]);
	put(&b, root, "counts", counts);
	for (size_t i = 0; i < report->source_count; i++)
		append(&b, sources, json_source(&b, &report->sources[i]));
	put(&b, root, "folders", sources);
	if (b.failed || json_dumpf(root, out, JSON_INDENT(1)) != 0)
		ps_fail_memory(err, "the summary as JSON");
	fputc('\n', out);
	json_decref(root);
	return err->status;
}

enum ps_status merge_csv(const struct merge_report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("folder,cases,taken,lost,error\r\n", out);
	for (size_t i = 0; i < report->source_count; i++) {
		const struct merge_source *source = &report->sources[i];

		csv_field(out, source->folder, false);
		fprintf(out, "%zu,%zu,%zu,", source->cases, source->taken, source->lost);
		csv_field(out, source->error, true);
	}
	return PS_OK;
}
