/*
 * The byte scan before any disassembly: which places of an image's code can refer to one of a set
 * of addresses. Cheap (about a gigabyte a second) and generous: what it finds is a candidate, and
 * flow.h decides.
 *
 * x64: any 32-bit displacement that leads from behind itself to a target (calls, jumps and
 * rip-relative operands alike). x86: relative calls and jumps, and absolute addresses. ARM64: B,
 * BL, ADRP with a following ADD or LDR, ADR, literal loads.
 */
#ifndef PS_ANALYZER_OWNERS_REFS_H
#define PS_ANALYZER_OWNERS_REFS_H

#include "analyzer/kernel/pe_image.h"

struct refs; /* a set of targets for one image */

/** NULL when memory is out. The image is borrowed; NULL when only addresses are added. */
struct refs *refs_create(const struct pe_image *image);
void refs_destroy(struct refs *refs);

/** An address of the image (IAT slot, function, variable). False when memory is out. */
bool refs_add_rva(struct refs *refs, uint32_t rva);

/** An address outside it, as direct calls across images reach it (import optimisation). */
bool refs_add_va(struct refs *refs, uint64_t va);

/** Place of the displacement, address or instruction that refers to a target. False stops. */
typedef bool (*refs_visitor)(void *context, uint32_t rva, uint64_t target_va);

/** All present pages of sections with code, by RVA. */
void refs_scan(struct refs *refs, refs_visitor visit, void *context);

/** After the last address, before refs_scan_image(). */
void refs_sort(struct refs *refs);

/** The same for the code of any image; several threads may share a set that is sorted. */
void refs_scan_image(const struct refs *refs, const struct pe_image *image, refs_visitor visit,
		     void *context);

#endif
