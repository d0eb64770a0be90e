/*
 * The result model of `poolscope cases`: counts over the cases of a batch, and the cases asked for.
 *
 * cases_report_fini() frees it; its texts are its own, but for `out` and `like`.
 */
#ifndef PS_ANALYZER_REPORT_CASES_REPORT_H
#define PS_ANALYZER_REPORT_CASES_REPORT_H

#include "analyzer/report/render.h"

/** Cases that have something in common. */
struct cases_group {
	char *name, *detail; /* owned; detail may be NULL */
	size_t cases;
};

enum cases_groups {
	GROUP_RESULTS,
	GROUP_PRODUCTS, /* detail: the build */
	GROUP_BUGCHECKS,
	GROUP_FINDINGS, /* detail: the severity */
	CASES_GROUPS
};

struct cases_group_list {
	struct cases_group *items; /* owned; most cases first */
	size_t count, capacity;
};

/** A tag or a driver that had the most bytes of all in some cases. */
struct cases_leader {
	char *name, *detail, *company; /* owned; detail: the pool, or the version; may be NULL */
	int microsoft;                 /* drivers: 1, 0; -1 not known */
	size_t led;                    /* cases that it leads */
	size_t held;                   /* drivers: cases in which it has pool bytes at all */
	int64_t median, most;          /* bytes, in the cases that it leads */
	bool exact;                    /* false: in some of them they are a bound */
};

struct cases_leaders {
	struct cases_leader *items; /* owned; most led first */
	size_t count, capacity;
	size_t known; /* cases in which it is known which leads */
};

struct cases_row {
	char *path, *result, *product, *bugcheck; /* owned; all but path may be NULL */
	char *top_tag, *top_owner;                /* likewise */
	char *detail;                             /* likewise; of the tag its pool and owner, of the
						     driver its version, with `like` why */
	bool has_bytes, exact;
	int64_t bytes; /* of the tag or the driver asked for */
	int place;     /* by bytes, from 1 */
	int score;     /* with `like`: 0..1000 */
};

struct cases_report {
	const char *out;
	char *filter;           /* owned; the filters in words; NULL: none */
	char *like;             /* owned; the path of the case to compare with; NULL: none */
	bool of_tag, of_driver; /* whose bytes the rows have */
	size_t top;             /* rows a table; 0: all */
	size_t cases, chosen;   /* in the database; that pass the filters */
	size_t copies;          /* of the latter, with the size and key of another one */
	struct cases_group_list groups[CASES_GROUPS];
	struct cases_leaders tags, drivers;
	struct cases_leaders others; /* among the drivers that are not known as Microsoft's */
	bool has_rows;
	struct cases_row *rows; /* owned */
	size_t row_count, row_capacity;
};

/* Number, "look", "are". */
#define CASES_COPIES                                                                               \
	"%zu of these %s like copies of others, by size and samples of the contents, and %s "      \
	"counted all the same."

void cases_report_fini(struct cases_report *report);

/** "Results", "Products", ... Static. */
const char *cases_group_title(enum cases_groups group);

/** How many of `count` rows are printed. */
size_t cases_shown(const struct cases_report *report, size_t count);

enum ps_status cases_text(const struct cases_report *report, const struct render_options *options,
			  FILE *out, struct ps_error *err);
/** One object, keys as poolscope-cases-1.schema.json says. */
enum ps_status cases_json(const struct cases_report *report, FILE *out, struct ps_error *err);
/** The cases when some are asked for, else the counts. */
enum ps_status cases_csv(const struct cases_report *report, FILE *out, struct ps_error *err);
/** A page for a browser that loads nothing. */
enum ps_status cases_html(const struct cases_report *report, FILE *out, struct ps_error *err);

#endif
