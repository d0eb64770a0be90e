/*
 * Pages that are not in the dump, or whose page table entries are not valid.
 *
 * Does not: damage the contents of pages.
 * Software PTEs: bit 11 transition, bit 10 prototype, bits 5-9 protection (ARM64: 1-5); on x64 from
 * build 17134 on the upper part is masked while the swizzle bit (4) is clear (mitigation of L1TF).
 */
#include "corpus/faults.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/pe.h"
#include "corpus/sessions.h"

enum {
	PTE_TRANSITION = 0x800,
	PTE_SWIZZLE = 0x10,
	PTE_READ_WRITE = 4 << 5,
	PTE_READ_WRITE_ARM64 = 4 << 1,
	INVALID_MASK_BIT = 45,
	PARTS = 1000000,
};

struct choice {
	enum page_state state;
	uint64_t first, last; /* pages of the structure */
	uint64_t parts;       /* of a million, or PARTS for all of them */
};

static uint64_t software_pte(struct world *w, uint64_t va, enum page_state state, struct rng *rng)
{
	const struct config *c = w->config;
	uint64_t entry = c->arch == ARCH_ARM64 ? PTE_READ_WRITE_ARM64 : PTE_READ_WRITE;
	if (state == PAGE_TRANSITION)
		entry |= memory_pfn(&w->memory, va) << PAGE_SHIFT | PTE_TRANSITION;
	if (state == PAGE_PAGEFILE && c->arch == ARCH_X86)
		entry |= (1 + rng_below(rng, 0xFFFF)) << PAGE_SHIFT;
	else if (state == PAGE_PAGEFILE)
		entry |= (1 + rng_below(rng, 0xFFFF)) << 32;
	if (c->swizzle == SWIZZLE_MASK)
		entry ^= UINT64_C(1) << INVALID_MASK_BIT;
	if (c->swizzle == SWIZZLE_BIT)
		entry |= PTE_SWIZZLE;
	return entry;
}

static bool in_large_page(const struct world *w, uint64_t va)
{
	return map_get(&w->memory.by_va, va >> PAGE_SHIFT) == MAP_NONE;
}

static void fault_page(struct world *w, const struct line *line, struct region *region,
		       uint64_t index, enum page_state state, struct rng *rng)
{
	uint64_t va = region->va + index * PAGE_SIZE;
	uint64_t pfn = memory_pfn(&w->memory, va);
	if (pfn == UINT64_MAX)
		return; /* was never there: pages of images that are not mapped */
	if (line_has(line, "tables")) {
		struct page *table = memory_last_table(&w->memory, va);
		if (table && table->table)
			table->absent = true;
		return;
	}
	region->state[index] = (uint8_t)state;
	if (state == PAGE_MISSING) {
		memory_frame(&w->memory, pfn);
		memory_page(&w->memory, pfn)->absent = true;
		return;
	}
	if (in_large_page(w, va))
		line_fail(line, "the page lies in a large page: 'pool-pages large' excludes this");
	memory_set_pte(&w->memory, va, software_pte(w, va, state, rng));
	if (state != PAGE_TRANSITION)
		memory_page(&w->memory, pfn)->absent = true;
}

/* "page=3", "page=3..7", "page=all", "random=5%"; all pages without any of them. */
static struct choice read_choice(const struct line *line, enum page_state state)
{
	struct choice choice = {state, 0, UINT64_MAX, PARTS};
	const char *page = line_option(line, "page"), *random = line_option(line, "random");
	if (random)
		choice.parts = parse_percent(line, random);
	if (!page || strcmp(page, "all") == 0)
		return choice;
	char *text = xstrdup(page), *dots = strstr(text, "..");
	if (dots)
		*dots = '\0';
	choice.first = choice.last = parse_number(line, text);
	if (dots)
		choice.last = parse_number(line, dots + 2);
	free(text);
	return choice;
}

static void fault_region(struct world *w, const struct line *line, struct region *region,
			 const struct choice *choice, struct rng *rng)
{
	if (choice->last != UINT64_MAX && choice->last >= region->pages)
		line_fail(line, "the structure has only %u pages", region->pages);
	for (uint64_t i = 0; i < region->pages; i++) {
		if (i < choice->first || i > choice->last)
			continue;
		if (choice->parts < PARTS && rng_below(rng, PARTS) >= choice->parts)
			continue;
		session_enter(w, region->session);
		fault_page(w, line, region, i, choice->state, rng);
		session_leave(w, region->session);
	}
}

static bool matches(const struct region *region, const char *kind, int processor, const char *name)
{
	return strcmp(region->kind, kind) == 0 &&
	       (processor < 0 || region->processor == processor) &&
	       (!name || (region->name && strcmp(region->name, name) == 0));
}

/* missing module NAME section=PAGE: of a real file. */
static void choose_section(const struct world *w, const struct line *line, const char *section,
			   struct choice *choice)
{
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		if (strcmp(m->name, line->words[2]) != 0 || !m->pe)
			continue;
		const struct pe_section *s = pe_section(m->pe, section);
		if (!s)
			line_fail(line, "the driver has no section %s", section);
		choice->first = s->rva / PAGE_SIZE;
		choice->last = choice->first + pages_of(s->size) - 1;
		return;
	}
	line_fail(line, "section= is for drivers with image=FILE");
}

/* missing session-root id=1: the top page table of the session's processes */
static void fault_roots(struct world *w, int id)
{
	for (size_t i = 0; i < w->session_count; i++) {
		if (id < 0 || w->sessions[i].id == (uint64_t)id)
			memory_page(&w->memory, w->sessions[i].dtb >> PAGE_SHIFT)->absent = true;
	}
}

/* missing tracker cpu=3 page=5 */
static void fault_structure(struct world *w, const struct line *line, struct choice choice,
			    struct rng *rng)
{
	const char *kind = line->words[1], *cpu = line_option(line, "cpu"), *name = NULL;
	if (strncmp(kind, "session-", 8) == 0)
		cpu = line_option(line, "id");
	int processor = cpu ? (int)(parse_number(line, cpu) & 0xFFFF) : -1;
	if (line_has(line, "table0"))
		processor = 0;
	if (strcmp(kind, "module") == 0 || strcmp(kind, "ldr") == 0)
		name = line_word(line, 2, "the name of a module");
	if (strcmp(kind, "process") == 0 || strncmp(kind, "handle", 6) == 0)
		name = line_word(line, 2, "the name of a process");
	if (line_has(line, "headers"))
		choice.first = choice.last = 0;
	const char *section = line_option(line, "section");
	if (section && name)
		choose_section(w, line, section, &choice);
	bool found = w->session_count && strcmp(kind, "session-root") == 0;
	if (found)
		fault_roots(w, processor);
	for (size_t i = 0; i < w->region_count; i++) {
		if (!matches(&w->regions[i], kind, processor, name))
			continue;
		fault_region(w, line, &w->regions[i], &choice, rng);
		found = true;
	}
	if (!found)
		line_fail(
			line,
			"no such structure (tracker, expansion, big, array, globals, module NAME, "
			"ldr NAME, kdbg, kdbg-code, tag-code, exports, unloaded, mi-state, "
			"mi-partition, process NAME, handle-table NAME, handles NAME, session, "
			"session-space, session-table, session-expansion, session-root, random)");
}

/* missing random 5%: pages of the pool structures; with `everything`, any page but page tables. */
static void fault_random(struct world *w, const struct line *line, struct choice choice,
			 struct rng *rng)
{
	choice.parts = parse_percent(line, line_word(line, 2, "a percentage"));
	static const char *const kinds[] = {"tracker", "expansion", "big"};
	for (size_t i = 0; i < w->region_count; i++) {
		for (size_t k = 0; k < 3; k++) {
			if (strcmp(w->regions[i].kind, kinds[k]) == 0)
				fault_region(w, line, &w->regions[i], &choice, rng);
		}
	}
	for (size_t i = 0; line_has(line, "everything") && i < w->memory.page_count; i++) {
		struct page *page = &w->memory.pages[i];
		if (!page->table && rng_below(rng, PARTS) < choice.parts)
			page->absent = true;
	}
}

/* Not stored itself, or out of reach because a page table is not. */
static bool is_lost(struct world *w, uint64_t va)
{
	uint64_t pfn = memory_pfn(&w->memory, va);
	if (pfn == UINT64_MAX)
		return false; /* was never there */
	const struct page *page = memory_page(&w->memory, pfn);
	if (page && page->absent)
		return true;
	const struct page *table = memory_last_table(&w->memory, va);
	return !table || table->absent;
}

void faults_settle(struct world *w)
{
	for (size_t i = 0; i < w->region_count; i++) {
		struct region *r = &w->regions[i];
		session_enter(w, r->session);
		for (uint32_t p = 0; p < r->pages; p++) {
			bool readable =
				r->state[p] == PAGE_PRESENT || r->state[p] == PAGE_TRANSITION;
			if (readable && is_lost(w, r->va + (uint64_t)p * PAGE_SIZE))
				r->state[p] = PAGE_MISSING;
		}
		session_leave(w, r->session);
	}
}

void faults_apply(struct world *w)
{
	static const struct {
		const char *key;
		enum page_state state;
	} states[] = {{"missing", PAGE_MISSING},
		      {"transition", PAGE_TRANSITION},
		      {"pagefile", PAGE_PAGEFILE},
		      {"demand-zero", PAGE_DEMAND_ZERO}};
	struct rng rng = rng_fork(w->config->seed, "faults");
	const struct lines *lines = &w->config->lists[LINES_FAULT];
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		enum page_state state = PAGE_MISSING;
		for (size_t k = 0; k < sizeof(states) / sizeof(*states); k++) {
			if (strcmp(states[k].key, line->words[0]) == 0)
				state = states[k].state;
		}
		struct choice choice = read_choice(line, state);
		if (strcmp(line_word(line, 1, "a structure"), "random") == 0)
			fault_random(w, line, choice, &rng);
		else
			fault_structure(w, line, choice, &rng);
	}
}
