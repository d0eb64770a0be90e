/*
 * What Windows writes into a page-table entry whose Valid bit is 0.
 *
 * Sources: _MMPTE_SOFTWARE, _MMPTE_TRANSITION, _MMPTE_PROTOTYPE, _MMPTE_LIST (PDB types of x86, x64
 * and ARM64), Windows Research Kernel mm. Not supported: following a prototype PTE, reading a page
 * file, the file-backed class of ARM64 (such entries count as absent for another reason).
 */
#ifndef PS_ANALYZER_MEMORY_PTE_H
#define PS_ANALYZER_MEMORY_PTE_H

#include "analyzer/memory/space.h"

/** What is known of the machine's memory; a plain value. */
struct pte_rules {
	enum paging paging;
	uint64_t frames;   /* PFNs at or above this are outside the machine's memory */
	uint64_t pfn_keep; /* PFN bits that memory can need: smallest power of two over it, minus 1
			    */
};

void pte_rules_init(struct pte_rules *rules, enum paging paging, const struct dump *dump);

/**
 * Looks at an entry whose Valid bit is 0. True: it is a transition PTE, its page is still in
 * memory at *ret_pfn. False: *ret_reason says why there is no page; for HOLE_TRANSITION *ret_pfn
 * is the PFN field as stored.
 */
bool pte_transition(const struct pte_rules *rules, uint64_t entry, uint64_t *ret_pfn,
		    enum hole_reason *ret_reason);

#endif
