/*
 * The table of formats, and opening a file with the first one that takes it.
 */
#include "formats/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/formats.h"
#include "formats/parts.h"

/*
 * Magic first, heuristics after, raw last:
 * - crash: eight bytes of magic, unmistakable;
 * - elf, kdump, lkcd, sadump: likewise; elf is asked for every ELF file, and refuses those that are
 *   no memory;
 * - hibernation: four bytes of magic, and a header of a known length;
 * - vmware, lime, hyper-v: the magic of a state file, of a LiME or AVML header, of a storage;
 * - lost-magic: what of these has lost its magic only. Behind them, so that it never sees a sound
 *   one; before foreign, whose rule about "PAGE" knows less;
 * - archives and compressed files are no row here: they give way to what they hold before (unpack()
 *   below), and that may be of any of these formats;
 * - foreign: magics of files that are no dump of this program's kinds. Behind crash, so that a rule
 *   about "PAGE" with other words behind it never sees a proper crash dump; before raw, which would
 *   take all of them;
 * - vmem, hyper-v-bin: a name, and no magic. Behind foreign, which knows other files of any name;
 * - raw: memory has no magic, so any file of a plausible size is taken. Whether it holds a Windows
 *   kernel is decided by who searches for one.
 */
static const struct format formats[] = {
	{"crash", "Windows crash dump", crash_open},
	{"elf", "ELF core", elf_open},
	{"kdump", "kdump-compressed dump", kdump_open},
	{"lkcd", "LKCD dump", lkcd_open},
	{"sadump", "sadump", sadump_open},
	{"hibernation", "Windows hibernation file", hiber_open},
	{"vmware", "VMware state", vmware_open},
	{"lime", "LiME or AVML image", lime_open},
	{"hyper-v", "Hyper-V state", vmrs_open},
	{"lost-magic", "damaged dump", lost_magic_open},
	{"foreign", "foreign file", foreign_open},
	{"vmem", "VMware memory", vmem_open},
	{"hyper-v-bin", "Hyper-V memory", bin_open},
	{"raw", "no known format, perhaps raw memory", raw_open},
};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

/* The format that takes the file, or refuses it; NULL when none knows it. */
static const struct format *find_format(struct dump *dump, const struct log *log,
					struct ps_error *err)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (formats[i].open(dump, err) != PROBE_NOT_MINE)
			return &formats[i];
		log_info(log, "%s: not of format %s", dump->file.path, formats[i].name);
	}
	ps_fail(err, PS_UNSUPPORTED, "not a format that poolscope knows");
	return NULL;
}

/*
 * Only the beginning of the file is there, so that most formats find the rest missing. What a
 * format refuses for another reason is no dump, and why it says itself.
 */
void dump_recognise(struct file *head, struct recognised *ret)
{
	struct dump *dump = mem_array(1, sizeof(*dump));
	/* What lies beside the member is not looked for: it would be a file of the caller's. */
	struct packed_dump nowhere = {.name = head->path};
	struct ps_error error = PS_ERROR_INIT;
	const struct format *format;

	if (!dump)
		return;
	dump->file.fd = -1;
	if (file_adopt(&dump->file, dup(head->fd), head->path, &error) == PS_OK) {
		page_map_init(&dump->map, dump->file.size);
		virtual_map_init(&dump->ranges);
		dump->packed = &nowhere;
		format = find_format(dump, NULL, &error);
		dump->packed = NULL;
		if (format && format->open == raw_open)
			ret->rank = RANK_RAW;
		else if (format && format->open != foreign_open && error.status != PS_UNSUPPORTED)
			ret->rank = RANK_DUMP;
		ret->refused = ret->rank == RANK_NONE && format && format->open != foreign_open;
		snprintf(ret->words, sizeof(ret->words), "%.150s",
			 ret->rank == RANK_NONE ? error.text
			 : dump->title          ? dump->title
						: format->what);
	}
	dump_close(dump);
}

/* An archive gives way to the dump inside. */
static enum ps_status unpack(struct dump *dump, const struct dump_options *options,
			     const struct log *log, struct ps_error *err)
{
	if (packed_is(&dump->file))
		return packed_open(&dump->file, &options->pack, dump_recognise, log,
				   options->progress, &dump->packed, err);
	if (!options->pack.member)
		return PS_OK;
	return ps_fail(err, PS_USAGE, "--member does not apply: %s is no archive",
		       file_words(&dump->file));
}

static enum ps_status try_formats(struct dump *dump, const struct log *log, struct ps_error *err)
{
	const struct format *format = find_format(dump, log, err);

	if (err->status != PS_OK)
		return err->status;
	dump->format = format;
	if (dump->packed && dump->packed->note[0] != '\0')
		dump_note(dump, "%s", dump->packed->note);
	return PS_OK;
}

static void log_dump(const struct dump *dump, const struct log *log)
{
	char pages[WORDS_SIZE], present[WORDS_SIZE];

	if (dump->holds == HOLDS_PAGES)
		log_info(log, "%s: %s, %s pages listed, %s in the file", dump->file.path,
			 dump->title, count_words(dump->map.pages, pages),
			 count_words(dump->map.pages_in_file, present));
	else
		log_info(log, "%s: %s, %s bytes of virtual memory in %zu pieces", dump->file.path,
			 dump->title, count_words(dump->ranges.bytes, pages), dump->ranges.count);
	for (unsigned i = 0; i < dump->note_count; i++)
		log_info(log, "%s: %s", dump->file.path, dump->notes[i]);
}

/* Asking for a reader that had no say is a mistake better said than passed over. */
static enum ps_status check_reader(const struct dump *dump, struct ps_error *err)
{
	bool native = !dump->source || !dump->source->ops->through_kdumpfile;

	if (dump->reader == READER_ANY || native == (dump->reader == READER_NATIVE))
		return PS_OK;
	return ps_fail(err, PS_USAGE, "--reader=%s does not apply to %s: %s is read %s",
		       native ? "kdumpfile" : "native", file_words(&dump->file), dump->title,
		       native ? "by poolscope itself" : "through libkdumpfile only");
}

enum ps_status dump_open_with(const char *path, const struct dump_options *options,
			      const struct log *log, struct dump **ret, struct ps_error *err)
{
	struct dump *dump = mem_array(1, sizeof(*dump));

	if (!dump)
		return ps_fail_memory(err, "the dump");
	dump->file.fd = -1;
	if (file_open(&dump->file, path, err) != PS_OK ||
	    parts_join(dump, options->progress, err) != PS_OK ||
	    unpack(dump, options, log, err) != PS_OK)
		goto fail;
	page_map_init(&dump->map, dump->file.size);
	virtual_map_init(&dump->ranges);
	dump->complete = true;
	dump->reader = options->reader;
	dump->progress = options->progress;
	if (try_formats(dump, log, err) != PS_OK || check_reader(dump, err) != PS_OK)
		goto fail;
	dump->progress = NULL;
	packed_settle(dump->packed);
	log_dump(dump, log);
	*ret = dump;
	return PS_OK;
fail:
	dump_close(dump);
	return err->status;
}

enum ps_status dump_open(const char *path, const struct log *log, struct dump **ret,
			 struct ps_error *err)
{
	static const struct dump_options any = {.reader = READER_ANY};

	return dump_open_with(path, &any, log, ret, err);
}
