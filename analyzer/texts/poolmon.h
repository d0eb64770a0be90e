/*
 * Snapshots of pool use as poolmon writes them ("poolmon -n FILE"), one or several in a file.
 *
 * A row has Tag, Type, Allocs, Frees, Diff, Bytes and Per Alloc, with or without changes in
 * brackets and a Mapped_Driver behind; rows stand in any order. 8-bit text, UTF-8 with a byte order
 * mark, or UTF-16; LF or CR LF. poolmon shows counts of 32 bits and no time, no machine.
 * Ownership: poolmon_parse()/poolmon_destroy(). Not supported: tables that were cut at the edge of
 * a window; bytes of a tag that the console replaced are lost.
 * Source: Microsoft's pages on PoolMon's display and command line.
 */
#ifndef PS_ANALYZER_TEXTS_POOLMON_H
#define PS_ANALYZER_TEXTS_POOLMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { POOLMON_SNAPSHOTS = 1024, POOLMON_ROWS = 1 << 20 };

/** One row. */
struct poolmon_row {
	uint32_t tag; /* four bytes in memory order as a little-endian number */
	bool paged;
	bool repeated; /* several rows of the snapshot look like this one: their sum */
	uint32_t allocs, frees;
	int64_t diff, bytes;
};

struct poolmon_snapshot {
	struct poolmon_row *rows; /* owned; by tag, nonpaged first; no two of one tag and pool */
	size_t count;
	bool has_pool;    /* a line with the pools' sizes stands above */
	uint64_t pool[2]; /* nonpaged, paged: bytes, in steps of 1024 */
	bool session;     /* session pool, which no other table has */
};

struct poolmon {
	struct poolmon_snapshot *items; /* owned; in the order of the file */
	size_t count;
	uint64_t broken_lines; /* that look like rows and are none */
	uint64_t first_broken; /* line number; 0: none */
};

/** True when the beginning of a file looks like one: a line of poolmon's column names. */
bool poolmon_is(const char *bytes, size_t length);

/** PS_CORRUPT without a row that can be read; `name` is for messages. PS_UNSUPPORTED: too many. */
enum ps_status poolmon_parse(const char *name, const char *bytes, size_t length,
			     struct poolmon **ret, struct ps_error *err);
void poolmon_destroy(struct poolmon *log);

/** One line without its end. False: no row. */
bool poolmon_parse_row(const char *line, size_t length, struct poolmon_row *ret);

#endif
