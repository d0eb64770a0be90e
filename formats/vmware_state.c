/*
 * The state files of VMware: a header, a table of groups, and in each group a chain of tags, which
 * have a name, up to three indices, and a value or a block of bytes.
 *
 * Read are the places of memory (group "memory") and the control registers (group "cpu"). Not
 * read: all other groups; the content of compressed blocks, whose packing is not public.
 *
 * Sources: Volatility's address space for these files; vmware_vmss.c of the crash utility, by
 * VMware.
 */
#include "formats/vmware_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

enum {
	HEADER_SIZE = 12,
	AT_GROUPS = 8, /* their number */

	GROUP_SIZE = 80,
	GROUP_NAME = 64,
	GROUPS_MOST = 4096, /* there are about a hundred */

	TAG_INDICES_MOST = 3,
	TAG_NAME_MOST = 255,
	TAG_MOST = 2 + TAG_NAME_MOST + 4 * TAG_INDICES_MOST + 18, /* without the value */
	TAGS_MOST = 1 << 20,
	VALUE_BLOCK = 63, /* instead of a length */
	VALUE_COMPRESSED = 62,

	KNOWN_PPN = 1,
	KNOWN_PLACE = 2,
	KNOWN_COUNT = 4,
};

struct tag {
	char name[TAG_NAME_MOST + 1];
	unsigned index_count;
	uint32_t index[TAG_INDICES_MOST];
	bool block, compressed;
	uint64_t at, size; /* of the value in the file, bytes */
	uint64_t next;     /* file offset of the next tag */
};

struct reader {
	struct file *file;
	struct vmware_state *state;
	uint64_t tags; /* seen so far */
};

/* Of a checkpoint; of one with 4-byte sizes; without memory; restored, which keeps its content. */
static const struct {
	uint32_t value;
	bool wide;
} magics[] = {
	{0xbed2bed2, true}, {0xbed3bed3, true},  {0xbad1bad1, true},
	{0xbad2bad2, true}, {0xbed2bed0, false}, {0xbed0bed0, false},
};

static bool find_magic(struct file *file, bool *ret_wide)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[4];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (file_read(file, 0, raw, sizeof(raw), &ignored) != PS_OK)
		return false;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (bytes_u32(&b, 0) != magics[i].value)
			continue;
		*ret_wide = magics[i].wide;
		return true;
	}
	return false;
}

bool vmware_is_state(struct file *file)
{
	bool wide;

	return find_magic(file, &wide);
}

/* ---- tags ---- */

/* Size in the file, size in memory, padding, padding bytes. */
static void read_block(struct reader *r, struct bytes *b, size_t at, uint64_t file_offset,
		       struct tag *tag)
{
	size_t width = r->state->wide ? 8 : 4;

	tag->size = bytes_uint(b, at, width);
	tag->at = file_offset + at + 2 * width + 2 + bytes_u16(b, at + 2 * width);
}

/* PS_NOT_FOUND, without words, at the end of the chain; PS_ABSENT where the file ends first. */
static enum ps_status read_tag(struct reader *r, uint64_t at, struct tag *ret, struct ps_error *err)
{
	uint64_t room = r->file->size > at ? r->file->size - at : 0;
	uint8_t raw[TAG_MOST];
	size_t size = room < sizeof(raw) ? (size_t)room : sizeof(raw);
	struct bytes b = bytes_of(raw, size);
	unsigned flags, length, width;
	size_t place;

	if (file_read(r->file, at, raw, size, err) != PS_OK)
		return err->status;
	flags = bytes_u8(&b, 0);
	length = bytes_u8(&b, 1);
	if (!b.overrun && flags == 0 && length == 0)
		return PS_NOT_FOUND;
	*ret = (struct tag){.index_count = flags >> 6};
	place = 2 + length;
	if (bytes_has(&b, 2, length))
		memcpy(ret->name, raw + 2, length);
	for (unsigned i = 0; i < ret->index_count; i++, place += 4)
		ret->index[i] = bytes_u32(&b, place);
	width = flags & 0x3f;
	ret->compressed = width == VALUE_COMPRESSED;
	ret->block = ret->compressed || width == VALUE_BLOCK;
	ret->at = at + place;
	ret->size = width;
	if (ret->block)
		read_block(r, &b, place, at, ret);
	if (b.overrun || ret->at > r->file->size)
		return PS_ABSENT;
	/* A block can claim any size: the chain then leads behind the file's end. */
	ret->next = ret->size <= UINT64_MAX - ret->at ? ret->at + ret->size : UINT64_MAX;
	return PS_OK;
}

/* The value of a tag that is a number; false when it is none. */
static bool read_number(struct reader *r, const struct tag *tag, uint64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[8] = {0};
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (tag->block || tag->size == 0 || tag->size > sizeof(raw) ||
	    file_read(r->file, tag->at, raw, (size_t)tag->size, &ignored) != PS_OK)
		return false;
	*ret = bytes_u64(&b, 0);
	return true;
}

/* ---- group "memory" ---- */

static void take_block(struct vmware_state *s, const struct tag *tag)
{
	if (tag->size == 0)
		return; /* an empty one: the memory is in a file of its own */
	s->more_blocks |= s->has_block;
	if (s->has_block)
		return;
	s->has_block = true;
	s->compressed = tag->compressed;
	s->block_at = tag->at;
	s->block_size = tag->size;
}

static void take_region(struct reader *r, const struct tag *tag)
{
	static const struct {
		const char *name;
		size_t field;
		unsigned bit;
	} fields[] = {
		{"regionPPN", offsetof(struct vmware_region, ppn), KNOWN_PPN},
		{"regionPageNum", offsetof(struct vmware_region, place), KNOWN_PLACE},
		{"regionSize", offsetof(struct vmware_region, count), KNOWN_COUNT},
	};
	struct vmware_region *region;
	uint64_t value;

	if (tag->index_count != 1 || tag->index[0] >= VMWARE_REGIONS_MOST)
		return;
	region = &r->state->regions[tag->index[0]];
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(tag->name, fields[i].name) != 0 || !read_number(r, tag, &value))
			continue;
		memcpy((char *)region + fields[i].field, &value, sizeof(value));
		region->known |= fields[i].bit;
	}
}

static void take_memory(struct reader *r, const struct tag *tag)
{
	struct vmware_state *s = r->state;

	if (strcmp(tag->name, "Memory") == 0 && tag->block)
		take_block(s, tag);
	else if (strcmp(tag->name, "regionsCount") == 0)
		s->region_count_stated |= read_number(r, tag, &s->region_count);
	else
		take_region(r, tag);
}

/* ---- group "cpu" ---- */

static void set_register(struct vmware_state *s, uint32_t processor, uint32_t number,
			 uint64_t value)
{
	struct vmware_processor *p;

	if (processor >= CR3_MOST || number >= sizeof(p->cr) / sizeof(p->cr[0]))
		return;
	p = &s->processors[processor];
	p->cr[number] = value;
	p->known |= 1u << number;
}

/* CR64 [processor][number], or all registers of a processor in one block; CR with 4 bytes each. */
static void take_processor(struct reader *r, const struct tag *tag)
{
	struct ps_error ignored = PS_ERROR_INIT;
	bool wide = strcmp(tag->name, "CR64") == 0;
	unsigned width = wide ? 8 : 4;
	uint8_t raw[5 * 8];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t value;

	if (!wide && strcmp(tag->name, "CR") != 0)
		return;
	if (tag->index_count == 2 && read_number(r, tag, &value))
		set_register(r->state, tag->index[0], tag->index[1], value);
	if (tag->index_count != 1 || tag->compressed || tag->size < 5 * width ||
	    file_read(r->file, tag->at, raw, 5 * width, &ignored) != PS_OK)
		return;
	for (uint32_t i = 0; i < 5; i++)
		set_register(r->state, tag->index[0], i, bytes_uint(&b, i * width, width));
}

/* ---- groups ---- */

static enum ps_status read_group(struct reader *r, uint64_t at,
				 void (*take)(struct reader *, const struct tag *),
				 struct ps_error *err)
{
	for (;;) {
		struct tag tag;
		enum ps_status status = read_tag(r, at, &tag, err);

		if (status == PS_NOT_FOUND)
			return PS_OK;
		if (status == PS_ABSENT) {
			ps_error_clear(err);
			r->state->cut = true;
			return PS_OK;
		}
		if (status != PS_OK)
			return status;
		if (r->tags++ == TAGS_MOST)
			return ps_fail_at(err, PS_CORRUPT, at,
					  "its tags are too many to be those of a state");
		take(r, &tag);
		at = tag.next;
	}
}

static enum ps_status read_groups(struct reader *r, uint32_t count, struct ps_error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		uint8_t raw[GROUP_SIZE];
		struct bytes b = bytes_of(raw, sizeof(raw));
		bool memory, cpu;

		if (file_read(r->file, HEADER_SIZE + (uint64_t)i * GROUP_SIZE, raw, sizeof(raw),
			      err) != PS_OK)
			return ps_fail_at(err, PS_ABSENT, r->file->size,
					  "the file ends inside its list of groups");
		memory = bytes_equal(&b, 0, "memory", sizeof("memory"));
		cpu = bytes_equal(&b, 0, "cpu", sizeof("cpu"));
		r->state->has_memory_group |= memory;
		if ((memory || cpu) &&
		    read_group(r, bytes_u64(&b, GROUP_NAME), memory ? take_memory : take_processor,
			       err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

enum ps_status vmware_state_read(struct file *file, struct vmware_state *ret, struct ps_error *err)
{
	struct vmware_state state = {.wide = false};
	struct reader reader = {.file = file, .state = &state};
	uint8_t raw[HEADER_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint32_t groups;

	if (!find_magic(file, &state.wide))
		return ps_fail_at(err, PS_CORRUPT, 0, "its first bytes are not those of a state");
	if (file_read(file, 0, raw, sizeof(raw), err) != PS_OK)
		return ps_fail_at(err, PS_ABSENT, file->size, "the file ends inside its header");
	groups = bytes_u32(&b, AT_GROUPS);
	if (groups == 0 || groups > GROUPS_MOST)
		return ps_fail_at(err, PS_CORRUPT, AT_GROUPS,
				  "it states %" PRIu32 " groups, which is beyond reason", groups);
	if (read_groups(&reader, groups, err) != PS_OK)
		return err->status;
	*ret = state;
	return PS_OK;
}
