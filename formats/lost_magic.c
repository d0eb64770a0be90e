/*
 * Files whose magic is damaged and whose header still reads like that of a dump: refused by the
 * name of what they look like, where they would else pass for raw memory, or for something too
 * small to be any.
 *
 * Recognised: Windows crash dumps, ELF cores, kdump-compressed dumps plain and flattened, LKCD,
 * sadump, VMware states, LiME and AVML images, by fields of their headers that fit together. Not
 * recognised: headers damaged further; they pass on.
 */
#include <string.h>

#include "base/bytes.h"
#include "formats/formats.h"

enum { HEAD = 8192 };

struct head {
	struct dump *dump;
	uint8_t raw[HEAD]; /* of the file; zeros behind its end */
	struct bytes bytes;
	uint64_t size; /* of the file */
};

struct kind {
	const char *what;
	unsigned length; /* of the magic */
	bool (*looks)(struct head *h);
};

static unsigned same_bytes(const struct head *h, const char *magic, size_t length)
{
	unsigned same = 0;

	for (size_t i = 0; i < length; i++)
		same += h->raw[i] == (uint8_t)magic[i];
	return same;
}

/* Words "PAGE" that Windows fills a header with, in its first page. */
static unsigned fillers(struct head *h)
{
	unsigned count = 0;

	for (size_t at = 8; at < 4096; at += 4)
		count += memcmp(h->raw + at, "PAGE", 4) == 0;
	return count;
}

/* A machine and a type that there are, and much filler. A header never written has its own words.
 */
static bool is_crash(struct head *h, size_t machine_at, size_t type_at)
{
	enum { FILLERS = 64 };
	uint32_t machine = bytes_u32(&h->bytes, machine_at), type = bytes_u32(&h->bytes, type_at);

	return (machine == 0x14c || machine == 0x8664 || machine == 0xaa64) && type >= 1 &&
	       type <= 10 && fillers(h) >= FILLERS;
}

static bool is_crash64(struct head *h)
{
	return is_crash(h, 0x30, 0xf98);
}

static bool is_crash32(struct head *h)
{
	return is_crash(h, 0x20, 0xf88);
}

/*
 * Most of the magic alone: memory does not begin so, and the file may end right behind. Where PAGE
 * is whole, foreign.c has a sentence.
 */
static bool is_crash_magic(struct head *h)
{
	enum { SAME_LEAST = 5 };

	return memcmp(h->raw, "PAGE", 4) != 0 && (same_bytes(h, "PAGEDU64", 8) >= SAME_LEAST ||
						  same_bytes(h, "PAGEDUMP", 8) >= SAME_LEAST);
}

static bool is_elf(struct head *h)
{
	struct bytes *b = &h->bytes;
	uint8_t class = h->raw[4];
	uint16_t machine = bytes_u16(b, 18);

	return (class == 1 || class == 2) && h->raw[5] == 1 && h->raw[6] == 1 &&
	       bytes_u16(b, 16) == 4 && bytes_u32(b, 20) == 1 &&
	       (machine == 3 || machine == 62 || machine == 183) &&
	       bytes_u16(b, class == 2 ? 52 : 40) == (class == 2 ? 64 : 52);
}

/* Block size, two maps of just the size for the pages, all inside the file. */
static bool is_kdump_at(struct head *h, size_t at)
{
	uint64_t block = bytes_u32(&h->bytes, at), sub = bytes_u32(&h->bytes, at + 4);
	uint64_t maps = bytes_u32(&h->bytes, at + 8), pages = bytes_u32(&h->bytes, at + 12);
	uint64_t least = block ? (pages + block * 8 - 1) / (block * 8) : 0;

	return block >= 4096 && block <= 65536 && (block & (block - 1)) == 0 && pages > 0 &&
	       sub > 0 && sub < 1 << 16 && maps == 2 * least && (1 + sub + maps) * block <= h->size;
}

static bool is_kdump(struct head *h)
{
	uint32_t version = bytes_u32(&h->bytes, 8);

	return version >= 1 && version <= 6 && (is_kdump_at(h, 428) || is_kdump_at(h, 416));
}

/* Type 1 and version 1, big-endian; the first piece is for offset 0, and is a kdump header. */
static bool is_flattened(struct head *h)
{
	static const uint8_t numbers[16] = {[7] = 1, [15] = 1}, offset[8] = {0};

	return bytes_equal(&h->bytes, 16, numbers, sizeof(numbers)) &&
	       bytes_equal(&h->bytes, 4096, offset, sizeof(offset)) &&
	       bytes_equal(&h->bytes, 4112, "KDUMP   ", 8);
}

/* The header, and behind it the header of a page. */
static bool is_lkcd(struct head *h)
{
	enum { PAGES_AT = 65536 };
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[16];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint32_t version = bytes_u32(&h->bytes, 8) & 0xff, flags;

	if (version < 1 || version > 12 || bytes_u32(&h->bytes, 20) != PAGE_SIZE ||
	    file_read(&h->dump->file, PAGES_AT, raw, sizeof(raw), &ignored) != PS_OK)
		return false;
	flags = bytes_u32(&b, 12);
	return bytes_u64(&b, 0) % PAGE_SIZE == 0 && bytes_u32(&b, 8) != 0 &&
	       bytes_u32(&b, 8) <= PAGE_SIZE && (flags == 1 || flags == 2);
}

/* The second header has the magic too, and states the size of the block that it begins. */
static bool is_sadump(struct head *h)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[44];
	struct bytes b = bytes_of(raw, sizeof(raw));

	for (uint64_t size = 512; size <= 1 << 16; size *= 2)
		if (file_read(&h->dump->file, size, raw, sizeof(raw), &ignored) == PS_OK &&
		    memcmp(raw, "sadump\0", 8) == 0 && bytes_u32(&b, 40) == size)
			return true;
	return false;
}

/* All groups of the table have a name, and a place in the file. */
static bool is_vmware(struct head *h)
{
	enum { GROUPS_AT = 12, GROUP = 80, GROUP_NAME = 64, GROUPS_LEAST = 3, GROUPS_SEEN = 100 };
	uint32_t count = bytes_u32(&h->bytes, 8);

	if (count < GROUPS_LEAST || count > 4096)
		return false;
	for (uint32_t i = 0; i < count && i < GROUPS_SEEN; i++) {
		const uint8_t *name = h->raw + GROUPS_AT + i * GROUP;
		uint64_t at = bytes_u64(&h->bytes, GROUPS_AT + i * GROUP + GROUP_NAME);

		if (name[0] < 'A' || name[0] > 'z' || !memchr(name, 0, GROUP_NAME) || at == 0 ||
		    at > h->size)
			return false;
	}
	return true;
}

/* A range behind which the next header is, or the file ends; or a packed one. */
static bool is_lime(struct head *h)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t version = bytes_u32(&h->bytes, 4);
	uint64_t start = bytes_u64(&h->bytes, 8), last = bytes_u64(&h->bytes, 16), next;
	char magic[4];

	if (last < start || last > INT64_MAX || bytes_u64(&h->bytes, 24) != 0)
		return false;
	if (version == 2)
		return bytes_equal(&h->bytes, 32, "\xff\x06\0\0sNaPpY", 10);
	next = 32 + (last - start) + 1;
	return version == 1 && (next == h->size || (file_read(&h->dump->file, next, magic,
							      sizeof(magic), &ignored) == PS_OK &&
						    memcmp(magic, "EMiL", sizeof(magic)) == 0));
}

static const struct kind kinds[] = {
	{"a Windows crash dump of a 64-bit machine", 8, is_crash64},
	{"a Windows crash dump of a 32-bit machine", 8, is_crash32},
	{"a Windows crash dump", 8, is_crash_magic},
	{"an ELF core", 4, is_elf},
	{"a kdump-compressed dump", 8, is_kdump},
	{"a flattened makedumpfile stream", 16, is_flattened},
	{"an LKCD dump", 8, is_lkcd},
	{"a sadump", 8, is_sadump},
	{"a VMware state (.vmss, .vmsn)", 4, is_vmware},
	{"a LiME or AVML image", 4, is_lime},
};

enum probe lost_magic_open(struct dump *dump, struct ps_error *err)
{
	struct head h = {.dump = dump, .size = dump->file.size};
	size_t size = h.size < HEAD ? (size_t)h.size : HEAD;

	if (file_read(&dump->file, 0, h.raw, size, err) != PS_OK)
		return PROBE_ERROR;
	h.bytes = bytes_of(h.raw, sizeof(h.raw));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].looks(&h))
			continue;
		ps_fail_at(err, PS_CORRUPT, 0,
			   "%s is damaged: it looks like %s, but its first %u bytes are not those "
			   "of one",
			   file_words(&dump->file), kinds[i].what, kinds[i].length);
		hint_damaged(err);
		return PROBE_ERROR;
	}
	return PROBE_NOT_MINE;
}
