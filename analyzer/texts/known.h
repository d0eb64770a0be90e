/*
 * Known problems that a support desk keeps: which driver, in which versions, under which tag, and
 * what to do. A small JSON file of the desk's own; docs/known-problems.md has the format.
 *
 * Ownership: known_load()/known_destroy(); strings belong to the list.
 */
#ifndef PS_ANALYZER_TEXTS_KNOWN_H
#define PS_ANALYZER_TEXTS_KNOWN_H

#include "analyzer/texts/pooltag_file.h"
#include "base/error.h"

enum { KNOWN_VERSION_PARTS = 4 };

struct known_problem {
	const char *id;     /* unique in the file: "SAV-1234" */
	const char *driver; /* file name, "savfilter.sys"; compared without case */
	bool has_from, has_before;
	uint32_t from[KNOWN_VERSION_PARTS];   /* first version that has it */
	uint32_t before[KNOWN_VERSION_PARTS]; /* first version that has it no more */
	const char *from_text, *before_text;  /* as written; NULL when not there */
	bool has_tag;
	struct tag_key tag; /* wildcards allowed */
	const char *tag_text;
	const char *title, *advice;
	const char *url; /* NULL when not there */
};

struct known;

/** PS_SYSTEM when the file cannot be read, PS_CORRUPT naming line or entry when it is none. */
enum ps_status known_load(const char *path, struct known **ret, struct ps_error *err);
void known_destroy(struct known *known);

size_t known_count(const struct known *known);
const struct known_problem *known_get(const struct known *known, size_t index);
/** File name of the list, for "says who". */
const char *known_source(const struct known *known);

/** True when a driver of that name is meant. */
bool known_is_driver(const struct known_problem *problem, const char *name);

/** True when the version is at or after `from` and under `before`, as far as they are given. */
bool known_has_version(const struct known_problem *problem,
		       const uint32_t version[KNOWN_VERSION_PARTS]);

/** "7.2.1" or "7, 2, 1, 0" or "7.2.1.0 (abc)"; false when it does not begin with a number. */
bool known_parse_version(const char *text, uint32_t ret[KNOWN_VERSION_PARTS]);

#endif
