/*
 * What is known of the pages of a crash dump before they are read. Private to the writer of crash
 * dumps.
 */
#ifndef PS_FORMATS_CRASH_SURVEY_H
#define PS_FORMATS_CRASH_SURVEY_H

#include "formats/crash_write.h"

/** Signature, place of the pages, their number, length of the bitmap. */
enum { CRASH_BITMAP_HEADER = 0x38 };

struct crash_survey {
	uint64_t pages, runs, end; /* one behind the highest page */
	uint64_t of_memory;        /* pages that are the machine's memory */
	uint64_t memory;           /* pages of the machine's memory; 0: not known */
	bool all_listed;           /* every page that the container lists is there */
	uint64_t frames;           /* what a bitmap spans: no page of the machine is beyond */
	uint64_t data;             /* bytes that are not in holes of the file */
};

/** PS_ABSENT when there is no page, PS_INTERRUPTED. */
enum ps_status crash_survey(struct dump *dump, const struct crash_plan *plan,
			    struct crash_survey *ret, struct ps_error *err);

/** Full or bitmap. PS_UNSUPPORTED when the type asked for, or any, cannot be. */
enum ps_status crash_choose(const struct crash_plan *plan, const struct crash_survey *s,
			    enum crash_body *ret, struct ps_error *err);

/** PS_UNSUPPORTED when the memory reaches beyond what a bitmap is made for. */
enum ps_status crash_check_bitmap(const struct crash_survey *s, struct ps_error *err);

/** Fails with PS_UNSUPPORTED. */
enum ps_status crash_too_many_runs(const struct crash_layout *layout, uint64_t runs,
				   struct ps_error *err);

/** Bits of a bitmap of so many pages: whole 64-bit words. */
uint64_t crash_bits(uint64_t frames);

/** File offset of the first page. */
uint64_t crash_first_page(const struct crash_plan *plan, enum crash_body body, uint64_t frames);

/** Pages of [pfn, pfn+count) that are among the runs, which ascend. */
uint64_t crash_overlap(const struct page_runs *runs, uint64_t pfn, uint64_t count);

/**
 * How many of the pages from `extent` on are in one hole of the file, and so zeros that need no
 * reading; *ret_until: how many are to be looked at before asking again.
 */
uint64_t crash_pages_in_hole(struct dump *dump, const struct extent *extent, uint64_t *ret_until);

#endif
