/*
 * Files of single cases; see case_files.h.
 */
#include "analyzer/desk/case_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/desk/results.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/new_file.h"

/* NAME of OUT/cases: the file's own as far as it is harmless, and the hash of its path. */
static char *name_of(const char *path, const struct file_stamp *stamp, const char *out,
		     const char *suffix)
{
	const char *base = strrchr(path, '/');
	char plain[64], id[LINE_ID];
	size_t length = 0;

	base = base ? base + 1 : path;
	for (; *base != '\0' && length < sizeof(plain) - 1; base++) {
		bool harmless = (*base >= 'a' && *base <= 'z') || (*base >= 'A' && *base <= 'Z') ||
				(*base >= '0' && *base <= '9') || *base == '-' ||
				(*base == '.' && length > 0);

		plain[length++] = harmless ? *base : '_';
	}
	plain[length] = '\0';
	results_id(path, stamp, id);
	return mem_printf("%s/cases/%s-%.16s%s", out, plain, id, suffix);
}

enum ps_status case_file_keep(const char *of, const struct file_stamp *stamp, int fd,
			      const char *out, const char *suffix, struct ps_error *err)
{
	char *folder = mem_printf("%s/cases", out), *path = name_of(of, stamp, out, suffix);
	struct new_file file;
	uint64_t length;

	if (!folder || !path)
		ps_fail_memory(err, "a name");
	else if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		ps_fail_errno(err, errno, "cannot make the folder %s", folder);
	else if (new_file_create(&file, path, err) == PS_OK) {
		if (io_copy(file.fd, 0, fd, 0, UINT64_MAX, &length))
			new_file_commit(&file, true, err);
		else
			ps_fail_errno(err, errno, "cannot write %s", path);
		new_file_discard(&file);
	}
	free(folder);
	free(path);
	return err->status;
}

enum ps_status case_file_drop(const char *of, const struct file_stamp *stamp, const char *out,
			      const char *suffix, struct ps_error *err)
{
	char *path = name_of(of, stamp, out, suffix);

	if (!path)
		return ps_fail_memory(err, "a name");
	if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
		ps_fail_errno(err, errno, "cannot remove %s, which is of an earlier state", path);
	free(path);
	return err->status;
}

bool case_file_exists(const char *of, const struct file_stamp *stamp, const char *out,
		      const char *suffix)
{
	char *path = name_of(of, stamp, out, suffix);
	bool there = path && access(path, F_OK) == 0;

	free(path);
	return there;
}

enum ps_status case_file_copy(const char *of, const struct file_stamp *stamp, const char *from,
			      const char *out, const char *suffix, struct ps_error *err)
{
	char *path = name_of(of, stamp, from, suffix);
	int fd;

	if (!path)
		return ps_fail_memory(err, "a name");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(path);
	if (fd < 0)
		return case_file_drop(of, stamp, out, suffix, err);
	case_file_keep(of, stamp, fd, out, suffix, err);
	close(fd);
	return err->status;
}
