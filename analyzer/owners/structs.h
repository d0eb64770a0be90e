/*
 * Tags that stand in structures in a driver's data: filter registrations and lookaside lists.
 *
 * Filter registrations are found by their shape as well, since the call of FltRegisterFilter is
 * often in discarded code. Lookaside lists are initialised at run time, so only memory has them.
 * Source: FLT_REGISTRATION and FLT_CONTEXT_REGISTRATION of the WDK; GENERAL_LOOKASIDE of public
 * PDB types (the same from Windows XP to 11).
 */
#ifndef PS_ANALYZER_OWNERS_STRUCTS_H
#define PS_ANALYZER_OWNERS_STRUCTS_H

#include "analyzer/owners/view.h"

enum { STRUCTS_CONTEXTS = 8 }; /* offset of FLT_REGISTRATION.ContextRegistration */

/** The FLT_REGISTRATION at `rva`: true when it could be read, with or without contexts. */
bool structs_filter(struct view *view, uint32_t rva);

/** The array of FLT_CONTEXT_REGISTRATION at `rva`. */
bool structs_contexts(struct view *view, uint32_t rva);

/** Part of the address space that holds code of the kernel itself. */
struct structs_kernel {
	uint64_t base, end; /* both 0: unknown */
};

/** Looks through the image's data for both kinds. False when memory is out. */
bool structs_scan(struct view *view, const struct structs_kernel *kernel);

#endif
