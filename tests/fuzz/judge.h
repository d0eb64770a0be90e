/*
 * Runs the whole program over one damaged file, in this process, and judges what it says.
 *
 * Does not: the command line; how long it took or how much memory it needed.
 */
#ifndef PS_TESTS_FUZZ_JUDGE_H
#define PS_TESTS_FUZZ_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/dump.h"

/** A tag as it was before any byte was lost. */
struct true_tag {
	uint32_t tag;
	uint64_t counts[6]; /* nonpaged allocs, frees, bytes, then paged */
};

struct true_big {
	uint32_t tag;
	uint64_t counts[4]; /* nonpaged count, bytes, then paged */
};

struct expected {
	struct true_tag *tags; /* owned */
	size_t tag_count;
	struct true_big *big; /* owned */
	size_t big_count;
	size_t modules, unloaded;
};

/** What a run of the program would have ended with. */
enum outcome { OUTCOME_COMPLETE, OUTCOME_INCOMPLETE, OUTCOME_REFUSED, OUTCOMES };

/**
 * JSON forms of reports that were rendered already. Most damage changes no figure, and JSON has all
 * that a report holds: whose JSON was seen is not parsed and laid out as text once more.
 */
struct rendered {
	uint64_t hashes[256]; /* 0: free */
};

/** Reads the lines "tag ...", "big ...", "modules N", "unloaded N". False when they are wrong. */
bool expected_read(const char *path, struct expected *ret);
void expected_fini(struct expected *expected);

/** How deep to look: the drivers' code costs more than all the rest. */
enum judge_depth { JUDGE_POOLS, JUDGE_OWNERS };

/**
 * Opens `path`, makes the report and renders it in every form; with `rendered` (may be NULL), in
 * JSON alone when that was seen before. Ends the process with status 99 and words on standard error
 * when the report contradicts itself, when a refusal does not name the file or, with `expected`,
 * when a figure is called complete and differs from it. `expected` is for files that only lost
 * bytes. *ret_refusal is why there are no figures; untouched when there are.
 */
enum outcome judge(const char *path, enum dump_reader reader, enum judge_depth depth,
		   const struct expected *expected, struct rendered *rendered,
		   struct ps_error *ret_refusal);

#endif
