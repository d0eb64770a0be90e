/*
 * KDDEBUGGER_DATA64 and the kernel variables it names.
 *
 * Does not: the 16-bit offsets of KTHREAD and KPRCB members (they stay zero); those of EPROCESS are
 * there when the recipe has processes.
 * Layout: wdbgexts.h of the SDK. Fields that Windows 10 leaves zero have `until` 9600.
 */
#include "corpus/kdbg.h"

#include <byteswap.h>
#include <stdio.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/pool.h"
#include "corpus/process_layout.h"

static const struct kdbg_field {
	uint16_t offset;
	const char *global;
	uint32_t until; /* last build that fills the field */
} fields[] = {
	{0x48, "PsLoadedModuleList", UINT32_MAX},
	{0x50, "PsActiveProcessHead", UINT32_MAX},
	{0x58, "PspCidTable", UINT32_MAX},
	{0x60, "ExpSystemResourcesList", UINT32_MAX},
	{0x68, "ExpPagedPoolDescriptor", 9600},
	{0x70, "ExpNumberOfPagedPools", 9600},
	{0x78, "KeTimeIncrement", UINT32_MAX},
	{0x80, "KeBugCheckCallbackListHead", UINT32_MAX},
	{0x88, "KiBugcheckData", UINT32_MAX},
	{0x98, "ObpRootDirectoryObject", UINT32_MAX},
	{0xA0, "ObpTypeObjectType", UINT32_MAX},
	{0xC0, "MmPfnDatabase", UINT32_MAX},
	{0xE8, "MmLowestPhysicalPage", 9600},
	{0xF0, "MmHighestPhysicalPage", 9600},
	{0xF8, "MmNumberOfPhysicalPages", 9600},
	{0x100, "MmMaximumNonPagedPoolInBytes", 9600},
	{0x108, "MmNonPagedSystemStart", 9600},
	{0x110, "MmNonPagedPoolStart", 9600},
	{0x118, "MmNonPagedPoolEnd", 9600},
	{0x120, "MmPagedPoolStart", 9600},
	{0x128, "MmPagedPoolEnd", 9600},
	{0x130, "MmPagedPoolInfo", 9600},
	{0x140, "MmSizeOfPagedPoolInBytes", UINT32_MAX},
	{0x148, "MmTotalCommitLimit", 9600},
	{0x150, "MmTotalCommittedPages", 9600},
	{0x170, "MmPagedPoolCommit", UINT32_MAX},
	{0x1A8, "MmAvailablePages", 9600},
	{0x1B8, "PoolTrackTable", UINT32_MAX},
	{0x1C0, "NonPagedPoolDescriptor", 9600},
	{0x1C8, "MmHighestUserAddress", UINT32_MAX},
	{0x1D0, "MmSystemRangeStart", UINT32_MAX},
	{0x1D8, "MmUserProbeAddress", UINT32_MAX},
	{0x208, "NtBuildLab", UINT32_MAX},
	{0x218, "KiProcessorBlock", UINT32_MAX},
	{0x220, "MmUnloadedDrivers", UINT32_MAX},
	{0x228, "MmLastUnloadedDriver", UINT32_MAX},
	{0x238, "MmSpecialPoolTag", UINT32_MAX},
	{0x248, "MmVerifierData", UINT32_MAX},
	{0x250, "MmAllocatedNonPagedPool", 9600},
	{0x268, "CmNtCSDVersion", UINT32_MAX},
	{0x270, "MmPhysicalMemoryBlock", UINT32_MAX},
	{0x2D8, "KeLoaderBlock", UINT32_MAX},
	{0x330, "EtwpDebuggerData", UINT32_MAX},
	{0x360, "MmPteBase", UINT32_MAX},
};

/* Bytes of all tags of one side; what the pools hold at least. */
static uint64_t side_bytes(const struct world *w, unsigned side)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < w->tag_count; i++) {
		if (w->tags[i].in_tracker)
			sum += w->tags[i].side[side].bytes;
	}
	return sum;
}

static void put_global(struct world *w, const char *name, uint32_t offset, uint64_t value,
		       unsigned width)
{
	uint64_t va = global_address(w, name);
	if (va)
		memory_put(&w->memory, va + offset, value, width);
}

static void set_list_head(struct world *w, const char *name)
{
	uint64_t va = global_address(w, name);
	global_set(w, name, va);
	put_global(w, name, world_pointer(w), va, world_pointer(w));
}

static void set_limits(struct world *w)
{
	const struct config *c = w->config;
	bool is_64 = config_is_64(c);
	uint64_t user_end = is_64 && c->build < 9600 ? UINT64_C(0x7FFFFFEFFFF)
			    : is_64                  ? UINT64_C(0x7FFFFFFEFFFF)
			    : c->user_3gb            ? 0xBFFEFFFF
						     : 0x7FFEFFFF;
	uint64_t system = is_64 && c->build < 9600 ? UINT64_C(0xFFFF080000000000)
			  : is_64                  ? UINT64_C(0xFFFF800000000000)
			  : c->user_3gb            ? 0xC0000000
						   : 0x80000000;
	if (c->la57) {
		user_end = UINT64_C(0xFFFFFFFFFEFFFF);
		system = UINT64_C(0xFF00000000000000);
	}
	uint64_t ram = w->memory.total_pages << PAGE_SHIFT, maximum = ram / 4 * 3;
	uint64_t cap = is_64             ? UINT64_C(128) << 30
		       : c->build < 6000 ? 256 << 20
					 : UINT64_C(2) << 30;
	if (c->user_3gb)
		cap = 128 << 20;
	maximum = maximum > cap ? cap : maximum;
	global_set(w, "MmHighestUserAddress", user_end);
	global_set(w, "MmUserProbeAddress", user_end - 0xFFFF);
	global_set(w, "MmSystemRangeStart", system);
	global_set(w, "MmMaximumNonPagedPoolInBytes", maximum);
	global_set(w, "MmNonPagedSystemStart", c->nonpaged.start);
	global_set(w, "MmNonPagedPoolStart", c->nonpaged.start);
	global_set(w, "MmNonPagedPoolEnd", c->nonpaged.end);
	global_set(w, "MmPagedPoolStart", c->paged.start);
	global_set(w, "MmPagedPoolEnd", c->paged.end);
	uint64_t paged = c->paged.end - c->paged.start;
	global_set(w, "MmSizeOfPagedPoolInBytes", paged);
}

/* MM_PAGED_POOL_INFO.AllocatedPagedPool: PDB types per build. */
static uint32_t paged_info_offset(const struct world *w)
{
	uint32_t build = w->config->build;
	bool is_64 = config_is_64(w->config);
	if (build < 3790)
		return 0x20;
	if (build < 6000)
		return is_64 ? 0x38 : 0x1C;
	if (build == 9200)
		return is_64 ? 0x58 : 0x30;
	return is_64 ? 0x60 : 0x34;
}

/* POOL_DESCRIPTOR totals of the nonpaged pool: PDB types per build. */
static void set_descriptor(struct world *w, uint64_t bytes)
{
	uint32_t build = w->config->build;
	bool is_64 = config_is_64(w->config);
	unsigned width = world_pointer(w);
	uint64_t big = 0;
	for (size_t i = 0; i < w->tag_count; i++)
		big += w->tags[i].big[SIDE_NONPAGED].bytes;
	const char *name = "NonPagedPoolDescriptor";
	uint64_t pages = pages_of(bytes - big), big_pages = pages_of(big);
	if (build < 7600) {
		put_global(w, name, 0x10, pages, 4);
		put_global(w, name, 0x14, big_pages, 4);
		uint32_t total = build >= 6000 && !is_64 ? 0x2C : is_64 ? 0x38 : 0x28;
		if (build >= 3790)
			put_global(w, name, total, bytes, width);
	} else if (build < 14393) {
		put_global(w, name, 0x48, big_pages, is_64 ? 8 : 4);
		put_global(w, name, is_64 ? 0x50 : 0x4C, bytes, width);
		put_global(w, name, 0xC0, pages, 4);
	} else if (is_64) {
		put_global(w, name, 0x48, pages + big_pages, 8);
		put_global(w, name, 0x50, big_pages, 8);
		put_global(w, name, 0x58, bytes, 8);
	}
}

static void set_totals(struct world *w)
{
	uint64_t nonpaged = side_bytes(w, SIDE_NONPAGED), paged = side_bytes(w, SIDE_PAGED);
	/* What tags do not account for (free parts of pages) is about two percent here. */
	uint64_t nonpaged_pages = pages_of(nonpaged + nonpaged / 50);
	uint64_t paged_pages = pages_of(paged + paged / 50);
	uint64_t ram = w->memory.total_pages;
	uint64_t used = nonpaged_pages + paged_pages;
	global_set(w, "MmAllocatedNonPagedPool", nonpaged_pages);
	global_set(w, "MmPagedPoolCommit", paged_pages);
	put_global(w, "MmPagedPoolInfo", paged_info_offset(w), paged_pages, world_pointer(w));
	global_set(w, "MmNumberOfPhysicalPages", ram);
	global_set(w, "MmAvailablePages", used < ram ? (ram - used) / 2 : ram / 64);
	global_set(w, "MmTotalCommitLimit", ram * 5 / 2);
	global_set(w, "MmTotalCommittedPages", used + ram / 3);
	global_set(w, "MmLowestPhysicalPage", w->memory.runs[0].base);
	const struct run *last = &w->memory.runs[w->memory.run_count - 1];
	global_set(w, "MmHighestPhysicalPage", last->base + last->count - 1);
	set_descriptor(w, nonpaged);
}

static void set_keys(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "kdbg keys");
	put_global(w, "KiWaitNever", 0, rng_next(&rng), 8);
	put_global(w, "KiWaitAlways", 0, rng_next(&rng), 8);
	put_global(w, "KdpDataBlockEncoded", 0, w->config->kdbg == KDBG_ENCODED, 1);
}

static uint64_t pte_base(const struct world *w)
{
	if (!config_is_64(w->config))
		return 0xC0000000;
	if (w->config->la57)
		return UINT64_C(0xFE00000000000000) | (uint64_t)w->memory.self_index << 48;
	return UINT64_C(0xFFFF000000000000) | (uint64_t)w->memory.self_index << 39;
}

void kdbg_set_globals(struct world *w)
{
	const struct config *c = w->config;
	set_limits(w);
	set_totals(w);
	set_keys(w);
	if (!w->process_count)
		set_list_head(w, "PsActiveProcessHead");
	set_list_head(w, "ExpSystemResourcesList");
	set_list_head(w, "KeBugCheckCallbackListHead");
	global_set(w, "MmPteBase", pte_base(w));
	global_set(w, "KeNumberProcessors", c->processors);
	global_set(w, "KeTimeIncrement", 156250);
	global_set(w, "ExpNumberOfPagedPools", 4);
	global_set(w, "NtBuildNumber", 0xF0000000 | c->build);
	global_set(w, "CmNtCSDVersion", c->service_pack << 8);
	uint64_t lab = global_address(w, "NtBuildLab");
	memory_write(&w->memory, lab, c->lab, strnlen(c->lab, 63) + 1);
	unsigned width = world_pointer(w);
	put_global(w, "KiBugcheckData", 0, c->bugcheck, width);
	for (unsigned i = 0; i < 4; i++)
		put_global(w, "KiBugcheckData", width * (i + 1), c->bugcheck_parameter[i], width);
}

/* x86 pointers stand sign-extended in the block. */
static uint64_t extended(const struct world *w, uint64_t va)
{
	return config_is_64(w->config) ? va : (uint64_t)(int64_t)(int32_t)(uint32_t)va;
}

static void put_version_block(struct world *w, uint64_t list_head)
{
	uint64_t va = global_address(w, "KdVersionBlock");
	const struct config *c = w->config;
	memory_put(&w->memory, va, 0xF, 2);
	memory_put(&w->memory, va + 2, c->build, 2);
	memory_put(&w->memory, va + 4, 6, 1);
	memory_put(&w->memory, va + 6, (c->processors > 1 ? 1 : 0) | (config_is_64(c) ? 6 : 2), 2);
	memory_put(&w->memory, va + 8, config_machine(c), 2);
	memory_put(&w->memory, va + 0x10, extended(w, w->kernel.image.base), 8);
	memory_put(&w->memory, va + 0x18, extended(w, global_address(w, "PsLoadedModuleList")), 8);
	memory_put(&w->memory, va + 0x20, extended(w, list_head), 8);
}

void kdbg_encode(struct world *w, uint8_t *block, size_t size)
{
	uint64_t never = get64(memory_at(&w->memory, global_address(w, "KiWaitNever")));
	uint64_t always = get64(memory_at(&w->memory, global_address(w, "KiWaitAlways")));
	uint64_t flag = global_address(w, "KdpDataBlockEncoded");
	unsigned turn = never & 63;
	for (size_t i = 0; i + 8 <= size; i += 8) {
		uint64_t q = bswap_64(get64(block + i) ^ always) ^ flag;
		q = turn ? q >> turn | q << (64 - turn) : q;
		put64(block + i, q ^ never);
	}
}

/* SizeEProcess, OffsetEprocessPeb, ...ParentCID, ...DirectoryTableBase: from 5.2 on. */
static void put_process_offsets(const struct world *w, uint8_t *block, uint32_t size)
{
	struct process_layout l = layout_process(w->config);
	if (!w->process_count || size < 0x2C0)
		return;
	put16(block + 0x2A8, l.size);
	put16(block + 0x2AA, l.peb);
	put16(block + 0x2AC, l.parent);
	put16(block + 0x2AE, layout_process_dtb(w->config));
}

uint32_t kdbg_build(const struct world *w, uint8_t block[KDBG_ROOM])
{
	uint32_t size = (uint32_t)layout_kdbg_size(w->config);
	uint64_t head = global_address(w, "KdpDebuggerDataListHead");
	memset(block, 0, KDBG_ROOM);
	put64(block, extended(w, head));
	put64(block + 8, extended(w, head));
	memcpy(block + 0x10, "KDBG", 4);
	put32(block + 0x14, size);
	put64(block + 0x18, extended(w, w->kernel.image.base));
	put16(block + 0x36, w->config->arch == ARCH_PAE);
	put64(block + 0x138, PAGE_SIZE);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct kdbg_field *f = &fields[i];
		uint64_t global = global_address(w, f->global);
		if (global && w->config->build <= f->until && f->offset + 8u <= size)
			put64(block + f->offset, extended(w, global));
	}
	put_process_offsets(w, block, size);
	return size;
}

void kdbg_write(struct world *w)
{
	uint8_t block[KDBG_ROOM];
	uint32_t size = kdbg_build(w, block);
	uint64_t va = global_address(w, "KdDebuggerDataBlock");
	uint64_t head = global_address(w, "KdpDebuggerDataListHead");
	if (w->config->kdbg == KDBG_ENCODED)
		kdbg_encode(w, block, size);
	memory_write(&w->memory, va, block, size);
	memory_put(&w->memory, head, va, world_pointer(w));
	memory_put(&w->memory, head + world_pointer(w), va, world_pointer(w));
	put_version_block(w, head);
	world_add_region(w, "kdbg", -1, NULL, va, size);
}
