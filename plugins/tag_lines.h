/*
 * Rows of a tracker as lines of the report, chosen, sorted and cut as the command asks: the
 * system's tags and those of sessions the same way.
 */
#ifndef PS_PLUGINS_TAG_LINES_H
#define PS_PLUGINS_TAG_LINES_H

#include "plugins/plugin.h"

/** Whose rows, and where they go. */
struct tag_target {
	const struct tracker *tracker;
	struct report_tag *tags; /* room for every row of the tracker */
	size_t *tag_count;
	size_t *places; /* for each row its index in tags + 1, 0 = not there yet */
};

struct tag_choice {
	enum pool_filter filter;
	enum tag_sort sort;
	bool with_empty;
	size_t top; /* 0 = all */
};

/** False when memory is out. */
bool tag_lines_add(const struct plugin_input *input, struct report *report,
		   const struct tag_target *target, const struct tag_choice *choice,
		   struct report_lines *ret);

#endif
