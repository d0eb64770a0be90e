/*
 * Which addresses of an image are which routine.
 *
 * In memory, import slots are known by the address that stands in them, looked up among the exports
 * of the loaded modules that have such routines: the names are usually discarded with INIT. Where
 * they are there (files), names are used too, and for what Driver Verifier put in their place its
 * own table of pairs in nt's data. Direct calls to exports (import optimisation, retpoline) are
 * found by the same addresses. Ownership: exports_init()/exports_fini().
 */
#ifndef PS_ANALYZER_OWNERS_RESOLVE_H
#define PS_ANALYZER_OWNERS_RESOLVE_H

#include "analyzer/owners/view.h"

/** Routines of the API table by the address where they are loaded. */
struct exports {
	struct callees known;
	struct structs_range {
		uint64_t base, end;
		char name[40];
	} unread[16]; /* providers whose export table cannot be read */
	unsigned unread_count;
};

void exports_init(struct exports *exports);
void exports_fini(struct exports *exports);

/**
 * Takes in what `image`, loaded at `base` as `name`, exports; `image` may be a copy of the file.
 * `machine` tells where arguments are. False when memory is out.
 */
bool exports_add(struct exports *exports, struct pe_image *image, uint64_t base, const char *name);

/** A provider whose exports cannot be read. */
void exports_unread(struct exports *exports, uint64_t base, uint64_t size, const char *name);

/** Driver Verifier: routines that stand beside a known one in pairs of pointers in nt's data. */
bool exports_add_pairs(struct exports *exports, const struct pe_image *nt);

/**
 * Fills view->callees. `names` is a view of the same module whose import names are readable, or
 * NULL. `note` (`size` bytes) gets a sentence where imports could not be told. False when memory is
 * out.
 */
bool resolve_view(struct view *view, const struct view *names, const struct exports *exports,
		  char *note, size_t size);

#endif
