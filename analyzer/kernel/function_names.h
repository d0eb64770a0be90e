/*
 * Names of the functions of images, from PDBs in the places that symbol options name. Asked for one
 * image at a time, when a place in it is to be worded; each PDB is read once.
 *
 * A PDB is taken by the image's PDB name, GUID and age. Ownership: function_names_create() /
 * function_names_destroy(); names live as long as the object. Not supported: ISF tables (there are
 * none of drivers), names of C++ without debug information, which stay as the linker made them.
 */
#ifndef PS_ANALYZER_KERNEL_FUNCTION_NAMES_H
#define PS_ANALYZER_KERNEL_FUNCTION_NAMES_H

#include "analyzer/kernel/symbols.h"

enum { FUNCTION_NOTES = 4 };

struct function_names {
	struct function_book *books; /* owned; one an image */
	size_t count;
	const struct symbol_options *options; /* borrowed */
	struct symbol_paths places;
	char notes[FUNCTION_NOTES][240]; /* PDBs of the right name that were not used, and why */
	unsigned note_count;
};

/** For `images` images; `options` must outlive the names. PS_NO_MEMORY. */
enum ps_status function_names_create(const struct symbol_options *options, size_t images,
				     struct function_names **ret, struct ps_error *err);

/** NULL is harmless. */
void function_names_destroy(struct function_names *names);

/**
 * The function of image `image` that `rva` lies in, and how far from its start. NULL when no PDB of
 * the image is there or none of its functions is near. `identity` is the image's.
 */
const char *function_names_find(struct function_names *names, size_t image,
				const struct pe_identity *identity, uint32_t rva,
				uint32_t *ret_offset);

#endif
