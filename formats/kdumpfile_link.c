/*
 * Starting the process that reads through libkdumpfile, and passing it the turn. What becomes of
 * the pages when it ends is the caller's.
 */
#include "formats/kdumpfile_link.h"

#include <sys/mman.h>
#include <sys/socket.h>

enum {
	WORK_SECONDS = 3,
	WAIT_SECONDS = 120,
};

/* Opening reads and indexes maps of the pages: a second more for each 8 GiB of file. */
static const uint64_t bytes_a_second = (uint64_t)8 << 30;

enum child_outcome link_await(struct kdumpfile_link *link, unsigned extra_seconds)
{
	enum child_outcome outcome = child_await(&link->child, WORK_SECONDS + extra_seconds,
						 WAIT_SECONDS + extra_seconds);
	char byte;

	if (outcome != CHILD_ANSWERED)
		return outcome;
	return recv(link->child.socket, &byte, 1, 0) == 1 ? CHILD_ANSWERED
							  : child_died(&link->child);
}

enum child_outcome link_ask(struct kdumpfile_link *link, enum shared_task task)
{
	link->shared->task = task;
	return send(link->child.socket, "", 1, MSG_NOSIGNAL) == 1 ? CHILD_ANSWERED
								  : child_died(&link->child);
}

static void run(void *context, int socket, int parent)
{
	struct kdumpfile_link *link = context;

	kdumpfile_process(link->fd, socket, parent, link->shared);
}

enum ps_status link_restart(struct kdumpfile_link *link, struct ps_error *err)
{
	return child_start(&link->child, run, link, err);
}

enum ps_status link_init(struct kdumpfile_link *link, const struct file *file, struct ps_error *err)
{
	void *memory;

	*link = (struct kdumpfile_link){.fd = file->fd};
	child_init(&link->child, "libkdumpfile");
	link->extra_seconds = (unsigned)(file->size / bytes_a_second);
	memory = mmap(NULL, sizeof(*link->shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return ps_fail_memory(err, "the pages of a reader process");
	link->shared = memory;
	return link_restart(link, err);
}

void link_fini(struct kdumpfile_link *link)
{
	child_end(&link->child);
	if (link->shared)
		munmap(link->shared, sizeof(*link->shared));
	link->shared = NULL;
}
