/*
 * What the parts of the reader of Windows hibernation files share: hiber.c reads the header,
 * hiber_groups.c and hiber_tables.c find the pages (Windows 8 and later, and 7), hiber_source.c
 * unpacks them.
 *
 * Ownership: struct hiber lives while the file is opened; its groups go to the source.
 */
#ifndef PS_FORMATS_HIBER_H
#define PS_FORMATS_HIBER_H

#include "formats/formats.h"

enum {
	HIBER_GROUP_PAGES = 16, /* at most, packed together */
	HIBER_GROUP_SHIFT = 16, /* log2 of the bytes of so many pages */
	HIBER_GROUP_BYTES = 1 << HIBER_GROUP_SHIFT,
};

/** Physical addresses of the processors that Windows runs on have at most 52 bits. */
#define HIBER_PFN_LIMIT (UINT64_C(1) << (52 - PAGE_SHIFT))

enum hiber_packer { HIBER_STORED, HIBER_LZ77, HIBER_HUFFMAN };

/** Pages that are packed together. */
struct hiber_group {
	uint64_t offset; /* in the file */
	uint32_t size;   /* bytes there, 1..HIBER_GROUP_BYTES */
	uint8_t pages;   /* 1..HIBER_GROUP_PAGES */
	uint8_t packer;  /* enum hiber_packer */
};

struct hiber_groups {
	struct hiber_group *items; /* owned */
	size_t count, capacity;
};

struct hiber {
	struct dump *dump;
	unsigned pointer; /* bytes: 4 or 8 */
	struct hiber_groups groups;
	/*
	 * Where the pages are: PFN, and as offset the place in a stretch in which each group takes
	 * HIBER_GROUP_BYTES, unpacked.
	 */
	struct page_runs runs;
	uint64_t taken; /* bytes of the file that groups have, at least */
	uint64_t found; /* pages */
	uint64_t lost;  /* pages whose bytes the file does not have */
	bool cut;       /* the file ends before its last page */
	bool broken;    /* at broken_at there should be a group, and is not */
	uint64_t broken_at;
};

/**
 * Adds a group, for whose pages hiber_add_page() is called then. A group whose bytes lie beyond the
 * end of the file makes hiber->cut true and is not added. PS_CORRUPT when they overlap, which could
 * make any number of them.
 */
enum ps_status hiber_add_group(struct hiber *hiber, struct hiber_group group, struct ps_error *err);

/** Page `index` of the group added last. */
enum ps_status hiber_add_page(struct hiber *hiber, uint64_t pfn, unsigned index,
			      struct ps_error *err);

/**
 * Windows 8 and later: `pages` pages in groups from page `first` of the file on. What is wrong with
 * them is noted in `hiber`; errors are those of reading and of memory.
 */
enum ps_status hiber_read_groups(struct hiber *hiber, uint64_t first, uint64_t pages,
				 struct ps_error *err);

/** Windows 7: from the table of ranges in page `first` of the file on. */
enum ps_status hiber_read_tables(struct hiber *hiber, uint64_t first, struct ps_error *err);

/** True when page `first` of the file begins with what the reader of its kind wants. */
bool hiber_is_group(struct hiber *hiber, uint64_t first);
bool hiber_is_table(struct hiber *hiber, uint64_t first);

/** A source of the pages of the groups, which it takes over, also when it fails. */
enum ps_status hiber_source(struct file *file, struct hiber_groups *groups,
			    struct page_source **ret, struct ps_error *err);

#endif
