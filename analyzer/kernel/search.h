/*
 * State of the search for one kernel: what was seen in memory, and what proves a page-table root.
 * Private to this room.
 *
 * A root is proved by content, never by looks alone: under it the kernel base that a KDBG names, or
 * that lies below the low stub's hint, must hold a PE image of the right machine, or a list of
 * modules must lead to that base.
 */
#ifndef PS_ANALYZER_KERNEL_SEARCH_H
#define PS_ANALYZER_KERNEL_SEARCH_H

#include "analyzer/kernel/kernel.h"

enum { TRACE_LIMIT = 64, KERNELS_LIMIT = 8 };

/** A kernel that a search of all page tables came upon. */
struct found_kernel {
	enum paging paging;
	uint64_t dtb;         /* of the first root that leads to it */
	const char *found_by; /* static */
	uint64_t base;
	const char *proved_by;            /* static */
	uint64_t image_page, shared_page; /* where base and KUSER_SHARED_DATA lie in physical
					     memory; UINT64_MAX: not mapped */
	uint64_t clock;                   /* FILETIME; 0: not known */
};

struct kernel_search {
	struct kernel *kernel;                /* borrowed; is being filled */
	const struct symbol_options *symbols; /* borrowed: where symbols may be */
	uint64_t symbols_base; /* of the image that kernel->symbols were asked for; 0: none yet */
	const struct log *log;
	struct progress *progress;

	/* KDBG blocks seen in physical memory, one for each kernel base */
	struct kdbg_trace traces[TRACE_LIMIT];
	unsigned trace_count;
	uint64_t seen; /* blocks seen by the last search of memory */
	bool scanned;  /* all of memory was searched: no block is missing, but see TRACE_LIMIT */

	uint64_t searched[TRACE_LIMIT]; /* kernel bases whose image was searched for KDBG */
	unsigned searched_count;

	uint64_t proved_base;    /* kernel base that proved the root; 0 when none was needed */
	const char *proved_by;   /* how that base was found; static */
	struct ps_error trouble; /* what ended a search inside a callback: interrupted, memory */

	uint64_t pages_walked; /* in search of a kernel's image, under all roots */

	struct found_kernel kernels[KERNELS_LIMIT]; /* by search of all page tables */
	unsigned kernel_count;
	bool more_kernels; /* than these */

	struct kdbg unproved; /* named by the header, its kernel not in the dump; size 0 = none */
	char looked[512];     /* where KDBG was looked for in vain; grows */
};

/** Makes kernel->space, and says in kernel->dtb_found_by whence. */
enum ps_status search_root(struct kernel_search *search, struct ps_error *err);

/**
 * Looks at all page tables in memory and makes kernel->space from those of the kernel that runs:
 * where there are several, the one whose clock is latest. PS_NOT_FOUND, PS_INTERRUPTED,
 * PS_NO_MEMORY.
 */
enum ps_status search_all_tables(struct kernel_search *search, struct ps_error *err);

/** True when the header's own addresses, read under this root, prove it. */
bool search_proved_by_header(struct space *space);

/** True when an image below the low stub's hint proves the root: sets proved_base, proved_by. */
bool search_proved_by_hint(struct kernel_search *search, struct space *space, uint64_t hint);

/** Likewise a KDBG anywhere in memory, which is searched once at most. Sets trouble. */
bool search_proved_by_traces(struct kernel_search *search, struct space *space);

/** Likewise a kernel's image where Windows puts it: looks at every page that is mapped there. */
bool search_proved_by_image(struct kernel_search *search, struct space *space);

/** Notes the KDBG blocks of other kernels that a search of memory came upon. */
void search_note_traces(struct kernel_search *search);

/** Fills kernel->kdbg, kernel->base, kernel->kdbg_found_by. */
enum ps_status search_kdbg(struct kernel_search *search, struct ps_error *err);

/**
 * True when the image at `base` is a kernel: its exports call it ntoskrnl.exe; where their page is
 * absent, its PDB has a kernel's name; where that is absent too, it has a section POOLCODE.
 */
bool search_is_kernel(struct space *space, uint64_t base);

/**
 * Searches where Windows puts its kernel in `space` for such an image; 0 when there is none, or
 * when too many pages are mapped to look at all.
 */
uint64_t search_find_kernel(struct kernel_search *search, struct space *space);

/**
 * The kernel's base is known, but no plain KDBG: decodes an encoded one. PS_NOT_FOUND with what was
 * looked at, PS_NO_MEMORY.
 */
enum ps_status search_encoded(struct kernel_search *search, uint64_t base, uint64_t size,
			      struct ps_error *err);

/**
 * Does without KDBG: what the kernel at `base` exports, and what its data betrays, takes the place
 * of the block's fields; what nothing betrays stays unknown. PS_NO_MEMORY, PS_CORRUPT.
 */
enum ps_status search_without_kdbg(struct kernel_search *search, uint64_t base, uint64_t size,
				   struct ps_error *err);

/** True when a PE image of the space's machine lies at `base`. */
bool search_is_image(struct space *space, uint64_t base);

/**
 * True when the container does not state the machine and a PE image of another one than the space's
 * lies at `base`. The page tables of x64 and ARM64 are alike enough that one can be walked as the
 * other, so what is read through them alone proves no paging kind.
 */
bool search_is_other_machine(struct space *space, uint64_t base);

/** True when the block `trace` belongs to a kernel that is mapped in `space`, at *ret_base. */
bool search_trace_fits(struct space *space, const struct kdbg_trace *trace, uint64_t *ret_base);

/**
 * Searches memory for KDBG until `accept` takes a trace. Remembers the traces. PS_NOT_FOUND,
 * PS_INTERRUPTED, PS_NO_MEMORY.
 */
enum ps_status search_memory(struct kernel_search *search, kdbg_accept accept, void *context,
			     struct ps_error *err);

#endif
