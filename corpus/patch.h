/*
 * Calls of imports rewritten in memory, as Windows 10 from version 1809 on does it on x64.
 *
 * Does not: read the tables (dynamic value relocations) that name the sites to the real loader:
 * every site of the form `48 FF 15 disp32, 0F 1F 44 00 00` is one.
 */
#ifndef CORPUS_PATCH_H
#define CORPUS_PATCH_H

#include "corpus/pe.h"
#include "corpus/util.h"

enum patch_form { PATCH_NONE, PATCH_DIRECT, PATCH_RETPOLINE };

struct patch {
	enum patch_form form;
	struct pe *pe;
	uint64_t stub;    /* what a retpolined site calls, with the target in r10 */
	uint64_t patched; /* out: sites */
	struct map slots; /* RVA of a slot of the import address table -> index */
	uint64_t *targets;
	size_t count, capacity;
};

void patch_add_import(struct patch *patch, uint32_t slot_rva, uint64_t target);
void patch_apply(struct patch *patch);
void patch_fini(struct patch *patch);

#endif
