/*
 * The kernel image: its sections, where its globals lie, its exports and a little code.
 *
 * Does not: fill KDBG (kdbg.c), pool tables, or sections that nothing in a dump needs.
 */
#include "corpus/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/code.h"
#include "corpus/kdbg.h"

enum zone { ZONE_POOL, ZONE_DATA, ZONE_READONLY };

/* Sizes that depend on the machine. */
enum { SIZE_POINTER = -1, SIZE_LIST = -2, SIZE_TAG_TABLES = -3, SIZE_KDBG = -4, SIZE_PRCBS = -5 };

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
};

enum { SPEC_COUNT = sizeof(specs) / sizeof(*specs), STUB_SIZE = 0x40 };

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

static const char *const function_names[] = {
	"ExAllocatePool",
	"ExAllocatePoolWithQuotaTag",
	"ExAllocatePoolWithTag",
	"ExAllocatePoolWithTagPriority",
	"ExFreePool",
	"ExFreePoolWithTag",
	"ExInitializeNPagedLookasideList",
	"ExInitializePagedLookasideList",
	"IoAllocateIrp",
	"IoAllocateMdl",
	"IoCompleteRequest",
	"IoCreateDevice",
	"IoDeleteDevice",
	"IofCallDriver",
	"IofCompleteRequest",
	"KeBugCheckEx",
	"KeInitializeEvent",
	"KeSetEvent",
	"KeWaitForSingleObject",
	"MmMapLockedPagesSpecifyCache",
	"ObfDereferenceObject",
	"ObReferenceObjectByHandle",
	"PsCreateSystemThread",
	"RtlInitUnicodeString",
	"ZwClose",
	"ZwCreateFile",
};

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
	default: return (uint32_t)spec->size;
	}
}

static uint32_t spec_align(const struct world *w, const struct global_spec *spec)
{
	switch (spec->size) {
	case SIZE_TAG_TABLES: return 32;
	case SIZE_KDBG: return 16;
	case SIZE_POINTER: return world_pointer(w);
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

uint32_t kernel_take(struct world *w, uint32_t length, uint32_t align, uint32_t low, uint32_t high,
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

uint64_t kernel_global(const struct world *w, const char *name)
{
	const struct global *global = find_global(w, name);
	return global ? w->kernel.image.base + global->rva : 0;
}

void kernel_set(struct world *w, const char *name, uint64_t value)
{
	const struct global *global = find_global(w, name);
	if (!global)
		return;
	unsigned width = world_pointer(w);
	memory_put(&w->memory, w->kernel.image.base + global->rva, value,
		   global->size < width ? global->size : width);
}

uint64_t kernel_export(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->kernel.export_count; i++) {
		if (strcmp(w->kernel.exports[i].name, name) == 0)
			return w->kernel.image.base + w->kernel.exports[i].rva;
	}
	return 0;
}

/* The span of the RVAs that the recipe chose for globals, or an empty one. */
static struct span explicit_span(const struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_GLOBAL];
	uint64_t low = UINT64_MAX, high = 0;
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		uint64_t rva = parse_number(line, line_word(line, 2, "an RVA"));
		if (rva < 0x3000 || rva + 0x10000 > w->kernel.image.size)
			line_fail(line, "the RVA lies outside of the image (size 0x%x)",
				  w->kernel.image.size);
		low = rva < low ? rva : low;
		high = rva > high ? rva : high;
	}
	return low > high ? (struct span){0}
			  : (struct span){(uint32_t)low, (uint32_t)(high - low + 8)};
}

/* Sections in the order of real kernels; .data is moved to cover what the recipe placed. */
static void plan_sections(struct world *w)
{
	struct image *image = &w->kernel.image;
	uint32_t size = image->size, page = PAGE_SIZE;
	uint32_t data = size / 100 * 38 / page * page, end = size / 100 * 52 / page * page;
	struct span fixed = explicit_span(w);
	if (fixed.length) {
		uint32_t low = fixed.rva > 0x14000 ? (fixed.rva - 0x10000) / page * page : 0x3000;
		uint32_t high = (fixed.rva + fixed.length + 0x8000) / page * page;
		data = low < data || data > fixed.rva ? low : data;
		end = high > end ? high : end;
	}
	uint32_t rdata = data - data / 5 / page * page - page;
	uint32_t rest = end + 0x8000 < size ? size - end - 0x8000 : 0;
	if (rest < 8 * page || rdata <= page)
		die("the kernel image (size 0x%x) has no room for its sections", size);
	uint32_t paged = end + 0x8000, init = paged + rest / 10 * 8 / page * page;
	uint32_t rsrc = init + rest / 10 / page * page;
	image_add_section(image, ".text", page, rdata, SECTION_CODE);
	image_add_section(image, ".rdata", rdata, data, SECTION_RDATA);
	image_add_section(image, ".data", data, end, SECTION_DATA);
	image_add_section(image, "ALMOSTRO", end, end + 0x6000, SECTION_DATA);
	image_add_section(image, "POOLCODE", end + 0x6000, paged, SECTION_CODE);
	image_add_section(image, "PAGE", paged, init, SECTION_PAGED);
	image_add_section(image, "INIT", init, rsrc, SECTION_INIT);
	image_add_section(image, ".rsrc", rsrc, size, SECTION_RSRC);
	image->directories = rdata;
	image->resources = rsrc;
	w->kernel.data = (struct span){data, end - data};
	w->kernel.readonly = (struct span){end, 0x6000};
	w->kernel.code_next = page;
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

static void lay_windows(struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_WINDOW];
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		const char *path = line_word(line, 1, "a file");
		uint64_t offset = parse_number(line, line_word(line, 2, "an offset"));
		uint64_t rva = parse_number(line, line_word(line, 3, "an RVA"));
		uint64_t length = parse_number(line, line_word(line, 4, "a length"));
		if (rva > w->kernel.image.size || length > w->kernel.image.size - rva)
			line_fail(line, "the window lies outside of the image");
		FILE *file = fopen(path, "rb");
		if (!file)
			line_fail(line, "cannot open '%s': %s", path, strerror(errno));
		uint8_t *bytes = xcalloc(length, 1);
		if (fseeko(file, (off_t)offset, SEEK_SET) ||
		    fread(bytes, 1, length, file) != length)
			line_fail(line, "'%s' has no such bytes", path);
		memory_write(&w->memory, w->kernel.image.base + rva, bytes, length);
		free(bytes);
		fclose(file);
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
	uint32_t list = kernel_take(w, 0x600, 0x10, w->kernel.data.rva,
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
		bool readonly = s->zone == ZONE_READONLY;
		uint32_t from = readonly ? w->kernel.readonly.rva : low;
		uint32_t to = readonly ? from + w->kernel.readonly.length : high;
		uint32_t rva = kernel_take(w, spec_size(w, s), spec_align(w, s), from, to, rng);
		if (!rva)
			die("no room in .data for %s", s->name);
		add_global(w, s, rva);
	}
}

static void map_extent(struct world *w)
{
	struct kernel *k = &w->kernel;
	uint64_t base = k->image.base;
	if (w->config->kernel_extent == IMAGE_ALL)
		memory_map(&w->memory, base, k->image.size);
	if (w->config->kernel_extent == IMAGE_DATA) {
		memory_map(&w->memory, base + k->data.rva, k->data.length);
		memory_map(&w->memory, base + k->readonly.rva, k->readonly.length);
	}
	for (size_t i = 0; i < k->global_count; i++)
		memory_map(&w->memory, base + k->globals[i].rva, k->globals[i].size);
	uint32_t low = k->cluster_low > 0x3000 ? k->cluster_low - 0x2000 : 0x1000;
	memory_map(&w->memory, base + low, k->cluster_high + 0x2000 - low);
}

void kernel_plan(struct world *w)
{
	const struct config *c = w->config;
	struct rng rng = rng_fork(c->seed, "kernel");
	struct image *image = &w->kernel.image;
	*image = (struct image){.name = "ntoskrnl.exe",
				.base = c->kernel.start,
				.size = (uint32_t)layout_kernel_size(c),
				.is_64 = config_is_64(c),
				.major = layout_major(c),
				.minor = layout_minor(c),
				.pdb = c->kernel_pdb,
				.age = c->kernel_age};
	/* Built one to eighteen months before the crash. */
	image->timestamp = (uint32_t)(c->time - (int64_t)rng_between(&rng, 30, 540) * 86400 -
				      (int64_t)rng_below(&rng, 86400));
	image->checksum = image->size / 2 + (uint32_t)rng_below(&rng, 0x100000);
	put64(image->guid, rng_next(&rng));
	put64(image->guid + 8, rng_next(&rng));
	if (c->kernel_guid_set)
		memcpy(image->guid, c->kernel_guid, 16);
	plan_sections(w);
	if (c->kernel_large)
		memory_map_large(&w->memory, image->base, image->size);
	lay_windows(w);
	place_explicit(w);
	place_cluster(w, &rng);
	place_module_globals(w, &rng);
	place_rest(w, &rng);
	map_extent(w);
}

static void add_export(struct world *w, const char *name, uint32_t rva)
{
	w->kernel.exports[w->kernel.export_count++] = (struct image_export){name, rva};
}

static void add_data_export(struct world *w, const char *name, uint32_t from_build)
{
	const struct global *global = find_global(w, name);
	if (global && w->config->build >= from_build)
		add_export(w, name, global->rva);
}

void kernel_make_exports(struct world *w)
{
	size_t functions = sizeof(function_names) / sizeof(*function_names);
	w->kernel.exports = xcalloc(functions + 16, sizeof(*w->kernel.exports));
	for (size_t i = 0; i < functions; i++)
		add_export(w, function_names[i], PAGE_SIZE + STUB_SIZE * (uint32_t)i);
	w->kernel.code_next = PAGE_SIZE + STUB_SIZE * (uint32_t)(functions + 1);
	if (w->config->build >= 19041)
		add_export(w, "ExAllocatePool2", PAGE_SIZE + STUB_SIZE * (uint32_t)functions);
	add_data_export(w, "PsLoadedModuleList", 10240);
	add_data_export(w, "MmSystemRangeStart", 0);
	add_data_export(w, "MmHighestUserAddress", 0);
	add_data_export(w, "MmUserProbeAddress", 0);
	add_data_export(w, "NtBuildNumber", 0);
	add_data_export(w, "NtBuildLab", 6000);
	add_data_export(w, "KeNumberProcessors", 0);
}

static void write_code(struct world *w)
{
	for (size_t i = 0; i < w->kernel.export_count; i++) {
		uint32_t rva = w->kernel.exports[i].rva;
		if (rva < w->kernel.code_next)
			code_write_stub(w, w->kernel.image.base + rva, STUB_SIZE);
	}
	code_write_tracker_insert(w, kernel_export(w, "ExAllocatePoolWithTag"));
	code_write_copy_data_block(w, w->kernel.image.base + w->modules[0].code_next);
	w->modules[0].code_next += 2 * STUB_SIZE;
	const struct lines *lines = &w->config->lists[LINES_KERNEL_TAGS];
	for (size_t i = 0; i < lines->count; i++) {
		for (size_t k = 1; k < lines->line[i]->count; k++)
			code_add_tag_sites(w, &w->modules[0], lines->line[i],
					   lines->line[i]->words[k]);
	}
}

static void apply_values(struct world *w)
{
	const struct lines *values = &w->config->lists[LINES_VALUE];
	for (size_t i = 0; i < values->count; i++) {
		const struct line *line = values->line[i];
		const char *name = line_word(line, 1, "a name");
		if (!find_global(w, name))
			line_fail(line, "build %u has no global '%s'", w->config->build, name);
		kernel_set(w, name, parse_number(line, line_word(line, 2, "a value")));
	}
	const struct lines *writes = &w->config->lists[LINES_WRITE];
	for (size_t i = 0; i < writes->count; i++) {
		const struct line *line = writes->line[i];
		char *name = xstrdup(line_word(line, 1, "GLOBAL or GLOBAL+OFFSET"));
		char *plus = strchr(name, '+');
		uint64_t offset = plus ? parse_number(line, plus + 1) : 0;
		if (plus)
			*plus = '\0';
		uint64_t va = kernel_global(w, name);
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

void kernel_write(struct world *w)
{
	const struct config *c = w->config;
	struct image *image = &w->kernel.image;
	image->entry = image->sections[6].rva + 0x10;
	image->exports = w->kernel.exports;
	image->export_count = w->kernel.export_count;
	image->company = "Microsoft Corporation";
	image->description = "NT Kernel & System";
	w->kernel.version = xprintf("%u.%u.%u.0", image->major, image->minor, c->build);
	image->version = w->kernel.version;
	image_write(&w->memory, image);
	w->modules[0].description = image->description;
	w->modules[0].company = image->company;
	w->modules[0].version = image->version;
	write_code(w);
	kdbg_set_globals(w);
	apply_values(w);
	if (c->kdbg != KDBG_NONE)
		kdbg_write(w);
}
