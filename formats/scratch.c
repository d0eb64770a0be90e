/*
 * Files without a name for what is unpacked, and the words when there is no room for them.
 *
 * Not supported: a directory on which neither O_TMPFILE nor removing an open file works.
 */
#include "formats/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/formats.h"

enum { BLOCK = 4096 };

static const char *directory_of(void)
{
	const char *directory = getenv("TMPDIR");

	return directory && directory[0] != '\0' ? directory : "/tmp";
}

static int open_unnamed(const char *directory)
{
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* Not every filesystem has files without a name. */
	if ((size_t)snprintf(path, sizeof(path), "%s/poolscope-XXXXXX", directory) >= sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

enum ps_status scratch_open(struct scratch *scratch, const char *what, const char *otherwise,
			    struct ps_error *err)
{
	*scratch = (struct scratch){open_unnamed(directory_of()), what, otherwise};
	if (scratch->fd >= 0)
		return PS_OK;
	ps_fail_errno(err, errno, "cannot make a file in %s", directory_of());
	ps_hint(err, "set TMPDIR to a directory that can be written");
	return err->status;
}

enum ps_status scratch_check_room(const struct scratch *scratch, const char *doing, uint64_t bytes,
				  struct ps_error *err)
{
	char wanted[WORDS_SIZE], there[WORDS_SIZE];
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(scratch->fd, &fs) != 0)
		return PS_OK; /* writing will tell */
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes <= room)
		return PS_OK;
	ps_fail(err, PS_SYSTEM, "%s takes %s in %s, which has %s free", doing,
		size_words(bytes, wanted), directory_of(), size_words(room, there));
	ps_hint(err, "set TMPDIR to a directory with room, or %s", scratch->otherwise);
	return err->status;
}

static enum ps_status fail_write(const struct scratch *scratch, int errnum, struct ps_error *err)
{
	ps_fail_errno(err, errnum, "cannot write %s in %s", scratch->what, directory_of());
	if (errnum == EFBIG)
		ps_hint(err, "raise the limit of file sizes (ulimit -f), or %s",
			scratch->otherwise);
	else if (errnum == ENOSPC || errnum == EDQUOT)
		ps_hint(err, "set TMPDIR to a directory with room, or %s", scratch->otherwise);
	return err->status;
}

enum ps_status scratch_write(const struct scratch *scratch, const void *from, size_t length,
			     uint64_t offset, struct ps_error *err)
{
	if (!io_write(scratch->fd, from, length, offset))
		return fail_write(scratch, errno, err);
	return PS_OK;
}

static bool is_zero(const uint8_t *from, size_t length)
{
	return from[0] == 0 && memcmp(from, from + 1, length - 1) == 0;
}

/* The first stretch of [0, length) that is all zero blocks, or has none. */
static size_t stretch_of(const uint8_t *from, size_t length, uint64_t offset, bool *ret_zero)
{
	size_t end = 0;

	while (end < length) {
		size_t part = BLOCK - (size_t)((offset + end) % BLOCK);
		bool zero;

		if (part > length - end)
			part = length - end;
		zero = is_zero(from + end, part);
		if (end == 0)
			*ret_zero = zero;
		else if (zero != *ret_zero)
			break;
		end += part;
	}
	return end;
}

enum ps_status scratch_write_sparse(const struct scratch *scratch, const void *from, size_t length,
				    uint64_t offset, uint64_t *written, struct ps_error *err)
{
	const uint8_t *next = from;

	while (length > 0) {
		bool zero = false;
		size_t part = stretch_of(next, length, offset, &zero);

		if (!zero) {
			if (scratch_write(scratch, next, part, offset, err) != PS_OK)
				return err->status;
			*written += part;
		}
		next += part;
		length -= part;
		offset += part;
	}
	return PS_OK;
}

enum ps_status scratch_resize(const struct scratch *scratch, uint64_t size, struct ps_error *err)
{
	return ftruncate(scratch->fd, (off_t)size) == 0 ? PS_OK : fail_write(scratch, errno, err);
}

int scratch_release(struct scratch *scratch)
{
	int fd = scratch->fd;

	scratch->fd = -1;
	return fd;
}

void scratch_close(struct scratch *scratch)
{
	if (scratch->fd >= 0)
		close(scratch->fd);
	scratch->fd = -1;
}
