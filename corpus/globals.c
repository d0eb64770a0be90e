/*
 * The kernel's globals: which ones a build has, where they lie in the image, their values.
 *
 * Does not: decide what the values are, but for the recipe's `value` and `write` lines.
 */
#include "corpus/globals.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/mm_state.h"

enum zone {
	ZONE_POOL,
	ZONE_DATA,
	ZONE_READONLY,
	ZONE_ANYWHERE,
	ZONE_PROCESSES /* with `process` lines only */
};

/* Sizes that depend on the machine. */
enum {
	SIZE_POINTER = -1,
	SIZE_LIST = -2,
	SIZE_TAG_TABLES = -3,
	SIZE_KDBG = -4,
	SIZE_PRCBS = -5,
	SIZE_MI_STATE = -6,
	SIZE_MI_PARTITION = -7,
	SIZE_MI_POINTER = -8,
};

static const struct global_spec {
	const char *name;
	int size;
	enum zone zone;
	uint32_t from, until; /* builds, both included */
} specs[] = {
	{"PoolTrackTable", SIZE_POINTER, ZONE_POOL, 0, UINT32_MAX},
	{"PoolTrackTableSize", SIZE_POINTER, ZONE_POOL, 0, UINT32_MAX},
	{"PoolTrackTableMask", SIZE_POINTER, ZONE_POOL, 0, UINT32_MAX},
	{"PoolTrackTableExpansion", SIZE_POINTER, ZONE_POOL, 3790, UINT32_MAX},
	{"PoolTrackTableExpansionSize", SIZE_POINTER, ZONE_POOL, 3790, UINT32_MAX},
	{"ExPoolTagTables", SIZE_TAG_TABLES, ZONE_POOL, 3790, UINT32_MAX},
	{"PoolBigPageTable", SIZE_POINTER, ZONE_POOL, 0, UINT32_MAX},
	{"PoolBigPageTableSize", SIZE_POINTER, ZONE_POOL, 0, UINT32_MAX},
	{"PoolBigPageTableHash", SIZE_POINTER, ZONE_POOL, 0, 3790},
	{"ExpSessionPoolTrackTable", SIZE_POINTER, ZONE_POOL, 3790, 20348},
	{"ExpSessionPoolTrackTableSize", SIZE_POINTER, ZONE_POOL, 3790, 22000},
	{"ExpSessionPoolTrackTableMask", SIZE_POINTER, ZONE_POOL, 3790, 22000},
	{"ExpPoolBigEntriesInUse", SIZE_POINTER, ZONE_DATA, 3790, UINT32_MAX},
	{"PsLoadedModuleList", SIZE_LIST, ZONE_DATA, 0, UINT32_MAX},
	{"MmUnloadedDrivers", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"MmLastUnloadedDriver", 4, ZONE_DATA, 0, UINT32_MAX},
	{"PsActiveProcessHead", SIZE_LIST, ZONE_DATA, 0, UINT32_MAX},
	{"KdDebuggerDataBlock", SIZE_KDBG, ZONE_DATA, 0, UINT32_MAX},
	{"KdpDebuggerDataListHead", SIZE_LIST, ZONE_DATA, 0, UINT32_MAX},
	{"KdVersionBlock", 0x28, ZONE_DATA, 0, UINT32_MAX},
	{"KdpDataBlockEncoded", 1, ZONE_DATA, 7600, UINT32_MAX},
	{"KiWaitNever", 8, ZONE_READONLY, 7600, UINT32_MAX},
	{"KiWaitAlways", 8, ZONE_READONLY, 7600, UINT32_MAX},
	{"KiProcessorBlock", SIZE_PRCBS, ZONE_DATA, 0, UINT32_MAX},
	{"KiBugcheckData", 0x28, ZONE_DATA, 0, UINT32_MAX},
	{"KeBugCheckCallbackListHead", SIZE_LIST, ZONE_DATA, 0, UINT32_MAX},
	{"KeNumberProcessors", 4, ZONE_DATA, 0, UINT32_MAX},
	{"KeTimeIncrement", 4, ZONE_DATA, 0, UINT32_MAX},
	{"KeLoaderBlock", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"PspCidTable", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"ExpSystemResourcesList", SIZE_LIST, ZONE_DATA, 0, UINT32_MAX},
	{"ObpRootDirectoryObject", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"ObpTypeObjectType", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"EtwpDebuggerData", 0x10, ZONE_DATA, 7600, UINT32_MAX},
	{"NtBuildNumber", 4, ZONE_DATA, 0, UINT32_MAX},
	{"NtBuildLab", 64, ZONE_DATA, 0, UINT32_MAX},
	{"CmNtCSDVersion", 4, ZONE_DATA, 0, UINT32_MAX},
	{"NonPagedPoolDescriptor", 0x1140, ZONE_DATA, 0, 18362},
	{"ExpNumberOfPagedPools", 4, ZONE_DATA, 0, 9600},
	{"ExpPagedPoolDescriptor", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmAllocatedNonPagedPool", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmPagedPoolInfo", 0x80, ZONE_DATA, 0, 9600},
	{"MmPagedPoolCommit", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"MmTotalCommittedPages", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmTotalCommitLimit", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmAvailablePages", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmPhysicalMemoryBlock", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"MmPfnDatabase", SIZE_POINTER, ZONE_DATA, 0, UINT32_MAX},
	{"MmPteBase", SIZE_POINTER, ZONE_DATA, 14393, UINT32_MAX},
	{"MmNumberOfPhysicalPages", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmHighestPhysicalPage", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmLowestPhysicalPage", SIZE_POINTER, ZONE_DATA, 0, 9600},
	{"MmMaximumNonPagedPoolInBytes", SIZE_POINTER, ZONE_READONLY, 0, 9600},
	{"MmSizeOfPagedPoolInBytes", SIZE_POINTER, ZONE_READONLY, 0, UINT32_MAX},
	{"MmNonPagedSystemStart", SIZE_POINTER, ZONE_READONLY, 0, 9600},
	{"MmNonPagedPoolStart", SIZE_POINTER, ZONE_READONLY, 0, 9600},
	{"MmNonPagedPoolEnd", SIZE_POINTER, ZONE_READONLY, 0, 9600},
	{"MmPagedPoolStart", SIZE_POINTER, ZONE_READONLY, 0, 9600},
	{"MmPagedPoolEnd", SIZE_POINTER, ZONE_READONLY, 0, 9600},
	{"MmHighestUserAddress", SIZE_POINTER, ZONE_READONLY, 0, UINT32_MAX},
	{"MmSystemRangeStart", SIZE_POINTER, ZONE_READONLY, 0, UINT32_MAX},
	{"MmUserProbeAddress", SIZE_POINTER, ZONE_READONLY, 0, UINT32_MAX},
	{"MmSpecialPoolTag", 4, ZONE_DATA, 0, UINT32_MAX},
	{"MmVerifierData", 0x20, ZONE_DATA, 0, UINT32_MAX},
	/* with a line `mm-state` only; behind all others, whose places they must not change */
	{"MiState", SIZE_MI_STATE, ZONE_ANYWHERE, 10240, UINT32_MAX},
	{"MiSystemPartition", SIZE_MI_PARTITION, ZONE_ANYWHERE, 10240, UINT32_MAX},
	{"MiVisibleState", SIZE_MI_POINTER, ZONE_ANYWHERE, 10240, UINT32_MAX},
	{"PsInitialSystemProcess", SIZE_POINTER, ZONE_PROCESSES, 0, UINT32_MAX},
	{"ExpFreeListCount", 4, ZONE_PROCESSES, 9200, UINT32_MAX},
};

enum { SPEC_COUNT = sizeof(specs) / sizeof(*specs) };

/* Order of the pool globals in two real kernels, as offsets in a page: x86 6.1.7601.18741 and
 * x86 5.1.2600.5512. */
static const struct fixed_place {
	const char *name;
	uint32_t offset;
} win7_order[] = {{"PoolBigPageTableSize", 0x8C},
		  {"PoolBigPageTable", 0x90},
		  {"PoolTrackTableExpansionSize", 0x94},
		  {"PoolTrackTableExpansion", 0x98},
		  {"PoolTrackTableMask", 0x9C},
		  {"PoolTrackTableSize", 0xA0},
		  {"PoolTrackTable", 0xA4},
		  {"ExPoolTagTables", 0xC0},
		  {"ExpSessionPoolTrackTable", 0x148},
		  {"ExpSessionPoolTrackTableSize", 0x14C},
		  {"ExpSessionPoolTrackTableMask", 0x150},
		  {NULL, 0}},
  xp_order[] = {{"PoolBigPageTableHash", 0x7EC},
		{"PoolBigPageTableSize", 0x7F0},
		{"PoolBigPageTable", 0x7F4},
		{"PoolTrackTableMask", 0x7F8},
		{"PoolTrackTableSize", 0x7FC},
		{"PoolTrackTable", 0x800},
		{NULL, 0}};

static const struct global_spec *find_spec(const char *name, uint32_t build)
{
	for (size_t i = 0; i < SPEC_COUNT; i++) {
		const struct global_spec *s = &specs[i];
		if (strcmp(s->name, name) == 0 && build >= s->from && build <= s->until)
			return s;
	}
	return NULL;
}

static uint32_t spec_size(const struct world *w, const struct global_spec *spec)
{
	uint32_t pointer = world_pointer(w);
	switch (spec->size) {
	case SIZE_POINTER: return pointer;
	case SIZE_LIST: return 2 * pointer;
	case SIZE_TAG_TABLES: return pointer * (uint32_t)layout_tag_tables(w->config);
	case SIZE_KDBG: return (uint32_t)round_up(layout_kdbg_size(w->config), 16);
	case SIZE_PRCBS: return pointer * 64;
	case SIZE_MI_STATE: return mm_state_size(w->config);
	case SIZE_MI_PARTITION: return mm_partition_size(w->config);
	case SIZE_MI_POINTER: return mm_state_size(w->config) ? pointer : 0;
	default: return (uint32_t)spec->size;
	}
}

static uint32_t spec_align(const struct world *w, const struct global_spec *spec)
{
	switch (spec->size) {
	case SIZE_TAG_TABLES: return 32;
	case SIZE_KDBG: return 16;
	case SIZE_MI_STATE:
	case SIZE_MI_PARTITION: return 64;
	case SIZE_POINTER:
	case SIZE_MI_POINTER: return world_pointer(w);
	default: return spec->size > 0 && spec->size < 8 ? 4 : 8;
	}
}

static bool is_free(const struct kernel *k, uint32_t rva, uint32_t length)
{
	for (size_t i = 0; i < k->taken_count; i++) {
		const struct span *t = &k->taken[i];
		if (rva < t->rva + t->length && t->rva < rva + length)
			return false;
	}
	return true;
}

static void take(struct kernel *k, uint32_t rva, uint32_t length)
{
	k->taken = grow(k->taken, k->taken_count, &k->taken_capacity, sizeof(*k->taken));
	k->taken[k->taken_count++] = (struct span){rva, length};
}

uint32_t global_take(struct world *w, uint32_t length, uint32_t align, uint32_t low, uint32_t high,
		     struct rng *rng)
{
	if (high <= low + length)
		return 0;
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t rva = low + (uint32_t)rng_below(rng, high - low - length);
		rva -= rva % align;
		if (rva >= low && is_free(&w->kernel, rva, length)) {
			take(&w->kernel, rva, length);
			return rva;
		}
	}
	return 0;
}

static struct global *find_global(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->kernel.global_count; i++) {
		if (strcmp(w->kernel.globals[i].name, name) == 0)
			return &w->kernel.globals[i];
	}
	return NULL;
}

static void add_global(struct world *w, const struct global_spec *spec, uint32_t rva)
{
	struct kernel *k = &w->kernel;
	k->globals = grow(k->globals, k->global_count, &k->global_capacity, sizeof(*k->globals));
	k->globals[k->global_count++] =
		(struct global){.name = spec->name, .rva = rva, .size = spec_size(w, spec)};
	if (spec->zone != ZONE_POOL)
		return;
	if (!k->cluster_low || rva < k->cluster_low)
		k->cluster_low = rva;
	if (rva + spec_size(w, spec) > k->cluster_high)
		k->cluster_high = rva + spec_size(w, spec);
}

uint64_t global_address(const struct world *w, const char *name)
{
	const struct global *global = find_global(w, name);
	return global ? w->kernel.image.base + global->rva : 0;
}

void global_set(struct world *w, const char *name, uint64_t value)
{
	const struct global *global = find_global(w, name);
	if (!global)
		return;
	unsigned width = world_pointer(w);
	memory_put(&w->memory, w->kernel.image.base + global->rva, value,
		   global->size < width ? global->size : width);
}

/* The last line of a global counts, so that --set can change a recipe. */
static bool is_placed_later(const struct lines *lines, size_t index)
{
	for (size_t i = index + 1; i < lines->count; i++) {
		if (strcmp(lines->line[i]->words[1], lines->line[index]->words[1]) == 0)
			return true;
	}
	return false;
}

static void place_explicit(struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_GLOBAL];
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		const char *name = line_word(line, 1, "a name");
		const struct global_spec *spec = find_spec(name, w->config->build);
		if (!spec)
			line_fail(line, "build %u has no global '%s'", w->config->build, name);
		if (is_placed_later(lines, i))
			continue;
		uint32_t rva = (uint32_t)parse_number(line, line->words[2]);
		uint32_t size = spec_size(w, spec);

		if (!size)
			line_fail(line, "this machine has no '%s'", name);
		if (!is_free(&w->kernel, rva, size))
			line_fail(line, "'%s' overlaps another global", name);
		take(&w->kernel, rva, size);
		add_global(w, spec, rva);
	}
}

/* How far apart the pool globals lie in public builds. */
static uint32_t cluster_width(const struct world *w)
{
	uint32_t build = w->config->build;
	uint32_t array = (uint32_t)layout_tag_tables(w->config) * world_pointer(w);
	return array + (build < 9200    ? 0x400
			: build < 14393 ? 0xC00
			: build < 20348 ? 0x1800
					: 0x2800);
}

static uint32_t cluster_base(const struct world *w, struct rng *rng)
{
	const struct global *track = find_global(w, "PoolTrackTable");
	uint32_t width = cluster_width(w);
	if (track) {
		uint32_t low = track->rva > width / 2 ? track->rva - width / 2 : 0;
		return low > w->kernel.data.rva ? low / 32 * 32 : w->kernel.data.rva;
	}
	uint32_t room = w->kernel.data.length - width - 2 * PAGE_SIZE;
	return w->kernel.data.rva + (uint32_t)(rng_below(rng, room) / PAGE_SIZE + 1) * PAGE_SIZE;
}

static void place_at(struct world *w, const struct fixed_place *places, uint32_t base)
{
	for (; places->name; places++) {
		const struct global_spec *spec = find_spec(places->name, w->config->build);
		if (!spec || find_global(w, places->name) || !spec_size(w, spec))
			continue;
		take(&w->kernel, base + places->offset, spec_size(w, spec));
		add_global(w, spec, base + places->offset);
	}
}

static void shuffle(const struct global_spec **order, size_t count, struct rng *rng)
{
	for (size_t i = count; i > 1; i--) {
		size_t k = (size_t)rng_below(rng, i);
		const struct global_spec *swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
}

static void place_cluster(struct world *w, struct rng *rng)
{
	uint32_t base = cluster_base(w, rng), page_base = base / PAGE_SIZE * PAGE_SIZE;
	if (w->config->cluster != CLUSTER_RANDOM)
		place_at(w, w->config->cluster == CLUSTER_XP_X86 ? xp_order : win7_order,
			 page_base);
	const struct global_spec *order[SPEC_COUNT];
	size_t count = 0;
	for (size_t i = 0; i < SPEC_COUNT; i++) {
		const struct global_spec *s = find_spec(specs[i].name, w->config->build);
		if (s && s->zone == ZONE_POOL && spec_size(w, s) && !find_global(w, s->name))
			order[count++] = s;
	}
	shuffle(order, count, rng);
	uint32_t at = base;
	for (size_t i = 0; i < count; i++) {
		uint32_t align = spec_align(w, order[i]), size = spec_size(w, order[i]);
		/* Neighbours without a gap are as common as small gaps. */
		at += rng_below(rng, 2) ? (uint32_t)rng_below(rng, 12) * 8 : 0;
		at = (uint32_t)round_up(at, align);
		while (!is_free(&w->kernel, at, size))
			at += align;
		take(&w->kernel, at, size);
		add_global(w, order[i], at);
		at += size;
	}
}

/* Where the unloaded drivers' globals lie relative to PsLoadedModuleList. */
static void place_module_globals(struct world *w, struct rng *rng)
{
	uint32_t list = global_take(w, 0x600, 0x10, w->kernel.data.rva,
				    w->kernel.data.rva + w->kernel.data.length, rng);
	bool near = w->config->build >= 14393;
	const struct fixed_place places[] = {
		{"PsLoadedModuleList", list + 0x10},
		{"MmLastUnloadedDriver", near ? list + 0x438 : list + 0x8},
		{"MmUnloadedDrivers", near ? list + 0x430 : list + 0x5F8},
		{NULL, 0},
	};
	if (!list)
		die("no room for PsLoadedModuleList");
	place_at(w, places, 0);
}

static void place_rest(struct world *w, struct rng *rng)
{
	/* A handful of pages, so that a dump of touched pages stays small. */
	uint32_t low = w->kernel.data.rva, high = low + w->kernel.data.length;
	uint32_t zone = w->kernel.cluster_high / PAGE_SIZE * PAGE_SIZE;
	if (zone + 0x10000 < high && zone > low) {
		low = zone;
		high = zone + 0x10000;
	}
	for (size_t i = 0; i < SPEC_COUNT; i++) {
		const struct global_spec *s = find_spec(specs[i].name, w->config->build);
		if (!s || s != &specs[i] || find_global(w, s->name) || !spec_size(w, s))
			continue;
		if (s->zone == ZONE_PROCESSES && !w->config->lists[LINES_PROCESS].count)
			continue;
		const struct span whole =
			s->zone == ZONE_READONLY ? w->kernel.readonly : w->kernel.data;
		bool near = s->zone == ZONE_DATA || s->zone == ZONE_PROCESSES;
		uint32_t from = near ? low : whole.rva, to = near ? high : whole.rva + whole.length;
		uint32_t rva = global_take(w, spec_size(w, s), spec_align(w, s), from, to, rng);
		if (!rva)
			die("no room in .data for %s", s->name);
		add_global(w, s, rva);
	}
}

void globals_apply_values(struct world *w)
{
	const struct lines *values = &w->config->lists[LINES_VALUE];
	for (size_t i = 0; i < values->count; i++) {
		const struct line *line = values->line[i];
		const char *name = line_word(line, 1, "a name");
		if (!find_global(w, name))
			line_fail(line, "build %u has no global '%s'", w->config->build, name);
		global_set(w, name, parse_number(line, line_word(line, 2, "a value")));
	}
	const struct lines *writes = &w->config->lists[LINES_WRITE];
	for (size_t i = 0; i < writes->count; i++) {
		const struct line *line = writes->line[i];
		char *name = xstrdup(line_word(line, 1, "GLOBAL or GLOBAL+OFFSET"));
		char *plus = strchr(name, '+');
		uint64_t offset = plus ? parse_number(line, plus + 1) : 0;
		if (plus)
			*plus = '\0';
		uint64_t va = global_address(w, name);
		if (!va)
			line_fail(line, "build %u has no global '%s'", w->config->build, name);
		uint64_t width = parse_number(line, line_word(line, 2, "a width"));
		if (width != 1 && width != 2 && width != 4 && width != 8)
			line_fail(line, "the width is 1, 2, 4 or 8");
		uint64_t value = parse_number(line, line_word(line, 3, "a value"));
		memory_put(&w->memory, va + offset, value, (unsigned)width);
		free(name);
	}
}

void globals_place(struct world *w, struct rng *rng)
{
	place_explicit(w);
	place_cluster(w, rng);
	place_module_globals(w, rng);
	place_rest(w, rng);
}
