/*
 * Layouts of pool structures as symbols of the kernel have them, which take the place of those in
 * layouts.c when they make sense.
 *
 * A layout says where numbers stand; whether a table follows it is voted on like any other. Not
 * supported: a tracker entry that does not begin with Key, a big-page entry that does not begin
 * with Va (no published kernel has one), bits of a type at another place than Windows 10's.
 */
#ifndef PS_ANALYZER_POOL_SYMBOL_LAYOUTS_H
#define PS_ANALYZER_POOL_SYMBOL_LAYOUTS_H

#include "analyzer/kernel/symbol_structure.h"
#include "analyzer/pool/layouts.h"

struct symbol_layouts {
	bool has_tracker, has_big;
	struct tracker_layout tracker;
	struct big_layout big;
};

/** Names of the types, as symbol_structure_used() wants them. */
extern const char tracker_type_name[], big_type_name[], header_type_name[];

/**
 * By the present source of symbols; what makes no sense is noted in the kernel, and not looked at
 * again.
 */
void symbol_layouts_read(struct kernel *kernel, struct symbol_layouts *ret);

/** POOL_HEADER; the built-in one when symbols do not have it. */
struct header_layout symbol_header_layout(struct kernel *kernel);

#endif
