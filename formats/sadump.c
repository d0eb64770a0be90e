/*
 * sadump: what the firmware of Fujitsu servers writes, whatever system runs on them. Headers, two
 * maps of pages, and the pages back to back.
 *
 * Supported: a dump on one partition. Recognised and refused: one disk of a set of disks, and media
 * backups, which begin with a header without magic. Read here and not
 * through libkdumpfile, whose versions 0.5.1 to 0.5.4 give the first page of a stretch for every
 * page of it.
 *
 * Source: the description of the format in libkdumpfile; makedumpfile (sadump_mod.h).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "formats/elf.h"
#include "formats/formats.h"

enum {
	PARTITION_HEADER = 168,
	AT_SYSTEM_ID = 88, /* followed by the set's id: two GUIDs */
	AT_SET_DISK = 152, /* number of the disk in its set, from 1 on; 0: no set */
	DISKS_MOST = 16,

	SET_HEADER = 16, /* in the second block of the first disk of a set */
	AT_SET_DISKS = 4,

	MEDIA_IDS = 32, /* a media backup begins with the two GUIDs of the partition header */

	HEADER_SIZE = 96,
	AT_VERSION = 8,
	AT_BLOCK_SIZE = 40,
	AT_SUB_BLOCKS = 48,
	AT_MAP_BLOCKS = 52,
	AT_WRITTEN_BLOCKS = 56, /* of the map of pages written */
	AT_PAGES = 60,
	AT_PROCESSORS = 80,
	AT_WIDE_PAGES = 88, /* from version 1 on */

	BLOCK_LEAST = 512,
	BLOCK_MOST = 1 << 16,

	APIC_STATE = 16,
	CPU_STATE = 1024, /* of SMRAM */
	CPU_EFER = 992,
	CPU_CR3 = 1008,
	EFER_LMA = 1 << 10,
};

struct sadump {
	struct dump *dump;
	uint64_t block_size;
	uint64_t header_at;
	uint64_t map_at, map_size; /* bytes; of the pages written */
	uint64_t pages;            /* its bits */
	uint64_t pages_at;
	uint64_t states_at;
	uint32_t processors;
};

/* The block size is where the second header is, and what that says. */
static bool find_header(struct sadump *s)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[HEADER_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));

	for (uint64_t size = BLOCK_LEAST; size <= BLOCK_MOST; size *= 2) {
		if (file_read(&s->dump->file, size, raw, sizeof(raw), &ignored) != PS_OK)
			return false;
		if (!bytes_equal(&b, 0, "sadump\0", 8) || bytes_u32(&b, AT_BLOCK_SIZE) != size)
			continue;
		s->block_size = s->header_at = size;
		return true;
	}
	return false;
}

static enum ps_status place_maps(struct sadump *s, struct ps_error *err)
{
	uint8_t raw[HEADER_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (file_read(&s->dump->file, s->header_at, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read its header");
	s->processors = bytes_u32(&b, AT_PROCESSORS);
	s->states_at = s->header_at + s->block_size;
	s->map_at = s->states_at + s->block_size * bytes_u32(&b, AT_SUB_BLOCKS) +
		    s->block_size * bytes_u32(&b, AT_MAP_BLOCKS);
	s->map_size = s->block_size * bytes_u32(&b, AT_WRITTEN_BLOCKS);
	s->pages_at = s->map_at + s->map_size;
	s->pages = bytes_u32(&b, AT_VERSION) < 1 ? bytes_u32(&b, AT_PAGES)
						 : bytes_u64(&b, AT_WIDE_PAGES);
	if (s->pages > s->map_size * 8) {
		s->dump->complete = false;
		dump_note(s->dump,
			  "it states %" PRIu64 " pages, but its map has only %" PRIu64
			  " bits: what lies behind them counts as absent",
			  s->pages, s->map_size * 8);
		s->pages = s->map_size * 8;
	}
	if (s->pages == 0)
		return ps_fail_at(err, PS_CORRUPT, s->header_at, "its map of pages is empty");
	if (s->pages_at > s->dump->file.size)
		return ps_fail_at(err, PS_ABSENT, s->dump->file.size,
				  "the file ends inside its map of pages");
	return PS_OK;
}

/* The map's bits begin at the high end of each byte. */
static uint8_t reversed(uint8_t byte)
{
	uint8_t ret = 0;

	for (unsigned i = 0; i < 8; i++)
		ret = (uint8_t)(ret | (byte >> i & 1) << (7 - i));
	return ret;
}

static enum ps_status read_map(struct sadump *s, struct ps_error *err)
{
	size_t size = (size_t)(s->pages / 8 + (s->pages % 8 != 0));
	uint8_t *bits = malloc(size);

	if (!bits)
		return ps_fail_memory(err, "the map of pages");
	if (file_read(&s->dump->file, s->map_at, bits, size, err) != PS_OK) {
		free(bits);
		return ps_wrap(err, "cannot read its map of pages");
	}
	for (size_t i = 0; i < size; i++)
		bits[i] = reversed(bits[i]);
	return page_map_set_bitmap(&s->dump->map, bits, s->pages, s->pages_at, err);
}

/* Size of all states; one for each processor: the local APIC's; one for each: the registers. */
static void read_states(struct sadump *s)
{
	struct machine_facts *facts = &s->dump->facts;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[CPU_STATE];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t at = s->states_at, size;

	if (s->processors == 0 || file_read(&s->dump->file, at, raw, 4, &ignored) != PS_OK)
		return;
	size = bytes_u32(&b, 0) / s->processors;
	at += 4 + (uint64_t)s->processors * APIC_STATE;
	for (uint32_t i = 0; size >= CPU_STATE && i < s->processors && i < CR3_MOST; i++) {
		if (file_read(&s->dump->file, at + i * size, raw, sizeof(raw), &ignored) != PS_OK)
			return;
		if (bytes_u64(&b, CPU_EFER) & EFER_LMA)
			facts->machine = MACHINE_X64;
		core_add_cr3(facts, bytes_u64(&b, CPU_CR3));
	}
}

#define HINT_ONE_PARTITION                                                                         \
	"have the firmware dump onto one partition and open that, or have Windows write a crash "  \
	"dump (MEMORY.DMP); makedumpfile puts sets of Linux machines together only"

/* Disks of the set, as its first disk says in the block behind the partition header; 0: unknown. */
static uint32_t disks_of_set(struct file *file)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[SET_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));

	for (uint64_t size = BLOCK_LEAST; size <= BLOCK_MOST; size *= 2) {
		uint32_t blocks, disks;

		if (file_read(file, size, raw, sizeof(raw), &ignored) != PS_OK)
			return 0;
		blocks = bytes_u32(&b, 0);
		disks = bytes_u32(&b, AT_SET_DISKS);
		/* else these are numbers of the check pattern that fills the first block */
		if (blocks >= 1 && blocks <= DISKS_MOST && disks >= 1 && disks <= DISKS_MOST)
			return disks;
	}
	return 0;
}

static enum ps_status refuse_set(struct dump *dump, uint32_t disk, struct ps_error *err)
{
	uint32_t disks = disk == 1 ? disks_of_set(&dump->file) : 0;

	if (disk > DISKS_MOST)
		return ps_fail_at(err, PS_CORRUPT, AT_SET_DISK,
				  "it calls itself disk %u of a set, and sets have at most %u",
				  disk, DISKS_MOST);
	if (disks > 0)
		ps_fail(err, PS_UNSUPPORTED, "it is the first of a set of %u disks", disks);
	else
		ps_fail(err, PS_UNSUPPORTED, "it is disk %u of a set of disks", disk);
	ps_hint(err, HINT_ONE_PARTITION);
	return err->status;
}

/* The header of a medium has no magic; the partition header behind it has, and the same ids. */
static bool is_media_backup(struct file *file)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t ids[MEDIA_IDS], part[PARTITION_HEADER];

	if (file_read(file, 0, ids, sizeof(ids), &ignored) != PS_OK)
		return false;
	for (uint64_t size = BLOCK_LEAST; size <= BLOCK_MOST; size *= 2) {
		if (file_read(file, size, part, sizeof(part), &ignored) != PS_OK)
			return false;
		if (memcmp(part, "sadump\0", 8) == 0 &&
		    memcmp(part + AT_SYSTEM_ID, ids, sizeof(ids)) == 0)
			return true;
	}
	return false;
}

static enum probe refuse_media_backup(const struct dump *dump, struct ps_error *err)
{
	ps_fail(err, PS_UNSUPPORTED, "%s is a media backup of a sadump, which cannot be read",
		file_words(&dump->file));
	ps_hint(err, "open the dump on the partition itself, or have Windows write a crash dump "
		     "(MEMORY.DMP)");
	return PROBE_ERROR;
}

static enum ps_status open_partition(struct sadump *s, struct ps_error *err)
{
	struct dump *dump = s->dump;
	uint8_t raw[PARTITION_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (file_read(&dump->file, 0, raw, sizeof(raw), err) != PS_OK)
		return ps_fail_at(err, PS_ABSENT, dump->file.size,
				  "the file ends inside its headers");
	if (bytes_u32(&b, AT_SET_DISK) != 0)
		return refuse_set(dump, bytes_u32(&b, AT_SET_DISK), err);
	if (!find_header(s))
		return ps_fail_at(err, PS_CORRUPT, BLOCK_LEAST,
				  "its second header is not there or damaged");
	if (place_maps(s, err) != PS_OK || read_map(s, err) != PS_OK)
		return err->status;
	read_states(s);
	dump_note_truncation(dump);
	dump->kind = "sadump";
	dump->title = "sadump of a partition";
	return PS_OK;
}

enum probe sadump_open(struct dump *dump, struct ps_error *err)
{
	struct sadump s = {.dump = dump};
	char magic[8];

	if (dump->file.size < sizeof(magic))
		return PROBE_NOT_MINE;
	if (file_read(&dump->file, 0, magic, sizeof(magic), err) != PS_OK)
		return PROBE_ERROR;
	if (memcmp(magic, "sadump\0", sizeof(magic)) != 0)
		return is_media_backup(&dump->file) ? refuse_media_backup(dump, err)
						    : PROBE_NOT_MINE;
	if (open_partition(&s, err) == PS_OK)
		return PROBE_MINE;
	ps_wrap(err, "%s: cannot use this sadump", file_words(&dump->file));
	hint_damaged(err);
	return PROBE_ERROR;
}
