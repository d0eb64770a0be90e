/*
 * See pe_exports.h: the version resource.
 *
 * Source of the layouts: the Microsoft PE/COFF specification (resource tree of three levels: type,
 * name, language) and the Windows SDK's pages on VS_VERSIONINFO. Of several names the first is
 * taken.
 */
#include "analyzer/kernel/pe_exports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/kernel/pe_headers.h"
#include "analyzer/kernel/text.h"
#include "base/bytes.h"

enum {
	RT_VERSION = 16,
	DIRECTORY_BYTES = 16,
	DIRECTORY_NAMED = 12,
	DIRECTORY_IDS = 14,
	ENTRY_BYTES = 8,
	ENTRY_LIMIT = 4096, /* of one directory */
	DATA_BYTES = 16,
	ENGLISH_US = 0x409,
	PRIMARY_LANGUAGE = 0x3ff,
	ENGLISH = 9,

	BLOCK_BYTES = 6,        /* wLength, wValueLength, wType; then szKey */
	VERSION_LIMIT = 0xffff, /* wLength has 16 bits */
	FIXED_BYTES = 52,
	FIXED_FILE = 8,
	FIXED_PRODUCT = 16,
};
static const uint32_t subdirectory = 0x80000000;
static const uint32_t fixed_signature = 0xfeef04bd;

struct resources {
	const struct pe_image *image;
	struct pe_range range;
	bool absent; /* a part of the tree was not there */
};

/* How well an entry suits; 0 not at all. */
typedef unsigned (*entry_judge)(uint32_t id);

static unsigned is_version_type(uint32_t id)
{
	return id == RT_VERSION;
}

static unsigned any_name(uint32_t id)
{
	(void)id;
	return 1;
}

static unsigned language_rank(uint32_t id)
{
	if (id == ENGLISH_US)
		return 4;
	if (id == 0)
		return 3;
	return (id & PRIMARY_LANGUAGE) == ENGLISH ? 2 : 1;
}

static const uint8_t *resource_at(struct resources *r, uint32_t offset, uint32_t length)
{
	const uint8_t *at = NULL;

	if (offset < r->range.size && length <= r->range.size - offset)
		at = pe_at(r->image, r->range.rva + offset, length);
	if (!at)
		r->absent = true;
	return at;
}

/* Finds the best entry of the directory at `offset`: the first of those that suit most. */
static bool best_entry(struct resources *r, uint32_t offset, entry_judge judge, uint32_t *ret)
{
	const uint8_t *at = resource_at(r, offset, DIRECTORY_BYTES);
	struct bytes raw = bytes_of(at, at ? DIRECTORY_BYTES : 0);
	uint32_t count =
		bytes_u16(&raw, DIRECTORY_NAMED) + (uint32_t)bytes_u16(&raw, DIRECTORY_IDS);
	unsigned best = 0;

	if (count > ENTRY_LIMIT)
		count = ENTRY_LIMIT;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *entry =
			resource_at(r, offset + DIRECTORY_BYTES + i * ENTRY_BYTES, ENTRY_BYTES);
		unsigned rank;

		if (!entry)
			break;
		raw = bytes_of(entry, ENTRY_BYTES);
		rank = judge(bytes_u32(&raw, 0));
		if (rank > best) {
			best = rank;
			*ret = bytes_u32(&raw, 4);
		}
	}
	return best > 0;
}

/* Finds the bytes of the version resource. */
static bool find_version(struct resources *r, struct pe_range *ret)
{
	static const entry_judge judges[] = {is_version_type, any_name, language_rank};
	const uint8_t *at;
	struct bytes raw;
	uint32_t next = subdirectory;

	for (size_t level = 0; level < sizeof(judges) / sizeof(judges[0]); level++) {
		if (!(next & subdirectory) ||
		    !best_entry(r, next & ~subdirectory, judges[level], &next))
			return false;
	}
	at = next & subdirectory ? NULL : resource_at(r, next, DATA_BYTES);
	if (!at)
		return false;
	raw = bytes_of(at, DATA_BYTES);
	*ret = (struct pe_range){bytes_u32(&raw, 0), bytes_u32(&raw, 4)};
	return true;
}

/* One block of VERSIONINFO, as offsets from its first byte. */
struct block {
	struct bytes bytes; /* of this block alone */
	size_t key, key_size;
	size_t value, value_size;
	size_t children;
};

static size_t aligned(size_t offset)
{
	return (offset + 3) & ~(size_t)3;
}

/* Bytes of the UTF-16 text at `offset` before its NUL or the end. */
static size_t text_size(struct bytes *bytes, size_t offset)
{
	size_t end = offset;

	while (bytes_has(bytes, end, 2) && bytes_u16(bytes, end) != 0)
		end += 2;
	return end - offset;
}

/* The block at the head of `bytes`. wValueLength counts bytes, or characters of a text. */
static bool parse_block(struct bytes bytes, struct block *ret)
{
	uint16_t length = bytes_u16(&bytes, 0), value = bytes_u16(&bytes, 2);
	bool is_text = bytes_u16(&bytes, 4) == 1;

	if (bytes.overrun || length < BLOCK_BYTES)
		return false;
	*ret = (struct block){
		.bytes = bytes_of(bytes.data, length < bytes.size ? length : bytes.size)};
	ret->key = BLOCK_BYTES;
	ret->key_size = text_size(&ret->bytes, ret->key);
	ret->value = aligned(ret->key + ret->key_size + 2);
	ret->value_size = is_text ? (size_t)value * 2 : value;
	ret->children = aligned(ret->value + ret->value_size);
	return true;
}

static bool key_is(const struct block *block, const char *want)
{
	struct bytes bytes = block->bytes;
	size_t length = strlen(want);

	if (block->key_size != length * 2)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (bytes_u16(&bytes, block->key + i * 2) != (uint8_t)want[i])
			return false;
	}
	return true;
}

/* Steps through the blocks from `*at` of `parent` on. */
static bool next_block(const struct block *parent, size_t *at, struct block *ret)
{
	if (*at >= parent->bytes.size ||
	    !parse_block(bytes_of(parent->bytes.data + *at, parent->bytes.size - *at), ret))
		return false;
	*at += aligned(ret->bytes.size);
	return true;
}

/* Writers differ in what wValueLength counts, so a text ends with its NUL or with its block. */
static void set_text(const struct block *block, char *to)
{
	struct bytes bytes = block->bytes;

	if (to[0] == '\0' && block->value < bytes.size)
		unicode_to_utf8_cut(bytes.data + block->value, text_size(&bytes, block->value), to,
				    PE_VERSION_TEXT);
}

static void read_string(const struct block *string, struct pe_version *v)
{
	const struct {
		const char *key;
		char *to;
	} fields[] = {
		{"CompanyName", v->company},
		{"ProductName", v->product},
		{"FileDescription", v->description},
		{"FileVersion", v->file_version},
		{"OriginalFilename", v->original_name},
		{"LegalCopyright", v->copyright},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (key_is(string, fields[i].key))
			set_text(string, fields[i].to);
	}
}

static bool is_english(const struct block *table)
{
	struct bytes bytes = table->bytes;
	static const char *const languages[] = {"0409", "0000"};

	for (size_t i = 0; i < 2; i++) {
		size_t same = 0;

		while (same < 4 &&
		       bytes_u16(&bytes, table->key + same * 2) == (uint8_t)languages[i][same])
			same++;
		if (same == 4)
			return true;
	}
	return false;
}

/* The tables of one kind: English or neutral ones, or the others. */
static void read_tables(const struct block *file_info, bool english, struct pe_version *v)
{
	size_t at = file_info->children, in_table;
	struct block table, string;

	while (next_block(file_info, &at, &table)) {
		if (is_english(&table) != english)
			continue;
		in_table = table.children;
		while (next_block(&table, &in_table, &string))
			read_string(&string, v);
	}
}

static void read_fixed(const struct block *root, struct pe_version *v)
{
	struct bytes raw = root->bytes;

	if (!bytes_has(&raw, root->value, FIXED_BYTES) || root->value_size < FIXED_BYTES ||
	    bytes_u32(&raw, root->value) != fixed_signature)
		return;
	for (size_t i = 0; i < 4; i++) {
		/* two words, each with its upper half first */
		size_t half = (i / 2 * 4) + (i % 2 ? 0 : 2);

		v->file[i] = bytes_u16(&raw, root->value + FIXED_FILE + half);
		v->product_number[i] = bytes_u16(&raw, root->value + FIXED_PRODUCT + half);
	}
}

static bool parse_version(const uint8_t *data, size_t size, struct pe_version *v)
{
	struct block root, child;
	size_t at;

	if (!parse_block(bytes_of(data, size), &root) || !key_is(&root, "VS_VERSION_INFO"))
		return false;
	read_fixed(&root, v);
	at = root.children;
	while (next_block(&root, &at, &child)) {
		if (!key_is(&child, "StringFileInfo"))
			continue;
		read_tables(&child, true, v);
		read_tables(&child, false, v);
	}
	v->present = true;
	return true;
}

static void why_not(struct pe_version *v, const char *why)
{
	snprintf(v->why_not, sizeof(v->why_not), "%s", why);
}

void pe_version_read(struct pe_image *image, struct pe_version *ret)
{
	struct resources r = {.image = image, .range = image->directories[PE_RESOURCE]};
	const char *elsewhere = image->origin == PE_FROM_MEMORY ? "its pages are not in the dump"
								: "the file ends before it";
	struct pe_range at;
	const uint8_t *data;

	memset(ret, 0, sizeof(*ret));
	if (r.range.size == 0) {
		why_not(ret, "no resources");
		return;
	}
	if (!find_version(&r, &at)) {
		why_not(ret, r.absent ? elsewhere : "no version resource");
		return;
	}
	if (at.size > VERSION_LIMIT)
		at.size = VERSION_LIMIT;
	data = pe_at(image, at.rva, at.size);
	if (!data)
		why_not(ret, at.rva < image->size && at.size <= image->size - at.rva
				     ? elsewhere
				     : "its version resource lies outside the image");
	else if (!parse_version(data, at.size, ret))
		why_not(ret, "its version resource cannot be right");
}
