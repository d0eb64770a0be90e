/*
 * A regular file as a random-access source of bytes: mapped, or read with pread() where it cannot
 * be mapped (no address space, a filesystem without mmap).
 *
 * Not supported: a file that grows after it was opened (its new end is not seen). When a file
 * shrinks while it is mapped, the rest of the page that holds its new end reads as zeros; every
 * page behind that is reported.
 */
#include "formats/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/signals.h"

static const char *path_words(const char *path)
{
	enum { PATH_SHOWN = 500 };
	size_t length = strlen(path);

	return length > PATH_SHOWN ? path + length - PATH_SHOWN : path;
}

const char *file_words(const struct file *file)
{
	return path_words(file->path);
}

static const char *file_kind(mode_t mode)
{
	if (S_ISFIFO(mode))
		return "pipe";
	if (S_ISSOCK(mode))
		return "socket";
	if (S_ISBLK(mode) || S_ISCHR(mode))
		return "device";
	return "unknown kind";
}

static enum ps_status check_kind(const char *path, const struct stat *st, struct ps_error *err)
{
	if (S_ISDIR(st->st_mode)) {
		ps_fail(err, PS_UNSUPPORTED, "%s is a directory, not a dump file",
			path_words(path));
		ps_hint(err, "name one dump in it, for example MEMORY.DMP");
		return err->status;
	}
	if (!S_ISREG(st->st_mode)) {
		ps_fail(err, PS_UNSUPPORTED, "%s is not a regular file (%s)", path_words(path),
			file_kind(st->st_mode));
		ps_hint(err, "copy it to a file and open that");
		return err->status;
	}
	if (st->st_size <= 0) {
		ps_fail(err, PS_UNSUPPORTED, "%s is empty (0 bytes)", path_words(path));
		ps_hint(err, "Windows wrote no dump into it, or the copy failed: look at the disk "
			     "space of the server and copy the dump again");
		return err->status;
	}
	return PS_OK;
}

/* Looks before it opens: opening a pipe waits for a writer, and opening a device can act on it. */
static enum ps_status open_regular(const char *path, int *ret_fd, uint64_t *ret_size,
				   struct ps_error *err)
{
	struct stat st;
	int fd;

	if (stat(path, &st) != 0)
		return ps_fail_errno(err, errno, "cannot open %s", path_words(path));
	if (check_kind(path, &st, err) != PS_OK)
		return err->status;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return ps_fail_errno(err, errno, "cannot open %s", path_words(path));
	if (fstat(fd, &st) != 0)
		ps_fail_errno(err, errno, "cannot open %s", path_words(path));
	else if (check_kind(path, &st, err) == PS_OK) {
		*ret_fd = fd;
		*ret_size = (uint64_t)st.st_size;
		return PS_OK;
	}
	close(fd);
	return err->status;
}

static const uint8_t *map_file(int fd, uint64_t size)
{
	void *map;

	if (size > SIZE_MAX)
		return NULL;
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	/* A page-table walk touches single pages far apart: reading around each costs 4 times as
	 * long on a cold file. Scans announce what they need with file_prefetch(). */
	madvise(map, (size_t)size, MADV_RANDOM);
	return map;
}

enum ps_status file_open(struct file *file, const char *path, struct ps_error *err)
{
	struct file opened = {.fd = -1};

	if (strcmp(path, "-") == 0) {
		ps_fail(err, PS_UNSUPPORTED,
			"standard input cannot be used: a dump needs random access");
		ps_hint(err, "save it to a file and give the name of the file");
		return err->status;
	}
	if (open_regular(path, &opened.fd, &opened.size, err) != PS_OK)
		return err->status;
	opened.path = mem_strndup(path, strlen(path));
	if (!opened.path) {
		close(opened.fd);
		return ps_fail_memory(err, "the name of the file");
	}
	opened.map = map_file(opened.fd, opened.size);
	*file = opened;
	return PS_OK;
}

enum ps_status file_adopt(struct file *file, int fd, const char *path, struct ps_error *err)
{
	struct file opened = {.fd = fd};
	struct stat st;

	if (fstat(fd, &st) != 0)
		ps_fail_errno(err, errno, "cannot open %s", path_words(path));
	else if (check_kind(path, &st, err) == PS_OK) {
		opened.size = (uint64_t)st.st_size;
		opened.path = mem_strndup(path, strlen(path));
		if (opened.path) {
			opened.map = map_file(fd, opened.size);
			*file = opened;
			return PS_OK;
		}
		ps_fail_memory(err, "the name of the file");
	}
	close(fd);
	return err->status;
}

void file_close(struct file *file)
{
	if (file->map)
		munmap((void *)(uintptr_t)file->map, (size_t)file->size);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct file){.fd = -1};
}

/*
 * Longer reads take pread(): copying 4 MiB out of the map costs a page fault for every 16 pages of
 * it, and the pages stay mapped.
 */
enum { LONG_READ = 256 << 10 };

static enum ps_status read_with_pread(struct file *file, uint64_t offset, void *to, size_t length,
				      struct ps_error *err)
{
	size_t done = 0;

	while (done < length) {
		ssize_t got =
			pread(file->fd, (char *)to + done, length - done, (off_t)(offset + done));

		if (got > 0)
			done += (size_t)got;
		else if (got == 0)
			return ps_fail_at(err, PS_SYSTEM, offset + done,
					  "cannot read file offset 0x%" PRIx64
					  ": the file shrank while it was read",
					  offset + done);
		else if (errno != EINTR)
			return ps_fail_errno(err, errno, "cannot read file offset 0x%" PRIx64,
					     offset + done);
	}
	return PS_OK;
}

enum ps_status file_read(struct file *file, uint64_t offset, void *to, size_t length,
			 struct ps_error *err)
{
	if (offset > file->size || length > file->size - offset)
		return ps_fail_at(err, PS_ABSENT, offset,
				  "file offset 0x%" PRIx64
				  ", length %zu, reaches beyond the end of the "
				  "file (%" PRIu64 " bytes)",
				  offset, length, file->size);
	if (!file->map || length >= LONG_READ) {
		if (read_with_pread(file, offset, to, length, err) != PS_OK)
			return err->status;
	} else if (!signals_copy(to, file->map + offset, length)) {
		return ps_fail_at(err, PS_SYSTEM, offset,
				  "cannot read file offset 0x%" PRIx64
				  ": the file shrank while it was read, or the disk failed",
				  offset);
	}
	file->bytes_read += length;
	return PS_OK;
}

void file_prefetch(struct file *file, uint64_t offset, uint64_t length)
{
	if (offset >= file->size || length == 0)
		return;
	if (length > file->size - offset)
		length = file->size - offset;
	/* Fills the page cache whether the file is mapped or not; the kernel rounds to pages. */
	posix_fadvise(file->fd, (off_t)offset, (off_t)length, POSIX_FADV_WILLNEED);
}

bool file_is_cached(struct file *file, uint64_t offset)
{
	uint8_t byte;
	struct iovec into = {.iov_base = &byte, .iov_len = 1};

	return preadv2(file->fd, &into, 1, (off_t)offset, RWF_NOWAIT) == 1;
}

/* One stretch that begins at `offset`. False when the filesystem cannot tell. */
static bool ask_stretch(int fd, uint64_t offset, uint64_t size, uint64_t *ret_end, bool *ret_data)
{
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
	off_t end;

	if (data < 0 && errno == ENXIO) { /* nothing but hole up to the end */
		*ret_end = size;
		*ret_data = false;
		return true;
	}
	if (data < 0)
		return false;
	*ret_data = (uint64_t)data == offset;
	if (!*ret_data) {
		*ret_end = (uint64_t)data;
		return true;
	}
	end = lseek(fd, (off_t)offset, SEEK_HOLE);
	if (end < 0 || (uint64_t)end <= offset)
		return false;
	*ret_end = (uint64_t)end;
	return true;
}

/*
 * Remembers the stretch. SEEK_DATA and SEEK_HOLE tell only how a stretch goes on from an offset, so
 * one that reaches or meets the known stretch of its kind makes that longer at its front.
 */
static void remember_stretch(struct file *file, uint64_t start, uint64_t end, bool data)
{
	bool joins = file->known_data == data && start < file->known_start &&
		     end >= file->known_start && end <= file->known_end;

	file->known_start = start;
	if (!joins)
		file->known_end = end;
	file->known_data = data;
}

bool file_is_data(struct file *file, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
	if (offset < file->known_start || offset >= file->known_end) {
		uint64_t end;
		bool data;

		if (offset >= file->size)
			remember_stretch(file, file->size, UINT64_MAX, false);
		else if (ask_stretch(file->fd, offset, file->size, &end, &data))
			remember_stretch(file, offset, end < file->size ? end : file->size, data);
		else
			remember_stretch(file, 0, file->size, true);
	}
	*ret_start = file->known_start;
	*ret_end = file->known_end;
	return file->known_data;
}
