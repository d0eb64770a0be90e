/*
 * Where the members of EPROCESS, HANDLE_TABLE and MM_SESSION_SPACE lie in one kernel.
 *
 * Three sources, in this order: the symbols of this very kernel, a table by build, and the process
 * System itself, in which pid, name and page tables are known beforehand. Whatever the source, what
 * it leads to is proved: see process_offsets_find(). Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_PROCESS_OFFSETS_H
#define PS_ANALYZER_KERNEL_PROCESS_OFFSETS_H

#include "analyzer/kernel/kernel.h"

/** Of members of EPROCESS, in bytes; 0: not known (nothing but the KPROCESS lies there). */
struct process_offsets {
	uint16_t dtb, pid, links, parent, name;
	uint16_t table; /* ObjectTable */
	uint16_t session;
	uint16_t created, exited; /* FILETIME */
	uint16_t active_threads;  /* u32 */
	uint16_t flags;           /* u32 with ProcessExiting in bit 2 */
	uint16_t session_id;      /* in MM_SESSION_SPACE; 0: not known */
};

/** Of members of HANDLE_TABLE. */
struct handle_offsets {
	bool known;
	uint8_t code, pid, capacity; /* TableCode, UniqueProcessId, NextHandleNeedingPool */
	uint8_t count;               /* HandleCount; 0: it is kept per list of free entries */
	uint8_t lists, list_size, list_count;
	uint8_t shift; /* of the object's address in an entry; 0: as it is */
};

/** The built-in rows for this kernel, best first; NULL behind the last one. */
const struct process_offsets *process_layout(const struct kernel *kernel, unsigned index);

/** By the era of the kernel; known is false when the build is not known. */
struct handle_offsets handle_layout(const struct kernel *kernel);

struct process_proof {
	uint64_t head;   /* of PsActiveProcessHead */
	uint64_t system; /* EPROCESS of System; 0: not in the dump */
	bool same_dtb;   /* its page tables are those that the kernel was found with */
};

/** What a process looks like: its type, pid and name. False when it is none or not in the dump. */
bool process_is_one(struct kernel *kernel, const struct process_offsets *o, uint64_t va);

/**
 * Finds offsets for the list at `head` and proves them: the first process is System, pid 4, of the
 * dispatcher type of processes, with a page-table root; links lead back; the next ones look like
 * processes too. *ret_source: words for the report, owned by the caller. PS_NOT_FOUND says why none
 * fits; PS_NO_MEMORY.
 */
enum ps_status process_offsets_find(struct kernel *kernel, uint64_t head,
				    struct process_offsets *ret, struct process_proof *ret_proof,
				    char **ret_source, struct ps_error *err);

/** Offsets that the System process itself shows. False when it shows none. */
bool process_offsets_search(struct kernel *kernel, uint64_t head, struct process_offsets *ret);

#endif
