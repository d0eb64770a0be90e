/*
 * What a recipe asks for: each line goes to the reader of its key (config_*.c), or is kept for the
 * file of mkdump that reads it for itself (tags, drivers, faults, ...); what no line says is set by
 * build and architecture.
 *
 * Does not: build anything.
 */
#include "corpus/config.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/config_keys.h"
#include "corpus/layout.h"

static const struct {
	const char *key;
	enum line_list list;
} kept[] = {
	{"tag", LINES_TAG},
	{"tags", LINES_TAGS},
	{"overflow", LINES_OVERFLOW},
	{"big", LINES_BIG},
	{"blocks", LINES_BLOCKS},
	{"protected", LINES_PROTECTED},
	{"violate", LINES_VIOLATE},
	{"driver", LINES_DRIVER},
	{"process", LINES_PROCESS},
	{"unloaded", LINES_UNLOADED},
	{"kernel-tags", LINES_KERNEL_TAGS},
	{"global", LINES_GLOBAL},
	{"value", LINES_VALUE},
	{"write", LINES_WRITE},
	{"window", LINES_WINDOW},
	{"decoys", LINES_DECOYS},
	{"missing", LINES_FAULT},
	{"transition", LINES_FAULT},
	{"pagefile", LINES_FAULT},
	{"demand-zero", LINES_FAULT},
	{"header", LINES_HEADER},
	{"mm-state", LINES_MM_STATE},
	{"session-pool", LINES_SESSION_POOL},
	{"session-tag", LINES_SESSION_TAG},
	{"session-tags", LINES_SESSION_TAGS},
};

static void keep_line(struct lines *lines, const struct line *line)
{
	lines->line = grow(lines->line, lines->count, &lines->capacity, sizeof(*lines->line));
	lines->line[lines->count++] = line;
}

/* False: it is none of these. */
static bool read_with(const struct config_key *keys, struct config *c, const struct line *line)
{
	for (; keys->key; keys++) {
		if (strcmp(keys->key, line->words[0]) == 0) {
			keys->read(c, line);
			return true;
		}
	}
	return false;
}

static void read_line(struct config *c, const struct line *line)
{
	if (read_with(machine_keys, c, line) || read_with(container_keys, c, line) ||
	    read_with(kernel_keys, c, line) || read_with(pool_keys, c, line))
		return;
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (strcmp(kept[i].key, line->words[0]) == 0) {
			keep_line(&c->lists[kept[i].list], line);
			return;
		}
	}
	line_fail(line, "no such key");
}

static void add_run(struct config *c, uint64_t base, uint64_t end)
{
	if (base >= end)
		return;
	c->runs = grow(c->runs, c->run_count, &c->run_capacity, sizeof(*c->runs));
	c->runs[c->run_count++] = (struct run){base, end - base};
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;
	return (x->base > y->base) - (x->base < y->base);
}

/* RAM as a PC has it: page 0 and the last part of the first MiB taken away, a hole for devices
 * from 3 to 4 GiB on x64 and PAE, and the gaps that the recipe asks for. */
static void make_runs(struct config *c)
{
	if (c->run_count) {
		qsort(c->runs, c->run_count, sizeof(*c->runs), compare_runs);
		return;
	}
	struct run fixed[] = {{0x9F, 0x100 - 0x9F}, {0xC0000, 0x40000}};
	size_t fixed_count = c->arch != ARCH_X86 && c->physical > UINT64_C(3) << 30 ? 2 : 1;
	for (size_t i = 0; i < fixed_count; i++) {
		c->gaps = grow(c->gaps, c->gap_count, &c->gap_capacity, sizeof(*c->gaps));
		c->gaps[c->gap_count++] = fixed[i];
	}
	qsort(c->gaps, c->gap_count, sizeof(*c->gaps), compare_runs);
	uint64_t left = (c->physical >> PAGE_SHIFT) - 1;
	uint64_t at = 1;
	for (size_t i = 0; i < c->gap_count && left; i++) {
		uint64_t base = c->gaps[i].base > at ? c->gaps[i].base : at;
		uint64_t part = base - at < left ? base - at : left;
		add_run(c, at, at + part);
		left -= part;
		uint64_t end = c->gaps[i].base + c->gaps[i].count;
		if (end > at)
			at = end;
	}
	add_run(c, at, at + left);
}

/* What no Windows is: the first for ARM64 is 10 version 1709, and LA57 is x64's. */
static void check_machine(const struct config *c)
{
	if (c->arch == ARCH_ARM64 && c->build < 16299)
		die("no build before 16299 runs on ARM64");
	if (c->arch == ARCH_ARM64 && c->swizzle_set && c->swizzle != SWIZZLE_OFF)
		die("ARM64 has no swizzled page table entries");
	if (c->la57 && c->arch != ARCH_X64)
		die("la57 is for x64 only");
}

void config_read(struct config *c, const struct recipe *recipe)
{
	*c = (struct config){.seed = 1,
			     .arch = ARCH_X64,
			     .build = 17763,
			     .processors = 2,
			     .product = 3,
			     .time = 1560504067,
			     .uptime = 1234567,
			     .bugcheck = 0xE2,
			     .physical = 64 << 20,
			     .container = CONTAINER_BITMAP,
			     .low_stub = true,
			     .kuser = true,
			     .kernel_age = 1,
			     .tag_tables = -1,
			     .truncate_bytes = UINT64_MAX,
			     .truncate_parts = UINT64_MAX};
	for (size_t i = 0; i < recipe->count; i++)
		read_line(c, &recipe->lines[i]);
	check_machine(c);
	make_runs(c);
	layout_addresses(c);
	if (!c->lab)
		c->lab = xprintf("%u.%s%s", c->build,
				 c->build < 6000         ? ""
				 : c->arch == ARCH_ARM64 ? "1.arm64fre."
				 : config_is_64(c)       ? "0.amd64fre."
							 : "0.x86fre.",
				 layout_lab(c));
	if (!c->system_root)
		c->system_root = xstrdup(c->build < 6000 ? "C:\\WINDOWS" : "C:\\Windows");
	if (!c->kernel_pdb)
		c->kernel_pdb = xstrdup(layout_kernel_pdb(c));
	if (!c->tracker_entries)
		c->tracker_entries = c->build >= 7600 && config_is_64(c) ? 0x1000 : 0x800;
	if (!c->big_entries)
		c->big_entries = 4096;
	if (!c->seeded_set)
		c->seeded = c->build >= 3790 && c->build < 9200;
	if (!c->swizzle_set && c->arch == ARCH_X64 && c->build >= 17134)
		c->swizzle = SWIZZLE_MASK;
}

void config_fini(struct config *c)
{
	for (size_t i = 0; i < LINES_LISTS; i++)
		free(c->lists[i].line);
	free(c->lab);
	free(c->system_root);
	free(c->kernel_pdb);
	free(c->runs);
	free(c->gaps);
	*c = (struct config){0};
}

bool config_is_64(const struct config *c)
{
	return c->arch == ARCH_X64 || c->arch == ARCH_ARM64;
}

uint32_t config_machine(const struct config *c)
{
	switch (c->arch) {
	case ARCH_ARM64: return 0xAA64;
	case ARCH_X64: return 0x8664;
	default: return 0x14C;
	}
}

unsigned config_pointer_width(const struct config *c)
{
	return config_is_64(c) ? 8 : 4;
}
