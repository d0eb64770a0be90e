/*
 * The processes: those that run, in the order asked for, and those that have ended, also by name
 * and parent.
 */
#include "plugins/plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct sorted {
	const struct process *process;
	enum process_sort key;
};

static int compare_numbers(const struct fact *a, const struct fact *b)
{
	uint64_t x = a->known ? a->value + 1 : 0, y = b->known ? b->value + 1 : 0;

	return x < y ? 1 : -(x > y);
}

/* Those that have ended come last whatever the key: there can be very many of them. */
static int compare(const void *a, const void *b)
{
	const struct sorted *s = a, *t = b;
	const struct process *x = s->process, *y = t->process;
	int order = (x->state == PROCESS_EXITED) - (y->state == PROCESS_EXITED);

	if (order == 0 && s->key == BY_HOLDS)
		order = compare_numbers(&x->holds, &y->holds);
	if (order == 0 && s->key == BY_NAME)
		order = strcasecmp(x->name, y->name);
	if (order == 0 && s->key != BY_PID && s->key != BY_NAME)
		order = compare_numbers(&x->handles, &y->handles);
	if (order == 0)
		order = x->pid < y->pid ? -1 : x->pid > y->pid;
	return order != 0 ? order : x->va < y->va ? -1 : x->va > y->va;
}

static struct report_number number(const struct fact *fact, const char *note)
{
	return (struct report_number){fact->known, fact->value, fact->known ? NULL : note};
}

static struct report_string time_of(struct report *report, const struct fact *fact,
				    const char *note, bool *fits)
{
	struct report_string s = {NULL, note};

	if (fact->known) {
		s = (struct report_string){filetime_text(report, fact->value), NULL};
		*fits = *fits && s.value;
	}
	return s;
}

/* The bytes are of a code page that the dump does not name: only those of ASCII are letters. */
static const char *name_text(struct report *report, const char *name)
{
	char text[4 * PROCESS_NAME_BYTES + 1];
	size_t used = 0;

	for (; *name != '\0'; name++) {
		unsigned byte = (unsigned char)*name;

		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 byte < 0x20 || byte > 0x7e ? "\\x%02x" : "%c", byte);
	}
	return report_text(report, "%s", used > 0 ? text : "");
}

static const char *session_note(const struct process_list *list, const struct process *p)
{
	if (list->offsets.session == 0 || list->offsets.session_id == 0)
		return "where this build keeps a process's session is not known";
	return p->state == PROCESS_EXITED ? "the process has ended"
					  : "the process is in none, or it is not in the dump";
}

static bool fill(struct report *report, const struct process_list *list, const struct process *p,
		 struct report_process *to)
{
	static const char not_known[] = "its place in EPROCESS is not known, or not in the dump";
	const bool exited = p->state == PROCESS_EXITED;
	bool fits = true;

	*to = (struct report_process){.address = p->va, .pid = p->pid, .exited = exited};
	to->name.value = name_text(report, p->name);
	to->state = process_state_word(p->state);
	to->parent = number(&p->parent, not_known);
	to->session = number(&p->session, session_note(list, p));
	to->threads = number(&p->threads, not_known);
	to->handles = number(&p->handles, exited ? "a process that has ended has no handle table"
					  : p->handles_note ? p->handles_note
							    : not_known);
	to->held = number(&p->held, exited ? "its object header is not in the dump"
					   : "looked at for processes that have ended only");
	to->holds = number(&p->holds, exited              ? "the process has ended"
				      : list->exited == 0 ? "no process of the list has ended"
							  : "its handle table was not read");
	to->holds_at_least = p->holds.known && p->holds_at_least;
	to->started = time_of(report, &p->created, not_known, &fits);
	to->ended = time_of(report, &p->exited, exited ? not_known : "the process has not ended",
			    &fits);
	return fits && to->name.value;
}

static bool fill_all(const struct plugin_input *input, struct report *report)
{
	const struct process_list *list = input->processes;
	struct report_processes *to = &report->processes;
	struct sorted *sorted = report_array(report, list->count, sizeof(*sorted));

	to->items = report_array(report, list->count, sizeof(*to->items));
	if (!sorted || !to->items)
		return false;
	for (size_t i = 0; i < list->count; i++)
		sorted[i] = (struct sorted){&list->items[i], input->selection->process_sort};
	if (list->count > 1)
		qsort(sorted, list->count, sizeof(*sorted), compare);
	for (size_t i = 0; i < list->count; i++) {
		if (!fill(report, list, sorted[i].process, &to->items[i]))
			return false;
	}
	to->count = list->count;
	to->shown = list->count;
	if (input->selection->processes > 0 && input->selection->processes < to->shown)
		to->shown = input->selection->processes;
	return true;
}

static uint64_t group_key(const struct report_process *p)
{
	uint64_t key = p->parent.has_value ? p->parent.value : UINT32_MAX;

	for (const char *c = p->name.value; *c != '\0'; c++)
		key = (key ^ (uint8_t)*c) * 0x100000001b3;
	return key;
}

static int most_first(const void *a, const void *b)
{
	const struct report_ended *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

static struct report_string name_of(const struct report_processes *p,
				    const struct report_number *pid)
{
	for (size_t i = 0; pid->has_value && i < p->count && !p->items[i].exited; i++) {
		if (p->items[i].pid == pid->value)
			return p->items[i].name;
	}
	return (struct report_string){NULL, "no process that runs has that pid"};
}

/* False when memory is out. */
static bool add_to_group(struct report_processes *p, struct hash *groups,
			 const struct report_process *process)
{
	uint64_t key = group_key(process);
	uint32_t index;

	if (!hash_find(groups, key, &index)) {
		index = (uint32_t)p->ended_count++;
		p->ended[index] =
			(struct report_ended){.name = process->name.value,
					      .parent = process->parent,
					      .parent_name = name_of(p, &process->parent)};
		if (!hash_add(groups, key, index))
			return false;
	}
	p->ended[index].count++;
	p->ended[index].without_handle += process->held.has_value && process->held.value == 0;
	return true;
}

static bool group_ended(const struct plugin_input *input, struct report *report)
{
	struct report_processes *p = &report->processes;
	struct hash groups;
	bool fits = true;

	p->ended = report_array(report, input->processes->exited, sizeof(*p->ended));
	hash_init(&groups);
	for (size_t i = 0; i < p->count && fits && p->ended; i++) {
		if (p->items[i].exited)
			fits = add_to_group(p, &groups, &p->items[i]);
	}
	hash_fini(&groups);
	if (p->ended_count > 1)
		qsort(p->ended, p->ended_count, sizeof(*p->ended), most_first);
	return fits && p->ended;
}

static bool describe(const struct plugin_input *input, struct report *report)
{
	const struct process_list *list = input->processes;
	struct report_processes *p = &report->processes;

	*p = (struct report_processes){.available = true,
				       .head = list->head,
				       .head_source = list->head_source,
				       .complete = list->complete,
				       .same_page_tables = list->same_dtb,
				       .running = list->running,
				       .exited = list->exited,
				       .unknown = list->unknown,
				       .handles = list->handles,
				       .handles_unknown = list->handles_unknown};
	p->offsets_source = report_text(report, "%s", list->offsets_source);
	p->count_source = (struct report_string){
		list->count_source, list->count_source ? NULL : "a handle table has one count"};
	if (!list->complete || list->note[0] != '\0')
		p->remark = report_text(report, "%s",
					list->note[0] != '\0' ? list->note : "no reason is known");
	return p->offsets_source && (list->complete || p->remark);
}

enum ps_status plugin_processes(const struct plugin_input *input, struct report *report,
				struct ps_error *err)
{
	if (!input->processes) {
		report->processes.note = error_text(report, input->processes_error);
		if (input->processes_error && input->processes_error->hint[0] != '\0')
			report->processes.hint =
				report_text(report, "%s", input->processes_error->hint);
		return report->processes.note ? PS_OK : ps_fail_memory(err, "the report");
	}
	if (!describe(input, report) || !fill_all(input, report) || !group_ended(input, report))
		return ps_fail_memory(err, "the processes in the report");
	if (report->view == VIEW_PROCESSES &&
	    (!report->processes.complete || report->processes.handles_unknown > 0))
		report->incomplete = true;
	return PS_OK;
}
