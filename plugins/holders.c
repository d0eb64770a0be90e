/*
 * Who holds the objects whose tags stand out: Windows allocates them on behalf of others, so the
 * owner of the tag is not to blame. Outstanding numbers of the tag tables are held against the
 * processes, their handle tables, and the handles to processes that have ended.
 *
 * Not supported: handle tables by kind of object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"
#include "plugins/subject.h"

enum {
	EXITED_INFO = 200,
	EXITED_WARNING = 1000,
	HANDLES_WARNING = 100000,
	NAMED = 3,    /* handle tables in a sentence */
	LISTED = 6,   /* lines of evidence of each kind */
	HOLDERS = 40, /* tags that can be spoken of */
	NAMES_TEXT = 256,
};

static const struct kind {
	char tag[5];
	const char *words; /* more than one of them */
} kinds[] = {
	{"ALPC", "ALPC ports"},
	{"Desk", "desktops"},
	{"Even", "events"},
	{"EtwR", "trace registrations"},
	{"File", "file objects"},
	{"IoCo", "completion ports"},
	{"Job ", "jobs"},
	{"Key ", "registry keys"},
	{"Muta", "mutants"},
	{"Port", "LPC ports"},
	{"Proc", "process objects"},
	{"Sect", "sections"},
	{"Sema", "semaphores"},
	{"Symb", "symbolic links"},
	{"Thre", "thread objects"},
	{"Timr", "timers"},
	{"Toke", "access tokens"},
};

static uint32_t tag_of(const char *text)
{
	return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
	       (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

static const struct kind *kind_of(uint32_t tag)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (tag_of(kinds[i].tag) == tag)
			return &kinds[i];
	}
	return NULL;
}

/* Of both pools; 0: no row, or none outstanding. */
static uint64_t outstanding_of(const struct plugin_input *input, uint32_t tag, bool *ret_exact)
{
	const struct tag_row *row = input->pools ? pools_row(input->pools, tag) : NULL;
	int64_t count = row ? row->nonpaged.diff + row->paged.diff : 0;

	*ret_exact = row && row->complete;
	return count > 0 ? (uint64_t)count : 0;
}

static bool remember(struct report *report, uint32_t tag, enum finding_id id, const char *text)
{
	if (!report->holders)
		report->holders = report_array(report, HOLDERS, sizeof(*report->holders));
	if (!report->holders || !text)
		return false;
	if (report->holder_count < HOLDERS)
		report->holders[report->holder_count++] =
			(struct report_holder){tag, text, finding_info(id)->id};
	return true;
}

/* The n-th running process by handles; the list is sorted by them. */
static const struct report_process *nth_table(const struct report *report, size_t n)
{
	const struct report_processes *p = &report->processes;

	return n < p->count && !p->items[n].exited && p->items[n].handles.has_value ? &p->items[n]
										    : NULL;
}

/* "a.exe (pid 4, 3012 handles), b.exe (...)" */
static void name_tables(const struct report *report, char text[NAMES_TEXT])
{
	const struct report_process *p;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < NAMED && (p = nth_table(report, i)) != NULL; i++)
		used += (size_t)snprintf(text + used, NAMES_TEXT - used,
					 "%s%.20s (pid %" PRIu64 ", %" PRIu64 " handles)",
					 i ? ", " : "", p->name.value, p->pid, p->handles.value);
}

static bool list_tables(struct report *report, struct report_finding *f)
{
	const struct report_process *p;

	for (size_t i = 0; i < LISTED && (p = nth_table(report, i)) != NULL; i++) {
		if (!finding_evidence(f, report_text(report,
						     "%s (pid %" PRIu64 "): %" PRIu64 " handles",
						     p->name.value, p->pid, p->handles.value)))
			return false;
	}
	return true;
}

/* The process that has most handles to processes that have ended; NULL: none has. */
static const struct report_process *best_holder(const struct report *report)
{
	const struct report_processes *p = &report->processes;
	const struct report_process *best = NULL;

	for (size_t i = 0; i < p->count && !p->items[i].exited; i++) {
		const struct report_process *x = &p->items[i];

		if (x->holds.has_value && x->holds.value > 0 &&
		    (!best || x->holds.value > best->holds.value))
			best = x;
	}
	return best;
}

static size_t without_handle(const struct report_processes *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->ended_count; i++)
		count += p->ended[i].without_handle;
	return count;
}

static bool list_ended(struct report *report, struct report_finding *f)
{
	const struct report_processes *p = &report->processes;
	const struct report_process *holder = best_holder(report);
	size_t none = without_handle(p);

	for (size_t i = 0; i < p->ended_count && i < LISTED; i++) {
		const struct report_ended *e = &p->ended[i];
		const char *text =
			e->parent_name.value
				? report_text(
					  report, "%zu named %s, started by %s (pid %" PRIu64 ")",
					  e->count, e->name, e->parent_name.value, e->parent.value)
				: report_text(report, "%zu named %s", e->count, e->name);

		if (!finding_evidence(f, text))
			return false;
	}
	if (holder && !finding_evidence(f, report_text(report,
						       "%s (pid %" PRIu64 ") has %s%" PRIu64
						       " handles to processes that have ended",
						       holder->name.value, holder->pid,
						       holder->holds_at_least ? "at least " : "",
						       holder->holds.value)))
		return false;
	return none == 0 ||
	       finding_evidence(f,
				report_text(report,
					    "to %zu of them nobody has a handle: the kernel or a "
					    "driver refers to them",
					    none));
}

/* Who refers to those that have ended; `text` is empty when nothing is known. */
static void name_holder(const struct report *report, char text[NAMES_TEXT])
{
	const struct report_processes *p = &report->processes;
	const struct report_process *holder = best_holder(report);
	size_t none = without_handle(p);
	int used = 0;

	text[0] = '\0';
	if (holder)
		used = snprintf(text, NAMES_TEXT,
				"; %.20s (pid %" PRIu64 ") has %s%" PRIu64 " handles to them",
				holder->name.value, holder->pid,
				holder->holds_at_least ? "at least " : "", holder->holds.value);
	if (none > 0 && none >= p->exited / 2)
		snprintf(
			text + used, NAMES_TEXT - (size_t)used,
			"; to %zu of them nobody has a handle, so the kernel or a driver refers to "
			"them",
			none);
}

/* "3204 Proc objects are outstanding: 12 processes run, and 3197 have ended ..." */
static const char *ended_words(const struct plugin_input *input, struct report *report)
{
	const struct report_processes *p = &report->processes;
	const char *mark = p->complete ? "" : "at least ";
	char objects[64] = "", tables[NAMES_TEXT], holder[NAMES_TEXT];
	bool exact;
	uint64_t outstanding = outstanding_of(input, tag_of("Proc"), &exact);

	if (outstanding > 0)
		snprintf(objects, sizeof(objects),
			 "%s%" PRIu64 " Proc objects are outstanding: ", exact ? "" : "about ",
			 outstanding);
	name_holder(report, holder);
	name_tables(report, tables);
	return report_text(
		report,
		"%s%s%zu processes run, and %s%zu have ended and are still referenced%s; "
		"the largest handle tables are %s",
		objects, mark, p->running, mark, p->exited, holder,
		tables[0] ? tables : "not known");
}

static bool word_ended(const struct plugin_input *input, struct report *report, bool asked)
{
	const struct report_processes *p = &report->processes;
	bool is_warning = p->exited >= EXITED_WARNING && p->exited > p->running;
	const char *words;
	struct report_finding *f;

	if (p->exited == 0 || (p->exited < EXITED_INFO && !asked))
		return true;
	f = finding_begin(report, FINDING_EXITED_PROCESSES,
			  is_warning ? SEVERITY_WARNING : SEVERITY_INFO,
			  "Processes that have ended are still referenced");
	words = ended_words(input, report);
	if (!f || !words || !list_ended(report, f))
		return false;
	f->detail = report_text(report, "%s.", words);
	f->next_step = "poolscope processes FILE; whoever holds them has to close its handles or "
		       "release its references";
	if (!f->detail || !remember(report, tag_of("Proc"), FINDING_EXITED_PROCESSES, words))
		return false;
	return !is_warning || remember(report, 0, FINDING_EXITED_PROCESSES, words);
}

static bool word_many_handles(struct report *report)
{
	const struct report_process *p = nth_table(report, 0);
	struct report_finding *f;

	if (!p || p->handles.value < HANDLES_WARNING)
		return true;
	f = finding_begin(report, FINDING_MANY_HANDLES, SEVERITY_WARNING,
			  "A process has very many handles open");
	if (!f || !list_tables(report, f))
		return false;
	f->detail = report_text(
		report,
		"%s (pid %" PRIu64 ") has %" PRIu64 " of the %s%" PRIu64 " handles that are open.",
		p->name.value, p->pid, p->handles.value,
		report->processes.handles_unknown ? "at least " : "", report->processes.handles);
	f->next_step = "its handles by type on the running machine; poolscope processes FILE";
	return f->detail &&
	       remember(report, 0, FINDING_MANY_HANDLES,
			report_text(report, "%s (pid %" PRIu64 ") has %" PRIu64 " handles open",
				    p->name.value, p->pid, p->handles.value));
}

/* What the handle tables say about so many objects of one kind. */
static const char *object_words(struct report *report, const struct kind *kind, uint64_t count,
				bool exact)
{
	const struct report_processes *p = &report->processes;
	const struct report_process *most = nth_table(report, 0);
	bool all = p->complete && p->handles_unknown == 0;
	char tables[NAMES_TEXT];
	const char *about = exact ? "" : "about ";

	if (most && most->handles.value >= count / 2)
		return report_text(report,
				   "%s%" PRIu64 " %s are outstanding, and %s (pid %" PRIu64
				   ") has %" PRIu64
				   " handles open, enough for most of them: look there first",
				   about, count, kind->words, most->name.value, most->pid,
				   most->handles.value);
	name_tables(report, tables);
	if (all && exact && count > p->handles)
		return report_text(report,
				   "%" PRIu64 " %s are outstanding, but only %" PRIu64
				   " handles are open in all: at least %" PRIu64
				   " are kept by references of the kernel or of a driver",
				   count, kind->words, p->handles, count - p->handles);
	return report_text(report,
			   "%s%" PRIu64 " %s are outstanding; the largest handle tables%s are %s",
			   about, count, kind->words, all ? "" : ", of those that could be read,",
			   tables[0] ? tables : "not known");
}

static const char *unread_words(struct report *report)
{
	const struct report_processes *p = &report->processes;

	return report_text(report, "Who holds them cannot be said: %s",
			   p->note ? p->note : "the processes were not read");
}

static const char *next_words(struct report *report)
{
	const struct report_processes *p = &report->processes;

	if (p->available)
		return "poolscope processes FILE";
	return report_text(report, "the handle counts of all processes on the running machine%s%s",
			   p->hint ? "; for the dump, " : "", p->hint ? p->hint : "");
}

static bool word_objects(const struct plugin_input *input, struct report *report, uint32_t tag)
{
	const struct kind *kind = kind_of(tag);
	struct report_finding *f;
	char name[TAG_TEXT];
	const char *words;
	uint64_t count;
	bool exact;

	if (!kind)
		return true;
	if (tag == tag_of("Proc") && report->processes.available && report->processes.exited > 0)
		return word_ended(input, report, true);
	f = finding_begin(
		report, FINDING_OBJECT_HOLDERS, SEVERITY_INFO,
		report_text(report, "Who holds the objects of tag %s", tag_text(tag, name)));
	count = outstanding_of(input, tag, &exact);
	words = report->processes.available ? object_words(report, kind, count, exact)
					    : unread_words(report);
	if (!f || !f->title || !words || !list_tables(report, f))
		return false;
	f->detail = report_text(report, "%s.", words);
	f->next_step = next_words(report);
	return f->detail && f->next_step && remember(report, tag, FINDING_OBJECT_HOLDERS, words);
}

static bool is_spoken_of(const struct report *report, uint32_t tag)
{
	for (size_t i = 0; i < report->holder_count; i++) {
		if (report->holders[i].tag == tag)
			return true;
	}
	return false;
}

static bool word_findings(const struct plugin_input *input, struct report *report)
{
	struct subject subject;
	bool fits = true;

	for (size_t i = 0; i < report->suspect_count && fits; i++) {
		if (!is_spoken_of(report, report->suspects[i].tag))
			fits = word_objects(input, report, report->suspects[i].tag);
	}
	if (fits && subject_choose(report, &subject) && !is_spoken_of(report, subject.tag))
		fits = word_objects(input, report, subject.tag);
	if (fits && report->processes.available && !is_spoken_of(report, tag_of("Proc")))
		fits = word_ended(input, report, false);
	return fits && (!report->processes.available || word_many_handles(report));
}

/* Of the tags that were asked for by name. */
static bool note_owners(const struct plugin_input *input, struct report *report)
{
	for (size_t i = 0; i < report->owner_count; i++) {
		struct report_owner *owner = &report->owners[i];
		const struct kind *kind = kind_of(owner->tag);
		bool exact;
		uint64_t count = kind ? outstanding_of(input, owner->tag, &exact) : 0;
		const char *words;

		if (count == 0)
			continue;
		if (!report->processes.available)
			words = unread_words(report);
		else if (owner->tag == tag_of("Proc"))
			words = ended_words(input, report);
		else
			words = object_words(report, kind, count, exact);
		if (!words || !add_note(report, &owner->notes, report_text(report, "%s.", words)))
			return false;
	}
	return true;
}

enum ps_status plugin_holders(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	bool fits = true;

	if (input->selection->sections & SECTION_FINDINGS)
		fits = word_findings(input, report);
	if (fits && input->selection->sections & SECTION_EVIDENCE && input->dump)
		fits = note_owners(input, report);
	return fits ? PS_OK : ps_fail_memory(err, "the holders of objects");
}
