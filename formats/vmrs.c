/*
 * Saved states and checkpoints of Hyper-V machines of Windows Server 2016 and later (.vmrs), and
 * what OpenVMM dumps in that format: the memory is in arrays of keys, RamMemoryBlock<N> for where
 * it lies and RamBlock<N> for 1 MiB of it. A block that is not there was never touched, and is
 * absent.
 *
 * Refused: storage without memory (.vmcx; a machine that runs; a production checkpoint), memory
 * whose place is not stated (machines of version 5 and older). Not read: the state
 * of devices. Of the older .bin and .vsv the form of the memory is not public: see
 * bin_open().
 *
 * Sources: as of hyperv_storage.c.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/formats.h"
#include "formats/hyperv_storage.h"
#include "formats/vmrs.h"

enum {
	RANGE_LEAST = 32, /* bytes of what describes one; it has 48 */
	AT_PAGES = 8,
	AT_PLACE = 16,   /* page in the machine's memory */
	AT_ADDRESS = 24, /* page frame number */
};

/* `count` pages from page `place` of the machine's memory on have the addresses from `pfn` on. */
struct range {
	uint64_t pfn, place, count;
};

struct state {
	struct dump *dump;
	struct vmrs_memory *memory; /* owned, until it is the dump's source */
	struct range *ranges;       /* owned */
	size_t range_count, range_capacity;
	struct page_runs runs;
	uint64_t lost; /* pages in blocks that the file has not, or not whole */
};

#define HINT_SAVE                                                                                  \
	"save the machine or take a standard checkpoint of it (a production checkpoint has no "    \
	"memory), and give the .vmrs file of that"
#define HINT_WINDBG                                                                                \
	"open it in WinDbg on Windows (windbg -z FILE) and write a crash dump with .dump /f, or "  \
	"have Windows write one"

/* The number behind a prefix; false when the name is not made so. */
static bool number_behind(const char *name, const char *prefix, uint64_t *ret)
{
	size_t length = strlen(prefix);
	uint64_t value = 0;

	if (strncmp(name, prefix, length) != 0 || name[length] == '\0')
		return false;
	for (const char *c = name + length; *c; c++) {
		if (!isdigit((unsigned char)*c) || value > UINT32_MAX)
			return false;
		value = value * 10 + (uint64_t)(*c - '0');
	}
	*ret = value;
	return true;
}

static enum ps_status take_range(struct state *s, const struct hyperv_array *array,
				 struct ps_error *err)
{
	uint8_t raw[RANGE_LEAST];
	struct bytes b = bytes_of(raw, sizeof(raw));
	struct range range;

	if (array->size < RANGE_LEAST ||
	    file_read(&s->dump->file, array->at, raw, sizeof(raw), err) != PS_OK)
		return ps_fail_at(err, PS_CORRUPT, array->at,
				  "what describes a range of its memory is too short");
	range = (struct range){.count = bytes_u64(&b, AT_PAGES),
			       .place = bytes_u64(&b, AT_PLACE),
			       .pfn = bytes_u64(&b, AT_ADDRESS)};
	/* Physical addresses have at most 52 bits. */
	if (range.count > UINT64_C(1) << 40 || range.place > UINT64_C(1) << 40 ||
	    range.pfn > UINT64_C(1) << 40)
		return ps_fail_at(err, PS_CORRUPT, array->at, "a range of its memory cannot be");
	if (!mem_grow((void **)&s->ranges, s->range_count, &s->range_capacity, sizeof(range)))
		return ps_fail_memory(err, "the list of memory ranges");
	s->ranges[s->range_count++] = range;
	return PS_OK;
}

static enum ps_status take_array(void *context, const struct hyperv_array *array,
				 struct ps_error *err)
{
	struct state *s = context;
	struct vmrs_block block = {.at = array->at};

	if (number_behind(array->name, "RamMemoryBlock", &block.number))
		return take_range(s, array, err);
	if (strcmp(array->name, "partition_state") == 0)
		vmrs_registers_read(s->dump, array->at, array->size);
	if (!number_behind(array->name, "RamBlock", &block.number))
		return PS_OK;
	if (array->size == 0 || array->size > VMRS_BLOCK || array->at > INT64_MAX)
		return ps_fail_at(err, PS_CORRUPT, array->at,
				  "block %" PRIu64 " of its memory has a size that cannot be",
				  block.number);
	block.size = (uint32_t)array->size;
	return vmrs_add(s->memory, block) ? PS_OK : ps_fail_memory(err, "the list of blocks");
}

/* The part of a block that lies in a range, as pages of the dump. */
static bool add_part(struct state *s, const struct range *range, const struct vmrs_block *block)
{
	uint64_t first = block->number * VMRS_BLOCK_PAGES, end = first + VMRS_BLOCK_PAGES;
	uint64_t range_end = range->place + range->count;
	struct page_run run;

	first = first > range->place ? first : range->place;
	end = end < range_end ? end : range_end;
	if (end <= first)
		return true;
	run = (struct page_run){.pfn = range->pfn + (first - range->place),
				.count = end - first,
				.offset = first << PAGE_SHIFT};
	if (block->at + block->size > s->dump->file.size)
		s->lost += run.count;
	return page_runs_add(&s->runs, run);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* Both lists ascend along the machine's memory. */
static enum ps_status lay_out(struct state *s, struct ps_error *err)
{
	size_t count, next = 0;
	const struct vmrs_block *blocks = vmrs_blocks(s->memory, &count);

	if (s->range_count > 0)
		qsort(s->ranges, s->range_count, sizeof(*s->ranges), compare_ranges);
	for (size_t i = 0; i < s->range_count; i++) {
		const struct range *range = &s->ranges[i];

		if (i > 0 && range->place - range[-1].place < range[-1].count)
			return ps_fail(err, PS_CORRUPT, "ranges of its memory overlap");
		while (next < count && (blocks[next].number + 1) * VMRS_BLOCK_PAGES <= range->place)
			next++;
		for (size_t k = next;
		     k < count && blocks[k].number * VMRS_BLOCK_PAGES < range->place + range->count;
		     k++)
			if (!add_part(s, range, &blocks[k]))
				return ps_fail_memory(err, "the list of memory ranges");
	}
	return PS_OK;
}

/* PS_UNSUPPORTED when there is no memory, or nobody can say where it lies. */
static enum ps_status check_memory(const struct state *s, size_t blocks, struct ps_error *err)
{
	const char *name = file_words(&s->dump->file);

	if (blocks == 0) {
		ps_fail(err, PS_UNSUPPORTED,
			"%s is a state of a Hyper-V machine (.vmrs, .vmcx) without its memory",
			name);
		ps_hint(err, HINT_SAVE);
	} else if (s->range_count == 0) {
		ps_fail(err, PS_UNSUPPORTED,
			"%s is a saved state of an old Hyper-V machine, which does not say where "
			"its memory lies in a way that is public",
			name);
		ps_hint(err, HINT_WINDBG);
	} else if (s->runs.count == 0) {
		ps_fail(err, PS_CORRUPT,
			"%s: cannot use this Hyper-V state: its memory lies outside of the ranges "
			"that it states",
			name);
	}
	return err->status;
}

static void note_losses(const struct state *s, const struct hyperv_storage *storage)
{
	struct dump *dump = s->dump;
	char count[WORDS_SIZE];

	dump->pages_cut = s->lost;
	if (s->lost > 0 || storage->cut || storage->damaged || storage->dirty)
		dump->complete = false;
	if (s->lost > 0)
		dump_note(dump, "the file is cut: it lacks bytes of the blocks of %s of its pages",
			  count_words(s->lost, count));
	else if (storage->cut)
		dump_note(dump, "the file is cut: what it lists reaches beyond its end");
	if (storage->damaged)
		dump_note(dump, "tables of the file are damaged: some memory may not be found");
	if (storage->dirty)
		dump_note(dump, "its log holds changes that Hyper-V had not finished writing; they "
				"are not carried out");
}

static enum ps_status read_state(struct state *s, struct ps_error *err)
{
	struct hyperv_storage storage;
	size_t blocks;

	s->memory = vmrs_create(&s->dump->file);
	if (!s->memory)
		return ps_fail_memory(err, "the list of blocks");
	if (hyperv_storage_walk(&s->dump->file, take_array, s, &storage, err) != PS_OK) {
		bool old = err->status == PS_UNSUPPORTED;

		ps_wrap(err, "%s: cannot use this Hyper-V state", file_words(&s->dump->file));
		if (old)
			ps_hint(err, HINT_WINDBG);
		return err->status;
	}
	vmrs_blocks(s->memory, &blocks);
	if (lay_out(s, err) != PS_OK)
		return ps_wrap(err, "%s: cannot use this Hyper-V state",
			       file_words(&s->dump->file));
	if (check_memory(s, blocks, err) != PS_OK)
		return err->status;
	page_map_init(&s->dump->map, UINT64_MAX); /* places are those in the machine's memory */
	if (page_map_set_runs(&s->dump->map, s->runs.items, s->runs.count, err) != PS_OK)
		return ps_wrap(err, "%s: cannot use this Hyper-V state",
			       file_words(&s->dump->file));
	note_losses(s, &storage);
	s->dump->source = vmrs_source(s->memory);
	s->memory = NULL;
	s->dump->kind = "hyper-v";
	s->dump->title = "saved state of a Hyper-V machine (.vmrs)";
	return PS_OK;
}

enum probe vmrs_open(struct dump *dump, struct ps_error *err)
{
	struct state s = {.dump = dump};

	if (!hyperv_storage_is(&dump->file))
		return PROBE_NOT_MINE;
	if (read_state(&s, err) != PS_OK)
		hint_damaged(err);
	vmrs_destroy(s.memory);
	free(s.ranges);
	free(s.runs.items);
	return err->status == PS_OK ? PROBE_MINE : PROBE_ERROR;
}

/* ---- .bin and .vsv of Windows Server 2008 to 2012 R2 ---- */

#define HINT_VM2DMP                                                                                \
	"convert both to a crash dump on the Hyper-V server with vm2dmp -bin FILE.bin -vsv "       \
	"FILE.vsv -dmp FILE.dmp, or have Windows write one"

static bool has_ending(const char *path, const char *ending)
{
	size_t length = strlen(path), tail = strlen(ending);

	return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

/* Whether there is a file of the same name with another ending of as many characters. */
static bool is_beside(struct dump *dump, const char *ending)
{
	const char *path = dump_name(dump);
	char *name = mem_printf("%.*s%s", (int)(strlen(path) - strlen(ending)), path, ending);
	struct ps_error ignored = PS_ERROR_INIT;
	struct file file = {.fd = -1};
	bool there = name && dump_open_beside(dump, name, &file, &ignored) == PS_OK;

	free(name);
	file_close(&file);
	return there;
}

enum probe bin_open(struct dump *dump, struct ps_error *err)
{
	const char *path = dump_name(dump);

	if (has_ending(path, ".vsv")) {
		ps_fail(err, PS_UNSUPPORTED,
			"%s is the state of the devices of a saved Hyper-V machine (.vsv); its "
			"memory is in the .bin file beside it, in a form that is not public",
			file_words(&dump->file));
		ps_hint(err, HINT_VM2DMP);
		return PROBE_ERROR;
	}
	if (!has_ending(path, ".bin") || (!is_beside(dump, ".vsv") && !is_beside(dump, ".VSV")))
		return PROBE_NOT_MINE;
	if (raw_open(dump, err) != PROBE_MINE)
		return PROBE_ERROR;
	dump->advice = HINT_VM2DMP;
	dump_note(dump, "a .vsv file lies beside it, as beside the memory of a saved Hyper-V "
			"machine (.bin), whose form is not public: it is taken as raw memory");
	return PROBE_MINE;
}
