/*
 * The result model: everything a command can say, before any rendering. Filled by plugins, rendered
 * by text.c, json.c and csv.c. Knows no dump and no kernel structure.
 *
 * Ownership: report_create()/report_destroy(); strings and arrays put into it through report_text()
 * and report_array() live as long as the report. Row sources (big allocations) are borrowed for one
 * rendering and closed with the report. "Unknown" is has_value false / NULL and always has a note
 * that says why.
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
	const char *note;  /* why it is unknown; NULL when known */
};

/** Sentences for the analyst. */
struct report_notes {
	const char **items;
	size_t count;
};

/** What the header of a crash dump says, as it stands there. */
struct report_header {
	bool available;
	struct report_number dump_type, build, free_build, processors;
	struct report_string machine;
	struct report_number directory_table_base, pfn_database, module_list, process_list, kdbg;
	struct report_number product_type, suite_mask, attributes;
};

/** Data that drivers or the kernel added to a minidump. */
struct report_secondary {
	const char *guid; /* "da82441d-7142-4bc1-b844-0807c5a4b67f" */
	uint64_t bytes;
	struct report_string name; /* whose they are */
};

/** What a minidump holds. */
struct report_minidump {
	bool available;
	uint64_t pieces, bytes; /* of virtual memory; each address counted once */
	bool context, exception, processor, process, thread;
	uint64_t stack_bytes, kdbg_bytes; /* 0: there is none */
	struct report_secondary *secondary;
	size_t secondary_count;
	uint64_t secondary_bytes;
};

struct report_file {
	const char *path;
	uint64_t size;      /* bytes */
	const char *format; /* "windows-bitmap", ... */
	const char *title;  /* for text */
	/* Every page that the container lists is in the file, and none that was read is damaged. */
	bool complete;
	uint64_t pages_listed, pages_in_file;
	uint64_t pages_damaged; /* of those in the file that were read; others were not looked at */
	bool more_damaged;      /* pages_damaged is a lower bound */
	struct report_header header;
	struct report_minidump minidump;
	struct report_notes notes;
};

struct report_bugcheck {
	bool known;
	uint32_t code;
	struct report_string name;
	uint64_t parameters[4];
	const char *note; /* why it is not known */
};

struct report_system {
	struct report_string product, service_pack, computer_name, arch;
	struct report_number build;
	struct report_string build_lab;
	struct report_number processors, physical_pages;
	struct report_string crash_time; /* ISO 8601, UTC: "2024-05-01T03:12:45Z" */
	struct report_number uptime_seconds;
	struct report_bugcheck bugcheck;
	struct report_number directory_table_base, kernel_base, kdbg;
	struct report_string kernel_pdb_name, kernel_pdb_guid_age;
	struct report_string located_by; /* how root, KDBG and tables were found */
	struct report_notes notes;
};

struct report_module {
	uint64_t base, size; /* bytes */
	struct report_string name, path;
	struct report_number checksum;
	struct report_number
		timestamp; /* seconds since 1970; reproducible builds put a hash here */
	struct report_string pdb_name, pdb_guid_age;
	struct report_string unloaded_at; /* unloaded modules: ISO 8601 */
};

struct report_modules {
	bool available;
	struct report_module *items;
	size_t count;
	bool complete;
	const char *note; /* why it is not available, or not complete */
};

struct report_side {
	uint64_t allocs, frees;
	int64_t diff, bytes;
};

struct report_tag {
	uint32_t tag; /* four bytes in memory order as a little-endian number */
	struct report_side nonpaged, paged;
	bool complete; /* the row is exact; otherwise counts are bounds and bytes unknown both ways
			*/
	bool overflow; /* what had no slot of its own */
	const char *image; /* "ntfs.sys"; NULL when unknown */
	struct report_string description;
	const char *description_source; /* "built in" or the --pooltag file's name; NULL if none */
};

/** A row of a printed table: one pool's share of one tag. */
struct report_line {
	size_t tag; /* index into report->tags */
	bool paged;
	bool has_per_alloc;
	int64_t per_alloc; /* bytes / diff */
	bool has_share;
	unsigned share_permille; /* of the pool's sum over all tags */
};

struct report_lines {
	struct report_line *items;
	size_t count;
	size_t left_out; /* rows that --top cut off */
};

struct report_tracker {
	bool available;
	const char *note; /* why not available */
	uint64_t address;
	uint32_t entry_size; /* bytes */
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
	uint64_t unknown_count, unknown_bytes; /* XP and 2003 without pool ranges */
	struct report_string description;
	const char *image;
};

/** A row of the printed table: one pool's share of one tag. */
struct report_big_line {
	size_t tag; /* index into report->big.tags */
	int paged;  /* 1 paged, 0 nonpaged, -1 unknown */
	uint64_t count, bytes, per_alloc;
};

struct report_big {
	bool available;
	const char *note; /* why not available */
	uint64_t address;
	uint32_t entry_size; /* bytes */
	uint64_t entries, in_use, freed;
	uint64_t pages_expected, pages_present;
	bool complete;
	const char *incomplete_reason; /* NULL when complete */
	const char *
		remark; /* a note: size not proved, kind by address, ...; NULL when there is none */
	bool has_tags;
	struct report_big_tag *tags; /* the tags asked for, in the order of the lines */
	size_t tag_count;
	struct report_big_line *lines;
	size_t line_count;
	size_t left_out; /* lines that --top cut off */
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
	/** *ret_found false at the end. */
	enum ps_status (*next)(void *context, struct report_big_row *ret, bool *ret_found,
			       struct ps_error *err);
	void (*close)(void *context); /* called by report_destroy() */
	void *context;
};

/** `big --dump`: bytes of one allocation; `present` has one flag a byte. */
struct report_hex {
	bool available;
	uint64_t va;
	uint64_t allocation_bytes; /* of the whole allocation */
	uint32_t tag;
	int paged; /* 1 paged, 0 nonpaged, -1 unknown */
	const uint8_t *data;
	const bool *present;
	size_t size;      /* bytes shown */
	const char *note; /* what is missing and why; NULL when nothing is */
};

enum finding_severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_PROBLEM };

struct report_finding {
	const char *id; /* stable: "tracker-incomplete" */
	enum finding_severity severity;
	const char *title, *detail;
	const char *next_step; /* NULL when there is nothing to do */
	struct report_notes evidence;
};

/** One pool's totals. */
struct report_pool_total {
	int64_t tag_bytes;                             /* sum over tags */
	struct report_number allocated, maximum;       /* bytes, read from the kernel */
	const char *allocated_source, *maximum_source; /* which variable; NULL when not known */
	bool has_used;
	unsigned used_permille; /* of the maximum: allocated where known, else the sum over tags */
};

struct report_totals {
	bool available;
	const char *note;
	enum figure_trust trust; /* of tag_bytes */
	const char *sums_note;   /* why tag_bytes are not known; NULL when they are */
	struct report_number committed, committed_peak, commit_limit; /* bytes, of the machine */
	const char *commit_source;
	struct report_pool_total nonpaged, paged;
};

/** What a command prints; the other parts are null in JSON with a note. */
enum report_section {
	SECTION_SYSTEM = 1 << 0,
	SECTION_MODULES = 1 << 1,
	SECTION_TRACKER = 1 << 2, /* the tables themselves, without their rows */
	SECTION_TAGS = 1 << 3,
	SECTION_TOP = 1 << 4, /* the biggest tags of either pool */
	SECTION_BIG = 1 << 5,
	SECTION_BIG_TAGS = 1 << 6,
	SECTION_BIG_LIST = 1 << 7,
	SECTION_HEX = 1 << 8,
	SECTION_TOTALS = 1 << 9,
	SECTION_FINDINGS = 1 << 10,
};

/** Which page the text renderer lays out. */
enum report_view {
	VIEW_ANALYZE,
	VIEW_TAGS,
	VIEW_BIG,
	VIEW_BIG_LIST,
	VIEW_HEX,
	VIEW_MODULES,
	VIEW_INFO,
};

struct report {
	enum report_view view;
	const char **options; /* as given, for tool.options; borrowed */
	size_t option_count;
	unsigned sections; /* enum report_section bits that were asked for */

	struct report_file file;
	bool has_system;
	struct report_system system;
	struct report_modules modules, unloaded;
	struct report_tracker tracker;
	struct report_notes pool_notes;
	struct report_tag *tags; /* the rows asked for, in the order asked for */
	size_t tag_count;
	bool has_tags;
	struct report_lines lines;                   /* SECTION_TAGS */
	struct report_lines top_nonpaged, top_paged; /* SECTION_TOP */
	struct report_big big;
	struct report_big_source big_rows;
	struct report_hex hex;
	struct report_totals totals;
	struct report_finding *findings; /* owned */
	size_t finding_count, finding_capacity;
	bool incomplete; /* a printed figure is incomplete: exit status 1 */

	struct report_block *blocks; /* owned: strings and arrays */
};

/** NULL when memory is out. */
struct report *report_create(void);

/** Frees the report and all in it, and closes its row source. NULL is harmless. */
void report_destroy(struct report *report);

/** Copies printf-formatted text into the report. NULL when memory is out. */
const char *report_text(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Room for `count` zeroed items that live as long as the report. NULL when memory is out. */
void *report_array(struct report *report, size_t count, size_t size);

/** Appends a finding and returns it for filling; NULL when memory is out. */
struct report_finding *report_add_finding(struct report *report);

/** "info", "warning", "problem". Static. */
const char *severity_word(enum finding_severity severity);

/** "exact", "at-least", "about". Static. */
const char *trust_word(enum figure_trust trust);

enum { TAG_TEXT = 20, TAG_HEX = 9 };

/** "Irp " or "\x01abc": the tag's bytes, those outside 0x20-0x7e as \xNN. Returns `text`. */
char *tag_text(uint32_t tag, char text[TAG_TEXT]);

/** "4c65616b": the bytes in memory order. Returns `text`. */
char *tag_hex(uint32_t tag, char text[TAG_HEX]);

#endif
