/*
 * The made-up machine: everything that the parts of mkdump build and the truth reports.
 *
 * Does not: outlive one run of the program.
 */
#include "corpus/world.h"

#include <stdlib.h>

#include "corpus/loader.h"
#include "corpus/sessions.h"

struct region *world_add_region(struct world *w, const char *kind, int processor, const char *name,
				uint64_t va, uint64_t length)
{
	w->regions = grow(w->regions, w->region_count, &w->region_capacity, sizeof(*w->regions));
	struct region *region = &w->regions[w->region_count++];
	uint64_t start = va & ~(uint64_t)(PAGE_SIZE - 1);
	*region = (struct region){.kind = kind, .processor = processor, .name = name, .va = start};
	region->pages = (uint32_t)pages_of(va + length - start);
	region->state = xcalloc(region->pages, 1);
	return region;
}

static bool page_is_absent(const struct world *w, uint64_t va)
{
	uint64_t pfn = memory_pfn(&w->memory, va);
	int64_t index = map_get(&w->memory.by_pfn, pfn);
	if (pfn == UINT64_MAX || (index != MAP_NONE && w->memory.pages[index].absent))
		return true;
	for (size_t i = 0; i < w->region_count; i++) {
		const struct region *r = &w->regions[i];
		if (va < r->va || (va - r->va) / PAGE_SIZE >= r->pages)
			continue;
		uint8_t state = r->state[(va - r->va) / PAGE_SIZE];
		if (state != PAGE_PRESENT && state != PAGE_TRANSITION)
			return true;
	}
	return false;
}

bool world_readable(const struct world *w, uint64_t va, uint64_t length)
{
	uint64_t last = va + length - 1;
	for (uint64_t page = va & ~(uint64_t)(PAGE_SIZE - 1); page <= last; page += PAGE_SIZE) {
		if (page_is_absent(w, page))
			return false;
	}
	return true;
}

unsigned world_pointer(const struct world *w)
{
	return config_pointer_width(w->config);
}

void world_fini(struct world *w)
{
	for (size_t i = 0; i < w->module_count; i++) {
		free(w->modules[i].path);
		free(w->modules[i].pdb);
		loader_close(&w->modules[i]);
	}
	for (size_t i = 0; i < w->region_count; i++)
		free(w->regions[i].state);
	for (size_t i = 0; i < w->session_count; i++) {
		memory_view_fini(&w->sessions[i].view);
		free(w->sessions[i].tags);
	}
	free(w->sessions);
	free(w->modules);
	free(w->unloaded);
	free(w->regions);
	free(w->tags);
	map_fini(&w->tag_by_key);
	free(w->big_bytes);
	free(w->contents);
	free(w->processes);
	free(w->kernel.exports);
	free(w->kernel.globals);
	free(w->kernel.taken);
	free(w->kernel.version);
	memory_fini(&w->memory);
}
