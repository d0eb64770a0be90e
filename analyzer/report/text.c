/*
 * The text renderer's entry and the pieces that all its pages share: labelled fields, wrapped
 * words, notes and coverage.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"

enum { DEFAULT_WIDTH = 100, LABEL_WIDTH = 10, MIN_WIDTH = 40 };

static const struct {
	enum report_view view;
	enum ps_status (*print)(const struct text *text, struct ps_error *err);
} pages[] = {
	{VIEW_ANALYZE, text_analyze},   {VIEW_TAGS, text_tags},
	{VIEW_BIG, text_big},           {VIEW_BIG_LIST, text_big_list},
	{VIEW_HEX, text_hex},           {VIEW_MODULES, text_modules},
	{VIEW_INFO, text_info},         {VIEW_OWNERS, text_owners},
	{VIEW_EVIDENCE, text_evidence}, {VIEW_OWNERS_FILES, text_owners_files},
	{VIEW_SYMBOLS, text_symbols},   {VIEW_PROCESSES, text_processes},
	{VIEW_SESSIONS, text_sessions},
};

enum ps_status render_text(const struct report *report, const struct render_options *options,
			   FILE *out, struct ps_error *err)
{
	struct text text = {.report = report, .options = options, .out = out};

	text.target = format_terminal();
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (pages[i].view == report->view)
			return pages[i].print(&text, err);
	}
	return ps_fail(err, PS_INTERNAL, "no text page for this command");
}

static void wrap(const struct text *text, const char *words, size_t column, unsigned indent)
{
	size_t width = text->options->width ? text->options->width : DEFAULT_WIDTH;

	format_wrap(text->out, words, column, indent, width < MIN_WIDTH ? MIN_WIDTH : width);
}

static char *safe_words(const struct text *text, const char *format, va_list args)
{
	char *words = NULL, *safe;

	if (vasprintf(&words, format, args) < 0)
		return NULL;
	safe = format_safe(words, text->target);
	free(words);
	return safe;
}

enum ps_status text_field(const struct text *text, struct ps_error *err, const char *label,
			  const char *format, ...)
{
	bool color = text->options->color && *label != '\0';
	const char *bold = color ? "\033[1m" : "";
	const char *plain = color ? "\033[0m" : "";
	va_list args;
	char *words;

	va_start(args, format);
	words = safe_words(text, format, args);
	va_end(args);
	if (!words)
		return ps_fail_memory(err, "a line of the report");
	fprintf(text->out, "%s%-*s%s", bold, LABEL_WIDTH, label, plain);
	wrap(text, words, LABEL_WIDTH, LABEL_WIDTH);
	free(words);
	return PS_OK;
}

void text_heading(const struct text *text, const char *heading)
{
	if (text->options->color)
		fprintf(text->out, "\n\033[1m%s\033[0m\n", heading);
	else
		fprintf(text->out, "\n%s\n", heading);
}

enum ps_status text_bullet(const struct text *text, struct ps_error *err, const char *format, ...)
{
	va_list args;
	char *words;

	va_start(args, format);
	words = safe_words(text, format, args);
	va_end(args);
	if (!words)
		return ps_fail_memory(err, "a line of the report");
	fputs("* ", text->out);
	wrap(text, words, 2, 2);
	free(words);
	return PS_OK;
}

enum ps_status text_words(const struct text *text, struct ps_error *err, unsigned indent,
			  const char *format, ...)
{
	va_list args;
	char *words;

	va_start(args, format);
	words = safe_words(text, format, args);
	va_end(args);
	if (!words)
		return ps_fail_memory(err, "a line of the report");
	fprintf(text->out, "%*s", (int)indent, "");
	wrap(text, words, indent, indent);
	free(words);
	return PS_OK;
}

enum ps_status text_line(const struct text *text, struct ps_error *err, unsigned indent,
			 const char *line)
{
	char *safe = format_safe(line, text->target);

	if (!safe)
		return ps_fail_memory(err, "a line of the report");
	fprintf(text->out, "%*s%s\n", (int)indent, "", safe);
	free(safe);
	return PS_OK;
}

const char *text_or_unknown(const struct report_string *string)
{
	return string->value ? string->value : "unknown";
}

static enum ps_status print_notes(const struct text *text, const struct report_notes *notes,
				  struct ps_error *err)
{
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < notes->count && status == PS_OK; i++)
		status = text_bullet(text, err, "%s", notes->items[i]);
	return status;
}

enum ps_status text_notes(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status;

	if (r->file.notes.count + r->system.notes.count + r->pool_notes.count == 0)
		return PS_OK;
	text_heading(text, "Notes");
	status = print_notes(text, &r->file.notes, err);
	if (status == PS_OK)
		status = print_notes(text, &r->system.notes, err);
	if (status == PS_OK)
		status = print_notes(text, &r->pool_notes, err);
	return status;
}

/* ", but 3 of those read are damaged"; empty when none is. */
static const char *damaged_words(const struct report_file *f, char out[96])
{
	out[0] = '\0';
	if (f->pages_damaged > 0)
		snprintf(out, 96, ", but %s%" PRIu64 " of those that were read %s damaged",
			 f->more_damaged ? "at least " : "", f->pages_damaged,
			 f->pages_damaged == 1 ? "is" : "are");
	return out;
}

static enum ps_status file_coverage(const struct text *text, struct ps_error *err)
{
	const struct report_file *f = &text->report->file;
	char damaged[96];

	if (f->minidump.available)
		return text_field(text, err, "Coverage",
				  "file: %" PRIu64 " pieces of virtual memory, %" PRIu64
				  " bytes: %s",
				  f->minidump.pieces, f->minidump.bytes,
				  f->complete ? "all there" : "NOT complete (see notes)");
	if (f->pages_listed == 0)
		return text_field(text, err, "Coverage", "file: a header, and no memory");
	if (f->pages_in_file < f->pages_listed)
		return text_field(text, err, "Coverage",
				  "file: %" PRIu64 " of the %" PRIu64
				  " pages that it lists are in it%s",
				  f->pages_in_file, f->pages_listed, damaged_words(f, damaged));
	if (f->pages_damaged > 0)
		return text_field(text, err, "Coverage",
				  "file: all %" PRIu64 " pages that it lists are in it%s",
				  f->pages_listed, damaged_words(f, damaged));
	return text_field(text, err, "Coverage",
			  "file: all %" PRIu64 " pages that it lists are in it%s", f->pages_listed,
			  f->complete ? "" : ", but not all is there or agrees (see notes)");
}

static enum ps_status tracker_coverage(const struct text *text, struct ps_error *err)
{
	const struct report_tracker *t = &text->report->tracker;

	if (!t->available)
		return text_field(text, err, "", "tag tables: not available: %s", t->note);
	return text_field(text, err, "",
			  "tag tables: %" PRIu64 " of %" PRIu64 " pages, %u processor%s merged: %s",
			  t->pages_present, t->pages_expected, t->processors_merged,
			  t->processors_merged == 1 ? "" : "s",
			  t->complete ? "complete" : "NOT complete");
}

static enum ps_status big_coverage(const struct text *text, struct ps_error *err)
{
	const struct report_big *b = &text->report->big;

	if (!b->available)
		return text_field(text, err, "", "big-page table: not available: %s", b->note);
	return text_field(text, err, "",
			  "big-page table: %" PRIu64 " of %" PRIu64 " pages, %s%" PRIu64
			  " live allocations: %s",
			  b->pages_present, b->pages_expected, b->complete ? "" : ">=", b->in_use,
			  b->complete ? "complete" : "NOT complete");
}

/* What the owners of tags are worth: code that is absent cannot name one. */
static enum ps_status code_coverage(const struct text *text, struct ps_error *err)
{
	const struct report_drivers *d = &text->report->drivers;

	if (!d->available)
		return PS_OK;
	return text_field(text, err, "",
			  "code of drivers: %zu of %zu images read, %zu of them in part",
			  d->modules_read, text->report->modules.count, d->modules_in_part);
}

enum ps_status text_coverage(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = file_coverage(text, err);

	if (status == PS_OK && !r->system.kernel_base.has_value)
		return text_field(text, err, "", "pool tables: not to be found without the kernel");
	if (status == PS_OK)
		status = tracker_coverage(text, err);
	/* without tag tables nothing leads to the big-page table */
	if (status == PS_OK && r->tracker.available)
		status = big_coverage(text, err);
	return status == PS_OK ? code_coverage(text, err) : status;
}

static bool any_incomplete_row(const struct report *report)
{
	for (size_t i = 0; i < report->tag_count; i++) {
		if (!report->tags[i].complete)
			return true;
	}
	return report->totals.available;
}

enum ps_status text_tracker_reason(const struct text *text, struct ps_error *err)
{
	const struct report_tracker *t = &text->report->tracker;
	enum ps_status status = PS_OK;

	if (!t->available || t->complete)
		return PS_OK;
	if (any_incomplete_row(text->report))
		status =
			text_words(text, err, 0,
				   "Marked figures are not complete: >= is a lower bound, ~ may be "
				   "too low or too high.");
	if (status != PS_OK)
		return status;
	return text_words(text, err, 0,
			  "Tags may be missing: %" PRIu64 " of %" PRIu64
			  " pages of the tag tables that were found are in the dump (%s).",
			  t->pages_present, t->pages_expected,
			  t->incomplete_reason ? t->incomplete_reason : "no reason is known");
}
