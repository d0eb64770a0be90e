/*
 * One case: a file opened, its kernel and pools found, a report made. Owns all that one opened dump
 * owns; two cases can be open in one process.
 */
#ifndef PS_ANALYZER_DESK_CASE_H
#define PS_ANALYZER_DESK_CASE_H

#include "analyzer/kernel/function_names.h"
#include "analyzer/owners/owners.h"
#include "base/log.h"
#include "plugins/plugin.h"

struct case_file {
	struct dump *dump;
	struct kernel *kernel; /* NULL: kernel_error */
	struct ps_error kernel_error;
	struct pools *pools; /* NULL: pools_error */
	struct ps_error pools_error;
	struct process_list processes;
	bool has_processes; /* false: processes_error, or not asked for */
	struct ps_error processes_error;
	struct driver_files *files; /* NULL: none were given */
	struct owners *owners;      /* NULL: owners_error, or not asked for */
	struct ps_error owners_error;
	struct function_names *functions; /* NULL: no symbols are asked for names of functions */
};

/** Foreign texts to lay beside the dump; all borrowed, all but `names` may be NULL. */
struct case_texts {
	const struct tag_names *names;
	const struct httperr *httperr;
	const struct known *known;
};

/** How far to go: `modules` needs no pools. */
enum case_depth { CASE_DUMP, CASE_KERNEL, CASE_POOLS };

/**
 * Opens `path` as deep as asked. An error is returned when the file itself cannot be used, when
 * memory is out, or on Ctrl-C; a kernel or pool part that fails otherwise leaves its error in the
 * case. case_fini() in any case.
 */
enum ps_status case_init(struct case_file *c, const char *path, enum case_depth depth,
			 enum dump_reader reader, const struct log *log, struct progress *progress,
			 struct ps_error *err);

struct case_options {
	enum dump_reader reader;
	struct pack_options pack; /* of archives */
	const struct symbol_options
		*symbols; /* NULL: the known builds alone; must outlive the case */
};

/** As case_init(), with more to choose. */
enum ps_status case_init_with(struct case_file *c, const char *path, enum case_depth depth,
			      const struct case_options *options, const struct log *log,
			      struct progress *progress, struct ps_error *err);

void case_fini(struct case_file *c);

struct owner_options {
	const char *const *drivers; /* folders or files; may be none */
	size_t driver_count;
	const struct symbol_options
		*symbols; /* NULL: no names of functions; must outlive the case */
	unsigned threads; /* at most; 0: one for each processor */
};

/**
 * Looks for the owners of tags: in the drivers of the dump, with copies of their files; in those
 * files alone when no dump is open. As above, a part that fails leaves its error in the case; a
 * folder that cannot be opened is returned.
 */
enum ps_status case_find_owners(struct case_file *c, const struct owner_options *how,
				struct progress *progress, struct ps_error *err);

/** Reads the kernel's processes. As above, a part that fails leaves its error in the case. */
enum ps_status case_read_processes(struct case_file *c, struct ps_error *err);

/**
 * Runs the selected plugins over the case into a fresh report. The report may borrow from the case
 * and from the selection while it is printed: destroy it first.
 */
enum ps_status case_report(struct case_file *c, const struct selection *selection,
			   const struct case_texts *texts, struct report **ret,
			   struct ps_error *err);

#endif
