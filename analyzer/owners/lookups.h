/*
 * Routines that a driver looks up by name at run time (MmGetSystemRoutineAddress and the like) and
 * calls through a variable.
 *
 * Memory has the routine's address in the variable: those are found by value. A file has the code
 * that looks it up: the name is handed to a call, and what the call returns is stored in the
 * variable. Supported: that sequence as compilers emit it, without other code between. Not
 * supported: tables of names and variables, names put together at run time.
 */
#ifndef PS_ANALYZER_OWNERS_LOOKUPS_H
#define PS_ANALYZER_OWNERS_LOOKUPS_H

#include "analyzer/owners/resolve.h"

/** Variables of a memory image that hold the address of a known routine. False: out of memory. */
bool lookups_by_value(struct view *view, const struct exports *exports);

/** Variables that code fills by name. False: out of memory. */
bool lookups_by_name(struct view *view);

#endif
