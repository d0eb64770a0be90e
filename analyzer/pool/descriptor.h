/*
 * POOL_DESCRIPTOR's running totals, by build. Private to this room. Source: PDB types and public
 * structure dumps (fact sheet 4.5). Builds from 19041 on have none.
 */
#ifndef PS_ANALYZER_POOL_DESCRIPTOR_H
#define PS_ANALYZER_POOL_DESCRIPTOR_H

#include "analyzer/kernel/kernel.h"

/** Looks whether symbols have the layout, so that what speaks against it is noted in time. */
void descriptor_by_symbols(struct kernel *kernel);

/**
 * Bytes that one descriptor counts as allocated: its byte counter where the build has one, else its
 * pages. PS_UNSUPPORTED when no layout is known for the build, PS_ABSENT when it is not in the
 * dump.
 */
enum ps_status descriptor_bytes(struct kernel *kernel, uint64_t va, uint64_t *ret,
				struct ps_error *err);

#endif
