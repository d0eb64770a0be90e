/*
 * Processes: EPROCESS objects in PsActiveProcessHead's list, their handle tables and sessions.
 *
 * An object has its header before it (sizes of OBJECT_HEADER and OBJECT_HEADER_QUOTA_INFO: PDB
 * types of 6.1 to 10.0); a process that has ended is still in the list, without a handle table and
 * without threads. Does not: threads, the idle process, user space, objects other than processes in
 * handle tables.
 */
#include "corpus/processes.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/handle_tables.h"
#include "corpus/machine.h"
#include "corpus/pool.h"
#include "corpus/process_layout.h"
#include "corpus/sessions.h"
#include "corpus/tracker.h"

enum { MOST_PROCESSES = 100000, KEY_PROC = 0x636F7250, EXITING_AND_DELETED = 0xC };

static struct process *add(struct world *w, const char *name)
{
	if (w->process_count == MOST_PROCESSES)
		die("more than %d processes", MOST_PROCESSES);
	w->processes =
		grow(w->processes, w->process_count, &w->process_capacity, sizeof(*w->processes));
	struct process *p = &w->processes[w->process_count++];
	*p = (struct process){.session = NO_SESSION};
	/* 15 bytes with the end, also where there is room for 16 */
	memcpy(p->name, name, strnlen(name, PROCESS_NAME - 1));
	return p;
}

static uint64_t number(const struct line *line, const char *name, uint64_t otherwise)
{
	const char *text = line_option(line, name);
	return text ? parse_number(line, text) : otherwise;
}

/* What the line leaves open is drawn whether it is used or not: no option shifts other draws. */
static void read_process(struct world *w, const struct line *line, struct rng *rng, uint64_t *next)
{
	const struct config *c = w->config;
	struct process *p = add(w, line_word(line, 1, "a name"));
	bool is_system = w->process_count == 1;
	uint64_t step = 4 * (1 + rng_below(rng, 30)), lived = rng_below(rng, c->uptime + 1);
	uint64_t ended = rng_below(rng, lived + 1), handles = 40 + rng_below(rng, 900);
	uint64_t threads = 1 + rng_below(rng, 40);
	p->line = line;
	p->pid = number(line, "pid", is_system ? 4 : *next + step);
	*next = p->pid;
	p->parent = number(line, "parent", is_system ? 0 : 4);
	p->session = number(line, "session", NO_SESSION);
	p->exited = line_has(line, "exited");
	p->created = c->time - (int64_t)(is_system ? c->uptime : lived);
	p->ended = p->exited ? c->time - (int64_t)ended : 0;
	p->handles = p->exited ? 0 : number(line, "handles", handles);
	p->threads = p->exited ? 0 : (uint32_t)number(line, "threads", threads);
	p->holds = p->exited ? NULL : line_option(line, "holds");
	p->dtb = is_system ? machine_cr3(w) : (0x1000 + rng_below(rng, 0x10000)) << PAGE_SHIFT;
	if (!p->pid || p->pid % 4)
		line_fail(line, "pids are multiples of 4");
	if (p->handles > UINT32_MAX / 8)
		line_fail(line, "too many handles");
}

static void read_lines(struct world *w, struct rng *rng)
{
	static char process_word[] = "process", system_word[] = "System";
	static char *system_words[] = {process_word, system_word};
	static const struct line implied = {.file = "built-in", .words = system_words, .count = 2};
	const struct lines *lines = &w->config->lists[LINES_PROCESS];
	const struct line *system = &implied;
	uint64_t next = 4;
	for (size_t i = 0; i < lines->count; i++) {
		if (strcmp(line_word(lines->line[i], 1, "a name"), "System") == 0)
			system = lines->line[i];
	}
	read_process(w, system, rng, &next);
	for (size_t i = 0; i < lines->count; i++) {
		uint64_t count = number(lines->line[i], "count", 1);
		for (uint64_t k = 0; k < count && lines->line[i] != system; k++)
			read_process(w, lines->line[i], rng, &next);
	}
}

/* MM_SESSION_SPACE, of which only the number is there. */
static uint64_t session_space(struct world *w, uint64_t session)
{
	for (size_t i = 0; i < w->process_count; i++) {
		if (w->processes[i].session == session && w->processes[i].session_space)
			return w->processes[i].session_space;
	}
	uint64_t va = pool_block(w, SIDE_NONPAGED, 0x400, "MmSe");
	memory_put(&w->memory, va + layout_session_id(w->config), session, 4);
	world_add_region(w, "session", -1, NULL, va, 0x10);
	return va;
}

static void place(struct world *w, struct process *p)
{
	unsigned width = world_pointer(w);
	uint64_t size = layout_process(w->config).size;
	uint64_t before = width == 8 ? 0x50 : 0x28; /* quota information, object header */
	uint64_t block = pool_block(w, SIDE_NONPAGED, before + size, "Proc");
	p->va = block + before;
	const struct session *session = sessions_find(w, p->session);
	if (session)
		p->dtb = session->dtb;
	if (session)
		p->session_space = session->space;
	else if (p->session != NO_SESSION && layout_process(w->config).session)
		p->session_space = session_space(w, p->session);
	world_add_region(w, "process", -1, p->name, block, before + size);
}

static void write_object_header(struct world *w, const struct process *p)
{
	unsigned width = world_pointer(w);
	uint64_t header = p->va - 6 * width;
	memory_put(&w->memory, header, p->held + (p->exited ? 1 : 5 * p->threads), width);
	memory_put(&w->memory, header + width, p->held, width);
}

static void write_process(struct world *w, const struct process *p)
{
	struct memory *m = &w->memory;
	struct process_layout l = layout_process(w->config);
	unsigned width = world_pointer(w);
	memory_put(m, p->va, 3, 1);                 /* DISPATCHER_HEADER.Type: a process */
	memory_put(m, p->va + 8, p->va + 8, width); /* WaitListHead: nobody waits for it */
	memory_put(m, p->va + 8 + width, p->va + 8, width);
	memory_put(m, p->va + layout_process_dtb(w->config), p->dtb, width);
	memory_put(m, p->va + l.pid, p->pid, width);
	memory_put(m, p->va + l.parent, p->parent, width);
	memory_write(m, p->va + l.name, p->name, sizeof(p->name));
	memory_put(m, p->va + l.object_table, p->table, width);
	memory_put(m, p->va + l.create_time, machine_filetime(p->created), 8);
	if (p->ended && l.exit_time)
		memory_put(m, p->va + l.exit_time, machine_filetime(p->ended), 8);
	/* Members of the list of threads are made up; without any, it leads to itself. */
	uint64_t list = p->va + l.threads, thread = p->threads ? p->va + l.size + 0x2000 : list;
	memory_put(m, list, thread, width);
	memory_put(m, list + width, thread, width);
	memory_put(m, p->va + l.active_threads, p->threads, 4);
	memory_put(m, p->va + l.flags, 0xD000 | (p->exited ? EXITING_AND_DELETED : 0), 4);
	if (l.session)
		memory_put(m, p->va + l.session, p->session_space, width);
	if (p->pid != 4 && !p->exited)
		memory_put(m, p->va + l.peb, 0x7FFD0000 + (p->pid << PAGE_SHIFT), width);
	write_object_header(w, p);
}

static uint64_t links_of(const struct world *w, size_t index)
{
	uint32_t links = layout_process(w->config).pid + world_pointer(w);
	return w->processes[index].va + links;
}

static void link_two(struct world *w, uint64_t from, uint64_t to)
{
	memory_put(&w->memory, from, to, world_pointer(w));
	memory_put(&w->memory, to + world_pointer(w), from, world_pointer(w));
}

static void link_all(struct world *w)
{
	uint64_t head = global_address(w, "PsActiveProcessHead");
	size_t count = w->process_count, middle = count / 2;
	unsigned width = world_pointer(w);
	link_two(w, head, links_of(w, 0));
	for (size_t i = 0; i + 1 < count; i++)
		link_two(w, links_of(w, i), links_of(w, i + 1));
	link_two(w, links_of(w, count - 1), head);
	switch (w->config->process_list) {
	case PROCESSES_PROPER: break;
	case PROCESSES_LOOP:
		memory_put(&w->memory, links_of(w, count - 1), links_of(w, middle), width);
		break;
	case PROCESSES_NOWHERE:
		memory_put(&w->memory, links_of(w, middle), w->config->paged.end - PAGE_SIZE,
			   width);
		break;
	case PROCESSES_BACKLINK:
		memory_put(&w->memory, links_of(w, middle) + width, links_of(w, 0), width);
		break;
	}
}

void processes_write(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "processes");
	if (!w->config->lists[LINES_PROCESS].count)
		return;
	read_lines(w, &rng);
	for (size_t i = 0; i < w->process_count; i++)
		place(w, &w->processes[i]);
	handle_tables_write(w, &rng);
	for (size_t i = 0; i < w->process_count; i++)
		write_process(w, &w->processes[i]);
	link_all(w);
	global_set(w, "PsInitialSystemProcess", w->processes[0].va);
	global_set(w, "ExpFreeListCount", handle_tables_lists(w));
	tracker_charge_blocks(w);
}
