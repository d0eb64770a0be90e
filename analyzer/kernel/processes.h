/*
 * The processes of the kernel: those that run, and those that have ended and are still there
 * because somebody refers to them; how many handles each has open, and who holds the ended ones.
 *
 * They come from PsActiveProcessHead's list, in which a process stays until its object is deleted.
 * Ownership: processes_read() fills, process_list_fini() frees what it filled; the kernel is
 * borrowed while it reads. Not supported: processes that were taken out of the list (hidden ones),
 * threads, what a handle is for (but for handles to processes that have ended), minidumps.
 */
#ifndef PS_ANALYZER_KERNEL_PROCESSES_H
#define PS_ANALYZER_KERNEL_PROCESSES_H

#include "analyzer/kernel/process_offsets.h"

enum process_state {
	PROCESS_RUNS,
	PROCESS_EXITED, /* it has ended; its object is still referred to */
	PROCESS_UNKNOWN,
};

enum { PROCESS_NAME_BYTES = 17 };

struct process {
	uint64_t va;
	char name[PROCESS_NAME_BYTES]; /* as Windows keeps it: at most 14 or 15 bytes, any code page
					*/
	uint64_t pid;
	struct fact parent, session, threads;
	struct fact created, exited; /* FILETIME; 0 is not known */
	struct fact handles;         /* open in its handle table; an exited one has none */
	struct fact held;            /* handles that are open to it, in whatever process */
	struct fact holds;           /* its own handles to processes that have ended */
	bool no_session;             /* it says that it is in none; else `session` is not known */
	uint64_t room;               /* of its handle table, in handles; 0: it was not found */
	bool holds_at_least;         /* not all pages of its handle table are in the dump */
	enum process_state state;
	const char *handles_note; /* why `handles` is not known; static, NULL when it is */
};

struct process_list {
	struct process *items; /* owned; in list order, System first */
	size_t count, capacity;
	size_t running, exited, unknown; /* by state */
	bool complete;                   /* every entry of the list was read, to its end */
	char note[320];                  /* why not */
	uint64_t head;
	const char *head_source; /* "KDBG", "symbols", "header"; static */
	char *offsets_source;    /* owned */
	struct process_offsets offsets;
	bool same_dtb;            /* System has the page tables that the kernel was found with */
	uint64_t handles;         /* sum of what is known */
	size_t handles_unknown;   /* running processes whose count is not known */
	bool lists_by_symbol;     /* ExpFreeListCount is known */
	const char *count_source; /* of handles: static; NULL: they have one count a table */
};

/**
 * Reads the list. PS_NOT_FOUND when nothing names the list or no offsets fit what is there,
 * PS_UNSUPPORTED for a minidump, PS_NO_MEMORY, PS_INTERRUPTED. A list that breaks off is no error:
 * it is followed from its other end too, and marked.
 */
enum ps_status processes_read(struct kernel *kernel, struct process_list *ret,
			      struct ps_error *err);
void process_list_fini(struct process_list *list);

/** "running", "exited", "unknown". Static. */
const char *process_state_word(enum process_state state);

/**
 * Private to this room: handles of one process, by its HANDLE_TABLE at `table`. `lists`: lists of
 * free entries a table, 0 not known yet (then the table's own pool header tells, and sets it).
 */
void process_count_handles(struct kernel *kernel, uint64_t table, unsigned *lists,
			   struct process *process);

/** Private to this room: looks through the handle tables for handles to exited processes. */
enum ps_status process_find_holders(struct kernel *kernel, struct process_list *list,
				    struct ps_error *err);

#endif
