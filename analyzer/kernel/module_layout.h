/*
 * The layout of KLDR_DATA_TABLE_ENTRY by symbols of the kernel. Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_MODULE_LAYOUT_H
#define PS_ANALYZER_KERNEL_MODULE_LAYOUT_H

#include "analyzer/kernel/kernel.h"

/**
 * False when the source of symbols does not have it, or what it has makes no sense for the list at
 * `head`, which is said in a note.
 */
bool module_layout_by_symbols(struct kernel *kernel, uint64_t head, struct module_layout *ret);

#endif
