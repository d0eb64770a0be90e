/*
 * The files of a batch: folders walked, and of each file what it is known by.
 *
 * Owned by whoever called found_walk(). Names are bytes, as the file system has them.
 */
#ifndef PS_ANALYZER_DESK_FOUND_H
#define PS_ANALYZER_DESK_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** What tells a file from what it was before. */
struct file_stamp {
	uint64_t size;    /* bytes */
	int64_t mtime_ns; /* since 1970 */
	uint64_t key[2];  /* of its contents: size, first and last 64 KiB, and samples between; and
			   * the same, with their times, of files that are read with it */
};

struct found_file {
	char *path; /* owned; absolute */
	struct file_stamp stamp;
};

struct found {
	struct found_file *files; /* owned; by the bytes of their paths */
	size_t count, capacity;
	uint64_t looked_at; /* files */
	uint64_t no_cases;  /* of them, neither dumps nor archives */
	uint64_t skipped;   /* links to folders, sockets, FIFOs, devices */
	char **unreadable;  /* owned; folders and files that cannot be opened, each with the reason
			     */
	size_t unreadable_count, unreadable_capacity;
};

/** True when the file at `path` looks like a case by its contents. */
typedef bool found_looks(const char *path, void *context);

/** That all of `paths` are there, before anything is made for them. PS_SYSTEM. */
enum ps_status found_check(const char *const *paths, size_t count, struct ps_error *err);

/**
 * Finds the files below `paths`. Folders are walked, links to folders are not; a file that several
 * names lead to is taken once, by the first of them. What `skip` names (a folder; NULL: none) is
 * left out. A path of the list that is a file is taken whatever it looks like. PS_SYSTEM when one
 * of them cannot be opened.
 */
enum ps_status found_walk(const char *const *paths, size_t count, const char *skip,
			  found_looks *looks, void *context, struct found *ret,
			  struct ps_error *err);
void found_fini(struct found *found);

/** Reads size, time and key of a file. False: it cannot be read, errno says why. */
bool file_stamp_read(const char *path, struct file_stamp *ret);

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

#endif
