/*
 * Where in a sound dump's file the structures lie that the program depends on.
 */
#include "tests/fuzz/aim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/desk/case.h"
#include "base/memory.h"

enum {
	LIST_ENTRIES = 64,
	LIST_ENTRY_BYTES = 0x100,
	PROCESS_BYTES = 0x600,
	AROUND_GLOBALS = 0x80,
};

const char *target_name(enum target_kind kind)
{
	static const char *const names[TARGET_KINDS] = {
		"header", "page tables", "tracker tables", "big-page table", "lists", "kernel"};

	return names[kind];
}

static bool add(struct targets *t, enum target_kind kind, uint64_t offset, uint64_t length)
{
	for (size_t i = 0; i < t->count[kind]; i++) {
		if (t->items[kind][i].offset == offset)
			return true;
	}
	if (!mem_grow((void **)&t->items[kind], t->count[kind], &t->capacity[kind],
		      sizeof(struct target)))
		return false;
	t->items[kind][t->count[kind]++] = (struct target){offset, length};
	return true;
}

/* `length` bytes at a physical address, inside one page. */
static bool add_physical(struct targets *t, struct dump *dump, enum target_kind kind, uint64_t pa,
			 uint64_t length)
{
	struct extent extent;

	dump_locate(dump, pa / PAGE_SIZE, &extent);
	return extent.state != PAGE_PRESENT || add(t, kind, extent.offset + pa % PAGE_SIZE, length);
}

/* The entry of each level that translates `va`, for 4 KiB and large pages alike. */
static bool add_walk(struct targets *t, struct space *space, uint64_t va)
{
	/* An entry is a large page's when `bit` of it is `large`. */
	static const struct {
		unsigned levels, bits, width;
		uint64_t bit, large;
	} modes[] = {
		[PAGING_X86] = {2, 10, 4, 0x80, 0x80}, [PAGING_PAE] = {3, 9, 8, 0x80, 0x80},
		[PAGING_X64] = {4, 9, 8, 0x80, 0x80},  [PAGING_X64_LA57] = {5, 9, 8, 0x80, 0x80},
		[PAGING_ARM64] = {4, 9, 8, 2, 0},
	};
	uint64_t bit = modes[space_paging(space)].bit, large = modes[space_paging(space)].large;
	unsigned levels = modes[space_paging(space)].levels, bits = modes[space_paging(space)].bits;
	unsigned width = modes[space_paging(space)].width;
	uint64_t table = space_dtb(space), entry = 0;

	for (unsigned level = levels; level > 0; level--) {
		uint64_t index = va >> (PAGE_SHIFT + bits * (level - 1)) & ((1u << bits) - 1);

		if (!add_physical(t, space_dump(space), TARGET_PAGE_TABLES, table + index * width,
				  width))
			return false;
		if (dump_read(space_dump(space), table + index * width, &entry, width) !=
			    PAGE_PRESENT ||
		    !(entry & 1) || (level < levels && (entry & bit) == large))
			return true;
		table = entry & 0xFFFFFFFFFF000;
	}
	return true;
}

static bool add_virtual(struct targets *t, struct space *space, enum target_kind kind, uint64_t va,
			uint64_t length)
{
	for (uint64_t at = va; at < va + length;) {
		uint64_t part = PAGE_SIZE - at % PAGE_SIZE;
		struct translation translation;
		struct hole hole;

		if (part > va + length - at)
			part = va + length - at;
		if (space_translate(space, at, &translation, &hole) &&
		    !add_physical(t, space_dump(space), kind, translation.pa, part))
			return false;
		if (!add_walk(t, space, at))
			return false;
		at += part;
	}
	return true;
}

static bool add_tables(struct targets *t, struct space *space, const struct pools *pools)
{
	for (size_t i = 0; i < pools->tracker.table_count; i++) {
		const struct tracker_table *table = &pools->tracker.tables[i];

		if (!add_virtual(t, space, TARGET_TRACKER, table->address,
				 table->pages_expected * PAGE_SIZE))
			return false;
	}
	return add_virtual(t, space, TARGET_BIG, pools->globals.big.table.value,
			   pools->big.pages_expected * PAGE_SIZE);
}

static bool add_lists(struct targets *t, const struct kernel *kernel)
{
	uint64_t head = kernel->kdbg.fields[KDBG_PS_LOADED_MODULE_LIST], at = head;
	struct ps_error err = PS_ERROR_INIT;

	for (unsigned i = 0; i < LIST_ENTRIES; i++) {
		if (!add_virtual(t, kernel->space, TARGET_LISTS, at,
				 at == head ? 16 : LIST_ENTRY_BYTES))
			return false;
		if (space_read_pointer(kernel->space, at, &at, &err) != PS_OK || at == head)
			break;
	}
	return true;
}

/* EPROCESS with its header, and the handle table, of the first processes. */
static bool add_processes(struct targets *t, struct kernel *kernel)
{
	struct ps_error err = PS_ERROR_INIT;
	struct process_list list;
	bool good = true;

	if (processes_read(kernel, &list, &err) != PS_OK)
		return true; /* the recipe has none */
	for (size_t i = 0; i < list.count && i < LIST_ENTRIES && good; i++) {
		const struct process *p = &list.items[i];
		uint64_t table = 0;

		good = add_virtual(t, kernel->space, TARGET_LISTS, p->va - 0x40, PROCESS_BYTES);
		if (good && list.offsets.table &&
		    space_read_pointer(kernel->space, p->va + list.offsets.table, &table, &err) ==
			    PS_OK &&
		    table != 0)
			good = add_virtual(t, kernel->space, TARGET_LISTS, table, LIST_ENTRY_BYTES);
	}
	process_list_fini(&list);
	return good;
}

static bool add_kernel(struct targets *t, const struct kernel *kernel,
		       const struct pool_globals *globals)
{
	const struct global *const all[] = {&globals->tracker,   &globals->tracker_size,
					    &globals->expansion, &globals->expansion_size,
					    &globals->tables,    &globals->big.table,
					    &globals->big.size};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (all[i]->found && all[i]->va &&
		    !add_virtual(t, kernel->space, TARGET_KERNEL, all[i]->va, AROUND_GLOBALS))
			return false;
	}
	return add_virtual(t, kernel->space, TARGET_KERNEL, kernel->kdbg.va, kernel->kdbg.size) &&
	       add_virtual(t, kernel->space, TARGET_KERNEL, kernel->base, 0x400);
}

/* File offset of the first page. */
static uint64_t first_page(const struct page_map *map)
{
	uint64_t first = map->first_page;

	for (size_t i = 0; i < map->run_count; i++) {
		if (i == 0 || map->runs[i].offset < first)
			first = map->runs[i].offset;
	}
	return first;
}

/* Headers, bitmap or list of ranges; of a minidump all, which is small. */
static bool add_header(struct targets *t, const struct dump *dump)
{
	enum { MOST = 0x10000 };
	uint64_t length = dump->holds == HOLDS_PAGES ? first_page(&dump->map) : dump->file.size;

	if (length == 0)
		return true; /* a raw image: memory alone */
	return add(t, TARGET_HEADER, 0, length < MOST ? length : MOST) &&
	       add(t, TARGET_HEADER, 0x10, 0x100);
}

bool targets_find(const char *path, struct targets *ret)
{
	struct ps_error err = PS_ERROR_INIT;
	struct progress progress;
	struct case_file c = {0};
	bool good;

	*ret = (struct targets){0};
	progress_init(&progress, false);
	good = case_init(&c, path, CASE_POOLS, READER_ANY, NULL, &progress, &err) == PS_OK;
	if (good && c.kernel && c.dump->holds == HOLDS_RANGES) {
		good = add_header(ret, c.dump);
		case_fini(&c);
		return good;
	}
	if (!good || !c.kernel || !c.pools || !c.pools->big_available) {
		fprintf(stderr, "%s is not sound: %s%s%s\n", path, err.text, c.kernel_error.text,
			c.pools_error.text);
		case_fini(&c);
		return false;
	}
	good = add_header(ret, c.dump) && add_tables(ret, c.kernel->space, c.pools) &&
	       add_lists(ret, c.kernel) && add_processes(ret, c.kernel) &&
	       add_kernel(ret, c.kernel, &c.pools->globals);
	case_fini(&c);
	if (!good)
		fprintf(stderr, "out of memory\n");
	return good;
}

void targets_fini(struct targets *targets)
{
	for (unsigned i = 0; i < TARGET_KINDS; i++)
		free(targets->items[i]);
	*targets = (struct targets){0};
}
