/*
 * An opened container: physical pages or, of a minidump, pieces of virtual memory, and what the
 * container itself says of the machine.
 *
 * Ownership: dump_open() creates a dump, dump_close() frees it and all it owns; everything reached
 * through it is borrowed and dies with it. Two dumps can be open in one process. This room knows
 * files and pages, no Windows kernel and no page table.
 */
#ifndef PS_FORMATS_DUMP_H
#define PS_FORMATS_DUMP_H

#include "base/log.h"
#include "base/progress.h"
#include "formats/file.h"
#include "formats/pack/packed.h"
#include "formats/page_map.h"
#include "formats/page_set.h"
#include "formats/page_source.h"
#include "formats/triage.h"
#include "formats/virtual_map.h"

enum machine { MACHINE_UNKNOWN, MACHINE_X86, MACHINE_X64, MACHINE_ARM64, MACHINE_IA64 };

enum tristate { TRI_UNKNOWN, TRI_NO, TRI_YES };

/** A number that the container may or may not state. */
struct fact {
	bool known;
	uint64_t value;
};

enum { CR3_MOST = 64 };

/** General registers of x86 and x64, in the order of their encoding. */
enum { CPU_AX, CPU_CX, CPU_DX, CPU_BX, CPU_SP, CPU_BP, CPU_SI, CPU_DI, CPU_R8, CPU_GENERAL = 16 };

/** Segment registers, in the order of their encoding. */
enum { CPU_ES, CPU_CS, CPU_SS, CPU_DS, CPU_FS, CPU_GS, CPU_SEGMENTS };

/** What a snapshot says of a processor at the moment when it was taken. */
struct cpu_registers {
	bool known;
	uint64_t general[CPU_GENERAL];
	uint64_t ip, flags;
	uint16_t segments[CPU_SEGMENTS]; /* selectors */
};

/**
 * What the container itself says. A field equal to the PAGE filler is not known, nor is one that is
 * 0, except suite_mask and attributes.
 */
struct machine_facts {
	enum machine machine;
	enum tristate pae;      /* x86 only */
	struct fact dtb;        /* as stored; mask before use */
	uint64_t cr3[CR3_MOST]; /* page-table roots of the processors, each once, in their order */
	unsigned cr3_count;
	struct fact kdbg;         /* VA */
	struct fact module_list;  /* VA of PsLoadedModuleList */
	struct fact process_list; /* VA of PsActiveProcessHead */
	struct fact pfn_database; /* VA */
	struct fact build;        /* MinorVersion: NtBuildNumber without flags */
	struct fact free_build;   /* MajorVersion: 0xF free, 0xC checked */
	struct fact processors;
	struct fact bugcheck_code;
	uint64_t bugcheck_parameters[4]; /* meaningful when bugcheck_code is known */
	struct fact system_time;         /* FILETIME: 100 ns since 1601, UTC */
	struct fact uptime;              /* 100 ns */
	struct fact product_type;        /* 1 workstation, 2 domain controller, 3 server */
	struct fact suite_mask;
	struct fact physical_pages; /* pages of RAM that the header's runs list */
	struct fact dump_type;
	struct fact attributes;
	struct cpu_registers cpu; /* of the first processor */
};

/** What memory the container holds. */
enum dump_holds {
	HOLDS_PAGES,  /* physical pages: dump->map */
	HOLDS_RANGES, /* pieces of virtual memory: dump->ranges (minidumps) */
	HOLDS_NOTHING /* a header alone */
};

enum { DUMP_NOTES = 16, DUMP_NOTE_TEXT = 240 };

/** Who reads the pages, where there is a choice (ELF cores). */
enum dump_reader { READER_ANY, READER_NATIVE, READER_KDUMPFILE };

struct dump_options {
	enum dump_reader reader;
	struct pack_options pack;  /* of archives */
	struct progress *progress; /* for containers that must be unpacked first; may be NULL */
};

struct format;
struct crash_header;

struct dump {
	struct file file;
	struct packed_dump
		*packed; /* owned; the archive that the file was unpacked from, or NULL */
	const struct format *format;
	const char *kind;  /* JSON name: "windows-full", "windows-bitmap", "raw"; static */
	const char *title; /* "Windows crash dump, type 5 (bitmap), 64-bit" */
	char title_text[96];
	struct machine_facts facts;
	struct crash_header
		*header; /* owned; of a Windows crash dump, as the file has it; or NULL */
	enum dump_holds holds;
	struct page_map map;
	struct page_source *source; /* owned; NULL: the file has the pages where the map says */
	uint64_t pages_lost;        /* listed, not in the file, and not known to the map */
	uint64_t pages_cut;         /* in the map, whose bytes the file lacks */
	struct page_set damaged;    /* pages of the source that could not be unpacked or read */
	struct virtual_map ranges;  /* settled */
	struct triage *triage;      /* owned; minidumps only, else NULL */
	bool holes_absent;          /* raw files: a hole of the file is an absent page */
	bool zeros_suspect; /* its writer stores memory that it cannot read as pages of zeros */
	const char *advice; /* when no kernel is found in it, what would help; NULL; static */
	bool complete;      /* every page that the container lists is in the file */
	enum dump_reader reader;   /* what the caller asked for */
	struct progress *progress; /* borrowed, for the time of opening; may be NULL */
	/* Sentences for the analyst: truncated, live, ... */
	char notes[DUMP_NOTES][DUMP_NOTE_TEXT];
	unsigned note_count;
};

/** One row of the format table; see open.c for the order and its reasons. */
enum probe { PROBE_MINE, PROBE_NOT_MINE, PROBE_ERROR };

struct format {
	const char *name; /* for -v and docs */
	const char *what; /* "Windows crash dump": of a file that cannot be described further */
	/**
	 * Looks at dump->file and, when the file is of its kind, fills kind, title, facts, map.
	 * PROBE_NOT_MINE leaves the dump as it was; PROBE_ERROR fills *err and ends the search.
	 */
	enum probe (*open)(struct dump *dump, struct ps_error *err);
};

/** Opens `path` with the first format that takes it. The caller closes *ret. */
enum ps_status dump_open(const char *path, const struct log *log, struct dump **ret,
			 struct ps_error *err);

/** As dump_open(). PS_USAGE when the file has no such reader as the options ask for. */
enum ps_status dump_open_with(const char *path, const struct dump_options *options,
			      const struct log *log, struct dump **ret, struct ps_error *err);

/** Frees the dump. NULL is harmless. */
void dump_close(struct dump *dump);

/** Adds a sentence for the analyst; silently drops what exceeds DUMP_NOTES. */
void dump_note(struct dump *dump, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The extent beginning at `pfn`: page map, clipped by the end of the file and by file holes. */
void dump_locate(struct dump *dump, uint64_t pfn, struct extent *ret);

/** First present extent at or after `pfn`, for scans. False when there is none. */
bool dump_next_present(struct dump *dump, uint64_t pfn, struct extent *ret);

/**
 * Copies `length` bytes of physical memory at `pa`. PAGE_PRESENT when all of them were there;
 * otherwise the state of the first page that was not, and `to` is undefined.
 */
enum page_state dump_read(struct dump *dump, uint64_t pa, void *to, size_t length);

/**
 * True when the page's bytes are in the file's page cache, so that a prefetch would gain nothing.
 * Of pages that come from a source it is not known, and false.
 */
bool dump_is_cached(struct dump *dump, uint64_t pfn);

/**
 * Copies `length` bytes of virtual memory at `va`, which must lie in one range of dump->ranges.
 * States as for dump_read().
 */
enum page_state dump_read_range(struct dump *dump, uint64_t va, void *to, size_t length);

/** Tells the kernel that these pages will be read soon. */
void dump_prefetch(struct dump *dump, uint64_t pfn, uint64_t count);

/**
 * True when the process that reads the container has ended before its time: *err says how. Pages
 * are PAGE_READER_LOST from then on.
 */
bool dump_reader_lost(const struct dump *dump, struct ps_error *err);

/**
 * Number of pages that ended the process that reads the container, which was started anew; they are
 * PAGE_DAMAGED from then on. *err, untouched when there is none, names the last one and how.
 */
unsigned dump_bad_pages(const struct dump *dump, struct ps_error *err);

/** Words for a page state: "not in the dump", "in a hole of the sparse file", ... Static. */
const char *page_state_words(enum page_state state);

/** "x86", "x64", "arm64", "ia64", "unknown". Static. */
const char *machine_name(enum machine machine);

#endif
