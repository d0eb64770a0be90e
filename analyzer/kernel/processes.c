/*
 * Walks PsActiveProcessHead's list. See processes.h.
 *
 * Source of the meaning: Windows Internals (a process object stays in the list until it is deleted;
 * at its end it loses its handle table and its threads); ObGetProcessHandleCount of public kernels
 * for the counts.
 */
#include "analyzer/kernel/processes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/list_walk.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	PROCESS_LIMIT = 1000000, /* the list of a hostile dump is as long as its memory */
	EXITING = 1 << 2,        /* EPROCESS.Flags: ProcessExiting */
	SESSION_LIMIT = 0x10000,
	ASK_EVERY = 4096, /* processes between two looks for Ctrl-C */
};

struct walk {
	struct kernel *kernel;
	struct process_list *list;
	unsigned free_lists;
	size_t looks; /* at entries */
};

const char *process_state_word(enum process_state state)
{
	switch (state) {
	case PROCESS_RUNS: return "running";
	case PROCESS_EXITED: return "exited";
	case PROCESS_UNKNOWN: break;
	}
	return "unknown";
}

void process_list_fini(struct process_list *list)
{
	free(list->items);
	free(list->offsets_source);
	*list = (struct process_list){.items = NULL};
}

/* 0: the member's place is not known. */
static struct fact read_uint(struct walk *w, uint64_t process, uint16_t member, size_t width)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct fact fact = {false, 0};
	uint32_t narrow = 0;

	if (member == 0)
		return fact;
	if (width == 4) {
		fact.known = space_read_u32(w->kernel->space, process + member, &narrow,
					    &ignored) == PS_OK;
		fact.value = narrow;
	} else {
		fact.known = space_read_u64(w->kernel->space, process + member, &fact.value,
					    &ignored) == PS_OK;
	}
	return fact;
}

static struct fact read_pointer(struct walk *w, uint64_t process, uint16_t member)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct fact fact = {false, 0};

	if (member != 0)
		fact.known = space_read_pointer(w->kernel->space, process + member, &fact.value,
						&ignored) == PS_OK;
	return fact;
}

/* A time that is 0 has not come. */
static struct fact read_time(struct walk *w, uint64_t process, uint16_t member)
{
	struct fact fact = read_uint(w, process, member, 8);

	fact.known = fact.known && fact.value != 0;
	return fact;
}

/* By threads and flags where their places are known; without them only a handle table tells. */
static enum process_state state_of(struct walk *w, const struct process *p,
				   const struct fact *table)
{
	struct fact flags = read_uint(w, p->va, w->list->offsets.flags, 4);

	if (p->threads.known && flags.known) {
		if (p->threads.value == 0 && flags.value & EXITING)
			return PROCESS_EXITED;
		return PROCESS_RUNS;
	}
	if (p->threads.known && p->threads.value > 0)
		return PROCESS_RUNS;
	return table->known && table->value != 0 ? PROCESS_RUNS : PROCESS_UNKNOWN;
}

static void read_session(struct walk *w, struct process *p)
{
	const struct process_offsets *o = &w->list->offsets;
	struct fact space = read_pointer(w, p->va, o->session);
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t id;

	p->no_session = o->session != 0 && space.known && space.value == 0;
	if (!space.known || space.value == 0 || o->session_id == 0 ||
	    !space_is_kernel_address(w->kernel->space, space.value) ||
	    space_read_u32(w->kernel->space, space.value + o->session_id, &id, &ignored) != PS_OK ||
	    id >= SESSION_LIMIT)
		return;
	p->session = (struct fact){true, id};
}

static void read_handles(struct walk *w, struct process *p, const struct fact *table)
{
	if (p->state == PROCESS_EXITED)
		return;
	if (!table->known)
		p->handles_note = w->list->offsets.table
					  ? "its EPROCESS is not wholly in the dump"
					  : "the place of ObjectTable in EPROCESS is not known";
	else if (table->value == 0)
		p->handles_note = "it has no handle table";
	else
		process_count_handles(w->kernel, table->value, &w->free_lists, p);
}

/* Handles that others have open to it: OBJECT_HEADER.HandleCount, which lies before the object. */
static void read_held(struct walk *w, struct process *p)
{
	struct ps_error ignored = PS_ERROR_INIT;
	unsigned width = w->kernel->pointer_size;
	uint64_t count;

	if (p->state == PROCESS_EXITED &&
	    space_read_pointer(w->kernel->space, p->va - 5 * width, &count, &ignored) == PS_OK &&
	    count <= INT32_MAX)
		p->held = (struct fact){true, count};
}

static enum ps_status add(struct walk *w, const struct process *p, struct ps_error *err)
{
	struct process_list *list = w->list;
	void *items = list->items;

	if (!mem_grow(&items, list->count, &list->capacity, sizeof(*p)))
		return ps_fail_memory(err, "the list of processes");
	list->items = items;
	list->items[list->count++] = *p;
	list->running += p->state == PROCESS_RUNS;
	list->exited += p->state == PROCESS_EXITED;
	list->unknown += p->state == PROCESS_UNKNOWN;
	return PS_OK;
}

static void sum_handles(struct process_list *list, const struct process *p)
{
	if (p->handles.known)
		list->handles += p->handles.value;
	else if (p->state == PROCESS_RUNS)
		list->handles_unknown++;
}

static enum ps_status read_process(struct walk *w, uint64_t va, struct ps_error *err)
{
	const struct process_offsets *o = &w->list->offsets;
	struct fact table = read_pointer(w, va, o->table);
	struct process p = {.va = va};

	p.pid = read_pointer(w, va, o->pid).value;
	space_read_partial(w->kernel->space, va + o->name, p.name, PROCESS_NAME_BYTES - 1, NULL);
	p.name[PROCESS_NAME_BYTES - 1] = '\0';
	p.parent = read_pointer(w, va, o->parent);
	p.threads = read_uint(w, va, o->active_threads, 4);
	p.created = read_time(w, va, o->created);
	p.exited = read_time(w, va, o->exited);
	p.state = state_of(w, &p, &table);
	read_session(w, &p);
	read_handles(w, &p, &table);
	read_held(w, &p);
	return add(w, &p, err);
}

/* Its bytes are not in the dump: not the same as being something else. */
static bool is_missing(struct walk *w, uint64_t va)
{
	const struct process_offsets *o = &w->list->offsets;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t bytes[16];

	return space_read(w->kernel->space, va, bytes, 1, &ignored) != PS_OK ||
	       space_read(w->kernel->space, va + o->pid, bytes, 8, &ignored) != PS_OK ||
	       space_read(w->kernel->space, va + o->name, bytes, 16, &ignored) != PS_OK;
}

static enum ps_status ask(struct walk *w, struct ps_error *err)
{
	if (w->looks++ % ASK_EVERY == 0 && signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	return PS_OK;
}

static enum ps_status judge(void *context, uint64_t va, enum list_entry *ret, struct ps_error *err)
{
	struct walk *w = context;

	if (ask(w, err) != PS_OK)
		return err->status;
	if (is_missing(w, va))
		*ret = LIST_ENTRY_ABSENT;
	else if (!process_is_one(w->kernel, &w->list->offsets, va))
		*ret = LIST_ENTRY_RUBBISH;
	return PS_OK;
}

static void say_whether_whole(const struct list_walk *links, struct process_list *list)
{
	size_t absent = links->absent, bad = links->bad_links;

	list->complete = links->returned && absent == 0;
	if (!links->returned)
		snprintf(list->note, sizeof(list->note), "%s", links->note);
	else if (absent > 0)
		snprintf(list->note, sizeof(list->note),
			 "%zu of its entries %s not wholly in the dump, except the links", absent,
			 absent == 1 ? "is" : "are");
	else if (bad > 0)
		snprintf(list->note, sizeof(list->note),
			 "%zu link%s of the list %s not lead back to where %s came from", bad,
			 bad == 1 ? "" : "s", bad == 1 ? "does" : "do", bad == 1 ? "it" : "they");
}

static enum ps_status walk_list(struct walk *w, struct ps_error *err)
{
	struct process_list *list = w->list;
	struct list_walk links = {
		.space = w->kernel->space,
		.head = list->head,
		.offset = list->offsets.links,
		.limit = PROCESS_LIMIT,
		.one = "process",
		.many = "processes",
		.judge = judge,
		.context = w,
	};
	enum ps_status status = list_walk(&links, err);

	for (size_t i = 0; i < links.count && status == PS_OK; i++) {
		status = ask(w, err);
		if (status == PS_OK)
			status = read_process(w, links.entries[i], err);
	}
	if (status == PS_OK)
		say_whether_whole(&links, list);
	list_walk_fini(&links);
	return status;
}

/* KDBG names the head of the list, else symbols, else the header of the dump. */
static uint64_t find_head(struct kernel *kernel, const char **ret_source)
{
	uint64_t head = kernel->kdbg.fields[KDBG_PS_ACTIVE_PROCESS_HEAD];

	*ret_source =
		kernel->kdbg.from_symbols >> KDBG_PS_ACTIVE_PROCESS_HEAD & 1 ? "symbols" : "KDBG";
	if (head != 0)
		return head;
	*ret_source = "symbols";
	if (kernel->symbols &&
	    symbols_address_of(kernel->symbols, kernel->base, "PsActiveProcessHead", &head))
		return head;
	*ret_source = "header";
	return space_normalize(kernel->space, kernel->dump->facts.process_list.value);
}

/* ExpFreeListCount, where symbols name it. */
static unsigned free_lists_by_symbol(struct kernel *kernel)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t count;
	uint64_t va;

	if (!kernel->symbols ||
	    !symbols_address_of(kernel->symbols, kernel->base, "ExpFreeListCount", &va) ||
	    space_read_u32(kernel->space, va, &count, &ignored) != PS_OK || count > 2048 ||
	    (kernel->processors.known && count < kernel->processors.value))
		return 0;
	return count;
}

static enum ps_status read_list(struct kernel *kernel, struct process_list *list,
				struct ps_error *err)
{
	struct walk w = {.kernel = kernel, .list = list};
	struct process_proof proof;
	enum ps_status status;

	status = process_offsets_find(kernel, list->head, &list->offsets, &proof,
				      &list->offsets_source, err);
	if (status != PS_OK)
		return status;
	list->same_dtb = proof.same_dtb;
	w.free_lists = free_lists_by_symbol(kernel);
	if (handle_layout(kernel).lists)
		list->count_source =
			w.free_lists ? "ExpFreeListCount" : "pool header of the tables";
	status = walk_list(&w, err);
	if (status == PS_OK)
		status = process_find_holders(kernel, list, err);
	for (size_t i = 0; i < list->count && status == PS_OK; i++)
		sum_handles(list, &list->items[i]);
	return status;
}

enum ps_status processes_read(struct kernel *kernel, struct process_list *ret, struct ps_error *err)
{
	struct process_list list = {.items = NULL};

	if (kernel->dump->triage)
		return ps_fail(err, PS_UNSUPPORTED,
			       "a minidump does not hold the list of processes");
	list.head = find_head(kernel, &list.head_source);
	if (list.head == 0) {
		ps_fail(err, PS_NOT_FOUND,
			"nothing names the list of processes (PsActiveProcessHead): neither KDBG "
			"nor the header of the dump does, and there are no symbols");
		ps_hint(err, "--symbols DIR with the kernel's PDB or ISF");
		return err->status;
	}
	if (read_list(kernel, &list, err) != PS_OK) {
		process_list_fini(&list);
		return err->status;
	}
	*ret = list;
	return PS_OK;
}
