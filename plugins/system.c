/*
 * The machine and its end: identity from the kernel where one was found, else what the crash
 * header states. Not supported yet: the computer's name, which lies in the registry.
 */
#include "plugins/plugin.h"

#include <inttypes.h>
#include <string.h>

#include "plugins/bugcheck_words.h"

static const char no_header[] = "the file does not state it";

static struct report_number number(const struct fact *fact, const char *note)
{
	return (struct report_number){fact->known, fact->value, fact->known ? NULL : note};
}

static struct report_string string(struct report *report, const char *value, const char *note)
{
	struct report_string s = {value ? report_text(report, "%s", value) : NULL, NULL};

	if (!s.value)
		s.note = value ? "out of memory" : note;
	return s;
}

static void times(const struct machine_facts *facts, struct report *report)
{
	struct report_system *s = &report->system;

	s->crash_time.note = no_header;
	if (facts->system_time.known)
		s->crash_time = (struct report_string){
			filetime_text(report, facts->system_time.value), NULL};
	s->uptime_seconds = number(&facts->uptime, no_header);
	s->uptime_seconds.value /= 10000000;
}

static void bugcheck(const struct machine_facts *facts, struct report *report)
{
	struct report_bugcheck *b = &report->system.bugcheck;

	b->known = facts->bugcheck_code.known;
	b->note = no_header;
	report->system.crashed =
		b->known && !bugcheck_is_live((uint32_t)facts->bugcheck_code.value);
	if (!b->known)
		return;
	b->code = (uint32_t)facts->bugcheck_code.value;
	b->name = string(report, bugcheck_name(b->code), "this version has no name for the code");
	for (unsigned i = 0; i < 4; i++)
		b->parameters[i] = facts->bugcheck_parameters[i];
}

/* What can be said without a kernel. */
static void from_header(const struct machine_facts *facts, struct report *report, const char *why)
{
	struct report_system *s = &report->system;
	bool pae = facts->machine == MACHINE_X86 && facts->pae == TRI_YES;

	s->product.note = why;
	s->service_pack.note = why;
	s->build_lab.note = why;
	s->kernel_pdb_name.note = why;
	s->kernel_pdb_guid_age.note = why;
	s->located_by.note = why;
	s->kernel_base.note = why;
	s->arch = string(report,
			 facts->machine == MACHINE_UNKNOWN
				 ? NULL
				 : (pae ? "x86-pae" : machine_name(facts->machine)),
			 why);
	s->build = number(&facts->build, no_header);
	s->processors = number(&facts->processors, no_header);
	s->directory_table_base = number(&facts->dtb, no_header);
	s->kdbg = number(&facts->kdbg, why);
}

/* "structure around KDBG's PoolTrackTable", or which symbols. */
static const char *tables_words(const struct pool_globals *g, struct report *report)
{
	if (g->symbols[0] == '\0')
		return g->found_by;
	return report_text(report, "symbols (%s)", g->symbols);
}

static const char *located_by(const struct plugin_input *input, struct report *report)
{
	const struct kernel *k = input->kernel;
	const struct pool_globals *g;
	bool la57 = space_paging(k->space) == PAGING_X64_LA57;
	const char *levels = la57 ? " (five levels)" : "", *tables;

	if (input->dump->holds == HOLDS_RANGES)
		return report_text(report,
				   "KDBG: %s; modules: the minidump's lists; no symbols used",
				   k->kdbg_found_by);
	if (!input->pools)
		return report_text(report, "page tables: %s%s; KDBG: %s", k->dtb_found_by, levels,
				   k->kdbg_found_by);
	g = &input->pools->globals;
	tables = tables_words(g, report);
	return tables ? report_text(report,
				    "page tables: %s%s; KDBG: %s; tag tables: %s, %" PRIu64
				    " of %" PRIu64 " tags where hash %c puts them%s",
				    k->dtb_found_by, levels, k->kdbg_found_by, tables, g->votes,
				    g->voters, g->hash, g->symbols[0] ? "" : "; no symbols used")
		      : NULL;
}

static void from_kernel(const struct plugin_input *input, struct report *report)
{
	const struct kernel *k = input->kernel;
	struct report_system *s = &report->system;
	static const char no_pdb[] = "the kernel's debug directory is not in the dump";

	s->product = string(report, kernel_product_name(k), "no product is known for this build");
	s->service_pack = string(report, k->service_pack, "the kernel records none");
	s->build_lab = string(report, k->build_lab, "the build lab string is not in the dump");
	s->arch = string(report, k->arch, "unknown");
	s->build = number(&k->build, "neither the header nor the kernel states it");
	s->processors = number(&k->processors, "neither the header nor the kernel states it");
	s->directory_table_base = (struct report_number){true, space_dtb(k->space), NULL};
	if (input->dump->holds == HOLDS_RANGES)
		s->directory_table_base = number(&input->dump->facts.dtb, no_header);
	s->kernel_base = (struct report_number){true, k->base, NULL};
	s->kdbg = (struct report_number){k->kdbg.va != 0, k->kdbg.va, "not found"};
	s->kernel_pdb_name =
		string(report, k->image.pdb_present ? k->image.pdb_name : NULL, no_pdb);
	s->kernel_pdb_guid_age =
		string(report, k->image.pdb_present ? k->image.guid_age : NULL, no_pdb);
	s->located_by = (struct report_string){located_by(input, report), NULL};
}

/* What a finding says is not noted a second time. */
static bool said_by_finding(const struct plugin_input *input, const char *note)
{
	const struct module_list *loaded = &input->kernel->modules;
	const struct module_list *unloaded = &input->kernel->unloaded;

	if (!(input->selection->sections & SECTION_FINDINGS))
		return false;
	return (!loaded->complete && loaded->note[0] && strstr(note, loaded->note)) ||
	       (!unloaded->complete && unloaded->note[0] && strstr(note, unloaded->note));
}

static bool kernel_notes(const struct plugin_input *input, struct report *report)
{
	const struct kernel *k = input->kernel;

	for (unsigned i = 0; i < k->note_count; i++) {
		if (!said_by_finding(input, k->notes[i]) &&
		    !add_notes(report, &report->system.notes, k->notes[i], sizeof(k->notes[0]), 1))
			return false;
	}
	return true;
}

enum ps_status plugin_system(const struct plugin_input *input, struct report *report,
			     struct ps_error *err)
{
	const struct machine_facts *facts = &input->dump->facts;
	struct report_system *s = &report->system;
	bool fits = true;

	report->has_system = true;
	s->computer_name.note = "this version does not read the registry";
	s->physical_pages = number(&facts->physical_pages, no_header);
	times(facts, report);
	bugcheck(facts, report);
	if (input->kernel) {
		from_kernel(input, report);
		fits = s->located_by.value && kernel_notes(input, report);
	} else {
		const char *why = error_text(report, input->kernel_error);

		/* of a header alone there is nothing more to say */
		if (input->dump->holds != HOLDS_NOTHING)
			report->incomplete = true;
		fits = why != NULL;
		from_header(facts, report, why);
	}
	return fits ? PS_OK : ps_fail_memory(err, "the report");
}
