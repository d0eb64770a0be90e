/*
 * ELF cores of whole machines: what QEMU (dump-guest-memory, virsh dump --memory-only), VirtualBox
 * (dumpvmcore) and Xen (xl dump-core) write. 32 and 64 bit, x86, x64 and ARM64. The segments are
 * read here; with --reader=kdumpfile only checked here, and read through libkdumpfile.
 *
 * Refused: programs and libraries, cores of processes, cores of Linux kernels, big-endian files,
 * other machines. Left out and said: segments without a place in the file (QEMU with paging=on
 * writes such), parts of pages, memory of a segment that has no bytes in the file.
 *
 * Source: the ELF specification (gABI), with its rule for 65,535 and more program headers.
 */
#include "formats/elf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "formats/formats.h"
#include "formats/kdumpfile.h"

/* Physical addresses of x86 have 52 bits, of ARM64 no more. */
static const uint64_t address_limit = UINT64_C(1) << 52;

#define HINT_QEMU                                                                                  \
	"have QEMU write it again: dump-guest-memory without -p, or virsh dump --memory-only"

struct core {
	struct dump *dump;
	struct elf elf;
	struct core_notes notes;
	struct page_runs runs; /* of the segments, in their order */
	uint64_t loads;        /* segments of memory */
	uint64_t unplaced;     /* of them, without a place in the file or in memory */
	uint64_t parts;        /* pages of which a segment has a part only */
	uint64_t bodiless;     /* pages of segments that have no bytes in the file */
	uint64_t differing;    /* segments that overlap others with different bytes */
	bool addressed;        /* some segment has a physical address */
};

/* ---- segments to runs of pages ---- */

/* p_offset and p_paddr of all ones: QEMU has no place for it, or no address. */
static bool is_placed(const struct core *core, const struct elf_segment *s)
{
	uint64_t none = core->elf.is_64 ? UINT64_MAX : UINT32_MAX;

	return s->offset != none && s->paddr != none && s->paddr < address_limit &&
	       s->filesz <= address_limit - s->paddr && s->offset <= INT64_MAX &&
	       s->filesz <= INT64_MAX - s->offset;
}

static enum ps_status add_load(struct core *core, const struct elf_segment *s, struct ps_error *err)
{
	uint64_t first, end, memory_end;
	struct page_run run;

	core->loads++;
	core->addressed |= s->paddr != 0;
	if (!is_placed(core, s)) {
		core->unplaced++;
		return PS_OK;
	}
	first = (s->paddr + PAGE_SIZE - 1) >> PAGE_SHIFT;
	end = (s->paddr + s->filesz) >> PAGE_SHIFT;
	core->parts += s->paddr % PAGE_SIZE != 0 && s->filesz != 0;
	core->parts += (s->paddr + s->filesz) % PAGE_SIZE != 0 && end >= first;
	if (s->memsz > s->filesz && s->memsz <= address_limit - s->paddr) {
		memory_end = (s->paddr + s->memsz) >> PAGE_SHIFT;
		core->bodiless += memory_end > end ? memory_end - end : 0;
	}
	run = (struct page_run){.pfn = first,
				.count = end - first,
				.offset = s->offset + ((first << PAGE_SHIFT) - s->paddr)};
	if (end > first && !page_runs_add(&core->runs, run))
		return ps_fail_memory(err, "the list of memory segments");
	return PS_OK;
}

static enum ps_status read_segments(struct core *core, struct ps_error *err)
{
	for (uint64_t i = 0; i < core->elf.programs; i++) {
		struct elf_segment segment;

		if (elf_segment_read(&core->dump->file, &core->elf, i, &segment, err) != PS_OK)
			return err->status;
		if (segment.type == ELF_NOTE)
			core_notes_read(core->dump, &core->dump->file, segment.offset,
					segment.filesz, &core->notes);
		else if (segment.type == ELF_LOAD && segment.memsz != 0 &&
			 add_load(core, &segment, err) != PS_OK)
			return err->status;
	}
	return PS_OK;
}

static int compare_runs(const void *a, const void *b)
{
	const struct page_run *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	if (x->count != y->count) /* the longest first: it stands for those inside it */
		return x->count > y->count ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/*
 * Sorts the runs and makes each page belong to one of them. A dump by virtual addresses lists a
 * page as often as it is mapped, always with the same place in the file.
 */
static void resolve_overlaps(struct core *core)
{
	struct page_run *runs = core->runs.items;
	size_t used = 0;

	if (core->runs.count == 0)
		return;
	qsort(runs, core->runs.count, sizeof(*runs), compare_runs);
	for (size_t i = 1; i < core->runs.count; i++) {
		struct page_run *last = &runs[used], run = runs[i];
		uint64_t ahead = run.pfn - last->pfn; /* pages from the start of the last run */
		bool in_line = run.offset == last->offset + (ahead << PAGE_SHIFT);

		if (ahead < last->count) {
			uint64_t covered = last->count - ahead;

			core->differing += !in_line;
			if (run.count <= covered)
				continue;
			run.pfn += covered;
			run.offset += covered << PAGE_SHIFT;
			run.count -= covered;
			ahead += covered;
		}
		if (in_line && ahead == last->count)
			last->count += run.count;
		else
			runs[++used] = run;
	}
	core->runs.count = used + 1;
}

/* ---- what it is ---- */

static enum ps_status refuse_without_memory(const struct core *core, struct ps_error *err)
{
	struct dump *dump = core->dump;
	bool process = core->notes.writer == CORE_WRITER_PROCESS;
	char words[160];

	if (core->notes.release[0] != '\0') {
		snprintf(words, sizeof(words), "a core of a Linux kernel (%s)",
			 core->notes.release);
		return elf_refuse(dump, words, HINT_WINDOWS, err);
	}
	if (process && !core->addressed)
		return elf_refuse(dump, "an ELF core of one process; it holds no physical memory",
				  HINT_KERNEL, err);
	if (core->loads == 0)
		return elf_refuse(dump, "an ELF core without memory segments", HINT_QEMU, err);
	if (!core->addressed && core->loads > 1)
		return elf_refuse(
			dump, "an ELF core whose memory segments have no physical addresses",
			core->notes.writer == CORE_WRITER_VIRTUALBOX
				? "have VirtualBox write it again: VBoxManage debugvm NAME "
				  "dumpvmcore"
				: HINT_QEMU,
			err);
	if (core->runs.count == 0 && core->unplaced > 0)
		return elf_refuse(dump,
				  "an ELF core none of whose memory segments has a place in "
				  "the file",
				  HINT_QEMU, err);
	if (core->runs.count == 0)
		return elf_refuse(dump, "an ELF core without a whole page of memory", HINT_QEMU,
				  err);
	return PS_OK;
}

/*
 * e_machine is what mode the processor was in, not what machine it is: QEMU calls one that is
 * still booting a 386, and VirtualBox calls all of them x64.
 */
static void set_machine(struct core *core)
{
	struct machine_facts *facts = &core->dump->facts;

	if (core->notes.windows_header && facts->machine != MACHINE_UNKNOWN)
		return;
	if (core->elf.machine == MACHINE_ELF_ARM64)
		facts->machine = MACHINE_ARM64;
	if (core->notes.writer != CORE_WRITER_QEMU || !core->notes.paging)
		return;
	if (core->elf.machine == MACHINE_ELF_X64) {
		facts->machine = MACHINE_X64;
	} else {
		facts->machine = MACHINE_X86;
		facts->pae = core->notes.pae ? TRI_YES : TRI_NO;
	}
}

static void note_losses(struct core *core)
{
	struct dump *dump = core->dump;
	char count[WORDS_SIZE];

	dump_note_truncation(dump);
	if (core->elf.programs < core->elf.programs_stated) {
		dump->complete = false;
		dump_note(dump,
			  "the file ends inside its program headers: %" PRIu64 " of %" PRIu64
			  " are there",
			  core->elf.programs, core->elf.programs_stated);
	}
	if (core->unplaced > 0) {
		dump->complete = false;
		dump_note(dump,
			  "%s memory segments have no place in the file, as QEMU writes them with "
			  "paging on: have it dump with paging=off (dump-guest-memory without -p)",
			  count_words(core->unplaced, count));
	}
	if (core->bodiless > 0) {
		dump->complete = false;
		dump_note(dump,
			  "%s pages of its segments have no bytes in the file and are taken "
			  "as absent",
			  count_words(core->bodiless, count));
	}
	if (core->parts > 0) {
		dump->complete = false;
		dump_note(dump, "%s pages are there only in part and are left out",
			  count_words(core->parts, count));
	}
	if (core->differing > 0)
		dump_note(dump,
			  "%s memory segments overlap others and have different bytes; the "
			  "one that begins first is used",
			  count_words(core->differing, count));
	if (core->notes.damaged)
		dump_note(dump, "its notes are damaged: not all of them could be read");
}

static void describe(struct core *core)
{
	static const char *const writers[] = {
		[CORE_WRITER_UNKNOWN] = "",
		[CORE_WRITER_QEMU] = ", by QEMU",
		[CORE_WRITER_VIRTUALBOX] = ", by VirtualBox",
		[CORE_WRITER_XEN] = ", by Xen",
		[CORE_WRITER_LINUX] = "",
		[CORE_WRITER_PROCESS] = "",
	};
	struct dump *dump = core->dump;
	bool xen = core->notes.writer == CORE_WRITER_XEN;

	dump->kind = xen ? "xen" : "elf";
	snprintf(dump->title_text, sizeof(dump->title_text), "ELF core, %s%s%s",
		 core->elf.is_64 ? "64-bit" : "32-bit", writers[core->notes.writer],
		 core->notes.windows_header ? ", with a Windows header" : "");
	dump->title = dump->title_text;
	dump->zeros_suspect = core->notes.writer == CORE_WRITER_VIRTUALBOX;
	if (dump->zeros_suspect)
		dump_note(dump, "VirtualBox writes memory that it cannot read as zeros: a page of "
				"zeros may be memory that is missing");
}

static enum ps_status refuse_damaged(struct dump *dump, struct ps_error *err)
{
	ps_fail(err, PS_UNSUPPORTED,
		"%s has damaged headers, and libkdumpfile is not given such files",
		file_words(&dump->file));
	ps_hint(err, "leave --reader=kdumpfile away: what can be read is read natively");
	return err->status;
}

/*
 * libkdumpfile crashes or hangs on headers that are not what they should be: it is given only
 * those in which nothing was left out here.
 */
static enum ps_status hand_over(struct core *core, struct ps_error *err)
{
	struct dump *dump = core->dump;

	if (core->unplaced > 0 || core->differing > 0 || core->notes.damaged ||
	    core->elf.programs < core->elf.programs_stated)
		return refuse_damaged(dump, err);
	if (kdumpfile_source(&dump->file, &dump->source, err) != PS_OK)
		return ps_wrap(err, "%s", file_words(&dump->file));
	return PS_OK;
}

static enum ps_status read_core(struct core *core, struct ps_error *err)
{
	struct dump *dump = core->dump;
	enum ps_status xen;

	if (elf_header_read(dump, &core->elf, err) != PS_OK)
		return err->status;
	if (read_segments(core, err) != PS_OK)
		return ps_wrap(err, "%s", file_words(&dump->file));
	xen = core->loads == 0 ? elf_xen_open(dump, &core->elf, err) : PS_NOT_FOUND;
	if (xen == PS_OK) {
		core->notes.writer = CORE_WRITER_XEN;
	} else if (xen != PS_NOT_FOUND) {
		return ps_wrap(err, "%s", file_words(&dump->file));
	} else {
		ps_error_clear(err);
		if (refuse_without_memory(core, err) != PS_OK)
			return err->status;
		resolve_overlaps(core);
		if (page_map_set_runs(&dump->map, core->runs.items, core->runs.count, err) != PS_OK)
			return ps_wrap(err, "%s", file_words(&dump->file));
	}
	set_machine(core);
	note_losses(core);
	describe(core);
	return dump->reader == READER_KDUMPFILE ? hand_over(core, err) : PS_OK;
}

enum probe elf_open(struct dump *dump, struct ps_error *err)
{
	struct core core = {.dump = dump};
	uint8_t magic[4];
	enum ps_status status;

	if (dump->file.size < sizeof(magic))
		return PROBE_NOT_MINE;
	if (file_read(&dump->file, 0, magic, sizeof(magic), err) != PS_OK)
		return PROBE_ERROR;
	if (memcmp(magic,
		   "\x7f"
		   "ELF",
		   sizeof(magic)) != 0)
		return PROBE_NOT_MINE;
	status = read_core(&core, err);
	free(core.runs.items);
	if (status == PS_OK)
		return PROBE_MINE;
	hint_damaged(err);
	return PROBE_ERROR;
}
