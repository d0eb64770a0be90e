/*
 * Who owns a pool tag: the loaded drivers whose code or data passes it to an allocator, with the
 * evidence, graded.
 *
 * Ownership: owners_create() makes, owners_destroy() frees all of it; kernel and driver files are
 * borrowed and must outlive it. "Owner of the tag" is not "cause of the growth": the words of
 * reports keep the two apart. Source of the argument positions and structures: WDK headers, WDF
 * and filter manager headers as restated in the fact sheet, and measurements over real drivers.
 */
#ifndef PS_ANALYZER_OWNERS_OWNERS_H
#define PS_ANALYZER_OWNERS_OWNERS_H

#include "analyzer/kernel/driver_files.h"
#include "analyzer/kernel/kernel.h"
#include "base/progress.h"

/** Strongest first. */
enum owner_grade {
	OWNER_CALL_SITE,    /* code passes the tag to an allocator */
	OWNER_REGISTRATION, /* the tag stands in registration or configuration data (FLT contexts,
			       KMDF driver configuration, lookaside or pool parameters in data) */
	OWNER_FREE_SITE,    /* code passes the tag to a free routine only */
	OWNER_LIBRARY,      /* a call site, in code of Microsoft's static libraries that many
			       unrelated drivers carry */
	OWNER_BYTES,        /* the four bytes stand in code or data */
	OWNER_TAG_LIST,     /* a list of tags names the image */
	OWNER_CONTENTS,     /* inference: allocations of the tag point into the driver */
};

enum { OWNER_GRADES = OWNER_CONTENTS + 1 };

/** "call site", "registration data", "free site", ...; static. */
const char *owner_grade_words(enum owner_grade grade);

/** One piece of evidence. */
struct owner_evidence {
	enum owner_grade grade;
	uint32_t rva;    /* of the call, of the structure's tag field, of the bytes */
	const char *api; /* "ExAllocatePoolWithTag"; static or owned by owners; NULL for bytes */
	char section[9];
	bool from_file;        /* read in a copy of the driver file, not in the dump */
	unsigned levels;       /* wrappers between the site and the API; 0: called directly */
	uint32_t wrapper;      /* RVA of the wrapper that the site calls, when levels > 0 */
	size_t wrapper_module; /* index into owners->images: the wrapper's */
	uint32_t tag_from;     /* RVA of the instruction or data that holds the tag; 0 unknown */
	uint32_t function;     /* RVA of the function around the site; 0 for data */
	bool one_of_several;   /* the same site can pass other tags as well */
};

enum owner_where { OWNER_LOADED, OWNER_UNLOADED };

/** One driver that may own a tag. */
struct owner_candidate {
	enum owner_where where;
	size_t module; /* index into owners->images (= kernel->modules), or kernel->unloaded */
	enum owner_grade grade; /* of its best evidence */
	unsigned counts[OWNER_GRADES];
	struct owner_evidence *evidence; /* best first, at most OWNER_EVIDENCE_KEPT */
	size_t evidence_count;
	uint64_t pointers, sampled; /* OWNER_CONTENTS: pointers into it in so many blocks */
};

enum { OWNER_EVIDENCE_KEPT = 64 };

struct owner_tag {
	uint32_t tag;
	struct owner_candidate *candidates; /* best grade first, then by number of sites */
	size_t candidate_count;
	bool for_others;  /* nt allocates it on behalf of whoever holds the object */
	const char *hint; /* how to look on with such a tag, or NULL; static */
};

enum owner_microsoft { MICROSOFT_UNKNOWN, MICROSOFT_YES, MICROSOFT_NO };

/** What became of one image. */
struct owner_image {
	char *name; /* "ntfs.sys" */
	char *path; /* of the file used, or NULL */
	struct pe_identity identity;
	struct pe_version version;
	bool scanned; /* its code was looked at */
	bool kernel_itself;
	enum owner_microsoft microsoft;
	uint32_t code_bytes, code_present; /* bytes */
	bool discarded;                    /* INIT or other sections of it are not in the dump */
	bool unread;     /* code that Windows keeps is neither in the dump nor in a matching file */
	bool unexamined; /* some of its code was not looked through: it asks for more work than one
			    image may cost */
	unsigned sites, sites_unresolved; /* allocator calls; those whose tag was not found */
	char note[240];                   /* what could not be read; empty if nothing */
};

struct owners {
	struct owner_tag *tags; /* by tag */
	size_t tag_count;
	struct owner_image *images; /* as kernel->modules; without a dump, as driver_files */
	size_t image_count;
	bool complete;             /* every module's code could be read */
	struct owner_store *store; /* opaque: the images, for listings and byte searches */
};

/**
 * Scans every loaded module with at most `threads` threads (0: one for each processor). `files` may
 * be NULL. Images whose pages are absent are scanned as far as they go and completed from a
 * matching file. Running out of memory and Ctrl-C are errors; hostile images are not.
 */
enum ps_status owners_create(struct kernel *kernel, const struct driver_files *files,
			     unsigned threads, struct progress *progress, struct owners **ret,
			     struct ps_error *err);

/** The same over a folder of drivers, with no dump. */
enum ps_status owners_create_files(const struct driver_files *files, unsigned threads,
				   struct progress *progress, struct owners **ret,
				   struct ps_error *err);

void owners_destroy(struct owners *owners);

/**
 * Adds evidence of the weakest grade, OWNER_BYTES, for those of `tags` that nothing is known of and
 * that have four printable characters: the images are searched for the bytes. Pointers into
 * owners->tags are no longer valid afterwards. PS_NO_MEMORY, PS_INTERRUPTED.
 */
enum ps_status owners_look_for_bytes(struct owners *owners, const uint32_t *tags, size_t count,
				     struct ps_error *err);

/** By binary search; NULL when nothing is known of the tag. */
const struct owner_tag *owners_find(const struct owners *owners, uint32_t tag);

#endif
