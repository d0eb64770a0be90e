/*
 * DUMP_HEADER32 and DUMP_HEADER64.
 *
 * Does not: contexts of all registers; what follows the header.
 * Layout: the published DUMP_HEADER structures of the Windows headers.
 */
#include "corpus/header.h"

#include <string.h>

#include "corpus/globals.h"
#include "corpus/kernel.h"
#include "corpus/machine.h"

enum { FILLER = 0x45474150, BLOCK_SIZE = 700 };

struct field {
	const char *name;
	uint16_t at32, width32;
	uint16_t at64, width64;
};

static const struct field fields[] = {
	{"Signature", 0x0, 4, 0x0, 4},
	{"ValidDump", 0x4, 4, 0x4, 4},
	{"MajorVersion", 0x8, 4, 0x8, 4},
	{"MinorVersion", 0xC, 4, 0xC, 4},
	{"DirectoryTableBase", 0x10, 4, 0x10, 8},
	{"PfnDataBase", 0x14, 4, 0x18, 8},
	{"PsLoadedModuleList", 0x18, 4, 0x20, 8},
	{"PsActiveProcessHead", 0x1C, 4, 0x28, 8},
	{"MachineImageType", 0x20, 4, 0x30, 4},
	{"NumberProcessors", 0x24, 4, 0x34, 4},
	{"BugCheckCode", 0x28, 4, 0x38, 4},
	{"BugCheckParameter1", 0x2C, 4, 0x40, 8},
	{"BugCheckParameter2", 0x30, 4, 0x48, 8},
	{"BugCheckParameter3", 0x34, 4, 0x50, 8},
	{"BugCheckParameter4", 0x38, 4, 0x58, 8},
	{"PaeEnabled", 0x5C, 1, 0, 0},
	{"KdDebuggerDataBlock", 0x60, 4, 0x80, 8},
	{"NumberOfRuns", 0x64, 4, 0x88, 4},
	{"NumberOfPages", 0x68, 4, 0x90, 8},
	{"DumpType", 0xF88, 4, 0xF98, 4},
	{"MiniDumpFields", 0xF8C, 4, 0x1038, 4},
	{"SecondaryDataState", 0xF90, 4, 0x103C, 4},
	{"ProductType", 0xF94, 4, 0x1040, 4},
	{"SuiteMask", 0xF98, 4, 0x1044, 4},
	{"WriterStatus", 0xF9C, 4, 0x1048, 4},
	{"RequiredDumpSpace", 0xFA0, 8, 0xFA0, 8},
	{"SystemTime", 0xFC0, 8, 0xFA8, 8},
	{"SystemUpTime", 0xFB8, 8, 0x1030, 8},
	{"Attributes", 0x8A0, 4, 0x1050, 4},
	{"BootId", 0x8A4, 4, 0x1054, 4},
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(*fields) };

uint32_t header_dump_type(const struct world *w)
{
	switch (w->config->container) {
	case CONTAINER_FULL: return 1;
	case CONTAINER_SUMMARY: return 2;
	case CONTAINER_BITMAP_ALL: return 5;
	case CONTAINER_BITMAP: return 6;
	case CONTAINER_HEADER: return 3;
	case CONTAINER_MINIDUMP: return 4;
	case CONTAINER_AUTOMATIC: return 7;
	case CONTAINER_RDMP_KERNEL: return 8;
	case CONTAINER_RDMP_USER: return 9;
	case CONTAINER_RDMP_FULL: return 10;
	case CONTAINER_HIBER:
	case CONTAINER_VMRS:
	case CONTAINER_LIME:
	case CONTAINER_AVML:
	case CONTAINER_VMWARE:
	case CONTAINER_VMEM:
	case CONTAINER_ELF: return 1; /* of the header in its note */
	case CONTAINER_RAW:
	case CONTAINER_RAW_SPARSE: return 0;
	}
	return 0;
}

size_t header_run_room(const struct world *w)
{
	return config_is_64(w->config) ? (BLOCK_SIZE - 16) / 16 : (BLOCK_SIZE - 8) / 8;
}

static void set(const struct world *w, uint8_t *at, const char *name, uint64_t value)
{
	bool is_64 = config_is_64(w->config);
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct field *f = &fields[i];
		if (strcmp(f->name, name) == 0)
			put_width(at + (is_64 ? f->at64 : f->at32), value,
				  is_64 ? f->width64 : f->width32);
	}
}

static void set_runs(const struct world *w, uint8_t *at, const struct run *runs, size_t count,
		     uint64_t pages)
{
	bool is_64 = config_is_64(w->config);
	/* Too many runs for the header: a bitmap dump does not need them. */
	if (count > header_run_room(w))
		return;
	set(w, at, "NumberOfRuns", count);
	set(w, at, "NumberOfPages", pages);
	for (size_t i = 0; i < count; i++) {
		uint8_t *run = is_64 ? at + 0x98 + 16 * i : at + 0x6C + 8 * i;
		put_width(run, runs[i].base, is_64 ? 8 : 4);
		put_width(run + (is_64 ? 8 : 4), runs[i].count, is_64 ? 8 : 4);
	}
}

/* A context with the registers a reader may look at: segments, stack and program counter. */
static void set_context(struct world *w, uint8_t *at)
{
	uint64_t pc = kernel_export(w, "KeBugCheckEx") + 4;
	if (w->config->arch == ARCH_ARM64) {
		uint8_t *context = at + 0x348;
		memset(context, 0, 0x390);
		put32(context, 0x400007);
		put32(context + 4, 0x80000144); /* Cpsr: EL1 on SP_EL0 */
		put64(context + 0x100, w->nonpaged_next);
		put64(context + 0x108, pc);
	} else if (config_is_64(w->config)) {
		uint8_t *context = at + 0x348;
		memset(context, 0, 0x4D0);
		put32(context + 0x30, 0x10001F);
		put16(context + 0x38, 0x10);
		put16(context + 0x42, 0x18);
		put64(context + 0x98, w->nonpaged_next);
		put64(context + 0xF8, pc);
	} else {
		uint8_t *context = at + 0x320;
		memset(context, 0, 0x2CC);
		put32(context, 0x1001F);
		put32(context + 0xB8, pc);
		put32(context + 0xBC, 0x8);
		put32(context + 0xC4, w->nonpaged_next);
	}
}

static void set_record(struct world *w, uint8_t *at)
{
	bool is_64 = config_is_64(w->config);
	uint8_t *record = at + (is_64 ? 0xF00 : 0x7D0);
	memset(record, 0, is_64 ? 0x98 : 0x50);
	put32(record, 0x80000003);
	put_width(record + (is_64 ? 0x10 : 0xC), kernel_export(w, "KeBugCheckEx") + 4,
		  is_64 ? 8 : 4);
}

/* The kernel writes a minidump itself when the page file is too small; else it is cut later. */
static void set_minidump_fields(const struct world *w, uint8_t *at)
{
	set(w, at, "MiniDumpFields", w->config->minidump_mm ? 0xDFF : 0xCFF);
	if (w->config->minidump_mm && w->config->build >= 10240)
		set(w, at, "Attributes", 0xC);
}

static void override_fields(const struct world *w, uint8_t *at)
{
	const struct lines *lines = &w->config->lists[LINES_HEADER];
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = lines->line[i];
		const char *name = line_word(line, 1, "a field"),
			   *text = line_word(line, 2, "a value");
		bool known = false;
		for (size_t k = 0; k < FIELD_COUNT; k++)
			known |= strcmp(fields[k].name, name) == 0;
		if (!known)
			line_fail(line, "the header has no field '%s'", name);
		bool filler = strcmp(text, "filler") == 0;
		uint64_t value = filler                        ? FILLER | (uint64_t)FILLER << 32
				 : strcmp(text, "shadow") == 0 ? w->shadow_root
							       : parse_number(line, text);
		set(w, at, name, value);
	}
}

uint32_t header_build(struct world *w, uint8_t *at, const struct run *runs, size_t run_count,
		      uint64_t pages)
{
	const struct config *c = w->config;
	bool is_64 = config_is_64(c);
	uint32_t length = is_64 ? 0x2000 : 0x1000;
	for (uint32_t i = 0; i < length; i += 4)
		put32(at + i, FILLER);
	memcpy(at + 4, is_64 ? "DU64" : "DUMP", 4);
	set(w, at, "MajorVersion", 0xF);
	set(w, at, "MinorVersion", c->build);
	set(w, at, "DirectoryTableBase", machine_cr3(w));
	set(w, at, "PfnDataBase", 0);
	set(w, at, "PsLoadedModuleList", global_address(w, "PsLoadedModuleList"));
	set(w, at, "PsActiveProcessHead", global_address(w, "PsActiveProcessHead"));
	set(w, at, "MachineImageType", config_machine(c));
	set(w, at, "NumberProcessors", c->processors);
	set(w, at, "BugCheckCode", c->bugcheck);
	static const char *const parameters[] = {"BugCheckParameter1", "BugCheckParameter2",
						 "BugCheckParameter3", "BugCheckParameter4"};
	for (unsigned i = 0; i < 4; i++)
		set(w, at, parameters[i], c->bugcheck_parameter[i]);
	set(w, at, "PaeEnabled", c->arch == ARCH_PAE);
	if (!is_64)
		at[0x5D] = 0;
	uint64_t kdbg = c->kdbg == KDBG_NONE ? 0 : global_address(w, "KdDebuggerDataBlock");
	set(w, at, "KdDebuggerDataBlock", kdbg);
	set_runs(w, at, runs, run_count, pages);
	set_context(w, at);
	set_record(w, at);
	set(w, at, "DumpType", header_dump_type(w));
	set(w, at, "ProductType", c->product);
	set(w, at, "SuiteMask", c->product == 1 ? 0x100 : 0x110);
	set(w, at, "RequiredDumpSpace", length + (pages << PAGE_SHIFT));
	set(w, at, "SystemTime", machine_filetime(c->time));
	set(w, at, "SystemUpTime", c->uptime * 10000000);
	if (c->container == CONTAINER_MINIDUMP)
		set_minidump_fields(w, at);
	else if (c->build >= 10240)
		set(w, at, "Attributes", 0);
	override_fields(w, at);
	return length;
}
