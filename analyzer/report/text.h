/*
 * Private to the text renderer: its context and the small pieces that every page is made of. All of
 * them make foreign text harmless for the terminal.
 */
#ifndef PS_ANALYZER_REPORT_TEXT_H
#define PS_ANALYZER_REPORT_TEXT_H

#include <stdarg.h>

#include "analyzer/report/format.h"
#include "analyzer/report/render.h"

struct text {
	const struct report *report;
	const struct render_options *options;
	FILE *out;
	enum text_target target; /* by the terminal's character set */
};

/** "Label     words", wrapped under the words. An empty label continues the one above. */
enum ps_status text_field(const struct text *text, struct ps_error *err, const char *label,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** A heading on a line of its own, after an empty line. */
void text_heading(const struct text *text, const char *heading);

/** "* words", wrapped. */
enum ps_status text_bullet(const struct text *text, struct ps_error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Words on lines of their own, wrapped, indented by `indent` blanks. */
enum ps_status text_words(const struct text *text, struct ps_error *err, unsigned indent,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** One line as it is, its blanks kept, indented. */
enum ps_status text_line(const struct text *text, struct ps_error *err, unsigned indent,
			 const char *line);

/** `known` or "unknown (note)". Static or borrowed from the report. */
const char *text_or_unknown(const struct report_string *string);

/** Everything that is said under notes: of the file, the kernel and the pools. */
enum ps_status text_notes(const struct text *text, struct ps_error *err);

/** What the sums of the tag tables and the big-page table are worth. */
enum ps_status text_coverage(const struct text *text, struct ps_error *err);

/** Why marked figures of the tag table are marked. Nothing when none is. */
enum ps_status text_tracker_reason(const struct text *text, struct ps_error *err);

/* The pages, one a view. */
enum ps_status text_analyze(const struct text *text, struct ps_error *err);
enum ps_status text_tags(const struct text *text, struct ps_error *err);
enum ps_status text_big(const struct text *text, struct ps_error *err);
enum ps_status text_big_list(const struct text *text, struct ps_error *err);
enum ps_status text_hex(const struct text *text, struct ps_error *err);
enum ps_status text_modules(const struct text *text, struct ps_error *err);
enum ps_status text_owners(const struct text *text, struct ps_error *err);
enum ps_status text_owners_files(const struct text *text, struct ps_error *err);
enum ps_status text_evidence(const struct text *text, struct ps_error *err);
enum ps_status text_symbols(const struct text *text, struct ps_error *err);
enum ps_status text_sessions(const struct text *text, struct ps_error *err);
enum ps_status text_processes(const struct text *text, struct ps_error *err);
enum ps_status text_info(const struct text *text, struct ps_error *err);

/* Stretches that more than one page has. */
struct table;

/** Narrow terminals get the exact bytes without their size in MB beside them. */
bool text_has_size(const struct render_options *options);

/** "image: words", either alone, or a dash. */
void text_description_cell(struct table *table, const char *image, const char *words);

void text_tag_columns(struct table *table, const struct report *report, bool with_share);
void text_tag_row(struct table *table, const struct report *report, const struct report_line *line,
		  bool with_share);
/** The same of a tag that is not in the report's own list. */
void text_tag_row_of(struct table *table, const struct report *report, const struct report_tag *tag,
		     const struct report_line *line, bool with_share);

/** What the marks of the owner column mean; nothing where there is no such column. */
enum ps_status text_owner_legend(const struct text *text, struct ps_error *err);

/** Pool bytes per driver. Nothing where they are not known. */
enum ps_status text_drivers(const struct text *text, struct ps_error *err);

/** What is to be said of driver files. */
enum ps_status text_owner_notes(const struct text *text, struct ps_error *err);

enum ps_status text_system(const struct text *text, struct ps_error *err);

#endif
