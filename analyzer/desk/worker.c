/*
 * Worker processes; see worker.h. Linux only: pidfd, memfd.
 *
 * The child is the leader of a process group, so that what it starts itself (readers of containers)
 * ends with it; and it ends when the batch is killed.
 */
#include "analyzer/desk/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t worker_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void limit(__rlimit_resource_t what, uint64_t value)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0)
		return;
	if (now.rlim_max == RLIM_INFINITY || value < now.rlim_max)
		now.rlim_max = value;
	now.rlim_cur = now.rlim_max;
	setrlimit(what, &now);
}

/* Nothing that a child prints is anybody's: what it has to say is in its outputs. */
static bool drop_streams(void)
{
	int null = open("/dev/null", O_RDWR);

	return null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
	       dup2(null, STDERR_FILENO) >= 0;
}

/*
 * Of what the parent has open a child keeps its outputs: with the lock of the results it would hold
 * these when the parent is gone, and the database is none of its business.
 */
static bool keep_outputs(const struct worker *worker, int outputs[WORKER_OUTPUTS])
{
	enum { FIRST = STDERR_FILENO + 1 };

	for (int i = 0; i < WORKER_OUTPUTS; i++) {
		outputs[i] = fcntl(worker->outputs[i], F_DUPFD, FIRST + WORKER_OUTPUTS);
		if (outputs[i] < 0)
			return false;
	}
	for (int i = 0; i < WORKER_OUTPUTS; i++) {
		if (dup2(outputs[i], FIRST + i) < 0)
			return false;
		outputs[i] = FIRST + i;
	}
	return close_range(FIRST + WORKER_OUTPUTS, ~0U, 0) == 0;
}

static _Noreturn void run_child(const struct worker *worker, const struct worker_limits *limits,
				pid_t parent, worker_job *job, void *context, const char *path)
{
	int outputs[WORKER_OUTPUTS];

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !drop_streams() || !keep_outputs(worker, outputs))
		_exit(127);
	limit(RLIMIT_CORE, 0);
	if (limits->memory != 0)
		limit(RLIMIT_DATA, limits->memory);
	_exit(job(context, path, outputs));
}

static bool open_outputs(struct worker *worker)
{
	for (size_t i = 0; i < WORKER_OUTPUTS; i++) {
		worker->outputs[i] = memfd_create("poolscope", MFD_CLOEXEC);
		if (worker->outputs[i] < 0)
			return false;
	}
	return true;
}

enum ps_status worker_start(struct worker *worker, const struct worker_limits *limits,
			    worker_job *job, void *context, const char *path, struct ps_error *err)
{
	pid_t parent = getpid();

	*worker = (struct worker){.fd = -1, .outputs = {-1, -1, -1}};
	worker->started_ns = worker_now();
	if (limits->seconds != 0)
		worker->deadline_ns = worker->started_ns + UINT64_C(1000000000) * limits->seconds;
	if (open_outputs(worker))
		worker->pid = fork();
	else
		worker->pid = -1;
	if (worker->pid == 0)
		run_child(worker, limits, parent, job, context, path);
	if (worker->pid > 0) {
		setpgid(worker->pid, worker->pid); /* here as well: whoever comes first */
		worker->fd = pidfd_open(worker->pid, 0);
	}
	if (worker->fd >= 0)
		return PS_OK;
	ps_fail_errno(err, errno, "cannot start a worker process");
	worker_fini(worker);
	return err->status;
}

static void end_group(const struct worker *worker)
{
	kill(-worker->pid, SIGKILL);
}

void worker_check_time(struct worker *worker, uint64_t now_ns)
{
	if (worker->end != WORKER_RUNNING || worker->deadline_ns == 0 ||
	    now_ns < worker->deadline_ns)
		return;
	end_group(worker);
	worker->end = WORKER_TIMED_OUT;
}

bool worker_collect(struct worker *worker)
{
	int status;

	if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
		return false;
	end_group(worker);
	worker->pid = 0;
	worker->seconds = (double)(worker_now() - worker->started_ns) / 1e9;
	if (worker->end == WORKER_TIMED_OUT)
		return true;
	worker->end = WIFEXITED(status) ? WORKER_EXITED : WORKER_KILLED;
	worker->status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	return true;
}

void worker_fini(struct worker *worker)
{
	if (worker->pid > 0) {
		end_group(worker);
		waitpid(worker->pid, NULL, 0);
	}
	if (worker->fd >= 0)
		close(worker->fd);
	for (size_t i = 0; i < WORKER_OUTPUTS; i++)
		if (worker->outputs[i] >= 0)
			close(worker->outputs[i]);
	*worker = (struct worker){.fd = -1, .outputs = {-1, -1, -1}};
}
