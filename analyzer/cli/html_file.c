/*
 * The file of --html. Does not follow a symbolic link of that name: the link would be replaced, not
 * what it leads to.
 */
#include "analyzer/cli/html_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/new_file.h"

static enum ps_status refuse(const char *path, const char *why, struct ps_error *err)
{
	ps_fail(err, PS_USAGE, "--html does not write %s: %s", path, why);
	ps_hint(err, "name a new file, or `--html -` for standard output");
	return err->status;
}

static bool is_same(const struct stat *found, const char *path)
{
	struct stat other;

	return path && stat(path, &other) == 0 && other.st_dev == found->st_dev &&
	       other.st_ino == found->st_ino;
}

static bool is_read(const struct options *o, const struct stat *found)
{
	bool same = is_same(found, o->file) || is_same(found, o->known);

	for (size_t i = 0; i < o->pooltag_count && !same; i++)
		same = is_same(found, o->pooltag[i]);
	for (size_t i = 0; i < o->httperr_count && !same; i++)
		same = is_same(found, o->httperr[i]);
	for (size_t i = 0; i < o->driver_count && !same; i++)
		same = is_same(found, o->drivers[i]);
	return same;
}

enum ps_status html_file_check(const struct options *options, struct ps_error *err)
{
	const char *path = options->html;
	struct stat found;

	if (lstat(path, &found) == 0) {
		if (S_ISDIR(found.st_mode))
			return refuse(path, "it is a folder", err);
		if (S_ISLNK(found.st_mode))
			return refuse(path, "it is a symbolic link", err);
		if (!S_ISREG(found.st_mode))
			return refuse(path, "it is no regular file", err);
		if (is_read(options, &found))
			return refuse(path, "it is one of the files to read", err);
	} else if (errno != ENOENT) {
		return ps_fail_errno(err, errno, "cannot write %s", path);
	}
	return new_file_check_folder(path, err);
}

/* Closes `out`; a full disk may show itself only here. */
static enum ps_status finish(FILE *out, const char *path, struct ps_error *err)
{
	bool failed = ferror(out) != 0;

	errno = 0;
	if (fclose(out) != 0 || failed)
		return errno ? ps_fail_errno(err, errno, "cannot write %s", path)
			     : ps_fail(err, PS_SYSTEM, "cannot write %s", path);
	return PS_OK;
}

static enum ps_status write_page(const struct new_file *file, html_writer *write,
				 const void *context, struct ps_error *err)
{
	int fd = dup(file->fd);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	struct ps_error closing = PS_ERROR_INIT;
	enum ps_status status;

	if (!out) {
		ps_fail_errno(err, errno, "cannot write %s", file->path);
		if (fd >= 0)
			close(fd);
		return err->status;
	}
	status = write(context, out, err);
	if (finish(out, file->path, &closing) != PS_OK && status == PS_OK) {
		*err = closing;
		status = closing.status;
	}
	return status;
}

enum ps_status html_file_write(const char *path, html_writer *write, const void *context,
			       struct ps_error *err)
{
	struct new_file file;

	if (new_file_create(&file, path, err) != PS_OK)
		return err->status;
	if (write_page(&file, write, context, err) == PS_OK)
		return new_file_commit(&file, true, err);
	new_file_discard(&file);
	return err->status;
}
