/*
 * Starting the process that reads through libkdumpfile, passing it the turn, and the judgement that
 * it is dead or hangs. What becomes of the pages then is the caller's.
 */
#include "formats/kdumpfile_link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/signals.h"

enum {
	LOOK_MS = 50, /* between two looks at a process that does not answer */
	/* A hang is work without an answer: waiting for a slow disk takes no processor time. */
	WORK_SECONDS = 3,
	WAIT_SECONDS = 120,
};

/* Opening reads and indexes maps of the pages: a second more for each 8 GiB of file. */
static const uint64_t bytes_a_second = (uint64_t)8 << 30;

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Processor time of the process; 0 when it cannot be asked. */
static uint64_t work_of(pid_t process)
{
	clockid_t clock;

	return clock_getcpuclockid(process, &clock) == 0 ? nanoseconds(clock) : 0;
}

static void bury(struct kdumpfile_link *link)
{
	if (link->process > 0) {
		kill(link->process, SIGKILL);
		while (waitpid(link->process, NULL, 0) < 0 && errno == EINTR)
			;
	}
	link->process = 0;
}

static enum link_end find_dead(struct kdumpfile_link *link)
{
	int status = 0;

	/* It has closed its socket and is ending by itself: wait, and see how. */
	while (waitpid(link->process, &status, 0) < 0 && errno == EINTR)
		;
	link->process = 0;
	ps_error_clear(&link->error);
	if (WIFSIGNALED(status))
		ps_fail(&link->error, PS_CORRUPT, "libkdumpfile crashed over it (signal %d, %s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		ps_fail(&link->error, PS_CORRUPT, "libkdumpfile gave up over it (exit status %d)",
			WEXITSTATUS(status));
	return LINK_CRASHED;
}

static enum link_end end_hanging(struct kdumpfile_link *link, bool waiting)
{
	bury(link);
	ps_error_clear(&link->error);
	ps_fail(&link->error, PS_CORRUPT, "libkdumpfile %s over it and was ended after %d seconds",
		waiting ? "waited" : "hung", waiting ? WAIT_SECONDS : WORK_SECONDS);
	return LINK_HUNG;
}

static enum link_end end_interrupted(struct kdumpfile_link *link)
{
	bury(link);
	ps_error_clear(&link->error);
	ps_fail(&link->error, PS_INTERRUPTED, "interrupted");
	return LINK_INTERRUPTED;
}

static enum link_end receive(struct kdumpfile_link *link)
{
	char byte;

	return recv(link->socket, &byte, 1, 0) == 1 ? LINK_ANSWERED : find_dead(link);
}

enum link_end link_await(struct kdumpfile_link *link, uint64_t extra_seconds)
{
	const uint64_t second = 1000000000;
	uint64_t worked = 0, started = 0;
	bool first = true;

	for (;;) {
		struct pollfd fd = {.fd = link->socket, .events = POLLIN};
		int ready = poll(&fd, 1, LOOK_MS);

		if (ready > 0)
			return receive(link);
		if (signals_interrupted())
			return end_interrupted(link);
		if (first) {
			worked = work_of(link->process);
			started = nanoseconds(CLOCK_MONOTONIC);
			first = false;
		}
		if (work_of(link->process) > worked + (WORK_SECONDS + extra_seconds) * second)
			return end_hanging(link, false);
		if (nanoseconds(CLOCK_MONOTONIC) >
		    started + (WAIT_SECONDS + extra_seconds) * second)
			return end_hanging(link, true);
	}
}

enum link_end link_ask(struct kdumpfile_link *link, enum shared_task task)
{
	link->shared->task = task;
	return send(link->socket, "", 1, MSG_NOSIGNAL) == 1 ? LINK_ANSWERED : find_dead(link);
}

static enum ps_status start(struct kdumpfile_link *link, struct ps_error *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return ps_fail_errno(err, errno, "cannot talk to a reader process");
	link->socket = pair[0];
	link->process = fork();
	if (link->process == 0)
		kdumpfile_process(link->fd, pair[1], (int)parent, link->shared);
	close(pair[1]);
	if (link->process < 0) {
		link->process = 0;
		return ps_fail_errno(err, errno, "cannot start a reader process");
	}
	return PS_OK;
}

enum ps_status link_restart(struct kdumpfile_link *link, struct ps_error *err)
{
	close(link->socket);
	link->socket = -1;
	return start(link, err);
}

enum ps_status link_init(struct kdumpfile_link *link, const struct file *file, struct ps_error *err)
{
	void *memory;

	*link = (struct kdumpfile_link){.socket = -1, .fd = file->fd};
	link->extra_seconds = file->size / bytes_a_second;
	memory = mmap(NULL, sizeof(*link->shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return ps_fail_memory(err, "the pages of a reader process");
	link->shared = memory;
	return start(link, err);
}

void link_fini(struct kdumpfile_link *link)
{
	bury(link);
	if (link->socket >= 0)
		close(link->socket);
	if (link->shared)
		munmap(link->shared, sizeof(*link->shared));
	*link = (struct kdumpfile_link){.socket = -1};
}
