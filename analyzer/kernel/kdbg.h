/*
 * KDDEBUGGER_DATA64, the kernel's own list of where its variables are (fact sheet section 2; WDK
 * wdbgexts.h). Same offsets on x86, x64 and ARM64. Not supported: encoded blocks of live machines.
 */
#ifndef PS_ANALYZER_KERNEL_KDBG_H
#define PS_ANALYZER_KERNEL_KDBG_H

#include "analyzer/memory/space.h"

enum { KDBG_MIN_SIZE = 0x208, KDBG_MAX_SIZE = 0x1000 };

/** Fields that this program uses; order of kdbg_layout in kdbg.c. */
enum kdbg_field {
	KDBG_PS_LOADED_MODULE_LIST, /* list head */
	KDBG_PS_ACTIVE_PROCESS_HEAD,
	KDBG_POOL_TRACK_TABLE, /* address of the pointer variable */
	KDBG_NONPAGED_POOL_START,
	KDBG_NONPAGED_POOL_END,
	KDBG_PAGED_POOL_START,
	KDBG_PAGED_POOL_END,
	KDBG_MM_MAXIMUM_NONPAGED_POOL,   /* bytes */
	KDBG_MM_ALLOCATED_NONPAGED_POOL, /* pages */
	KDBG_MM_SIZE_OF_PAGED_POOL,      /* bytes */
	KDBG_MM_HIGHEST_USER_ADDRESS,
	KDBG_MM_SYSTEM_RANGE_START,
	KDBG_MM_NUMBER_OF_PHYSICAL_PAGES,
	KDBG_NT_BUILD_LAB,
	KDBG_CM_NT_CSD_VERSION,
	KDBG_KI_PROCESSOR_BLOCK,
	KDBG_MM_UNLOADED_DRIVERS,
	KDBG_MM_LAST_UNLOADED_DRIVER,
	KDBG_NONPAGED_POOL_DESCRIPTOR,
	KDBG_PAGED_POOL_DESCRIPTOR, /* variable: pointer to the first, or array of pointers */
	KDBG_NUMBER_OF_PAGED_POOLS, /* u32 */
	KDBG_MM_PAGED_POOL_INFO,    /* MM_PAGED_POOL_INFO itself */
	KDBG_MM_PAGED_POOL_COMMIT,  /* pages */
	KDBG_MM_TOTAL_COMMIT_LIMIT, /* pages */
	KDBG_MM_TOTAL_COMMITTED_PAGES,
	KDBG_MM_PEAK_COMMITMENT,  /* pages */
	KDBG_MM_SPECIAL_POOL_TAG, /* u32; 0: no special pool by tag */
	KDBG_MM_VERIFIER_DATA,
	KDBG_KI_BUGCHECK_DATA, /* five pointer-sized numbers: the code and its parameters */
	KDBG_MM_PFN_DATABASE,
	KDBG_MM_PHYSICAL_MEMORY_BLOCK, /* variable: pointer to a PHYSICAL_MEMORY_DESCRIPTOR */
	KDBG_FIELDS
};

/** How an encoded block becomes plain: see kdbg_cipher.h. */
struct kdbg_cipher {
	uint64_t before, after;
	unsigned turn; /* bits to the left, 0 to 63 */
	uint64_t flag; /* VA of KdpDataBlockEncoded; 0: not known, as by known plaintext */
};

struct kdbg {
	uint64_t va;   /* of the block */
	uint32_t size; /* as the block says: how much of it is valid */
	uint64_t kernel_base;
	uint64_t fields[KDBG_FIELDS]; /* normalised addresses; 0 = absent */
	/* a bit per field: inside the block, but its bytes are not in the dump */
	uint64_t unreadable;
	uint64_t rejected;     /* a bit per field: what is stored is no kernel address */
	uint64_t from_symbols; /* a bit per field: not the block's word, but a symbol's */
	bool encoded;          /* in memory, where `cipher` makes it plain */
	struct kdbg_cipher cipher;
};

/** Name of the kernel variable or list head that the field points to. Static. */
const char *kdbg_field_name(enum kdbg_field field);

/**
 * Reads and checks the block at `va`: OwnerTag, Size, a kernel-range KernBase. PS_CORRUPT when it
 * is no KDBG, PS_ABSENT when its bytes are not there.
 */
enum ps_status kdbg_read(struct space *space, uint64_t va, struct kdbg *ret, struct ps_error *err);

/**
 * Reads and checks a copy of the block, as minidumps have one. `va`: where the block lies in the
 * kernel, 0 when that is not known. PS_CORRUPT when it is no KDBG.
 */
enum ps_status kdbg_from_copy(struct space *space, uint64_t va, const uint8_t *data, size_t size,
			      struct kdbg *ret, struct ps_error *err);

/**
 * Searches the mapped pages of [base, base+size) for a block whose KernBase is `base` and whose
 * PsLoadedModuleList lies in that range. PS_NOT_FOUND says how many pages could be looked at.
 */
enum ps_status kdbg_find_in_image(struct space *space, uint64_t base, uint64_t size,
				  struct kdbg *ret, struct ps_error *err);

/** A block seen in physical memory, before any translation. */
struct kdbg_trace {
	uint64_t pa;          /* of the block */
	uint64_t kernel_base; /* as stored there */
	uint32_t size;
};

/** Returns true to end the search. */
typedef bool (*kdbg_accept)(void *context, const struct kdbg_trace *trace);

/**
 * Searches all present physical pages for KDBG blocks and offers each; ends at the first accepted
 * one. PS_NOT_FOUND, PS_INTERRUPTED.
 */
enum ps_status kdbg_scan(struct dump *dump, kdbg_accept accept, void *context,
			 struct progress *progress, struct ps_error *err);

/**
 * Reads the variable that `field` points to: a pointer-sized value, of which 0 is one. PS_ABSENT
 * when the field is absent or the variable is not in the dump; the words say which.
 */
enum ps_status kdbg_variable(struct space *space, const struct kdbg *kdbg, enum kdbg_field field,
			     uint64_t *ret, struct ps_error *err);

#endif
