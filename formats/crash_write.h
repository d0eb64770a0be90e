/*
 * Writes the pages of an opened container as a Windows crash dump: type 1, whose header lists the
 * runs of pages, or type 5, with a bitmap.
 *
 * Ownership: a plan borrows all that it points to, for the call. This room copies pages and puts
 * numbers into a header; where the numbers come from is for the caller to know.
 */
#ifndef PS_FORMATS_CRASH_WRITE_H
#define PS_FORMATS_CRASH_WRITE_H

#include "formats/crash.h"

/** DumpType of what is written. */
enum crash_body {
	CRASH_BODY_ANY = 0, /* type 1 where it tells all, else type 5; see crash_measure() */
	CRASH_BODY_FULL = 1,
	CRASH_BODY_BITMAP = 5,
};

/** Bytes that take the place of those in the container. They lie within one page. */
struct crash_patch {
	uint64_t pa;
	const uint8_t *data; /* borrowed */
	size_t length;
};

struct crash_plan {
	const char *path; /* of what is written; for messages */
	enum crash_body body;
	unsigned pointer;           /* 4 or 8: which header */
	struct machine_facts facts; /* what is unknown stays as the container's own header has it */
	struct page_runs memory;    /* the machine's memory: ascending; no runs: not known */
	const struct crash_patch *patches;
	size_t patch_count;
	const char *comment; /* where the container's own header has none */
};

/** What a plan comes to, before anything is written. */
struct crash_size {
	enum crash_body body;
	uint64_t pages; /* to be written, unless some cannot be read */
	uint64_t bytes; /* of the disk, at most: pages of zeros take none */
};

/** What came of it. */
struct crash_written {
	enum crash_body body;
	uint64_t bytes;         /* length of the file */
	uint64_t pages;         /* in it */
	uint64_t memory_absent; /* pages of the machine's memory that are not among them */
	bool memory_known;
	uint64_t lost;    /* pages that the container lists and that could not be read */
	bool first_known; /* of them, the first; else nobody knows which they are */
	uint64_t lost_first;
	enum page_state lost_why; /* of the first */
	uint64_t holes;           /* pages that the container lists and does not store */
};

/**
 * Chooses the type and counts. Type 1 is for whole memory: the runs of pages fit into the header,
 * and where the machine's memory is known, none of it is missing, since the header of a type 1
 * would not say so; nor is there much beside it (1/64), since that would count as memory.
 * PS_ABSENT when there is no page; PS_UNSUPPORTED when the type asked for cannot be.
 */
enum ps_status crash_measure(struct dump *dump, const struct crash_plan *plan,
			     struct crash_size *ret, struct ps_error *err);

/**
 * Writes the dump to `fd`, which is empty, from its beginning. Pages that cannot be read are left
 * out and counted. PS_SYSTEM, PS_INTERRUPTED and others leave a torso in `fd`.
 */
enum ps_status crash_write(struct dump *dump, const struct crash_plan *plan, int fd,
			   struct progress *progress, struct crash_written *ret,
			   struct ps_error *err);

/**
 * Makes the header of what was written. No runs: they are said to be unknown. Attributes say that
 * pages are missing when some were lost. Private to the writer.
 */
void crash_header_fill(const struct dump *dump, const struct crash_plan *plan,
		       const struct page_runs *runs, const struct crash_written *written,
		       struct crash_header *header);

#endif
