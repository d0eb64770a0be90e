/*
 * Why bytes of virtual memory could not be read. Plain values; `struct holes` is a growing list
 * owned by its caller.
 */
#ifndef PS_ANALYZER_MEMORY_HOLE_H
#define PS_ANALYZER_MEMORY_HOLE_H

#include "formats/page_map.h"

enum hole_reason {
	HOLE_NOT_CANONICAL,   /* no such address on this machine */
	HOLE_USER_HALF,       /* ARM64: a user address; only the kernel's page tables are known */
	HOLE_NOT_PRESENT,     /* the entry at `level` is zero or demand zero */
	HOLE_PAGEFILE,        /* in the page file */
	HOLE_PROTOTYPE,       /* mapped through a prototype PTE */
	HOLE_TRANSITION,      /* transition PTE whose PFN is outside the machine's memory */
	HOLE_RESERVED,        /* ARM64: a valid entry of a kind that maps nothing at `level` */
	HOLE_TABLE_MISSING,   /* the page table of `level` itself cannot be read; `page` says why */
	HOLE_PAGE_MISSING,    /* mapped (PFN known), but the page cannot be read; `page` says why */
	HOLE_NOT_IN_MINIDUMP, /* no piece of a minidump can give the bytes; `page` says why */
};

struct hole {
	enum hole_reason reason;
	uint8_t level; /* 1 = PT, 2 = PD, 3 = PDPT, 4 = PML4, 5 = PML5; ARM64: 4 - its level */
	enum page_state page; /* for HOLE_TABLE_MISSING and HOLE_PAGE_MISSING */
	uint64_t va;          /* first missing byte */
	uint64_t length;      /* bytes */
	uint64_t entry;       /* the last PTE read, 0 when there is none */
	uint64_t pfn;         /* of the missing page or table, when known */
};

struct holes {
	struct hole *items; /* owned */
	size_t count, capacity;
	uint64_t bytes; /* sum of lengths */
	bool overflow;  /* the list is not complete: out of memory */
};

void holes_init(struct holes *holes);
void holes_fini(struct holes *holes);

/** Appends, merging with the last hole when it is adjacent and of the same reason. */
void holes_add(struct holes *holes, const struct hole *hole);

/**
 * Writes "page 0xffffe38f36402000: not in the dump (PTE present, PFN 0x1f3402)" and the like into
 * `text` (always terminated). Returns `text`.
 */
char *hole_describe(const struct hole *hole, char *text, size_t size);

#endif
