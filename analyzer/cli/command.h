/*
 * A command: how far a dump must be opened for it, what it asks of the plugins, and when the dump
 * cannot be used for it. One cmd_*.c each; main.c has the table.
 */
#ifndef PS_ANALYZER_CLI_COMMAND_H
#define PS_ANALYZER_CLI_COMMAND_H

#include "analyzer/cli/options.h"
#include "analyzer/desk/case.h"

/* Pieces of evidence a candidate where they are not the subject. */
enum { EVIDENCE_SHORT = 4 };

struct command {
	enum case_depth depth;
	bool owners;    /* looks for the owners of tags, unless --no-owners */
	bool processes; /* reads the list of processes */
	/** What the options ask for. */
	void (*select)(const struct options *options, struct selection *ret);
	/** PS_OK, or why the case cannot be used for this command. */
	enum ps_status (*check)(const struct case_file *c, struct ps_error *err);
};

extern const struct command command_analyze, command_tags, command_big, command_modules,
	command_info, command_owners, command_symbols, command_processes;

/** Parts of `poolscope symbols` that open no dump. `cache`: its folder; NULL: there is none. */
int command_symbols_add(const struct options *options, const char *cache);
int command_symbols_list(const struct options *options, const char *cache,
			 const struct symbol_options *sources);

/** `poolscope convert`: writes a crash dump and says what is in it; returns the exit status. */
int command_convert(const struct options *options, const struct symbol_options *symbols);

struct inputs;

/** `poolscope batch`; returns the exit status. */
int command_batch(const struct options *options, const struct inputs *inputs);

/** `poolscope diff`; returns the exit status. */
int command_diff(const struct options *options, const struct inputs *inputs);
/** `poolscope cases`; returns the exit status. */
int command_cases(const struct options *options);

/** How text is to be laid out: colours and width of the terminal. */
struct render_options command_render_options(const struct options *options);

/** Prints the explanation of a finding, or the list of them; returns the exit status. */
int explain_run(const char *finding);

/** Runs a command from file to printed report; returns the exit status of the program. */
int command_run(const struct command *command, const struct options *options);

/** Opens `path` with what the options say of files. Otherwise as case_init_with(). */
enum ps_status command_open_file(const struct options *options, const char *path,
				 enum case_depth depth, const struct symbol_options *symbols,
				 const struct log *log, struct progress *progress,
				 struct case_file *c, struct ps_error *err);

/** Prints the error as the command line promises and returns its exit status. */
int command_fail(const struct ps_error *err, bool json);

/** Ends the output; returns `result`, or the status of a write error after saying it. */
int command_finish(int result);

#endif
