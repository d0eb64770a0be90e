/*
 * JSON of a comparison: one object, schema poolscope-diff/1. Rows are written one a line and never
 * lie in memory as JSON all at once.
 */
#include "analyzer/report/diff_report.h"

#include "analyzer/report/json_build.h"

static const char schema[] = "poolscope-diff/1";
static const char not_there[] = "one of the two does not have it";

static void put_figure(struct builder *b, json_t *o, const char *key, struct diff_figure figure,
		       const char *note)
{
	json_t *value;

	if (!figure.known) {
		put_null(b, o, key, note);
		return;
	}
	value = build_object(b);
	put_signed(b, value, "value", figure.value);
	put_text(b, value, "trust", trust_word(figure.trust));
	put(b, o, key, value);
}

static json_t *json_point(struct builder *b, const struct diff_point *p)
{
	json_t *o = build_object(b);

	put_text(b, o, "kind", p->kind);
	put_text(b, o, "label", p->label);
	put_string(b, o, "time", &p->time);
	put_string(b, o, "started", &p->started);
	if (p->product)
		put_text(b, o, "product", p->product);
	else
		put_null(b, o, "product", "the file does not say it");
	if (p->arch)
		put_text(b, o, "arch", p->arch);
	else
		put_null(b, o, "arch", "the file does not say it");
	put_number(b, o, "build", &p->build);
	put_bool(b, o, "complete", p->complete);
	put_figure(b, o, "nonpaged_bytes", p->pool[0], "the file does not have all tags");
	put_figure(b, o, "paged_bytes", p->pool[1], "the file does not have all tags");
	return o;
}

static json_t *json_step(struct builder *b, const struct diff_step *s)
{
	json_t *o = build_object(b);

	put_text(b, o, "relation", diff_relation_word(s->relation));
	put_text(b, o, "words", s->words);
	put_number(b, o, "seconds", &s->seconds);
	return o;
}

static json_t *json_pool_growth(struct builder *b, const struct diff_report *d,
				const struct diff_pool *p)
{
	const char *rate_note = d->rate_note ? d->rate_note : not_there;
	json_t *o = build_object(b);

	put_figure(b, o, "before", p->before, not_there);
	put_figure(b, o, "after", p->after, not_there);
	put_figure(b, o, "growth", p->growth, not_there);
	put_text(b, o, "source", p->source);
	put_figure(b, o, "bytes_per_hour", p->rate, rate_note);
	put_number(b, o, "limit", &p->limit.number);
	if (p->limit.number.has_value)
		put_text(b, o, "limit_trust", basis_word(p->limit.basis));
	else
		put_null(b, o, "limit_trust", p->limit.number.note);
	if (p->has_left)
		put_count(b, o, "estimated_seconds_to_limit", p->left_seconds);
	else
		put_null(b, o, "estimated_seconds_to_limit", p->left_note);
	return o;
}

static json_t *json_row(struct builder *b, const struct diff_report *d, const struct diff_row *r)
{
	const char *rate_note = d->rate_note ? d->rate_note : not_there;
	const char *count_note =
		d->counts ? not_there : "counters of two starts are not subtracted";
	json_t *o = build_object(b), *steps = build_array(b);

	put_tag(b, o, r->tag);
	put_bool(b, o, "overflow", r->overflow);
	put_text(b, o, "pool", r->paged ? "paged" : "nonpaged");
	put_text(b, o, "state", r->state == DIFF_STAYED ? "stayed" : diff_state_word(r->state));
	put_figure(b, o, "before", r->before, "it does not have this tag");
	put_figure(b, o, "after", r->after, "it does not have this tag");
	put_figure(b, o, "bytes", r->bytes, not_there);
	put_figure(b, o, "bytes_per_hour", r->rate, rate_note);
	put_figure(b, o, "diff", r->diff, count_note);
	put_figure(b, o, "allocs", r->allocs, count_note);
	put_figure(b, o, "frees", r->frees, count_note);
	put_bool(b, o, "wrapped", r->wrapped);
	for (size_t i = 0; i + 1 < d->point_count; i++)
		append(b, steps, r->steps[i].known ? json_integer(r->steps[i].value) : json_null());
	put(b, o, "steps", steps);
	if (r->owner)
		put_text(b, o, "owner", r->owner);
	else
		put_null(b, o, "owner", "not known to any of the files");
	if (r->group > 0)
		put_count(b, o, "lockstep", r->group);
	else
		put_null(b, o, "lockstep", "in no group");
	return o;
}

static json_t *json_group(struct builder *b, size_t index, const struct diff_group *g)
{
	json_t *o = build_object(b);

	put_count(b, o, "lockstep", index + 1);
	put_count(b, o, "tags", g->tags + g->left_out);
	put_count(b, o, "allocations", g->allocations);
	put_count(b, o, "bytes", g->bytes);
	return o;
}

static json_t *json_options(struct builder *b, const struct diff_report *d)
{
	json_t *tool = build_object(b), *options = build_array(b);

	put_text(b, tool, "name", "poolscope");
	put_text(b, tool, "version", POOLSCOPE_VERSION);
	for (size_t i = 0; i < d->option_count; i++)
		append_text(b, options, d->options[i]);
	put(b, tool, "options", options);
	return tool;
}

/* All but the rows. */
static json_t *build_head(struct builder *b, const struct diff_report *d)
{
	json_t *root = build_object(b), *points = build_array(b), *steps = build_array(b);
	json_t *groups = build_array(b), *pools = build_object(b);

	put_text(b, root, "schema", schema);
	put(b, root, "tool", json_options(b, d));
	for (size_t i = 0; i < d->point_count; i++)
		append(b, points, json_point(b, &d->points[i]));
	put(b, root, "points", points);
	put(b, root, "between", json_step(b, &d->whole));
	for (size_t i = 0; i + 1 < d->point_count; i++)
		append(b, steps, json_step(b, &d->steps[i]));
	put(b, root, "steps", steps);
	put(b, pools, "nonpaged", json_pool_growth(b, d, &d->pools[0]));
	put(b, pools, "paged", json_pool_growth(b, d, &d->pools[1]));
	put(b, root, "pools", pools);
	for (size_t i = 0; i < d->group_count; i++)
		append(b, groups, json_group(b, i, &d->groups[i]));
	put(b, root, "lockstep", groups);
	put_notes(b, root, "notes", &d->notes);
	put_bool(b, root, "complete", !d->incomplete);
	put_count(b, root, "rows_left_out", d->left_out);
	put_count(b, root, "rows_unchanged", d->unchanged);
	return root;
}

static enum ps_status write_line(json_t *value, bool failed, FILE *out, struct ps_error *err)
{
	bool written = !failed && json_dumpf(value, out, JSON_ENCODE_ANY) == 0;

	json_decref(value);
	return written || (!failed && ferror(out)) ? PS_OK
						   : ps_fail_memory(err, "the report as JSON");
}

static enum ps_status write_head(json_t *root, FILE *out, struct ps_error *err)
{
	const char *key;
	json_t *value;

	fputs("{\n", out);
	json_object_foreach(root, key, value)
	{
		fprintf(out, " \"%s\": ", key);
		if (json_dumpf(value, out, JSON_ENCODE_ANY) != 0 && !ferror(out))
			return ps_fail_memory(err, "the report as JSON");
		fputs(",\n", out);
	}
	return PS_OK;
}

enum ps_status render_diff_json(const struct diff_report *diff, FILE *out, struct ps_error *err)
{
	struct builder b = {false};
	json_t *root = build_head(&b, diff);
	enum ps_status status =
		b.failed ? ps_fail_memory(err, "the report as JSON") : write_head(root, out, err);

	json_decref(root);
	if (status == PS_OK)
		fputs(" \"rows\": [", out);
	for (size_t i = 0; i < diff->row_count && status == PS_OK && !ferror(out); i++) {
		json_t *row = json_row(&b, diff, &diff->rows[i]);

		fprintf(out, "%s\n  ", i == 0 ? "" : ",");
		status = write_line(row, b.failed, out, err);
	}
	if (status == PS_OK)
		fprintf(out, "%s]\n}\n", diff->row_count > 0 ? "\n " : "");
	return status;
}
