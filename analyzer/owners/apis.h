/*
 * The kernel's routines that take a pool tag, and where it stands among their arguments.
 *
 * A static table; nothing is owned. Source of the positions: WDK, filter manager and WDF headers as
 * public documentation restates them, and counts of constants per argument over real drivers.
 * Routines whose tag the kernel chooses (IoAllocateMdl, ObCreateObject, ...) are not in it: there
 * the allocation is the kernel's.
 */
#ifndef PS_ANALYZER_OWNERS_APIS_H
#define PS_ANALYZER_OWNERS_APIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum api_kind {
	API_ALLOC,    /* the tag is an argument; lookaside initialisers too */
	API_FREE,     /* the tag is an argument, of a routine that frees */
	API_STRUCT,   /* an argument points to a structure that holds the tag */
	API_FILTER,   /* an argument points to FLT_REGISTRATION */
	API_UNTAGGED, /* allocates under the kernel's tag for callers without one, `None` */
};

struct api {
	const char *name; /* a * at the end stands for any rest */
	enum api_kind kind;
	uint8_t argument; /* of the tag or the structure, 0 is the first */
	uint8_t x86_word; /* the same counted in 32-bit words */
	uint8_t offset;   /* API_STRUCT: of the tag */
	uint8_t x86_offset;
	bool first_is_zero; /* only when the first argument is the constant 0 */
};

/** The row for an exported name; Driver Verifier's names lead to the routine they stand for. */
const struct api *api_by_name(const char *name);

/** True when modules of this file name export such routines. */
bool api_is_provider(const char *module);

/** The KMDF routine behind entry `index` of the framework's function table, or NULL. */
const struct api *api_by_wdf_index(unsigned index);

/** Walks the indices of that table that matter; false when `place` is behind the last. */
bool api_wdf_index(size_t place, unsigned *ret_index);

#endif
