/*
 * Where symbol files may lie: folders and files from a symbol path, and in a folder the files that
 * could be the ones of a kernel. Nothing is fetched: of a symbol path only its local parts count.
 */
#ifndef PS_ANALYZER_KERNEL_SYMBOL_PLACES_H
#define PS_ANALYZER_KERNEL_SYMBOL_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct symbol_paths {
	char **items; /* owned, each owned */
	size_t count, capacity;
};

void symbol_paths_fini(struct symbol_paths *paths);

/** Adds a copy. False: out of memory. */
bool symbol_paths_add(struct symbol_paths *paths, const char *path);

/**
 * Adds the local parts of a symbol path as debuggers have it: parts between `;`, each a folder, a
 * file, `srv*CACHE*...*URL` or `cache*FOLDER`. URLs, UNC and Windows paths are left out. False: out
 * of memory.
 */
bool symbol_paths_parse(struct symbol_paths *paths, const char *text);

enum { SYMBOL_FILES_MOST = 32 }; /* files of a folder that are opened */

/** Files that may be for one kernel, of each kind the likeliest first. */
struct symbol_files {
	struct symbol_paths pdbs, isfs;
	size_t passed_over; /* more than SYMBOL_FILES_MOST */
	bool packed;        /* a PDB of the right name is there, packed by Windows (.pd_) */
};

void symbol_files_fini(struct symbol_files *files);

/**
 * Looks at `place`, a file or a folder: the layout of a symbol store (NAME/GUIDAGE/NAME), that of
 * Volatility 3 (windows/NAME/GUID-AGE.json.xz), and files in the folder itself. PS_SYSTEM when the
 * place cannot be opened.
 */
enum ps_status symbol_files_find(struct symbol_files *files, const char *place,
				 const char *pdb_name, const char *guid_age, struct ps_error *err);

/** True for .json, .json.xz and .json.gz, in any case. */
bool symbol_is_isf_name(const char *name);
/** True for .pdb. */
bool symbol_is_pdb_name(const char *name);

#endif
