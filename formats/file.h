/*
 * A regular file, mapped read-only with random-access advice, or read with pread() where it cannot
 * be mapped. Everything the program reads of a dump passes through file_read().
 *
 * Owned by the dump that opened it. Not supported: pipes (a dump needs random access).
 */
#ifndef PS_FORMATS_FILE_H
#define PS_FORMATS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct file {
	char *path; /* owned; as the user gave it */
	int fd;
	uint64_t size;       /* bytes, when opened */
	const uint8_t *map;  /* NULL when read with pread() */
	uint64_t bytes_read; /* for `make bench` and -v: bytes copied out so far */
	/* The stretch that file_is_data() saw last; empty at first. */
	uint64_t known_start, known_end;
	bool known_data;
};

/**
 * Opens `path`. Refuses, each in a sentence of its own: no such file, no permission, a directory,
 * a device or pipe, an empty file (PS_UNSUPPORTED or PS_SYSTEM).
 */
enum ps_status file_open(struct file *file, const char *path, struct ps_error *err);

/**
 * As file_open(), for a file that is open already: takes `fd` over, also when it fails. `path` is
 * for messages.
 */
enum ps_status file_adopt(struct file *file, int fd, const char *path, struct ps_error *err);

/**
 * The path for a message: of a very long one only the end, so that the reason behind it is not cut
 * off. Borrowed.
 */
const char *file_words(const struct file *file);

/** Unmaps and closes. Harmless on a zeroed struct whose fd is -1. */
void file_close(struct file *file);

/**
 * Copies [offset, offset+length) into `to`. PS_ABSENT (with the offset) when it reaches beyond the
 * end of the file, PS_SYSTEM when the disk or a shrinking file takes the bytes away.
 */
enum ps_status file_read(struct file *file, uint64_t offset, void *to, size_t length,
			 struct ps_error *err);

/** Tells the kernel that [offset, offset+length) will be read soon. Never fails. */
void file_prefetch(struct file *file, uint64_t offset, uint64_t length);

/** True when the byte at `offset` is in the page cache: reading it waits for no disk. */
bool file_is_cached(struct file *file, uint64_t offset);

/**
 * The stretch of the file around `offset` that is all data or all hole (SEEK_DATA / SEEK_HOLE):
 * true for data; *ret_start <= offset < *ret_end. Without support in the filesystem all is data.
 */
bool file_is_data(struct file *file, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end);

#endif
