/*
 * Flat physical memory: byte N of the file is physical address N. In a sparse file a hole is an
 * absent page, and a stored page of zeros is data.
 *
 * Not supported: raw images with address gaps squeezed out; they have no header to say so.
 */
#include <inttypes.h>

#include "formats/formats.h"

/* Below this no kernel fits; such a file is more likely a text or a fragment. */
enum { RAW_SMALLEST = 64 * 1024 };

static enum probe refuse_small(const struct dump *dump, struct ps_error *err)
{
	char size[WORDS_SIZE];

	ps_fail(err, PS_UNSUPPORTED, "%s is too small to be a memory image (%s)",
		file_words(&dump->file), size_words(dump->file.size, size));
	ps_hint(err, "give a Windows crash dump (MEMORY.DMP) or a raw image of physical memory");
	return PROBE_ERROR;
}

void raw_take_holes(struct dump *dump)
{
	uint64_t start, end;
	bool data = file_is_data(&dump->file, 0, &start, &end);

	/* Pages of zeros that an archive stores are holes of the unpacked file: they are there. */
	dump->holes_absent = !dump->packed || dump->packed->holes;
	if (!dump->holes_absent || (data && end >= dump->file.size))
		return;
	dump->complete = false;
	dump_note(dump, "the file is sparse: its holes are taken as absent pages");
}

void raw_note_tail(struct dump *dump)
{
	uint64_t tail = dump->file.size % PAGE_SIZE;
	char size[WORDS_SIZE];

	if (tail == 0)
		return;
	dump->complete = false;
	dump_note(dump,
		  "the size of the file is not a multiple of 4,096: the last page, at physical "
		  "0x%" PRIx64 ", has only %s and is left out",
		  dump->file.size - tail, size_words(tail, size));
}

enum probe raw_open(struct dump *dump, struct ps_error *err)
{
	uint64_t tail = dump->file.size % PAGE_SIZE;
	struct page_run all = {.count = dump->file.size / PAGE_SIZE + (tail != 0)};

	if (dump->file.size < RAW_SMALLEST)
		return refuse_small(dump, err);
	if (page_map_set_runs(&dump->map, &all, 1, err) != PS_OK)
		return PROBE_ERROR;
	dump->kind = "raw";
	dump->title = "raw physical memory";
	raw_note_tail(dump);
	raw_take_holes(dump);
	return PROBE_MINE;
}
