/*
 * The commands and options as data, and the help made from them.
 */
#include "analyzer/cli/option_table.h"

#include <string.h>

static const struct {
	const char *name;
	const char *summary;
} commands[COMMAND_COUNT] = {
	[COMMAND_ANALYZE] = {"analyze",
			     "why it hung: the verdict, pool totals, biggest tags and the "
			     "findings (the default)"},
	[COMMAND_TAGS] = {"tags", "pool usage per tag: Tag Type Allocs Frees Diff Bytes Per-Alloc"},
	[COMMAND_OWNERS] = {"owners",
			    "which driver a tag belongs to, and the evidence; of a folder of "
			    "drivers, all their tags"},
	[COMMAND_BIG] = {"big", "allocations of a page and more: per tag, listed, or dumped"},
	[COMMAND_MODULES] = {"modules", "loaded modules and unloaded drivers"},
	[COMMAND_INFO] = {"info", "what the file is, and how kernel and tables were found in it"},
	[COMMAND_CONVERT] = {"convert",
			     "write the memory of any file that is read here as a Windows crash "
			     "dump"},
	[COMMAND_EXPLAIN] = {"explain", "what a finding means, how sure it is and what to do; "
					"without a finding, the list of them"},
	[COMMAND_PROCESSES] = {"processes", "processes that run, and those that have ended and are "
					    "still held; handle counts"},
	[COMMAND_SYMBOLS] = {"symbols",
			     "check FILE: which symbols the dump wants; add DIR: take some "
			     "into the cache; list"},
	[COMMAND_BATCH] = {"batch",
			   "PATH... -o OUT: analyze of every dump in these folders, a worker "
			   "process each; goes on where it was ended"},
	[COMMAND_DIFF] = {"diff",
			  "OLD NEW [MORE...]: what grew between dumps, reports (--json of analyze) "
			  "and poolmon logs, how fast, and whose it is"},
	[COMMAND_CASES] = {"cases",
			   "across the cases of a batch: which tags and drivers lead how often, "
			   "and which cases are alike"},
};

const struct option_spec option_specs[OPTION_SPECS] = {
	{"list", OPTION_LIST, NULL, IN_BIG, "list the allocations themselves"},
	{"freed", OPTION_FREED, NULL, IN_BIG, "with --list: freed entries too"},
	{"dump", OPTION_DUMP, "VA", IN_BIG, "hex dump of the big allocation at this address"},
	{"bytes", OPTION_BYTES, "N", IN_BIG, "with --dump: how many bytes (256)"},
	{"tag", OPTION_TAG, "TAG", IN_POOLS | IN_DIFF | IN_CASES,
	 "only this tag; Irp is 'Irp ', \\xNN or 8 hex digits for bytes, ? and * match any; "
	 "repeatable"},
	{"nonpaged", OPTION_NONPAGED, NULL, IN_POOLS | IN_DIFF, "only nonpaged pool"},
	{"paged", OPTION_PAGED, NULL, IN_POOLS | IN_DIFF, "only paged pool"},
	{"sessions", OPTION_SESSIONS, NULL, IN_TAGS,
	 "session pool instead: the tags of each session, a table a session"},
	{"sort", OPTION_SORT, "KEY", IN_POOLS | IN_PROCESSES | IN_DIFF,
	 "bytes (default), diff, allocs, frees, tag or per-alloc; of diff bytes, rate, diff or tag; "
	 "of processes handles (default), holds, pid or name"},
	{"top", OPTION_TOP, "N", IN_NAMED | IN_PROCESSES | IN_DIFF | IN_CASES,
	 "at most N rows a table; 0 is all"},
	{"hours", OPTION_HOURS, "H", IN_DIFF,
	 "from the first to the last, such as 2.5, where files do not say their times: for rates"},
	{"out", OPTION_OUT, "OUT", IN_BATCH,
	 "folder of the results; what is there is not done again"},
	{"jobs", OPTION_JOBS, "N", IN_BATCH, "worker processes at once (one a processor)"},
	{"timeout", OPTION_TIMEOUT, "SECONDS", IN_BATCH, "end a case after so long (300)"},
	{"max-memory", OPTION_MAX_MEMORY, "SIZE", IN_BATCH,
	 "memory of a case: bytes, or with K, M, G or T (4G)"},
	{"retry-failed", OPTION_RETRY_FAILED, NULL, IN_BATCH, "try cases that failed once more"},
	{"case-json", OPTION_CASE_JSON, NULL, IN_BATCH, "also write OUT/cases/NAME.json"},
	{"case-html", OPTION_CASE_HTML, NULL, IN_BATCH, "also write OUT/cases/NAME.html"},
	{"shard", OPTION_SHARD, "K/N", IN_BATCH, "only the K-th of N parts of the cases"},
	{"merge", OPTION_MERGE, NULL, IN_BATCH,
	 "the paths are folders of results: join them in OUT, each case once"},
	{"driver", OPTION_DRIVER, "NAME", IN_CASES,
	 "only cases in which this driver has pool; with its version in each"},
	{"build", OPTION_BUILD, "N", IN_CASES, "only cases of this build of Windows"},
	{"bugcheck", OPTION_BUGCHECK, "CODE", IN_CASES, "only cases with this bug check (0xD1)"},
	{"like", OPTION_LIKE, "CASE", IN_CASES,
	 "the cases most like this one, by its path or the end of it, and why"},
	{"pooltag", OPTION_POOLTAG, "FILE", IN_LISTED,
	 "take descriptions of tags from a pooltag.txt first"},
	{"drivers", OPTION_DRIVERS, "DIR", IN_DRIVERS,
	 "copies of the machine's driver files, for what is not in the dump; repeatable"},
	{"no-owners", OPTION_NO_OWNERS, NULL, IN_SPARED,
	 "do not look in the drivers' code for whose a tag is"},
	{"httperr", OPTION_HTTPERR, "PATH", IN_ANALYZE,
	 "HTTPERR logs of the server, files or folders, to lay beside the dump; repeatable"},
	{"known", OPTION_KNOWN, "FILE", IN_ANALYZE | IN_BATCH,
	 "a list of known problems to compare the drivers with"},
	{"ticket", OPTION_TICKET, NULL, IN_ANALYZE,
	 "a plain block of text to paste into a support case"},
	{"html", OPTION_HTML, "OUT", IN_ANALYZE | IN_CASES,
	 "also write a page for a browser to this file; - writes it instead of text"},
	{"symbols", OPTION_SYMBOLS, "PATH", IN_ALL | IN_CONVERT,
	 "folder, file or symbol path with the kernel's PDB or ISF; none: use no symbol files; "
	 "repeatable"},
	{"no-known-builds", OPTION_NO_KNOWN_BUILDS, NULL, IN_ALL | IN_CONVERT,
	 "do not use the built-in addresses of known kernels"},
	{"type", OPTION_TYPE, "TYPE", IN_CONVERT,
	 "full (type 1) or bitmap (type 5); without it, full for whole memory in few pieces"},
	{"force", OPTION_FORCE, NULL, IN_CONVERT,
	 "replace OUT when it is there, and do not ask for room on the disk"},
	{"json", OPTION_JSON, NULL, IN_ALL | IN_CASES, "one JSON object instead of text"},
	{"csv", OPTION_CSV, NULL, IN_TABLES | IN_BATCH | IN_DIFF | IN_CASES,
	 "comma-separated values instead of text"},
	{"color", OPTION_COLOR, "[WHEN]", IN_ALL | IN_CASES, "auto (default), always or never"},
	{"reader", OPTION_READER, "WHO", IN_ALL | IN_CONVERT,
	 "who reads an ELF core: native (default) or kdumpfile"},
	{"member", OPTION_MEMBER, "NAME", IN_OPENED | IN_DIFF,
	 "which file of an archive to open; #N is the N-th; a/b is b in the archive a"},
	{"password-file", OPTION_PASSWORD_FILE, "FILE", IN_OPENED | IN_BATCH | IN_DIFF,
	 "the password of an encrypted archive is the first line of this file"},
	{"max-expand", OPTION_MAX_EXPAND, "SIZE", IN_OPENED | IN_BATCH | IN_DIFF,
	 "unpack at most so much of an archive: bytes, or with K, M, G or T (256G)"},
	{"verbose", OPTION_VERBOSE, NULL, IN_ALL | IN_CONVERT | IN_CASES,
	 "say what is being done (on standard error)"},
	{"quiet", OPTION_QUIET, NULL, IN_ALL | IN_CONVERT | IN_CASES,
	 "no warnings, no progress bar"},
	{"help", OPTION_HELP, NULL, IN_ALL | IN_CONVERT | IN_EXPLAIN | IN_CASES, "print this help"},
	{"version", OPTION_VERSION, NULL, IN_ALL | IN_CONVERT | IN_EXPLAIN | IN_CASES,
	 "print the version"},
};

const char *command_name(enum command_id command)
{
	return commands[command].name;
}

const struct option_spec *option_find(int id)
{
	for (size_t i = 0; i < OPTION_SPECS; i++) {
		if (option_specs[i].id == id)
			return &option_specs[i];
	}
	return NULL;
}

enum { HELP_INDENT = 25, HELP_WIDTH = 80 };

/* Words from column HELP_INDENT on, as many lines as they need. */
static void print_help_words(const char *words, FILE *out)
{
	size_t column = HELP_INDENT;

	while (*words != '\0') {
		size_t length = strcspn(words, " ");

		if (column + 1 + length > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		}
		fprintf(out, " %.*s", (int)length, words);
		column += 1 + length;
		words += length;
		words += strspn(words, " ");
	}
	fputc('\n', out);
}

static void print_option(const struct option_spec *spec, FILE *out)
{
	char left[32];
	const char *letter = spec->id == OPTION_VERBOSE ? "-v, "
			     : spec->id == OPTION_QUIET ? "-q, "
			     : spec->id == OPTION_OUT   ? "-o, "
			     : spec->id == OPTION_JOBS  ? "-j, "
							: "    ";

	if (!spec->argument)
		snprintf(left, sizeof(left), "%s--%s", letter, spec->name);
	else if (spec->argument[0] == '[')
		snprintf(left, sizeof(left), "%s--%s[=WHEN]", letter, spec->name);
	else
		snprintf(left, sizeof(left), "%s--%s %s", letter, spec->name, spec->argument);
	fprintf(out, "  %-*s", HELP_INDENT - 2, left);
	print_help_words(spec->help, out);
}

void options_help(enum command_id command, FILE *out)
{
	fprintf(out, "Usage: poolscope %s %s\n\n%s\n\n", commands[command].name,
		command == COMMAND_EXPLAIN   ? "[FINDING]"
		: command == COMMAND_CONVERT ? "FILE OUT.dmp [OPTION]..."
		: command == COMMAND_CASES   ? "OUT [OPTION]..."
		: command == COMMAND_BATCH   ? "PATH... -o OUT [OPTION]..."
		: command == COMMAND_DIFF    ? "OLD NEW [MORE]... [OPTION]..."
					     : "FILE [OPTION]...",
		commands[command].summary);
	for (size_t i = 0; i < OPTION_SPECS; i++) {
		if (option_specs[i].commands & 1U << command)
			print_option(&option_specs[i], out);
	}
}

void options_overview(FILE *out)
{
	fputs("Usage: poolscope [COMMAND] FILE [OPTION]...\n\n"
	      "Opens a Windows kernel crash dump and says what uses the kernel's pools.\n\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\nThe options of a command: poolscope COMMAND --help\n\n"
	      "Exit status: 0 every printed figure is complete; 1 a printed figure is incomplete;\n"
	      "2 wrong usage; 3 the file cannot be used for this; 4 an internal fault or a write "
	      "error.\n",
	      out);
}
