/*
 * One case in a process of its own: whatever a file does to the reader, the batch goes on. Limits
 * are set in the child; the parent ends it when its time is up.
 *
 * worker_start() starts it; poll worker.fd for POLLIN; worker_end() collects it. The outputs are
 * files without a name, owned by the worker until worker_fini().
 */
#ifndef PS_ANALYZER_DESK_WORKER_H
#define PS_ANALYZER_DESK_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum worker_output { WORKER_REPORT, WORKER_SUMMARY, WORKER_PAGE, WORKER_OUTPUTS };

struct worker_limits {
	unsigned seconds; /* elapsed; 0: none */
	uint64_t memory;  /* bytes of data, the mapped file not counted; 0: none */
};

/**
 * Runs in the child, with standard output thrown away: writes its results to outputs[]. Its result
 * is the exit status, 0..63.
 */
typedef int worker_job(void *context, const char *path, const int outputs[WORKER_OUTPUTS]);

enum worker_end {
	WORKER_RUNNING,
	WORKER_EXITED,    /* with `status` */
	WORKER_KILLED,    /* by signal `status` */
	WORKER_TIMED_OUT, /* by us */
};

struct worker {
	pid_t pid;
	int fd; /* readable once the child has ended */
	int outputs[WORKER_OUTPUTS];
	uint64_t started_ns, deadline_ns; /* monotonic; deadline 0: none */
	enum worker_end end;
	int status;
	double seconds; /* elapsed, once it has ended */
};

enum ps_status worker_start(struct worker *worker, const struct worker_limits *limits,
			    worker_job *job, void *context, const char *path, struct ps_error *err);

/** Ends a child whose time is up, and all that it started. */
void worker_check_time(struct worker *worker, uint64_t now_ns);

/** Collects a child that has ended. False: it has not. */
bool worker_collect(struct worker *worker);

/** Ends the child if it runs, and closes the outputs. */
void worker_fini(struct worker *worker);

/** Monotonic time in ns. */
uint64_t worker_now(void);

#endif
