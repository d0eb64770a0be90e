/*
 * The user's cache of symbols: small entries, one a kernel, made from PDBs and ISF files.
 */
#ifndef PS_ANALYZER_KERNEL_SYMBOL_IMPORT_H
#define PS_ANALYZER_KERNEL_SYMBOL_IMPORT_H

#include "analyzer/kernel/symbol_set.h"

enum { IMPORT_DEPTH = 4, IMPORT_MOST = 100000 }; /* folders in each other, files looked at */

/** Called for each symbol file: `set` when it was of a kernel and its entry was written. */
typedef void (*symbol_import_said)(void *context, const char *path, const struct symbol_set *set,
				   const struct ps_error *why);

/**
 * Makes entries in the folder `cache` (made where it is absent) of all symbol files of kernels in
 * `place`, a file or a folder with what is in it. Files that are not of a kernel or cannot be read
 * are said, and no error. PS_SYSTEM: `place` cannot be opened or `cache` not written to.
 */
enum ps_status symbol_import(const char *place, const char *cache, symbol_import_said said,
			     void *context, struct ps_error *err);

/** Every entry of the cache, in the order of the alphabet. A cache that is absent has none. */
enum ps_status symbol_cache_list(const char *cache, symbol_import_said said, void *context,
				 struct ps_error *err);

#endif
