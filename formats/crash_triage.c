/*
 * Minidumps (triage dumps, DumpType 4), 32 and 64 bit: pieces of virtual memory, and lists that
 * Windows copied out of the kernel. What lies beyond the end of a cut file is counted and named;
 * the rest is used. This file opens one and reads its header.
 *
 * Source: public TRIAGE_DUMP32 / TRIAGE_DUMP64 and MEMORY_DESCRIPTOR layouts, checked against
 * minidumps of builds 19041 and 22000 down to their last byte. Not supported: the backing store of
 * Itanium machines; the inside of secondary data.
 */
#include "formats/triage_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"

enum { TRIAGE_HEADER = 0x80 }; /* bytes, the longer of both */

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

uint64_t triage_field(struct triage_reader *r, size_t offset, size_t width)
{
	uint64_t value = bytes_uint(&r->header, offset, width);

	return (uint32_t)value == CRASH_FILLER ? 0 : value;
}

uint32_t triage_u32(struct triage_reader *r, size_t offset)
{
	return (uint32_t)triage_field(r, offset, 4);
}

uint64_t triage_room(const struct triage_reader *r, uint64_t offset)
{
	return offset < r->dump->file.size ? r->dump->file.size - offset : 0;
}

bool triage_is_there(const struct triage_reader *r, uint64_t offset, uint64_t length)
{
	return offset != 0 && triage_room(r, offset) >= length;
}

enum ps_status triage_read(struct triage_reader *r, uint64_t offset, void *to, size_t length,
			   struct ps_error *err)
{
	return file_read(&r->dump->file, offset, to, length, err);
}

void triage_incomplete(struct triage_reader *r, const char *what, uint64_t there, uint64_t stated)
{
	char some[WORDS_SIZE], all[WORDS_SIZE];

	r->dump->complete = false;
	dump_note(r->dump, "%s: %s of the %s that the minidump states are in the file", what,
		  count_words(there, some), count_words(stated, all));
}

static enum ps_status read_header(struct triage_reader *r, uint64_t at, uint8_t *data,
				  struct ps_error *err)
{
	if (triage_room(r, at) < TRIAGE_HEADER)
		return ps_fail_at(err, PS_ABSENT, r->dump->file.size,
				  "the file ends inside the header of its minidump (%" PRIu64
				  " of %d bytes are there)",
				  triage_room(r, at), TRIAGE_HEADER);
	if (triage_read(r, at, data, TRIAGE_HEADER, err) != PS_OK)
		return ps_wrap(err, "cannot read the header of the minidump");
	if (bytes_u32(&r->header, SIZE_OF_DUMP) == CRASH_FILLER)
		return ps_fail_at(err, PS_CORRUPT, at + SIZE_OF_DUMP,
				  "the header of the minidump was never written");
	return PS_OK;
}

static enum ps_status check_end(struct triage_reader *r, struct ps_error *err)
{
	struct triage *t = r->triage;
	uint64_t size = r->dump->file.size, mark = triage_u32(r, VALID_OFFSET);
	char missing[WORDS_SIZE];
	uint8_t end[4];

	if (size < t->stated_size) {
		r->dump->complete = false;
		dump_note(r->dump, "the file ends %s before the end of its minidump",
			  size_words(t->stated_size - size, missing));
	}
	if (!triage_is_there(r, mark, sizeof(end)))
		return PS_OK;
	if (triage_read(r, mark, end, sizeof(end), err) != PS_OK)
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

static void read_small_facts(struct triage_reader *r)
{
	struct triage *t = r->triage;

	t->stated_size = triage_u32(r, SIZE_OF_DUMP);
	t->service_pack_build = triage_u32(r, SERVICE_PACK_BUILD);
	t->options = triage_u32(r, OPTIONS);
	t->has_context = triage_is_there(r, triage_u32(r, CONTEXT_OFFSET), 1);
	t->has_exception = triage_is_there(r, triage_u32(r, EXCEPTION_OFFSET), 1);
	t->has_processor = triage_is_there(r, triage_u32(r, PRCB_OFFSET), 1);
	t->has_process = triage_is_there(r, triage_u32(r, PROCESS_OFFSET), 1);
	t->has_thread = triage_is_there(r, triage_u32(r, THREAD_OFFSET), 1);
}

enum ps_status crash_triage_open(struct dump *dump, const struct crash_header *header,
				 struct ps_error *err)
{
	uint8_t data[TRIAGE_HEADER];
	struct triage_reader r = {.dump = dump,
				  .layout = &layouts[header->layout->pointer == 8 ? 0 : 1],
				  .header = bytes_of(data, sizeof(data))};

	if (read_header(&r, header->layout->size, data, err) != PS_OK)
		return err->status;
	dump->triage = r.triage = mem_array(1, sizeof(*r.triage));
	if (!r.triage)
		return ps_fail_memory(err, "the minidump");
	dump->holds = HOLDS_RANGES;
	read_small_facts(&r);
	if (check_end(&r, err) != PS_OK || triage_read_drivers(&r, err) != PS_OK ||
	    triage_read_unloaded(&r, err) != PS_OK || triage_read_mm(&r, err) != PS_OK ||
	    triage_read_kdbg(&r, err) != PS_OK || triage_read_memory(&r, err) != PS_OK ||
	    triage_read_secondary(&r, err) != PS_OK)
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
