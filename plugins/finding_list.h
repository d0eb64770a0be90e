/*
 * Every finding that a plugin can make, with its explanation: what `poolscope explain` prints and
 * what the manual has a section on. A plugin names a finding by its row here, so that no finding
 * can be without one; `make lint` checks that each row is used and is in the manual.
 *
 * Ownership: all of it is static.
 */
#ifndef PS_PLUGINS_FINDING_LIST_H
#define PS_PLUGINS_FINDING_LIST_H

enum finding_id {
	/* the answer */
	FINDING_NOTHING_UNUSUAL,
	/* how full */
	FINDING_NONPAGED_PRESSURE,
	FINDING_PAGED_PRESSURE,
	FINDING_COMMIT_PRESSURE,
	FINDING_CONNECTIONS_REFUSED,
	FINDING_CONNECTIONS_REFUSED_NEAR,
	FINDING_CONNECTIONS_REFUSED_RULE,
	FINDING_NONPAGED_UNTRACKED,
	FINDING_PAGED_UNTRACKED,
	FINDING_TOTALS_DOUBTFUL,
	FINDING_LIMITS_UNKNOWN,
	/* who and why */
	FINDING_LEAK_SIGNATURE,
	FINDING_LOCK_STEP,
	FINDING_EXITED_PROCESSES,
	FINDING_MANY_HANDLES,
	FINDING_OBJECT_HOLDERS,
	FINDING_UNLOADED_DRIVER_POOL,
	FINDING_KNOWN_PROBLEM,
	FINDING_HTTPERR,
	FINDING_BUG_CHECK,
	FINDING_DRIVER_VERIFIER,
	FINDING_SPECIAL_POOL,
	/* what the figures are worth */
	FINDING_FILE_INCOMPLETE,
	FINDING_MODULES_INCOMPLETE,
	FINDING_UNLOADED_INCOMPLETE,
	FINDING_TABLES_UNAVAILABLE,
	FINDING_TRACKER_INCOMPLETE,
	FINDING_BIG_UNAVAILABLE,
	FINDING_BIG_INCOMPLETE,
	FINDING_BELOW_BIG_PAGES,
	FINDING_BIG_TABLE_FULL,
	FINDING_BIG_TABLE_DAMAGED,
	FINDING_TAG_TABLE_FULL,
	FINDING_NEGATIVE_USAGE,
	FINDING_BYTES_WITHOUT_ALLOCATIONS,
};

enum { FINDING_IDS = FINDING_BYTES_WITHOUT_ALLOCATIONS + 1 };

/** Sentences; none is NULL. */
struct finding_info {
	const char *id;       /* stable: "leak-signature" */
	const char *summary;  /* a line of the list, no full stop */
	const char *meaning;  /* what it means for the machine */
	const char *evidence; /* how it is found */
	const char *certain;  /* how sure it is */
	const char *action;   /* what to do */
};

/** The row of a finding; never NULL. */
const struct finding_info *finding_info(enum finding_id id);

/** The row by its name, or NULL. */
const struct finding_info *finding_info_by_name(const char *name);

#endif
