/*
 * Finds the offsets of EPROCESS where neither symbols nor a layout of the build are known, in the
 * process System, the first of the list: its pid is 4 and lies before the links in every kernel,
 * its name is known, and an EPROCESS begins with a dispatcher header of a process to which nobody
 * waits.
 *
 * Finds no times, no sessions, no numbers of threads.
 */
#include "analyzer/kernel/process_offsets.h"

#include <string.h>

enum {
	DTB_64 = 0x28, /* KPROCESS.DirectoryTableBase: 5.1 to 10.0 */
	DTB_32 = 0x18,
	WAIT_LIST = 8, /* DISPATCHER_HEADER.WaitListHead */
	PROCESS_TYPE = 3,
	SYSTEM_PID = 4,
	LINKS_FIRST = 0x60, /* offsets that are tried */
	LINKS_LAST = 0x1000,
	NAME_LAST = 0x400, /* behind the links */
	NODES = 4,
};

struct place {
	struct kernel *kernel;
	uint64_t head, links; /* of the System process: VA */
	unsigned width;       /* of a pointer, bytes */
};

static bool read_pointer(struct kernel *kernel, uint64_t va, uint64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;

	return space_read_pointer(kernel->space, va, ret, &ignored) == PS_OK;
}

static bool is_base(const struct place *p, uint64_t va)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t type;
	uint64_t list;

	return space_read(p->kernel->space, va, &type, 1, &ignored) == PS_OK &&
	       type == PROCESS_TYPE && read_pointer(p->kernel, va + WAIT_LIST, &list) &&
	       list == va + WAIT_LIST &&
	       read_pointer(p->kernel, va + WAIT_LIST + p->width, &list) && list == va + WAIT_LIST;
}

/* The name, and behind it nothing to the end of its field. */
static uint64_t find_name(const struct place *p)
{
	static const uint8_t want[15] = "System";
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t there[sizeof(want)];

	for (unsigned offset = 2 * p->width; offset < NAME_LAST; offset += 4) {
		if (space_read(p->kernel->space, p->links + offset, there, sizeof(there),
			       &ignored) == PS_OK &&
		    memcmp(there, want, sizeof(want)) == 0)
			return p->links + offset;
	}
	return 0;
}

/* Where NULL or a handle table of that very process stands in the first processes of the list. */
static bool is_table(const struct place *p, const struct process_offsets *o, unsigned offset,
		     unsigned owner)
{
	uint64_t links = p->links, table, pid, of;

	for (unsigned i = 0; i < NODES && links != p->head; i++) {
		uint64_t va = links - o->links;

		if (!read_pointer(p->kernel, va + offset, &table) ||
		    !read_pointer(p->kernel, va + o->pid, &pid))
			return false;
		if (table == 0 && i > 0)
			; /* it has ended */
		else if (!space_is_kernel_address(p->kernel->space, table) ||
			 !read_pointer(p->kernel, table + owner, &of) || of != pid)
			return false;
		if (!read_pointer(p->kernel, links, &links))
			return false;
	}
	return true;
}

static uint16_t find_table(const struct place *p, const struct process_offsets *o)
{
	/* HANDLE_TABLE.UniqueProcessId: up to 6.1, from 6.2 on */
	const unsigned owners[] = {2 * p->width, p->width == 8 ? 0x28u : 0x18u};

	for (unsigned i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		for (unsigned at = 2 * p->width; at < NAME_LAST; at += p->width) {
			if (is_table(p, o, o->links + at, owners[i]))
				return (uint16_t)(o->links + at);
		}
	}
	return 0;
}

bool process_offsets_search(struct kernel *kernel, uint64_t head, struct process_offsets *ret)
{
	struct place p = {kernel, head, .width = kernel->pointer_size};
	uint64_t pid, name, base;
	unsigned offset = LINKS_FIRST;

	if (!read_pointer(kernel, head, &p.links) ||
	    !space_is_kernel_address(kernel->space, p.links) ||
	    !read_pointer(kernel, p.links - p.width, &pid) || pid != SYSTEM_PID)
		return false;
	name = find_name(&p);
	while (name && offset < LINKS_LAST && !is_base(&p, p.links - offset))
		offset += p.width;
	if (!name || offset >= LINKS_LAST)
		return false;
	base = p.links - offset;
	*ret = (struct process_offsets){
		.dtb = p.width == 8 ? DTB_64 : DTB_32,
		.pid = (uint16_t)(offset - p.width),
		.links = (uint16_t)offset,
		.name = (uint16_t)(name - base),
	};
	ret->table = find_table(&p, ret);
	return true;
}
