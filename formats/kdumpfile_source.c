/*
 * The process that reads through libkdumpfile as a source of pages, for formats whose page map says
 * all that is to be said of a page (ELF cores, LKCD).
 */
#include <stdlib.h>

#include "base/memory.h"
#include "formats/kdumpfile.h"

struct kdumpfile_pages {
	struct page_source base;
	struct kdumpfile *kdumpfile; /* owned */
};

static struct kdumpfile *of_source(const struct page_source *source)
{
	return ((const struct kdumpfile_pages *)source)->kdumpfile;
}

static enum page_state source_read(struct page_source *source, const struct extent *page,
				   size_t skip, void *to, size_t length)
{
	enum page_state state = kdumpfile_read(of_source(source), page->pfn, skip, to, length);

	/* The map lists the page: what the library cannot find there is not absent but damaged. */
	return state == PAGE_NOT_IN_DUMP ? PAGE_DAMAGED : state;
}

static void source_prefetch(struct page_source *source, uint64_t pfn, uint64_t count)
{
	kdumpfile_prefetch(of_source(source), pfn, count);
}

static bool source_lost(const struct page_source *source, struct ps_error *err)
{
	return kdumpfile_lost(of_source(source), err);
}

static unsigned source_bad(const struct page_source *source, struct ps_error *err)
{
	return kdumpfile_bad(of_source(source), err);
}

static void source_close(struct page_source *source)
{
	kdumpfile_close(of_source(source));
	free(source);
}

enum ps_status kdumpfile_source(const struct file *file, struct page_source **ret,
				struct ps_error *err)
{
	static const struct page_source_ops ops = {source_read, source_prefetch, source_lost,
						   source_bad,  source_close,    true};
	struct kdumpfile_pages *pages = mem_array(1, sizeof(*pages));

	if (!pages)
		return ps_fail_memory(err, "a reader process");
	if (kdumpfile_open(file, &pages->kdumpfile, err) != PS_OK) {
		free(pages);
		return err->status;
	}
	pages->base.ops = &ops;
	*ret = &pages->base;
	return PS_OK;
}
