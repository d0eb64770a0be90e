/*
 * The command line: what was asked for, as plain data. The option table that parses it also prints
 * the help, so that the two cannot drift apart.
 */
#ifndef PS_ANALYZER_CLI_OPTIONS_H
#define PS_ANALYZER_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analyzer/desk/batch.h"
#include "analyzer/desk/queries.h"
#include "formats/crash_write.h"
#include "plugins/plugin.h"

enum command_id {
	COMMAND_ANALYZE,
	COMMAND_TAGS,
	COMMAND_OWNERS,
	COMMAND_BIG,
	COMMAND_MODULES,
	COMMAND_PROCESSES,
	COMMAND_INFO,
	COMMAND_CONVERT,
	COMMAND_EXPLAIN,
	COMMAND_SYMBOLS,
	COMMAND_BATCH,
	COMMAND_DIFF,
	COMMAND_CASES,
};

enum { COMMAND_COUNT = 13 };

/** What `poolscope symbols` is to do. */
enum symbols_action { SYMBOLS_CHECK, SYMBOLS_LIST, SYMBOLS_ADD };

enum output_kind { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_CSV, OUTPUT_TICKET, OUTPUT_HTML };

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum {
	POOLTAG_FILES = 8,
	DRIVER_FOLDERS = 16,
	HTTPERR_PATHS = 16,
	SYMBOL_PATHS = 16,
	BATCH_SECONDS = 300,
	BATCH_JOBS_MOST = 1024,
	BATCH_SHARDS_MOST = 1000000,
	DUMP_BYTES_DEFAULT = 256,
	DUMP_BYTES_MAX = 16 * 1024 * 1024
};

#define BATCH_MEMORY (UINT64_C(4) << 30)

struct options {
	enum command_id command;
	bool help, version;
	const char *file;     /* borrowed from argv; NULL when none was given. explain: a finding */
	const char *out;      /* likewise; convert: the dump to write */
	enum crash_body body; /* convert: its type */
	bool force;
	enum output_kind output;
	bool has_top;
	size_t top; /* rows; 0 = all */
	bool has_sort;
	enum tag_sort sort;
	bool by_rate; /* diff: sort by rate instead */
	bool has_process_sort;
	enum process_sort process_sort;
	enum pool_filter filter;
	struct tag_pattern tags[TAG_PATTERNS];
	size_t tag_count;
	const char *pooltag[POOLTAG_FILES];
	size_t pooltag_count;
	const char *drivers[DRIVER_FOLDERS];
	size_t driver_count;
	bool sessions; /* session pool instead of the system's */
	bool no_owners;
	const char *httperr[HTTPERR_PATHS];
	size_t httperr_count;
	const char *known; /* NULL: no --known */
	const char *html;  /* a file to write beside the output; NULL: none */
	const char *symbols[SYMBOL_PATHS];
	size_t symbol_count;
	bool no_symbols, no_known_builds;
	enum symbols_action symbols_action; /* COMMAND_SYMBOLS; `file` is the folder of `add` */
	enum color_when color;
	int verbosity; /* enum log_level */
	enum dump_reader reader;
	const char *member, *password_file; /* of archives; NULL: not given */
	uint64_t max_expand;                /* bytes; 0: not given */
	bool list, freed, has_dump, has_bytes;
	uint64_t dump_va;
	size_t dump_bytes;
	struct batch_options batch;    /* COMMAND_BATCH; its paths are among `words` */
	const char *const *diff_paths; /* COMMAND_DIFF; among `words` */
	size_t diff_path_count;
	uint64_t diff_seconds;      /* diff: of --hours; 0: not given */
	struct cases_options cases; /* COMMAND_CASES */
	const char **words;         /* owned: what is no option; of argv */
	unsigned threads;           /* of a case, 0: one a processor; set by `batch`, no option */
	const char **given;         /* owned: the options as given, for the report */
	size_t given_count;
};

/**
 * Reads the command line. PS_USAGE with one sentence and a hint. `options_fini()` in any case.
 * argv's order is left alone.
 */
enum ps_status options_parse(struct options *options, int argc, char **argv, struct ps_error *err);
void options_fini(struct options *options);

/** Prints the help of a command. */
void options_help(enum command_id command, FILE *out);

/** Prints the help of the whole. */
void options_overview(FILE *out);

/** "tags". Static. */
const char *command_name(enum command_id command);

/**
 * A tag as users write it: `Irp` for `Irp `, \xNN, eight hex digits in memory order, ? for any byte
 * and one * for any number of them. PS_USAGE.
 */
enum ps_status tag_pattern_parse(const char *text, struct tag_pattern *ret, struct ps_error *err);

#endif
