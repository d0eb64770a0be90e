/*
 * What the files of this room share: the format rows, and words for numbers. Not for other rooms.
 */
#ifndef PS_FORMATS_FORMATS_H
#define PS_FORMATS_FORMATS_H

#include "formats/dump.h"

/* Rows of the table in open.c; see struct format. */
enum probe crash_open(struct dump *dump, struct ps_error *err);
enum probe elf_open(struct dump *dump, struct ps_error *err);
enum probe kdump_open(struct dump *dump, struct ps_error *err);
enum probe lkcd_open(struct dump *dump, struct ps_error *err);
enum probe sadump_open(struct dump *dump, struct ps_error *err);
enum probe hiber_open(struct dump *dump, struct ps_error *err);
enum probe lime_open(struct dump *dump, struct ps_error *err);
enum probe vmware_open(struct dump *dump, struct ps_error *err);
enum probe lost_magic_open(struct dump *dump, struct ps_error *err);
enum probe foreign_open(struct dump *dump, struct ps_error *err);
enum probe vmrs_open(struct dump *dump, struct ps_error *err);
enum probe bin_open(struct dump *dump, struct ps_error *err);
enum probe vmem_open(struct dump *dump, struct ps_error *err);
enum probe raw_open(struct dump *dump, struct ps_error *err);

/**
 * Holes of the file are absent pages from here on, unless they are zeros that an archive stores.
 * Says so, and sets dump->complete false, when the file has any.
 */
void raw_take_holes(struct dump *dump);

/** The path of the dump or, of one out of an archive, the name of the member. Borrowed. */
const char *dump_name(const struct dump *dump);

/**
 * Opens the file called `name`, in terms of dump_name(): beside the dump or, of one out of an
 * archive, in that archive and nowhere else. PS_NOT_FOUND when it is not there; otherwise it is,
 * and cannot be opened. Only while the dump is being opened. The caller closes *ret, whose path is
 * `name`.
 */
enum ps_status dump_open_beside(struct dump *dump, const char *name, struct file *ret,
				struct ps_error *err);

/** Likewise of a last page that the file has only in part. */
void raw_note_tail(struct dump *dump);

/** What the formats make of the first bytes of a file; see pack_recognise. */
void dump_recognise(struct file *head, struct recognised *ret);

/* Advice for files that several formats refuse. */
#define HINT_KERNEL  "give the kernel dump of the machine (Windows\\MEMORY.DMP)"
#define HINT_WINDOWS "poolscope reads memory of Windows machines only"

/**
 * Advice for a file that is cut or damaged, unless there is some already: copy it again, or have it
 * written again.
 */
void hint_damaged(struct ps_error *err);

/**
 * Sets dump->complete false and says how much is missing and from where on, when pages of the map
 * lie beyond the end of the file.
 */
void dump_note_truncation(struct dump *dump);

enum { WORDS_SIZE = 32 };

/** "1,234,567". Returns `out`. */
const char *count_words(uint64_t count, char out[WORDS_SIZE]);

/** "4,096 bytes" below 1 MiB, else "48 MiB" or "1.5 GiB". Returns `out`. */
const char *size_words(uint64_t bytes, char out[WORDS_SIZE]);

#endif
