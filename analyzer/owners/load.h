/*
 * The images that are searched for owners: those of a dump's modules, completed from files, or
 * those of a folder.
 *
 * Ownership: load_*() fills owners->images and the store; store_fini() frees the store.
 */
#ifndef PS_ANALYZER_OWNERS_LOAD_H
#define PS_ANALYZER_OWNERS_LOAD_H

#include "analyzer/owners/structs.h"
#include "analyzer/owners/view.h"

struct owner_store {
	struct view *views; /* by module; that of memory first */
	size_t view_count, view_capacity;
	struct space *space;          /* borrowed; NULL without a dump */
	struct structs_kernel kernel; /* where nt's image is; 0 without a dump */
};

void store_fini(struct owner_store *store);

/** The view of the module that came from memory or from a file, or NULL. */
struct view *store_view(const struct owner_store *store, size_t module, bool from_file);

/** PS_NO_MEMORY, PS_INTERRUPTED; what cannot be read is noted in the image. */
enum ps_status load_dump(struct kernel *kernel, const struct driver_files *files,
			 struct owners *owners, struct ps_error *err);
enum ps_status load_files(const struct driver_files *files, struct owners *owners,
			  struct ps_error *err);

/** Resolves imports, filter and framework registrations of all views. PS_NO_MEMORY. */
enum ps_status load_resolve(struct owners *owners, struct ps_error *err);

/** Puts what the scan counted into owners->images and sets owners->complete. */
void load_finish(struct owners *owners);

#endif
