/*
 * POOL_DESCRIPTOR's running totals, by build. Private to this room. Source: PDB types and public
 * structure dumps (fact sheet 4.5). Builds from 19041 on have none.
 */
#ifndef PS_ANALYZER_POOL_DESCRIPTOR_H
#define PS_ANALYZER_POOL_DESCRIPTOR_H

#include "analyzer/kernel/kernel.h"

/**
 * Bytes that one descriptor counts as allocated: its byte counter where the build has one, else its
 * pages. PS_UNSUPPORTED when no layout is known for the build, PS_ABSENT when it is not in the
 * dump.
 */
enum ps_status descriptor_bytes(const struct kernel *kernel, uint64_t va, uint64_t *ret,
				struct ps_error *err);

#endif
