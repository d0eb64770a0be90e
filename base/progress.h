/*
 * A progress bar on the terminal for anything over half a second; silent when standard error is not
 * a terminal or when switched off. The object is plain memory owned by the caller.
 */
#ifndef PS_BASE_PROGRESS_H
#define PS_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool enabled;
	bool shown;
	const char *what;     /* borrowed: "searching for KDBG" */
	uint64_t total, done; /* any unit */
	uint64_t started_ns, drawn_ns;
};

/** `enabled` false makes every later call free and silent. */
void progress_init(struct progress *p, bool enabled);

/** Begins a piece of work of `total` units; `what` is borrowed until progress_end(). */
void progress_begin(struct progress *p, const char *what, uint64_t total);

/** Adds to what is done; redraws at most ten times a second, first after half a second. */
void progress_advance(struct progress *p, uint64_t units);

/** Wipes the bar. */
void progress_end(struct progress *p);

#endif
