/* See kernel_image.h. */
#include "kernel_image.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_PFN = 0x200, PRESENT = 0x63, ARM_PRESENT = 0x703 };

static const uint64_t kernel_bases[] = {[MADE_X86] = 0x80400000,
					[MADE_PAE] = 0x80400000,
					[MADE_X64] = 0xfffff80001200000,
					[MADE_LA57] = 0xfffff80001200000,
					[MADE_ARM64] = 0xfffff803f2e00000};
static const uint64_t driver_areas[] = {[MADE_X86] = 0xf7000000,
					[MADE_PAE] = 0xf7000000,
					[MADE_X64] = 0xfffff88002000000,
					[MADE_LA57] = 0xffa2f88002000000,
					[MADE_ARM64] = 0xfffff80402000000};
static const uint64_t pool_areas[] = {[MADE_X86] = 0x85000000,
				      [MADE_PAE] = 0x85000000,
				      [MADE_X64] = 0xfffffa8001000000,
				      [MADE_LA57] = 0xffa1fa8001000000,
				      [MADE_ARM64] = 0xffffe00e01000000};
static const uint32_t machines[] = {[MADE_X86] = 0x14c,
				    [MADE_PAE] = 0x14c,
				    [MADE_X64] = 0x8664,
				    [MADE_LA57] = 0x8664,
				    [MADE_ARM64] = 0xaa64};

static const char *const module_names[MADE_MODULES] = {"ntoskrnl.exe", "hal.dll",     "ndis.sys",
						       "ntfs.sys",     "myfault.sys", "http.sys"};

static bool is_wide(const struct made *made)
{
	return made->kind >= MADE_X64;
}

static uint64_t new_page(struct made *made)
{
	image_page(&made->image, made->next_pfn);
	return made->next_pfn++;
}

/* ---- page tables ---- */

static uint64_t get_entry(struct made *made, uint64_t pa)
{
	uint64_t word = image_get64(&made->image, pa & ~UINT64_C(7));

	if (made->kind != MADE_X86)
		return word;
	return pa & 4 ? word >> 32 : word & 0xffffffff;
}

static void put_entry(struct made *made, uint64_t pa, uint64_t entry)
{
	if (made->kind == MADE_X86)
		image_put32(&made->image, pa, (uint32_t)entry);
	else
		image_put64(&made->image, pa, entry);
}

static uint64_t present_bits(const struct made *made)
{
	return made->kind == MADE_ARM64 ? ARM_PRESENT : PRESENT;
}

/* The table that the entry at `pa` names, made when there is none. */
static uint64_t table_of(struct made *made, uint64_t pa)
{
	if (get_entry(made, pa) == 0)
		put_entry(made, pa, new_page(made) * MADE_PAGE | present_bits(made));
	return get_entry(made, pa) & 0x000ffffffffff000;
}

static void map_page(struct made *made, uint64_t va, uint64_t pfn)
{
	uint64_t table = made->root, pte = pfn * MADE_PAGE | present_bits(made);
	unsigned top = made->kind == MADE_LA57 ? 48 : 39;

	switch (made->kind) {
	case MADE_X86:
		table = table_of(made, table + (va >> 22) * 4);
		put_entry(made, table + (va >> 12 & 0x3ff) * 4, pte);
		return;
	case MADE_PAE:
		table = get_entry(made, table + (va >> 30) * 8) & 0x000ffffffffff000;
		table = table_of(made, table + (va >> 21 & 0x1ff) * 8);
		put_entry(made, table + (va >> 12 & 0x1ff) * 8, pte);
		return;
	default:
		for (unsigned shift = top; shift > 12; shift -= 9)
			table = table_of(made, table + (va >> shift & 0x1ff) * 8);
		put_entry(made, table + (va >> 12 & 0x1ff) * 8, pte);
	}
}

/* The root, and the entries by which it maps itself. */
static void make_root(struct made *made)
{
	uint64_t pfn = new_page(made), directory[4];

	made->root = pfn * MADE_PAGE;
	if (made->kind == MADE_X86)
		put_entry(made, made->root + 0x300 * 4, made->root | PRESENT);
	if (is_wide(made))
		put_entry(made, made->root + 0x1ed * 8, made->root | present_bits(made));
	if (made->kind != MADE_PAE)
		return;
	for (unsigned i = 0; i < 4; i++) {
		directory[i] = new_page(made) * MADE_PAGE;
		put_entry(made, made->root + i * 8, directory[i] | 1);
	}
	for (unsigned i = 0; i < 4; i++)
		put_entry(made, directory[3] + i * 8, directory[i] | PRESENT);
}

void made_map(struct made *made, uint64_t va)
{
	uint64_t pfn = new_page(made);

	assert(made->page_count < MADE_PAGES && va % MADE_PAGE == 0);
	made->pages[made->page_count].va = va;
	made->pages[made->page_count++].pfn = pfn;
	map_page(made, va, pfn);
}

static uint64_t pa_of(const struct made *made, uint64_t va)
{
	for (unsigned i = 0; i < made->page_count; i++)
		if (made->pages[i].va == va / MADE_PAGE * MADE_PAGE)
			return made->pages[i].pfn * MADE_PAGE + va % MADE_PAGE;
	fprintf(stderr, "the test did not map 0x%llx\n", (unsigned long long)va);
	abort();
}

void made_drop(struct made *made, uint64_t va)
{
	uint64_t pfn = pa_of(made, va) / MADE_PAGE;

	free(made->image.pages[pfn]);
	made->image.pages[pfn] = NULL;
}

/* ---- bytes ---- */

void made_put_bytes(struct made *made, uint64_t va, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < length; i++) {
		uint64_t pa = pa_of(made, va + i);

		image_page(&made->image, pa / MADE_PAGE)[pa % MADE_PAGE] = from[i];
	}
}

void made_put(struct made *made, uint64_t va, uint64_t value, unsigned width)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	made_put_bytes(made, va, bytes, width);
}

void made_put_pointer(struct made *made, uint64_t va, uint64_t value)
{
	made_put(made, va, value, made->pointer);
}

uint64_t made_get_pointer(struct made *made, uint64_t va)
{
	uint64_t pa = pa_of(made, va);
	uint64_t word = image_get64(&made->image, pa);

	return made->pointer == 8 ? word : word & 0xffffffff;
}

void made_put_string(struct made *made, uint64_t va, uint64_t buffer, const uint16_t *units,
		     size_t count)
{
	made_put(made, va, count * 2, 2);
	made_put(made, va + 2, count * 2 + 2, 2);
	made_put_pointer(made, va + made->pointer, buffer);
	for (size_t i = 0; i < count; i++)
		made_put(made, buffer + i * 2, units[i], 2);
}

static void put_ascii_string(struct made *made, uint64_t va, uint64_t buffer, const char *text)
{
	uint16_t units[128];
	size_t count = strlen(text);

	for (size_t i = 0; i < count; i++)
		units[i] = (uint16_t)text[i];
	made_put_string(made, va, buffer, units, count);
}

/* ---- what a kernel holds ---- */

static void put_pe(struct made *made, uint64_t base, uint32_t timestamp, uint32_t size)
{
	uint64_t nt = base + 0xf8, optional = nt + 24;
	bool wide = is_wide(made);
	uint64_t directories = optional + (wide ? 0x70 : 0x60);

	made_put_bytes(made, base, "MZ", 2);
	made_put(made, base + 0x3c, 0xf8, 4);
	made_put_bytes(made, nt, "PE\0\0", 4);
	made_put(made, nt + 4, machines[made->kind], 2);
	made_put(made, nt + 8, timestamp, 4);
	made_put(made, nt + 20, wide ? 0xf0 : 0xe0, 2);
	made_put(made, optional, wide ? 0x20b : 0x10b, 2);
	made_put(made, optional + 0x38, size, 4);
	made_put(made, optional + 0x40, 0xabcd, 4);
	made_put(made, directories - 4, 16, 4);
}

/* Debug and export directories of the kernel's own image. */
static void put_directories(struct made *made)
{
	static const uint8_t guid[16] = {0xbb, 0x11, 0xc7, 0x20, 0xc2, 0xd4, 0xa5, 0x1a,
					 0xc4, 0x5b, 0xc7, 0x74, 0xbc, 0x7e, 0x04, 0x72};
	uint64_t base = made->base;
	uint64_t directories = base + 0xf8 + 24 + (is_wide(made) ? 0x70 : 0x60);

	made_put(made, directories, AT_EXPORTS, 4);
	made_put(made, directories + 4, 0x100, 4);
	made_put(made, directories + 6 * 8, AT_DEBUG, 4);
	made_put(made, directories + 6 * 8 + 4, 2 * 0x1c, 4);
	made_put(made, base + AT_EXPORTS + 0xc, AT_EXPORTS + 0x80, 4);
	made_put_bytes(made, base + AT_EXPORTS + 0x80, "ntoskrnl.exe", 13);
	made_put(made, base + AT_DEBUG + 0xc, 13, 4); /* another kind first */
	made_put(made, base + AT_DEBUG + 0x1c + 0xc, 2, 4);
	made_put(made, base + AT_DEBUG + 0x1c + 0x10, 0x18 + 25, 4);
	made_put(made, base + AT_DEBUG + 0x1c + 0x14, AT_RSDS, 4);
	made_put_bytes(made, base + AT_RSDS, "RSDS", 4);
	made_put_bytes(made, base + AT_RSDS + 4, guid, sizeof(guid));
	made_put(made, base + AT_RSDS + 0x14, 0x1a, 4);
	made_put_bytes(made, base + AT_RSDS + 0x18, "x:\\build\\a\x01\\ntkrnlmp.pdb", 25);
}

void made_put_kdbg(struct made *made, unsigned offset, uint64_t value)
{
	made_put(made, made->base + AT_KDBG + offset, value, 8);
}

/* On x86 the block holds sign-extended addresses. */
static uint64_t extended(const struct made *made, uint64_t va)
{
	return is_wide(made) ? va : va | 0xffffffff00000000;
}

static void put_kdbg(struct made *made)
{
	static const struct {
		unsigned offset;
		uint64_t at;
	} fields[] = {
		{0x48, AT_LIST},         {0x1b8, AT_POOL_TRACK_TABLE},
		{0x208, AT_BUILD_LAB},   {0x218, AT_PROCESSOR_BLOCK},
		{0x220, AT_UNLOADED},    {0x228, AT_LAST_UNLOADED},
		{0x268, AT_CSD_VERSION},
	};

	made_put_bytes(made, made->base + AT_KDBG + 0x10, "KDBG", 4);
	made_put(made, made->base + AT_KDBG + 0x14, MADE_KDBG_BYTES, 4);
	made_put_kdbg(made, 0x18, extended(made, made->base));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		made_put_kdbg(made, fields[i].offset, extended(made, made->base + fields[i].at));
}

static void put_modules(struct made *made)
{
	bool wide = is_wide(made);
	uint64_t head = made->base + AT_LIST;

	for (unsigned i = 0; i < MADE_MODULES; i++) {
		uint64_t entry = made->entries[i];
		uint64_t next = i + 1 < MADE_MODULES ? made->entries[i + 1] : head;
		uint64_t back = i > 0 ? made->entries[i - 1] : head;
		char path[64];

		snprintf(path, sizeof(path), "\\SystemRoot\\%s", module_names[i]);
		made_put_pointer(made, entry, next);
		made_put_pointer(made, entry + made->pointer, back);
		made_put_pointer(made, entry + (wide ? 0x30 : 0x18), made->bases[i]);
		made_put(made, entry + (wide ? 0x40 : 0x20), i == 0 ? MADE_IMAGE_BYTES : 0x3000, 4);
		put_ascii_string(made, entry + (wide ? 0x48 : 0x24), made->names + i * 0x100, path);
		put_ascii_string(made, entry + (wide ? 0x58 : 0x2c), made->names + i * 0x100 + 0x80,
				 module_names[i]);
		made_put(made, entry + (wide ? 0x9c : 0x58), 0x11110000 + i, 4);
	}
	made_put_pointer(made, head, made->entries[0]);
	made_put_pointer(made, head + made->pointer, made->entries[MADE_MODULES - 1]);
}

/* Slot n holds driver n, unloaded at time n + 1; the next slot is 3, so that 3 is the oldest. */
static void put_unloaded(struct made *made)
{
	bool wide = is_wide(made);
	unsigned size = wide ? 0x28 : 0x18;

	made_put_pointer(made, made->base + AT_UNLOADED, made->ring);
	made_put(made, made->base + AT_LAST_UNLOADED, 3, 4);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t slot = made->ring + i * size;
		uint64_t start = driver_areas[made->kind] + 0x100000 + i * 0x10000;
		char name[16];

		if (i == 10)
			continue;
		snprintf(name, sizeof(name), "gone%u.sys", i);
		put_ascii_string(made, slot, made->names + 0x800 + i * 0x20, name);
		made_put_pointer(made, slot + (wide ? 0x10 : 0x08), start);
		made_put_pointer(made, slot + (wide ? 0x18 : 0x0c), start + 0x5000);
		made_put(made, slot + (wide ? 0x20 : 0x10), i < 3 ? 100 + i : i, 8);
	}
}

static void put_shared_data(struct made *made)
{
	uint64_t va = is_wide(made) ? 0xfffff78000000000 : 0xffdf0000;

	made_map(made, va);
	made_put(made, va + 0x260, 0xf0000000 | 17763, 4);
	made_put(made, va + 0x264, 3, 4);
	made_put(made, va + 0x26c, 10, 4);
}

static void map_all(struct made *made)
{
	uint64_t pool = pool_areas[made->kind];

	for (uint64_t at = 0; at < MADE_IMAGE_BYTES; at += MADE_PAGE)
		made_map(made, made->base + at);
	made->bases[0] = made->base;
	for (unsigned i = 1; i < MADE_MODULES; i++)
		made->bases[i] = driver_areas[made->kind] + i * 0x10000;
	made_map(made, made->bases[4]);
	for (unsigned i = 0; i < MADE_MODULES; i++) {
		made->entries[i] = pool + i * 0x10000 + 0x40;
		made_map(made, pool + i * 0x10000);
	}
	made->names = pool + 0x200000;
	made_map(made, made->names);
	made_map(made, made->names + MADE_PAGE);
	made->ring = pool + 0x300000;
	made_map(made, made->ring);
}

void made_init(struct made *made, enum made_kind kind)
{
	memset(made, 0, sizeof(*made));
	image_init(&made->image);
	made->kind = kind;
	made->pointer = is_wide(made) ? 8 : 4;
	made->next_pfn = FIRST_PFN;
	made->base = kernel_bases[kind];
	make_root(made);
	map_all(made);
	put_pe(made, made->base, 0x5f000001, MADE_IMAGE_BYTES);
	put_directories(made);
	put_pe(made, made->bases[4], 0x5f000005, 0x3000);
	put_kdbg(made);
	put_modules(made);
	put_unloaded(made);
	put_shared_data(made);
	made_put_bytes(made, made->base + AT_BUILD_LAB, "17763.1.fre.rs5_release", 24);
	made_put(made, made->base + AT_CSD_VERSION, 0x200, 4);
	for (unsigned i = 0; i < 4; i++)
		made_put_pointer(made, made->base + AT_PROCESSOR_BLOCK + i * made->pointer,
				 pool_areas[kind] + 0x1000 * i);
}

void made_fini(struct made *made)
{
	image_fini(&made->image);
}

/* ---- files ---- */

struct made_header made_true_header(const struct made *made)
{
	struct made_header header = {
		.dtb = made->root,
		.kdbg = made->base + AT_KDBG,
		.module_list = made->base + AT_LIST,
		.build = 17763,
		.processors = 4,
		.product_type = 3,
		.machine = machines[made->kind],
		.pae = made->kind == MADE_PAE,
	};

	return header;
}

static void patch(const char *path, long offset, uint64_t value, unsigned width)
{
	FILE *file = fopen(path, "r+b");
	uint8_t bytes[8];

	if (!file)
		abort();
	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	if (fseek(file, offset, SEEK_SET) != 0 || fwrite(bytes, width, 1, file) != 1 ||
	    fclose(file) != 0)
		abort();
}

void made_write_crash(struct made *made, const struct made_header *header)
{
	bool wide = is_wide(made);
	const char *path = made->image.path;
	const struct {
		long offset;
		uint64_t value;
		unsigned width;
	} fields[] = {
		{0x0c, header->build, 4},
		{wide ? 0x20 : 0x18, header->module_list, made->pointer},
		{wide ? 0x30 : 0x20, header->machine, 4},
		{wide ? 0x34 : 0x24, header->processors, 4},
		{wide ? 0x80 : 0x60, header->kdbg, made->pointer},
		{wide ? 0x1040 : 0xf94, header->product_type, 4},
	};

	image_write_crash(&made->image, wide ? 64 : 32, header->dtb, header->pae);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		patch(path, fields[i].offset, fields[i].value, fields[i].width);
}

void made_write_raw(struct made *made)
{
	image_write_raw(&made->image, made->next_pfn + 16);
}
