/*
 * Plugins: one section or finding of the report each. A plugin selects, judges and words what the
 * analyzer found; it opens nothing and knows no file offset. table.c lists them; table order is run
 * order.
 */
#ifndef PS_PLUGINS_PLUGIN_H
#define PS_PLUGINS_PLUGIN_H

#include "analyzer/pool/pools.h"
#include "analyzer/report/report.h"
#include "analyzer/texts/tag_names.h"

enum tag_sort { SORT_BYTES, SORT_DIFF, SORT_ALLOCS, SORT_FREES, SORT_TAG, SORT_PER_ALLOC };

enum pool_filter { FILTER_BOTH, FILTER_NONPAGED, FILTER_PAGED };

enum { TAG_PATTERNS = 32 };

/** A tag as the user asked for it: bytes and a mask of those that must match. */
struct tag_pattern {
	uint8_t bytes[4];
	uint8_t any[4]; /* 1 = matches every byte */
};

/** What the command asks for. */
struct selection {
	unsigned sections; /* enum report_section */
	enum tag_sort sort;
	enum pool_filter filter;
	struct tag_pattern tags[TAG_PATTERNS];
	size_t tag_count; /* 0 = all tags */
	size_t top;       /* rows; 0 = all */
	bool with_freed;  /* big --list: freed entries too */
};

/** What a plugin may look at. Everything is borrowed. */
struct plugin_input {
	struct dump *dump;
	struct kernel *kernel;            /* NULL: kernel_error says why */
	const struct ps_error *kernel_error;
	struct pools *pools;              /* NULL: pools_error says why */
	const struct ps_error *pools_error;
	const struct tag_names *names;
	const struct selection *selection;
};

struct plugin {
	const char *name;
	unsigned sections; /* runs when the selection has one of these */
	enum ps_status (*run)(const struct plugin_input *input, struct report *report,
	                      struct ps_error *err);
};

/** Runs every plugin whose sections are selected, in table order. */
enum ps_status plugins_run(const struct plugin_input *input, struct report *report,
                           struct ps_error *err);

bool tag_pattern_matches(const struct tag_pattern *pattern, uint32_t tag);

#endif
