/*
 * Private to results.jsonl: which of its lines are of which case. Where the database has another
 * place for a line, or the file none, the file counts.
 */
#ifndef PS_ANALYZER_DESK_RESULTS_LINES_H
#define PS_ANALYZER_DESK_RESULTS_LINES_H

#include "analyzer/desk/results.h"

struct case_line {
	int64_t id; /* of the case in the database */
	char line_id[LINE_ID];
	struct line_place line;
	bool found; /* in the file */
};

struct case_lines {
	struct case_line *items; /* owned; free() ends it */
	size_t count, capacity;
};

/** PS_SYSTEM by errno: "cannot WHAT PATH". */
enum ps_status results_fail(const struct results *results, const char *what, struct ps_error *err);

/** The cases of the database by their paths, and where it has their lines. */
enum ps_status case_lines_list(struct store *store, struct case_lines *lines, struct ps_error *err);

/** As case_lines_list(); *ret_right: they all stand there. */
enum ps_status case_lines_read(const struct results *results, struct store *store,
			       struct case_lines *lines, bool *ret_right, struct ps_error *err);

/** Looks for all lines in the file. One that is not there has no length: its case is done again. */
enum ps_status case_lines_find(const struct results *results, struct case_lines *lines,
			       struct ps_error *err);

/** Where the lines of all cases stand; the caller frees *ret. */
enum ps_status case_lines_places(const struct case_lines *lines, struct moved_line **ret,
				 struct ps_error *err);

/**
 * PS_UNSUPPORTED where the file is somebody's. What a batch left that was ended before its first
 * case begins as its lines do, or as zeros that the disk lost.
 */
enum ps_status case_lines_check_own(const struct results *results, struct store *store,
				    struct ps_error *err);

#endif
