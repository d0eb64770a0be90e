/*
 * The rows of a comparison. Private to this room.
 */
#ifndef PS_ANALYZER_DESK_DIFF_ROWS_H
#define PS_ANALYZER_DESK_DIFF_ROWS_H

#include "analyzer/desk/diff.h"

/** Fills rows, groups and their counts; the points and the whole step are in place. */
enum ps_status diff_rows(const struct usage_list *list, const struct diff_options *options,
			 struct diff_report *ret, struct ps_error *err);

/** What one counter grew by, of 32 bits or 64; *ret_wrapped: it is what is left modulo 2^32. */
struct diff_figure diff_counter(uint64_t before, uint64_t after, bool narrow,
				enum figure_trust trust, bool *ret_wrapped);

#endif
