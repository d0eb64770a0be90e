/*
 * The text page of a comparison: the points and what they are to each other, the pools with the
 * time left, the table of tags, growth step by step, and groups in lock step.
 */
#include "analyzer/report/diff_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"
#include "analyzer/report/text.h"

enum { STEPS_SHOWN = 6 };

struct page {
	struct text text;
	const struct diff_report *diff;
};

/* "+69.0 MB", ">=+1.2 GB", "?" where it is not known. */
static const char *size_cell(struct diff_figure figure, const char *plus, char text[FIGURE_TEXT])
{
	char size[SIZE_TEXT];

	if (!figure.known)
		return "?";
	snprintf(text, FIGURE_TEXT, "%s%s%s", trust_mark(figure.trust),
		 figure.value > 0 ? plus : "", format_size(figure.value, size));
	return text;
}

static void number_cell(struct table *table, struct diff_figure figure, bool with_sign)
{
	if (!figure.known)
		table_cell(table, "?");
	else if (with_sign && figure.value > 0)
		table_cell(table, "%s+%" PRId64, trust_mark(figure.trust), figure.value);
	else
		table_cell(table, "%s%" PRId64, trust_mark(figure.trust), figure.value);
}

static enum ps_status print_point(const struct page *p, size_t index, struct ps_error *err)
{
	const struct diff_point *point = &p->diff->points[index];
	char label[16], build[24] = "";

	snprintf(label, sizeof(label), "%s",
		 index == 0                          ? "From"
		 : index + 1 == p->diff->point_count ? "To"
						     : "");
	if (point->build.has_value)
		snprintf(build, sizeof(build), ", build %" PRIu64, point->build.value);
	return text_field(&p->text, err, label, "%s (%s%s%s%s%s%s)", point->label, point->kind,
			  point->time.value ? ", " : ", time unknown",
			  point->time.value ? point->time.value : "", point->arch ? ", " : "",
			  point->arch ? point->arch : "", build);
}

static enum ps_status print_points(const struct page *p, struct ps_error *err)
{
	const struct diff_report *d = p->diff;
	enum ps_status status = PS_OK;
	char time[DURATION_TEXT];

	for (size_t i = 0; i < d->point_count && status == PS_OK; i++) {
		/* of a long log the ends tell enough */
		if (d->point_count <= STEPS_SHOWN + 1 || i == 0 || i + 1 == d->point_count)
			status = print_point(p, i, err);
		else if (i == 1)
			status = text_field(&p->text, err, "", "... %zu more ...",
					    d->point_count - 2);
	}
	if (status == PS_OK && d->whole.seconds.has_value)
		status = text_field(&p->text, err, "Between", "%s",
				    format_duration(d->whole.seconds.value, time));
	if (status == PS_OK)
		status = text_field(&p->text, err, "Machine", "%s", d->whole.words);
	if (status == PS_OK && d->rate_note)
		status = text_field(&p->text, err, "Rates", "%s", d->rate_note);
	for (size_t i = 0; i < d->notes.count && status == PS_OK; i++)
		status = text_bullet(&p->text, err, "%s", d->notes.items[i]);
	return status;
}

/* No finer than a straight line through two points deserves. */
static const char *left_words(uint64_t seconds, char text[DURATION_TEXT])
{
	static const struct {
		uint64_t seconds;
		const char *word;
	} units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
	size_t i = 0;

	while (i < 3 && seconds < 2 * units[i].seconds)
		i++;
	snprintf(text, DURATION_TEXT, "%" PRIu64 " %s", seconds / units[i].seconds, units[i].word);
	return text;
}

static enum ps_status print_left(const struct page *p, const struct diff_pool *pool,
				 struct ps_error *err)
{
	char limit[SIZE_TEXT], time[DURATION_TEXT];

	if (!pool->limit.number.has_value)
		return PS_OK;
	format_size_unsigned(pool->limit.number.value, limit);
	if (pool->has_left)
		return text_field(&p->text, err, "",
				  "an estimate: at this rate the limit of %s (%s) is reached about "
				  "%s after the last point",
				  limit, basis_word(pool->limit.basis),
				  left_words(pool->left_seconds, time));
	return text_field(&p->text, err, "", "limit %s (%s); no estimate of the time left: %s",
			  limit, basis_word(pool->limit.basis), pool->left_note);
}

static enum ps_status print_pool(const struct page *p, unsigned index, struct ps_error *err)
{
	const struct diff_pool *pool = &p->diff->pools[index];
	const char *name = index == 0 ? "Nonpaged" : "Paged";
	char before[FIGURE_TEXT], after[FIGURE_TEXT], growth[FIGURE_TEXT], rate[FIGURE_TEXT];
	enum ps_status status;

	if (!pool->growth.known)
		return text_field(&p->text, err, name,
				  "not known: a file does not have all of its tags");
	status = text_field(&p->text, err, name, "%s, was %s: %s%s%s%s (%s)",
			    size_cell(pool->after, "", after), size_cell(pool->before, "", before),
			    size_cell(pool->growth, "+", growth), pool->rate.known ? ", " : "",
			    pool->rate.known ? size_cell(pool->rate, "+", rate) : "",
			    pool->rate.known ? " an hour" : "", pool->source);
	return status == PS_OK ? print_left(p, pool, err) : status;
}

static void add_columns(struct table *table, const struct diff_report *d)
{
	table_column(table, "Tag", COLUMN_LEFT);
	table_column(table, "Type", COLUMN_LEFT);
	table_column(table, "Before", COLUMN_RIGHT);
	table_column(table, "After", COLUMN_RIGHT);
	table_column(table, "Bytes", COLUMN_RIGHT);
	table_column(table, "Size", COLUMN_RIGHT);
	if (!d->rate_note)
		table_column(table, "Per-Hour", COLUMN_RIGHT);
	if (d->counts) {
		table_column(table, "Diff", COLUMN_RIGHT);
		table_column(table, "Allocs", COLUMN_RIGHT);
	}
	table_column(table, "Note", COLUMN_LEFT);
	table_column(table, "Owner", COLUMN_LAST);
}

static void add_row(struct table *table, const struct diff_report *d, const struct diff_row *row)
{
	char name[TAG_TEXT], size[FIGURE_TEXT], rate[FIGURE_TEXT], group[16] = "";

	table_row(table, row->bytes.trust != FIGURE_EXACT);
	table_cell(table, "%s", tag_text(row->tag, name));
	table_cell(table, "%s", row->paged ? "Paged" : "Nonp");
	number_cell(table, row->before, false);
	number_cell(table, row->after, false);
	number_cell(table, row->bytes, true);
	table_cell(table, "%s", size_cell(row->bytes, "+", size));
	if (!d->rate_note)
		table_cell(table, "%s", size_cell(row->rate, "+", rate));
	if (d->counts) {
		number_cell(table, row->diff, true);
		number_cell(table, row->allocs, true);
	}
	if (row->group > 0)
		snprintf(group, sizeof(group), "%s#%u", row->state == DIFF_STAYED ? "" : " ",
			 row->group);
	table_cell(table, "%s%s", diff_state_word(row->state), group);
	table_cell(table, "%s", row->owner ? row->owner : "-");
}

static enum ps_status print_rows(const struct page *p, struct ps_error *err)
{
	const struct diff_report *d = p->diff;
	struct table table;

	fputc('\n', p->text.out);
	if (d->row_count == 0)
		return text_words(&p->text, err, 0, "No tag that was asked for changed.");
	table_init(&table, p->text.options);
	add_columns(&table, d);
	for (size_t i = 0; i < d->row_count; i++)
		add_row(&table, d, &d->rows[i]);
	if (table_finish(&table, d->row_count, p->text.out, err) != PS_OK)
		return err->status;
	fputc('\n', p->text.out);
	return text_words(&p->text, err, 0,
			  "%zu row%s of %zu that changed; %zu did not. Bytes, Size, Diff and "
			  "Allocs are differences. 1 MB = 1048576 bytes.",
			  d->row_count, d->row_count == 1 ? "" : "s", d->row_count + d->left_out,
			  d->unchanged);
}

static enum ps_status print_marks(const struct page *p, struct ps_error *err)
{
	const struct diff_report *d = p->diff;
	bool about = false, wrapped = false, unknown = false;
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < d->row_count; i++) {
		about |= d->rows[i].bytes.known && d->rows[i].bytes.trust != FIGURE_EXACT;
		unknown |= !d->rows[i].bytes.known;
		wrapped |= d->rows[i].wrapped;
	}
	if (about)
		status = text_words(&p->text, err, 0,
				    "~ marks what parts of the tables missing from a file make "
				    "uncertain both ways, >= a lower bound.");
	if (status == PS_OK && wrapped)
		status = text_words(&p->text, err, 0,
				    "Allocs with >= are what a counter of 32 bits tells: it may "
				    "have gone round more than once.");
	if (status == PS_OK && unknown)
		status = text_words(&p->text, err, 0,
				    "? marks tags that one of the files does not have.");
	return status;
}

static enum ps_status print_steps(const struct page *p, struct ps_error *err)
{
	const struct diff_report *d = p->diff;
	const size_t steps = d->point_count - 1;
	char name[TAG_TEXT], size[FIGURE_TEXT];
	struct table table;
	enum ps_status status;

	if (steps < 2 || d->row_count == 0)
		return PS_OK;
	text_heading(&p->text, "Growth in bytes, step by step");
	if (steps > STEPS_SHOWN)
		return text_words(&p->text, err, 0, "%zu steps: --json and --csv have them.",
				  steps);
	table_init(&table, p->text.options);
	table_column(&table, "Tag", COLUMN_LEFT);
	table_column(&table, "Type", COLUMN_LEFT);
	for (size_t i = 0; i < steps; i++) {
		char head[24];

		snprintf(head, sizeof(head), "Step %zu", i + 1);
		table_column(&table, head, COLUMN_RIGHT);
	}
	for (size_t i = 0; i < d->row_count; i++) {
		table_row(&table, false);
		table_cell(&table, "%s", tag_text(d->rows[i].tag, name));
		table_cell(&table, "%s", d->rows[i].paged ? "Paged" : "Nonp");
		for (size_t k = 0; k < steps; k++)
			table_cell(&table, "%s", size_cell(d->rows[i].steps[k], "+", size));
	}
	status = table_finish(&table, d->row_count, p->text.out, err);
	for (size_t i = 0; i < steps && status == PS_OK; i++) {
		if (d->steps[i].relation != DIFF_SAME_BOOT)
			status = text_bullet(&p->text, err, "Step %zu: %s", i + 1,
					     d->steps[i].words);
	}
	return status;
}

static enum ps_status print_groups(const struct page *p, struct ps_error *err)
{
	const struct diff_report *d = p->diff;
	enum ps_status status = PS_OK;
	char size[SIZE_TEXT];

	for (size_t i = 0; i < d->group_count && status == PS_OK; i++) {
		const struct diff_group *g = &d->groups[i];

		if (i == 0)
			text_heading(&p->text, "In lock step");
		status = text_bullet(&p->text, err,
				     "#%zu: %zu tags grew by about %" PRIu64
				     " allocations each (or twice that), %s in all, as when one "
				     "object is kept with all that hangs on it.",
				     i + 1, g->tags + g->left_out, g->allocations,
				     format_size_unsigned(g->bytes, size));
	}
	return status;
}

enum ps_status render_diff_text(const struct diff_report *diff,
				const struct render_options *options, FILE *out,
				struct ps_error *err)
{
	struct page p = {.text = {.options = options, .out = out}, .diff = diff};
	enum ps_status status;

	p.text.target = format_terminal();
	status = print_points(&p, err);
	if (status == PS_OK)
		fputc('\n', out);
	for (unsigned pool = 0; pool < 2 && status == PS_OK; pool++)
		status = print_pool(&p, pool, err);
	if (status == PS_OK)
		status = print_rows(&p, err);
	if (status == PS_OK)
		status = print_marks(&p, err);
	if (status == PS_OK)
		status = print_steps(&p, err);
	return status == PS_OK ? print_groups(&p, err) : status;
}
