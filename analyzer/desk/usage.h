/*
 * Pool use of one machine at one time, whatever it was read from: a dump, a report of this program
 * as JSON, or a snapshot of poolmon. Neutral ground for comparisons.
 *
 * Ownership: all strings and rows live in `store`, a report that the caller made and destroys.
 */
#ifndef PS_ANALYZER_DESK_USAGE_H
#define PS_ANALYZER_DESK_USAGE_H

#include "analyzer/report/report.h"

enum usage_kind { USAGE_DUMP, USAGE_REPORT, USAGE_POOLMON };

/** One pool's share of one tag. */
struct usage_side {
	uint64_t allocs, frees; /* of poolmon, and of older kernels, modulo 2^32 */
	int64_t diff, bytes;
};

struct usage_tag {
	uint32_t tag;
	bool overflow;              /* what had no slot of its own */
	struct usage_side sides[2]; /* nonpaged, paged */
	bool unlisted[2];           /* the source has no row of this side: 0 only in a whole list */
	bool complete;              /* exact; else counts are lower bounds, the rest unknown */
	const char *owner;          /* short words; NULL: not known */
};

/** A total of one pool. */
struct usage_total {
	bool known;
	uint64_t bytes;
	enum report_basis basis;
	const char *source;
};

struct usage {
	enum usage_kind kind;
	const char *label; /* for text: the file, and which snapshot in it */
	const char *computer, *product, *arch, *kernel_pdb; /* NULL: not known */
	bool has_build, has_pages, has_kernel_base, has_time, has_boot;
	uint64_t build, kernel_base, pages; /* pages: of RAM */
	int64_t time, boot;                 /* seconds since 1970, UTC */
	struct usage_tag *tags;             /* by tag and overflow, each once */
	size_t count;
	bool whole;       /* every tag in use is in `tags` */
	bool complete;    /* no page of the tables is missing: a tag that is absent is 0 */
	bool narrow;      /* counts of 32 bits */
	const char *note; /* what is to be said of it; NULL: nothing */
	int64_t sums[2];  /* of the rows */
	struct usage_total allocated[2], limit[2]; /* of the kernel */
};

/** From a report with SECTION_SYSTEM, SECTION_TAGS and SECTION_TOTALS. PS_NO_MEMORY, or why not. */
enum ps_status usage_of_report(const struct report *report, struct report *store, struct usage *ret,
			       struct ps_error *err);

/** From JSON text of this program. PS_CORRUPT or PS_UNSUPPORTED say what is wrong with it. */
enum ps_status usage_of_json(const char *path, const char *bytes, size_t length,
			     struct report *store, struct usage *ret, struct ps_error *err);

struct usage_list {
	struct usage *items; /* owned */
	size_t count, capacity;
};

/** Every snapshot of a poolmon log, one point each, put behind the others of the list. */
enum ps_status usage_of_poolmon(const char *path, const char *bytes, size_t length,
				struct report *store, struct usage_list *list,
				struct ps_error *err);

/** Room for one more; NULL when memory is out. */
struct usage *usage_add(struct usage_list *list);

/** Sorts the rows, adds rows of one tag, and sums. */
void usage_finish(struct usage *usage);

/** The row of a tag, or NULL. */
const struct usage_tag *usage_find(const struct usage *usage, uint32_t tag, bool overflow);

/** What a file is, by its first bytes: a report, a log, or - anything else - a dump. */
enum usage_kind usage_recognise(const char *bytes, size_t length);

/** "2024-05-01T03:12:45Z" as seconds since 1970. False: no such text. */
bool usage_time(const char *text, int64_t *ret);

/** "dump", "report", "poolmon". Static. */
const char *usage_kind_word(enum usage_kind kind);

#endif
