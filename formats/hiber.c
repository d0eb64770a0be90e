/*
 * Windows hibernation files (hiberfil.sys) of Windows 7 and later, 32 and 64 bit: the header, and
 * what it says of the machine.
 *
 * Not supported: files of Windows Vista and older, refused in a sentence; pages of the secure
 * kernel, which are encrypted; a file from which Windows resumed and whose content it wiped.
 *
 * Source: public PO_MEMORY_IMAGE and KPROCESSOR_STATE layouts (symbol files of builds 7601, 9600,
 * 14393, 17763 to 22621; public readers for the others).
 */
#include "formats/hiber.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

enum {
	AT_LENGTH = 0x0c, /* of the header itself, which tells the layouts apart */
	AT_LOADER_PAGES_64 = 0x58,
	AT_LOADER_PAGES_32 = 0x48,
	HEADER_READ = 0x500,
	STATE_READ = 0x300,
	PLAIN_LENGTH_MOST = 0x140, /* of Windows 7 and older */
};

enum era { SEVEN, EIGHT };

/*
 * Offsets in the header. Windows 7 has one page of the file where its tables begin, later ones have
 * two, and for each how many pages follow: those that the boot loader restores, and the kernel's.
 */
struct hiber_layout {
	uint16_t length;
	uint8_t pointer;
	enum era era;
	uint16_t system_time, interrupt_time;
	uint16_t first, first_kernel, kernel_pages;
	uint16_t hiberboot; /* u8: Fast Startup; 0: place not known */
	uint16_t cr3;       /* in the processor's state, page 1 of the file */
	const char *windows;
};

static const struct hiber_layout layouts[] = {
	/* The newest of 64 bits comes first: see choose_layout(). */
	{0x4d8, 8, EIGHT, 0x20, 0x28, 0x68, 0x70, 0x230, 0, 0x10, "Windows 11 24H2, Server 2025"},
	{0x128, 8, SEVEN, 0x20, 0x28, 0x60, 0, 0, 0, 0x10, "Windows 7, Server 2008 R2"},
	{0x0e0, 4, SEVEN, 0x18, 0x20, 0x4c, 0, 0, 0, 0x2d4, "Windows 7"},
	{0x360, 8, EIGHT, 0x20, 0x28, 0x60, 0x68, 0x1c8, 0x2fc, 0x10,
	 "Windows 8, 8.1, Server 2012"},
	{0x3b0, 8, EIGHT, 0x20, 0x28, 0x68, 0x70, 0x218, 0x34c, 0x10, "Windows 10 before 1607"},
	{0x3c8, 8, EIGHT, 0x20, 0x28, 0x68, 0x70, 0x220, 0x354, 0x10,
	 "Windows 10 1607, Server 2016"},
	{0x3d8, 8, EIGHT, 0x20, 0x28, 0x68, 0x70, 0x230, 0, 0x10, "Windows 10 1703 to 1803"},
	{0x3e0, 8, EIGHT, 0x20, 0x28, 0x68, 0x70, 0x230, 0x364, 0x10,
	 "Windows 10 1809 and later, Server 2019"},
	{0x448, 8, EIGHT, 0x20, 0x28, 0x68, 0x70, 0x230, 0x3cc, 0x10, "Windows 11, Server 2022"},
	{0x2c8, 4, EIGHT, 0x18, 0x20, 0x50, 0x54, 0x1b0, 0, 0x2d4, "Windows 8, 8.1"},
	{0x310, 4, EIGHT, 0x18, 0x20, 0x50, 0x54, 0x1f8, 0, 0x2d4, "Windows 10 before 1607"},
	{0x328, 4, EIGHT, 0x18, 0x20, 0x50, 0x54, 0x200, 0, 0x2d4, "Windows 10 1607"},
	{0x338, 4, EIGHT, 0x18, 0x20, 0x50, 0x54, 0x210, 0, 0x2d4, "Windows 10 1703 to 1803"},
	{0x340, 4, EIGHT, 0x18, 0x20, 0x50, 0x54, 0x210, 0, 0x2d4, "Windows 10 1809 and later"},
};

struct header {
	struct hiber hiber;
	const struct hiber_layout *layout;
	uint64_t first, loader_pages, first_kernel, kernel_pages;
	bool resumed; /* Windows has resumed from it, or was about to */
	uint8_t raw[HEADER_READ];
	struct bytes bytes;
};

static void read_numbers(struct header *h)
{
	const struct hiber_layout *l = h->layout;

	h->hiber.pointer = l->pointer;
	h->first = bytes_pointer(&h->bytes, l->first, l->pointer);
	if (l->era == SEVEN)
		return;
	h->loader_pages =
		bytes_u64(&h->bytes, l->pointer == 8 ? AT_LOADER_PAGES_64 : AT_LOADER_PAGES_32);
	h->first_kernel = bytes_pointer(&h->bytes, l->first_kernel, l->pointer);
	h->kernel_pages = bytes_u64(&h->bytes, l->kernel_pages);
}

static bool has_pages(struct header *h)
{
	if (h->layout->era == SEVEN)
		return hiber_is_table(&h->hiber, h->first);
	return hiber_is_group(&h->hiber, h->first) ||
	       (h->first_kernel != 0 && hiber_is_group(&h->hiber, h->first_kernel));
}

/* A longer header than any known is tried as the newest of 64 bits: its fields stayed in place. */
static void choose_layout(struct header *h)
{
	uint32_t length = bytes_u32(&h->bytes, AT_LENGTH);
	const struct hiber_layout *newest = &layouts[0];

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].length == length)
			h->layout = &layouts[i];
	if (!h->layout && length > newest->length && length <= PAGE_SIZE) {
		h->layout = newest;
		dump_note(h->hiber.dump,
			  "the header of the hibernation file has %" PRIu32
			  " bytes, which is of no known Windows; it is read as that of %s",
			  length, newest->windows);
	}
	if (h->layout)
		read_numbers(h);
}

static enum ps_status refuse(const struct header *h, struct bytes *bytes, struct ps_error *err)
{
	const char *file = file_words(&h->hiber.dump->file);
	uint32_t length = bytes_u32(bytes, AT_LENGTH);

	if (h->resumed)
		ps_fail(err, PS_UNSUPPORTED,
			"%s is a Windows hibernation file from which Windows has resumed, and its "
			"content was wiped",
			file);
	else if (!h->layout && length > 0 && length <= PLAIN_LENGTH_MOST)
		ps_fail(err, PS_UNSUPPORTED,
			"%s is a hibernation file of Windows Vista or Server 2008, which cannot be "
			"read",
			file);
	else if (!h->layout)
		ps_fail(err, PS_CORRUPT,
			"%s is a Windows hibernation file whose header says that it has %" PRIu32
			" bytes, which is of no known Windows",
			file, length);
	else
		ps_fail(err, PS_CORRUPT,
			"%s is a Windows hibernation file (%s) without pages where its header says "
			"that they begin, in page %" PRIu64 " of the file",
			file, h->layout->windows, h->first);
	if (h->resumed)
		ps_hint(err, "take hiberfil.sys from the disk before the machine is started again");
	else if (err->status == PS_UNSUPPORTED)
		ps_hint(err, "convert it to a raw image first");
	return err->status;
}

/* More pages than a file of this size can have: each group of 16 takes at least 9 bytes. */
static enum ps_status check_counts(const struct header *h, struct ps_error *err)
{
	uint64_t most = h->hiber.dump->file.size * 2;
	char pages[WORDS_SIZE];
	uint64_t stated = h->loader_pages > most ? h->loader_pages : h->kernel_pages;

	if (stated <= most)
		return PS_OK;
	return ps_fail(err, PS_CORRUPT,
		       "the header of the hibernation file says that %s pages follow, more than "
		       "the file can hold",
		       count_words(stated, pages));
}

static enum ps_status find_pages(struct header *h, struct ps_error *err)
{
	struct hiber *hiber = &h->hiber;
	struct progress *progress = hiber->dump->progress;

	if (progress)
		progress_begin(progress, "looking for pages", hiber->dump->file.size);
	if (h->layout->era == SEVEN)
		hiber_read_tables(hiber, h->first, err);
	else if (check_counts(h, err) == PS_OK &&
		 hiber_read_groups(hiber, h->first, h->loader_pages, err) == PS_OK &&
		 h->first_kernel != 0)
		hiber_read_groups(hiber, h->first_kernel, h->kernel_pages, err);
	if (progress)
		progress_end(progress);
	return err->status;
}

static void note_pages(struct header *h, uint64_t twice)
{
	struct hiber *hiber = &h->hiber;
	struct dump *dump = hiber->dump;
	char pages[WORDS_SIZE];

	if (twice > 0)
		dump_note(dump,
			  "%s page%s in the hibernation file more than once; of each the last is "
			  "used",
			  count_words(twice, pages), twice == 1 ? " is" : "s are");
	dump->pages_lost = hiber->lost;
	if (hiber->lost > 0 || hiber->cut || hiber->broken)
		dump->complete = false;
	if (hiber->broken)
		dump_note(
			dump,
			"the hibernation file is damaged: no group of pages at file offset 0x%" PRIx64
			", and those behind it cannot be found",
			hiber->broken_at);
	if (hiber->cut)
		dump_note(dump, "the hibernation file is cut: it ends before its last page");
}

static enum ps_status set_map(struct header *h, struct ps_error *err)
{
	struct hiber *hiber = &h->hiber;
	struct dump *dump = hiber->dump;
	uint64_t twice;

	if (hiber->runs.count == 0)
		return ps_fail(err, PS_ABSENT, "the file ends before its first page");
	if (!page_runs_settle(&hiber->runs, &twice))
		return ps_fail_memory(err, "the list of pages");
	page_map_init(&dump->map, UINT64_MAX); /* pages have no fixed place in the file */
	if (page_map_set_runs(&dump->map, hiber->runs.items, hiber->runs.count, err) != PS_OK)
		return err->status;
	note_pages(h, twice);
	return hiber_source(&dump->file, &hiber->groups, &dump->source, err);
}

static void set_fact(struct fact *fact, uint64_t value)
{
	*fact = (struct fact){value != 0, value};
}

/* A candidate: whoever uses it proves it. On ARM64 something else lies there. */
static void read_cr3(struct header *h)
{
	struct dump *dump = h->hiber.dump;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[STATE_READ];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	uint64_t cr3;

	if (file_read(&dump->file, PAGE_SIZE, raw, sizeof(raw), &ignored) != PS_OK)
		return;
	cr3 = bytes_pointer(&bytes, h->layout->cr3, h->layout->pointer);
	if (cr3 != 0)
		dump->facts.cr3[dump->facts.cr3_count++] = cr3;
}

static void read_facts(struct header *h)
{
	const struct hiber_layout *l = h->layout;
	struct dump *dump = h->hiber.dump;

	if (l->pointer == 4)
		dump->facts.machine = MACHINE_X86;
	set_fact(&dump->facts.system_time, bytes_u64(&h->bytes, l->system_time));
	set_fact(&dump->facts.uptime, bytes_u64(&h->bytes, l->interrupt_time));
	if (dump->facts.system_time.known)
		dump_note(dump, "its time is that of the hibernation; there was no crash");
	read_cr3(h);
	if (l->hiberboot && bytes_u8(&h->bytes, l->hiberboot) != 0)
		dump_note(dump, "the file was written by Fast Startup: users were signed off "
				"before, so their programs are not in it");
	if (h->resumed)
		dump_note(dump, "Windows has resumed from this hibernation file, or was about to: "
				"it shows the machine as it was when it was written");
}

static enum ps_status open_pages(struct header *h, struct ps_error *err)
{
	struct dump *dump = h->hiber.dump;

	if (find_pages(h, err) != PS_OK || set_map(h, err) != PS_OK)
		return ps_wrap(err, "%s: cannot use this hibernation file",
			       file_words(&dump->file));
	read_facts(h);
	dump->kind = "windows-hibernation";
	snprintf(dump->title_text, sizeof(dump->title_text),
		 "Windows hibernation file (%s), %d-bit", h->layout->windows,
		 h->layout->pointer * 8);
	dump->title = dump->title_text;
	return PS_OK;
}

/* In capitals since Vista; older ones are in the table of foreign.c. */
static bool has_magic(struct header *h)
{
	static const char magics[3][5] = {"HIBR", "RSTR", "WAKE"};

	for (size_t i = 0; i < 3; i++)
		if (bytes_equal(&h->bytes, 0, magics[i], 4)) {
			h->resumed = i > 0;
			return true;
		}
	return false;
}

enum probe hiber_open(struct dump *dump, struct ps_error *err)
{
	struct header h = {.hiber.dump = dump};

	h.bytes = bytes_of(h.raw, sizeof(h.raw));
	if (dump->file.size < 2 * PAGE_SIZE)
		return PROBE_NOT_MINE;
	if (file_read(&dump->file, 0, h.raw, sizeof(h.raw), err) != PS_OK)
		return PROBE_ERROR;
	if (!has_magic(&h))
		return PROBE_NOT_MINE;
	choose_layout(&h);
	if (h.layout && has_pages(&h))
		open_pages(&h, err);
	else
		refuse(&h, &h.bytes, err);
	free(h.hiber.groups.items);
	free(h.hiber.runs.items);
	if (err->status == PS_OK)
		return PROBE_MINE;
	hint_damaged(err);
	return PROBE_ERROR;
}
