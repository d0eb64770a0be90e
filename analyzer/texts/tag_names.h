/*
 * What a pool tag means: the built-in table in our own words, and a pooltag.txt given by the user.
 *
 * Ownership: tag_names_create()/tag_names_destroy(); returned strings are borrowed from it.
 */
#ifndef PS_ANALYZER_TEXTS_TAG_NAMES_H
#define PS_ANALYZER_TEXTS_TAG_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

struct tag_names;

struct tag_name {
	const char *image;       /* "ntfs.sys", "nt (io)"; NULL when the line has none */
	const char *description; /* NULL when the line has none */
	const char *source;      /* "built in" or the file's name */
};

/** Only the built-in table. */
enum ps_status tag_names_create(struct tag_names **ret, struct ps_error *err);
void tag_names_destroy(struct tag_names *names);

/**
 * Adds a pooltag.txt: "Tag - image - description", irregular lines tolerated, wildcards ? and *. It
 * goes before the built-in table. Errors: cannot be read, not a text, no tag line in it.
 */
enum ps_status tag_names_load(struct tag_names *names, const char *path, const struct log *log,
			      struct ps_error *err);

/** Exact match first, then the most specific wildcard; the user's file before the built-in. */
bool tag_names_find(const struct tag_names *names, uint32_t tag, struct tag_name *ret);

#endif
