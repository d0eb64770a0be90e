/*
 * The text page of `tags --sessions`: the pool of each session, one table a session.
 */
#include <inttypes.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"
#include "analyzer/report/text.h"

static enum ps_status rows(const struct text *text, const struct report_session *s,
			   struct ps_error *err)
{
	struct table table;

	table_init(&table, text->options);
	text_tag_columns(&table, text->report, false);
	for (size_t i = 0; i < s->lines.count; i++) {
		const struct report_line *line = &s->lines.items[i];

		text_tag_row_of(&table, text->report, &s->tags[line->tag], line, false);
	}
	return table_finish(&table, s->lines.count, text->out, err);
}

static enum ps_status sums(const struct text *text, const struct report_session *s,
			   struct ps_error *err)
{
	const char *mark = trust_mark(s->complete ? FIGURE_EXACT : FIGURE_ABOUT);
	char nonpaged[SIZE_TEXT], paged[SIZE_TEXT];
	enum ps_status status;

	status = text_words(text, err, 0,
			    "%zu row%s of %zu. Session %" PRIu64
			    ", sum over its tags: nonpaged %s%s (%s%" PRId64
			    " bytes), paged %s%s (%s%" PRId64 " bytes).",
			    s->lines.count, s->lines.count == 1 ? "" : "s",
			    s->lines.count + s->lines.left_out, s->id, mark,
			    format_size(s->nonpaged_bytes, nonpaged), mark, s->nonpaged_bytes, mark,
			    format_size(s->paged_bytes, paged), mark, s->paged_bytes);
	if (status == PS_OK && !s->complete)
		status = text_words(text, err, 0, "Marked figures are bounds or may be off: %s.",
				    s->complete_note);
	return status;
}

static enum ps_status session(const struct text *text, const struct report_session *s,
			      struct ps_error *err)
{
	enum ps_status status = PS_OK;

	if (!s->available)
		return text_words(text, err, 0, "Session %" PRIu64 ": not available: %s.", s->id,
				  s->note);
	status = text_words(text, err, 0,
			    "Session %" PRIu64 ", seen through %s (pid %" PRIu64
			    "): table of %" PRIu64 " entries by %s",
			    s->id, s->process, s->pid, s->entries, s->source);
	if (status == PS_OK && s->lines.count > 0)
		status = rows(text, s, err);
	return status == PS_OK ? sums(text, s, err) : status;
}

enum ps_status text_sessions(const struct text *text, struct ps_error *err)
{
	const struct report_sessions *s = &text->report->sessions;
	enum ps_status status = PS_OK;

	if (s->count == 0)
		return text_words(text, err, 0,
				  "There is no session pool: no process is in a session.");
	for (size_t i = 0; i < s->count && status == PS_OK; i++) {
		status = session(text, &s->items[i], err);
		fputc('\n', text->out);
	}
	if (status == PS_OK && !s->complete)
		status = text_words(text, err, 0,
				    "There may be more sessions: the list of processes is not "
				    "complete, or some do not tell theirs.");
	if (status == PS_OK)
		status =
			text_words(text, err, 0,
				   "Session pool is kept apart from the system's: it is in none of "
				   "the sums and tables of the other pages.");
	return status;
}
