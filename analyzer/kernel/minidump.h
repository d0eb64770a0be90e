/*
 * The kernel as a minidump (DumpType 4) tells of it: the copy of KDBG, the lists of drivers, and
 * what its few pieces of memory hold. Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_MINIDUMP_H
#define PS_ANALYZER_KERNEL_MINIDUMP_H

#include "analyzer/kernel/kernel.h"

/**
 * Fills the kernel from dump->triage and dump->ranges. PS_NOT_FOUND when the file has neither a
 * KDBG nor a list of drivers; parts that are missing are noted.
 */
enum ps_status minidump_fill(struct kernel *kernel, const struct log *log, struct ps_error *err);

#endif
