/*
 * One case from file to report, for the commands that print one and for batches.
 *
 * inputs_init() loads what all cases of a command line share, inputs_fini() frees it;
 * one_case_run() may be called for each of many files, one_case_fini() after each.
 */
#ifndef PS_ANALYZER_CLI_ONE_CASE_H
#define PS_ANALYZER_CLI_ONE_CASE_H

#include "analyzer/cli/command.h"

/** Lists that the command line names, and where symbols are looked for. */
struct inputs {
	struct tag_names *names; /* owned */
	struct known *known;     /* owned; NULL: no --known */
	char *cache;             /* owned; folder of cached symbols; NULL: there is none */
	struct symbol_options symbols;
};

enum ps_status inputs_init(struct inputs *inputs, const struct options *options,
			   const struct log *log, struct ps_error *err);
void inputs_fini(struct inputs *inputs);

struct one_case {
	struct case_file file;
	struct httperr *httperr;    /* owned; NULL: no --httperr */
	struct selection selection; /* what the options ask for */
	struct report *report;      /* owned; borrows from the file and the selection */
};

/** `path` NULL: only driver files. one_case_fini() in any case. */
enum ps_status one_case_run(struct one_case *one, const struct command *command,
			    const struct options *options, const struct inputs *inputs,
			    const char *path, const struct log *log, struct progress *progress,
			    struct ps_error *err);
void one_case_fini(struct one_case *one);

#endif
