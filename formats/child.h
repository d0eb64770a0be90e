/*
 * A process of its own for code that is not trusted with a hostile file: started with limits around
 * it, waited for, and judged to be dead or to hang. Private to this room.
 *
 * The two ends of a socket are all that it has in common with who started it, and memory that was
 * mapped as shared before. child_end() frees all.
 */
#ifndef PS_FORMATS_CHILD_H
#define PS_FORMATS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
	const char *name; /* who crashed, in messages: "libkdumpfile"; static */
	pid_t process;    /* 0: gone */
	int socket;
	uint64_t worked_ns;    /* processor time of processes that are gone */
	struct ps_error error; /* how the process ended, the last time */
};

/** How waiting for the process ended. All but the first: it is gone, and child->error says how. */
enum child_outcome { CHILD_ANSWERED, CHILD_CRASHED, CHILD_HUNG, CHILD_INTERRUPTED };

/** The life of the process. `parent` is the process that started it. Must not return. */
typedef void child_main(void *context, int socket, int parent);

/** Nothing is started yet; child_end() is harmless. `name` is static. */
void child_init(struct child *child, const char *name);

/** Starts a process, the first one or another in the place of one that is gone. PS_SYSTEM. */
enum ps_status child_start(struct child *child, child_main *run, void *context,
			   struct ps_error *err);

/** Ends the process, if it still lives, and closes the socket. */
void child_end(struct child *child);

/** The other end is closed: how the process ended. CHILD_CRASHED. */
enum child_outcome child_died(struct child *child);

/**
 * Waits until there is something to be received. A hang is work without an answer, since waiting
 * for a slow disk takes no processor time; so there are two limits.
 */
enum child_outcome child_await(struct child *child, unsigned work_seconds, unsigned wait_seconds);

/**
 * In the process: puts limits around it. No signal handler of its parent, no core, no file longer
 * than it was, `memory_most` bytes of memory, and no descriptors but the two; it dies with its
 * parent.
 */
void child_fence(int fd, int socket, int parent, uint64_t memory_most);

#endif
