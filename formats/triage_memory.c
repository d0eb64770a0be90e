/*
 * The memory of a minidump: data blocks, and the pieces that its header names itself, as ranges of
 * virtual addresses. Does not read them.
 */
#include "formats/triage_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"

enum { BLOCKS_AT_ONCE = 4096 };

/* A range that cannot be right is left out and counted. */
static enum ps_status add_range(struct triage_reader *r, uint64_t va, uint64_t length,
				uint64_t offset, size_t *wrong, struct ps_error *err)
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

static enum ps_status add_blocks(struct triage_reader *r, uint64_t at, uint32_t count,
				 size_t *wrong, struct ps_error *err)
{
	size_t size = r->layout->block_size, pointer = r->layout->pointer;
	uint8_t *data = mem_array(BLOCKS_AT_ONCE, size);

	if (!data)
		return ps_fail_memory(err, "the list of data blocks");
	while (count > 0 && err->status == PS_OK) {
		uint32_t now = count < BLOCKS_AT_ONCE ? count : BLOCKS_AT_ONCE;
		struct bytes raw = bytes_of(data, now * size);

		if (triage_read(r, at, data, raw.size, err) != PS_OK)
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

static enum ps_status read_blocks(struct triage_reader *r, size_t *wrong, struct ps_error *err)
{
	uint64_t at = triage_u32(r, r->layout->blocks_offset);
	uint32_t stated = triage_u32(r, r->layout->blocks_count);
	uint64_t fit = at ? triage_room(r, at) / r->layout->block_size : 0;

	r->triage->block_count = stated < fit ? stated : (uint32_t)fit;
	if (r->triage->block_count < stated)
		triage_incomplete(r, "entries of the list of data blocks", r->triage->block_count,
				  stated);
	return add_blocks(r, at, r->triage->block_count, wrong, err);
}

/* The pieces that the header names itself: stack, data page, and KDBG where it belongs. */
static enum ps_status read_pieces(struct triage_reader *r, size_t *wrong, struct ps_error *err)
{
	const struct triage_layout *layout = r->layout;
	struct triage *t = r->triage;
	uint64_t stack = triage_u32(r, STACK_OFFSET), page;
	uint64_t page_va = triage_field(r, layout->data_page_va, layout->pointer);

	t->stack_top = triage_field(r, TOP_OF_STACK, layout->pointer);
	t->stack_bytes = stack && t->stack_top ? triage_u32(r, STACK_SIZE) : 0;
	if (add_range(r, t->stack_top, t->stack_bytes, stack, wrong, err) != PS_OK)
		return err->status;
	page = triage_u32(r, layout->data_page_offset);
	if (page && page_va &&
	    add_range(r, page_va, triage_u32(r, layout->data_page_size), page, wrong, err) != PS_OK)
		return err->status;
	if (r->dump->facts.kdbg.known && t->kdbg)
		return add_range(r, r->dump->facts.kdbg.value, t->kdbg_size,
				 triage_u32(r, layout->kdbg_offset), wrong, err);
	return PS_OK;
}

static void note_memory(struct triage_reader *r, uint64_t overlap, size_t wrong)
{
	const struct virtual_map *map = &r->dump->ranges;
	uint64_t beyond = 0, first = 0;
	char missing[WORDS_SIZE], all[WORDS_SIZE];

	for (size_t i = 0; i < map->count; i++) {
		uint64_t there = triage_room(r, map->items[i].offset);

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

enum ps_status triage_read_memory(struct triage_reader *r, struct ps_error *err)
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
