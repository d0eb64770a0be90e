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

/** The archive that the dump was unpacked from. */
struct report_packed {
	bool available;
	const char *member;  /* of archives in archives joined by '/' */
	const char *packing; /* "zip", "zip, Deflate64", "tar.gz", "gz in zip" */
	uint64_t size;       /* of the archive, bytes */
	struct report_number elapsed_ms, processor_ms; /* of the unpacking; a batch has none */
};

struct report_file {
	const char *path;  /* as the user gave it: the archive of a packed dump */
	const char *label; /* for text: "MEMORY.DMP in case.zip", or the path */
	struct report_packed packed;
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
	bool crashed;                    /* a bug check is known that stopped the machine */
	struct report_number uptime_seconds;
	struct report_bugcheck bugcheck;
	struct report_number directory_table_base, kernel_base, kdbg;
	struct report_string kernel_pdb_name, kernel_pdb_guid_age;
	struct report_string located_by; /* how root, KDBG and tables were found */
	struct report_notes notes;
};

/** One place where symbols of the kernel were looked for. */
struct report_symbol_source {
	const char *source; /* "PDB", "ISF", "cache", "known build" */
	const char *result; /* "found", "absent", "other", "damaged", "wrong" */
	const char *where, *words;
};

/** A structure of whose layout the source that is used knows. */
struct report_symbol_layout {
	const char *structure;
	bool used;
	const char *why; /* not used */
};

struct report_symbols {
	bool available;
	const char *note; /* why no source was asked */
	const char *used; /* the source that is used; NULL: none */
	unsigned variables, all_variables, offsets, all_offsets; /* known by it, asked for */
	size_t known_builds;
	struct report_symbol_source *sources; /* in the order asked */
	size_t source_count;
	struct report_symbol_layout *layouts; /* all others are built in */
	size_t layout_count;
};

/** What a driver's version resource says of it. */
struct report_version {
	bool available;
	const char *note; /* why not available */
	struct report_string company, product, description, file_version, original_name;
	const char *copied_from; /* path of the file that it was read in; NULL: the dump */
};

struct report_module {
	uint64_t base, size; /* bytes */
	struct report_string name, path;
	struct report_number checksum;
	struct report_number
		timestamp; /* seconds since 1970; reproducible builds put a hash here */
	struct report_string pdb_name, pdb_guid_age;
	struct report_string unloaded_at; /* unloaded modules: ISO 8601 */
	struct report_version version;
	const char *code_note; /* what of its code could not be read; NULL: nothing */
	size_t driver;         /* index + 1 into report->drivers; 0: it owns no tag in use */
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
	size_t owner; /* index + 1 into report->owners; 0: owners were not asked for */
};

/** Whom a tag belongs to, as far as the evidence goes. */
enum report_ownership {
	OWNED_BY_NOBODY,  /* no candidate at all */
	OWNED_BY_ONE,     /* code or registration data of one driver */
	OWNED_BY_SEVERAL, /* the same of several */
	OWNED_PERHAPS,    /* weaker evidence only */
	OWNED_FOR_OTHERS, /* the kernel allocates it for whoever holds the object */
};

enum { REPORT_GRADES = 7 };

/** One piece of evidence that a driver owns a tag. */
struct report_evidence {
	const char *kind;             /* "call site", ...; static */
	struct report_number address; /* VA */
	uint32_t rva;
	const char *api;      /* NULL for bytes and for what is no place in code */
	const char *section;  /* NULL when not known */
	const char *function; /* "LeakPool+0x12", by a PDB of the driver; NULL when not known */
	const char *source;   /* "dump", or the path of a file; NULL: neither, a tag list */
	unsigned levels;      /* wrappers between the site and the API */
	bool one_of_several;  /* the same site can pass other tags as well */
	const char *text;     /* one sentence */
	const char **listing; /* disassembled lines around the site */
	size_t listing_count;
};

struct report_candidate {
	const char *module; /* "myfault.sys" */
	bool unloaded, kernel_itself;
	const char *grade;             /* of its best evidence; static words */
	unsigned rank;                 /* 0 is the strongest grade */
	bool proof;                    /* of a grade that is enough to name an owner */
	unsigned sites[REPORT_GRADES]; /* pieces of evidence, by rank */
	uint64_t pointers, sampled; /* contents: sampled blocks that point into it, of how many */
	const struct report_version *version; /* NULL: not known */
	struct report_evidence *evidence;     /* best first */
	size_t evidence_count;
	size_t evidence_left_out;
};

/** What is known of one tag's owner. */
struct report_owner {
	uint32_t tag;
	enum report_ownership ownership;
	const char *words; /* short, for a column: "nt", "a.sys or b.sys", "a.sys ?", "-" */
	struct report_candidate *candidates; /* best first */
	size_t candidate_count;
	struct report_notes notes; /* what was looked at, not found, and would help */
};

/** Pool bytes of one driver over all tags that it alone is shown to own. */
struct report_driver {
	const char *module;
	bool kernel_itself;
	int microsoft;                         /* 1 yes, 0 no, -1 unknown */
	int64_t nonpaged, paged;               /* bytes, those for others included */
	int64_t others_nonpaged, others_paged; /* what the kernel allocated for others */
	uint32_t *tags;                        /* biggest first */
	size_t tag_count, others_count;
	struct report_version version;
};

/** Tags that are nobody's, or several drivers', in the roll-up. */
struct report_remainder {
	int64_t nonpaged, paged; /* bytes */
	uint32_t *tags;          /* biggest first */
	const char **names;      /* of each tag's candidates; NULL: none */
	size_t tag_count;
};

struct report_drivers {
	bool available;
	const char *note; /* why not available */
	enum figure_trust trust;
	struct report_driver *items; /* most bytes first */
	size_t count;
	size_t shown; /* rows of the text table */
	struct report_remainder shared, unowned;
	size_t modules_read, modules_in_part; /* how many drivers' code was looked at */
	size_t modules_unexamined; /* of the latter, since it asks for more work than is done */
};

/** A process: one that runs, or one that has ended and is still referred to. */
struct report_process {
	uint64_t address; /* of its EPROCESS */
	uint64_t pid;
	struct report_string name;
	const char *state; /* "running", "exited", "unknown"; static */
	bool exited;
	struct report_number parent, session, threads;
	struct report_number handles; /* open in its handle table */
	struct report_number held;    /* of an exited one: handles open to it anywhere */
	struct report_number holds;   /* its own handles to exited processes */
	bool holds_at_least;          /* part of its handle table is not in the dump */
	struct report_string started, ended;
};

/** Exited processes of one name and one parent. */
struct report_ended {
	const char *name;
	struct report_number parent;
	struct report_string parent_name; /* of the process that has that pid now */
	size_t count;
	size_t without_handle; /* of them, those to which nobody has a handle */
};

struct report_processes {
	bool available;
	const char *note; /* why not available */
	const char *hint; /* what would help; NULL: nothing */
	uint64_t head;    /* of PsActiveProcessHead */
	const char *head_source, *offsets_source;
	struct report_string count_source; /* of handles, where a table has a count per processor */
	bool complete;
	const char *remark;    /* why it is not complete, or links that are wrong; NULL: nothing */
	bool same_page_tables; /* System has those that the kernel was found with */
	size_t running, exited, unknown;
	uint64_t handles;             /* of all processes whose count is known */
	size_t handles_unknown;       /* processes that run, whose count is not known */
	struct report_process *items; /* in the order asked for, those that have ended last */
	size_t count, shown;
	struct report_ended *ended; /* most first */
	size_t ended_count;
};

/** A driver file that was looked at without a dump. */
struct report_driver_file {
	const char *name, *path;
	struct report_number timestamp;
	uint64_t size; /* SizeOfImage */
	struct report_string pdb_name, pdb_guid_age;
	struct report_version version;
	unsigned sites, sites_unresolved;
	const char *note; /* what could not be read; NULL: nothing */
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

/** Pool of one session, which is in no sum of the system's. */
struct report_session {
	uint64_t id, pid;    /* pid: of the process that it was read through */
	const char *process; /* its name; NULL: there was none */
	bool available;
	const char *note; /* why not */
	uint64_t address, entries;
	uint32_t entry_size;
	const char *source;
	uint64_t pages_expected, pages_present;
	bool complete;
	const char *complete_note;
	int64_t nonpaged_bytes, paged_bytes; /* sums over its tags */
	struct report_tag *tags;
	size_t tag_count;
	struct report_lines lines; /* into its own tags */
};

struct report_sessions {
	bool available; /* false: they were not asked for */
	bool complete;  /* no session can be missing */
	struct report_session *items;
	size_t count;
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

/** How a total came about. */
enum report_basis {
	BASIS_READ, /* read from the dump; it agrees with the sums over tags, where they are known
		     */
	BASIS_DOUBTFUL, /* read, but it cannot be right beside them */
	BASIS_DERIVED,  /* by Windows' rules, from RAM, version and switches */
};

/** A total with where it comes from. */
struct report_total {
	struct report_number number; /* bytes */
	enum report_basis basis;
	const char *source; /* "MmAllocatedNonPagedPool (KDBG)"; NULL when unknown */
	const char *remark; /* why doubtful, which rule; NULL when there is nothing to say */
};

enum { REPORT_REJECTED = 4 };

/** One pool's totals. */
struct report_pool_total {
	int64_t tag_bytes; /* sum over tags */
	struct report_total allocated, maximum;
	struct report_total space; /* the address range that the kernel has for it */
	struct report_total
		rejected[REPORT_REJECTED]; /* read as `allocated`, and cannot be right */
	size_t rejected_count;
	struct report_number other_maximum; /* where two public rules differ */
	bool has_used;
	unsigned used_permille; /* of the maximum: allocated where known, else the sum over tags */
	bool has_untracked;
	int64_t untracked; /* bytes allocated that no tag has */
};

struct report_totals {
	bool available;
	const char *note;
	enum figure_trust trust; /* of tag_bytes */
	const char *sums_note;   /* why tag_bytes are not known; NULL when they are */
	struct report_total committed, committed_peak, commit_limit; /* of the machine */
	struct report_number physical_bytes;
	const char *user_space; /* x86: "2 GB" or "3 GB (/3GB)" with the source; NULL elsewhere */
	bool user_3gb;          /* started with /3GB */
	uint32_t special_pool_tag; /* 0: none */
	uint32_t verifier_flags;   /* Driver Verifier's settings; 0: off */
	struct report_pool_total nonpaged, paged;
};

/** A tag whose counters look like a leak. */
struct report_suspect {
	uint32_t tag;
	bool paged;
	uint64_t bytes;
	unsigned share_permille; /* of the pool's sum over tags */
	unsigned kept_permille;  /* outstanding of all allocations ever made; 0: not known */
	unsigned group;          /* the same number: they grow together; 0: no group */
	size_t lockstep;         /* tags of its group, itself included; 0: none */
	uint64_t lockstep_bytes; /* of all of them */
};

/** Who holds the objects of a tag that Windows allocates for others. */
struct report_holder {
	uint32_t tag;
	const char *text;    /* a sentence without its full stop */
	const char *finding; /* id of the finding that backs it; static */
};

/** What HTTPERR logs say of refused connections beside what the dump says. */
enum log_judgement {
	LOG_NONE,           /* no logs were given */
	LOG_AGREES,         /* both say that connections were refused, or both that none was */
	LOG_CONTRADICTS,    /* the logs have refused connections, the dump shows no reason */
	LOG_SHOWS_NONE,     /* the dump says that they were refused, the logs have none */
	LOG_PROVES_NOTHING, /* the logs are not of the time between start and crash */
	LOG_ALONE,          /* the dump cannot be judged, or has no times */
};

/** The answer in a few sentences, each backed by findings. */
struct report_verdict {
	const char *text; /* NULL: not asked for, or not possible */
	const char *note; /* why there is none */
	const char **finding_ids;
	size_t finding_count;
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
	SECTION_OWNERS = 1 << 11,   /* owners of the tags printed */
	SECTION_EVIDENCE = 1 << 12, /* with all their evidence */
	SECTION_DRIVERS = 1 << 13,  /* pool bytes per driver */
	SECTION_FILES = 1 << 14,    /* drivers of a folder, without a dump */
	SECTION_PROCESSES = 1 << 15,
	SECTION_SESSIONS = 1 << 16, /* session pool */
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
	VIEW_OWNERS,       /* a table of tags and their owners */
	VIEW_EVIDENCE,     /* of one tag or a few */
	VIEW_OWNERS_FILES, /* of the drivers in a folder */
	VIEW_SYMBOLS,
	VIEW_PROCESSES,
	VIEW_SESSIONS,
};

struct report {
	enum report_view view;
	const char **options; /* as given, for tool.options; borrowed */
	size_t option_count;
	unsigned sections; /* enum report_section bits that were asked for */

	struct report_file file;
	bool has_system;
	struct report_system system;
	struct report_symbols symbols; /* SECTION_SYSTEM */
	struct report_modules modules, unloaded;
	struct report_processes processes; /* SECTION_PROCESSES */
	struct report_sessions sessions;   /* SECTION_SESSIONS */
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
	bool has_owners;
	const char *owners_note;     /* why there are none */
	struct report_owner *owners; /* of the tags in `tags`; without a dump, of all */
	size_t owner_count;
	struct report_notes owner_notes; /* of the driver files and of what could not be read */
	struct report_drivers drivers;
	const struct report_version **versions; /* of the images that were asked about */
	struct report_driver_file *driver_files;
	size_t driver_file_count;
	bool no_file;                    /* there is no dump, only driver files */
	struct report_finding *findings; /* owned */
	size_t finding_count, finding_capacity;
	struct report_suspect *suspects; /* most bytes first */
	size_t suspect_count;
	struct report_holder *holders;
	size_t holder_count;
	enum log_judgement log_judgement;
	struct report_verdict verdict;
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

/**
 * What the time of the machine is called: "Crash", or "Taken" of memory of which no crash is known:
 * hibernation files, live dumps, snapshots. Static.
 */
const char *report_time_label(const struct report_system *system);

/** "info", "warning", "problem". Static. */
const char *severity_word(enum finding_severity severity);

/** "read", "doubtful", "derived". Static. */
const char *basis_word(enum report_basis basis);

/** "exact", "at-least", "about". Static. */
const char *trust_word(enum figure_trust trust);

enum { TAG_TEXT = 20, TAG_HEX = 9 };

/** "Irp " or "\x01abc": the tag's bytes, those outside 0x20-0x7e as \xNN. Returns `text`. */
char *tag_text(uint32_t tag, char text[TAG_TEXT]);

/** "4c65616b": the bytes in memory order. Returns `text`. */
char *tag_hex(uint32_t tag, char text[TAG_HEX]);

#endif
