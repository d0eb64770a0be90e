/*
 * The made-up machine: everything that the parts of mkdump build and the truth reports.
 *
 * Does not: outlive one run of the program.
 */
#ifndef CORPUS_WORLD_H
#define CORPUS_WORLD_H

#include "corpus/config.h"
#include "corpus/image.h"
#include "corpus/layout.h"

struct pe;
struct tag_truth;

enum { NAME_LENGTH = 48 };

struct span {
	uint32_t rva, length;
};

struct global {
	const char *name;
	uint32_t rva;
	uint32_t size;
};

struct kernel {
	struct image image;
	struct image_export *exports;
	size_t export_count;
	struct span data, readonly; /* .data and ALMOSTRO */
	struct global *globals;
	size_t global_count, global_capacity;
	struct span *taken;
	size_t taken_count, taken_capacity;
	uint32_t cluster_low, cluster_high; /* the pool globals lie between these RVAs */
	uint32_t code_next;                 /* free RVA in .text */
	uint32_t retpoline_stub;            /* RVA */
	char *version;
};

struct module {
	char name[NAME_LENGTH];
	char *path;
	uint64_t base;
	uint32_t size, timestamp, checksum;
	char *pdb;
	uint8_t guid[16];
	uint32_t age;
	const char *company, *description, *version; /* borrowed from the recipe, may be NULL */
	uint64_t entry;                              /* VA of the KLDR_DATA_TABLE_ENTRY */
	uint32_t code_next;                          /* free RVA in .text */
	uint32_t iat;
	const struct line *line; /* of the recipe; NULL for the kernel */
	struct pe *pe;           /* of `image=FILE`, else NULL */
	struct tag_truth *truth; /* of its tags; NULL if nothing is known */
	uint32_t entry_point;    /* RVA */
	uint64_t patched;        /* call sites rewritten by the loader */
};

struct unloaded {
	char name[NAME_LENGTH];
	uint64_t start, end;
	int64_t time; /* seconds since 1970 */
};

struct side {
	uint64_t allocs, frees, bytes;
};

enum { SIDE_NONPAGED, SIDE_PAGED, SIDES };

struct tag {
	uint32_t key;
	struct side side[SIDES];
	struct side big[SIDES]; /* live big allocations: allocs and bytes only */
	uint64_t processors;    /* bit c: processor c used the tag */
	uint32_t slot;
	bool expansion;  /* lives in the expansion table */
	bool in_tracker; /* false: only in the big page table */
	bool is_protected;
	bool random; /* made by `tags random=N` */
	bool touched_by_missing;
	bool reach_of_missing; /* its slot lies in an absent page of some processor's table */
};

/* Allocations of a tag that point into a driver. */
struct content {
	uint32_t key;
	const char *name; /* of the module, borrowed */
	bool unloaded;
	uint64_t blocks, pointers;
};

enum { PROCESS_NAME = 15 };
#define NO_SESSION UINT64_MAX

struct process {
	char name[PROCESS_NAME];
	uint64_t va;    /* of the EPROCESS */
	uint64_t table; /* VA of its HANDLE_TABLE; 0: none any more */
	uint64_t pid, parent, session, session_space, dtb;
	uint64_t handles;
	uint64_t held; /* handles of other processes to it */
	uint32_t threads;
	bool exited;
	int64_t created, ended; /* seconds since 1970; 0: still runs */
	const char *holds;      /* name of the exited processes that it has handles to, or NULL */
	const struct line *line;
};

/* Allocations that the recipe has not asked for by tag: what is to be charged for them. */
struct charge {
	char tag[4];
	unsigned side;
	uint64_t blocks, bytes;
};

enum { CHARGES = 8 };

/* A session whose pool is laid out. */
struct session {
	uint64_t id;
	uint64_t space; /* VA of MM_SESSION_SPACE, the same for all processes */
	uint64_t dtb;   /* of its processes */
	uint64_t table, entries;
	uint64_t expansion, expansion_entries;
	struct memory_view view; /* what only its processes map */
	struct tag *tags;
	size_t tag_count, tag_capacity;
	const struct line *line;
};

enum page_state { PAGE_PRESENT, PAGE_MISSING, PAGE_TRANSITION, PAGE_PAGEFILE, PAGE_DEMAND_ZERO };

/* A structure whose pages faults can name. */
struct region {
	const char *kind; /* tracker, expansion, big, array, module, ldr, kdbg, ... */
	int processor;    /* -1: not by processor */
	const char *name; /* of a module, or NULL */
	uint64_t va;      /* page-aligned */
	uint32_t pages;
	uint8_t *state;          /* enum page_state by page */
	struct session *session; /* whose processes alone map it, or NULL */
};

struct world {
	struct config *config;
	struct memory memory;
	struct kernel kernel;

	struct module *modules; /* [0] is the kernel */
	size_t module_count, module_capacity;
	struct unloaded *unloaded; /* slots 0.. of the ring */
	size_t unloaded_count;

	struct region *regions;
	size_t region_count, region_capacity;

	/* pool.c */
	uint64_t nonpaged_next, paged_next;         /* next free VA */
	uint64_t small_at, small_end;               /* the open page of small blocks */
	uint64_t block_at[SIDES], block_end[SIDES]; /* the same of pool_block() */
	struct charge charges[CHARGES];
	size_t charge_count;

	struct process *processes; /* [0] is System */
	size_t process_count, process_capacity;
	struct session *sessions;
	size_t session_count;

	/* tracker.c */
	struct tag *tags;
	size_t tag_count, tag_capacity;
	struct map tag_by_key;
	uint64_t tables[64]; /* VA of each processor's table; [0] is PoolTrackTable */
	uint32_t table_count;
	uint64_t table_entries; /* with the overflow slot */
	uint64_t expansion;
	uint64_t expansion_used;

	/* bigpages.c */
	uint64_t big_table;
	uint8_t *big_bytes;
	uint64_t big_live, big_freed;
	uint64_t shadow_root;

	struct content *contents;
	size_t content_count, content_capacity;
};

struct region *world_add_region(struct world *w, const char *kind, int processor, const char *name,
				uint64_t va, uint64_t length);
/* Is the byte range free of absent pages? Pages in transition count as readable. */
bool world_readable(const struct world *w, uint64_t va, uint64_t length);
unsigned world_pointer(const struct world *w);
void world_fini(struct world *w);

#endif
