/*
 * The lock of a folder of results; see folder.h.
 */
#include "analyzer/desk/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static void let_go(int *lock)
{
	if (*lock >= 0)
		close(*lock);
	*lock = -1;
}

enum ps_status folder_take(const char *folder, int *ret_lock, struct ps_error *err)
{
	char *name = mem_printf("%s/.lock", folder);

	*ret_lock = -1;
	if (!name)
		return ps_fail_memory(err, "the results");
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		ps_fail_errno(err, errno, "cannot make the folder %s", folder);
	else if ((*ret_lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
		ps_fail_errno(err, errno, "cannot write to the folder %s", folder);
	else if (flock(*ret_lock, LOCK_EX | LOCK_NB) != 0) {
		ps_fail(err, PS_SYSTEM, "another batch is writing to %s", folder);
		ps_hint(err, "wait until it has ended, or give another folder (-o)");
		let_go(ret_lock);
	}
	free(name);
	return err->status;
}

enum ps_status folder_hold(const char *folder, int *ret_lock, struct ps_error *err)
{
	char *name = mem_printf("%s/.lock", folder);

	*ret_lock = -1;
	if (!name)
		return ps_fail_memory(err, "the results");
	*ret_lock = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_lock >= 0 && flock(*ret_lock, LOCK_SH | LOCK_NB) != 0) {
		ps_fail(err, PS_SYSTEM, "a batch is writing to %s", folder);
		ps_hint(err, "wait until it has ended; nothing has been merged from it");
		let_go(ret_lock);
	}
	free(name);
	return err->status;
}

/* A case is written whole or not at all, and a batch and a merge go on where they were. */
void folder_advise(const char *folder, struct ps_error *err)
{
	if (err->errnum == ENOSPC || err->errnum == EDQUOT)
		ps_hint(err, "what is done stays: free room for %s and give the same command again",
			folder);
}
