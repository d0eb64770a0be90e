/* The list of missing stretches, and the words for each reason. */
#include "analyzer/memory/hole.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "formats/dump.h"

static const char *const table_names[] = {"", "PT", "PD", "PDPT", "PML4", "PML5"};
static const char *const entry_names[] = {"", "PTE", "PDE", "PDPTE", "PML4E", "PML5E"};

void holes_init(struct holes *holes)
{
	*holes = (struct holes){.items = NULL};
}

void holes_fini(struct holes *holes)
{
	free(holes->items);
	holes_init(holes);
}

static bool continues(const struct hole *last, const struct hole *hole)
{
	return last->va + last->length == hole->va && last->reason == hole->reason &&
	       last->level == hole->level && last->page == hole->page;
}

void holes_add(struct holes *holes, const struct hole *hole)
{
	void *items = holes->items;

	if (hole->length == 0)
		return;
	holes->bytes += hole->length;
	/* After an omission the last item is not the last hole. */
	if (holes->count > 0 && !holes->overflow &&
	    continues(&holes->items[holes->count - 1], hole)) {
		holes->items[holes->count - 1].length += hole->length;
		return;
	}
	if (!mem_grow(&items, holes->count, &holes->capacity, sizeof(*hole))) {
		holes->overflow = true;
		return;
	}
	holes->items = items;
	holes->items[holes->count++] = *hole;
}

static const char *name_of(const char *const *names, uint8_t level)
{
	return level <= 5 ? names[level] : "";
}

/* `several`: the hole spans pages, and the entry and PFN shown are those of the first. */
static void describe_reason(const struct hole *hole, bool several, char *text, size_t size)
{
	const char *first = several ? "first " : "";
	const char *table = name_of(table_names, hole->level);
	const char *entry = name_of(entry_names, hole->level);

	switch (hole->reason) {
	case HOLE_NOT_CANONICAL: snprintf(text, size, "no such address on this machine"); break;
	case HOLE_USER_HALF:
		snprintf(text, size, "a user address, and only the kernel's page tables are known");
		break;
	case HOLE_NOT_PRESENT:
		if (hole->entry == 0)
			snprintf(text, size, "no page table entry (%s level)", table);
		else
			snprintf(text, size, "demand zero or free (%s%s 0x%" PRIx64 ")", first,
				 entry, hole->entry);
		break;
	case HOLE_PAGEFILE:
		snprintf(text, size, "in the page file (%s%s 0x%" PRIx64 ")", first, entry,
			 hole->entry);
		break;
	case HOLE_PROTOTYPE:
		snprintf(text, size, "mapped through a prototype PTE (%s%s 0x%" PRIx64 ")", first,
			 entry, hole->entry);
		break;
	case HOLE_TRANSITION:
		snprintf(text, size,
			 "in transition at a PFN outside the machine's memory (%s%s 0x%" PRIx64 ")",
			 first, entry, hole->entry);
		break;
	case HOLE_RESERVED:
		snprintf(text, size, "mapped by nothing (%sreserved %s 0x%" PRIx64 ")", first,
			 entry, hole->entry);
		break;
	case HOLE_TABLE_MISSING:
		snprintf(text, size, "its page table is %s (%s level, PFN 0x%" PRIx64 ")",
			 page_state_words(hole->page), table, hole->pfn);
		break;
	case HOLE_PAGE_MISSING:
		snprintf(text, size, "%s (%s %s, %sPFN 0x%" PRIx64 ")",
			 page_state_words(hole->page), entry,
			 hole->entry & 1 ? "present" : "in transition", first, hole->pfn);
		break;
	case HOLE_NOT_IN_MINIDUMP:
		snprintf(text, size, "%s",
			 hole->page == PAGE_NOT_IN_DUMP ? "not in this minidump"
							: page_state_words(hole->page));
		break;
	}
}

char *hole_describe(const struct hole *hole, char *text, size_t size)
{
	uint64_t page = hole->va & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t last = hole->length ? hole->va + hole->length - 1 : hole->va;
	uint64_t pages = (last - page) / PAGE_SIZE + 1;
	char reason[160];

	describe_reason(hole, pages > 1, reason, sizeof(reason));
	if (hole->reason == HOLE_NOT_CANONICAL || hole->reason == HOLE_USER_HALF ||
	    hole->reason == HOLE_NOT_IN_MINIDUMP)
		snprintf(text, size, "address 0x%" PRIx64 ": %s", hole->va, reason);
	else if (pages == 1)
		snprintf(text, size, "page 0x%" PRIx64 ": %s", page, reason);
	else
		snprintf(text, size, "%" PRIu64 " pages from 0x%" PRIx64 ": %s", pages, page,
			 reason);
	return text;
}
