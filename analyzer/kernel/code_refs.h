/*
 * What a stretch of a kernel's code refers to in the image: the globals beside a known instruction.
 *
 * Linear disassembly with capstone, no flow: for the few functions that betray a global by a
 * constant or an instruction of their own. Supported: x64 (RIP-relative), ARM64 (ADRP pairs), x86
 * (absolute). Not supported: addresses made from a base that another function computed.
 */
#ifndef PS_ANALYZER_KERNEL_CODE_REFS_H
#define PS_ANALYZER_KERNEL_CODE_REFS_H

#include "analyzer/kernel/pe_image.h"

enum code_ref_kind {
	CODE_REF_ADDRESS, /* the address itself is taken */
	CODE_REF_POINTER, /* so many bytes as a pointer has are read or written */
	CODE_REF_BYTE,    /* one byte is */
};

struct code_ref {
	uint32_t rva; /* of what is referred to; inside the image */
	enum code_ref_kind kind;
};

enum { CODE_REFS_MAX = 64 };

struct code_refs {
	struct code_ref items[CODE_REFS_MAX]; /* no two alike; in the order of the code */
	unsigned count;
};

struct code_reader; /* opaque: a capstone handle */

/** For images of x86, x64 and ARM64; PS_UNSUPPORTED for others. */
enum ps_status code_reader_create(uint16_t machine, struct code_reader **ret, struct ps_error *err);

/** Frees the reader. NULL is harmless. */
void code_reader_destroy(struct code_reader *reader);

/**
 * Disassembles from up to `before` bytes before the instruction at `rva` to `after` bytes behind
 * its beginning, as far as the pages are there, and not across the padding before the function.
 * On x86 and x64 a start is chosen from which the instructions lead to `rva` exactly.
 */
void code_refs_read(struct code_reader *reader, const struct pe_image *image, uint32_t rva,
		    uint32_t before, uint32_t after, struct code_refs *ret);

#endif
