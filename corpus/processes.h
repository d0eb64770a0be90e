/*
 * Processes: EPROCESS objects in PsActiveProcessHead's list, their handle tables and sessions.
 *
 * Does not: threads, the idle process, user space, objects other than processes in handle tables.
 */
#ifndef CORPUS_PROCESSES_H
#define CORPUS_PROCESSES_H

#include "corpus/world.h"

/* The lines `process NAME ...`; nothing without one. Charges the tags Proc and Obtb. */
void processes_write(struct world *w);

#endif
