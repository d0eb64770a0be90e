/*
 * The result model: everything a command can say, before any rendering. Filled by plugins, rendered
 * by text.c, json.c and csv.c. Knows no dump and no kernel structure.
 *
 * Ownership: report_create()/report_destroy(); strings put into it through report_text() live as
 * long as the report. Row sources (big allocations, hex dumps) are borrowed for one rendering.
 * "Unknown" is has_value false / NULL and always has a note that says why.
 */
#ifndef PS_ANALYZER_REPORT_REPORT_H
#define PS_ANALYZER_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** How far a printed figure can be trusted. */
enum figure_trust {
	FIGURE_EXACT,
	FIGURE_AT_LEAST, /* lower bound: printed with >= */
	FIGURE_ABOUT,    /* unknown both ways: printed with ~ */
};

struct report_number {
	bool has_value;
	uint64_t value;
	const char *note; /* why it is unknown; NULL when known */
};

struct report_string {
	const char *value; /* NULL when unknown */
	const char *note;
};

struct report_file {
	const char *path;
	uint64_t size;
	const char *format; /* "windows-bitmap", ... */
	const char *title;  /* for text */
	bool complete;
	const char **notes;
	size_t note_count;
	uint64_t pages_listed, pages_in_file;
};

struct report_system {
	struct report_string product, service_pack, computer_name;
	const char *arch;
	struct report_number build;
	struct report_string build_lab;
	struct report_number processors, physical_pages;
	struct report_string crash_time; /* ISO 8601, UTC: "2024-05-01T03:12:45Z" */
	struct report_number uptime_seconds;
	bool has_bugcheck;
	uint32_t bugcheck_code;
	const char *bugcheck_name; /* NULL when it has none here */
	uint64_t bugcheck_parameters[4];
	const char *bugcheck_note; /* when has_bugcheck is false */
	uint64_t directory_table_base;
	struct report_number kernel_base, kdbg;
	struct report_string kernel_pdb_name, kernel_pdb_guid_age;
	const char *located_by; /* "KDBG from the header; pool tables by structural search" */
	const char **notes;
	size_t note_count;
};

struct report_module {
	uint64_t base, size;
	struct report_string name, path;
	struct report_number timestamp; /* seconds since 1970; reproducible builds put a hash here */
	struct report_string pdb_name, pdb_guid_age;
	struct report_string unloaded_at; /* unloaded modules: ISO 8601 */
};

struct report_modules {
	struct report_module *items;
	size_t count;
	bool complete;
	const char *note;
};

struct report_side {
	uint64_t allocs, frees;
	int64_t diff, bytes;
};

struct report_tag {
	uint32_t tag; /* four bytes in memory order as a little-endian number */
	struct report_side nonpaged, paged;
	bool complete;
	bool overflow;
	const char *image;       /* from the tag tables: "ntfs.sys"; NULL when unknown */
	const char *description; /* NULL when unknown */
	const char *description_source; /* "built in" or the --pooltag file's name */
};

struct report_tracker {
	uint64_t address;
	uint32_t entry_size;
	uint64_t entries;
	char hash; /* 'A', 'B', '?' */
	unsigned processors_merged;
	uint64_t pages_expected, pages_present;
	bool complete;
	const char *incomplete_reason; /* NULL when complete */
};

struct report_big_tag {
	uint32_t tag;
	uint64_t nonpaged_count, nonpaged_bytes, paged_count, paged_bytes;
	uint64_t unknown_count, unknown_bytes;
	const char *description;
};

struct report_big {
	uint64_t address;
	uint32_t entry_size;
	uint64_t entries, in_use, freed;
	uint64_t pages_expected, pages_present;
	bool complete;
	const char *note; /* size not proved, kind by address, ...; NULL when there is none */
	struct report_big_tag *tags;
	size_t tag_count;
};

/** One big allocation, for `big --list`. */
struct report_big_row {
	uint64_t index, va, bytes;
	uint32_t tag, type;
	bool freed, is_protected;
	int paged; /* 1 paged, 0 nonpaged, -1 unknown */
};

/** Streams rows so that a million of them never lie in memory. */
struct report_big_source {
	bool (*next)(void *context, struct report_big_row *ret);
	void *context;
};

/** `big --dump`: bytes of one allocation; `present` has one flag a byte. */
struct report_hex {
	uint64_t va;
	uint64_t allocation_bytes; /* of the whole allocation */
	uint32_t tag;
	const uint8_t *data;
	const bool *present;
	size_t size; /* bytes shown */
	const char *note; /* what is missing and why; NULL when nothing is */
};

struct report_finding {
	const char *id;       /* stable: "tracker-incomplete" */
	const char *severity; /* "info", "warning", "problem" */
	const char *title, *detail, *next_step;
	const char **evidence;
	size_t evidence_count;
};

struct report_reported { /* a total read from the kernel */
	const char *name;
	uint64_t bytes;
	const char *source;
};

struct report_totals {
	int64_t nonpaged_bytes, paged_bytes; /* sums over tags */
	enum figure_trust trust;
	struct report_reported *reported;
	size_t reported_count;
};

/** Sections that a command printed; the others are null in JSON with a note. */
enum report_section {
	SECTION_SYSTEM = 1 << 0,
	SECTION_MODULES = 1 << 1,
	SECTION_TAGS = 1 << 2,
	SECTION_BIG = 1 << 3,
	SECTION_BIG_LIST = 1 << 4,
	SECTION_TOTALS = 1 << 5,
	SECTION_FINDINGS = 1 << 6,
	SECTION_HEX = 1 << 7,
};

struct report {
	const char *command; /* "analyze" */
	const char **options; /* as given, for tool.options */
	size_t option_count;
	unsigned sections; /* enum report_section bits that were filled */

	struct report_file file;
	struct report_system system;
	bool has_system;
	const char *system_note; /* why not */
	struct report_modules modules, unloaded;
	bool has_tracker;
	const char *tracker_note; /* why not, e.g. the error that kept it from being read */
	struct report_tracker tracker;
	struct report_tag *tags; /* all rows, in the order and selection asked for */
	size_t tag_count, tag_capacity;
	bool has_big;
	const char *big_note;
	struct report_big big;
	struct report_big_source big_rows;
	struct report_hex hex;
	struct report_totals totals;
	struct report_finding *findings;
	size_t finding_count, finding_capacity;
	bool incomplete; /* a printed figure is incomplete: exit status 1 */

	struct report_strings *strings; /* owned */
};

struct report *report_create(void);
void report_destroy(struct report *report);

/** Copies printf-formatted text into the report. NULL when memory is out. */
const char *report_text(struct report *report, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/** Appends a finding and returns it for filling; NULL when memory is out. */
struct report_finding *report_add_finding(struct report *report);

/** Room for `count` zeroed items that live as long as the report. NULL when memory is out. */
void *report_array(struct report *report, size_t count, size_t size);

enum { TAG_TEXT = 20 };

/** "Irp " or "\x01abc": the tag's bytes, those outside 0x20-0x7e as \xNN. Returns `text`. */
char *tag_text(uint32_t tag, char text[TAG_TEXT]);

/** "4c65616b": the bytes in memory order. Returns `text`. */
char *tag_hex(uint32_t tag, char text[TAG_TEXT]);

#endif
