/*
 * See new_file.h.
 */
#include "base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* "a/b.html" lies in "a/", "b.html" in "./". */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mem_printf("%.*s", (int)(slash - path + 1), path) : mem_printf("./");
}

enum ps_status new_file_check_folder(const char *path, struct ps_error *err)
{
	char *folder = folder_of(path);
	int cannot = 0;

	if (!folder)
		return ps_fail_memory(err, "the name of a new file");
	if (access(folder, W_OK | X_OK) != 0)
		cannot = errno;
	free(folder);
	return cannot ? ps_fail_errno(err, cannot, "cannot write %s", path) : PS_OK;
}

/* mkstemp() lets nobody else read the file; it gets the rights that any new file has. */
static int open_beside(char *name)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	fd = mkstemp(name);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask) != 0) {
		int cannot = errno;

		close(fd);
		unlink(name);
		errno = cannot;
		fd = -1;
	}
	return fd;
}

enum ps_status new_file_create(struct new_file *file, const char *path, struct ps_error *err)
{
	*file = (struct new_file){.path = path, .fd = -1};
	file->name = mem_printf("%s.XXXXXX", path);
	if (!file->name)
		return ps_fail_memory(err, "the name of a new file");
	file->fd = open_beside(file->name);
	if (file->fd >= 0)
		return PS_OK;
	ps_fail_errno(err, errno, "cannot write %s", path);
	free(file->name);
	file->name = NULL;
	return err->status;
}

/* Not every filesystem can rename without replacing: a second name, then, and the first one goes.
 */
static int give_name(const struct new_file *file, bool replace)
{
	if (replace)
		return rename(file->name, file->path);
	if (renameat2(AT_FDCWD, file->name, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (link(file->name, file->path) != 0)
		return -1;
	unlink(file->name);
	return 0;
}

enum ps_status new_file_commit(struct new_file *file, bool replace, struct ps_error *err)
{
	int fd = file->fd;

	file->fd = -1;
	if (close(fd) != 0 || give_name(file, replace) != 0) {
		ps_fail_errno(err, errno, "cannot write %s", file->path);
		new_file_discard(file);
		return err->status;
	}
	free(file->name);
	file->name = NULL;
	return PS_OK;
}

void new_file_discard(struct new_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->name)
		unlink(file->name);
	free(file->name);
	*file = (struct new_file){.fd = -1};
}
