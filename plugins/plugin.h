/*
 * Plugins: one section or finding of the report each. A plugin selects, judges and words what the
 * analyzer found; it opens nothing and knows no file offset. table.c lists them; table order is run
 * order.
 */
#ifndef PS_PLUGINS_PLUGIN_H
#define PS_PLUGINS_PLUGIN_H

#include "analyzer/kernel/function_names.h"
#include "analyzer/kernel/processes.h"
#include "analyzer/owners/owners.h"
#include "analyzer/pool/pools.h"
#include "analyzer/report/report.h"
#include "analyzer/texts/httperr.h"
#include "analyzer/texts/known.h"
#include "analyzer/texts/tag_names.h"

enum tag_sort { SORT_BYTES, SORT_DIFF, SORT_ALLOCS, SORT_FREES, SORT_TAG, SORT_PER_ALLOC };

enum process_sort { BY_HANDLES, BY_HOLDS, BY_PID, BY_NAME };

enum pool_filter { FILTER_BOTH, FILTER_NONPAGED, FILTER_PAGED };

enum { TAG_PATTERNS = 32 };

/** A tag as the user asked for it: bytes and a mask of those that must match. */
struct tag_pattern {
	uint8_t bytes[4];
	uint8_t any[4]; /* 1 = matches every byte */
};

/** What the command asks for. */
struct selection {
	enum report_view view;
	unsigned sections; /* enum report_section */
	enum tag_sort sort;
	enum process_sort process_sort;
	enum pool_filter filter;
	struct tag_pattern tags[TAG_PATTERNS];
	size_t tag_count;   /* 0 = all tags */
	size_t top;         /* rows of a table; 0 = all */
	size_t top_each;    /* rows of each of the top tables of SECTION_TOP; 0 = all */
	bool with_empty;    /* rows of a pool in which the tag was never used, for CSV and JSON */
	bool with_freed;    /* big --list: freed entries too */
	bool with_unused;   /* SECTION_OWNERS: also tags that drivers have and no table counts */
	bool with_contents; /* SECTION_OWNERS: sample allocations of every tag, explained or not */
	size_t processes;   /* SECTION_PROCESSES: rows; 0 = all */
	size_t drivers;     /* SECTION_DRIVERS: rows of the text table; 0 = all */
	size_t listings;    /* with disassembled lines: of so many of the largest tags of either
			       pool; SECTION_EVIDENCE has them for all */
	size_t evidence;    /* pieces of evidence a candidate; 0 = all */
	uint64_t dump_va;   /* SECTION_HEX */
	size_t dump_bytes;
};

/** What a plugin may look at. Everything is borrowed. */
struct plugin_input {
	struct dump *dump;     /* NULL: only driver files, and neither kernel nor pools */
	struct kernel *kernel; /* NULL: kernel_error says why */
	const struct ps_error *kernel_error;
	struct pools *pools; /* NULL: pools_error says why */
	const struct ps_error *pools_error;
	struct owners *owners; /* NULL: owners_error says why, or they were not asked for */
	const struct ps_error *owners_error;
	const struct process_list *processes; /* NULL: processes_error says why, or not asked for */
	const struct ps_error *processes_error;
	struct function_names *functions; /* NULL: none are known; reads PDBs when asked */
	const struct driver_files *files; /* NULL: no --drivers */
	const struct tag_names *names;
	const struct httperr *httperr; /* NULL: no --httperr */
	const struct known *known;     /* NULL: no --known */
	const struct selection *selection;
};

struct plugin {
	const char *name;
	unsigned sections; /* runs when the selection has one of these; 0 = always */
	enum ps_status (*run)(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
};

/** Runs every plugin whose sections are selected, in table order. */
enum ps_status plugins_run(const struct plugin_input *input, struct report *report,
			   struct ps_error *err);

/** Bit 31 (protected pool) does not count: it is never in the tables that this program reads. */
bool tag_pattern_matches(const struct tag_pattern *pattern, uint32_t tag);

/** True when the selection asks for all tags, or for this one. */
bool selection_has_tag(const struct selection *selection, uint32_t tag);

/* The plugins, one a file. */
enum ps_status plugin_file(const struct plugin_input *input, struct report *report,
			   struct ps_error *err);
enum ps_status plugin_system(const struct plugin_input *input, struct report *report,
			     struct ps_error *err);
enum ps_status plugin_symbols(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_modules(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_processes(const struct plugin_input *input, struct report *report,
				struct ps_error *err);
enum ps_status plugin_tracker(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_tags(const struct plugin_input *input, struct report *report,
			   struct ps_error *err);
enum ps_status plugin_sessions(const struct plugin_input *input, struct report *report,
			       struct ps_error *err);
enum ps_status plugin_big_pages(const struct plugin_input *input, struct report *report,
				struct ps_error *err);
enum ps_status plugin_big_list(const struct plugin_input *input, struct report *report,
			       struct ps_error *err);
enum ps_status plugin_hex(const struct plugin_input *input, struct report *report,
			  struct ps_error *err);
enum ps_status plugin_owners(const struct plugin_input *input, struct report *report,
			     struct ps_error *err);
enum ps_status plugin_drivers(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_driver_files(const struct plugin_input *input, struct report *report,
				   struct ps_error *err);
enum ps_status plugin_totals(const struct plugin_input *input, struct report *report,
			     struct ps_error *err);
enum ps_status plugin_coverage(const struct plugin_input *input, struct report *report,
			       struct ps_error *err);
enum ps_status plugin_cross_check(const struct plugin_input *input, struct report *report,
				  struct ps_error *err);
enum ps_status plugin_bugcheck(const struct plugin_input *input, struct report *report,
			       struct ps_error *err);
enum ps_status plugin_pressure(const struct plugin_input *input, struct report *report,
			       struct ps_error *err);
enum ps_status plugin_refused(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_special(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_httperr(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_known(const struct plugin_input *input, struct report *report,
			    struct ps_error *err);
enum ps_status plugin_verdict(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_holders(const struct plugin_input *input, struct report *report,
			      struct ps_error *err);
enum ps_status plugin_unloaded(const struct plugin_input *input, struct report *report,
			       struct ps_error *err);
enum ps_status plugin_leak(const struct plugin_input *input, struct report *report,
			   struct ps_error *err);

/* Wording that several plugins share (words.c). */

/** FILETIME as "2024-05-01T03:12:45Z"; NULL when memory is out. */
const char *filetime_text(struct report *report, uint64_t filetime);

/** The message of an error, with "unknown" for an empty one; NULL when memory is out. */
const char *error_text(struct report *report, const struct ps_error *error);

/** As error_text(), beginning like a sentence: "Cannot read ...". NULL when memory is out. */
const char *error_sentence(struct report *report, const struct ps_error *error);

/** What the tag tables say of `tag`. False when memory is out. */
bool describe_tag(const struct plugin_input *input, struct report *report, uint32_t tag,
		  const char **ret_image, struct report_string *ret_description,
		  const char **ret_source);

/**
 * The version resource of an image of the owners, once a report; NULL when memory is out.
 * `image` is an index into owners->images.
 */
const struct report_version *image_version(const struct plugin_input *input, struct report *report,
					   size_t image);

/** "nt" for the kernel itself, else the file's name as the machine spells it; never NULL. */
const char *image_name(const struct plugin_input *input, enum owner_where where, size_t module);

/** Adds one sentence; false when memory is out or `text` is NULL. */
bool add_note(struct report *report, struct report_notes *notes, const char *text);

/** Copies sentences into the report; false when memory is out. `stride` bytes a sentence. */
bool add_notes(struct report *report, struct report_notes *notes, const char *first, size_t stride,
	       size_t count);

#endif
