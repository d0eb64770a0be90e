/*
 * The lock of a folder of results; see folder.h.
 */
#include "analyzer/desk/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/signals.h"

static void let_go(int *lock)
{
	if (*lock >= 0)
		close(*lock);
	*lock = -1;
}

/* Who reads is soon done; who writes is not. */
static enum ps_status lock_alone(int lock, const char *folder, struct ps_error *err)
{
	enum { STEP_MS = 50, MOST_MS = 30000 };
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};

	for (unsigned waited = 0; flock(lock, LOCK_EX | LOCK_NB) != 0; waited += STEP_MS) {
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (flock(lock, LOCK_SH | LOCK_NB) != 0) {
			ps_fail(err, PS_SYSTEM, "another batch is writing to %s", folder);
			ps_hint(err, "wait until it has ended, or give another folder (-o)");
			return err->status;
		}
		if (waited >= MOST_MS) {
			ps_fail(err, PS_SYSTEM, "%s is being read, by `cases` or a merge", folder);
			ps_hint(err, "wait until that has ended, or give another folder (-o)");
			return err->status;
		}
		flock(lock, LOCK_UN);
		nanosleep(&step, NULL);
	}
	return PS_OK;
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
	else if (lock_alone(*ret_lock, folder, err) != PS_OK)
		let_go(ret_lock);
	free(name);
	return err->status;
}

int folder_read(const char *folder, bool *ret_written)
{
	char *name = mem_printf("%s/.lock", folder);
	int lock = name ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

	*ret_written = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) != 0;
	if (*ret_written)
		let_go(&lock);
	free(name);
	return lock;
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
