/*
 * All that speaks for drivers as owners of one tag: what owners.h found in code and data, joined
 * with what tag lists and the contents of allocations say.
 *
 * Ownership: claims_init() copies, claims_fini() frees; evidence is borrowed from the owners.
 */
#ifndef PS_ANALYZER_OWNERS_CLAIMS_H
#define PS_ANALYZER_OWNERS_CLAIMS_H

#include "analyzer/owners/contents.h"
#include "analyzer/owners/owners.h"

enum ownership {
	OWNERSHIP_NONE,       /* no candidate */
	OWNERSHIP_ONE,        /* code or registration data of one driver */
	OWNERSHIP_SEVERAL,    /* the same of several */
	OWNERSHIP_PERHAPS,    /* weaker evidence only */
	OWNERSHIP_FOR_OTHERS, /* allocated on behalf of whoever holds the object, by the kernel or
				 the one candidate that is proved */
};

/** A grade that is enough to name an owner: call site, registration data, free site. */
bool owner_grade_proves(enum owner_grade grade);

/** Judges the candidates of one tag (may be NULL), which stand in the order of owners.h. */
enum ownership ownership_of(const struct owner_tag *tag);

/** How many candidates have the best grade. */
size_t ownership_best(const struct owner_tag *tag);

/** True when the best candidate is the only one of a grade that is enough. */
bool ownership_is_proved(const struct owner_tag *tag);

struct claims {
	struct owner_tag tag; /* candidates: owned array, in the order of owners.h */
	size_t capacity;
};

/** From what code says of the tag; `found` may be NULL. PS_NO_MEMORY. claims_fini() in any case. */
enum ps_status claims_init(struct claims *claims, uint32_t tag, const struct owner_tag *found,
			   struct ps_error *err);
void claims_fini(struct claims *claims);

/**
 * A tag list's image ("ntfs.sys", "nt (io)", "a.sys, b.sys"): adds the loaded modules of that name,
 * or where none is loaded the unloaded drivers. Names that no driver of this machine has add
 * nothing.
 */
enum ps_status claims_add_list(struct claims *claims, const struct kernel *kernel,
			       const char *image, struct ps_error *err);

enum ps_status claims_add_contents(struct claims *claims, const struct contents *contents,
				   struct ps_error *err);

#endif
