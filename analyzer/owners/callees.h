/*
 * What the addresses that one image's code can call mean: kernel routines that take a tag, and
 * wrappers around them.
 *
 * Keys are virtual addresses as the image's bytes assume them: of an import slot (the routine whose
 * address stands there) or of a routine. Ownership: callees_init()/callees_fini(); the rows of the
 * API table are borrowed. An address may mean several routines (a wrapper that uses two).
 */
#ifndef PS_ANALYZER_OWNERS_CALLEES_H
#define PS_ANALYZER_OWNERS_CALLEES_H

#include "analyzer/owners/apis.h"
#include "base/hash.h"

enum {
	CALLEE_LEVELS = 8,      /* wrappers in a row that are followed */
	CALLEES_AN_ADDRESS = 8, /* meanings of one address that are kept */
	CALLEE_NO_MODULE = UINT32_MAX,
};

struct callee {
	uint64_t va; /* key */
	const struct api *api;
	unsigned argument; /* for flow_argument(): of the tag or the structure */
	unsigned levels;   /* wrappers from here to the API; a jump through an import is none */
	bool by_field;     /* the argument points to a structure with the tag at `offset` */
	bool by_variable;  /* the address is no routine, see callbacks.h */
	uint32_t offset;
	bool is_wrapper; /* the address is a function that passes its own parameter on */
	uint32_t module; /* of the wrapper; CALLEE_NO_MODULE when it is none */
	uint32_t rva;    /* of the wrapper, in its module */
	bool called;     /* a call of it was evaluated */
	unsigned round;  /* in which it came to be known: a round looks for its own only */
	uint32_t next;   /* row with the same address + 1; 0: last */
};

struct callees {
	struct callee *items;
	size_t count, capacity;
	struct hash by_va; /* -> first row */
};

void callees_init(struct callees *callees);
void callees_fini(struct callees *callees);

/**
 * Adds a meaning unless that address has it already (the same kind and argument; the first one
 * stays). *ret_added may be NULL. False when memory is out.
 */
bool callees_add(struct callees *callees, const struct callee *callee, bool *ret_added);

/** First meaning of the address, or NULL; go on with callees_next(). */
const struct callee *callees_find(const struct callees *callees, uint64_t va);
const struct callee *callees_next(const struct callees *callees, const struct callee *callee);

#endif
