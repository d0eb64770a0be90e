/*
 * A set of page frame numbers: how many different pages something happened to, and the lowest.
 *
 * Bounded: beyond PAGE_SET_MOST pages, or without memory, further ones are not counted, and the set
 * says that there are more.
 */
#ifndef PS_FORMATS_PAGE_SET_H
#define PS_FORMATS_PAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_SET_MOST = 1 << 19 };

/** Begins as zeros. */
struct page_set {
	uint64_t *slots; /* owned; PFN + 1, 0: free */
	size_t capacity; /* slots: a power of two, at least twice the count */
	size_t count;    /* different pages */
	uint64_t lowest; /* meaningful when count is not 0 */
	bool more;       /* some could not be counted */
};

/** Adds a page; once is enough. `pfn` is below 2^52. */
void page_set_add(struct page_set *set, uint64_t pfn);

void page_set_fini(struct page_set *set);

#endif
