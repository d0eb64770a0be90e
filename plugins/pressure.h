/*
 * How full a pool is, as several findings need it.
 */
#ifndef PS_PLUGINS_PRESSURE_H
#define PS_PLUGINS_PRESSURE_H

#include "analyzer/report/report.h"

/** Trusted figures only; bytes. */
struct pressure {
	bool known;
	uint64_t used, maximum, available;
	unsigned permille;
	bool derived; /* the maximum follows from Windows' rules, it was not read */
	bool by_tags; /* used is the sum over the tags: the kernel's own count may be higher */
};

/** False when the report has no trusted figures for it. */
bool pressure_read(const struct report *report, bool paged, struct pressure *ret);

/** The same of all that is committed; by_tags and derived are false. */
bool commit_pressure_read(const struct report *report, struct pressure *ret);

#endif
