/*
 * Joins the symbol sources with what KDBG says, or puts them in its place. Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_USE_SYMBOLS_H
#define PS_ANALYZER_KERNEL_USE_SYMBOLS_H

#include "analyzer/kernel/search.h"

/**
 * Asks the sources for the kernel at `base`, before KDBG is known: kernel->symbols then has the
 * first one whose list of modules is this kernel's, or none (the PDB's identity may not be in the
 * dump). Asked again for the same base, nothing is done. PS_NO_MEMORY, PS_INTERRUPTED.
 */
enum ps_status use_symbols_at(struct kernel_search *search, uint64_t base, struct ps_error *err);

/**
 * The same for the kernel that was found, where KDBG, or what stands for it, has the last word on
 * the list of modules; the fields that nothing else tells come from symbols.
 */
enum ps_status use_symbols(struct kernel_search *search, struct ps_error *err);

/** Fields of kernel->kdbg that are still 0 and that the present source names. */
void use_symbol_fields(struct kernel *kernel);

/**
 * True when the present source is beyond doubt: its PsLoadedModuleList was read and begins with
 * the kernel at kernel->base, and it names KdDebuggerDataBlock. What it does not show is not there.
 */
bool use_symbols_are_proved(struct kernel *kernel);

#endif
