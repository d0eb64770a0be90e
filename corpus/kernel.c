/*
 * The kernel image: its sections, its exports and a little code.
 *
 * Does not: place globals (globals.c), fill KDBG (kdbg.c) or pool tables, or write sections that
 * nothing in a dump needs.
 */
#include "corpus/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/code.h"
#include "corpus/code_built.h"
#include "corpus/globals.h"
#include "corpus/kdbg.h"
#include "corpus/mm_state.h"

enum { STUB_SIZE = 0x40 };

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

/* From Windows 10 version 2004 on; behind the others, whose addresses are old. */
static const char *const new_function_names[] = {"ExAllocatePool2", "ExAllocatePool3",
						 "ExFreePool2"};

/* Allocators that other drivers use, and what allocates for them. */
static const char *const more_function_names[] = {
	"ExAllocateCacheAwareRundownProtection",
	"ExAllocatePoolWithQuota",
	"ExInitializeLookasideListEx",
	"FsRtlAllocatePool",
	"FsRtlAllocatePoolWithQuota",
	"FsRtlAllocatePoolWithQuotaTag",
	"FsRtlAllocatePoolWithTag",
	"IoAllocateDriverObjectExtension",
	"IoAllocateWorkItem",
	"IoInitializeRemoveLockEx",
	"KeDelayExecutionThread",
	"MmAllocateContiguousMemory",
	"MmAllocateMappingAddress",
	"MmFreeMappingAddress",
	"RtlRandomEx",
};

/* Driver Verifier's. Real kernels do not export them; only their symbols name them. */
static const char *const verifier_names[] = {
	"VerifierExAllocatePool",
	"VerifierExAllocatePool2",
	"VerifierExAllocatePoolWithQuotaTag",
	"VerifierExAllocatePoolWithTag",
	"VerifierExAllocatePoolWithTagPriority",
	"VerifierExFreePool",
	"VerifierExFreePoolWithTag",
	"VerifierExInitializeNPagedLookasideList",
	"VerifierExInitializePagedLookasideList",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

uint64_t kernel_retpoline_stub(const struct world *w)
{
	return w->kernel.image.base + w->kernel.retpoline_stub;
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
				.machine = config_machine(c),
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
	globals_place(w, &rng);
	map_extent(w);
}

static void add_export(struct world *w, const char *name, uint32_t rva)
{
	w->kernel.exports[w->kernel.export_count++] = (struct image_export){name, rva};
}

static void add_data_export(struct world *w, const char *name, uint32_t from_build)
{
	uint64_t va = global_address(w, name);
	if (va && w->config->build >= from_build)
		add_export(w, name, (uint32_t)(va - w->kernel.image.base));
}

static void add_functions(struct world *w, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add_export(w, names[i], w->kernel.code_next);
		w->kernel.code_next += STUB_SIZE;
	}
}

/* Does a driver of the recipe run under Driver Verifier? */
static bool has_verifier(const struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_DRIVER];
	for (size_t i = 0; i < lines->count; i++) {
		if (line_has(lines->line[i], "imports=verifier"))
			return true;
	}
	return false;
}

/* Real driver files need more of the kernel than the recipes without them. */
static bool has_files(const struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_DRIVER];
	for (size_t i = 0; i < lines->count; i++) {
		if (line_option(lines->line[i], "image"))
			return true;
	}
	return false;
}

void kernel_make_exports(struct world *w)
{
	size_t most = COUNT(function_names) + COUNT(new_function_names) +
		      COUNT(more_function_names) + COUNT(verifier_names) + 16;
	w->kernel.exports = xcalloc(most, sizeof(*w->kernel.exports));
	w->kernel.code_next = PAGE_SIZE;
	add_functions(w, function_names, COUNT(function_names));
	bool is_new = w->config->build >= 19041;
	if (is_new)
		add_functions(w, new_function_names, 1);
	else
		w->kernel.code_next += STUB_SIZE;
	if (has_files(w)) {
		w->kernel.retpoline_stub = w->kernel.code_next;
		w->kernel.code_next += STUB_SIZE;
		if (is_new)
			add_functions(w, new_function_names + 1, COUNT(new_function_names) - 1);
		add_functions(w, more_function_names, COUNT(more_function_names));
	}
	if (has_verifier(w))
		add_functions(w, verifier_names, COUNT(verifier_names));
	add_data_export(w, "PsLoadedModuleList", 10240);
	add_data_export(w, "MmSystemRangeStart", 0);
	add_data_export(w, "MmHighestUserAddress", 0);
	add_data_export(w, "MmUserProbeAddress", 0);
	add_data_export(w, "NtBuildNumber", 0);
	add_data_export(w, "NtBuildLab", 6000);
	add_data_export(w, "KeNumberProcessors", 0);
	add_data_export(w, "PsInitialSystemProcess", 0);
}

/* The code that names the pool globals and the keys of KDBG. */
static void write_kernel_functions(struct world *w)
{
	uint64_t base = w->kernel.image.base,
		 end = base + w->kernel.image.sections[0].rva + w->kernel.image.sections[0].size;
	uint32_t *next = &w->modules[0].code_next;
	if (w->config->kernel_code == CODE_STUBS) {
		code_write_tracker_insert(w, kernel_export(w, "ExAllocatePoolWithTag"));
		code_write_copy_data_block(w, base + *next);
	} else if (w->config->kernel_code == CODE_BUILT) {
		code_built_tracker_insert(w, end - PAGE_SIZE);
		code_built_copy_data_block(w, end - 2 * PAGE_SIZE);
	}
	*next += 2 * STUB_SIZE;
}

static void write_code(struct world *w)
{
	for (size_t i = 0; i < w->kernel.export_count; i++) {
		uint32_t rva = w->kernel.exports[i].rva;
		if (rva < w->kernel.code_next)
			code_write_stub(w, w->kernel.image.base + rva, STUB_SIZE);
	}
	if (w->kernel.retpoline_stub)
		memory_write(&w->memory, kernel_retpoline_stub(w), "\x41\xFF\xE2\xCC", 4);
	write_kernel_functions(w);
	const struct lines *lines = &w->config->lists[LINES_KERNEL_TAGS];
	for (size_t i = 0; i < lines->count; i++) {
		for (size_t k = 1; k < lines->line[i]->count; k++)
			code_add_tag_sites(w, &w->modules[0], lines->line[i],
					   lines->line[i]->words[k]);
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
	world_add_region(w, "exports", -1, NULL, image->base + image->directories, PAGE_SIZE);
	write_code(w);
	kdbg_set_globals(w);
	mm_state_write(w);
	globals_apply_values(w);
	if (c->kdbg != KDBG_NONE)
		kdbg_write(w);
	/* Again, for what the recipe writes over the block. */
	globals_apply_values(w);
}
