/*
 * Where the pages of a container come from when they do not lie in its file as they are: compressed
 * pages, pages behind a library. The dump's page map says which pages there are; the source has the
 * bytes.
 *
 * A source is made by the format that needs it, owned by the dump, and freed by its own close().
 */
#ifndef PS_FORMATS_PAGE_SOURCE_H
#define PS_FORMATS_PAGE_SOURCE_H

#include "formats/page_map.h"

struct page_source;

struct page_source_ops {
	/**
	 * Copies bytes [skip, skip+length) of one page, within its 4 KiB. `page` is the page as the
	 * map has it: PAGE_PRESENT, offset as in the map.
	 */
	enum page_state (*read)(struct page_source *source, const struct extent *page, size_t skip,
				void *to, size_t length);

	/** Says that these pages, all present, will be read soon, in this order. */
	void (*prefetch)(struct page_source *source, uint64_t pfn, uint64_t count);

	/** True when the source has failed for good: *err says how. NULL: it cannot. */
	bool (*lost)(const struct page_source *source, struct ps_error *err);

	/**
	 * Pages that ended the source's reader, which was started anew. *err: the last, and how.
	 * NULL: it has no reader.
	 */
	unsigned (*bad)(const struct page_source *source, struct ps_error *err);

	void (*close)(struct page_source *source);

	bool through_kdumpfile; /* the pages come through libkdumpfile */
};

/** Embedded as the first member of each kind of source. */
struct page_source {
	const struct page_source_ops *ops;
};

#endif
