/*
 * A JSON text as a stream of values, each with the keys that lead to it; nothing of it is kept.
 *
 * For symbol tables of many megabytes of which a few hundred numbers are wanted: a tree of the
 * whole takes a tenth of a second and a hundred megabytes. Source: RFC 8259. Depth and the length
 * of what is handed over are bounded. Not supported: \u escapes beyond Latin-1 (they become '?');
 * whether numbers and literals are spelled right is checked only as far as needed to go on.
 */
#ifndef PS_ANALYZER_KERNEL_ISF_SCAN_H
#define PS_ANALYZER_KERNEL_ISF_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	JSON_DEPTH = 32,      /* containers in each other */
	JSON_TEXT_MOST = 512, /* bytes of a key or string that are handed over, with the NUL */
};

enum isf_scan_event {
	JSON_OBJECT_BEGIN,
	JSON_OBJECT_END,
	JSON_STRING, /* text */
	JSON_NUMBER, /* text; number when is_integer */
	JSON_OTHER,  /* true, false, null */
};

struct isf_scan;

/**
 * Called for each value. scan->depth containers are open and keys[0..depth-1] lead to the value; in
 * an array the key is empty. JSON_OBJECT_END comes with the depth of its own key again. False ends
 * the scan.
 */
typedef bool (*isf_scan_visit)(void *context, const struct isf_scan *scan,
			       enum isf_scan_event event);

struct isf_scan {
	isf_scan_visit visit;
	void *context;
	unsigned depth;
	bool is_array[JSON_DEPTH];
	char keys[JSON_DEPTH][JSON_TEXT_MOST]; /* empty for one that is too long */
	char text[JSON_TEXT_MOST];
	bool too_long; /* text is cut off */
	bool is_integer;
	uint64_t number;

	/* private */
	size_t used;
	uint64_t offset;            /* of the next byte in the whole text */
	unsigned lexing, expecting; /* what isf_scan.c names */
	unsigned unicode_digits, unicode;
	bool stopped, done;
};

void isf_scan_init(struct isf_scan *scan, isf_scan_visit visit, void *context);

/** Takes the next bytes of the text. PS_CORRUPT with the offset of what is no JSON. */
enum ps_status isf_scan_feed(struct isf_scan *scan, const uint8_t *data, size_t size,
			     struct ps_error *err);

/** True when the visitor wanted no more. */
bool isf_scan_stopped(const struct isf_scan *scan);

/** PS_CORRUPT when the text is not at its end. */
enum ps_status isf_scan_end(const struct isf_scan *scan, struct ps_error *err);

#endif
