/*
 * Pages that describe the machine: KUSER_SHARED_DATA, the processor start block in low memory,
 * KPCRs, the list of physical runs.
 *
 * ARM64 has no start block and no interrupt table. Does not: contexts, stacks, processes.
 */
#include "corpus/machine.h"

#include <string.h>

#include "corpus/globals.h"
#include "corpus/kernel.h"
#include "corpus/pool.h"

uint64_t machine_filetime(int64_t time)
{
	return (uint64_t)(time * 10000000 + INT64_C(116444736000000000));
}

uint64_t machine_cr3(const struct world *w)
{
	return w->memory.root | (w->config->arch == ARCH_X64 ? w->config->pcid : 0);
}

uint64_t machine_processor_cr3(const struct world *w, unsigned processor)
{
	if (processor == 0 && w->shadow_root && w->config->user_mode)
		return w->shadow_root;
	return machine_cr3(w);
}

uint64_t machine_cr4(const struct world *w)
{
	return w->config->arch == ARCH_X86 ? 0x6D8 : 0x6F8; /* bit 5: PAE */
}

/* KSYSTEM_TIME: low, high, high again. */
static void put_system_time(uint8_t *at, uint64_t value)
{
	put32(at, value);
	put32(at + 4, value >> 32);
	put32(at + 8, value >> 32);
}

static void write_kuser(struct world *w)
{
	const struct config *c = w->config;
	uint64_t va = config_is_64(c) ? UINT64_C(0xFFFFF78000000000) : 0xFFDF0000;
	memory_map(&w->memory, va, PAGE_SIZE);
	uint8_t *page = memory_at(&w->memory, va);
	put32(page + 4, 0x0FA00000); /* TickCountMultiplier */
	put_system_time(page + 8, c->uptime * 10000000);
	put_system_time(page + 0x14, machine_filetime(c->time));
	for (size_t i = 0; c->system_root[i] && i < 259; i++)
		put16(page + 0x30 + 2 * i, (unsigned char)c->system_root[i]);
	if (c->build >= 10240)
		put32(page + 0x260, c->build);
	put32(page + 0x264, c->product);
	page[0x268] = 1;
	put32(page + 0x26C, layout_major(c));
	put32(page + 0x270, layout_minor(c));
	put32(page + 0x2D0, c->product == 1 ? 0x100 : 0x110);
	if (c->build >= 6000)
		put32(page + 0x3C0, c->processors); /* ActiveProcessorCount */
}

/* The real-mode start block of the other processors; Windows leaves it in the first MiB. */
static void write_low_stub(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "low stub");
	uint64_t pfn = 1 + rng_below(&rng, 0x20);
	if (!memory_has_frame(&w->memory, pfn))
		return;
	uint8_t *page = memory_frame(&w->memory, pfn);
	put64(page, UINT64_C(0x00000001000600E9) | rng_below(&rng, 0x100) << 8);
	put64(page + 0x70, kernel_export(w, "KeBugCheckEx"));
	put64(page + 0xA0, w->memory.root);
}

static uint64_t write_kpcr_x64(struct world *w, uint32_t processor, uint64_t idt)
{
	uint64_t va = pool_pages(w, 2 * PAGE_SIZE), prcb = va + 0x180;
	uint8_t *page = memory_at(&w->memory, va);
	put64(page + 0x18, va);
	put64(page + 0x20, prcb);
	put64(page + 0x38, idt);
	put64(page + 0x108, processor ? 0 : global_address(w, "KdVersionBlock"));
	put32(page + 0x180 + (w->config->build < 6000 ? 0x4 : 0x24), processor);
	return prcb;
}

/* Offsets as KDBG's OffsetPcr... and OffsetPrcb... of a real 22000 minidump have them. */
static uint64_t write_kpcr_arm64(struct world *w, uint32_t processor)
{
	uint64_t va = pool_pages(w, 2 * PAGE_SIZE), prcb = va + 0x980;
	uint8_t *page = memory_at(&w->memory, va);
	put64(page + 0x18, va);
	put32(page + 0x980 + 0x24, processor);
	return prcb;
}

static uint64_t write_kpcr_x86(struct world *w, uint32_t processor, uint64_t idt)
{
	uint64_t va = w->config->build < 6000 && !processor ? 0xFFDFF000 : 0;
	if (va)
		memory_map(&w->memory, va, PAGE_SIZE);
	else
		va = pool_pages(w, PAGE_SIZE);
	uint8_t *page = memory_at(&w->memory, va);
	put32(page + 0x1C, va);
	put32(page + 0x20, va + 0x120);
	put32(page + 0x34, global_address(w, "KdVersionBlock"));
	put32(page + 0x38, idt);
	page[0x51] = (uint8_t)processor;
	return va + 0x120;
}

static uint64_t write_idt(struct world *w)
{
	uint64_t va = pool_pages(w, PAGE_SIZE), handler = kernel_export(w, "KeBugCheckEx");
	uint8_t *page = memory_at(&w->memory, va);
	bool is_64 = config_is_64(w->config);
	for (unsigned i = 0; i < 256; i++) {
		uint8_t *gate = page + i * (is_64 ? 16 : 8);
		put16(gate, handler);
		put16(gate + 2, is_64 ? 0x10 : 0x08);
		put16(gate + 4, 0x8E00);
		put16(gate + 6, handler >> 16);
		if (is_64)
			put32(gate + 8, handler >> 32);
	}
	return va;
}

static void write_processors(struct world *w)
{
	bool arm64 = w->config->arch == ARCH_ARM64;
	uint64_t idt = arm64 ? 0 : write_idt(w), block = global_address(w, "KiProcessorBlock");
	for (uint32_t i = 0; i < w->config->processors; i++) {
		uint64_t prcb = arm64                     ? write_kpcr_arm64(w, i)
				: config_is_64(w->config) ? write_kpcr_x64(w, i, idt)
							  : write_kpcr_x86(w, i, idt);
		memory_put(&w->memory, block + i * world_pointer(w), prcb, world_pointer(w));
	}
}

/* PHYSICAL_MEMORY_DESCRIPTOR */
static void write_physical_block(struct world *w)
{
	const struct memory *m = &w->memory;
	unsigned width = world_pointer(w);
	size_t shown = m->run_count < 64 ? m->run_count : 64;
	uint64_t va = pool_small(w, (uint32_t)(width * (2 + 2 * shown)), "MmPb");
	memory_put(&w->memory, va, shown, 4);
	memory_put(&w->memory, va + width, m->total_pages, width);
	for (size_t i = 0; i < shown; i++) {
		uint64_t at = va + width * (2 + 2 * i);
		memory_put(&w->memory, at, m->runs[i].base, width);
		memory_put(&w->memory, at + width, m->runs[i].count, width);
	}
	global_set(w, "MmPhysicalMemoryBlock", va);
}

void machine_write(struct world *w)
{
	const struct config *c = w->config;
	if (c->kuser)
		write_kuser(w);
	if (c->low_stub && c->arch == ARCH_X64)
		write_low_stub(w);
	write_processors(w);
	write_physical_block(w);
	if (c->self_ref)
		memory_add_loops(&w->memory, c->self_ref);
	if (c->kvas)
		w->shadow_root =
			memory_add_shadow_root(&w->memory, kernel_export(w, "KeBugCheckEx"));
}
