/*
 * The process that reads through libkdumpfile as its client sees it: started, given the turn,
 * waited for, and judged to be dead or to hang. Private to kdumpfile.c.
 */
#ifndef PS_FORMATS_KDUMPFILE_LINK_H
#define PS_FORMATS_KDUMPFILE_LINK_H

#include <sys/types.h>

#include "formats/file.h"
#include "formats/kdumpfile_process.h"

struct kdumpfile_link {
	pid_t process; /* 0: gone */
	int socket;
	int fd;                 /* borrowed; of the dump */
	uint64_t extra_seconds; /* for opening, on top of what a page may take */
	struct shared *shared;  /* mapped */
	struct ps_error error;  /* how the process ended, the last time */
};

/** How waiting for the process ended. All but the first: it is gone, and link->error says how. */
enum link_end { LINK_ANSWERED, LINK_CRASHED, LINK_HUNG, LINK_INTERRUPTED };

/** Maps the memory that is shared, and starts the process. link_fini() also when it fails. */
enum ps_status link_init(struct kdumpfile_link *link, const struct file *file,
			 struct ps_error *err);

/** Starts another process in the place of one that is gone. */
enum ps_status link_restart(struct kdumpfile_link *link, struct ps_error *err);

/** Ends the process and frees all. */
void link_fini(struct kdumpfile_link *link);

/** Passes the turn: the request is in shared memory. LINK_ANSWERED: it was passed. */
enum link_end link_ask(struct kdumpfile_link *link, enum shared_task task);

/** Waits for the answer; `extra_seconds` more than a page may take. */
enum link_end link_await(struct kdumpfile_link *link, uint64_t extra_seconds);

#endif
