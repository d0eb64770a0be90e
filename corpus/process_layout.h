/*
 * Where the members of EPROCESS, HANDLE_TABLE and MM_SESSION_SPACE lie, by build.
 *
 * Source: PDB types as published for each build; for ARM64 the EPROCESS and the offsets in KDBG of
 * a real minidump of build 22000, whose members lie 0x48 bytes below those of x64. Other builds for
 * ARM64 are given the same distance. Does not: cover checked builds, say when a process
 * of 10.0.26100 ended or which session it is in (not published).
 */
#ifndef CORPUS_PROCESS_LAYOUT_H
#define CORPUS_PROCESS_LAYOUT_H

#include "corpus/config.h"

struct process_layout {
	uint32_t size, pid; /* ActiveProcessLinks follow UniqueProcessId */
	uint32_t parent, name, object_table;
	uint32_t session; /* 0: not written */
	uint32_t create_time;
	uint32_t exit_time; /* 0: not written */
	uint32_t threads;   /* ThreadListHead */
	uint32_t active_threads, flags, peb;
};

struct handle_table_layout {
	uint32_t size; /* with one list of free handles, where there are such lists */
	uint32_t code, quota, pid, next_needing_pool;
	uint32_t count; /* HandleCount; 0: it is kept by list */
	uint32_t lists, list_size, list_count;
};

struct process_layout layout_process(const struct config *c);
const struct handle_table_layout *layout_handle_table(const struct config *c);
/* Of DirectoryTableBase in KPROCESS, with which an EPROCESS begins. */
uint32_t layout_process_dtb(const struct config *c);
/* Of SessionId in MM_SESSION_SPACE. */
uint32_t layout_session_id(const struct config *c);

#endif
