/*
 * What the parts of the reader of minidumps share: crash_triage.c opens, triage_lists.c reads the
 * lists that Windows copied, triage_memory.c the pieces of memory, triage_secondary.c what follows.
 * All is owned by the dump that is opened.
 */
#ifndef POOLSCOPE_FORMATS_TRIAGE_READER_H
#define POOLSCOPE_FORMATS_TRIAGE_READER_H

#include "formats/crash.h"
#include "formats/formats.h"
#include "formats/triage.h"

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

struct triage_reader {
	struct dump *dump;
	struct triage *triage; /* dump->triage */
	const struct triage_layout *layout;
	struct bytes header; /* TRIAGE_DUMP */
};

/* A number of the triage header; 0 when it was never written. */
uint64_t triage_field(struct triage_reader *r, size_t offset, size_t width);
uint32_t triage_u32(struct triage_reader *r, size_t offset);

/* Bytes of the file from `offset` on. */
uint64_t triage_room(const struct triage_reader *r, uint64_t offset);

/* True when the stretch is named and lies wholly in the file. */
bool triage_is_there(const struct triage_reader *r, uint64_t offset, uint64_t length);

enum ps_status triage_read(struct triage_reader *r, uint64_t offset, void *to, size_t length,
			   struct ps_error *err);

/* Notes that only `there` of the `stated` items called `what` are in the file. */
void triage_incomplete(struct triage_reader *r, const char *what, uint64_t there, uint64_t stated);

/* Each reads one part into r->triage or r->dump; what is not there or cut is noted, no error. */
enum ps_status triage_read_drivers(struct triage_reader *r, struct ps_error *err);
enum ps_status triage_read_unloaded(struct triage_reader *r, struct ps_error *err);
enum ps_status triage_read_mm(struct triage_reader *r, struct ps_error *err);
enum ps_status triage_read_kdbg(struct triage_reader *r, struct ps_error *err);
/* After triage_read_kdbg(), whose copy is a piece of memory as well. */
enum ps_status triage_read_memory(struct triage_reader *r, struct ps_error *err);
enum ps_status triage_read_secondary(struct triage_reader *r, struct ps_error *err);

#endif
