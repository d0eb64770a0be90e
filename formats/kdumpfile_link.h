/*
 * The process that reads through libkdumpfile as its client sees it: started, given the turn, and
 * waited for. Private to kdumpfile.c.
 */
#ifndef PS_FORMATS_KDUMPFILE_LINK_H
#define PS_FORMATS_KDUMPFILE_LINK_H

#include "formats/child.h"
#include "formats/file.h"
#include "formats/kdumpfile_process.h"

struct kdumpfile_link {
	struct child child;     /* its error says how the process ended, the last time */
	int fd;                 /* borrowed; of the dump */
	unsigned extra_seconds; /* for opening, on top of what a page may take */
	struct shared *shared;  /* mapped */
};

/** Maps the memory that is shared, and starts the process. link_fini() also when it fails. */
enum ps_status link_init(struct kdumpfile_link *link, const struct file *file,
			 struct ps_error *err);

/** Starts another process in the place of one that is gone. */
enum ps_status link_restart(struct kdumpfile_link *link, struct ps_error *err);

/** Ends the process and frees all. */
void link_fini(struct kdumpfile_link *link);

/** Passes the turn: the request is in shared memory. CHILD_ANSWERED: it was passed. */
enum child_outcome link_ask(struct kdumpfile_link *link, enum shared_task task);

/** Waits for the answer; `extra_seconds` more than a page may take. */
enum child_outcome link_await(struct kdumpfile_link *link, unsigned extra_seconds);

#endif
