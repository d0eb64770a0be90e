/*
 * Writes a PE image as the loader leaves it in memory: headers, sections, export, import, debug
 * and version directories.
 *
 * Does not: write relocations, exception tables or certificates; fill sections with code.
 * Layout: Microsoft PE/COFF specification; VS_VERSIONINFO as the SDK documents it.
 */
#include "corpus/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PE_AT = 0x100,
	DIRECTORY_EXPORT = 0,
	DIRECTORY_IMPORT = 1,
	DIRECTORY_RESOURCE = 2,
	DIRECTORY_DEBUG = 6,
	DIRECTORY_IAT = 12,
	DIRECTORY_COUNT = 16,
	BLOB_ROOM = 0x10000,
	LANGUAGE = 0x409,
};

/* A stretch of the image under construction. */
struct blob {
	uint32_t rva;
	size_t used;
	uint8_t bytes[BLOB_ROOM];
};

struct directory {
	uint32_t rva, size;
};

void image_add_section(struct image *image, const char *name, uint32_t rva, uint32_t end,
		       enum section_flags flags)
{
	if (image->section_count == IMAGE_SECTIONS || end <= rva)
		die("%s: section %s does not fit", image->name, name);
	image->sections[image->section_count++] =
		(struct section){name, rva, end - rva, (uint32_t)flags};
}

/* Takes `size` bytes aligned to 8 and returns their RVA. */
static uint32_t blob_take(struct blob *blob, size_t size)
{
	size_t at = (size_t)round_up(blob->used, 8);
	if (at + size > BLOB_ROOM)
		die("the directories of an image do not fit");
	blob->used = at + size;
	return blob->rva + (uint32_t)at;
}

static uint8_t *blob_at(struct blob *blob, uint32_t rva)
{
	return blob->bytes + (rva - blob->rva);
}

static uint32_t blob_text(struct blob *blob, const char *text)
{
	uint32_t rva = blob_take(blob, strlen(text) + 1);
	memcpy(blob_at(blob, rva), text, strlen(text) + 1);
	return rva;
}

static int compare_exports(const void *a, const void *b)
{
	const struct image_export *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static struct directory write_exports(struct blob *blob, const struct image *image)
{
	size_t count = image->export_count;
	struct image_export *sorted = xcalloc(count, sizeof(*sorted));
	memcpy(sorted, image->exports, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_exports);
	uint32_t table = blob_take(blob, 40);
	uint32_t functions = blob_take(blob, 4 * count);
	uint32_t names = blob_take(blob, 4 * count);
	uint32_t ordinals = blob_take(blob, 2 * count);
	uint8_t *at = blob_at(blob, table);
	put32(at + 4, image->timestamp);
	put32(at + 12, blob_text(blob, image->name));
	put32(at + 16, 1);
	put32(at + 20, count);
	put32(at + 24, count);
	put32(at + 28, functions);
	put32(at + 32, names);
	put32(at + 36, ordinals);
	for (uint32_t i = 0; i < count; i++) {
		put32(blob_at(blob, functions) + 4 * i, sorted[i].rva);
		put32(blob_at(blob, names) + 4 * i, blob_text(blob, sorted[i].name));
		put16(blob_at(blob, ordinals) + 2 * i, i);
	}
	free(sorted);
	uint32_t end = blob_take(blob, 0);
	return (struct directory){table, end - table};
}

static struct directory write_imports(struct blob *blob, struct image *image)
{
	unsigned width = image->is_64 ? 8 : 4;
	size_t count = image->import_count;
	uint32_t table = blob_take(blob, 40);
	uint32_t lookup = blob_take(blob, width * (count + 1));
	for (size_t i = 0; i < count; i++) {
		uint32_t hint = blob_take(blob, 2 + strlen(image->imports[i].name) + 1);
		strcpy((char *)blob_at(blob, hint) + 2, image->imports[i].name);
		put_width(blob_at(blob, lookup) + width * i, hint, width);
		put_width(blob_at(blob, image->iat) + width * i, image->imports[i].va, width);
	}
	put32(blob_at(blob, table), lookup);
	put32(blob_at(blob, table) + 12, blob_text(blob, "ntoskrnl.exe"));
	put32(blob_at(blob, table) + 16, image->iat);
	return (struct directory){table, 40};
}

static struct directory write_debug(struct blob *blob, const struct image *image)
{
	uint32_t table = blob_take(blob, 28);
	size_t size = 24 + strlen(image->pdb) + 1;
	uint32_t record = blob_take(blob, size);
	uint8_t *at = blob_at(blob, record);
	memcpy(at, "RSDS", 4);
	memcpy(at + 4, image->guid, 16);
	put32(at + 20, image->age);
	strcpy((char *)at + 24, image->pdb);
	at = blob_at(blob, table);
	put32(at + 4, image->timestamp);
	put32(at + 12, 2); /* IMAGE_DEBUG_TYPE_CODEVIEW */
	put32(at + 16, size);
	put32(at + 20, record);
	put32(at + 24, record);
	return (struct directory){table, 28};
}

static uint32_t put_wide(struct blob *blob, const char *text)
{
	uint32_t rva = blob->rva + (uint32_t)blob->used;
	for (const char *c = text;; c++) {
		if (blob->used + 2 > BLOB_ROOM)
			die("a version resource does not fit");
		put16(blob->bytes + blob->used, (unsigned char)*c);
		blob->used += 2;
		if (!*c)
			return rva;
	}
}

static void align4(struct blob *blob)
{
	blob->used = (size_t)round_up(blob->used, 4);
}

/* Starts a node of VS_VERSIONINFO; its length is stored by end_node. */
static size_t begin_node(struct blob *blob, const char *key, unsigned value_length, unsigned type)
{
	align4(blob);
	size_t at = blob->used;
	blob->used += 6;
	put16(blob->bytes + at + 2, value_length);
	put16(blob->bytes + at + 4, type);
	put_wide(blob, key);
	align4(blob);
	return at;
}

static void end_node(struct blob *blob, size_t at)
{
	put16(blob->bytes + at, blob->used - at);
}

static void write_string(struct blob *blob, const char *key, const char *value)
{
	size_t at = begin_node(blob, key, (unsigned)strlen(value) + 1, 1);
	put_wide(blob, value);
	end_node(blob, at);
}

static void write_fixed_info(struct blob *blob, const char *version)
{
	unsigned part[4] = {0};
	sscanf(version, "%u.%u.%u.%u", &part[0], &part[1], &part[2], &part[3]);
	uint8_t *at = blob->bytes + blob->used;
	put32(at, 0xFEEF04BD);
	put32(at + 4, 0x10000);
	for (unsigned i = 8; i <= 16; i += 8) {
		put32(at + i, part[0] << 16 | part[1]);
		put32(at + i + 4, part[2] << 16 | part[3]);
	}
	put32(at + 24, 0x3F);
	put32(at + 32, 0x40004); /* NT, Windows */
	put32(at + 36, 3);       /* driver */
	blob->used += 52;
}

static void write_version_info(struct blob *blob, const struct image *image)
{
	size_t root = begin_node(blob, "VS_VERSION_INFO", 52, 0);
	write_fixed_info(blob, image->version);
	size_t strings = begin_node(blob, "StringFileInfo", 0, 1);
	size_t table = begin_node(blob, "040904B0", 0, 1);
	write_string(blob, "CompanyName", image->company ? image->company : "");
	write_string(blob, "FileDescription", image->description ? image->description : "");
	write_string(blob, "FileVersion", image->version);
	write_string(blob, "OriginalFilename", image->name);
	write_string(blob, "ProductVersion", image->version);
	end_node(blob, table);
	end_node(blob, strings);
	size_t variables = begin_node(blob, "VarFileInfo", 0, 1);
	size_t translation = begin_node(blob, "Translation", 4, 0);
	put32(blob->bytes + blob->used, 0x04B00409);
	blob->used += 4;
	end_node(blob, translation);
	end_node(blob, variables);
	end_node(blob, root);
}

/* Three directories (type, name, language) of one entry each, then the data. */
static struct directory write_resources(struct memory *m, const struct image *image)
{
	struct blob *blob = xcalloc(1, sizeof(*blob));
	blob->rva = image->resources;
	static const unsigned ids[3] = {16 /* RT_VERSION */, 1, LANGUAGE};
	for (unsigned i = 0; i < 3; i++) {
		uint8_t *at = blob->bytes + 24 * i;
		put16(at + 14, 1);
		put32(at + 16, ids[i]);
		put32(at + 20, i < 2 ? 0x80000000 | 24 * (i + 1) : 72);
	}
	blob->used = 88;
	write_version_info(blob, image);
	put32(blob->bytes + 72, image->resources + 88);
	put32(blob->bytes + 76, blob->used - 88);
	memory_write(m, image->base + image->resources, blob->bytes, blob->used);
	struct directory directory = {image->resources, (uint32_t)blob->used};
	free(blob);
	return directory;
}

static void put_optional_header(uint8_t *at, const struct image *image)
{
	put16(at, image->is_64 ? 0x20B : 0x10B);
	at[2] = 9;
	put32(at + 4, image->sections[0].size);
	put32(at + 16, image->entry);
	put32(at + 20, image->sections[0].rva);
	if (image->is_64)
		put64(at + 24, image->base);
	else
		put32(at + 28, image->base);
	put32(at + 32, PAGE_SIZE);
	put32(at + 36, 0x200);
	put16(at + 40, image->major);
	put16(at + 42, image->minor);
	put16(at + 44, image->major);
	put16(at + 46, image->minor);
	put16(at + 48, image->major);
	put16(at + 50, image->minor);
	put32(at + 56, image->size);
	put32(at + 60, 0x400);
	put32(at + 64, image->checksum);
	put16(at + 68, 1); /* native */
	put32(at + (image->is_64 ? 108 : 92), DIRECTORY_COUNT);
}

static void write_headers(struct memory *m, const struct image *image,
			  const struct directory *directories)
{
	uint8_t page[PAGE_SIZE] = {0};
	memcpy(page, "MZ", 2);
	put16(page + 0x18, 0x40);
	put32(page + 0x3C, PE_AT);
	static const char message[] = "This program cannot be run in DOS mode.\r\r\n$";
	memcpy(page + 0x4E, message, sizeof(message));
	unsigned optional = image->is_64 ? 240 : 224;
	uint8_t *at = page + PE_AT;
	memcpy(at, "PE\0\0", 4);
	put16(at + 4, image->machine);
	put16(at + 6, image->section_count);
	put32(at + 8, image->timestamp);
	put16(at + 20, optional);
	put16(at + 22, image->is_64 ? 0x22 : 0x10E);
	put_optional_header(at + 24, image);
	for (unsigned i = 0; i < DIRECTORY_COUNT; i++) {
		uint8_t *slot = at + 24 + optional - 8 * DIRECTORY_COUNT + 8 * i;
		put32(slot, directories[i].rva);
		put32(slot + 4, directories[i].size);
	}
	at += 24 + optional;
	uint32_t file = 0x400;
	for (size_t i = 0; i < image->section_count; i++, at += 40) {
		const struct section *s = &image->sections[i];
		memcpy(at, s->name, strnlen(s->name, 8));
		put32(at + 8, s->size);
		put32(at + 12, s->rva);
		put32(at + 16, s->size);
		put32(at + 20, file);
		put32(at + 36, s->flags);
		file += s->size;
	}
	memory_write(m, image->base, page, PAGE_SIZE);
}

void image_write(struct memory *m, struct image *image)
{
	struct directory directories[DIRECTORY_COUNT] = {0};
	struct blob *blob = xcalloc(1, sizeof(*blob));
	blob->rva = image->directories;
	uint32_t iat_size = (uint32_t)(image->import_count + 1) * (image->is_64 ? 8 : 4);
	image->iat = blob_take(blob, iat_size);
	directories[DIRECTORY_DEBUG] = write_debug(blob, image);
	if (image->import_count) {
		directories[DIRECTORY_IMPORT] = write_imports(blob, image);
		directories[DIRECTORY_IAT] = (struct directory){image->iat, iat_size};
	}
	if (image->export_count)
		directories[DIRECTORY_EXPORT] = write_exports(blob, image);
	memory_write(m, image->base + image->directories, blob->bytes, blob->used);
	free(blob);
	if (image->resources)
		directories[DIRECTORY_RESOURCE] = write_resources(m, image);
	write_headers(m, image, directories);
}

char *image_guid_age(const uint8_t guid[16], uint32_t age)
{
	static const unsigned order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	char digits[33];
	for (unsigned i = 0; i < 16; i++)
		snprintf(digits + 2 * i, 3, "%02X", guid[order[i]]);
	return xprintf("%s-%X", digits, age);
}
