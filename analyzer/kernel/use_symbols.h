/*
 * Joins the symbol sources with what KDBG says, or puts them in its place. Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_USE_SYMBOLS_H
#define PS_ANALYZER_KERNEL_USE_SYMBOLS_H

#include "analyzer/kernel/search.h"

/**
 * Asks the sources for the kernel that was found (its PDB's identity may not be in the dump: then
 * there are none). Fields that KDBG lacks come from the first source whose list of modules is the
 * kernel's. PS_NO_MEMORY, PS_INTERRUPTED.
 */
enum ps_status use_symbols(struct kernel *kernel, const struct symbol_options *options,
			   struct ps_error *err);

/**
 * Without KDBG: takes a kernel whose base is known and of which there are symbols. `err` says why
 * KDBG was not found, and keeps saying so, with the PDB that would help, when there are none.
 */
enum ps_status search_by_symbols(struct kernel_search *search, const struct symbol_options *options,
				 struct ps_error *err);

#endif
