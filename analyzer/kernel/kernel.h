/*
 * The Windows kernel in a dump: its address space, KDBG, identity and module lists.
 *
 * Ownership: kernel_open() creates, kernel_close() frees the kernel and everything reached through
 * it (the address space included); the dump is borrowed and must outlive it. This room knows
 * Windows structures and no pool.
 */
#ifndef PS_ANALYZER_KERNEL_KERNEL_H
#define PS_ANALYZER_KERNEL_KERNEL_H

#include "analyzer/kernel/kdbg.h"
#include "analyzer/kernel/modules.h"
#include "analyzer/kernel/pe.h"
#include "analyzer/kernel/symbols.h"
#include "analyzer/memory/space.h"

struct kernel {
	struct dump *dump;     /* borrowed */
	struct space *space;   /* owned */
	unsigned pointer_size; /* bytes: 4 or 8 */
	const char *arch;      /* "x86", "x86-pae", "x64", "arm64"; static */

	uint64_t base; /* VA of ntoskrnl's image */
	uint64_t size; /* SizeOfImage: PE header, else module list; 0 when neither is there */
	struct pe_identity image; /* time stamp, PDB of the kernel itself */

	struct kdbg kdbg;        /* size 0: there is none, and the fields are from other sources */
	struct symbols *symbols; /* owned; NULL: the kernel's PDB is not known. See symbols.h */
	unsigned exported_processors; /* KeNumberProcessors, read where there is no KDBG; else 0 */
	const char *dtb_found_by;     /* "header", "low stub", "self-map search"; static; NULL: a
					 minidump */
	const char *kdbg_found_by; /* "header", "search of the kernel image", "decoded ..."; where
				      kdbg.size is 0: what stands for the block; static */

	struct fact build; /* NtBuildNumber without the free/checked flag; 0 and not known when
			      no source has it */
	const char
		*build_source;  /* "header", "KUSER_SHARED_DATA", "NtBuildLab"; NULL when unknown */
	char *build_lab;        /* owned; "17763.1.amd64fre.rs5_release..." or NULL */
	char *service_pack;     /* owned; "Service Pack 2" or NULL */
	struct fact processors; /* the kernel's own word, else the header's */
	const char *processors_source; /* "header", "KiProcessorBlock", "KUSER_SHARED_DATA"; NULL
					  when unknown */

	uint64_t module_head;        /* VA of the list that was read; 0: none */
	struct module_list modules;  /* loaded, in list order: nt first */
	struct module_list unloaded; /* newest last */

	struct fact product_type; /* 1 workstation, 2 domain controller, 3 server */
	char product[96];         /* "Windows Server 2019", ...; see kernel_product_name() */

	char notes[16][240]; /* sentences for the analyst: disagreements, what was not readable */
	unsigned note_count;
};

/**
 * Finds and describes the kernel of `dump`. Errors: no DTB, no KDBG, no kernel image, each saying
 * what was looked at. Of a minidump the kernel is what its lists and its copy of KDBG say; a header
 * without memory is PS_UNSUPPORTED. Parts that can be done without (module lists) do not fail the
 * whole: they are noted and their lists marked incomplete.
 */
enum ps_status kernel_open(struct dump *dump, const struct log *log, struct progress *progress,
			   struct kernel **ret, struct ps_error *err);

/** As kernel_open(), with symbol sources; NULL: the known builds alone, as kernel_open() has it. */
enum ps_status kernel_open_with(struct dump *dump, const struct symbol_options *symbols,
				const struct log *log, struct progress *progress,
				struct kernel **ret, struct ps_error *err);

/**
 * The present symbol source led to something that is not what it should be: says so in a note, and
 * goes on to the next one. PS_NOT_FOUND when there is none; PS_NO_MEMORY, PS_INTERRUPTED.
 */
enum ps_status kernel_reject_symbols(struct kernel *kernel, const char *why, struct ps_error *err);

/** Frees the kernel. NULL is harmless. */
void kernel_close(struct kernel *kernel);

/** Adds a sentence for the analyst; drops what exceeds the array. */
void kernel_note(struct kernel *kernel, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * "Windows Server 2019", "Windows 7 or Windows Server 2008 R2" where the product type is not
 * known, "Windows build 12345". Belongs to the kernel.
 */
const char *kernel_product_name(const struct kernel *kernel);

/** "MANUALLY_INITIATED_CRASH" for 0xE2; NULL when the code has no name here. Static. */
const char *bugcheck_name(uint64_t code);

#endif
