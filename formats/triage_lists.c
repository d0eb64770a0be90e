/*
 * The lists and copies of a minidump: drivers, unloaded drivers, the memory manager's totals
 * (DUMP_MM_STORAGE), KDBG. Source of the layouts: crash_triage.c. Does not judge what they say.
 */
#include "formats/triage_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"

enum {
	DRIVERS_MOST = 4096,
	UNLOADED_MOST = 50, /* MI_UNLOADED_DRIVERS */
	ENTRY_MOST = 0x90,
	KDBG_MOST = 0x1000,
	MM_BYTES = 0x50,
};

/* ---- drivers ---- */

static enum ps_status read_name(struct triage_reader *r, uint64_t offset,
				struct triage_driver *driver, struct ps_error *err)
{
	uint8_t raw[4];
	struct bytes length = bytes_of(raw, sizeof(raw));
	uint64_t bytes;

	if (!triage_is_there(r, offset, sizeof(raw)))
		return PS_OK;
	if (triage_read(r, offset, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	bytes = 2 * (uint64_t)bytes_u32(&length, 0);
	if (bytes == 0 || bytes > TRIAGE_NAME_MOST || triage_room(r, offset + sizeof(raw)) < bytes)
		return PS_OK;
	driver->name = malloc((size_t)bytes);
	if (!driver->name)
		return ps_fail_memory(err, "the name of a driver");
	driver->name_bytes = (size_t)bytes;
	return triage_read(r, offset + sizeof(raw), driver->name, (size_t)bytes, err);
}

static enum ps_status read_driver(struct triage_reader *r, uint64_t at,
				  struct triage_driver *driver, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	uint8_t raw[ENTRY_MOST];
	struct bytes entry = bytes_of(raw, layout->driver_size);

	if (triage_read(r, at, raw, layout->driver_size, err) != PS_OK)
		return err->status;
	driver->base = bytes_pointer(&entry, layout->driver_base, layout->pointer);
	driver->size = bytes_u32(&entry, layout->driver_image);
	driver->checksum = bytes_u32(&entry, layout->driver_checksum);
	driver->timestamp = bytes_u32(&entry, layout->driver_timestamp);
	return read_name(r, bytes_u32(&entry, 0), driver, err);
}

enum ps_status triage_read_drivers(struct triage_reader *r, struct ps_error *err)
{
	struct triage *t = r->triage;
	uint64_t at = triage_u32(r, DRIVERS_OFFSET);
	size_t fit = at ? (size_t)(triage_room(r, at) / r->layout->driver_size) : 0;
	size_t named = 0;

	t->drivers_stated = triage_u32(r, DRIVERS_COUNT);
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
		triage_incomplete(r, "drivers", t->driver_count, t->drivers_stated);
	else if (named < t->driver_count)
		triage_incomplete(r, "names of drivers", named, t->driver_count);
	return PS_OK;
}

/* ---- unloaded drivers ---- */

static enum ps_status read_unloaded_entry(struct triage_reader *r, uint64_t at,
					  struct triage_unloaded *unloaded, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	uint8_t raw[ENTRY_MOST];
	struct bytes entry = bytes_of(raw, layout->unloaded_size);

	if (triage_read(r, at, raw, layout->unloaded_size, err) != PS_OK)
		return err->status;
	unloaded->name_bytes = bytes_u16(&entry, 0) & ~1u;
	if (unloaded->name_bytes > TRIAGE_UNLOADED_NAME)
		unloaded->name_bytes = TRIAGE_UNLOADED_NAME;
	memcpy(unloaded->name, raw + layout->unloaded_name, TRIAGE_UNLOADED_NAME);
	unloaded->start = bytes_pointer(&entry, layout->unloaded_start, layout->pointer);
	unloaded->end = bytes_pointer(&entry, layout->unloaded_end, layout->pointer);
	return PS_OK;
}

enum ps_status triage_read_unloaded(struct triage_reader *r, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	struct triage *t = r->triage;
	uint64_t at = triage_u32(r, UNLOADED_OFFSET), fit;
	uint8_t raw[8];
	struct bytes count = bytes_of(raw, layout->unloaded_first);

	if (!triage_is_there(r, at, count.size))
		return PS_OK;
	if (triage_read(r, at, raw, count.size, err) != PS_OK)
		return ps_wrap(err, "cannot read the list of unloaded drivers");
	at += count.size;
	fit = triage_room(r, at) / layout->unloaded_size;
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
		triage_incomplete(r, "unloaded drivers", t->unloaded_count, t->unloaded_stated);
	return PS_OK;
}

/* ---- memory manager, KDBG ---- */

enum ps_status triage_read_mm(struct triage_reader *r, struct ps_error *err)
{
	struct triage_mm *mm = &r->triage->mm;
	uint64_t *const counts[] = {&mm->nonpaged_maximum, &mm->nonpaged_allocated,
				    &mm->paged_maximum,    &mm->paged_allocated,
				    &mm->committed,        &mm->committed_peak,
				    &mm->commit_limit};
	uint64_t at = triage_u32(r, MM_OFFSET);
	uint8_t raw[MM_BYTES];
	struct bytes bytes = bytes_of(raw, r->layout->mm_size);

	if (!triage_is_there(r, at, bytes.size))
		return PS_OK;
	if (triage_read(r, at, raw, bytes.size, err) != PS_OK)
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

enum ps_status triage_read_kdbg(struct triage_reader *r, struct ps_error *err)
{
	struct triage *t = r->triage;
	uint64_t at = triage_u32(r, r->layout->kdbg_offset);
	uint32_t size = triage_u32(r, r->layout->kdbg_size);

	if (size == 0 || size > KDBG_MOST || !triage_is_there(r, at, size))
		return PS_OK;
	t->kdbg = malloc(size);
	if (!t->kdbg)
		return ps_fail_memory(err, "the copy of KDBG");
	t->kdbg_size = size;
	if (triage_read(r, at, t->kdbg, size, err) != PS_OK)
		return ps_wrap(err, "cannot read the copy of KDBG");
	return PS_OK;
}
