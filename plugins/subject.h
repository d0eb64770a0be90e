/*
 * The tag that the verdict speaks of, and its owner in a sentence. Private to the verdict.
 *
 * Ownership: words belong to the report.
 */
#ifndef PS_PLUGINS_SUBJECT_H
#define PS_PLUGINS_SUBJECT_H

#include "analyzer/report/report.h"
#include "plugins/finding_list.h"

struct subject {
	uint32_t tag;
	bool paged;
	bool suspect; /* its counters look like a leak */
	uint64_t bytes;
	unsigned share_permille, kept_permille;
	unsigned group; /* of tags that grow together; 0: none */
	size_t lockstep;
	uint64_t lockstep_bytes;
	enum finding_id backing; /* the finding that makes it the subject */
};

/** The largest suspect, else the largest tag of a pool that is short; false when neither is. */
bool subject_choose(const struct report *report, struct subject *ret);

/** Who owns the tag, in a sentence without its full stop; NULL: not looked for, or no memory. */
const char *subject_owner_words(struct report *report, uint32_t tag);

/** "; wcifs.sys owns WCsc, WCfc of them", or "". */
const char *subject_group_words(struct report *report, unsigned group);

#endif
