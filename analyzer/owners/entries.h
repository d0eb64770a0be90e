/*
 * Where functions begin that have no unwind record: all of them on x86, leaf functions and thunks
 * on x64 and ARM64.
 *
 * Taken from the code itself: targets of direct calls that stand where a function can begin, and
 * what follows padding. An entry is a guess that the scan checks: the analysis must reach the place
 * it was asked about. Ownership: entries_find() fills, entries_fini() frees.
 */
#ifndef PS_ANALYZER_OWNERS_ENTRIES_H
#define PS_ANALYZER_OWNERS_ENTRIES_H

#include "analyzer/kernel/pe_exports.h"

struct entries {
	uint32_t *rvas; /* ascending, each once */
	size_t count;
	bool found; /* entries_find() was here */
};

/** False when memory is out. */
bool entries_find(struct entries *entries, const struct pe_image *image,
		  const struct pe_functions *functions);
void entries_fini(struct entries *entries);

/** Number of entries at or before `rva`: the nearest is rvas[n - 1]. */
size_t entries_upto(const struct entries *entries, uint32_t rva);

#endif
