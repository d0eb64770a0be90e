/*
 * Compares pool use at two or more points: growth per tag, rates, time left to the limits, tags
 * that came and went, and tags that grew in lock step.
 *
 * A rate takes two times, one machine and one start of it; where one of them is not known the
 * difference stands alone and a sentence says why. Ownership: the caller's; what is made lives in
 * the store of the report.
 */
#ifndef PS_ANALYZER_DESK_DIFF_H
#define PS_ANALYZER_DESK_DIFF_H

#include "analyzer/desk/usage.h"
#include "analyzer/report/diff_report.h"
#include "plugins/plugin.h"

enum { DIFF_POINTS = 1024 };

enum diff_sort { DIFF_BY_BYTES, DIFF_BY_RATE, DIFF_BY_DIFF, DIFF_BY_TAG };

struct diff_options {
	enum diff_sort sort;
	enum pool_filter filter;
	const struct tag_pattern *tags;
	size_t tag_count;
	size_t top;          /* rows; 0 = all */
	bool with_unchanged; /* rows in use that did not change, too */
	uint64_t seconds;    /* from the first to the last where they do not say it; 0: not given */
};

/**
 * Sorts the points by their times. PS_USAGE with fewer than two, or with `seconds` beside times
 * that are known; `ret->store` is given.
 */
enum ps_status diff_make(struct usage_list *list, const struct diff_options *options,
			 struct diff_report *ret, struct ps_error *err);

/** What `b` is to `a`, and a sentence for it; the words are NULL when memory is out. */
enum diff_relation diff_relate(const struct usage *a, const struct usage *b, struct report *store,
			       const char **ret_words);

/** Groups of the rows that grew together; marks them. PS_NO_MEMORY. */
enum ps_status diff_lockstep(struct diff_report *report, struct diff_row *rows, size_t count,
			     struct ps_error *err);

/** Growth, rate, limit and time left of both pools. */
void diff_pools(const struct usage *first, const struct usage *last, struct diff_report *ret);

/** An hour's share of `growth` in `seconds`, to the nearest; known only where both are. */
struct diff_figure diff_rate(struct diff_figure growth, const struct report_number *seconds);

/** b - a; never beyond what fits. */
int64_t diff_minus(int64_t b, int64_t a);

#endif
