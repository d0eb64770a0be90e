/*
 * What allocations of a tag point to: pointers into driver images, as inference about who holds
 * them. A vtable or callback at the same place of nearly every block is hard to explain otherwise;
 * scattered pointers are weak. Pointers into the kernel itself and the HAL say nothing and are not
 * counted.
 *
 * Looked at: the first CONTENTS_BYTES of each block, words of pointer size, and what the first
 * CONTENTS_OBJECT_WORDS of them point to, for DRIVER_OBJECT and DEVICE_OBJECT (layouts of the WDK's
 * headers). Not supported: encoded pointers, blocks that point to drivers through others of their
 * own. Ownership: contents_weigh() fills, contents_fini() frees; the kernel is borrowed.
 */
#ifndef PS_ANALYZER_OWNERS_CONTENTS_H
#define PS_ANALYZER_OWNERS_CONTENTS_H

#include "analyzer/kernel/kernel.h"
#include "analyzer/owners/owners.h"

enum { CONTENTS_BYTES = 1024, CONTENTS_OBJECT_WORDS = 32 };

/** One sampled block. */
struct contents_block {
	uint64_t va;
	uint64_t bytes;
};

/** What points to one driver. */
struct contents_hit {
	enum owner_where where;
	size_t module;      /* index into kernel->modules or kernel->unloaded */
	unsigned pointers;  /* words that point into its image */
	unsigned blocks;    /* blocks that point to it, images and objects alike */
	unsigned objects;   /* blocks that point to a driver or device object of it */
	unsigned at_offset; /* most blocks that point into it at one and the same offset */
	uint32_t offset;    /* that offset, bytes */
	bool fixed;  /* there they point to code or read-only data, as vtables and callbacks do */
	bool strong; /* `fixed`, in most of three blocks or more */
};

struct contents {
	struct contents_hit *hits; /* owned; strong first, then by blocks; rare ones are left out */
	size_t hit_count;
	unsigned sampled; /* blocks with bytes in the dump */
	unsigned absent;  /* blocks without */
	unsigned kernel;  /* blocks that point into the kernel itself or the HAL */
};

/** Only running out of memory is an error. contents_fini() in any case. */
enum ps_status contents_weigh(const struct kernel *kernel, const struct contents_block *blocks,
			      size_t count, struct contents *ret, struct ps_error *err);
void contents_fini(struct contents *contents);

#endif
