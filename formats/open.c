/*
 * The table of formats, and opening a file with the first one that takes it.
 */
#include "formats/dump.h"

#include <stdlib.h>

#include "base/memory.h"
#include "formats/formats.h"

/*
 * Magic first, heuristics after, raw last:
 * - crash: eight bytes of magic, unmistakable;
 * - elf, kdump, lkcd, sadump: likewise; elf is asked for every ELF file, and refuses those that are
 *   no memory;
 * - hibernation: four bytes of magic, and a header of a known length;
 * - vmware, lime, hyper-v: the magic of a state file, of a LiME or AVML header, of a storage;
 * - lost-magic: what of these has lost its magic only. Behind them, so that it never sees a sound
 *   one; before foreign, whose rule about "PAGE" knows less;
 * - foreign: magics of files that are no dump of this program's kinds. Behind crash, so that a rule
 *   about "PAGE" with other words behind it never sees a proper crash dump; before raw, which would
 *   take all of them;
 * - vmem, hyper-v-bin: a name, and no magic. Behind foreign, which knows packed files of any name;
 * - raw: memory has no magic, so any file of a plausible size is taken. Whether it holds a Windows
 *   kernel is decided by who searches for one.
 */
static const struct format formats[] = {
	{"crash", crash_open},     {"elf", elf_open},
	{"kdump", kdump_open},     {"lkcd", lkcd_open},
	{"sadump", sadump_open},   {"hibernation", hiber_open},
	{"vmware", vmware_open},   {"lime", lime_open},
	{"hyper-v", vmrs_open},    {"lost-magic", lost_magic_open},
	{"foreign", foreign_open}, {"vmem", vmem_open},
	{"hyper-v-bin", bin_open}, {"raw", raw_open},
};

static enum ps_status try_formats(struct dump *dump, const struct log *log, struct ps_error *err)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		switch (formats[i].open(dump, err)) {
		case PROBE_MINE: dump->format = &formats[i]; return PS_OK;
		case PROBE_ERROR: return err->status;
		case PROBE_NOT_MINE:
			log_info(log, "%s: not of format %s", dump->file.path, formats[i].name);
			break;
		}
	}
	return ps_fail(err, PS_UNSUPPORTED, "not a format that poolscope knows");
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
	if (file_open(&dump->file, path, err) != PS_OK)
		goto fail;
	page_map_init(&dump->map, dump->file.size);
	virtual_map_init(&dump->ranges);
	dump->complete = true;
	dump->reader = options->reader;
	dump->progress = options->progress;
	if (try_formats(dump, log, err) != PS_OK || check_reader(dump, err) != PS_OK)
		goto fail;
	dump->progress = NULL;
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
