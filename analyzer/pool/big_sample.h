/*
 * A sample of what lies at a pointer that may be the big-page table: present pages from each
 * doubling of its length, decoded as entries of one stride.
 */
#ifndef PS_ANALYZER_POOL_BIG_SAMPLE_H
#define PS_ANALYZER_POOL_BIG_SAMPLE_H

#include "analyzer/memory/space.h"
#include "analyzer/pool/layouts.h"

enum { BIG_MIN_SHIFT = 6, BIG_MAX_SHIFT = 24, BIG_SHIFTS }; /* entries: powers of two */

/** Fields behind the key, undecoded: which layout they follow is voted on later. */
struct sampled_entry {
	uint64_t index;
	uint64_t va; /* bit 0 cleared */
	uint32_t key;
	uint32_t word; /* the dword behind the key: pages, POOL_TYPE or bit fields */
	uint64_t
		tail; /* pointer-sized value behind that: bytes or quota object; 0 in XP's layout */
	uint32_t run; /* slots in use directly before it, as far as its page shows */
	bool run_open; /* the run reaches the start of the page: it may be longer */
	bool live;
};

struct big_sample {
	struct space *space; /* borrowed */
	const struct big_layout
		*layout; /* borrowed; NULL: the places that all built-in ones have */
	uint64_t table;
	unsigned pointer_size;
	unsigned stride;             /* bytes an entry */
	struct sampled_entry *items; /* owned; live and freed entries */
	size_t count, capacity;
	/* Entries below 2^n, never-used ones included, that can and cannot be entries. */
	uint64_t valid[BIG_SHIFTS], invalid[BIG_SHIFTS];
	uint64_t mapped_entries; /* the first entry behind this is in no mapped page */
};

/**
 * Samples the table at `table`, by `layout` or, when that is NULL, by the places that all built-in
 * layouts of the stride have. Stops where entries stop making sense. An empty sample (count 0) is
 * no error.
 */
enum ps_status big_sample_take(struct space *space, uint64_t table, unsigned stride,
			       const struct big_layout *layout, struct big_sample *ret,
			       struct ps_error *err);
void big_sample_fini(struct big_sample *sample);

/** True when a table of 2^shift entries could lie here: nearly all that was read are entries. */
bool big_sample_fits(const struct big_sample *sample, unsigned shift);

/** True when no page of a table of 2^shift entries was seen not to be mapped. */
bool big_sample_is_mapped(const struct big_sample *sample, unsigned shift);

/** True when entries go on behind 2^shift: the table is larger. */
bool big_sample_goes_on(const struct big_sample *sample, unsigned shift);

/** What a Va field can be. Never-used entries hold 1, so zero is none. */
enum big_va { BIG_VA_NEVER, BIG_VA_LIVE, BIG_VA_FREED, BIG_VA_INVALID };

enum big_va big_va_class(const struct space *space, uint64_t va);

#endif
