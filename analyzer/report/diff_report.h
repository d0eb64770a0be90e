/*
 * Result model of `poolscope diff`: how pool use changed between two or more points, before any
 * rendering. Bytes and counts are differences, last point minus first, unless they say otherwise.
 *
 * Ownership: all strings and arrays live in `store`, which the maker destroys.
 */
#ifndef PS_ANALYZER_REPORT_DIFF_REPORT_H
#define PS_ANALYZER_REPORT_DIFF_REPORT_H

#include "analyzer/report/render.h"
#include "analyzer/report/report.h"

/** What two points are to each other. */
enum diff_relation {
	DIFF_SAME_BOOT,     /* one machine, without a restart in between: growth */
	DIFF_OTHER_BOOT,    /* another start, of the same machine or of its like */
	DIFF_OTHER_MACHINE, /* a comparison */
	DIFF_UNKNOWN,       /* taken as one machine without a restart; it is not known */
};

/** A signed figure; `known` false where a source does not have the tag. */
struct diff_figure {
	bool known;
	int64_t value;
	enum figure_trust trust;
};

struct diff_point {
	const char *kind, *label;           /* kind: "dump", "report", "poolmon" */
	struct report_string time, started; /* ISO 8601, UTC */
	const char *product, *arch;         /* NULL: not known */
	struct report_number build;
	bool complete;
	struct diff_figure pool[2]; /* bytes in use of nonpaged and paged pool: sums over tags */
};

/** From one point to the next. */
struct diff_step {
	enum diff_relation relation;
	const char *words;            /* what was found of the two, a sentence */
	struct report_number seconds; /* between them */
	bool given;                   /* the time is the user's, the files do not say it */
};

enum diff_state {
	DIFF_STAYED,
	DIFF_NEW,  /* nothing was ever allocated before, something is outstanding now */
	DIFF_GONE, /* something was outstanding before, nothing is now */
};

/** One pool's share of one tag. */
struct diff_row {
	uint32_t tag;
	bool overflow, paged;
	enum diff_state state;
	struct diff_figure before, after; /* bytes in use */
	struct diff_figure bytes, diff, allocs, frees;
	bool wrapped;              /* allocs or frees are what is left modulo 2^32 */
	struct diff_figure rate;   /* bytes an hour; not known without a reason to trust it */
	struct diff_figure *steps; /* growth in bytes from each point to the next */
	const char *owner;         /* NULL: not known */
	unsigned group;            /* the same number: they grew in lock step; 0: no group */
};

/** Tags that grew by the same number of allocations. */
struct diff_group {
	uint64_t allocations, bytes; /* outstanding allocations that each, bytes that all grew by */
	size_t tags, left_out;
};

/** One pool. */
struct diff_pool {
	struct diff_figure before, after, growth; /* bytes */
	const char *source;                       /* whose figure it is */
	struct diff_figure rate;                  /* bytes an hour */
	struct report_total limit; /* of the last point; of the first where that has none */
	bool has_left;
	uint64_t left_seconds; /* to the limit, counted from the last point */
	const char *left_note; /* why there is no estimate */
};

struct diff_report {
	struct report *store; /* owned by the maker */
	const char **options; /* as given; borrowed */
	size_t option_count;
	struct diff_point *points;
	size_t point_count;
	struct diff_step *steps; /* point_count - 1 */
	struct diff_step whole;  /* from the first to the last */
	const char *rate_note;   /* why there are no rates; NULL: there are */
	struct diff_pool pools[2];
	struct diff_row *rows; /* those asked for, in the order asked for */
	size_t row_count, left_out;
	size_t unchanged; /* rows in use that did not change, not among them */
	bool counts;      /* allocs, frees and diff were subtracted */
	struct diff_group *groups;
	size_t group_count;
	struct report_notes notes;
	bool incomplete; /* a printed figure is not exact */
};

/** "same-boot", "other-boot", "other-machine", "unknown". Static. */
const char *diff_relation_word(enum diff_relation relation);

/** "", "new", "gone". Static. */
const char *diff_state_word(enum diff_state state);

enum ps_status render_diff_text(const struct diff_report *diff,
				const struct render_options *options, FILE *out,
				struct ps_error *err);

/** One object, keys as poolscope-diff-1.schema.json says. */
enum ps_status render_diff_json(const struct diff_report *diff, FILE *out, struct ps_error *err);

/** RFC 4180: a row of the table a line. */
enum ps_status render_diff_csv(const struct diff_report *diff, FILE *out, struct ps_error *err);

#endif
