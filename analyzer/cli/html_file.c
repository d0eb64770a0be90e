/*
 * The file of --html. Does not follow a symbolic link of that name: the link would be replaced, not
 * what it leads to.
 */
#include "analyzer/cli/html_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/report/render.h"
#include "base/memory.h"

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

/* "a/b.html" lies in "a/", "b.html" in "./". */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? mem_printf("%.*s", (int)(slash - path + 1), path) : mem_printf("./");
}

static enum ps_status check_folder(const char *path, struct ps_error *err)
{
	char *folder = folder_of(path);
	int cannot = 0;

	if (!folder)
		return ps_fail_memory(err, "the name of the HTML file");
	if (access(folder, W_OK | X_OK) != 0)
		cannot = errno;
	free(folder);
	return cannot ? ps_fail_errno(err, cannot, "cannot write %s", path) : PS_OK;
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
	return check_folder(path, err);
}

/* mkstemp() lets nobody else read the file; it gets the rights that any new file has. */
static FILE *open_beside(char *name)
{
	mode_t mask = umask(0);
	FILE *out = NULL;
	int fd;

	umask(mask);
	fd = mkstemp(name);
	if (fd < 0)
		return NULL;
	if (fchmod(fd, 0666 & ~mask) == 0)
		out = fdopen(fd, "w");
	if (!out) {
		int cannot = errno;

		close(fd);
		unlink(name);
		errno = cannot;
	}
	return out;
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

static enum ps_status write_as(char *name, const char *path, const struct report *report,
			       struct ps_error *err)
{
	FILE *out = open_beside(name);
	struct ps_error closing = PS_ERROR_INIT;
	enum ps_status status;

	if (!out)
		return ps_fail_errno(err, errno, "cannot write %s", path);
	status = render_html(report, out, err);
	if (finish(out, path, &closing) != PS_OK && status == PS_OK) {
		*err = closing;
		status = closing.status;
	}
	if (status == PS_OK && rename(name, path) != 0)
		status = ps_fail_errno(err, errno, "cannot write %s", path);
	if (status != PS_OK)
		unlink(name);
	return status;
}

enum ps_status html_file_write(const char *path, const struct report *report, struct ps_error *err)
{
	char *name = mem_printf("%s.XXXXXX", path);
	enum ps_status status;

	if (!name)
		return ps_fail_memory(err, "the name of the HTML file");
	status = write_as(name, path, report, err);
	free(name);
	return status;
}
