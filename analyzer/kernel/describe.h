/*
 * What kind of Windows a kernel is: build, product, service pack, processors. Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_DESCRIBE_H
#define PS_ANALYZER_KERNEL_DESCRIBE_H

#include "analyzer/kernel/kernel.h"

/**
 * Fills arch, size, image, build, build_lab, service_pack, processors, product. Best effort: what
 * is not there stays unknown, disagreements become notes. PS_NO_MEMORY.
 */
enum ps_status describe_kernel(struct kernel *kernel, struct ps_error *err);

/** Writes a product's name; `exact`: the build number tells releases of one kernel apart. */
void product_name(uint64_t build, bool exact, const struct fact *type, char *out, size_t size);

/** True when both build numbers are of releases that share one kernel. */
bool product_same_kernel(uint64_t a, uint64_t b);

#endif
