/*
 * The parts of an opened dump that are the same for every container: locating, reading and
 * announcing pages, notes, and names.
 */
#include "formats/dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "formats/formats.h"

void dump_close(struct dump *dump)
{
	if (!dump)
		return;
	if (dump->source)
		dump->source->ops->close(dump->source);
	page_map_fini(&dump->map);
	page_set_fini(&dump->damaged);
	virtual_map_fini(&dump->ranges);
	triage_destroy(dump->triage);
	free(dump->header);
	file_close(&dump->file);
	packed_destroy(dump->packed);
	free(dump);
}

const char *dump_name(const struct dump *dump)
{
	return dump->packed ? dump->packed->name : dump->file.path;
}

enum ps_status dump_open_beside(struct dump *dump, const char *name, struct file *ret,
				struct ps_error *err)
{
	if (dump->packed)
		return packed_open_beside(dump->packed, name, ret, err);
	if (access(name, F_OK) != 0)
		return ps_fail(err, PS_NOT_FOUND, "there is no file %.300s", name);
	return file_open(ret, name, err);
}

void dump_note(struct dump *dump, const char *format, ...)
{
	va_list args;

	if (dump->note_count >= DUMP_NOTES)
		return;
	va_start(args, format);
	vsnprintf(dump->notes[dump->note_count++], DUMP_NOTE_TEXT, format, args);
	va_end(args);
}

void hint_damaged(struct ps_error *err)
{
	if (err->status == PS_ABSENT)
		ps_hint(err, "the copy was cut short: copy the dump again");
	else if (err->status == PS_CORRUPT)
		ps_hint(err, "copy the dump again; if that is as damaged, have it written again");
}

void dump_note_truncation(struct dump *dump)
{
	uint64_t missing = dump->map.pages - dump->map.pages_in_file;
	char pages[WORDS_SIZE], size[WORDS_SIZE];
	uint64_t first;

	if (!page_map_first_beyond(&dump->map, &first))
		return;
	dump->complete = false;
	dump_note(dump,
		  "the file ends %s page%s (%s) before its last page; first missing page: "
		  "physical 0x%" PRIx64,
		  count_words(missing, pages), missing == 1 ? "" : "s",
		  size_words(missing << PAGE_SHIFT, size), first << PAGE_SHIFT);
}

/*
 * Cuts an extent of a sparse file where data and hole meet. Blocks of the filesystem can be smaller
 * than a page: a page that holds any stored byte is data.
 */
static void clip_to_hole(struct dump *dump, struct extent *extent)
{
	uint64_t start, end, pages;
	bool data = file_is_data(&dump->file, extent->offset, &start, &end);

	pages = (end - extent->offset) >> PAGE_SHIFT;
	if (!data && pages == 0) {
		data = true;
		file_is_data(&dump->file, end, &start, &end);
		pages = (end - extent->offset) >> PAGE_SHIFT;
	}
	if (data && ((end - extent->offset) & (PAGE_SIZE - 1)) != 0)
		pages++;
	if (pages < extent->count)
		extent->count = pages;
	if (!data)
		extent->state = PAGE_FILE_HOLE;
}

void dump_locate(struct dump *dump, uint64_t pfn, struct extent *ret)
{
	page_map_locate(&dump->map, pfn, ret);
	if (dump->holes_absent && ret->state == PAGE_PRESENT)
		clip_to_hole(dump, ret);
}

bool dump_next_present(struct dump *dump, uint64_t pfn, struct extent *ret)
{
	struct extent extent;

	if (dump->map.pages_in_file == 0)
		return false;
	while (pfn <= dump->map.highest_pfn) {
		dump_locate(dump, pfn, &extent);
		if (extent.state == PAGE_PRESENT) {
			*ret = extent;
			return true;
		}
		/* The pages of a bitmap lie in ascending order: behind the end nothing comes. */
		if (extent.state == PAGE_BEYOND_EOF && dump->map.kind == PAGE_MAP_BITMAP)
			return false;
		pfn += extent.count;
	}
	return false;
}

/* Page by page: a source knows no stretches. */
static enum page_state read_source(struct dump *dump, const struct extent *extent, uint64_t skip,
				   void *to, size_t length)
{
	struct page_source *source = dump->source;
	struct extent page = {.pfn = extent->pfn, .count = 1, .offset = extent->offset};
	char *next = to;

	page.state = PAGE_PRESENT;
	while (length > 0) {
		size_t part = PAGE_SIZE - (size_t)skip;
		enum page_state state;

		if (part > length)
			part = length;
		state = source->ops->read(source, &page, (size_t)skip, next, part);
		if (state == PAGE_DAMAGED || state == PAGE_IO_ERROR)
			page_set_add(&dump->damaged, page.pfn);
		if (state != PAGE_PRESENT)
			return state;
		dump->file.bytes_read += part;
		next += part;
		length -= part;
		skip = 0;
		page.pfn++;
		page.offset += PAGE_SIZE;
	}
	return PAGE_PRESENT;
}

static enum page_state read_extent(struct dump *dump, const struct extent *extent, uint64_t skip,
				   void *to, size_t length)
{
	struct ps_error err = PS_ERROR_INIT;

	if (extent->state != PAGE_PRESENT)
		return extent->state;
	if (dump->source)
		return read_source(dump, extent, skip, to, length);
	switch (file_read(&dump->file, extent->offset + skip, to, length, &err)) {
	case PS_OK: return PAGE_PRESENT;
	case PS_ABSENT: return PAGE_BEYOND_EOF;
	default: return PAGE_IO_ERROR;
	}
}

enum page_state dump_read(struct dump *dump, uint64_t pa, void *to, size_t length)
{
	char *next = to;

	while (length > 0) {
		uint64_t skip = pa & (PAGE_SIZE - 1);
		enum page_state state;
		struct extent extent;
		size_t part = length;

		dump_locate(dump, pa >> PAGE_SHIFT, &extent);
		if (extent.count <= SIZE_MAX >> PAGE_SHIFT &&
		    part > (extent.count << PAGE_SHIFT) - skip)
			part = (size_t)((extent.count << PAGE_SHIFT) - skip);
		state = read_extent(dump, &extent, skip, next, part);
		if (state != PAGE_PRESENT)
			return state;
		next += part;
		length -= part;
		if (part > UINT64_MAX - pa && length > 0)
			return PAGE_NOT_IN_DUMP; /* behind the last physical address */
		pa += part;
	}
	return PAGE_PRESENT;
}

bool dump_is_cached(struct dump *dump, uint64_t pfn)
{
	struct extent extent;

	if (dump->source)
		return false; /* the map's offsets are none of the file */
	dump_locate(dump, pfn, &extent);
	return extent.state != PAGE_PRESENT || file_is_cached(&dump->file, extent.offset);
}

enum page_state dump_read_range(struct dump *dump, uint64_t va, void *to, size_t length)
{
	struct ps_error err = PS_ERROR_INIT;
	struct virtual_range range;
	uint64_t gap;

	if (!virtual_map_find(&dump->ranges, va, &range, &gap) || range.length < length)
		return PAGE_NOT_IN_DUMP;
	switch (file_read(&dump->file, range.offset, to, length, &err)) {
	case PS_OK: return PAGE_PRESENT;
	case PS_ABSENT: return PAGE_BEYOND_EOF;
	default: return PAGE_IO_ERROR;
	}
}

void dump_prefetch(struct dump *dump, uint64_t pfn, uint64_t count)
{
	uint64_t start = 0, end = 0; /* file range not yet announced: neighbours are joined */
	struct extent extent;

	if (count > UINT64_MAX - pfn)
		count = UINT64_MAX - pfn;
	for (uint64_t stop = pfn + count; pfn < stop; pfn = extent.pfn + extent.count) {
		if (!dump_next_present(dump, pfn, &extent) || extent.pfn >= stop)
			break;
		if (extent.count > stop - extent.pfn)
			extent.count = stop - extent.pfn;
		if (dump->source) {
			dump->source->ops->prefetch(dump->source, extent.pfn, extent.count);
			continue;
		}
		if (extent.offset != end) {
			file_prefetch(&dump->file, start, end - start);
			start = extent.offset;
		}
		end = extent.offset + (extent.count << PAGE_SHIFT);
	}
	file_prefetch(&dump->file, start, end - start);
}

bool dump_reader_lost(const struct dump *dump, struct ps_error *err)
{
	return dump->source && dump->source->ops->lost &&
	       dump->source->ops->lost(dump->source, err);
}

unsigned dump_bad_pages(const struct dump *dump, struct ps_error *err)
{
	return dump->source && dump->source->ops->bad ? dump->source->ops->bad(dump->source, err)
						      : 0;
}

const char *page_state_words(enum page_state state)
{
	switch (state) {
	case PAGE_PRESENT: return "present";
	case PAGE_NOT_IN_DUMP: return "not in the dump";
	case PAGE_FILE_HOLE: return "in a hole of the sparse file";
	case PAGE_BEYOND_EOF: return "beyond the end of the file";
	case PAGE_IO_ERROR: return "unreadable (the disk failed, or the file shrank)";
	case PAGE_DAMAGED: return "damaged in the file (it cannot be unpacked)";
	case PAGE_ZERO_SUSPECT:
		return "all zeros, in a container that stores missing memory as zeros";
	case PAGE_READER_LOST: return "unreadable (the reader of this container ended)";
	}
	return "unknown";
}

const char *machine_name(enum machine machine)
{
	switch (machine) {
	case MACHINE_X86: return "x86";
	case MACHINE_X64: return "x64";
	case MACHINE_ARM64: return "arm64";
	case MACHINE_IA64: return "ia64";
	case MACHINE_UNKNOWN: break;
	}
	return "unknown";
}
