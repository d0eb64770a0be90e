/*
 * Starting a process for code that is not trusted, the limits around it, and the judgement that it
 * is dead or hangs. What that means for the file is the caller's.
 */
#include "formats/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/signals.h"

enum {
	LOOK_MS = 50, /* between two looks at a process that does not answer */
	ENDING_MS = 5000,
	FIRST_FD = 3, /* behind the standard ones */
};

static const uint64_t second_ns = 1000000000;

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

/* Processor time of the process; 0 when it cannot be asked. */
static uint64_t work_of(pid_t process)
{
	clockid_t clock;

	return clock_getcpuclockid(process, &clock) == 0 ? nanoseconds(clock) : 0;
}

/* ---- in the process ---- */

static void limit(int what, rlim_t most)
{
	struct rlimit limits = {most, most};

	setrlimit((__rlimit_resource_t)what, &limits);
}

/* Nothing that the parent has open must live on here, nor be written to by a library that warns. */
static void close_others(int fd, int socket)
{
	unsigned low = (unsigned)(fd < socket ? fd : socket);
	unsigned high = (unsigned)(fd < socket ? socket : fd);
	int null = open("/dev/null", O_RDWR);

	for (int i = 0; null >= 0 && i < FIRST_FD; i++)
		dup2(null, i);
	if (low > FIRST_FD)
		close_range(FIRST_FD, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

void child_fence(int fd, int socket, int parent, uint64_t memory_most)
{
	/* No handler of the parent's: what crashes here must end here. */
	for (int i = 1; i < SIGRTMIN; i++)
		signal(i, SIG_DFL);
	alarm(0);
	/* Ctrl-C is the parent's: it ends this process when it is done. */
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
#ifndef __SANITIZE_ADDRESS__
	limit(RLIMIT_DATA, (rlim_t)memory_most);
#else
	(void)memory_most;
#endif
	close_others(fd, socket);
}

/* ---- its parent ---- */

void child_init(struct child *child, const char *name)
{
	*child = (struct child){.name = name, .socket = -1};
}

/* How it ended; 0 when it cannot be told. */
static int reap(struct child *child)
{
	struct rusage usage = {0};
	int status = 0;

	while (wait4(child->process, &status, 0, &usage) < 0 && errno == EINTR)
		;
	child->process = 0;
	child->worked_ns += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * second_ns +
			    (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	return status;
}

static void bury(struct child *child)
{
	if (child->process > 0) {
		kill(child->process, SIGKILL);
		reap(child);
	}
}

void child_end(struct child *child)
{
	bury(child);
	if (child->socket >= 0)
		close(child->socket);
	child->socket = -1;
}

enum ps_status child_start(struct child *child, child_main *run, void *context,
			   struct ps_error *err)
{
	pid_t parent = getpid();
	int pair[2];

	child_end(child);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return ps_fail_errno(err, errno, "cannot talk to a reader process");
	child->socket = pair[0];
	child->process = fork();
	if (child->process == 0) {
		run(context, pair[1], (int)parent);
		_exit(0);
	}
	close(pair[1]);
	if (child->process < 0) {
		child->process = 0;
		return ps_fail_errno(err, errno, "cannot start a reader process");
	}
	return PS_OK;
}

/* It has closed its socket and should be ending by itself. False when it does not. */
static bool ends_by_itself(struct child *child)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < ENDING_MS; i++) {
		siginfo_t info = {.si_pid = 0};

		if (waitid(P_PID, (id_t)child->process, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid != 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

enum child_outcome child_died(struct child *child)
{
	int status;

	if (!ends_by_itself(child))
		kill(child->process, SIGKILL);
	status = reap(child);
	ps_error_clear(&child->error);
	if (WIFSIGNALED(status))
		ps_fail(&child->error, PS_CORRUPT, "%s crashed over it (signal %d, %s)",
			child->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		ps_fail(&child->error, PS_CORRUPT, "%s gave up over it (exit status %d)",
			child->name, WEXITSTATUS(status));
	return CHILD_CRASHED;
}

static enum child_outcome end_hanging(struct child *child, const char *how, unsigned seconds)
{
	bury(child);
	ps_error_clear(&child->error);
	ps_fail(&child->error, PS_CORRUPT, "%s %s over it and was ended after %u seconds",
		child->name, how, seconds);
	return CHILD_HUNG;
}

static enum child_outcome end_interrupted(struct child *child)
{
	bury(child);
	ps_error_clear(&child->error);
	ps_fail(&child->error, PS_INTERRUPTED, "interrupted");
	return CHILD_INTERRUPTED;
}

enum child_outcome child_await(struct child *child, unsigned work_seconds, unsigned wait_seconds)
{
	uint64_t worked = 0, started = 0;
	bool first = true;

	for (;;) {
		struct pollfd fd = {.fd = child->socket, .events = POLLIN};
		int ready = poll(&fd, 1, LOOK_MS);

		if (ready > 0)
			return CHILD_ANSWERED;
		if (signals_interrupted())
			return end_interrupted(child);
		if (first) {
			worked = work_of(child->process);
			started = nanoseconds(CLOCK_MONOTONIC);
			first = false;
		}
		if (work_of(child->process) > worked + work_seconds * second_ns)
			return end_hanging(child, "hung", work_seconds);
		if (nanoseconds(CLOCK_MONOTONIC) > started + wait_seconds * second_ns)
			return end_hanging(child, "waited", wait_seconds);
	}
}
