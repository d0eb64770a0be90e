/*
 * The JSON renderer: one object, the same keys for every command. Objects near the root have one
 * key a line, long arrays one entry a line, so that the output can be read and compared by lines.
 * Tags, owners and big allocations are written row by row and never lie in memory as JSON: a row
 * costs about 3 KB there, and a hostile dump can have 100,000 tags.
 */
#include "analyzer/report/render.h"

#include <errno.h>
#include <string.h>

#include "analyzer/report/json_build.h"
#include "analyzer/report/json_line.h"

static const char schema[] = "poolscope/1";

enum {
	DEEP = 3,         /* values below this depth stand on one line */
	DEPTH_OWNERS = 1, /* of the arrays that are written row by row */
	DEPTH_TAGS = 2,
};

struct writer {
	const struct report *report;
	FILE *out;
	bool one_line;
	struct ps_error *err;
};

static enum ps_status write_value(const struct writer *w, const json_t *value, unsigned depth,
				  const char *key);

static enum ps_status write_line(const struct writer *w, const json_t *value)
{
	if (json_line(value, w->out) != 0)
		return ps_fail_memory(w->err, "the report as JSON");
	return PS_OK;
}

static void new_line(const struct writer *w, unsigned depth, bool first)
{
	fputs(first ? "" : ",", w->out);
	if (!w->one_line)
		fprintf(w->out, "\n%*s", (int)depth, "");
}

static void end_lines(const struct writer *w, unsigned depth)
{
	if (!w->one_line)
		fprintf(w->out, "\n%*s", (int)depth, "");
}

static enum ps_status write_object(const struct writer *w, const json_t *object, unsigned depth)
{
	enum ps_status status = PS_OK;
	const char *key;
	json_t *value;
	bool first = true;

	fputc('{', w->out);
	json_object_foreach((json_t *)object, key, value)
	{
		new_line(w, depth + 1, first);
		fprintf(w->out, "\"%s\": ", key);
		status = write_value(w, value, depth + 1, key);
		if (status != PS_OK)
			return status;
		first = false;
	}
	end_lines(w, depth);
	fputc('}', w->out);
	return status;
}

static enum ps_status write_array(const struct writer *w, const json_t *array, unsigned depth)
{
	enum ps_status status = PS_OK;
	size_t count = json_array_size(array);

	fputc('[', w->out);
	for (size_t i = 0; i < count && status == PS_OK; i++) {
		new_line(w, depth + 1, i == 0);
		status = write_line(w, json_array_get(array, i));
	}
	if (count > 0)
		end_lines(w, depth);
	fputc(']', w->out);
	return status;
}

/* Takes over `value`. */
static enum ps_status write_row(const struct writer *w, const struct builder *b, json_t *value)
{
	enum ps_status status =
		b->failed ? ps_fail_memory(w->err, "a row of the report") : write_line(w, value);

	json_decref(value);
	return status;
}

static enum ps_status write_tags(const struct writer *w, unsigned depth)
{
	enum ps_status status = PS_OK;

	fputc('[', w->out);
	for (size_t i = 0; i < w->report->tag_count && status == PS_OK && !ferror(w->out); i++) {
		struct builder b = {false};

		new_line(w, depth + 1, i == 0);
		status = write_row(w, &b, json_tag(&b, w->report, &w->report->tags[i]));
	}
	if (w->report->tag_count > 0)
		end_lines(w, depth);
	fputc(']', w->out);
	return status;
}

static enum ps_status write_owners(const struct writer *w, unsigned depth)
{
	enum ps_status status = PS_OK;

	fputc('[', w->out);
	for (size_t i = 0; i < w->report->owner_count && status == PS_OK && !ferror(w->out); i++) {
		struct builder b = {false};

		new_line(w, depth + 1, i == 0);
		status = write_row(w, &b, json_owner(&b, &w->report->owners[i]));
	}
	if (w->report->owner_count > 0)
		end_lines(w, depth);
	fputc(']', w->out);
	return status;
}

static enum ps_status write_processes(const struct writer *w, unsigned depth)
{
	const struct report_processes *p = &w->report->processes;
	enum ps_status status = PS_OK;

	fputc('[', w->out);
	for (size_t i = 0; i < p->shown && status == PS_OK && !ferror(w->out); i++) {
		struct builder b = {false};

		new_line(w, depth + 1, i == 0);
		status = write_row(w, &b, json_process(&b, &p->items[i]));
	}
	if (p->shown > 0)
		end_lines(w, depth);
	fputc(']', w->out);
	return status;
}

static enum ps_status write_big_rows(const struct writer *w, unsigned depth)
{
	const struct report_big_source *rows = &w->report->big_rows;
	struct report_big_row row;
	enum ps_status status;
	bool found, first = true;

	fputc('[', w->out);
	for (;;) {
		struct builder b = {false};

		status = rows->next(rows->context, &row, &found, w->err);
		if (status != PS_OK || !found || ferror(w->out))
			break;
		new_line(w, depth + 1, first);
		status = write_row(w, &b, json_big_row(&b, &row));
		if (status != PS_OK)
			break;
		first = false;
	}
	end_lines(w, depth);
	fputc(']', w->out);
	return status;
}

static enum ps_status write_value(const struct writer *w, const json_t *value, unsigned depth,
				  const char *key)
{
	if (json_is_array(value) && strcmp(key, "allocations") == 0)
		return write_big_rows(w, depth);
	if (json_is_array(value) && depth == DEPTH_OWNERS && strcmp(key, "owners") == 0)
		return write_owners(w, depth);
	if (json_is_array(value) && depth == DEPTH_TAGS && strcmp(key, "tags") == 0)
		return write_tags(w, depth);
	if (json_is_array(value) && depth == DEPTH_TAGS && strcmp(key, "list") == 0)
		return write_processes(w, depth);
	if (json_is_array(value))
		return write_array(w, value, depth);
	if (json_is_object(value) && depth < DEEP)
		return write_object(w, value, depth);
	return write_line(w, value);
}

static void put_verdict(struct builder *b, json_t *root, const struct report *report)
{
	const struct report_verdict *v = &report->verdict;
	json_t *o, *ids;

	if (!v->text) {
		put_null(b, root, "verdict",
			 v->note ? v->note : "not asked for: poolscope analyze prints it");
		return;
	}
	o = build_object(b);
	ids = build_array(b);
	put_text(b, o, "text", v->text);
	for (size_t i = 0; i < v->finding_count; i++)
		append(b, ids, json_string(v->finding_ids[i]));
	put(b, o, "finding_ids", ids);
	put(b, root, "verdict", o);
}

static json_t *build_root(struct builder *b, const struct report *report)
{
	json_t *root = build_object(b);

	put_text(b, root, "schema", schema);
	if (report->no_file)
		put_null(b, root, "file", "only driver files were asked about");
	else
		put(b, root, "file", json_file(b, report));
	put(b, root, "tool", json_tool(b, report));
	if (report->has_system)
		put(b, root, "system", json_system(b, report));
	else
		put_null(b, root, "system", "not asked for: poolscope info prints it");
	put_modules(b, root, report);
	put_processes(b, root, report);
	put(b, root, "pool", json_pool(b, report));
	put_owners(b, root, report);
	put_drivers(b, root, report);
	put_driver_files(b, root, report);
	put_findings(b, root, report);
	put_verdict(b, root, report);
	return root;
}

static enum ps_status write_report(const struct report *report, bool one_line, FILE *out,
				   struct ps_error *err)
{
	struct writer w = {report, out, one_line, err};
	struct builder b = {false};
	json_t *root = build_root(&b, report);
	enum ps_status status =
		b.failed ? ps_fail_memory(err, "the report as JSON") : write_value(&w, root, 0, "");

	if (status == PS_OK)
		fputc('\n', out);
	json_decref(root);
	return status;
}

enum ps_status render_json(const struct report *report, FILE *out, struct ps_error *err)
{
	return write_report(report, false, out, err);
}

enum ps_status render_json_line(const struct report *report, FILE *out, struct ps_error *err)
{
	return write_report(report, true, out, err);
}

static void write_error(const struct ps_error *error, size_t flags, FILE *out)
{
	struct builder b = {false};
	json_t *root = build_object(&b), *value = build_object(&b);

	put_text(&b, root, "schema", schema);
	put_text(&b, value, "code", ps_status_word(error->status));
	put_text(&b, value, "message", error->text);
	if (error->hint[0] != '\0')
		put_text(&b, value, "hint", error->hint);
	else
		put_null(&b, value, "hint", "there is nothing to advise");
	put(&b, root, "error", value);
	if (!b.failed)
		json_dumpf(root, out, flags);
	fputc('\n', out);
	json_decref(root);
}

void render_json_error(const struct ps_error *error, FILE *out)
{
	write_error(error, JSON_INDENT(1), out);
}

void render_json_error_line(const struct ps_error *error, FILE *out)
{
	write_error(error, JSON_COMPACT, out);
}

enum ps_status render_finish(FILE *out, struct ps_error *err)
{
	errno = 0;
	if (fflush(out) != 0)
		return ps_fail_errno(err, errno, "cannot write the report");
	if (ferror(out))
		return ps_fail(err, PS_SYSTEM, "cannot write the report");
	return PS_OK;
}
