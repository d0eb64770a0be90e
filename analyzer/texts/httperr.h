/*
 * HTTPERR logs of HTTP.SYS: how often connections and requests failed, why, and when.
 *
 * Streamed, so that a log of any size costs no memory; W3C text as HTTP.SYS of all Windows versions
 * writes it: with or without #Fields, CR LF or LF, UTF-8, ANSI or UTF-16 little-endian, packed with
 * gzip or not, filled up with NUL bytes as a crash leaves it. Times are UTC. A reason may carry a
 * count in front ("3_Connections_Refused"). Ownership: httperr_create()/httperr_destroy().
 * Not supported: W3SVC and other logs of IIS, which have no s-reason; they are counted and named.
 * Source of the format: Microsoft's pages on the error logs of the HTTP Server API.
 */
#ifndef PS_ANALYZER_TEXTS_HTTPERR_H
#define PS_ANALYZER_TEXTS_HTTPERR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"

enum { HTTPERR_REASON = 48, HTTPERR_REASONS = 128 };

/** One reason phrase. Times are seconds since 1970, UTC. */
struct httperr_reason {
	char name[HTTPERR_REASON]; /* "Connections_Refused"; unprintable bytes as ? */
	uint64_t events;           /* counts in front of the phrase included */
	uint64_t lines;
	int64_t first, last;
	uint64_t before_boot, last_hour, after_crash; /* events, by the times given; else 0 */
};

/** What the log is laid beside; 0 = not known. Seconds since 1970, UTC. */
struct httperr_times {
	int64_t boot, crash;
};

struct httperr {
	struct httperr_times times;                     /* as given */
	struct httperr_reason reasons[HTTPERR_REASONS]; /* most events first */
	size_t reason_count;
	uint64_t other_reasons; /* lines whose reason found no room: rubbish, or an attack */
	uint64_t files, foreign_files, unreadable_files, cut_files;
	char first_foreign[128], first_unreadable[256], first_cut[256];
	uint64_t lines;        /* that were understood */
	uint64_t broken_lines; /* without a time or a reason */
	uint64_t first_broken; /* line number of the first, in its file; 0 = none */
	char first_broken_file[128];
	int64_t first, last; /* of all lines understood; 0 without any */
};

/**
 * Reads `paths`: log files, or folders whose files are logs (not their subfolders). PS_SYSTEM when
 * a path cannot be opened, PS_NOT_FOUND when none of the files is an HTTPERR log; files that cannot
 * be read inside a folder are counted and named.
 */
enum ps_status httperr_create(const char *const *paths, size_t count,
			      const struct httperr_times *times, struct progress *progress,
			      struct httperr **ret, struct ps_error *err);
void httperr_destroy(struct httperr *log);

/** The reason by name ("Connections_Refused"), or NULL. */
const struct httperr_reason *httperr_find(const struct httperr *log, const char *name);

#endif
