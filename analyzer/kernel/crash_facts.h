/*
 * What a crash dump of this kernel says in its header, and what of its memory must be changed for
 * other tools: for who writes one.
 *
 * Ownership: kernel_memory_runs() and kernel_kdbg_pieces() fill storage of the caller.
 */
#ifndef PS_ANALYZER_KERNEL_CRASH_FACTS_H
#define PS_ANALYZER_KERNEL_CRASH_FACTS_H

#include "analyzer/kernel/kernel.h"

/** Bug check of a snapshot of a machine that had none (LIVE_SYSTEM_DUMP), as QEMU writes it. */
enum { LIVE_SYSTEM_DUMP = 0x161 };

/** Where a bug check comes from. */
enum bugcheck_source {
	BUGCHECK_HEADER,
	BUGCHECK_KERNEL, /* KiBugcheckData: the machine had crashed when the snapshot was taken */
	BUGCHECK_NONE,   /* LIVE_SYSTEM_DUMP stands for it */
};

/**
 * The container's facts, and over them what the kernel itself says better: root, KDBG, lists, PFN
 * database, build, processors; and, where the container has no header that states them, the bug
 * check, the clock, the uptime, product and suites.
 */
void kernel_crash_facts(struct kernel *kernel, struct machine_facts *ret,
			enum bugcheck_source *ret_bugcheck);

/**
 * The machine's memory: the runs of the container's header, else those of MmPhysicalMemoryBlock.
 * Empty when neither is there or can be right. The caller frees ret->items. PS_NO_MEMORY.
 */
enum ps_status kernel_memory_runs(struct kernel *kernel, struct page_runs *ret,
				  struct ps_error *err);

/** Plain bytes for encoded ones, within one page. */
struct kdbg_piece {
	uint64_t pa;
	size_t length;
	uint8_t data[PAGE_SIZE];
};

enum { KDBG_PIECES = 3 }; /* a block across two pages, and the flag that says it is encoded */

/**
 * The block in clear where it is encoded in memory, and KdpDataBlockEncoded as 0 where its address
 * is known. Returns how many pieces; 0: there is nothing to change. What is not in the dump is left
 * out.
 */
unsigned kernel_kdbg_pieces(struct kernel *kernel, struct kdbg_piece pieces[KDBG_PIECES]);

#endif
