/*
 * Session pool: the tag tables of sessions, each in a part of the address space that only the
 * processes of the session map, below page tables of their own.
 *
 * Source: MM_SESSION_SPACE as PDB types of each build have it; where the tables of builds before
 * 14393 lie is made up, as is the size of all of them. Does not: what win32k keeps in a session,
 * its big-page table, working sets.
 */
#ifndef CORPUS_SESSIONS_H
#define CORPUS_SESSIONS_H

#include "corpus/world.h"

/* The lines `session-pool` and `session-tag`: before processes are written. */
void sessions_plan(struct world *w);
/* The session of that number, or NULL when no line asks for its pool. */
struct session *sessions_find(const struct world *w, uint64_t id);
/* Page tables: after everything else is mapped, and before faults. */
void sessions_finish(struct world *w);
/* The session's part of the address space is seen between these two calls. NULL: nothing. */
void session_enter(struct world *w, struct session *session);
void session_leave(struct world *w, struct session *session);

#endif
