/*
 * Minidumps (triage dumps, DumpType 4), 32 and 64 bit: pieces of virtual memory, and lists that
 * Windows copied out of the kernel. What lies beyond the end of a cut file is counted and named;
 * the rest is used.
 *
 * Source: public TRIAGE_DUMP32 / TRIAGE_DUMP64 and MEMORY_DESCRIPTOR layouts, checked against
 * minidumps of builds 19041 and 22000 down to their last byte. Not supported: the backing store of
 * Itanium machines; the inside of secondary data.
 */
#include "formats/crash.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "formats/formats.h"
#include "formats/triage.h"

enum {
	TRIAGE_HEADER = 0x80, /* bytes, the longer of both */
	DRIVERS_MOST = 4096,
	UNLOADED_MOST = 50, /* MI_UNLOADED_DRIVERS */
	ENTRY_MOST = 0x90,
	KDBG_MOST = 0x1000,
	MM_BYTES = 0x50,
	BLOCKS_AT_ONCE = 4096,
	BLOB_HEADER = 0x20,
	BLOBS_HEADER = 0x10,
};

/* Offsets that do not depend on the width. */
enum {
	SERVICE_PACK_BUILD = 0x00,
	SIZE_OF_DUMP = 0x04,
	VALID_OFFSET = 0x08,
	CONTEXT_OFFSET = 0x0c,
	EXCEPTION_OFFSET = 0x10,
	MM_OFFSET = 0x14,
	UNLOADED_OFFSET = 0x18,
	PRCB_OFFSET = 0x1c,
	PROCESS_OFFSET = 0x20,
	THREAD_OFFSET = 0x24,
	STACK_OFFSET = 0x28,
	STACK_SIZE = 0x2c,
	DRIVERS_OFFSET = 0x30,
	DRIVERS_COUNT = 0x34,
	OPTIONS = 0x44,
	TOP_OF_STACK = 0x48,
};

struct triage_layout {
	uint8_t pointer;
	uint8_t data_page_va, data_page_offset, data_page_size;
	uint8_t kdbg_offset, kdbg_size, blocks_offset, blocks_count;
	uint8_t block_size; /* {VA, u32 offset, u32 bytes} */
	/* An entry of the driver list: NameOffset, then the KLDR_DATA_TABLE_ENTRY. */
	uint8_t driver_size, driver_base, driver_image, driver_checksum, driver_timestamp;
	/* The list of unloaded drivers: a count, then {UNICODE_STRING, WCHAR[12], start, end}. */
	uint8_t unloaded_first, unloaded_size, unloaded_name, unloaded_start, unloaded_end;
	uint8_t mm_size; /* DUMP_MM_STORAGE; its counts are pointer-sized from 0x18 on */
};

static const struct triage_layout layouts[] = {
	{.pointer = 8,
	 .data_page_va = 0x60,
	 .data_page_offset = 0x68,
	 .data_page_size = 0x6c,
	 .kdbg_offset = 0x70,
	 .kdbg_size = 0x74,
	 .blocks_offset = 0x78,
	 .blocks_count = 0x7c,
	 .block_size = 16,
	 .driver_size = 0x90,
	 .driver_base = 0x38,
	 .driver_image = 0x48,
	 .driver_checksum = 0x80,
	 .driver_timestamp = 0x88,
	 .unloaded_first = 8,
	 .unloaded_size = 0x38,
	 .unloaded_name = 0x10,
	 .unloaded_start = 0x28,
	 .unloaded_end = 0x30,
	 .mm_size = 0x50},
	{.pointer = 4,
	 .data_page_va = 0x4c,
	 .data_page_offset = 0x50,
	 .data_page_size = 0x54,
	 .kdbg_offset = 0x58,
	 .kdbg_size = 0x5c,
	 .blocks_offset = 0x60,
	 .blocks_count = 0x64,
	 .block_size = 12,
	 .driver_size = 0x4c,
	 .driver_base = 0x1c,
	 .driver_image = 0x24,
	 .driver_checksum = 0x44,
	 .driver_timestamp = 0x48,
	 .unloaded_first = 4,
	 .unloaded_size = 0x28,
	 .unloaded_name = 0x08,
	 .unloaded_start = 0x20,
	 .unloaded_end = 0x24,
	 .mm_size = 0x34},
};

struct reader {
	struct dump *dump;
	struct triage *triage; /* dump->triage */
	const struct triage_layout *layout;
	struct bytes header; /* TRIAGE_DUMP */
};

/* A number of the triage header: absent when it was never written. */
static uint64_t header_field(struct reader *r, size_t offset, size_t width)
{
	uint64_t value = bytes_uint(&r->header, offset, width);

	return (uint32_t)value == CRASH_FILLER ? 0 : value;
}

static uint32_t header_u32(struct reader *r, size_t offset)
{
	return (uint32_t)header_field(r, offset, 4);
}

/* Bytes of the file from `offset` on. */
static uint64_t room(const struct reader *r, uint64_t offset)
{
	return offset < r->dump->file.size ? r->dump->file.size - offset : 0;
}

/* True when the stretch is named and lies wholly in the file. */
static bool is_there(const struct reader *r, uint64_t offset, uint64_t length)
{
	return offset != 0 && room(r, offset) >= length;
}

static enum ps_status read_bytes(struct reader *r, uint64_t offset, void *to, size_t length,
				 struct ps_error *err)
{
	return file_read(&r->dump->file, offset, to, length, err);
}

static void incomplete(struct reader *r, const char *what, uint64_t there, uint64_t stated)
{
	char some[WORDS_SIZE], all[WORDS_SIZE];

	r->dump->complete = false;
	dump_note(r->dump, "%s: %s of the %s that the minidump states are in the file", what,
		  count_words(there, some), count_words(stated, all));
}

/* ---- drivers ---- */

static enum ps_status read_name(struct reader *r, uint64_t offset, struct triage_driver *driver,
				struct ps_error *err)
{
	uint8_t raw[4];
	struct bytes length = bytes_of(raw, sizeof(raw));
	uint64_t bytes;

	if (!is_there(r, offset, sizeof(raw)))
		return PS_OK;
	if (read_bytes(r, offset, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	bytes = 2 * (uint64_t)bytes_u32(&length, 0);
	if (bytes == 0 || bytes > TRIAGE_NAME_MOST || room(r, offset + sizeof(raw)) < bytes)
		return PS_OK;
	driver->name = malloc((size_t)bytes);
	if (!driver->name)
		return ps_fail_memory(err, "the name of a driver");
	driver->name_bytes = (size_t)bytes;
	return read_bytes(r, offset + sizeof(raw), driver->name, (size_t)bytes, err);
}

static enum ps_status read_driver(struct reader *r, uint64_t at, struct triage_driver *driver,
				  struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	uint8_t raw[ENTRY_MOST];
	struct bytes entry = bytes_of(raw, layout->driver_size);

	if (read_bytes(r, at, raw, layout->driver_size, err) != PS_OK)
		return err->status;
	driver->base = bytes_pointer(&entry, layout->driver_base, layout->pointer);
	driver->size = bytes_u32(&entry, layout->driver_image);
	driver->checksum = bytes_u32(&entry, layout->driver_checksum);
	driver->timestamp = bytes_u32(&entry, layout->driver_timestamp);
	return read_name(r, bytes_u32(&entry, 0), driver, err);
}

static enum ps_status read_drivers(struct reader *r, struct ps_error *err)
{
	struct triage *t = r->triage;
	uint64_t at = header_u32(r, DRIVERS_OFFSET);
	size_t fit = at ? (size_t)(room(r, at) / r->layout->driver_size) : 0;
	size_t named = 0;

	t->drivers_stated = header_u32(r, DRIVERS_COUNT);
	t->driver_count = t->drivers_stated < fit ? t->drivers_stated : fit;
	if (t->driver_count > DRIVERS_MOST)
		t->driver_count = DRIVERS_MOST;
	t->drivers = mem_array(t->driver_count + 1, sizeof(*t->drivers));
	if (!t->drivers)
		return ps_fail_memory(err, "the list of drivers");
	for (size_t i = 0; i < t->driver_count; i++) {
		if (read_driver(r, at + i * r->layout->driver_size, &t->drivers[i], err) != PS_OK)
			return ps_wrap(err, "cannot read the list of drivers");
		named += t->drivers[i].name != NULL;
	}
	if (t->driver_count < t->drivers_stated)
		incomplete(r, "drivers", t->driver_count, t->drivers_stated);
	else if (named < t->driver_count)
		incomplete(r, "names of drivers", named, t->driver_count);
	return PS_OK;
}

/* ---- unloaded drivers ---- */

static enum ps_status read_unloaded_entry(struct reader *r, uint64_t at,
					  struct triage_unloaded *unloaded, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	uint8_t raw[ENTRY_MOST];
	struct bytes entry = bytes_of(raw, layout->unloaded_size);

	if (read_bytes(r, at, raw, layout->unloaded_size, err) != PS_OK)
		return err->status;
	unloaded->name_bytes = bytes_u16(&entry, 0) & ~1u;
	if (unloaded->name_bytes > TRIAGE_UNLOADED_NAME)
		unloaded->name_bytes = TRIAGE_UNLOADED_NAME;
	memcpy(unloaded->name, raw + layout->unloaded_name, TRIAGE_UNLOADED_NAME);
	unloaded->start = bytes_pointer(&entry, layout->unloaded_start, layout->pointer);
	unloaded->end = bytes_pointer(&entry, layout->unloaded_end, layout->pointer);
	return PS_OK;
}

static enum ps_status read_unloaded(struct reader *r, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	struct triage *t = r->triage;
	uint64_t at = header_u32(r, UNLOADED_OFFSET), fit;
	uint8_t raw[8];
	struct bytes count = bytes_of(raw, layout->unloaded_first);

	if (!is_there(r, at, count.size))
		return PS_OK;
	if (read_bytes(r, at, raw, count.size, err) != PS_OK)
		return ps_wrap(err, "cannot read the list of unloaded drivers");
	at += count.size;
	fit = room(r, at) / layout->unloaded_size;
	t->has_unloaded_list = true;
	t->unloaded_stated = bytes_uint(&count, 0, count.size);
	t->unloaded_count = (size_t)(t->unloaded_stated < fit ? t->unloaded_stated : fit);
	if (t->unloaded_count > UNLOADED_MOST)
		t->unloaded_count = UNLOADED_MOST;
	t->unloaded = mem_array(t->unloaded_count + 1, sizeof(*t->unloaded));
	if (!t->unloaded)
		return ps_fail_memory(err, "the list of unloaded drivers");
	for (size_t i = 0; i < t->unloaded_count; i++) {
		if (read_unloaded_entry(r, at + i * layout->unloaded_size, &t->unloaded[i], err) !=
		    PS_OK)
			return ps_wrap(err, "cannot read the list of unloaded drivers");
	}
	if (t->unloaded_count < t->unloaded_stated)
		incomplete(r, "unloaded drivers", t->unloaded_count, t->unloaded_stated);
	return PS_OK;
}

/* ---- memory manager, KDBG ---- */

static enum ps_status read_mm(struct reader *r, struct ps_error *err)
{
	struct triage_mm *mm = &r->triage->mm;
	uint64_t *const counts[] = {&mm->nonpaged_maximum, &mm->nonpaged_allocated,
				    &mm->paged_maximum,    &mm->paged_allocated,
				    &mm->committed,        &mm->committed_peak,
				    &mm->commit_limit};
	uint64_t at = header_u32(r, MM_OFFSET);
	uint8_t raw[MM_BYTES];
	struct bytes bytes = bytes_of(raw, r->layout->mm_size);

	if (!is_there(r, at, bytes.size))
		return PS_OK;
	if (read_bytes(r, at, raw, bytes.size, err) != PS_OK)
		return ps_wrap(err, "cannot read the memory manager's totals");
	if (bytes_u32(&bytes, 0) != 1 || bytes_u32(&bytes, 4) < bytes.size) {
		dump_note(r->dump,
			  "the memory manager's totals (DUMP_MM_STORAGE) are of version %" PRIu32
			  " with %" PRIu32 " bytes, which is not known; they are left out",
			  bytes_u32(&bytes, 0), bytes_u32(&bytes, 4));
		return PS_OK;
	}
	mm->present = true;
	mm->special_pool_tag = bytes_u32(&bytes, 0x08);
	mm->driver_verifier_level = bytes_u32(&bytes, 0x10);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		*counts[i] =
			bytes_pointer(&bytes, 0x18 + i * r->layout->pointer, r->layout->pointer);
		mm->filled |= *counts[i] != 0;
	}
	return PS_OK;
}

static enum ps_status read_kdbg(struct reader *r, struct ps_error *err)
{
	struct triage *t = r->triage;
	uint64_t at = header_u32(r, r->layout->kdbg_offset);
	uint32_t size = header_u32(r, r->layout->kdbg_size);

	if (size == 0 || size > KDBG_MOST || !is_there(r, at, size))
		return PS_OK;
	t->kdbg = malloc(size);
	if (!t->kdbg)
		return ps_fail_memory(err, "the copy of KDBG");
	t->kdbg_size = size;
	if (read_bytes(r, at, t->kdbg, size, err) != PS_OK)
		return ps_wrap(err, "cannot read the copy of KDBG");
	return PS_OK;
}

/* ---- memory ---- */

/* A range that cannot be right is left out and counted. */
static enum ps_status add_range(struct reader *r, uint64_t va, uint64_t length, uint64_t offset,
				size_t *wrong, struct ps_error *err)
{
	enum ps_status status;

	if (r->layout->pointer == 4 && va + length > UINT64_C(1) << 32)
		status = PS_CORRUPT;
	else
		status = virtual_map_add(&r->dump->ranges, va, length, offset, err);
	if (status != PS_CORRUPT)
		return status;
	ps_error_clear(err);
	++*wrong;
	return PS_OK;
}

static enum ps_status add_blocks(struct reader *r, uint64_t at, uint32_t count, size_t *wrong,
				 struct ps_error *err)
{
	size_t size = r->layout->block_size, pointer = r->layout->pointer;
	uint8_t *data = mem_array(BLOCKS_AT_ONCE, size);

	if (!data)
		return ps_fail_memory(err, "the list of data blocks");
	while (count > 0 && err->status == PS_OK) {
		uint32_t now = count < BLOCKS_AT_ONCE ? count : BLOCKS_AT_ONCE;
		struct bytes raw = bytes_of(data, now * size);

		if (read_bytes(r, at, data, raw.size, err) != PS_OK)
			ps_wrap(err, "cannot read the list of data blocks");
		for (uint32_t i = 0; i < now && err->status == PS_OK; i++)
			add_range(r, bytes_uint(&raw, i * size, pointer),
				  bytes_u32(&raw, i * size + pointer + 4),
				  bytes_u32(&raw, i * size + pointer), wrong, err);
		at += raw.size;
		count -= now;
	}
	free(data);
	return err->status;
}

static enum ps_status read_blocks(struct reader *r, size_t *wrong, struct ps_error *err)
{
	uint64_t at = header_u32(r, r->layout->blocks_offset);
	uint32_t stated = header_u32(r, r->layout->blocks_count);
	uint64_t fit = at ? room(r, at) / r->layout->block_size : 0;

	r->triage->block_count = stated < fit ? stated : (uint32_t)fit;
	if (r->triage->block_count < stated)
		incomplete(r, "entries of the list of data blocks", r->triage->block_count, stated);
	return add_blocks(r, at, r->triage->block_count, wrong, err);
}

/* The pieces that the header names itself: stack, data page, and KDBG where it belongs. */
static enum ps_status read_pieces(struct reader *r, size_t *wrong, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	struct triage *t = r->triage;
	uint64_t stack = header_u32(r, STACK_OFFSET), page;
	uint64_t page_va = header_field(r, layout->data_page_va, layout->pointer);

	t->stack_top = header_field(r, TOP_OF_STACK, layout->pointer);
	t->stack_bytes = stack && t->stack_top ? header_u32(r, STACK_SIZE) : 0;
	if (add_range(r, t->stack_top, t->stack_bytes, stack, wrong, err) != PS_OK)
		return err->status;
	page = header_u32(r, layout->data_page_offset);
	if (page && page_va &&
	    add_range(r, page_va, header_u32(r, layout->data_page_size), page, wrong, err) != PS_OK)
		return err->status;
	if (r->dump->facts.kdbg.known && t->kdbg)
		return add_range(r, r->dump->facts.kdbg.value, t->kdbg_size,
				 header_u32(r, layout->kdbg_offset), wrong, err);
	return PS_OK;
}

static void note_memory(struct reader *r, uint64_t overlap, size_t wrong)
{
	const struct virtual_map *map = &r->dump->ranges;
	uint64_t beyond = 0, first = 0;
	char missing[WORDS_SIZE], all[WORDS_SIZE];

	for (size_t i = 0; i < map->count; i++) {
		uint64_t there = room(r, map->items[i].offset);

		if (there >= map->items[i].length)
			continue;
		if (beyond == 0)
			first = map->items[i].va + there;
		beyond += map->items[i].length - there;
	}
	if (beyond > 0) {
		r->dump->complete = false;
		dump_note(r->dump,
			  "%s of the %s bytes of memory that the minidump lists lie beyond the end "
			  "of the file; the first at 0x%" PRIx64,
			  count_words(beyond, missing), count_words(map->bytes, all), first);
	}
	if (overlap > 0)
		dump_note(r->dump,
			  "%s bytes of memory are in more than one data block; of each the block "
			  "that begins first is used",
			  count_words(overlap, missing));
	if (wrong > 0) {
		r->dump->complete = false;
		dump_note(r->dump, "%s data block%s cannot be: beyond the end of the address space",
			  count_words(wrong, missing), wrong == 1 ? "" : "s");
	}
}

static enum ps_status read_memory(struct reader *r, struct ps_error *err)
{
	uint64_t overlap;
	size_t wrong = 0;

	if (read_blocks(r, &wrong, err) != PS_OK)
		return err->status;
	virtual_map_settle(&r->dump->ranges);
	overlap = r->dump->ranges.overlap;
	/* The stack may be among the blocks as well: nothing to note. */
	if (read_pieces(r, &wrong, err) != PS_OK)
		return err->status;
	virtual_map_settle(&r->dump->ranges);
	note_memory(r, overlap, wrong);
	return PS_OK;
}

/* ---- secondary data ---- */

static enum ps_status add_blob(struct reader *r, struct bytes *head, struct ps_error *err)
{
	struct triage *t = r->triage;
	void *items = t->blobs;
	struct triage_blob *blob;

	if (!mem_grow(&items, t->blob_count, &t->blob_capacity, sizeof(*t->blobs)))
		return ps_fail_memory(err, "the list of secondary data");
	t->blobs = items;
	blob = &t->blobs[t->blob_count++];
	memcpy(blob->guid, head->data + 4, TRIAGE_GUID);
	blob->size = bytes_u32(head, 0x14);
	blob->name = triage_blob_name(blob->guid);
	t->blob_bytes += blob->size;
	return PS_OK;
}

static void blob_cut(struct reader *r, uint64_t at)
{
	r->dump->complete = false;
	dump_note(r->dump,
		  "the secondary data cannot be followed to the end of the file: item %zu, at file "
		  "offset 0x%" PRIx64 ", is cut off or damaged",
		  r->triage->blob_count + 1, at);
}

static enum ps_status read_blobs(struct reader *r, uint64_t at, struct ps_error *err)
{
	while (room(r, at) > 0) {
		uint8_t raw[BLOB_HEADER];
		struct bytes head = bytes_of(raw, sizeof(raw));
		uint64_t length;

		if (room(r, at) < sizeof(raw)) {
			blob_cut(r, at);
			break;
		}
		if (read_bytes(r, at, raw, sizeof(raw), err) != PS_OK)
			return ps_wrap(err, "cannot read the secondary data");
		length = (uint64_t)sizeof(raw) + bytes_u32(&head, 0x14) + bytes_u32(&head, 0x18) +
			 bytes_u32(&head, 0x1c);
		if (bytes_u32(&head, 0) != BLOB_HEADER || length > room(r, at)) {
			blob_cut(r, at);
			break;
		}
		if (add_blob(r, &head, err) != PS_OK)
			return err->status;
		at += length;
	}
	return PS_OK;
}

static enum ps_status read_secondary(struct reader *r, struct ps_error *err)
{
	uint64_t at = r->triage->stated_size;
	uint8_t raw[BLOBS_HEADER];
	struct bytes head = bytes_of(raw, sizeof(raw));
	char bytes[WORDS_SIZE];

	if (at == 0 || room(r, at) == 0)
		return PS_OK;
	if (room(r, at) < sizeof(raw)) {
		blob_cut(r, at);
		return PS_OK;
	}
	if (read_bytes(r, at, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the secondary data");
	if (!bytes_equal(&head, 0, "DumpBlob", 8)) {
		dump_note(r->dump, "%s bytes follow the minidump that are no secondary data",
			  count_words(room(r, at), bytes));
		return PS_OK;
	}
	if (bytes_u32(&head, 8) < sizeof(raw) || bytes_u32(&head, 8) > room(r, at)) {
		blob_cut(r, at);
		return PS_OK;
	}
	return read_blobs(r, at + bytes_u32(&head, 8), err);
}

/* ---- the whole ---- */

static enum ps_status read_header(struct reader *r, uint64_t at, uint8_t *data,
				  struct ps_error *err)
{
	if (room(r, at) < TRIAGE_HEADER)
		return ps_fail_at(err, PS_ABSENT, r->dump->file.size,
				  "the file ends inside the header of its minidump (%" PRIu64
				  " of %d bytes are there)",
				  room(r, at), TRIAGE_HEADER);
	if (read_bytes(r, at, data, TRIAGE_HEADER, err) != PS_OK)
		return ps_wrap(err, "cannot read the header of the minidump");
	if (bytes_u32(&r->header, SIZE_OF_DUMP) == CRASH_FILLER)
		return ps_fail_at(err, PS_CORRUPT, at + SIZE_OF_DUMP,
				  "the header of the minidump was never written");
	return PS_OK;
}

static enum ps_status check_end(struct reader *r, struct ps_error *err)
{
	struct triage *t = r->triage;
	uint64_t size = r->dump->file.size, mark = header_u32(r, VALID_OFFSET);
	char missing[WORDS_SIZE];
	uint8_t end[4];

	if (size < t->stated_size) {
		r->dump->complete = false;
		dump_note(r->dump, "the file ends %s before the end of its minidump",
			  size_words(t->stated_size - size, missing));
	}
	if (!is_there(r, mark, sizeof(end)))
		return PS_OK;
	if (read_bytes(r, mark, end, sizeof(end), err) != PS_OK)
		return ps_wrap(err, "cannot read the end mark of the minidump");
	if (memcmp(end, "TRGD", sizeof(end)) != 0) {
		r->dump->complete = false;
		dump_note(
			r->dump,
			"the end mark of the minidump is not there: Windows may not have finished "
			"it");
	}
	return PS_OK;
}

static void read_small_facts(struct reader *r)
{
	struct triage *t = r->triage;

	t->stated_size = header_u32(r, SIZE_OF_DUMP);
	t->service_pack_build = header_u32(r, SERVICE_PACK_BUILD);
	t->options = header_u32(r, OPTIONS);
	t->has_context = is_there(r, header_u32(r, CONTEXT_OFFSET), 1);
	t->has_exception = is_there(r, header_u32(r, EXCEPTION_OFFSET), 1);
	t->has_processor = is_there(r, header_u32(r, PRCB_OFFSET), 1);
	t->has_process = is_there(r, header_u32(r, PROCESS_OFFSET), 1);
	t->has_thread = is_there(r, header_u32(r, THREAD_OFFSET), 1);
}

enum ps_status crash_triage_open(struct dump *dump, const struct crash_header *header,
				 struct ps_error *err)
{
	uint8_t data[TRIAGE_HEADER];
	struct reader r = {.dump = dump,
			   .layout = &layouts[header->layout->pointer == 8 ? 0 : 1],
			   .header = bytes_of(data, sizeof(data))};

	if (read_header(&r, header->layout->size, data, err) != PS_OK)
		return err->status;
	dump->triage = r.triage = mem_array(1, sizeof(*r.triage));
	if (!r.triage)
		return ps_fail_memory(err, "the minidump");
	dump->holds = HOLDS_RANGES;
	read_small_facts(&r);
	if (check_end(&r, err) != PS_OK || read_drivers(&r, err) != PS_OK ||
	    read_unloaded(&r, err) != PS_OK || read_mm(&r, err) != PS_OK ||
	    read_kdbg(&r, err) != PS_OK || read_memory(&r, err) != PS_OK ||
	    read_secondary(&r, err) != PS_OK)
		return err->status;
	return PS_OK;
}

void triage_destroy(struct triage *triage)
{
	if (!triage)
		return;
	for (size_t i = 0; i < triage->driver_count && triage->drivers; i++)
		free(triage->drivers[i].name);
	free(triage->drivers);
	free(triage->unloaded);
	free(triage->kdbg);
	free(triage->blobs);
	free(triage);
}
