/*
 * The commands and options as data: what parses them and what prints the help read the same table.
 * Private to this room.
 */
#ifndef PS_ANALYZER_CLI_OPTION_TABLE_H
#define PS_ANALYZER_CLI_OPTION_TABLE_H

#include "analyzer/cli/options.h"

/* Commands that an option is for: bits of struct option_spec.commands. */
enum {
	IN_ANALYZE = 1 << COMMAND_ANALYZE,
	IN_TAGS = 1 << COMMAND_TAGS,
	IN_BIG = 1 << COMMAND_BIG,
	IN_MODULES = 1 << COMMAND_MODULES,
	IN_INFO = 1 << COMMAND_INFO,
	IN_OWNERS = 1 << COMMAND_OWNERS,
	IN_EXPLAIN = 1 << COMMAND_EXPLAIN,
	IN_SYMBOLS = 1 << COMMAND_SYMBOLS,
	IN_CONVERT = 1 << COMMAND_CONVERT,
	IN_PROCESSES = 1 << COMMAND_PROCESSES,
	IN_BATCH = 1 << COMMAND_BATCH,
	IN_DIFF = 1 << COMMAND_DIFF,
	IN_CASES = 1 << COMMAND_CASES,
	IN_TABLES = IN_TAGS | IN_OWNERS | IN_BIG | IN_MODULES | IN_PROCESSES,
	IN_POOLS = IN_TAGS | IN_OWNERS | IN_BIG,
	IN_NAMED = IN_ANALYZE | IN_POOLS,
	IN_LISTED = IN_NAMED | IN_BATCH,
	IN_DRIVERS = IN_ANALYZE | IN_TAGS | IN_OWNERS | IN_MODULES | IN_BATCH | IN_DIFF,
	IN_SPARED = IN_ANALYZE | IN_TAGS | IN_MODULES | IN_BATCH | IN_DIFF,
	IN_OPENED = IN_ANALYZE | IN_POOLS | IN_MODULES | IN_PROCESSES | IN_INFO | IN_CONVERT,
	IN_ALL = IN_ANALYZE | IN_POOLS | IN_MODULES | IN_PROCESSES | IN_INFO | IN_SYMBOLS |
		 IN_BATCH | IN_DIFF,
};

/* Values of getopt_long(); short options keep their letter. */
enum option_id {
	OPTION_JSON = 256,
	OPTION_CSV,
	OPTION_TOP,
	OPTION_SORT,
	OPTION_NONPAGED,
	OPTION_PAGED,
	OPTION_TAG,
	OPTION_POOLTAG,
	OPTION_COLOR,
	OPTION_VERSION,
	OPTION_HELP,
	OPTION_LIST,
	OPTION_FREED,
	OPTION_DUMP,
	OPTION_BYTES,
	OPTION_READER,
	OPTION_DRIVERS,
	OPTION_NO_OWNERS,
	OPTION_HTTPERR,
	OPTION_KNOWN,
	OPTION_TICKET,
	OPTION_HTML,
	OPTION_SYMBOLS,
	OPTION_NO_KNOWN_BUILDS,
	OPTION_TYPE,
	OPTION_SESSIONS,
	OPTION_FORCE,
	OPTION_TIMEOUT,
	OPTION_MAX_MEMORY,
	OPTION_SHARD,
	OPTION_MERGE,
	OPTION_DRIVER,
	OPTION_BUILD,
	OPTION_BUGCHECK,
	OPTION_LIKE,
	OPTION_HOURS,
	OPTION_RETRY_FAILED,
	OPTION_CASE_JSON,
	OPTION_CASE_HTML,
	OPTION_MEMBER,
	OPTION_PASSWORD_FILE,
	OPTION_MAX_EXPAND,
	OPTION_OUT = 'o',
	OPTION_JOBS = 'j',
	OPTION_VERBOSE = 'v',
	OPTION_QUIET = 'q',
};

struct option_spec {
	const char *name;
	int id;
	const char *argument; /* NULL: none; in brackets: optional */
	unsigned commands;
	const char *help;
};

enum { OPTION_SPECS = 46 };

extern const struct option_spec option_specs[OPTION_SPECS];

/** The row of an option; NULL when there is none. */
const struct option_spec *option_find(int id);

/** Takes an option with its value; NULL where it has none. PS_USAGE. */
enum ps_status option_take(struct options *options, int id, const char *value,
			   struct ps_error *err);

/** What parsed options must fulfil together. `used`: how often each row's was given. PS_USAGE. */
enum ps_status options_check(const struct options *options, const unsigned used[OPTION_SPECS],
			     struct ps_error *err);

/** Takes an option that `batch` alone has. PS_USAGE. */
enum ps_status batch_option(struct options *options, int id, const char *value,
			    struct ps_error *err);

/** Takes an option that `cases` alone has. PS_USAGE. */
enum ps_status cases_option(struct options *options, int id, const char *value,
			    struct ps_error *err);

/** What `cases` cannot do without. PS_USAGE. */
enum ps_status cases_check(const struct options *options, struct ps_error *err);

/** What `batch` cannot do without. PS_USAGE. */
enum ps_status batch_check(const struct options *options, struct ps_error *err);

/** Bytes, or with K, M, G or T for powers of 1,024; not 0. PS_USAGE names the option. */
enum ps_status size_parse(const char *name, const char *text, uint64_t *ret, struct ps_error *err);

#endif
