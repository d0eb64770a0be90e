/* See pe_writer.h. */
#include "pe_writer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, HEADERS = 0x400 };

struct made_section {
	const char *name;
	uint32_t rva, size, raw_size, characteristics;
};

static const struct made_section made_sections[] = {
	{".text", MADE_TEXT, 0xf00, 0x1000, 0x68000020},
	{".rdata", MADE_RDATA, 0x1f80, 0x2000, 0x48000040},
	{".data", MADE_DATA, 0x1800, 0x200, 0xc8000040},
	{".rsrc", MADE_RSRC, 0x1200, 0x1200, 0x42000040},
	{"INIT", MADE_INIT, 0xa00, 0xa00, 0x62000020},
};

enum { SECTION_COUNT = sizeof(made_sections) / sizeof(made_sections[0]) };

void made_pe_put(struct made_pe *pe, uint32_t rva, uint64_t value, unsigned width)
{
	assert(rva <= MADE_PE_BYTES - width);
	for (unsigned i = 0; i < width; i++)
		pe->bytes[rva + i] = (uint8_t)(value >> 8 * i);
}

uint64_t made_pe_get(const struct made_pe *pe, uint32_t rva, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint64_t)pe->bytes[rva + i] << 8 * i;
	return value;
}

void made_pe_text(struct made_pe *pe, uint32_t rva, const char *text)
{
	memcpy(pe->bytes + rva, text, strlen(text) + 1);
}

void made_pe_wide(struct made_pe *pe, uint32_t rva, const char *text)
{
	for (size_t i = 0; i <= strlen(text); i++)
		made_pe_put(pe, rva + (uint32_t)i * 2, (uint8_t)text[i], 2);
}

void made_pe_directory(struct made_pe *pe, unsigned which, uint32_t rva, uint32_t size)
{
	uint32_t at = pe->optional + (pe->pointer == 8 ? 0x70 : 0x60) + which * 8;

	made_pe_put(pe, at, rva, 4);
	made_pe_put(pe, at + 4, size, 4);
}

uint32_t made_pe_section(const struct made_pe *pe, unsigned index)
{
	return pe->sections + index * 0x28;
}

static void put_optional(struct made_pe *pe)
{
	uint32_t at = pe->optional;
	bool wide = pe->pointer == 8;

	made_pe_put(pe, at, wide ? 0x20b : 0x10b, 2);
	made_pe_put(pe, at + 0x10, MADE_TEXT + 0x10, 4); /* entry point */
	if (wide)
		made_pe_put(pe, at + 0x18, pe->base, 8);
	else
		made_pe_put(pe, at + 0x1c, pe->base, 4);
	made_pe_put(pe, at + 0x20, PAGE, 4);
	made_pe_put(pe, at + 0x24, 0x200, 4);
	made_pe_put(pe, at + 0x38, MADE_PE_END, 4);
	made_pe_put(pe, at + 0x3c, HEADERS, 4);
	made_pe_put(pe, at + 0x40, 0xc0ffee, 4);
	made_pe_put(pe, at + 0x44, 1, 2); /* native */
	made_pe_put(pe, at + (wide ? 0x6c : 0x5c), 16, 4);
}

static void put_sections(struct made_pe *pe)
{
	uint32_t raw = HEADERS;

	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		const struct made_section *section = &made_sections[i];
		uint32_t at = made_pe_section(pe, i);

		memcpy(pe->bytes + at, section->name, strlen(section->name));
		made_pe_put(pe, at + 0x08, section->size, 4);
		made_pe_put(pe, at + 0x0c, section->rva, 4);
		made_pe_put(pe, at + 0x10, section->raw_size, 4);
		made_pe_put(pe, at + 0x14, raw, 4);
		made_pe_put(pe, at + 0x24, section->characteristics, 4);
		raw += section->raw_size;
	}
}

void made_pe_init(struct made_pe *pe, uint16_t machine)
{
	uint16_t optional_size = machine == 0x14c ? 0xe0 : 0xf0;

	memset(pe, 0, sizeof(*pe));
	pe->pointer = machine == 0x14c ? 4 : 8;
	pe->base = machine == 0x14c ? 0x10000 : 0x140000000;
	pe->optional = MADE_PE_NT + 0x18;
	pe->sections = pe->optional + optional_size;
	memcpy(pe->bytes, "MZ", 2);
	made_pe_put(pe, 0x3c, MADE_PE_NT, 4);
	memcpy(pe->bytes + MADE_PE_NT, "PE\0\0", 4);
	made_pe_put(pe, MADE_PE_NT + 4, machine, 2);
	made_pe_put(pe, MADE_PE_NT + 6, SECTION_COUNT, 2);
	made_pe_put(pe, MADE_PE_NT + 8, 0x5e0f1234, 4);
	made_pe_put(pe, MADE_PE_NT + 0x14, optional_size, 2);
	put_optional(pe);
	put_sections(pe);
}

void made_pe_write(const struct made_pe *pe, const char *path)
{
	uint32_t size = HEADERS;
	uint8_t *file = calloc(1, MADE_PE_BYTES);
	FILE *out = fopen(path, "wb");

	assert(file && out);
	memcpy(file, pe->bytes, HEADERS);
	for (unsigned i = 0; i < SECTION_COUNT; i++) {
		const struct made_section *section = &made_sections[i];

		memcpy(file + size, pe->bytes + section->rva, section->raw_size);
		size += section->raw_size;
	}
	if (pe->file_bytes)
		size = pe->file_bytes;
	if (fwrite(file, 1, size, out) != size || fclose(out) != 0)
		abort();
	free(file);
}

void made_pe_load(const struct made_pe *pe, struct image *image, uint64_t root, uint64_t va,
		  uint64_t *next_pfn)
{
	for (uint32_t rva = 0; rva < MADE_PE_END; rva += PAGE) {
		uint64_t pfn = (*next_pfn)++;

		memcpy(image_page(image, pfn), pe->bytes + rva, PAGE);
		image_map_x64(image, root, va + rva, pfn * PAGE | 0x63, next_pfn);
	}
}

void made_pe_debug(struct made_pe *pe, uint32_t rva, const char *pdb)
{
	uint32_t record = rva + 0x40;

	made_pe_directory(pe, 6, rva, 2 * 0x1c);
	made_pe_put(pe, rva + 0x0c, 0xd, 4); /* POGO, which comes before it here */
	made_pe_put(pe, rva + 0x1c + 0x0c, 2, 4);
	made_pe_put(pe, rva + 0x1c + 0x10, 0x18 + strlen(pdb) + 1, 4);
	made_pe_put(pe, rva + 0x1c + 0x14, record, 4);
	memcpy(pe->bytes + record, "RSDS", 4);
	for (unsigned i = 0; i < 16; i++)
		pe->bytes[record + 4 + i] = (uint8_t)(i + 1);
	made_pe_put(pe, record + 0x14, 0x2a, 4);
	made_pe_text(pe, record + 0x18, pdb);
}
