/*
 * PE files as the kernel's loader lays them into memory: by RVA, relocated, imports bound.
 *
 * Does not: read what no driver here has (delay-load and bound imports, forwarded exports, load
 * configurations). Layout: Microsoft PE/COFF specification.
 */
#include "corpus/pe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/util.h"

enum {
	LARGEST_FILE = 64 << 20,
	LARGEST_IMAGE = 256 << 20,
	RELOCATION_ABSOLUTE = 0,
	RELOCATION_32 = 3,
	RELOCATION_64 = 10,
	DEBUG_CODEVIEW = 2,
	MOST_IMPORTS = 4096,
};

struct bytes {
	uint8_t *data;
	size_t length;
};

static struct bytes read_file(const struct line *line, const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		line_fail(line, "cannot open '%s': %s", path, strerror(errno));
	struct bytes b = {0};
	if (fseeko(file, 0, SEEK_END) || ftello(file) < 0 || ftello(file) > LARGEST_FILE)
		line_fail(line, "'%s' is no driver: too large", path);
	b.length = (size_t)ftello(file);
	b.data = xcalloc(b.length + 1, 1);
	rewind(file);
	if (fread(b.data, 1, b.length, file) != b.length)
		line_fail(line, "cannot read '%s'", path);
	fclose(file);
	return b;
}

static const uint8_t *file_at(const struct pe *pe, const struct bytes *b, uint64_t at,
			      uint64_t length)
{
	if (at > b->length || length > b->length - at)
		line_fail(pe->line, "'%s' is cut short, or no PE file", pe->path);
	return b->data + at;
}

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)get32(at);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static void read_section(struct pe *pe, const struct bytes *b, const uint8_t *header)
{
	struct pe_section *s = &pe->sections[pe->section_count++];
	memcpy(s->name, header, 8);
	s->size = word(header + 8);
	s->rva = word(header + 12);
	s->flags = word(header + 36);
	uint32_t raw = word(header + 16), from = word(header + 20);
	if (!s->size)
		s->size = raw;
	uint32_t count = raw < s->size ? raw : s->size;
	memcpy(pe_at(pe, s->rva, s->size), file_at(pe, b, from, count), count);
}

static void read_headers(struct pe *pe, const struct bytes *b)
{
	uint32_t at = word(file_at(pe, b, 0x3C, 4));
	const uint8_t *header = file_at(pe, b, at, 24);
	uint32_t sections = get16(header + 6), optional_size = get16(header + 20);
	if (memcmp(header, "PE\0\0", 4) != 0 || sections > PE_SECTIONS || optional_size < 96)
		line_fail(pe->line, "'%s' is no PE file with at most %d sections", pe->path,
			  PE_SECTIONS);
	const uint8_t *optional = file_at(pe, b, at + 24, optional_size);
	pe->is_64 = get16(optional) == 0x20B;
	pe->machine = get16(header + 4);
	pe->timestamp = word(header + 8);
	pe->entry = word(optional + 16);
	pe->base = pe->is_64 ? get64(optional + 24) : word(optional + 28);
	pe->size = (uint32_t)round_up(word(optional + 56), PAGE_SIZE);
	pe->checksum = word(optional + 64);
	uint32_t headers = word(optional + 60), directories = pe->is_64 ? 112 : 96;
	if (!pe->size || pe->size > LARGEST_IMAGE || headers > pe->size)
		line_fail(pe->line, "'%s' has an impossible size of image", pe->path);
	pe->bytes = xcalloc(pe->size, 1);
	memcpy(pe->bytes, file_at(pe, b, 0, headers), headers);
	for (uint32_t i = 0; i < PE_DIRECTORIES && directories + 8 * i + 8 <= optional_size; i++) {
		const uint8_t *d = optional + directories + 8 * i;
		pe->directories[i] = (struct pe_directory){word(d), word(d + 4)};
	}
	uint64_t table = (uint64_t)at + 24 + optional_size;
	for (uint32_t i = 0; i < sections; i++)
		read_section(pe, b, file_at(pe, b, table + 40 * i, 40));
}

struct pe *pe_open(const struct line *line, const char *path)
{
	struct pe *pe = xcalloc(1, sizeof(*pe));
	pe->line = line;
	pe->path = xstrdup(path);
	struct bytes b = read_file(line, path);
	read_headers(pe, &b);
	free(b.data);
	return pe;
}

void pe_close(struct pe *pe)
{
	if (!pe)
		return;
	free(pe->bytes);
	free(pe->path);
	free(pe);
}

uint8_t *pe_at(const struct pe *pe, uint32_t rva, uint32_t length)
{
	if (rva > pe->size || length > pe->size - rva)
		line_fail(pe->line, "'%s' points outside of itself (RVA 0x%x)", pe->path, rva);
	return pe->bytes + rva;
}

static const char *text_at(const struct pe *pe, uint32_t rva)
{
	const char *text = (const char *)pe_at(pe, rva, 1);
	if (!memchr(text, '\0', pe->size - rva))
		line_fail(pe->line, "'%s' has a name without an end (RVA 0x%x)", pe->path, rva);
	return text;
}

unsigned pe_pointer(const struct pe *pe)
{
	return pe->is_64 ? 8 : 4;
}

static uint64_t pointer_at(const struct pe *pe, uint32_t rva)
{
	const uint8_t *at = pe_at(pe, rva, pe_pointer(pe));
	return pe->is_64 ? get64(at) : word(at);
}

const struct pe_section *pe_section(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->section_count; i++) {
		if (strcmp(pe->sections[i].name, name) == 0)
			return &pe->sections[i];
	}
	return NULL;
}

uint32_t pe_export(const struct pe *pe, const char *name)
{
	if (!pe->directories[PE_EXPORTS].rva)
		return 0;
	const uint8_t *table = pe_at(pe, pe->directories[PE_EXPORTS].rva, 40);
	uint32_t functions = word(table + 28), names = word(table + 32);
	uint32_t ordinals = word(table + 36), count = word(table + 24);
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(text_at(pe, word(pe_at(pe, names + 4 * i, 4))), name) != 0)
			continue;
		uint32_t ordinal = get16(pe_at(pe, ordinals + 2 * i, 2));
		return word(pe_at(pe, functions + 4 * ordinal, 4));
	}
	return 0;
}

const char *pe_pdb(const struct pe *pe, uint8_t guid[16], uint32_t *age)
{
	const struct pe_directory *d = &pe->directories[PE_DEBUG];
	for (uint32_t at = 0; at + 28 <= d->size; at += 28) {
		const uint8_t *entry = pe_at(pe, d->rva + at, 28);
		if (word(entry + 12) != DEBUG_CODEVIEW || word(entry + 16) < 25)
			continue;
		const uint8_t *record = pe_at(pe, word(entry + 20), 25);
		if (memcmp(record, "RSDS", 4) != 0)
			continue;
		memcpy(guid, record + 4, 16);
		*age = word(record + 20);
		return text_at(pe, word(entry + 20) + 24);
	}
	return NULL;
}

static void relocate_block(struct pe *pe, uint32_t at, uint32_t size, uint64_t difference)
{
	uint32_t page = word(pe_at(pe, at, 8));
	for (uint32_t i = 8; i + 2 <= size; i += 2) {
		uint32_t entry = get16(pe_at(pe, at + i, 2)), rva = page + (entry & 0xFFF);
		switch (entry >> 12) {
		case RELOCATION_ABSOLUTE: break;
		case RELOCATION_32: {
			uint8_t *to = pe_at(pe, rva, 4);
			put32(to, word(to) + difference);
			break;
		}
		case RELOCATION_64: {
			uint8_t *to = pe_at(pe, rva, 8);
			put64(to, get64(to) + difference);
			break;
		}
		default: line_fail(pe->line, "'%s': relocation of kind %u", pe->path, entry >> 12);
		}
	}
}

void pe_relocate(struct pe *pe, uint64_t to)
{
	const struct pe_directory *d = &pe->directories[PE_RELOCATIONS];
	for (uint32_t at = 0; at + 8 <= d->size;) {
		uint32_t size = word(pe_at(pe, d->rva + at, 8) + 4);
		if (size < 8 || size > d->size - at)
			line_fail(pe->line, "'%s': the relocations are damaged", pe->path);
		relocate_block(pe, d->rva + at, size, to - pe->base);
		at += size;
	}
	/* The header in memory tells the new base. */
	uint32_t optional = word(pe_at(pe, 0x3C, 4)) + 24;
	if (pe->is_64)
		put64(pe_at(pe, optional + 24, 8), to);
	else
		put32(pe_at(pe, optional + 28, 4), to);
	pe->base = to;
}

static void bind_module(struct pe *pe, const uint8_t *descriptor, pe_resolver resolve,
			pe_import_visitor visit, void *context)
{
	uint32_t lookup = word(descriptor), iat = word(descriptor + 16);
	uint64_t ordinal = UINT64_C(1) << (pe->is_64 ? 63 : 31);
	const char *module = text_at(pe, word(descriptor + 12));
	for (uint32_t i = 0; i < MOST_IMPORTS; i++) {
		uint64_t entry = pointer_at(pe, (lookup ? lookup : iat) + i * pe_pointer(pe));
		if (!entry)
			return;
		if (entry & ordinal)
			line_fail(pe->line, "'%s' imports by ordinal from %s", pe->path, module);
		const char *name = text_at(pe, (uint32_t)entry + 2);
		uint64_t target = resolve(context, module, name);
		uint32_t slot = iat + i * pe_pointer(pe);
		put_width(pe_at(pe, slot, pe_pointer(pe)), target, pe_pointer(pe));
		visit(context, slot, target);
	}
	line_fail(pe->line, "'%s' has more than %d imports", pe->path, MOST_IMPORTS);
}

void pe_bind(struct pe *pe, pe_resolver resolve, pe_import_visitor visit, void *context)
{
	uint32_t at = pe->directories[PE_IMPORTS].rva;
	for (; at; at += 20) {
		const uint8_t *descriptor = pe_at(pe, at, 20);
		if (!word(descriptor + 16))
			return;
		bind_module(pe, descriptor, resolve, visit, context);
	}
}
