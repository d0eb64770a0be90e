/*
 * Copies of driver files that the analyst has beside the dump (--drivers DIR): an index by name,
 * time stamp and size of image, since a dump often lacks INIT and resources.
 *
 * Ownership: driver_files_create()/driver_files_destroy(). Folders are searched recursively without
 * following symbolic links; files that are no PE images are skipped; unreadable ones are counted.
 * A file is recognised by its content, not by its name's ending.
 */
#ifndef PS_ANALYZER_KERNEL_DRIVER_FILES_H
#define PS_ANALYZER_KERNEL_DRIVER_FILES_H

#include "analyzer/kernel/pe_exports.h"

struct driver_file {
	char *path;       /* owned by the index */
	const char *name; /* file name inside path */
	struct pe_identity identity;
	bool is_kernel; /* native subsystem: a driver or the kernel itself */
};

struct driver_files {
	struct driver_file
		*items; /* by path, so results do not depend on the file system's order */
	size_t count;
	size_t unreadable; /* files or folders that could not be opened */
	char first_unreadable[256];
};

/**
 * `paths` are folders or single files, or symbolic links to them. PS_SYSTEM when one of them cannot
 * be opened at all, PS_CORRUPT or PS_UNSUPPORTED when a file named here is no PE image or neither
 * folder nor file, PS_INTERRUPTED.
 */
enum ps_status driver_files_create(const char *const *paths, size_t count,
				   struct driver_files **ret, struct ps_error *err);
void driver_files_destroy(struct driver_files *files);

enum driver_match {
	DRIVER_MATCHES, /* PDB GUID and age, or time stamp and SizeOfImage, are the module's */
	DRIVER_DIFFERS, /* a file of that name is there and is another version: never used */
	DRIVER_NO_FILE,
};

/**
 * The file for a loaded module. `name` is its base name; the identity is what the dump knows of it,
 * `timestamp` and `size` what the list of modules says (fields that are 0 or absent do not decide,
 * and with nothing but a size to compare nothing matches). Another machine or SizeOfImage never
 * matches. A renamed file with the right PDB GUID and age matches too. *ret is set for MATCHES and
 * DIFFERS.
 */
enum driver_match driver_files_find(const struct driver_files *files, const char *name,
				    const struct pe_identity *identity, uint32_t timestamp,
				    uint32_t size, const struct driver_file **ret);

#endif
