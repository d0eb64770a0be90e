/*
 * A virtual address space: page-table walks over a dump's physical pages, with a TLB, or the pieces
 * of virtual memory that a minidump holds; and reads that say what was missing and why.
 *
 * Ownership: space_create()/space_destroy(); the dump is borrowed and must outlive the space. This
 * room knows no file format and no Windows structure except the rules of Windows' software PTEs.
 * Supported: x86 two-level, x86 PAE, x64 four-level and five-level (LA57), ARM64 with 4 KiB pages
 * and 48-bit addresses, of which the kernel half (TTBR1) only.
 */
#ifndef PS_ANALYZER_MEMORY_SPACE_H
#define PS_ANALYZER_MEMORY_SPACE_H

#include "analyzer/memory/hole.h"
#include "formats/dump.h"

enum paging { PAGING_X86, PAGING_PAE, PAGING_X64, PAGING_X64_LA57, PAGING_ARM64 };

enum { PAGING_KINDS = PAGING_ARM64 + 1 };

/** "two levels", "PAE", "four levels", "five levels", "ARM64"; static. */
const char *paging_words(enum paging paging);

struct space; /* opaque */

/** One translated page. */
struct translation {
	uint64_t pa;        /* physical address of the byte asked for */
	uint64_t page_size; /* bytes: 4 KiB, 2 MiB, 4 MiB, 1 GiB */
	bool transition;    /* found through a transition PTE */
};

/** `dtb` is CR3 or TTBR1 as found; flag, PCID and ASID bits are masked here. PS_CORRUPT when it
 * cannot be one. */
enum ps_status space_create(struct dump *dump, enum paging paging, uint64_t dtb, struct space **ret,
			    struct ps_error *err);

/**
 * A space over the pieces of virtual memory of a minidump (dump->ranges): the same reads, where the
 * bytes that no piece holds are "not in this minidump". Nothing is translated: space_translate()
 * fails, and the DTB is 0. `paging` tells what addresses the machine has.
 */
enum ps_status space_create_ranges(struct dump *dump, enum paging paging, struct space **ret,
				   struct ps_error *err);
void space_destroy(struct space *space);

enum paging space_paging(const struct space *space);
uint64_t space_dtb(const struct space *space);          /* masked */
unsigned space_pointer_size(const struct space *space); /* 4 or 8 */
struct dump *space_dump(const struct space *space);

/** x86: clips sign-extended addresses to 32 bits; x64 and ARM64: as is. */
uint64_t space_normalize(const struct space *space, uint64_t va);

/**
 * True when `va` can be a kernel address here: x86 from 0x80000000, x64 from 0xffff800000000000,
 * with LA57 from 0xff00000000000000, ARM64 from 0xffff000000000000 on.
 */
bool space_is_kernel_address(const struct space *space, uint64_t va);

/**
 * Translates one address; false fills *ret_hole (length: up to the end of the 4 KiB page). Says
 * nothing of whether the page's bytes are in the dump: only the reads do (HOLE_PAGE_MISSING).
 */
bool space_translate(struct space *space, uint64_t va, struct translation *ret,
		     struct hole *ret_hole);

/**
 * The first page at or after `from` and before `end` that is mapped, page-aligned. Addresses below
 * an entry that maps nothing are passed over together, so wide holes cost little.
 */
bool space_next_mapped(struct space *space, uint64_t from, uint64_t end, uint64_t *ret_va,
		       struct translation *ret);

/**
 * Exact: all bytes or PS_ABSENT with the address, the reason and the page-table level (PS_SYSTEM
 * when the disk failed). On error `to` is undefined. A range that runs beyond the end of the
 * address space is PS_ABSENT too.
 */
enum ps_status space_read(struct space *space, uint64_t va, void *to, size_t length,
			  struct ps_error *err);

/**
 * Best effort: copies what is there, leaves the other bytes of `to` untouched, and adds each
 * missing stretch to *holes (neighbours with one reason are one hole). Returns the number of bytes
 * copied. `holes` may be NULL when the count is enough. Running out of memory for the list is said
 * by holes->overflow.
 */
size_t space_read_partial(struct space *space, uint64_t va, void *to, size_t length,
			  struct holes *holes);

/** Exact read of a pointer-sized value, zero-extended and normalised. */
enum ps_status space_read_pointer(struct space *space, uint64_t va, uint64_t *ret,
				  struct ps_error *err);

/** Exact read of a 32-bit or 64-bit little-endian integer. */
enum ps_status space_read_u32(struct space *space, uint64_t va, uint32_t *ret,
			      struct ps_error *err);
enum ps_status space_read_u64(struct space *space, uint64_t va, uint64_t *ret,
			      struct ps_error *err);

/** Translates [va, va+length) and prefetches its file ranges, so a cold disk is read in order. */
void space_prefetch(struct space *space, uint64_t va, uint64_t length);

#endif
