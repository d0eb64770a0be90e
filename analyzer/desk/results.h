/*
 * OUT/results.jsonl: a report a line, in front of it what file it is of. Lines are only added while
 * a batch runs; at its end the file is put in the order of the paths, each case once.
 *
 * A line is known by its beginning, {"case": {"id": "...", so that one that the database has in
 * another place, after a crash at the worst moment, is found again.
 */
#ifndef PS_ANALYZER_DESK_RESULTS_H
#define PS_ANALYZER_DESK_RESULTS_H

#include "analyzer/desk/store.h"

enum { LINE_ID = 50 }; /* characters and the NUL: hash of the path, "-", key of the contents */

struct results {
	char *path; /* owned */
	int fd;
	uint64_t end;         /* of the lines that count */
	uint64_t handed_over; /* to the disk: what stands before this */
};

/** Opens or makes the file in `folder`, and brings the database and it together. */
enum ps_status results_open(struct results *results, const char *folder, struct store *store,
			    struct ps_error *err);
void results_close(struct results *results);

/** The id of a case's line. Returns `id`. */
char *results_id(const char *path, const struct file_stamp *stamp, char id[LINE_ID]);

/** Adds a line made of `head`, which lacks the closing brace, and of the report read from `fd`. */
enum ps_status results_add(struct results *results, const char *head, int fd,
			   struct line_place *ret, struct ps_error *err);

/**
 * Opens the file of a folder that is only read. *ret (the caller's to free) is where the lines of
 * its cases stand, for results_place(): also where the database has them in another place.
 */
enum ps_status results_open_source(struct results *results, const char *folder, struct store *store,
				   struct moved_line **ret, size_t *ret_count,
				   struct ps_error *err);

/** Where the line of a case stands; NULL when there is none. */
const struct line_place *results_place(const struct moved_line *lines, size_t count, int64_t id);

/** Adds a line of another file. PS_CORRUPT when it is none, PS_SYSTEM when it cannot be written. */
enum ps_status results_take(struct results *into, const struct results *from,
			    const struct line_place *line, struct line_place *ret,
			    struct ps_error *err);

/** Puts the lines in the order of the paths. Nothing is lost when it is killed meanwhile. */
enum ps_status results_sort(struct results *results, struct store *store, struct ps_error *err);

#endif
