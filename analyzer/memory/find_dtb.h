/*
 * Finds the page-table root of a Windows kernel in bare physical memory: the low stub of the first
 * megabyte, then a search for self-referencing top-level tables.
 */
#ifndef PS_ANALYZER_MEMORY_FIND_DTB_H
#define PS_ANALYZER_MEMORY_FIND_DTB_H

#include "analyzer/memory/space.h"

/** A candidate root, offered to the caller for proof. */
struct dtb_candidate {
	enum paging paging;
	uint64_t dtb;
	uint64_t kernel_hint; /* VA somewhere in the kernel, from the low stub; 0 when unknown */
	const char *found_by; /* "low stub" or "self-map search"; static */
};

/** Returns true to accept the candidate and end the search. */
typedef bool (*dtb_accept)(void *context, const struct dtb_candidate *candidate);

/**
 * Offers candidates until one is accepted (copied to *ret). PS_NOT_FOUND when none is;
 * PS_INTERRUPTED on Ctrl-C. `progress` (not NULL) shows the scan.
 *
 * A candidate is only a page that looks like a root: on x86 about one page of noise in four million
 * does. It can be the root of any process, so session space may be that of another session, or
 * missing. An address of the kernel that translates to a page with the right bytes proves it.
 */
enum ps_status find_dtb(struct dump *dump, dtb_accept accept, void *context,
			struct progress *progress, struct dtb_candidate *ret, struct ps_error *err);

#endif
