/*
 * Crash dumps of type 1: the pages of the header's memory runs, back to back behind the header.
 * QEMU and the usual conversion tools write this type as well.
 */
#include "formats/crash.h"

#include <inttypes.h>

#include "formats/formats.h"

enum ps_status crash_full_open(struct dump *dump, const struct crash_header *header,
			       struct ps_error *err)
{
	const struct crash_layout *layout = header->layout;
	struct fact pages = crash_field(header, layout->page_count, layout->pointer);
	struct page_run runs[UINT8_MAX];
	char said[WORDS_SIZE], listed[WORDS_SIZE];
	size_t count;

	if (crash_runs(header, layout->size, runs, &count, err) != PS_OK)
		return err->status;
	if (page_map_set_runs(&dump->map, runs, count, err) != PS_OK)
		return err->status;
	if (dump->map.pages == 0)
		return ps_fail_at(err, PS_CORRUPT, layout->runs,
				  "the memory runs of the header have no pages");
	if (pages.known && pages.value != dump->map.pages) {
		dump->complete = false;
		dump_note(dump, "the header counts %s pages, but its memory runs have %s",
			  count_words(pages.value, said), count_words(dump->map.pages, listed));
	}
	return PS_OK;
}
