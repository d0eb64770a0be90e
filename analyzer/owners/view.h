/*
 * One image while it is scanned: its bytes, what its code can call, and what was found.
 *
 * A module has one view of the dump's memory and, where that lacks sections, one of a matching
 * copy of its file. Ownership: view_open_*() fills, view_close() frees; a view belongs to one
 * thread at a time.
 */
#ifndef PS_ANALYZER_OWNERS_VIEW_H
#define PS_ANALYZER_OWNERS_VIEW_H

#include "analyzer/kernel/pe_exports.h"
#include "analyzer/owners/callees.h"
#include "analyzer/owners/entries.h"
#include "analyzer/owners/owners.h"

/** A tag that some evidence names. */
struct finding {
	uint32_t tag;
	struct owner_evidence evidence;
};

/** A function that passes its own parameter on as a tag. */
struct wrapper {
	struct callee callee; /* as its callers in the same image see it */
	uint32_t site;        /* RVA of the call that made it one */
	bool exported;        /* other images can call it by name */
	bool exchanged;       /* other images were told of it */
};

/** An allocator call that was evaluated; an address may come several times. */
struct site_note {
	uint32_t rva;
	bool resolved;
};

/** One entry of the import address table. */
struct slot {
	uint32_t rva;
	uint64_t value;         /* what stands there; 0 when it is absent or means nothing (file) */
	const char *dll, *name; /* in the image's bytes; NULL where the names are discarded */
	int16_t popped; /* x86: bytes of arguments that the routine removes; -1 unknown, popped.h */
};

struct view {
	uint32_t module; /* index into owners->images */
	bool from_file;
	bool is_kernel;         /* the kernel's own image, which may cost more */
	struct pe_image *image; /* owned */
	struct pe_functions functions;
	struct entries entries;
	struct slot *slots; /* owned; by rva */
	size_t slot_count, slot_capacity;

	struct callees callees;
	unsigned round;
	size_t first_new; /* callees from here on have not been looked for */

	/* KMDF: where the pointer to the framework's function table stands; 0 none */
	uint32_t wdf_functions;
	bool wdf_is_array; /* the table itself stands there */

	struct finding *findings; /* owned */
	size_t finding_count, finding_capacity;
	struct wrapper *wrappers; /* owned */
	size_t wrapper_count, wrapper_capacity;
	struct site_note *calls; /* owned */
	size_t call_count, call_capacity;
	unsigned sites, sites_unresolved; /* set by sites_count() */
	uint64_t work, work_limit; /* see view_work(); the limit is 0 until work is counted */
	bool gave_up;              /* the budget ended the scan */
	bool cut_functions;        /* some were too large to be examined whole */
	bool no_memory;
};

/** Takes the image over, also on error. PS_NO_MEMORY only. */
enum ps_status view_open(struct view *view, uint32_t module, bool from_file, struct pe_image *image,
			 struct ps_error *err);
void view_close(struct view *view);

/**
 * Counts work on the image in the units of flow_work() (flow.h); false, with view->gave_up, when it
 * is more than one image may cost. The same for the same bytes on every machine.
 */
bool view_work(struct view *view, uint64_t work);

/** Bytes of the sections that hold code. */
uint64_t view_code_bytes(const struct view *view);

/** Adds evidence of `tag`; false when memory is out. Bit 31 (protected pool) is taken off. */
bool view_add(struct view *view, uint32_t tag, const struct owner_evidence *evidence);

/** The index of flow_argument() for the tag or structure of an API on the view's machine. */
unsigned view_argument(const struct view *view, const struct api *api);

#endif
