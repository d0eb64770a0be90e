/*
 * Memory of VMware machines: a .vmem file with the state (.vmss, .vmsn) of the same name beside it,
 * a state with the memory inside, and a .vmem alone.
 *
 * The .vmem has no gaps: the state says which part of it lies above the hole below 4 GiB. Without a
 * state that part is taken to go on at 4 GiB, where VMware has it, unless the file leaves the hole
 * out itself. A hole of a sparse .vmem is an absent page, as of any raw image.
 *
 * Refused: states without memory, and with memory that is compressed. Not read: the dumps of a
 * debugged monitor (debug.guest, debug.vmem).
 *
 * Sources: as of vmware_state.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "formats/elf.h"
#include "formats/formats.h"
#include "formats/vmware_state.h"

static const uint64_t hole_start = UINT64_C(3) << 30, hole_end = UINT64_C(4) << 30;

#define HINT_SNAPSHOT                                                                              \
	"take a snapshot with the machine's memory, or suspend the machine, and give the .vmem "   \
	"and the .vmsn or .vmss"

/* ---- files of the same name ---- */

static bool has_ending(const char *path, const char *ending)
{
	size_t length = strlen(path), tail = strlen(ending);

	return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

/* The path with its ending, which has as many characters as `ending`, replaced; owned. */
static char *with_ending(const char *path, const char *ending)
{
	return mem_printf("%.*s%s", (int)(strlen(path) - strlen(ending)), path, ending);
}

/* The name of a file without its directories, for words. */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * Opens the file beside the dump that has one of the endings, in small or large letters. When there
 * is one that cannot be opened, *err says why; else it is untouched.
 */
static bool open_beside(struct dump *dump, const char *const *endings, struct file *ret,
			struct ps_error *err)
{
	for (; *endings; endings++) {
		struct ps_error why = PS_ERROR_INIT;
		char *name = with_ending(dump_name(dump), *endings);
		bool opened = name && dump_open_beside(dump, name, ret, &why) == PS_OK;
		bool there = name && why.status != PS_NOT_FOUND;

		free(name);
		if (opened)
			return true;
		if (there)
			*err = why;
	}
	return false;
}

/* ---- what the state says ---- */

static void take_processors(struct machine_facts *facts, const struct vmware_state *s)
{
	enum { CR0 = 1 << 0, CR3 = 1 << 3, CR4 = 1 << 4, CR4_PAE = 1 << 5 };
	const uint64_t paging = UINT64_C(1) << 31;

	for (size_t i = 0; i < CR3_MOST; i++) {
		const struct vmware_processor *p = &s->processors[i];

		if ((p->known & (CR0 | CR3)) != (CR0 | CR3) || !(p->cr[0] & paging))
			continue;
		core_add_cr3(facts, p->cr[3]);
		if (p->known & CR4 && !(p->cr[4] & CR4_PAE)) {
			facts->machine = MACHINE_X86; /* x64 has no paging without PAE */
			facts->pae = TRI_NO;
		}
	}
}

/* One run from 0 on: the memory is not split. A part of a page at its end counts as a page. */
static enum ps_status set_flat(struct dump *dump, uint64_t at, uint64_t size, struct ps_error *err)
{
	uint64_t pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct page_run all = {.count = pages, .offset = at};

	return page_map_set_runs(&dump->map, &all, 1, err);
}

/* `size`: bytes of the memory, which begins at file offset `at`. */
static enum ps_status set_regions(struct dump *dump, const struct vmware_state *s, uint64_t at,
				  uint64_t size, struct ps_error *err)
{
	struct page_run runs[VMWARE_REGIONS_MOST];

	if (s->cut && !s->region_count_stated && size > hole_start)
		return ps_fail(err, PS_ABSENT, "the state ends before it says where memory lies");
	if (s->region_count == 0)
		return set_flat(dump, at, size, err);
	if (s->region_count > VMWARE_REGIONS_MOST)
		return ps_fail(err, PS_CORRUPT,
			       "it states %" PRIu64 " regions of memory, which is beyond reason",
			       s->region_count);
	for (size_t i = 0; i < s->region_count; i++) {
		const struct vmware_region *region = &s->regions[i];

		if (region->known != 7)
			return ps_fail(err, s->cut ? PS_ABSENT : PS_CORRUPT,
				       "it does not say where region %zu of its memory lies", i);
		if (region->place > UINT32_MAX || region->count > UINT32_MAX)
			return ps_fail(err, PS_CORRUPT, "region %zu of its memory cannot be", i);
		if (s->has_block && (region->place + region->count) * PAGE_SIZE > size)
			return ps_fail(err, PS_CORRUPT,
				       "region %zu of its memory lies outside of the memory that "
				       "the file has",
				       i);
		runs[i] = (struct page_run){.pfn = region->ppn,
					    .count = region->count,
					    .offset = at + region->place * PAGE_SIZE};
	}
	return page_map_set_runs(&dump->map, runs, (size_t)s->region_count, err);
}

/* A file of memory that goes on behind what its state lists: perhaps not of this state. */
static void note_rest(struct dump *dump, const struct vmware_state *s, uint64_t size)
{
	uint64_t listed = 0;
	char words[WORDS_SIZE];

	for (size_t i = 0; i < s->region_count; i++) {
		const struct vmware_region *region = &s->regions[i];

		if (region->place + region->count > listed)
			listed = region->place + region->count;
	}
	if (listed > 0 && size > listed * PAGE_SIZE)
		dump_note(
			dump,
			"the .vmem is %s longer than the state lists: it may not be of this state",
			size_words(size - listed * PAGE_SIZE, words));
}

static void describe(struct dump *dump, const struct vmware_state *s, const char *title)
{
	take_processors(&dump->facts, s);
	dump->kind = "vmware";
	dump->title = title;
	dump_note_truncation(dump);
	if (!s->cut)
		return;
	dump->complete = false;
	dump_note(dump, "the file of the state is cut: registers of processors may be missing");
}

/* ---- the state, with memory inside or beside ---- */

static enum ps_status open_inside(struct dump *dump, const struct vmware_state *s,
				  struct ps_error *err)
{
	if (s->compressed) {
		ps_fail(err, PS_UNSUPPORTED,
			"%s is a VMware state whose memory is compressed, which cannot be read",
			file_words(&dump->file));
		ps_hint(err, "convert it to a Windows crash dump with vmss2core -W (Windows 8 and "
			     "later: -W8), or take a snapshot again with a .vmem beside it");
		return err->status;
	}
	if (s->block_size > INT64_MAX || s->block_at > INT64_MAX - s->block_size)
		return ps_fail_at(err, PS_CORRUPT, s->block_at,
				  "its memory has a size that cannot be");
	if (set_regions(dump, s, s->block_at, s->block_size, err) != PS_OK)
		return err->status;
	if (s->more_blocks) {
		dump->complete = false;
		dump_note(dump, "the state holds several blocks of memory: only the first is read");
	}
	describe(dump, s, "VMware state with its memory inside");
	return PS_OK;
}

static enum ps_status refuse_without_memory(struct dump *dump, const struct vmware_state *s,
					    struct ps_error *err)
{
	char *name = with_ending(dump_name(dump), ".vmem");

	if (!name)
		return ps_fail_memory(err, "the name of a file");
	if (!s->has_memory_group) {
		ps_fail(err, PS_UNSUPPORTED,
			"%s is the state of a VMware machine without its memory: a snapshot of the "
			"disks only",
			file_words(&dump->file));
		ps_hint(err, HINT_SNAPSHOT);
	} else {
		ps_fail(err, PS_UNSUPPORTED,
			"%s is the state of a VMware machine, and its memory is not beside it: "
			"there is no file %.200s",
			file_words(&dump->file), last_part(name));
		ps_hint(err, "put the .vmem file of the same name beside it; without one, %s",
			HINT_SNAPSHOT);
	}
	free(name);
	return err->status;
}

/* The memory file takes the place of the state; the name stays that which the user gave. */
static void swap_files(struct dump *dump, struct file *memory)
{
	char *path = dump->file.path;

	dump->file.path = NULL;
	file_close(&dump->file);
	free(memory->path);
	dump->file = *memory;
	dump->file.path = path;
}

static enum ps_status open_beside_state(struct dump *dump, const struct vmware_state *s,
					struct ps_error *err)
{
	static const char *const endings[] = {".vmem", ".VMEM", NULL};
	const char *path = dump_name(dump);
	bool named = has_ending(path, ".vmss") || has_ending(path, ".vmsn");
	struct file memory = {.fd = -1};

	if (!named || !open_beside(dump, endings, &memory, err)) {
		if (err->status == PS_OK)
			return refuse_without_memory(dump, s, err);
		err->status = PS_SYSTEM; /* whatever it is: not the state's fault */
		return ps_wrap(err, "the memory beside it cannot be opened");
	}
	page_map_init(&dump->map, memory.size);
	if (set_regions(dump, s, 0, memory.size, err) != PS_OK) {
		file_close(&memory);
		return err->status;
	}
	note_rest(dump, s, memory.size);
	dump_note(dump, "its memory is that of %.150s, the .vmem beside it",
		  last_part(memory.path));
	swap_files(dump, &memory);
	raw_take_holes(dump);
	describe(dump, s, "VMware state with its memory beside it");
	return PS_OK;
}

enum probe vmware_open(struct dump *dump, struct ps_error *err)
{
	struct vmware_state state;

	if (!vmware_is_state(&dump->file))
		return PROBE_NOT_MINE;
	if (vmware_state_read(&dump->file, &state, err) == PS_OK &&
	    (state.has_block ? open_inside(dump, &state, err)
			     : open_beside_state(dump, &state, err)) == PS_OK)
		return PROBE_MINE;
	if (err->status != PS_UNSUPPORTED)
		ps_wrap(err, "%s: cannot use this VMware state", file_words(&dump->file));
	hint_damaged(err);
	return PROBE_ERROR;
}

/* ---- the .vmem ---- */

#define ADVICE_STATE                                                                               \
	"put the .vmss or .vmsn file of the same name beside the .vmem: it says where the memory " \
	"lies and which page tables the processors used"

/* Memory of zeros where physical memory has its hole: the file leaves it out itself. */
static bool is_padded(struct dump *dump)
{
	enum { SAMPLES = 64 };
	static const uint8_t zeros[PAGE_SIZE];
	uint64_t end = dump->file.size < hole_end ? dump->file.size : hole_end;
	uint64_t step = (end - hole_start) / SAMPLES / PAGE_SIZE * PAGE_SIZE + PAGE_SIZE;

	for (uint64_t at = hole_start, from, to; at < end && end - at >= PAGE_SIZE;) {
		struct ps_error ignored = PS_ERROR_INIT;
		uint8_t page[PAGE_SIZE];

		if (!file_is_data(&dump->file, at, &from, &to)) {
			at = to;
			continue;
		}
		if (file_read(&dump->file, at, page, sizeof(page), &ignored) == PS_OK &&
		    memcmp(page, zeros, sizeof(page)) != 0)
			return false;
		at += step;
	}
	return true;
}

static enum ps_status set_usual_hole(struct dump *dump, struct ps_error *err)
{
	struct page_run runs[2] = {
		{.count = hole_start / PAGE_SIZE},
		{.pfn = hole_end / PAGE_SIZE,
		 .count = (dump->file.size - hole_start) / PAGE_SIZE,
		 .offset = hole_start},
	};

	return page_map_set_runs(&dump->map, runs, 2, err);
}

/* As a raw image, with what can be known of the hole. */
static enum probe open_alone(struct dump *dump, const char *why, struct ps_error *err)
{
	bool large = dump->file.size > hole_start, padded = large && is_padded(dump);

	if (!large || padded) {
		enum probe probe = raw_open(dump, err);

		if (probe != PROBE_MINE)
			return probe;
	} else {
		if (set_usual_hole(dump, err) != PS_OK)
			return PROBE_ERROR;
		dump->kind = "raw";
		dump->title = "raw physical memory, with the hole that VMware leaves out";
		raw_take_holes(dump);
	}
	dump->advice = ADVICE_STATE;
	dump_note(dump, "%s%s", why,
		  padded  ? ": it is taken as a raw image, since it is empty from 3 to 4 GiB"
		  : large ? ": what lies above 3 GiB in it is taken to go on at 4 GiB, as VMware "
			    "has it"
			  : "");
	return PROBE_MINE;
}

static enum ps_status open_with_state(struct dump *dump, struct file *file, struct ps_error *err)
{
	struct vmware_state state;

	if (vmware_state_read(file, &state, err) != PS_OK)
		return err->status;
	if (state.has_block)
		return ps_fail(err, PS_CORRUPT, "it has its memory inside, and not in a .vmem");
	if (!state.has_memory_group)
		return ps_fail(err, PS_CORRUPT, "it is that of a snapshot of the disks only");
	if (set_regions(dump, &state, 0, dump->file.size, err) != PS_OK)
		return err->status;
	note_rest(dump, &state, dump->file.size);
	raw_take_holes(dump);
	describe(dump, &state,
		 has_ending(file->path, ".vmss") ? "VMware memory (.vmem) with the state of a "
						   "suspended machine (.vmss)"
						 : "VMware memory (.vmem) with the state of a "
						   "snapshot (.vmsn)");
	return PS_OK;
}

enum probe vmem_open(struct dump *dump, struct ps_error *err)
{
	static const char *const endings[] = {".vmss", ".VMSS", ".vmsn", ".VMSN", NULL};
	struct ps_error why = PS_ERROR_INIT;
	char words[DUMP_NOTE_TEXT] = "no .vmss or .vmsn file of the same name lies beside it";
	struct file state = {.fd = -1};

	if (!has_ending(dump_name(dump), ".vmem"))
		return PROBE_NOT_MINE;
	for (size_t i = 0; endings[i]; i++) {
		const char *const one[] = {endings[i], NULL};

		ps_error_clear(&why);
		if (!open_beside(dump, one, &state, &why)) {
			if (why.status != PS_OK)
				snprintf(words, sizeof(words),
					 "the %s file beside it cannot be used (%.120s)",
					 endings[i], why.text);
			continue;
		}
		if (open_with_state(dump, &state, &why) == PS_OK) {
			file_close(&state);
			return PROBE_MINE;
		}
		snprintf(words, sizeof(words), "%.60s beside it cannot be used (%.80s)",
			 last_part(state.path), why.text);
		file_close(&state);
	}
	return open_alone(dump, words, err);
}
